//! A [`RunConfig`] as a file again: in full for `report verify`, and without paths for the hash
//! that a receipt carries. Keys come in alphabetical order, so equal runs give equal bytes.

use std::path::Path;

use sandpit_core::{
    num::{Decimal, Money},
    time::UnixNanos,
};
use toml::{Table, Value};

use super::{InstrumentRules, PluginRun, PluginSource, RunConfig, VERSION, fill, limits};

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
        table.insert("fill".to_owned(), Value::Table(self.fill.render()));
        table.insert("account".to_owned(), Value::Table(limits::render(&self.account_limits)));
        // Without anything said, runs are hashed as before there was anything to say.
        let risk = self.risk.render();
        put(&mut table, "risk", (!risk.is_empty()).then_some(Value::Table(risk)));
        put(&mut table, "venue", self.venue.as_ref().map(|venue| Value::Table(venue.render())));
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
    table.insert("limits".to_owned(), Value::Table(limits::render(&run.limits)));
    table.insert("sandbox".to_owned(), Value::Table(run.sandbox.render()));
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
    put(&mut table, "triggers", rules.triggers.map(fill::triggers));
    put(&mut table, "margin", rules.margin.as_ref().map(fill::margin));
    table
}

pub(super) fn put(table: &mut Table, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        table.insert(key.to_owned(), value);
    }
}

pub(super) fn integer(value: Option<u64>) -> Option<Value> {
    value.map(|value| Value::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}

pub(super) fn decimal(value: Option<Decimal>) -> Option<Value> {
    value.map(|value| Value::String(value.normalized().to_string()))
}

pub(super) fn money(value: Option<Money>) -> Option<Value> {
    value.map(|value| {
        let text = value.to_string();
        if text.parse::<Decimal>().is_ok() {
            return Value::String(text);
        }
        // The largest amounts have no room for the decimals with which amounts are shown.
        Value::String(text.trim_end_matches('0').trim_end_matches('.').to_owned())
    })
}

pub(super) fn time(time: UnixNanos) -> Value {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.0)).unwrap_or_default();
    Value::String(time.to_string())
}
