//! The way back to TOML.

use sandpit_core::{
    matching::{Closing, FeeSchedule, FeeTier, MarginRules, MarginTier, TriggerSource},
    time::Nanos,
};
use toml::{Table, Value};

use super::LatencyModel;
use crate::config::render::{decimal, integer, money, put, time};

pub(super) fn latency(model: LatencyModel) -> Value {
    let mut table = Table::new();
    let micros = |way: Nanos| integer(Some(way.0 / 1_000));
    let name = match model {
        LatencyModel::Fixed(way) => {
            put(&mut table, "base_us", micros(way));
            "fixed"
        }
        LatencyModel::Jitter { base, spread } => {
            put(&mut table, "base_us", micros(base));
            put(&mut table, "spread_us", micros(spread));
            "jitter"
        }
        LatencyModel::Recorded { factor, plus } => {
            put(&mut table, "factor", decimal(Some(factor.to_decimal())));
            put(&mut table, "plus_us", micros(plus));
            "recorded"
        }
    };
    put(&mut table, "model", Some(Value::String(name.to_owned())));
    Value::Table(table)
}

pub(in crate::config) fn triggers(source: TriggerSource) -> Value {
    let name = match source {
        TriggerSource::Last => "last",
        TriggerSource::Mark => "mark",
        TriggerSource::Quotes => "quotes",
    };
    Value::String(name.to_owned())
}

pub(super) fn fees(schedule: &FeeSchedule) -> Value {
    let tier = |tier: &FeeTier| {
        let mut table = Table::new();
        put(&mut table, "from", money(Some(tier.from)));
        put(&mut table, "maker", decimal(Some(tier.maker.to_decimal())));
        put(&mut table, "taker", decimal(Some(tier.taker.to_decimal())));
        Value::Table(table)
    };
    let mut table = Table::new();
    put(&mut table, "window_days", integer(Some(schedule.window_days().into())));
    let tiers = schedule.tiers().iter().map(tier).collect();
    put(&mut table, "tiers", Some(Value::Array(tiers)));
    Value::Table(table)
}

pub(super) fn closing(closing: &Closing) -> Value {
    let mut table = Table::new();
    put(&mut table, "from", Some(time(closing.from)));
    put(&mut table, "to", Some(time(closing.to)));
    Value::Table(table)
}

pub(in crate::config) fn margin(rules: &MarginRules) -> Value {
    let tier = |tier: &MarginTier| {
        let mut table = Table::new();
        put(&mut table, "from", money(Some(tier.from)));
        put(&mut table, "rate", decimal(Some(tier.rate.to_decimal())));
        Value::Table(table)
    };
    let mut table = Table::new();
    put(&mut table, "leverage_max", integer(Some(rules.leverage_max().into())));
    let fee = decimal(Some(rules.liquidation_fee().to_decimal()));
    put(&mut table, "liquidation_fee", fee);
    let tiers = rules.tiers().iter().map(tier).collect();
    put(&mut table, "tiers", Some(Value::Array(tiers)));
    Value::Table(table)
}
