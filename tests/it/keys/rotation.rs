//! Keys that are changed while a session trades.

use std::{collections::BTreeMap, path::PathBuf, sync::OnceLock, time::Duration};

use rustix::process::Signal;
use sandpit_core::{engine::Record, order::OrderState};
use sandpit_journal::journal::{Entry, HostRecord, Row};

use super::{LOOKS, add, far::way_to, notes, put, start, trade};
use crate::{
    live::{Session, Stage, built, compared::Journaled, exchange::secret, maker, venue},
    support::root,
};

/// How often the key is changed.
const SWAPS: usize = 20;
/// Requests that are under way.
const UNDER_WAY: usize = 200;
/// How long a message takes to the exchange, and as long back.
const WAY: Duration = Duration::from_millis(250);

fn swarm() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built(&root().join("tests/it/keys/swarm"), "swarm"))
}

/// Names of keys, none of which is the beginning of another.
fn key(at: usize) -> String {
    format!("hostkeynumber{at:02}of21")
}

fn count(rows: &[Row], what: &str) -> usize {
    notes(rows).iter().filter(|note| note.contains(what)).count()
}

/// Waits until so many keys before the one in use are used by nothing any more.
fn wait_for_retired(session: &mut Session<'_>, retired: usize) {
    session.wait_until("that nothing uses the old key", |session| {
        (count(&session.rows(), "nothing uses the key before") >= retired).then_some(())
    });
}

/// How many requests were under way at each change of keys: orders whose fate, or whose cancel's, was
/// not told yet.
fn under_way(rows: &[Row]) -> Vec<usize> {
    let mut states: BTreeMap<String, OrderState> = BTreeMap::new();
    let mut counts = Vec::new();
    for row in rows {
        match &row.entry {
            Entry::Core(Record::Submitted { order, .. }) => {
                states.insert(order.id.to_string(), OrderState::Submitted);
            }
            Entry::Core(Record::Moved { order, to, .. }) => {
                states.insert(order.to_string(), *to);
            }
            Entry::Core(Record::Closed { order, .. }) => {
                states.remove(&order.id.to_string());
            }
            Entry::Host(HostRecord::Note(text)) if text.contains("signs with") => {
                let waits = |state: &&OrderState| {
                    matches!(state, OrderState::Submitted | OrderState::PendingCancel)
                };
                counts.push(states.values().filter(waits).count());
            }
            _ => {}
        }
    }
    counts
}

#[test]
fn twenty_changes_of_the_key_under_load_lose_no_order_and_double_none() {
    let stage = Stage::new();
    let first = key(0);
    let exchange = start(&stage, &[(&first, "")]);
    let far = way_to(&exchange.address, WAY);
    put(stage.path(), &first, &secret(&first));
    let plugin = format!(
        "[keys]\npoll_s = 86400\n[sandbox_total]\nintents_per_second_max = 100000\n[account]\n\
         open_orders_max = 2000\n[[plugins]]\nname = \"swarm\"\ncomponent = {:?}\n\
         budget = \"1000000\"\ninstruments = [\"BTCUSDT\"]\n[plugins.limits]\n\
         open_orders_max = 1000\n[plugins.sandbox]\nintents_per_call_max = 1000\n\
         intents_per_second_max = 100000\ncall_deadline_ms = 10000\nqueue_lag_ms_max = 60000\n\
         cpu_share_percent_max = 100\n",
        swarm()
    );
    stage.configure(&venue(&["BTCUSDT"], &far, "testnet"), &plugin);
    let mut session = trade(&stage);
    session.wait_until("many requests", |session| {
        (Journaled::new(&session.rows()).orders.len() > UNDER_WAY).then_some(())
    });
    for at in 1..=SWAPS {
        let (old, new) = (key(at - 1), key(at));
        add(&exchange, "host", &new, "");
        put(stage.path(), &new, &secret(&new));
        let told = session.ask(&["secrets", "rotate"]).ends(0).json();
        assert!(told["done"].as_str().unwrap().contains("signs from now on"), "{told:#}");
        // Only then it is taken away, as an operator would.
        wait_for_retired(&mut session, at);
        exchange.control("key/revoke", &format!("apiKey={old}"));
    }
    let orders = Journaled::new(&session.rows()).orders.len();
    session.wait_until("orders with the last key", |session| {
        (Journaled::new(&session.rows()).orders.len() > orders + UNDER_WAY).then_some(())
    });
    let status = session.ask(&["status"]).ends(0).json();
    assert_eq!(status["line"]["orders"], true, "{status:#}");
    assert_eq!(status["masked"], 0, "{status:#}");
    let said = session.end();
    assert_eq!(said["orders_in_doubt"], 0, "{said:#}");
    assert_eq!(said["open_orders"], 0, "{said:#}");

    // Nobody knows the old keys any more, and the last one is known.
    for at in 0..SWAPS {
        let (status, told) = exchange.signed_by(&key(at), "GET", "/api/v3/account", "");
        assert_eq!((status, told["code"].as_i64()), (401, Some(-2015)), "{told}");
    }
    let (status, told) = exchange.signed_by(&key(SWAPS), "GET", "/api/v3/account", "");
    assert_eq!(status, 200, "{told}");

    let rows = stage.journal();
    let journaled = Journaled::new(&rows);
    journaled.check(&exchange.books(&["BTCUSDT"]));
    let lost = journaled.closed.values().filter(|state| **state != OrderState::Canceled).count();
    assert_eq!(lost, 0, "orders that ended otherwise than by our cancel");
    assert_eq!(count(&rows, "the account's events are down"), 0, "{:#?}", notes(&rows));
    let counts = under_way(&rows);
    println!("under way at each change: {counts:?}; orders: {}", journaled.orders.len());
    assert_eq!(counts.len(), SWAPS);
    let most = counts.iter().max().copied().unwrap_or_default();
    assert!(most >= UNDER_WAY, "{counts:?}");
    assert!(counts.iter().all(|count| *count >= UNDER_WAY / 2), "{counts:?}");
    // What the journal has of keys is no key.
    let text = notes(&rows).concat();
    assert!((0..=SWAPS).all(|at| !text.contains(&key(at))), "{text}");
}

