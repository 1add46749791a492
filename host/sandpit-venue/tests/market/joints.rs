//! One thing at a time: connections that are replaced, streams that fall silent, what a person is
//! told, what is subscribed to, mark prices and funding.

use sandpit_core::{
    market::{DataKind, MarketData},
    time::{Nanos, UnixNanos},
};
use sandpit_venue::{
    binance::market::{Market, Settings},
    machine::{LinkId, Notice, Output, Wanted},
};

use crate::{
    rig::{ID, MS, Notes, Rig, SECOND, instrument},
    world::{Faults, World, settings},
};

const MINUTE: Nanos = Nanos(60 * SECOND);

fn world(seed: u64) -> World {
    let mut world = World::new(seed, settings(), &["BTCUSDT", "ETHUSDT"], false);
    let data = [0, 1].map(|id| {
        [
            (id, DataKind::Bars(Nanos(SECOND))),
            (id, DataKind::Bars(MINUTE)),
            (id, DataKind::Depth(5)),
        ]
    });
    world.begin(&data.concat(), &[(0, 60, 20), (1, 1, 20)]);
    world
}

/// Bars that were asked for so far. At the beginning that is right: what closed just before the
/// streams were joined is not surely in the answer about bars from before.
fn holes(world: &World) -> u64 {
    world.rig.count("market_bar_holes_total")
}

/// Nothing was missed: no book was begun twice, no bar or trade asked for.
fn assert_unbroken(world: &World, holes_before: u64) {
    world.ledger.assert_whole(&world.symbols, world.venue_ms(), true);
    // Two at the beginning of the books; they were in sequence before or after history was told.
    assert_eq!(world.ledger.snapshots(), 2);
    let none = [
        "market_book_gaps_total",
        "market_trades_recovered_total",
        "market_trades_lost_total",
        "market_frames_bad_total",
        "market_frames_unknown_total",
    ];
    for name in none {
        assert_eq!(world.rig.count(name), 0, "{name}");
    }
    assert_eq!(holes(world), holes_before);
    assert!(!world.ledger.notices.iter().any(|notice| notice == "Markets(false)"));
}

#[test]
fn a_connection_is_replaced_without_a_break() {
    for seed in 0..10 {
        let mut world = world(seed);
        world.run(10);
        let holes = holes(&world);
        world.run(190);
        // Three connections, each replaced after 25 to 40 seconds.
        assert!(world.rig.count("market_renewals_total") >= 9);
        assert!(world.rig.count("market_duplicates_total") > 100, "both were listened to");
        assert_unbroken(&world, holes);
    }
}

#[test]
fn a_server_that_goes_away_is_left_before_it_does() {
    for seed in 0..10 {
        let mut world = world(seed);
        world.run(10);
        let holes = holes(&world);
        world.faults = Faults { shutdowns: 1_000, ..Faults::default() };
        world.run(1);
        world.faults = Faults::default();
        world.run(100);
        assert!(world.rig.count("market_renewals_total") >= 6);
        assert_unbroken(&world, holes);
    }
}

#[test]
fn a_silent_stream_and_a_silent_connection_are_noticed() {
    let mut world = world(3);
    world.run(10);
    world.faults = Faults { mute: 100, ..Faults::default() };
    world.run(3);
    world.faults = Faults::default();
    world.run(30);
    assert!(world.rig.count("market_silences_total{of=\"stream\"}") > 0);
    world.faults = Faults { dead: 1_000, ..Faults::default() };
    world.run(1);
    world.faults = Faults::default();
    assert!(world.rig.market.is_live());
    world.run(6);
    assert!(world.rig.count("market_silences_total{of=\"connection\"}") >= 3);
    assert!(world.ledger.notices.iter().any(|notice| notice == "Markets(false)"));
    world.run(60);
    assert!(world.rig.market.is_live());
    world.ledger.assert_whole(&world.symbols, world.venue_ms(), true);
}

#[test]
fn a_person_is_told_what_takes_long() {
    let has = |world: &World, text: &str| world.ledger.notices.iter().any(|one| one.contains(text));
    let mut world = World::new(4, settings(), &["BTCUSDT"], false);
    world.faults = Faults { unanswered: 1_000, ..Faults::default() };
    world.begin(
        &[(0, DataKind::Depth(5)), (0, DataKind::Bars(MINUTE))],
        &[(0, 60, 7), (0, 7, 5), (9, 60, 1)],
    );
    world.run(12);
    assert!(has(&world, "Waiting(\"waiting for market streams: 0 of 1 connections are up\")"));
    assert!(has(&world, "Waiting(\"waiting for BTCUSDT's bars of 1m: 0 of 7\")"));
    assert!(has(&world, "Alert(\"waiting for BTCUSDT's bars of 1m: 0 of 7, for long\")"));
    assert!(has(
        &world,
        "Alert(\"the book of BTCUSDT is not in sequence yet; it is tried again\")"
    ));
    assert!(has(
        &world,
        "Alert(\"Binance has no bars of 7 s of BTCUSDT; there are none from before\")"
    ));
    assert!(has(&world, "Alert(\"instrument 9 is not on this connection\")"));
    world.faults = Faults::default();
    world.run(60);
    assert!(world.rig.market.is_live());
    assert_eq!(world.ledger.notices.last().unwrap(), "Waiting(\"\")");
    world.faults = Faults { cut: 1_000, refused: 1_000, ..Faults::default() };
    world.run(10);
    assert!(has(&world, "a market stream sends malformed messages; it is connected anew"));
    assert!(has(&world, "Binance refuses market streams: no (2)"));
    assert!(world.refusals > 0 && !world.rig.market.is_live());
    world.faults = Faults::default();
    world.run(45);
    assert!(world.rig.market.is_live(), "a refused subscription is asked for again");
    world.ledger.assert_whole(&world.symbols, world.venue_ms(), true);
}

