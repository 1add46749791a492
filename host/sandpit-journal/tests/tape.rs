//! The tape as its users see it: whole, damaged, cut, merged, read ahead.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

use std::{fs, path::Path};

use proptest::prelude::*;
use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{Bar, DepthUpdate, Funding, MarketData, MarketEvent, Quote, Side, Trade},
    num::{Decimal, Price, Quantity, Rate},
    time::{Nanos, UnixNanos},
};
use sandpit_journal::tape::{
    EventProblem, LEVELS_PER_SIDE_MAX, MergedTapes, ReadAhead, SOURCE_BYTES_MAX, TapeClock,
    TapeError, TapeHeader, TapeReader, TapeWriter, tape_hash,
};

fn instrument(symbol: &str) -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: "0.05".parse().unwrap(),
        quantity_step: "0.001".parse().unwrap(),
        min_quantity: "0.002".parse().unwrap(),
        max_quantity: "9000".parse().unwrap(),
        min_notional: "5.5".parse().unwrap(),
        multiplier: "0.01".parse().unwrap(),
        maker_fee: Rate(-250_000_000),
        taker_fee: Rate(400_000_000),
    })
    .unwrap()
}

fn header(symbols: &[&str]) -> TapeHeader {
    TapeHeader {
        instruments: symbols.iter().map(|symbol| instrument(symbol)).collect(),
        clock: TapeClock::Host,
        source: "made by a test".to_owned(),
    }
}

fn trade(time: u64, instrument: u16, price: i64, id: u64) -> MarketEvent {
    let trade =
        Trade { price: Price(price), quantity: Quantity(7), aggressor: Some(Side::Sell), id };
    event(time, instrument, MarketData::Trade(trade))
}

fn event(time: u64, instrument: u16, data: MarketData) -> MarketEvent {
    let time = UnixNanos(time);
    MarketEvent { instrument: InstrumentId(instrument), time, venue_time: time, data }
}

fn write(path: &Path, symbols: &[&str], events: &[MarketEvent]) {
    let mut writer = TapeWriter::create(path, &header(symbols)).unwrap();
    for event in events {
        writer.append(event).unwrap();
    }
    writer.finish().unwrap();
}

fn read(path: &Path) -> Result<Vec<MarketEvent>, TapeError> {
    TapeReader::open(path)?.collect()
}

fn price() -> impl Strategy<Value = Price> {
    prop_oneof![1i64..1_000, Just(Instrument::PRICE_MAX), 6_000_000i64..6_100_000].prop_map(Price)
}

fn quantity(least: i64) -> impl Strategy<Value = Quantity> {
    prop_oneof![least..1_000, Just(Instrument::QUANTITY_MAX)].prop_map(Quantity)
}

fn levels() -> impl Strategy<Value = Vec<(Price, Quantity)>> {
    prop::collection::vec((price(), quantity(0)), 0..6)
}

fn data() -> impl Strategy<Value = MarketData> {
    let side = prop::option::of(prop_oneof![Just(Side::Buy), Just(Side::Sell)]);
    let id = prop_oneof![Just(0), 1u64..50, Just(u64::MAX), any::<u64>()];
    let trade = (price(), quantity(1), side, id).prop_map(|(price, quantity, aggressor, id)| {
        MarketData::Trade(Trade { price, quantity, aggressor, id })
    });
    let quote = (price(), quantity(0), price(), quantity(0)).prop_map(|(b, bq, a, aq)| {
        MarketData::Quote(Quote { bid_price: b, bid_quantity: bq, ask_price: a, ask_quantity: aq })
    });
    let bar = (price(), price(), any::<bool>(), quantity(0), 1u64..u64::MAX).prop_map(
        |(a, b, up, volume, interval)| {
            let (low, high) = (a.min(b), a.max(b));
            let (open, close) = if up { (low, high) } else { (high, low) };
            MarketData::Bar(Bar { interval: Nanos(interval), open, high, low, close, volume })
        },
    );
    let number = prop_oneof![Just(0), 1u64..100, any::<u64>()];
    let depth = (any::<bool>(), number.clone(), number.clone(), number, levels(), levels())
        .prop_map(|(snapshot, first_sequence, last_sequence, previous_sequence, bids, asks)| {
            let update = DepthUpdate {
                snapshot,
                first_sequence,
                last_sequence,
                previous_sequence,
                bids,
                asks,
            };
            MarketData::Depth(Box::new(update))
        });
    let rate = prop_oneof![-1_000_000i64..1_000_000, Just(Rate::MAX), Just(-Rate::MAX)];
    let mark = price().prop_map(MarketData::Mark);
    let funding = (rate, price())
        .prop_map(|(rate, mark)| MarketData::Funding(Funding { rate: Rate(rate), mark }));
    prop_oneof![trade, quote, bar, depth, mark, funding]
}

