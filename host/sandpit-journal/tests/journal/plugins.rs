//! Plugins that come after the first row of a file.

use std::path::Path;

use rusqlite::Connection;
use sandpit_core::{
    engine::Record,
    ids::PluginId,
    plugin::{Fault, FaultCode},
    time::UnixNanos,
};
use sandpit_journal::journal::{
    Entry, HostRecord, Journal, JournalError, JournalOptions, JournalReader, Tables, Verdict,
    verify, verify_chain,
};

use super::support::{NOON, money, open, place, rows, tables, write_trades};

fn added(plugin: u16, name: &str) -> Record {
    Record::PluginAdded { plugin: PluginId(plugin), name: name.to_owned(), budget: money("250.0") }
}

fn about(plugin: u16) -> Record {
    let fault = Fault { code: FaultCode::Trap, detail: String::new() };
    Record::Faulted(PluginId(plugin), fault)
}

/// The tables with one more plugin of each name.
fn with(names: &[&str]) -> Tables {
    let mut tables = tables();
    for name in names {
        tables.plugins.push((*name).to_owned());
        tables.budgets.push(money("250.0"));
    }
    tables
}

fn open_with(path: &Path, names: &[&str]) -> Result<Journal, JournalError> {
    Journal::open(path, &with(names), &JournalOptions::default())
}

#[track_caller]
fn differs(result: Result<Journal, JournalError>, expected: &str) {
    match result {
        Err(JournalError::OtherTables { what, .. }) => assert!(what.contains(expected), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plugin_comes_with_a_row_and_keeps_its_place() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 1);
    drop(journal);

    // At a restart the configuration lists one more: its row makes it a plugin of the journal.
    let mut journal = open_with(&path, &["third"]).unwrap();
    assert_eq!((journal.plugins(), journal.began().plugins()), (2, 2));
    journal.append(UnixNanos(NOON + 5), &[added(2, "third")]).unwrap();
    journal.append(UnixNanos(NOON + 6), &[about(2)]).unwrap();
    // And one comes while the host runs.
    journal.append(UnixNanos(NOON + 7), &[added(3, "fourth"), about(3)]).unwrap();
    assert_eq!(journal.plugins(), 4);
    journal.close().unwrap();

    let reader = JournalReader::open(&path).unwrap();
    assert_eq!(reader.tables().plugins, ["cross", "maker", "third", "fourth"]);
    assert_eq!(reader.tables().budgets[2..], [money("250.0"); 2]);
    assert_eq!(reader.began().plugins(), 2);
    assert!(matches!(verify(&path, None), Ok(Verdict::Verified(_))));

    differs(open(&path), "plugin `third` is not there any more");
    differs(open_with(&path, &["third"]), "plugin `fourth` is not there any more");
    differs(open_with(&path, &["fourth", "third"]), "plugin 2 is `fourth` now and was `third`");
    let journal = open_with(&path, &["third", "fourth", "fifth"]).unwrap();
    assert_eq!(journal.plugins(), 4);
}

#[test]
fn a_row_about_a_plugin_that_never_came_is_refused() {
    for record in [about(2), added(3, "x"), added(1, "x"), added(2, &"x".repeat(129))] {
        let (_folder, path) = place();
        let mut journal = open(&path).unwrap();
        let refused = journal.append(UnixNanos(NOON), [&record]).unwrap_err();
        assert!(matches!(refused, JournalError::Refused { .. }), "{record:?}: {refused}");
        assert!(journal.is_poisoned());
        drop(journal);
        assert_eq!(rows(&path).unwrap().len(), 1);
    }
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    let reason = String::new();
    let unloaded = HostRecord::PluginUnloaded { plugin: PluginId(3), reason };
    assert!(journal.append(UnixNanos(NOON), &[unloaded]).is_err());
}

#[test]
fn the_next_file_names_all_in_its_first_row() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    journal.append(UnixNanos(NOON), &[added(2, "third")]).unwrap();
    // None comes by a rotation: the account's guards would take its budget for a profit.
    for names in [&[][..], &["third", "fourth"], &["other"]] {
        let carry: [Record; 0] = [];
        let refused = journal.rotate(UnixNanos(NOON), &with(names), &carry).unwrap_err();
        assert!(matches!(refused, JournalError::OtherTables { .. }), "{names:?}");
    }
    journal.rotate(UnixNanos(NOON), &with(&["third"]), &[about(2)]).unwrap();
    assert_eq!((journal.plugins(), journal.began().plugins()), (3, 3));
    journal.append(UnixNanos(NOON), &[added(3, "fourth")]).unwrap();
    drop(journal);
    assert_eq!(JournalReader::open(&path).unwrap().tables().plugins.len(), 4);
    assert_eq!(verify_chain(&path).unwrap().problem, None);
    let rows = rows(&path).unwrap();
    assert!(
        matches!(&rows[0].entry, Entry::Host(HostRecord::Began(began)) if began.plugins() == 3)
    );
}

#[test]
fn views_show_the_names_of_all() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    journal.append(UnixNanos(NOON), &[added(2, "third"), about(2), about(0)]).unwrap();
    drop(journal);
    let database = Connection::open(&path).unwrap();
    let text = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        text("SELECT id || ' ' || name || ' ' || budget FROM plugins ORDER BY id"),
        ["0 cross 1000.00", "1 maker 1000.00", "2 third 250.00"]
    );
    assert_eq!(text("SELECT plugin FROM alerts ORDER BY seq"), ["third", "cross"]);
}

#[test]
fn hundreds_may_come_and_not_more_than_a_journal_has() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    for plugin in 2..1_024 {
        journal.stage(UnixNanos(NOON), &[added(plugin, "one of many")]).unwrap();
    }
    journal.commit().unwrap();
    assert!(journal.append(UnixNanos(NOON), &[added(1_024, "one too many")]).is_err());
    drop(journal);
    assert_eq!(JournalReader::open(&path).unwrap().tables().plugins.len(), 1_024);
}
