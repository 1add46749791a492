//! A [`RunConfig`] as a file again: in full for `report verify`, and without paths for the hash
//! that a receipt carries. Keys come in alphabetical order, so equal runs give equal bytes.

use std::path::Path;

use sandpit_core::{
    num::{Decimal, Money},
    time::UnixNanos,
};
use toml::{Table, Value};

use super::{
    InstrumentRules, MoneyLimits, OffTick, PluginRun, PluginSource, RunConfig, SandboxLimits,
    Touch, VERSION,
};

impl RunConfig {
    /// All that can change a result, and nothing else: not where files are, nor how many threads
    /// read them. What files hold is in the receipt by its own hash.
    #[must_use]
    pub fn canonical(&self) -> String {
        let plugins = self.plugins.iter().map(|run| Value::Table(plugin(run))).collect();
        let mut table = self.rules();
        table.insert("plugins".to_owned(), Value::Array(plugins));
        table.to_string()
    }

    /// The whole run as a file that [`super::load`] reads, with `components` in the place of what
    /// the plugins were made from.
    #[must_use]
    pub fn to_file(&self, components: &[&Path]) -> String {
        let path = |path: &Path| Value::String(path.to_string_lossy().into_owned());
        let with_source = |(index, run): (usize, &PluginRun)| {
            let (PluginSource::Component(said) | PluginSource::Crate(said)) = &run.source;
            let mut table = plugin(run);
            let component = components.get(index).copied().unwrap_or(said);
            table.insert("component".to_owned(), path(component));
            Value::Table(table)
        };
        let plugins = self.plugins.iter().enumerate().map(with_source).collect();
        let tapes = self.tapes.iter().map(|tape| path(tape)).collect();
        let mut table = self.rules();
        table.insert("plugins".to_owned(), Value::Array(plugins));
        table.insert("tapes".to_owned(), Value::Array(tapes));
        table.to_string()
    }

    fn rules(&self) -> Table {
        let mut table = Table::new();
        put(&mut table, "version", Some(Value::Integer(VERSION.into())));
        // TOML has no unsigned numbers: the seed keeps its bits.
        put(&mut table, "seed", Some(Value::String(self.seed.to_string())));
        put(&mut table, "currency", self.currency.clone().map(Value::String));
        put(&mut table, "from", self.from.map(time));
        put(&mut table, "to", self.to.map(time));
        let mut fill = Table::new();
        put(&mut fill, "latency_ms", integer(Some(self.fill.latency.0 / 1_000_000)));
        let touch = match self.fill.touch {
            Touch::Never => "never",
            Touch::Always => "always",
        };
        put(&mut fill, "touch", Some(Value::String(touch.to_owned())));
        let off_tick = match self.fill.off_tick {
            OffTick::Deny => "deny",
            OffTick::Round => "round",
        };
        put(&mut fill, "off_tick", Some(Value::String(off_tick.to_owned())));
        table.insert("fill".to_owned(), Value::Table(fill));
        table.insert("account".to_owned(), Value::Table(limits(&self.account_limits)));
        let instruments = self.instruments.iter().map(|i| Value::Table(instrument(i))).collect();
        table.insert("instruments".to_owned(), Value::Array(instruments));
        table
    }
}

fn plugin(run: &PluginRun) -> Table {
    let mut table = Table::new();
    put(&mut table, "name", Some(Value::String(run.name.clone())));
    put(&mut table, "budget", money(Some(run.budget)));
    let instruments = run.instruments.iter().cloned().map(Value::String).collect();
    table.insert("instruments".to_owned(), Value::Array(instruments));
    let parameters =
        run.parameters.iter().map(|(name, value)| (name.clone(), Value::String(value.0.clone())));
    table.insert("parameters".to_owned(), Value::Table(parameters.collect()));
    table.insert("limits".to_owned(), Value::Table(limits(&run.limits)));
    table.insert("sandbox".to_owned(), Value::Table(sandbox(&run.sandbox)));
    table
}

fn limits(limits: &MoneyLimits) -> Table {
    let mut table = Table::new();
    put(&mut table, "order_notional_max", money(limits.order_notional_max));
    put(&mut table, "position_notional_max", money(limits.position_notional_max));
    put(&mut table, "gross_notional_max", money(limits.gross_notional_max));
    put(&mut table, "open_orders_max", integer(limits.open_orders_max.map(u64::from)));
    put(&mut table, "short_allowed", limits.short_allowed.map(Value::Boolean));
    let mut instruments = Table::new();
    for (symbol, quantities) in &limits.instruments {
        let mut one = Table::new();
        put(&mut one, "order_quantity_max", decimal(quantities.order_quantity_max));
        put(&mut one, "position_quantity_max", decimal(quantities.position_quantity_max));
        instruments.insert(symbol.clone(), Value::Table(one));
    }
    table.insert("instruments".to_owned(), Value::Table(instruments));
    table
}

fn sandbox(limits: &SandboxLimits) -> Table {
    let mut table = Table::new();
    put(&mut table, "memory_bytes_max", integer(limits.memory_bytes_max));
    put(&mut table, "fuel_per_call_max", integer(limits.fuel_per_call_max));
    put(&mut table, "call_deadline_ms", integer(limits.call_deadline_ms));
    put(&mut table, "start_deadline_ms", integer(limits.start_deadline_ms));
    put(&mut table, "intents_per_call_max", integer(limits.intents_per_call_max.map(u64::from)));
    table
}

fn instrument(rules: &InstrumentRules) -> Table {
    let mut table = Table::new();
    put(&mut table, "symbol", Some(Value::String(rules.symbol.clone())));
    put(&mut table, "maker_fee", decimal(rules.maker_fee));
    put(&mut table, "taker_fee", decimal(rules.taker_fee));
    put(&mut table, "min_quantity", decimal(rules.min_quantity));
    put(&mut table, "max_quantity", decimal(rules.max_quantity));
    put(&mut table, "min_notional", decimal(rules.min_notional));
    table
}

fn put(table: &mut Table, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        table.insert(key.to_owned(), value);
    }
}

fn integer(value: Option<u64>) -> Option<Value> {
    value.map(|value| Value::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn decimal(value: Option<Decimal>) -> Option<Value> {
    value.map(|value| Value::String(value.normalized().to_string()))
}

fn money(value: Option<Money>) -> Option<Value> {
    value.map(|value| Value::String(value.to_string()))
}

fn time(time: UnixNanos) -> Value {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.0)).unwrap_or_default();
    Value::String(time.to_string())
}
