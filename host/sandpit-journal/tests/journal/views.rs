//! What people see in the views is what the rows say.

use rusqlite::{Connection, types::Value};
use sandpit_core::{
    engine::{EquitySample, Lock, LockReason, News, Origin, Record},
    ids::{InstrumentId, PluginId},
    market::Side,
    num::{Money, Price, Quantity},
    order::{OrderKind, OrderState, Transition},
    plugin::TradingState,
    risk::Purpose,
    time::UnixNanos,
};

use super::support::{NOON, alert, denied, fill, money, open, order, place};

/// All rows of a view as text.
fn view(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cells = (0..columns).map(|column| {
            Ok(match row.get::<_, Value>(column)? {
                Value::Null => "-".to_owned(),
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text,
                other => panic!("no view has {other:?}"),
            })
        });
        Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join(" "))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn sample(equity: Money) -> EquitySample {
    EquitySample {
        time: UnixNanos(0),
        equity,
        balance: money("990.0"),
        peak: money("1000.0"),
        day_start: money("1000.25"),
    }
}

fn write(path: &std::path::Path) {
    let buy = order(0, 1, Side::Buy, 1_500);
    let mut stop = order(1, 2, Side::Sell, 20);
    stop.kind = OrderKind::StopLimit { trigger: Price(9_950), limit: Price(9_900) };
    let filled = |trade, price, quantity, fee| Record::Filled {
        order: buy.clone(),
        fill: fill(trade, price, quantity, fee),
        time: UnixNanos(NOON),
        origin: Origin::Venue,
    };
    let steps = [
        vec![
            Record::Submitted { order: buy.clone(), purpose: Purpose::Plain, replaces: None },
            Record::Held { order: stop, purpose: Purpose::Protective, replaces: None },
        ],
        vec![Record::Moved {
            order: buy.id,
            by: Transition::Accept,
            to: OrderState::Accepted,
            news: News::Nothing,
            origin: Origin::Venue,
        }],
        vec![filled(1, 10_001, 1_000, "0.000000000000000001")],
        vec![filled(2, 9_999, 500, "-0.30")],
        vec![Record::Closed {
            order: buy.clone(),
            state: OrderState::Filled,
            filled: Quantity(1_500),
        }],
        vec![Record::Liquidated {
            plugin: PluginId(0),
            instrument: InstrumentId(0),
            side: Side::Sell,
            fill: fill(3, 5, 1_600, "12.5"),
            time: UnixNanos(NOON),
        }],
        vec![denied(), alert()],
        vec![Record::Locked {
            plugin: None,
            lock: Lock {
                reason: LockReason::DailyLoss,
                state: TradingState::Reducing,
                since: UnixNanos(NOON),
                unlock_at: Some(UnixNanos(NOON + 1_500_000_000)),
            },
        }],
        vec![
            Record::Equity { plugin: None, sample: sample(money("1001.0")) },
            Record::Equity { plugin: Some(PluginId(1)), sample: sample(money("1000.75")) },
            Record::Equity { plugin: None, sample: sample(money("999.0") + Money(1)) },
        ],
    ];
    let mut journal = open(path).unwrap();
    for (after, step) in (0..).zip(&steps) {
        journal.append(UnixNanos(NOON + after), step).unwrap();
    }
}

#[test]
fn views_speak_of_names_times_and_decimals() {
    let (_folder, path) = place();
    write(&path);
    let database = Connection::open(&path).unwrap();
    let check = |sql: &str, expected: &[&str]| assert_eq!(view(&database, sql), expected, "{sql}");
    check(
        "SELECT id, symbol, price_scale, quantity_scale FROM instruments",
        &["0 BTCUSDT 2 3", "1 ETHUSDT 2 3"],
    );
    check("SELECT * FROM plugins", &["0 cross 1000.00", "1 maker 1000.00"]);
    check(
        "SELECT time, plugin, symbol, order_id, tag, side, kind, quantity, filled, limit_price, trigger_price, purpose, state FROM orders",
        &[
            "2026-11-24T12:00:00.000000000Z cross BTCUSDT sp-1-0-1 1 buy limit 1.500 1.500 100.00 - plain filled",
            "2026-11-24T12:00:00.000000000Z maker BTCUSDT sp-1-1-2 2 sell stop-limit 0.020 0.000 99.00 99.50 protective submitted",
        ],
    );
    check(
        "SELECT time, plugin, symbol, kind, side, price, quantity, fee, liquidity, trade_id, origin FROM fills",
        &[
            "2026-11-24T12:00:00.000000002Z cross BTCUSDT filled buy 100.01 1.000 0.000000000000000001 taker 1 venue",
            "2026-11-24T12:00:00.000000003Z cross BTCUSDT filled buy 99.99 0.500 -0.30 maker 2 venue",
            "2026-11-24T12:00:00.000000005Z cross BTCUSDT liquidated sell 0.05 1.600 12.50 taker 3 -",
        ],
    );
    check(
        "SELECT plugin, symbol, quantity, fills, fees FROM positions",
        &["cross BTCUSDT -0.100 3 12.200000000000000001"],
    );
    check(
        "SELECT * FROM daily_pnl",
        &[
            "2026-11-24 account -1.249999999999999999 999.000000000000000001 990.00 1000.25",
            "2026-11-24 maker 0.50 1000.75 990.00 1000.25",
        ],
    );
    check(
        "SELECT plugin, symbol, tag, code, detail FROM denials",
        &[
            r#"maker ETHUSDT 7 order-notional-above-max {"order-notional-above-max":{"scope":"account","value":"100.50","limit":"100.00"}}"#,
        ],
    );
    check(
        "SELECT kind, detail FROM alerts",
        &[r#"alert {"v":1,"alert":{"strange-report":{"order":"sp-1-0-63"}}}"#],
    );
    check(
        "SELECT plugin, kind, reason, state, unlock_at FROM locks",
        &["account locked daily-loss reducing 2026-11-24T12:00:01.500000000Z"],
    );
}

#[test]
fn sums_of_money_are_exact_over_carries_and_signs() {
    for (fees, expected) in [
        (vec!["0.999999999999999999", "0.000000000000000001"], "1.00"),
        (vec!["0.5", "-0.75"], "-0.25"),
        (vec!["-0.5", "0.75"], "0.25"),
        (vec!["-3.25", "1.0"], "-2.25"),
        (vec!["3.0", "-0.000000000000000001"], "2.999999999999999999"),
        (vec!["-0.0000000005", "-0.0000000005"], "-0.000000001"),
        (vec!["0.999999999", "0.000000001", "0.000000000000000009"], "1.000000000000000009"),
        (vec!["1.5", "-1.5"], "0.00"),
        (vec!["1000000000.0", "0.10"], "1000000000.10"),
    ] {
        let (_folder, path) = place();
        let mut journal = open(&path).unwrap();
        for (trade, fee) in (1..).zip(&fees) {
            let record = Record::Filled {
                order: order(0, trade, Side::Buy, 1),
                fill: fill(trade, 1, 1, fee),
                time: UnixNanos(NOON),
                origin: Origin::Venue,
            };
            journal.append(UnixNanos(NOON), &[record]).unwrap();
        }
        drop(journal);
        let database = Connection::open(&path).unwrap();
        assert_eq!(view(&database, "SELECT fees FROM positions"), [expected], "{fees:?}");
    }
}
