//! Journals to try things on.

use std::path::{Path, PathBuf};

use sandpit_core::{
    engine::{Alert, EquitySample, Origin, Record},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId, TradeId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::TimeInForce,
    market::Side,
    num::{Decimal, Money, Price, Quantity, Rate},
    order::{Fill, Order, OrderKind, OrderState},
    risk::{Denial, Purpose, Scope},
    time::UnixNanos,
};
use sandpit_journal::journal::{
    Entry, Journal, JournalError, JournalOptions, JournalReader, Row, Tables,
};
use tempfile::TempDir;

/// 2026-11-24T12:00:00Z.
pub(crate) const NOON: u64 = 1_795_521_600_000_000_000;

pub(crate) fn instrument(symbol: &str) -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
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

pub(crate) fn tables() -> Tables {
    Tables {
        instruments: vec![instrument("BTCUSDT"), instrument("ETHUSDT")],
        plugins: vec!["cross".to_owned(), "maker".to_owned()],
        budgets: vec![Money::from_scaled(1_000, 0).unwrap(); 2],
        currency: "USDT".to_owned(),
    }
}

/// A folder and a journal's name in it.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main.journal");
    (folder, path)
}

pub(crate) fn open(path: &Path) -> Result<Journal, JournalError> {
    Journal::open(path, &tables(), &JournalOptions::default())
}

pub(crate) fn money(text: &str) -> Money {
    Money::from_decimal(text.parse().unwrap()).unwrap()
}

pub(crate) fn order_id(plugin: u16, sequence: u64) -> ClientOrderId {
    ClientOrderId { sequence, plugin: PluginId(plugin), run: RunId(1) }
}

pub(crate) fn order(plugin: u16, sequence: u64, side: Side, quantity: i64) -> Order {
    Order {
        id: order_id(plugin, sequence),
        tag: OrderTag(sequence),
        instrument: InstrumentId(0),
        side,
        quantity: Quantity(quantity),
        kind: OrderKind::Limit(Price(10_000)),
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    }
}

pub(crate) fn fill(trade: u64, price: i64, quantity: i64, fee: &str) -> Fill {
    Fill {
        trade_id: TradeId(trade),
        price: Price(price),
        quantity: Quantity(quantity),
        fee: money(fee),
        maker: trade.is_multiple_of(2),
    }
}

/// One step of a trade: an order, its fill, its end, and how the account stands.
pub(crate) fn trade(sequence: u64) -> Vec<Record> {
    let side = if sequence.is_multiple_of(2) { Side::Sell } else { Side::Buy };
    let order = order(0, sequence, side, 5);
    let fill = fill(sequence, 10_000, 5, "0.05");
    let equity = money("1000.0") - Money(i128::from(sequence));
    vec![
        Record::Submitted { order: order.clone(), purpose: Purpose::Plain, replaces: None },
        Record::Filled { order: order.clone(), fill, time: UnixNanos(NOON), origin: Origin::Venue },
        Record::Closed { order, state: OrderState::Filled, filled: Quantity(5) },
        Record::Equity {
            plugin: None,
            sample: EquitySample {
                time: UnixNanos(0),
                equity,
                balance: equity,
                peak: money("1000.0"),
                day_start: money("1000.0"),
            },
        },
    ]
}

pub(crate) fn denied() -> Record {
    Record::Denied {
        plugin: PluginId(1),
        instrument: Some(InstrumentId(1)),
        tag: Some(OrderTag(7)),
        denial: Denial::OrderNotionalAboveMax {
            scope: Scope::Account,
            value: money("100.5"),
            limit: money("100.0"),
        },
    }
}

pub(crate) fn alert() -> Record {
    Record::Alert(Alert::StrangeReport(order_id(0, 99)))
}

/// Writes `steps` trades, each with its own commit.
pub(crate) fn write_trades(journal: &mut Journal, from: u64, steps: u64) {
    for sequence in from..from + steps {
        journal.append(UnixNanos(NOON + sequence), &trade(sequence)).unwrap();
    }
}

/// All rows of a file, as far as they can be read.
pub(crate) fn rows(path: &Path) -> Result<Vec<Row>, JournalError> {
    JournalReader::open(path)?.entries().collect()
}

/// The engine's records of a file.
pub(crate) fn records(path: &Path) -> Vec<Record> {
    let rows = rows(path).unwrap();
    rows.into_iter()
        .filter_map(|row| match row.entry {
            Entry::Core(record) => Some(record),
            Entry::Host(_) => None,
        })
        .collect()
}
