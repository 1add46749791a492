//! The way back to TOML: what is at its default stays out.

use sandpit_core::{
    plugin::TradingState,
    risk::{BasisPoints, BreachPolicy, Guards, LossLimit, ProtectiveStop, Rates, Sides, Unlock},
    time::Nanos,
};
use toml::{Table, Value};

use super::MoneyLimits;
use crate::config::render::{decimal, integer, money, put};

/// The limits as a file has them, without what is not said.
pub(in crate::config) fn render(limits: &MoneyLimits) -> Table {
    let mut table = Table::new();
    let points = |value: Option<BasisPoints>| integer(value.map(|points| u64::from(points.0)));
    put(&mut table, "price_collar_bp_max", points(limits.price_collar_max));
    put(&mut table, "market_age_ms_max", integer(limits.market_age_max.map(millis)));
    put(&mut table, "order_notional_max", money(limits.order_notional_max));
    put(&mut table, "open_orders_max", integer(limits.open_orders_max.map(u64::from)));
    render_rates(&limits.rates, &mut table);
    put(&mut table, "position_notional_max", money(limits.position_notional_max));
    put(&mut table, "gross_notional_max", money(limits.gross_notional_max));
    put(&mut table, "net_notional_max", money(limits.net_notional_max));
    put(&mut table, "leverage_bp_max", points(limits.leverage_max));
    put(&mut table, "concentration_bp_max", points(limits.concentration_max));
    put(&mut table, "short_allowed", limits.short_allowed.map(Value::Boolean));
    let sides = match limits.sides_allowed {
        Sides::Both => None,
        Sides::Buy => Some("buy"),
        Sides::Sell => Some("sell"),
    };
    put(&mut table, "sides_allowed", sides.map(|sides| Value::String(sides.to_owned())));
    let allowed = limits.instruments_allowed.as_ref();
    let symbols = allowed.map(|all| all.iter().cloned().map(Value::String).collect());
    put(&mut table, "instruments_allowed", symbols.map(Value::Array));
    let mut instruments = Table::new();
    for (symbol, quantities) in &limits.instruments {
        let mut one = Table::new();
        put(&mut one, "order_quantity_max", decimal(quantities.order_quantity_max));
        put(&mut one, "position_quantity_max", decimal(quantities.position_quantity_max));
        instruments.insert(symbol.clone(), Value::Table(one));
    }
    table.insert("instruments".to_owned(), Value::Table(instruments));
    render_guards(&limits.guards, &mut table);
    put(&mut table, "protective_stop", limits.protective_stop.map(render_stop));
    if !limits.ramp.is_empty() {
        let stages = limits.ramp.iter().map(|stage| {
            let mut one = Table::new();
            put(&mut one, "basis_points", integer(Some(stage.share.0.into())));
            put(&mut one, "days", integer(Some(stage.days.into())));
            Value::Table(one)
        });
        table.insert("ramp".to_owned(), Value::Array(stages.collect()));
    }
    table
}

const fn millis(time: Nanos) -> u64 {
    time.0 / 1_000_000
}

const fn whole_minutes(time: Nanos) -> u64 {
    time.0 / (60 * Nanos::SECOND.0)
}

fn render_rates(rates: &Rates, table: &mut Table) {
    for (key, value) in [
        ("orders_per_second_max", rates.orders_per_second_max),
        ("orders_per_minute_max", rates.orders_per_minute_max),
        ("amends_per_second_max", rates.amends_per_second_max),
        ("amends_per_minute_max", rates.amends_per_minute_max),
        ("cancels_per_second_max", rates.cancels_per_second_max),
        ("cancels_per_minute_max", rates.cancels_per_minute_max),
    ] {
        put(table, key, integer(value.map(u64::from)));
    }
    if let Some(rule) = rates.order_to_fill_max {
        let mut one = Table::new();
        put(&mut one, "ratio_max", integer(Some(rule.ratio_max.into())));
        put(&mut one, "orders_min", integer(Some(rule.orders_min.into())));
        put(&mut one, "window_minutes", integer(Some(whole_minutes(rule.window))));
        table.insert("order_to_fill".to_owned(), Value::Table(one));
    }
}

fn render_guards(guards: &Guards, table: &mut Table) {
    let mut guard =
        |key: &str, limit: Option<LossLimit>, more: [(&str, Option<u32>); 2], policy| {
            let mut one = Table::new();
            match limit {
                Some(LossLimit::Amount(amount)) => put(&mut one, "amount", money(Some(amount))),
                Some(LossLimit::Share(points)) => {
                    put(&mut one, "basis_points", integer(Some(points.0.into())));
                }
                None => {}
            }
            for (key, value) in more {
                put(&mut one, key, integer(value.map(u64::from)));
            }
            render_policy(policy, &mut one);
            table.insert(key.to_owned(), Value::Table(one));
        };
    let none = [("losses_max", None), ("minutes", None)];
    for (key, loss) in [("daily_loss", guards.daily_loss), ("drawdown", guards.drawdown)] {
        if let Some(loss) = loss {
            guard(key, Some(loss.limit), none, loss.policy);
        }
    }
    if let Some(streak) = guards.losing_streak {
        let more = [("losses_max", Some(streak.losses_max)), ("minutes", None)];
        guard("losing_streak", None, more, streak.policy);
    }
    if let Some(velocity) = guards.pnl_velocity {
        let more = [("losses_max", None), ("minutes", Some(u32::from(velocity.minutes)))];
        guard("pnl_velocity", Some(velocity.limit), more, velocity.policy);
    }
}

fn render_policy(policy: BreachPolicy, table: &mut Table) {
    let text = |text: &str| Some(Value::String(text.to_owned()));
    let halted = policy.state == TradingState::Halted;
    put(table, "state", text(if halted { "halted" } else { "reducing" }));
    put(table, "flatten", Some(Value::Boolean(policy.flatten)));
    match policy.unlock {
        Unlock::Person => put(table, "unlock", text("person")),
        Unlock::NextSession => put(table, "unlock", text("next-session")),
        Unlock::After(time) => {
            put(table, "unlock_after_minutes", integer(Some(whole_minutes(time))));
        }
    }
}

fn render_stop(stop: ProtectiveStop) -> Value {
    let mut one = Table::new();
    match stop {
        ProtectiveStop::Share(points) => {
            put(&mut one, "basis_points", integer(Some(points.0.into())));
        }
        ProtectiveStop::Amount(amount) => put(&mut one, "amount", money(Some(amount))),
        ProtectiveStop::Trailing(points) => {
            put(&mut one, "trailing_bp", integer(Some(points.into())));
        }
    }
    Value::Table(one)
}