fn events() -> impl Strategy<Value = Vec<MarketEvent>> {
    let step = prop_oneof![Just(0), 1u64..1_000, Just(1_000_000_000)];
    let venue = prop_oneof![Just(None), any::<u64>().prop_map(Some)];
    prop::collection::vec((step, 0u16..3, venue, data()), 0..200).prop_map(|parts| {
        let mut time = 1_700_000_000_000_000_000;
        parts
            .into_iter()
            .map(|(step, instrument, venue, data)| {
                time += step;
                let mut event = event(time, instrument, data);
                event.venue_time = venue.map_or(event.time, UnixNanos);
                event
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_written_is_read(events in events(), sync_at in 0usize..200) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        let mut writer = TapeWriter::create(&path, &header(&["A", "B", "C"])).unwrap();
        for (i, event) in events.iter().enumerate() {
            if i == sync_at {
                writer.sync().unwrap();
            }
            writer.append(event).unwrap();
        }
        let bytes = writer.finish().unwrap();
        prop_assert_eq!(&read(&path).unwrap(), &events);
        let ahead = ReadAhead::new(TapeReader::open(&path).unwrap()).unwrap();
        prop_assert_eq!(&ahead.collect::<Result<Vec<_>, _>>().unwrap(), &events);
        let info = TapeReader::info(&path).unwrap();
        prop_assert_eq!(info.bytes, bytes);
        prop_assert_eq!(info.events, events.len() as u64);
        prop_assert_eq!(info.instruments.iter().map(|t| t.events()).sum::<u64>(), info.events);
        prop_assert_eq!(info.first.0, events.first().map_or(0, |e| e.time.0));
        prop_assert_eq!(info.last.0, events.last().map_or(0, |e| e.time.0));
    }
}

/// One of each kind, over two segments and two instruments.
fn small_tape(folder: &Path) -> (std::path::PathBuf, Vec<MarketEvent>) {
    let quote = Quote {
        bid_price: Price(99),
        bid_quantity: Quantity(5),
        ask_price: Price(101),
        ask_quantity: Quantity(0),
    };
    let bar = Bar {
        interval: Nanos(60),
        open: Price(5),
        high: Price(9),
        low: Price(3),
        close: Price(4),
        volume: Quantity(0),
    };
    let depth = DepthUpdate {
        snapshot: true,
        first_sequence: 0,
        last_sequence: 77,
        previous_sequence: 0,
        bids: vec![(Price(99), Quantity(1))],
        asks: vec![(Price(101), Quantity(2)), (Price(102), Quantity(0))],
    };
    let events = vec![
        trade(10, 0, 100, 5),
        event(10, 1, MarketData::Quote(quote)),
        event(11, 0, MarketData::Bar(bar)),
        event(12, 1, MarketData::Depth(Box::new(depth))),
        trade(13, 0, 101, 6),
    ];
    let path = folder.join("small.tape");
    let mut writer = TapeWriter::create(&path, &header(&["A", "B"])).unwrap();
    for event in &events {
        writer.append(event).unwrap();
        if event.time.0 == 11 {
            writer.sync().unwrap();
        }
    }
    writer.finish().unwrap();
    (path, events)
}

#[test]
fn the_head_says_all_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = small_tape(folder.path());
    let reader = TapeReader::open(&path).unwrap();
    let header = reader.header();
    assert_eq!((header.clock, header.source.as_str()), (TapeClock::Host, "made by a test"));
    let (ours, theirs) = (instrument("B"), header.instruments.get(1).unwrap());
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    let info = TapeReader::info(&path).unwrap();
    let first = info.instruments.first().unwrap();
    assert_eq!((first.trades, first.bars, first.quotes, first.depths), (2, 1, 0, 0));
    assert_eq!((first.price_low, first.price_high), (3, 101));
    assert_eq!((info.segments, info.first.0, info.last.0), (2, 10, 13));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = small_tape(folder.path());
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        for bit in [0, 3, 7] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            fs::write(&path, &bytes).unwrap();
            let error = read(&path).expect_err(&format!("byte {at}, bit {bit}"));
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn a_tape_cut_at_any_byte_gives_what_is_whole_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (path, events) = small_tape(folder.path());
    let whole = fs::read(&path).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let info = TapeReader::info(&path);
        assert!(info.is_err(), "cut at {length}");
        let Ok(reader) = TapeReader::open(&path) else {
            continue;
        };
        let mut got = Vec::new();
        let mut end = None;
        for item in reader {
            match item {
                Ok(event) => got.push(event),
                Err(error) => end = Some(error),
            }
        }
        let Some(TapeError::Truncated { segments, events: count, last, offset, .. }) = end else {
            panic!("cut at {length}: {end:?}");
        };
        assert_eq!(got, events[..got.len()], "cut at {length}");
        assert_eq!(count, got.len() as u64);
        assert_eq!(last.0, got.last().map_or(0, |e| e.time.0));
        assert!(offset <= length as u64);
        seen.insert((segments, got.len()));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(0, 0), (1, 3), (2, 5)]);
}

