//! What a run is put together from before its market moves: instruments with the operator's rules
//! in them, loaded plugins, limits on the instruments' grids. Backtests and paper sessions begin
//! with the same.

use std::collections::BTreeMap;

use sandpit_core::{
    engine::{EngineConfig, PluginConfig, VenueCapabilities},
    ids::{InstrumentId, RunId},
    instrument::Instrument,
    matching::{FillModel, InstrumentModel},
    risk::Rates,
};
use sandpit_plugin::{AnyRunner, Argument, ComponentFile, Description, Runner as _, WarmUp};
use sha2::{Digest as _, Sha256};

use super::{BacktestError, limits};
use crate::{
    config::{ConfigError, PluginRun, RunConfig},
    sandbox::{self, Sandbox, SandboxError},
    synthetic::SplitMix64,
};

/// A run id has 48 bits.
const RUN_ID_MASK: u64 = (1 << 48) - 1;

/// Everything of a run but its market.
pub(crate) struct Assembly {
    pub(crate) engine: EngineConfig,
    pub(crate) currency: String,
    /// By plugin, as all that follow.
    pub(crate) instances: Vec<AnyRunner>,
    pub(crate) arguments: Vec<Vec<Argument>>,
    /// Of all plugins together.
    pub(crate) warm_up: Vec<WarmUp>,
    /// SHA-256 of the components.
    pub(crate) hashes: Vec<[u8; 32]>,
    /// Where they came in, for those that come later.
    pub(crate) sandbox: Sandbox,
}

impl Assembly {
    /// Loads the plugins and puts instruments, limits and parameters together. `market` are the
    /// instruments as the source has them; `lockstep` is whether the market waits for the plugins.
    pub(crate) fn new(
        config: &RunConfig,
        market: &[Instrument],
        components: &[ComponentFile],
        lockstep: bool,
    ) -> Result<Self, BacktestError> {
        let instruments = instruments(config, market)?;
        let currency = currency(config, &instruments)?;
        let sandbox = Sandbox::new(&config.loading).map_err(refused("every plugin"))?;
        let (mut instances, mut configs) = (Vec::new(), Vec::new());
        let (mut arguments, mut warm_up, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        for (run, file) in config.plugins.iter().zip(components) {
            let loaded = sandbox
                .load(&run.name, file, &sandbox::limits_of(config, run, lockstep))
                .map_err(refused(&run.name))?;
            let description = loaded.instance.description();
            let given = sandbox::arguments(description, &run.parameters);
            arguments.push(given.map_err(refused(&run.name))?);
            warm_up.extend(description.warm_up.iter().copied());
            hashes.push(*loaded.checked.sha256());
            let (rates, plugins) = (&config.account_limits.rates, config.plugins.len());
            configs.push(plugin_config(run, description, &instruments, (rates, plugins))?);
            instances.push(loaded.instance);
        }
        let account = &config.account_limits;
        let account_limits =
            limits::resolve(account, &instruments, "the account", limits::OF_THE_ACCOUNT)?;
        let engine = EngineConfig {
            run: RunId(config.seed & RUN_ID_MASK),
            instruments,
            plugins: configs,
            account_limits,
            off_tick: config.fill.off_tick,
            risk: config.risk.rules()?,
            venue: VenueCapabilities::ALL,
            recovery: None,
        };
        Ok(Self { engine, currency, instances, arguments, warm_up, hashes, sandbox })
    }
}

/// One plugin's share of a run: of `account`'s rates it has one of so many equal parts.
pub(crate) fn plugin_config(
    run: &PluginRun,
    description: &Description,
    instruments: &[Instrument],
    (account, plugins): (&Rates, usize),
) -> Result<PluginConfig, ConfigError> {
    let scope = format!("plugin `{}`", run.name);
    let mut limits = limits::resolve(&run.limits, instruments, &scope, limits::OF_A_PLUGIN)?;
    // Leverage is for the operator to grant: a plugin that nobody limits has its budget.
    limits.gross_notional_max.get_or_insert(run.budget);
    limits::share_rates(&mut limits.rates, account, plugins);
    Ok(PluginConfig {
        budget: run.budget,
        instruments: plugin_instruments(run, instruments)?,
        subscriptions: description.subscriptions(),
        limits,
    })
}

/// How the venue fills, as the operator wants it.
pub(crate) fn fill_model(
    config: &RunConfig,
    instruments: &[Instrument],
) -> Result<FillModel, ConfigError> {
    let fill = &config.fill;
    let mut own = BTreeMap::new();
    for rules in &config.instruments {
        let (id, _) = limits::find(&rules.symbol, instruments).ok_or_else(|| {
            limits::unknown(&rules.symbol, instruments, "the configuration's `instruments`")
        })?;
        let model = InstrumentModel { triggers: rules.triggers, margin: rules.margin.clone() };
        own.insert(id, model);
    }
    Ok(FillModel {
        touch: fill.touch,
        queue: fill.queue,
        beyond: fill.beyond,
        triggers: fill.triggers,
        bars: fill.bars,
        fees: fill.fees.clone(),
        maintenance: fill.maintenance.clone(),
        instruments: own,
    })
}

pub(crate) fn refused(name: &str) -> impl FnOnce(SandboxError) -> BacktestError + use<> {
    let name = name.to_owned();
    move |source| BacktestError::Plugin { name, source }
}

/// The market's instruments with the operator's rules in them.
pub(crate) fn instruments(
    config: &RunConfig,
    market: &[Instrument],
) -> Result<Vec<Instrument>, BacktestError> {
    let mut instruments = market.to_vec();
    for rules in &config.instruments {
        let (id, found) = limits::find(&rules.symbol, &instruments).ok_or_else(|| {
            limits::unknown(&rules.symbol, &instruments, "the configuration's `instruments`")
        })?;
        instruments[usize::from(id.0)] = Instrument::new(rules.apply(found.spec().clone())?)?;
    }
    Ok(instruments)
}

/// All instruments are quoted in the account's currency: nothing is converted.
fn currency(config: &RunConfig, instruments: &[Instrument]) -> Result<String, ConfigError> {
    let first = || instruments.first().map(|instrument| instrument.spec().quote.clone());
    let currency = config.currency.clone().or_else(first).unwrap_or_default();
    match instruments.iter().find(|instrument| instrument.spec().quote != currency) {
        None => Ok(currency),
        Some(other) => Err(ConfigError::new(format!(
            "the account is in {currency}, but `{}` is quoted in {}",
            other.spec().symbol,
            other.spec().quote
        ))
        .help("run tapes of one quote currency together")),
    }
}

fn plugin_instruments(
    run: &PluginRun,
    instruments: &[Instrument],
) -> Result<Vec<InstrumentId>, ConfigError> {
    if run.instruments.is_empty() {
        return Ok((0..instruments.len())
            .filter_map(|i| u16::try_from(i).ok())
            .map(InstrumentId)
            .collect());
    }
    let find = |symbol: &String| {
        let found = limits::find(symbol, instruments).map(|(id, _)| id);
        found.ok_or_else(|| limits::unknown(symbol, instruments, &format!("plugin `{}`", run.name)))
    };
    let mut ids = run.instruments.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// A plugin's seed depends on the run's and its own name, not on who runs beside it.
pub(crate) fn plugin_seed(seed: u64, name: &str) -> u64 {
    let digest = Sha256::digest(name);
    let own = digest.iter().take(8).fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
    SplitMix64::new(seed ^ own).next_u64()
}
