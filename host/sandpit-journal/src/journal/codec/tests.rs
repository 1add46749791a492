//! That whatever is written is read again as it was.

use proptest::prelude::*;
use sandpit_core::{
    engine::{LockReason, Record},
    plugin::FaultCode,
    risk::{Denial, DenialCode},
};

use super::{
    HOST_KINDS, decode, encode, is_host,
    mirror::{Mirror, Random},
};
use crate::journal::{
    Digest, RawRow,
    entry::{Entry, HostRecord},
};

fn written(entry: &Entry) -> RawRow {
    let encoded = encode(entry.into()).unwrap();
    RawRow {
        seq: 1,
        step: 1,
        at: 0,
        kind: encoded.kind,
        plugin: encoded.plugin,
        instrument: encoded.instrument,
        order_id: encoded.order_id,
        body: encoded.body,
        hash: Digest::ZERO,
    }
}

pub(super) fn entries(seed: u64) -> impl Iterator<Item = Entry> {
    let mut random = Random(seed);
    let records = Record::every(&mut random).into_iter().map(Entry::Core);
    let host = HostRecord::every(&mut random).into_iter().map(Entry::Host);
    records.chain(host)
}

proptest! {
    #[test]
    fn every_entry_is_read_as_it_was_written(seed: u64) {
        for entry in entries(seed) {
            let row = written(&entry);
            prop_assert_eq!(decode(&row), Ok(entry), "{}", row.body);
        }
    }

    #[test]
    fn hostile_bodies_are_refused_and_never_more(body in "\\PC{0,64}", seed: u64) {
        for (index, entry) in entries(seed).enumerate() {
            let mut row = written(&entry);
            match index % 3 {
                0 => row.body.truncate(row.body.len() - 1),
                1 => row.body = format!("{{\"v\":1,{body}"),
                _ => row.body = row.body.replacen("{\"v\":1,", "{\"v\":2,", 1),
            }
            prop_assert!(decode(&row).is_err(), "{}", row.body);
        }
    }
}

#[test]
fn a_body_is_readable() {
    let mut random = Random(1);
    let Some(note) = HostRecord::every(&mut random).into_iter().find_map(|record| match record {
        HostRecord::Note(_) => Some(HostRecord::Note("by hand".to_owned())),
        _ => None,
    }) else {
        panic!("there is a note");
    };
    let row = written(&Entry::Host(note));
    assert_eq!(
        (row.kind.as_str(), row.body.as_str()),
        ("note", r#"{"v":1,"note":{"text":"by hand"}}"#)
    );
}

#[test]
fn columns_are_those_of_the_body() {
    for entry in entries(7) {
        let row = written(&entry);
        for change in [
            RawRow { kind: "x".to_owned(), ..row.clone() },
            RawRow { plugin: Some(row.plugin.map_or(0, |id| id + 1)), ..row.clone() },
            RawRow { instrument: Some(row.instrument.map_or(0, |id| id + 1)), ..row.clone() },
            RawRow { order_id: Some("sp-1-1-ffff".to_owned()), ..row.clone() },
        ] {
            assert!(decode(&change).is_err(), "{change:?}");
        }
    }
}

#[test]
fn every_kind_is_the_hosts_or_the_engines() {
    let mut kinds = Vec::new();
    for entry in entries(3) {
        let row = written(&entry);
        assert_eq!(is_host(&row.kind), matches!(entry, Entry::Host(_)), "{}", row.kind);
        kinds.push(row.kind);
    }
    for kind in HOST_KINDS {
        assert!(kinds.iter().any(|known| known == kind), "{kind}");
    }
    let all = kinds.len();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), all, "two entries have one kind");
}

/// The name that a body gives an enum's value.
fn name<T: Mirror>(value: &T) -> String {
    match serde_json::to_value(value.to_row()).unwrap() {
        serde_json::Value::String(name) => name,
        serde_json::Value::Object(object) => object.keys().next().unwrap().clone(),
        other => panic!("{other}"),
    }
}

#[test]
fn names_are_the_documented_ones() {
    let mut random = Random(5);
    let denials = Denial::every(&mut random);
    assert_eq!(denials.len(), DenialCode::ALL.len());
    for denial in denials {
        assert_eq!(name(&denial), denial.code().name());
    }
    for code in FaultCode::every(&mut random) {
        assert_eq!(name(&code), code.name());
    }
    for reason in LockReason::every(&mut random) {
        assert_eq!(name(&reason), reason.name());
    }
}