fn rig(settings: Settings) -> Rig {
    let market = Market::new(settings, vec![(ID, instrument("BTCUSDT", "0.10", "0.001"))]);
    Rig { market, notes: Notes::default(), now: UnixNanos(1_700_000_000 * SECOND), chance: 1 }
}

/// What is opened and sent when a market begins.
fn begins(rig: &mut Rig, wanted: &Wanted) -> Vec<String> {
    let mut said = Vec::new();
    let mut out = rig.step(|market, turn| market.begin(wanted, turn));
    while !out.is_empty() {
        let mut more = Vec::new();
        for one in out {
            match one {
                Output::Open { link, url } => {
                    said.push(url);
                    more.extend(rig.step(|market, turn| market.opened(link, turn)));
                }
                Output::Send { link, text } => {
                    let request: serde_json::Value = serde_json::from_str(&text).unwrap();
                    let done = format!(r#"{{"result":null,"id":{}}}"#, request["id"]);
                    said.push(request["params"].to_string());
                    more.extend(rig.step(|market, turn| market.frame(link, done.as_bytes(), turn)));
                }
                Output::Notice(_) => {}
                other => panic!("{other:?}"),
            }
        }
        out = more;
    }
    said
}

#[test]
fn what_is_wanted_is_subscribed_to_and_no_more() {
    let check = |always_marked, data: &[DataKind], expected: &str| {
        let mut rig = rig(Settings { always_marked, ..Settings::spot("wss://a/stream", 0..99) });
        let data = data.iter().map(|kind| (ID, *kind)).collect();
        let said = begins(&mut rig, &Wanted { data, history: Vec::new() });
        assert_eq!(said[1], expected);
    };
    let depth = DataKind::Depth(5);
    check(false, &[depth], r#"["btcusdt@depth@100ms"]"#);
    check(false, &[DataKind::Bars(Nanos(7 * SECOND))], r#"["btcusdt@aggTrade"]"#);
    check(
        true,
        &[DataKind::Bars(MINUTE), depth],
        r#"["btcusdt@aggTrade","btcusdt@bookTicker","btcusdt@depth@100ms","btcusdt@kline_1m"]"#,
    );
}

#[test]
fn a_market_whose_rules_changed_is_told_once() {
    let mut rig = rig(Settings::spot("wss://a/stream", 0..99));
    begins(&mut rig, &Wanted::default());
    let text = r#"{"u":1,"s":"BTCUSDT","b":"25.35","B":"31.21","a":"25.36","A":"0.001"}"#;
    let mut tell = || rig.step(|market, turn| market.frame(LinkId(0), text.as_bytes(), turn));
    let out = tell();
    let [Output::Notice(Notice::Alert(words))] = out.as_slice() else { panic!("{out:?}") };
    assert!(
        words.starts_with("a message about BTCUSDT cannot be used: `31.21 at 25.35` is no bid")
    );
    assert!(tell().is_empty());
}

fn futures() -> Settings {
    Settings { funding: true, ..Settings::usdm("wss://f/public", "wss://f/market", 0..99) }
}

#[test]
fn futures_have_two_doors() {
    let mut rig = rig(futures());
    let wanted = Wanted { data: vec![(ID, DataKind::Bars(Nanos(SECOND)))], history: Vec::new() };
    let mut said = begins(&mut rig, &wanted);
    said.sort();
    let expected = [
        r#"["btcusdt@aggTrade","btcusdt@markPrice@1s"]"#,
        r#"["btcusdt@bookTicker"]"#,
        "wss://f/market",
        "wss://f/public",
    ];
    assert_eq!(said, expected);
}

#[test]
fn mark_prices_and_funding_of_futures() {
    let mut rig = rig(futures());
    begins(&mut rig, &Wanted::default());
    let mut tell = |at_ms: u64, price: &str, rate: &str, next: u64| {
        rig.now = UnixNanos(at_ms * MS);
        let text = format!(
            r#"{{"stream":"btcusdt@markPrice@1s","data":{{"e":"markPriceUpdate","E":{at_ms},"s":"BTCUSDT","p":"{price}","i":"1.0","P":"1.0","r":"{rate}","T":{next}}}}}"#
        );
        let out = rig.step(|market, turn| market.frame(LinkId(0), text.as_bytes(), turn));
        let told = out.into_iter().map(|one| match one {
            Output::Market(event) => match event.data {
                MarketData::Mark(price) => format!("mark {} {}", event.venue_time.0 / MS, price.0),
                MarketData::Funding(paid) => {
                    format!("paid {} {} {}", event.venue_time.0 / MS, paid.rate.0, paid.mark.0)
                }
                other => panic!("{other:?}"),
            },
            Output::Notice(Notice::Alert(text)) => text,
            other => panic!("{other:?}"),
        });
        told.collect::<Vec<_>>().join(", ")
    };
    let (t, next) = (1_700_000_001_000, 1_700_000_002_000);
    assert_eq!(tell(t, "61800.14999999", "0.00010000", next), "mark 1700000001000 6180015");
    assert_eq!(tell(t + 500, "61800.15", "0.0001", next), "");
    assert_eq!(tell(t + 400, "61900", "0.0001", next), "", "an old one");
    let paid = "mark 1700000002000 6180016, paid 1700000002000 100000000 6180016";
    assert_eq!(tell(next, "61800.15500000", "0.0002", next + 60_000), paid);
    let lost = "mark 1700000092000 6180030, BTCUSDT had a funding while its mark price was not heard; its rate is not known";
    assert_eq!(tell(next + 90_000, "61800.3", "0.0002", next + 120_000), lost);
}