#[test]
fn nothing_follows_the_end_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = small_tape(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(0);
    fs::write(&path, &bytes).unwrap();
    let mut reader = TapeReader::open(&path).unwrap();
    assert_eq!(reader.by_ref().filter(Result::is_ok).count(), 5);
    assert!(reader.next().is_none());
    assert!(matches!(read(&path), Err(TapeError::Damaged { .. })));
}

/// A tape of version 1 differs in that number alone, and has no marks and fundings.
#[test]
fn older_tapes_are_read_and_newer_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tape");
    let events: Vec<_> = (0..100).map(|i| trade(i, 0, 50, i)).collect();
    write(&path, &["A"], &events);
    let newest = fs::read(&path).unwrap();
    for (version, ok) in [(0u32, false), (1, true), (2, true), (3, false)] {
        let mut bytes = newest.clone();
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
        let checksum =
            crc32fast::hash(&[&bytes[..16], &bytes[20..20 + length]].concat()).to_le_bytes();
        bytes[16..20].copy_from_slice(&checksum);
        fs::write(&path, &bytes).unwrap();
        match read(&path) {
            Ok(read) => assert!(ok && read == events, "version {version}"),
            Err(TapeError::Version { found, .. }) => assert!(!ok && found == version),
            Err(error) => panic!("version {version}: {error}"),
        }
    }
}

#[test]
fn refuses_events_that_no_tape_takes_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tape");
    let mut writer = TapeWriter::create(&path, &header(&["A"])).unwrap();
    writer.append(&trade(5, 0, 1, 0)).unwrap();
    let depth = |count| DepthUpdate {
        snapshot: false,
        first_sequence: 1,
        last_sequence: 1,
        previous_sequence: 0,
        bids: vec![(Price(1), Quantity(1)); count],
        asks: vec![],
    };
    let levels = |count| event(5, 0, MarketData::Depth(Box::new(depth(count))));
    let funding = |mark, rate| {
        let funding = Funding { rate: Rate(rate), mark: Price(mark) };
        event(5, 0, MarketData::Funding(funding))
    };
    let bar = Bar {
        interval: Nanos(1),
        open: Price(10),
        high: Price(9),
        low: Price(3),
        close: Price(4),
        volume: Quantity(0),
    };
    for (event, expected) in [
        (trade(4, 0, 1, 0), EventProblem::TimeGoesBack),
        (trade(5, 1, 1, 0), EventProblem::UnknownInstrument),
        (trade(5, 0, 0, 0), EventProblem::Price),
        (trade(5, 0, Instrument::PRICE_MAX + 1, 0), EventProblem::Price),
        (event(5, 0, MarketData::Bar(bar)), EventProblem::Bar),
        (levels(LEVELS_PER_SIDE_MAX + 1), EventProblem::Levels),
        (event(5, 0, MarketData::Mark(Price(0))), EventProblem::Price),
        (funding(0, 1), EventProblem::Price),
        (funding(1, Rate::MAX + 1), EventProblem::Rate),
        (funding(1, i64::MIN), EventProblem::Rate),
    ] {
        match writer.append(&event) {
            Err(TapeError::Event { problem, .. }) => assert_eq!(problem, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
    writer.append(&levels(LEVELS_PER_SIDE_MAX)).unwrap();
    writer.append(&trade(5, 0, 2, 0)).unwrap();
    writer.finish().unwrap();
    assert_eq!(read(&path).unwrap().len(), 3);
}

#[test]
fn a_header_beyond_its_bounds_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tape");
    let mut long = header(&["A"]);
    long.source = "x".repeat(SOURCE_BYTES_MAX + 1);
    for header in [header(&[]), header(&["A", "A"]), long] {
        assert!(matches!(TapeWriter::create(&path, &header), Err(TapeError::Header { .. })));
    }
    assert!(!path.exists());
}

#[test]
fn an_unfinished_tape_keeps_its_partial_name_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tape");
    let partial = folder.path().join("a.tape.partial");
    let mut writer = TapeWriter::create(&path, &header(&["A"])).unwrap();
    writer.append(&trade(1, 0, 1, 0)).unwrap();
    writer.sync().unwrap();
    assert!(matches!(TapeWriter::create(&path, &header(&["A"])), Err(TapeError::Busy { .. })));
    drop(writer);
    assert!(!path.exists());
    let items: Vec<_> = TapeReader::open(&partial).unwrap().collect();
    assert!(matches!(items.as_slice(), [Ok(_), Err(TapeError::Truncated { events: 1, .. })]));
    let writer = TapeWriter::create(&path, &header(&["A"])).unwrap();
    writer.discard().unwrap();
    assert!(!partial.exists());
}