#[test]
fn a_key_is_changed_by_a_signal_and_when_its_place_has_another() {
    let stage = Stage::new();
    let keys = [key(0), key(1), key(2)];
    let exchange = start(&stage, &[(&keys[0], ""), (&keys[1], ""), (&keys[2], "")]);
    for (poll_s, by_signal) in [(86_400, true), (1, false)] {
        let from = usize::from(!by_signal);
        put(stage.path(), &keys[from], &secret(&keys[from]));
        let rest = format!("[keys]\npoll_s = {poll_s}\n{}", maker("btc", "BTCUSDT", "0.1"));
        stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &rest);
        let mut session = trade(&stage);
        let before = count(&session.rows(), "nothing uses the key before");
        put(stage.path(), &keys[from + 1], &secret(&keys[from + 1]));
        if by_signal {
            session.signal(Signal::HUP);
        }
        wait_for_retired(&mut session, before + 1);
        exchange.control("key/revoke", &format!("apiKey={}", keys[from]));
        let orders = Journaled::new(&session.rows()).orders.len();
        session.wait_until("orders with the new key", |session| {
            (Journaled::new(&session.rows()).orders.len() > orders).then_some(())
        });
        let rows = session.rows();
        let asked = |row: &Row| {
            matches!(&row.entry, Entry::Host(HostRecord::Operator { via, command, .. })
                if via == "signal" && command == "rotate-keys")
        };
        assert!(rows.iter().any(asked), "the signal is in the journal");
        session.end();
    }
    Journaled::new(&stage.journal()).check(&exchange.books(&["BTCUSDT"]));
}

#[test]
fn a_key_that_the_exchange_does_not_take_changes_nothing() {
    let stage = Stage::new();
    let first = key(0);
    let exchange = start(&stage, &[(&first, "")]);
    put(stage.path(), &first, &secret(&first));
    let rest = format!("[keys]\npoll_s = 86400\n{}", maker("btc", "BTCUSDT", "0.1"));
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &rest);
    add(&exchange, "host", "testkeythatwithdraws", "&withdrawals=true");
    let mut session = trade(&stage);
    for (new, its_secret, why) in [
        ("hostkeythatisnone", secret("hostkeythatisnone"), "-2015"),
        (first.as_str(), "notitssecret".to_owned(), "ignature"),
        ("somebodyskey", secret("somebodyskey"), "another account"),
        ("testkeythatwithdraws", secret("testkeythatwithdraws"), "withdraw"),
        (LOOKS, secret(LOOKS), "trade"),
    ] {
        put(stage.path(), new, &its_secret);
        let told = session.ask(&["secrets", "rotate"]).ends(1).json();
        assert_eq!(told["error"]["code"], "key-kept", "{told:#}");
        assert!(told.to_string().contains(why), "`{why}` for {new}: {told:#}");
        let rows = session.rows();
        let alerts = notes(&rows);
        let alert = alerts.iter().rfind(|note| note.starts_with("alert: the key stays"));
        assert!(alert.is_some_and(|alert| alert.contains(why)), "{alerts:#?}");
    }
    // A file that is none. The command itself would stumble over it, so a signal asks.
    std::fs::write(stage.path().join(".env"), "this is no list of variables").unwrap();
    session.signal(Signal::HUP);
    session.wait_until("a word about it", |session| {
        (count(&session.rows(), "is not of the form NAME=value") > 0).then_some(())
    });
    // The session goes on with the key that it had.
    let orders = Journaled::new(&session.rows()).orders.len();
    session.wait_until("orders with the old key", |session| {
        (Journaled::new(&session.rows()).orders.len() > orders).then_some(())
    });
    put(stage.path(), &first, &secret(&first));
    let told = session.ask(&["secrets", "rotate"]).ends(0).json();
    assert!(told["done"].as_str().unwrap().contains("has no other key"), "{told:#}");
    let status = session.ask(&["status"]).ends(0).json();
    assert_eq!(status["keys"][0]["source"], "env://main/testnet", "{status:#}");
    session.end();
    Journaled::new(&stage.journal()).check(&exchange.books(&["BTCUSDT"]));
}

#[test]
fn one_key_reads_and_another_trades() {
    let stage = Stage::new();
    let (trades, reads) = (key(0), LOOKS);
    let exchange = start(&stage, &[(&trades, "")]);
    put(stage.path(), &trades, &secret(&trades));
    let read = "SANDPIT_MAIN_TESTNET_READ";
    let more = format!("{read}_API_KEY={reads}\n{read}_SECRET={}\n", secret(reads));
    let path = stage.path().join(".env");
    let env = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{env}{more}")).unwrap();
    let keys = "[keys]\nread = \"env://main/testnet/read\"\n";
    let rest = format!("{keys}{}", maker("btc", "BTCUSDT", "0.1"));
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &rest);
    let mut session = trade(&stage);
    session.wait_until("orders", |session| {
        (Journaled::new(&session.rows()).orders.len() > 2).then_some(())
    });
    let status = session.ask(&["status"]).ends(0).json();
    let roles: Vec<_> = status["keys"].as_array().unwrap().iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["to trade", "to read"], "{status:#}");
    session.end();
    Journaled::new(&stage.journal()).check(&exchange.books(&["BTCUSDT"]));
}
