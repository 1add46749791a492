//! What a step costs until it is committed, for both durabilities, alone and in groups; and how fast
//! rows are verified. `cargo bench -p sandpit-journal --bench journal`. The folder is that of
//! `SANDPIT_BENCH_FOLDER`, or the system's for temporary files: what waits for the disk depends on it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{env, error::Error, time::Instant};

use sandpit_core::{
    engine::{Origin, Record},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId, TradeId},
    intent::{Intent, Place, PlaceKind, TimeInForce},
    market::Side,
    num::{Decimal, Money, Price, Quantity},
    order::{Fill, Order, OrderKind, OrderState},
    risk::Purpose,
    time::UnixNanos,
};
use sandpit_journal::journal::{Durability, Journal, JournalOptions, Tables, Verdict, verify};
use tempfile::TempDir;

/// Rows of one step: an intent, its order, the fill, the end.
const ROWS_PER_STEP: u64 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:<34}{:>10}{:>12}{:>12}{:>12}", "", "rows/s", "us/step", "p50 us", "p99 us");
    for (name, durability, group, steps) in [
        ("process, a commit per step", Durability::Process, 1, 20_000),
        ("process, 16 steps per commit", Durability::Process, 16, 40_000),
        ("process, 128 steps per commit", Durability::Process, 128, 40_000),
        ("power, a commit per step", Durability::Power, 1, 1_000),
        ("power, 16 steps per commit", Durability::Power, 16, 8_000),
        ("power, 128 steps per commit", Durability::Power, 128, 20_000),
    ] {
        write(name, durability, group, steps)?;
    }
    read()
}

fn folder() -> std::io::Result<TempDir> {
    match env::var_os("SANDPIT_BENCH_FOLDER") {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    }
}

fn write(name: &str, durability: Durability, group: u64, steps: u64) -> Result<(), Box<dyn Error>> {
    let folder = folder()?;
    let options = JournalOptions { durability, bytes_max: None };
    let mut journal = Journal::open(folder.path().join("bench.journal"), &tables(), &options)?;
    let records: Vec<_> = (0..256).map(step).collect();
    let mut commits = Vec::new();
    let start = Instant::now();
    for (number, records) in (1..=steps).zip(records.iter().cycle()) {
        let begun = Instant::now();
        journal.stage(UnixNanos(number), records)?;
        if number.is_multiple_of(group) {
            journal.commit()?;
            commits.push(begun.elapsed());
        }
    }
    let spent = start.elapsed();
    commits.sort();
    let at = |part: usize| {
        let index = commits.len() * part / 100;
        commits.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    let rows = (steps * ROWS_PER_STEP) as f64;
    println!(
        "{name:<34}{:>10.0}{:>12.1}{:>12.1}{:>12.1}",
        rows / spent.as_secs_f64(),
        spent.as_secs_f64() * 1e6 / steps as f64,
        at(50),
        at(99),
    );
    Ok(())
}

fn read() -> Result<(), Box<dyn Error>> {
    let folder = folder()?;
    let path = folder.path().join("bench.journal");
    let mut journal = Journal::open(&path, &tables(), &JournalOptions::default())?;
    for number in 0..50_000 {
        journal.stage(UnixNanos(number), &step(number))?;
    }
    let head = journal.close()?;
    let bytes = std::fs::metadata(&path)?.len();
    let start = Instant::now();
    let verdict = verify(&path, None)?;
    let spent = start.elapsed().as_secs_f64();
    assert!(matches!(verdict, Verdict::Verified(_)), "the journal is not sound");
    println!(
        "verify: {:.0} rows/s ({} rows, {:.0} bytes each)",
        head.seq as f64 / spent,
        head.seq,
        bytes as f64 / head.seq as f64
    );
    let journal = Journal::open(&path, &tables(), &JournalOptions::default())?;
    let start = Instant::now();
    let mut rows = 0u32;
    for row in journal.entries() {
        std::hint::black_box(row?);
        rows += 1;
    }
    println!("read and decode: {:.0} rows/s", f64::from(rows) / start.elapsed().as_secs_f64());
    Ok(())
}

fn step(number: u64) -> Vec<Record> {
    let order = Order {
        id: ClientOrderId { sequence: number, plugin: PluginId(0), run: RunId(77) },
        tag: OrderTag(number),
        instrument: InstrumentId(0),
        side: Side::Buy,
        quantity: Quantity(1_500),
        kind: OrderKind::Limit(Price(6_183_763)),
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    };
    let place = Place {
        tag: OrderTag(number),
        instrument: 0,
        side: Side::Buy,
        quantity: Decimal::new(15, 1),
        kind: PlaceKind::Limit(Decimal::new(6_183_763, 2)),
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    };
    let fill = Fill {
        trade_id: TradeId(number),
        price: Price(6_183_763),
        quantity: Quantity(1_500),
        fee: Money(46_378_222_500_000_000_000),
        maker: false,
    };
    vec![
        Record::Asked { plugin: PluginId(0), intent: Intent::Place(place) },
        Record::Submitted { order: order.clone(), purpose: Purpose::Plain, replaces: None },
        Record::Filled {
            order: order.clone(),
            fill,
            time: UnixNanos(number),
            origin: Origin::Venue,
        },
        Record::Closed { order, state: OrderState::Filled, filled: Quantity(1_500) },
    ]
}

fn tables() -> Tables {
    Tables {
        instruments: Vec::new(),
        plugins: vec!["bench".to_owned()],
        budgets: vec![Money::ZERO],
        currency: "USDT".to_owned(),
    }
}
