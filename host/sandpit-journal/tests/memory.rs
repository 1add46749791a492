//! Writing and reading stream. Alone in its process, because it measures the process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

use std::{fs, path::Path};

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{MarketData, MarketEvent, Trade},
    num::{Decimal, Price, Quantity, Rate},
    time::UnixNanos,
};
use sandpit_journal::tape::{
    ReadAhead, SEGMENT_EVENTS_MAX, TapeClock, TapeHeader, TapeReader, TapeWriter,
};

/// What forty segments may take beyond what four did.
const GROWTH_KIB_MAX: u64 = 4 * 1_024;

/// Resident memory of this process at its highest.
fn memory_peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn header() -> TapeHeader {
    let one = Decimal::new(1, 0);
    let spec = InstrumentSpec {
        symbol: "A".to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Spot,
        base: "A".to_owned(),
        quote: "B".to_owned(),
        price_tick: one,
        quantity_step: one,
        min_quantity: one,
        max_quantity: one,
        min_notional: Decimal::ZERO,
        multiplier: one,
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    };
    TapeHeader {
        instruments: vec![Instrument::new(spec).unwrap()],
        clock: TapeClock::Venue,
        source: String::new(),
    }
}

fn pass(path: &Path, segments: u64) -> u64 {
    let count = segments * u64::from(SEGMENT_EVENTS_MAX);
    let mut writer = TapeWriter::create(path, &header()).unwrap();
    for i in 0..count {
        let noise = i64::try_from(i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).unwrap();
        let trade =
            Trade { price: Price(1 + noise), quantity: Quantity(1), aggressor: None, id: i };
        let time = UnixNanos(i * 1_000);
        let data = MarketData::Trade(trade);
        let event = MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data };
        writer.append(&event).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(TapeReader::info(path).unwrap().segments, segments);
    assert_eq!(TapeReader::open(path).unwrap().map(Result::unwrap).count() as u64, count);
    let ahead = ReadAhead::new(TapeReader::open(path).unwrap()).unwrap();
    assert_eq!(ahead.map(Result::unwrap).count() as u64, count);
    memory_peak_kib()
}

#[test]
fn memory_does_not_grow_with_the_tape() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.tape");
    let short = pass(&path, 4);
    let long = pass(&path, 40);
    assert!(long - short < GROWTH_KIB_MAX, "{short} KiB, then {long} KiB");
}
