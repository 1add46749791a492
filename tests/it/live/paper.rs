//! Paper sessions on a live market: no key, simulated fills, a memory that survives.

use std::{collections::BTreeMap, fs};

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Exchange, Session, Stage, compared::Journaled, listener, maker, run, venue};

const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// What a session says that its plugins have, by symbol.
fn held(said: &Value) -> BTreeMap<String, Decimal> {
    let mut held = BTreeMap::new();
    for plugin in said["plugins"].as_array().unwrap() {
        for position in plugin["positions"].as_array().unwrap() {
            let symbol = position["instrument"].as_str().unwrap().to_owned();
            *held.entry(symbol).or_default() += decimal(&position["quantity"]);
        }
    }
    held
}

/// Asserts that what a session says it has is what its journal has.
fn check(said: &Value, journaled: &Journaled) {
    let mut booked = BTreeMap::new();
    for (instrument, quantity) in &journaled.held {
        if !quantity.is_zero() {
            booked.insert(SYMBOLS[usize::from(*instrument)].to_owned(), *quantity);
        }
    }
    assert_eq!(held(said), booked, "positions by the session, and by its journal");
    assert_eq!(said["orders"].as_u64(), u64::try_from(journaled.orders.len()).ok());
    assert_eq!(said["orders_in_doubt"], 0, "{said:#}");
}

#[test]
fn a_paper_session_needs_no_key_trades_on_the_live_market_and_survives_being_killed() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 20);
    let plugins = maker("btc", "BTCUSDT", "0.1") + &maker("eth", "ETHUSDT", "0.5");
    stage.configure(&venue(&SYMBOLS, &exchange.address, "paper"), &plugins);
    let mut before = 0;
    for kills in 0..3 {
        let mut session = Session::start(&stage, "paper", &[]);
        session.wait_until("executions", |session| {
            let journaled = Journaled::new(&session.rows());
            (journaled.fills.len() > before + 3).then_some(())
        });
        let status = session.ask(&["status"]).ends(0).json();
        assert_eq!(status["mode"], "paper");
        assert_eq!(status["line"]["live"], true, "{status:#}");
        before = Journaled::new(&session.rows()).fills.len();
        session.kill();
        // What the market did is there, whole or to be mended by the next start.
        assert_eq!(stage.tapes().len(), kills + 1, "a tape for each run: {:?}", stage.tapes());
    }
    let said = Session::start(&stage, "paper", &[]).end();
    let journaled = Journaled::new(&stage.journal());
    check(&said, &journaled);
    assert!(journaled.fills.len() >= before, "{said:#}");
    assert!(stage.tapes().iter().all(|path| path.extension().unwrap() == "tape"), "{said:#}");
    // It asked for no account: the exchange has never seen an order.
    assert!(exchange.books(&SYMBOLS).orders.is_empty());
    // What a killed run was told last is not written down, which may be all of it.
    for plugin in ["btc", "eth"] {
        let counts = stage.replay(plugin);
        assert!(counts["again"].as_u64() > Some(10), "{counts:#}");
        assert!(counts["told"].as_u64() > Some(5), "{counts:#}");
        assert!(counts["runs"].as_u64() >= Some(1), "{counts:#}");
    }
    // And what the tapes have is a market without faults.
    for tape in stage.tapes() {
        run(stage.path(), &["data", "check", tape.to_str().unwrap()]).ends(0);
    }
}

/// Lines of a strategy that writes down what it is told, without what stands before them.
fn told(said: &str) -> Vec<String> {
    let lines = said.lines().filter_map(|line| Some(line.split_once("told ")?.1));
    lines.map(|line| line.split(" plugin=").next().unwrap_or_default().to_owned()).collect()
}

fn is(kind: &str) -> impl Fn(&&String) -> bool {
    move |line| line.starts_with(kind)
}

#[test]
fn a_backtest_over_the_tapes_of_a_session_tells_the_same() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 5);
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "paper"), &listener("ears"));
    let mut session = Session::start(&stage, "paper", &[]);
    session.wait_until("a part of the market", |session| {
        let said = session.said();
        let live = told(&said).iter().filter(|line| line.ends_with(" false")).count();
        (live > 400).then_some(())
    });
    let said = session.said();
    session.end();
    let counts = stage.replay("ears");
    assert!(counts["told"].as_u64() > Some(400), "{counts:#}");
    assert!(counts["history"].as_u64() >= Some(120), "{counts:#}");
    // It may have been told more since.
    let said = fs::read_to_string(stage.path().join("said")).unwrap_or(said);
    let live: Vec<String> =
        told(&said).into_iter().filter(|line| line.ends_with(" false")).collect();

    let tapes = stage.tapes();
    let backtest = format!(
        "version = 1\ncurrency = \"USDT\"\ntapes = {tapes:?}\nout = \"out\"\n{}",
        listener("ears")
    );
    fs::write(stage.path().join("again.toml"), backtest).unwrap();
    let mut again = crate::support::sandpit(stage.path());
    again.args(["--json", "backtest", "again.toml"]).env("SANDPIT_LOG", "warn,plugin=info");
    let again = crate::support::Run::from(again.output().unwrap()).ends(0);
    let tested = told(&again.errors);

    // Trades and bars are told each, in their order, from the first one that the session was told on.
    for kind in ["trade ", "bar "] {
        let told: Vec<_> = live.iter().filter(is(kind)).collect();
        let all: Vec<_> = tested.iter().filter(is(kind)).collect();
        assert!(!told.is_empty(), "no {kind}was told");
        let from = all.iter().position(|line| *line == told[0]);
        let from = from.unwrap_or_else(|| panic!("the backtest was not told `{}`", told[0]));
        let same = &all[from..(from + told.len()).min(all.len())];
        assert_eq!(same, told, "{kind}in a session and in a backtest");
    }
    // Of quotes a newer one may have replaced another before it was told.
    let mut all = tested.iter().filter(is("quote "));
    for quote in live.iter().filter(is("quote ")) {
        assert!(all.any(|line| line == quote), "the backtest was not told `{quote}` in its place");
    }
}
