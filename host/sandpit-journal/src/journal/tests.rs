//! What needs the inside: files of other versions. What a journal does as a whole is tested from
//! the outside, in `tests/journal`.

use rusqlite::{Connection, params};
use sandpit_core::{
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    num::{Decimal, Money, Rate},
    time::UnixNanos,
};

use super::{
    Entry, Head, HostRecord, Journal, JournalError, JournalOptions, JournalReader, SCHEMA_VERSION,
    Tables, Verdict, chain::Link, codec, schema, verify,
};

pub(super) fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: Decimal::new(1, 2),
        quantity_step: Decimal::new(1, 3),
        min_quantity: Decimal::new(1, 3),
        max_quantity: Decimal::new(1_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

fn tables() -> Tables {
    Tables {
        instruments: vec![instrument()],
        plugins: vec!["one".to_owned()],
        budgets: vec![Money(1_000)],
        currency: "USDT".to_owned(),
    }
}

/// A file as an older version wrote it: version 1 had no views, version 2 had another of plugins.
fn older(path: &std::path::Path, version: i64) -> Head {
    let mut connection = Connection::open(path).unwrap();
    schema::create_version(&mut connection, version).unwrap();
    let began = HostRecord::Began(tables().began(path, 1, Head::NONE).unwrap());
    let note = HostRecord::Note("from an older version".to_owned());
    let mut head = Head::NONE;
    for (seq, entry) in (1u32..).zip([&began, &note]) {
        let encoded = codec::encode(entry.into()).unwrap();
        let link = Link {
            seq: u64::from(seq),
            step: u64::from(seq),
            at: 5,
            kind: &encoded.kind,
            plugin: None,
            instrument: None,
            order_id: None,
            body: &encoded.body,
        };
        head = Head { seq: link.seq, hash: link.hash(&head.hash) };
        connection
            .execute(
                "INSERT INTO journal VALUES (?1, ?1, 5, ?2, NULL, NULL, NULL, ?3, ?4)",
                params![seq, encoded.kind, encoded.body, head.hash.0],
            )
            .unwrap();
    }
    head
}

fn version_of(path: &std::path::Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn an_older_file_is_read_as_it_is_and_migrated_when_it_is_written() {
    for version in 1..SCHEMA_VERSION {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.journal");
        let head = older(&path, version);

        let Verdict::Verified(verified) = verify(&path, Some(head)).unwrap() else { panic!() };
        assert_eq!((verified.rows, verified.head), (2, head));
        assert_eq!(JournalReader::open(&path).unwrap().entries().count(), 2);
        assert_eq!(version_of(&path), version, "reading changes nothing");

        let mut journal = Journal::open(&path, &tables(), &JournalOptions::default()).unwrap();
        assert_eq!(journal.head(), head, "no row changes");
        let note = HostRecord::Note("from the present version".to_owned());
        journal.append(UnixNanos(6), [&note]).unwrap();
        let entries: Vec<_> = journal.entries().map(|row| row.unwrap().entry).collect();
        assert_eq!(entries.last(), Some(&Entry::Host(note)));
        let head = journal.close().unwrap();
        assert_eq!(version_of(&path), SCHEMA_VERSION);
        let Verdict::Verified(verified) = verify(&path, Some(head)).unwrap() else { panic!() };
        assert_eq!(verified.rows, 3);
        let plugins: i64 = Connection::open(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM plugins", [], |row| row.get(0))
            .unwrap();
        assert_eq!(plugins, 1);
        let views: i64 = Connection::open(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM fills", [], |row| row.get(0))
            .unwrap();
        assert_eq!(views, 0);
    }
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.journal");
    older(&path, 1);
    let newer = SCHEMA_VERSION + 1;
    schema::mark_version(&Connection::open(&path).unwrap(), newer).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = |error: JournalError| {
        assert!(matches!(error, JournalError::Newer { found, .. } if found == newer), "{error}");
        assert!(error.to_string().contains("new.journal"), "{error}");
    };
    refused(Journal::open(&path, &tables(), &JournalOptions::default()).unwrap_err());
    refused(JournalReader::open(&path).unwrap_err());
    refused(verify(&path, None).unwrap_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
