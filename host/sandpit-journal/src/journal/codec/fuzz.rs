//! Bodies of any text. What is read is written again as it was understood, or it is refused. How to
//! run this for longer is in docs/fuzzing.md.

use sandpit_core::engine::Record;

use super::{
    Entry, HostRecord, PREFIX, decode, encode, is_host, kind_of, mirror::Mirror, tests::entries,
};
use crate::journal::{Digest, RawRow};

#[path = "../../../../../tests/fuzz/drive/mod.rs"]
mod drive;

use drive::{Answer, Target, bytes, run};

const TARGET: Target = Target { name: "journal-row", inputs: 250_000, input_bytes_max: 16 * 1024 };

/// What a body says, without its row's columns.
fn said(body: &str) -> Result<Entry, &'static str> {
    let kind = kind_of(body).ok_or("it has no kind")?;
    let inner = format!("{{{}", body.strip_prefix(PREFIX).unwrap_or_default());
    if is_host(kind) {
        let row = serde_json::from_str(&inner).map_err(|_| "its JSON has not the right fields")?;
        HostRecord::from_row(row).map(Entry::Host).map_err(|problem| problem.0)
    } else {
        let row = serde_json::from_str(&inner).map_err(|_| "its JSON has not the right fields")?;
        Record::from_row(row).map(Entry::Core).map_err(|problem| problem.0)
    }
}

#[test]
fn a_body_of_any_text_is_read_or_refused() {
    let corpus = entries(7)
        .chain(entries(8))
        .map(|entry| encode((&entry).into()).unwrap().body.into_bytes())
        .collect();
    let tally = run(TARGET, corpus, bytes::change, |bytes| {
        let body = String::from_utf8_lossy(bytes).into_owned();
        let entry = match said(&body) {
            Ok(entry) => entry,
            Err(problem) => return Answer::Refused(problem.to_owned()),
        };
        let Ok(written) = encode((&entry).into()) else {
            return Answer::Refused("it cannot be written".to_owned());
        };
        let kind = written.kind.clone();
        let row = |body: &str| RawRow {
            seq: 1,
            step: 1,
            at: 0,
            kind: written.kind.clone(),
            plugin: written.plugin,
            instrument: written.instrument,
            order_id: written.order_id.clone(),
            body: body.to_owned(),
            hash: Digest::ZERO,
        };
        assert_eq!(decode(&row(&body)).as_ref(), Ok(&entry));
        assert_eq!(decode(&row(&written.body)).as_ref(), Ok(&entry), "{}", written.body);
        Answer::Taken(kind)
    });
    assert!(tally.taken > tally.inputs / 100 && tally.refused > 0, "{tally:#?}");
}
