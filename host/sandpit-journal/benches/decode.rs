//! How long one trade takes from disk to the core's type. `cargo bench -p sandpit-journal`.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{error::Error, fs::File, io::Read, path::Path, time::Instant};

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Price, Quantity, Rate, raw_at_scale},
    time::UnixNanos,
};
use sandpit_journal::tape::{ReadAhead, TapeClock, TapeHeader, TapeReader, TapeWriter};

const RECORDED: &str = "../../../shared/data/trades/bitmex-xbtusd-1m-trades-2018-01.csv.gz";
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
    let (source, events) = if recorded.exists() {
        ("recorded BitMEX trades", recorded_trades(&recorded)?)
    } else {
        ("made-up trades (the recorded ones are missing)", made_up_trades(1_000_000))
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("trades.tape");
    let header = TapeHeader {
        instruments: vec![Instrument::new(spec())?],
        clock: TapeClock::Venue,
        source: source.to_owned(),
    };
    let start = Instant::now();
    let mut writer = TapeWriter::create(&path, &header)?;
    for event in &events {
        writer.append(event)?;
    }
    let bytes = writer.finish()?;
    let count = events.len();
    println!(
        "{source}: {count} events, {bytes} bytes, {:.2} bytes/event",
        per(bytes as f64, count)
    );
    println!("write       {:6.1} ns/event", per(start.elapsed().as_nanos() as f64, count));
    println!("read        {:6.1} ns/event", best(count, || sum(TapeReader::open(&path)?)));
    println!(
        "read ahead  {:6.1} ns/event",
        best(count, || sum(ReadAhead::new(TapeReader::open(&path)?)?))
    );
    Ok(())
}

/// The best of several rounds: the others measure what else the machine does.
fn best(count: usize, mut round: impl FnMut() -> Result<i64, Box<dyn Error>>) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let sum = std::hint::black_box(round());
        assert!(sum.is_ok(), "the tape cannot be read");
        best = best.min(per(start.elapsed().as_nanos() as f64, count));
    }
    best
}

fn sum<E: Error + 'static>(
    events: impl Iterator<Item = Result<MarketEvent, E>>,
) -> Result<i64, Box<dyn Error>> {
    let mut sum = 0i64;
    for event in events {
        if let MarketData::Trade(trade) = event?.data {
            sum = sum.wrapping_add(trade.price.0 ^ trade.quantity.0);
        }
    }
    Ok(sum)
}

fn per(total: f64, count: usize) -> f64 {
    total / count as f64
}

fn recorded_trades(path: &Path) -> Result<Vec<MarketEvent>, Box<dyn Error>> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    let mut events = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',').map(str::as_bytes);
        let mut number = |scale| raw_at_scale(fields.next().unwrap_or_default(), scale);
        let (time, price, size) = (number(0)?, number(1)?, number(0)?);
        events.push(trade(u64::try_from(time)? * 1_000_000, price, size));
    }
    Ok(events)
}

fn made_up_trades(count: u64) -> Vec<MarketEvent> {
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        i64::try_from((state >> 33) % below).unwrap_or(0)
    };
    let mut price = 138_730;
    (0..count)
        .map(|i| {
            price += random(11) - 5;
            let size = (random(10_000) + 1) * if random(2) == 0 { 1 } else { -1 };
            trade(1_514_764_802_610_000_000 + i / 3 * 1_000_000, price, size)
        })
        .collect()
}

fn trade(time: u64, price: i64, size: i64) -> MarketEvent {
    let aggressor = Some(if size < 0 { Side::Sell } else { Side::Buy });
    let trade = Trade { price: Price(price), quantity: Quantity(size.abs()), aggressor, id: 0 };
    MarketEvent {
        instrument: InstrumentId(0),
        time: UnixNanos(time),
        venue_time: UnixNanos(time),
        data: MarketData::Trade(trade),
    }
}

fn spec() -> InstrumentSpec {
    InstrumentSpec {
        symbol: "XBTUSD".to_owned(),
        venue: "bitmex".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "XBT".to_owned(),
        quote: "USD".to_owned(),
        price_tick: Decimal::new(5, 1),
        quantity_step: Decimal::new(1, 0),
        min_quantity: Decimal::new(1, 0),
        max_quantity: Decimal::new(10_000_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    }
}