#[test]
fn tapes_merge_in_time_order_and_ties_keep_the_order_of_naming() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a", "b", "c"].map(|name| folder.path().join(name));
    write(&paths[0], &["X", "Y"], &[trade(1, 0, 10, 1), trade(5, 1, 11, 2), trade(5, 0, 12, 3)]);
    write(&paths[1], &["Y", "Z"], &[trade(1, 0, 20, 1), trade(3, 1, 21, 2), trade(5, 0, 22, 3)]);
    write(&paths[2], &["Z"], &[]);
    let merged = MergedTapes::open(&paths).unwrap();
    let names: Vec<_> = merged.instruments().iter().map(|i| i.spec().symbol.clone()).collect();
    assert_eq!(names, ["X", "Y", "Z"]);
    let order: Vec<_> = merged
        .map(|event| {
            let event = event.unwrap();
            let MarketData::Trade(trade) = event.data else { panic!() };
            (event.time.0, event.instrument.0, trade.price.0)
        })
        .collect();
    assert_eq!(order, [(1, 0, 10), (1, 1, 20), (3, 2, 21), (5, 1, 11), (5, 0, 12), (5, 1, 22)]);
}

/// Days follow each other; each is opened when it is due, whatever the order of naming.
#[test]
fn tapes_of_many_days_are_one() {
    let folder = tempfile::tempdir().unwrap();
    let days: Vec<u64> = (0..300).rev().collect();
    let paths: Vec<_> = days.iter().map(|day| folder.path().join(day.to_string())).collect();
    for (day, path) in days.iter().zip(&paths) {
        let first = day * 10;
        write(path, &["A"], &[trade(first, 0, 1, 1), trade(first + 10, 0, 2, 2)]);
    }
    let mut merged = MergedTapes::open(&paths).unwrap();
    let mut times = Vec::new();
    while let Some(event) = merged.next_event().unwrap() {
        times.push(event.time.0);
    }
    assert_eq!(times.len(), 600);
    assert!(times.is_sorted());
    let bytes: u64 = paths.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert_eq!(merged.bytes_read(), bytes);
}

#[test]
fn tapes_that_contradict_each_other_do_not_merge() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| folder.path().join(name));
    write(&paths[0], &["X"], &[]);
    let mut other = header(&["X"]);
    let mut spec = other.instruments[0].spec().clone();
    spec.price_tick = Decimal::new(1, 1);
    other.instruments = vec![Instrument::new(spec).unwrap()];
    TapeWriter::create(&paths[1], &other).unwrap().finish().unwrap();
    assert!(matches!(MergedTapes::open(&paths), Err(TapeError::Merge { .. })));
    let mut venue = header(&["Q"]);
    venue.clock = TapeClock::Venue;
    TapeWriter::create(&paths[1], &venue).unwrap().finish().unwrap();
    assert!(matches!(MergedTapes::open(&paths), Err(TapeError::Merge { .. })));
    assert!(matches!(MergedTapes::open(&[]), Err(TapeError::Merge { .. })));
}

#[test]
fn an_error_comes_after_the_events_before_it_also_when_merged_and_read_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = small_tape(folder.path());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let merged = MergedTapes::open(&[path]).unwrap();
    let items: Vec<_> = ReadAhead::new(merged).unwrap().collect();
    assert_eq!(items.len(), 6);
    assert!(items[..5].iter().all(Result::is_ok));
    assert!(matches!(items[5], Err(TapeError::Truncated { .. })));
}

#[test]
fn the_hash_is_that_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    fs::write(&path, "abc").unwrap();
    let hex: String = tape_hash(&path).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(matches!(TapeReader::open(&path), Err(TapeError::NotATape { .. })));
}

#[test]
fn the_same_events_make_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| folder.path().join(name));
    let events: Vec<_> =
        (0..1_000).map(|i| trade(i, 0, 100 + i64::try_from(i % 7).unwrap(), i)).collect();
    for path in &paths {
        write(path, &["A"], &events);
    }
    assert_eq!(tape_hash(&paths[0]).unwrap(), tape_hash(&paths[1]).unwrap());
}
