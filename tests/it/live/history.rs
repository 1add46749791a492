//! Bars from before a session and those in it, as one row without a gap and without an overlap.

use std::{collections::BTreeMap, time::Duration};

use sandpit_core::{
    market::{MarketData, MarketEvent},
    plugin::PluginEvent,
};
use sandpit_journal::calls::CallLogReader;
use sandpit_plugin::{CallRecord, RecordedAsk};

use super::{Exchange, Session, Stage, listener, venue};

/// Length of a bar, and how many of them the witness wants from before.
const WANTED: [(u64, usize); 2] = [(1, 5), (60, 120)];

/// Everything of the market that a plugin was told in the last of its lives, and whether it was
/// history.
fn told(stage: &Stage, plugin: &str) -> Vec<(MarketEvent, bool)> {
    let mut log = CallLogReader::open(stage.memory("calls").join(plugin)).unwrap();
    let mut told = Vec::new();
    while let Some(record) = log.next_record().unwrap() {
        match CallRecord::read(record).unwrap() {
            CallRecord::Begin { .. } => told.clear(),
            CallRecord::Call {
                ask: RecordedAsk::Event(PluginEvent::Market { event, history }),
                ..
            } => told.push((event, history)),
            _ => {}
        }
    }
    told
}

/// The bars among them, by their length in seconds: when each ended, and whether it was history.
fn bars(told: &[(MarketEvent, bool)]) -> BTreeMap<u64, Vec<(u64, bool)>> {
    let mut bars: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    for (event, history) in told {
        if let MarketData::Bar(bar) = &event.data {
            let seconds = bar.interval.0 / 1_000_000_000;
            // When a bar ends, the venue says; when it was heard of, the host.
            bars.entry(seconds).or_default().push((event.venue_time.0, *history));
        }
    }
    bars
}

#[test]
fn bars_of_the_past_and_of_the_stream_are_one_row() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 10);
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "paper"), &listener("ears"));
    // The exchange has minutes from before, and no seconds.
    let begun = std::time::Instant::now();
    while exchange
        .public("/api/v3/klines?symbol=BTCUSDT&interval=1s&limit=20")
        .as_array()
        .unwrap()
        .len()
        < 8
    {
        assert!(begun.elapsed() < Duration::from_secs(60), "no bars of a second");
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut session = Session::start(&stage, "paper", &[]);
    session.wait_until("bars of both lengths", |session| {
        let said = session.said();
        let live = |length: u64| {
            let of = said.lines().filter(|line| line.contains("told bar "));
            of.filter(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let at = words.iter().position(|word| *word == "bar").unwrap();
                words[at + 2] == length.to_string() && words[at + 8].starts_with("false")
            })
            .count()
        };
        (live(1) >= 12 && live(60) >= 1).then_some(())
    });
    session.end();

    let told = told(&stage, "ears");
    for (seconds, wanted) in WANTED {
        let bars = &bars(&told)[&seconds];
        let past = bars.iter().take_while(|(_, history)| *history).count();
        assert_eq!(past, wanted, "bars of {seconds} s from before");
        assert!(bars[past..].iter().all(|(_, history)| !history), "history after the beginning");
        let length = seconds * 1_000_000_000;
        for (at, pair) in bars.windows(2).enumerate() {
            let (before, after) = (pair[0].0, pair[1].0);
            assert_eq!(after, before + length, "between bar {at} of {seconds} s and the next");
        }
    }
    // What was history came first, and what is on the tapes is what was told.
    let first_live = told.iter().position(|(_, history)| !history).unwrap();
    assert!(told[first_live..].iter().all(|(_, history)| !history));
    let counts = stage.replay("ears");
    let history: usize = WANTED.iter().map(|(_, wanted)| wanted).sum();
    assert_eq!(counts["history"].as_u64(), u64::try_from(history).ok(), "{counts:#}");

    // The bars are those that the exchange tells whoever asks it.
    let asked = exchange.public("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=200");
    let asked: BTreeMap<u64, String> = asked
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let end = line[6].as_u64().unwrap() + 1;
            (end * 1_000_000, line[4].as_str().unwrap().to_owned())
        })
        .collect();
    for (event, history) in &told {
        let MarketData::Bar(bar) = &event.data else { continue };
        if bar.interval.0 == 60_000_000_000 {
            let close = rust_decimal::Decimal::new(bar.close.0, 1);
            let there: rust_decimal::Decimal = asked[&event.venue_time.0].parse().unwrap();
            assert_eq!(
                close, there,
                "the bar that ended at {}, history {history}",
                event.venue_time.0
            );
        }
    }
}

#[test]
fn a_bar_is_told_with_the_time_of_its_end() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 10);
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "paper"), &listener("ears"));
    let mut session = Session::start(&stage, "paper", &[]);
    // As the strategy itself writes it down: when it ended, how long it is, whether it is history.
    let live = session.wait_until("bars of the stream", |session| {
        let said = session.said();
        let bars = said.lines().filter_map(|line| line.split_once("told bar ")).map(|it| it.1);
        let words = bars.map(|bar| bar.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let live: Vec<_> = words.filter(|words| words[7].starts_with("false")).collect();
        (live.len() >= 5).then_some(live)
    });
    session.end();
    for bar in live {
        let (end, seconds): (u64, u64) = (bar[0].parse().unwrap(), bar[1].parse().unwrap());
        assert!(end.is_multiple_of(seconds * 1_000_000_000), "no end of a bar: {bar:?}");
    }
}
