//! A short session over the synthetic market, to see whether a component trades without fault
//! before anything depends on it.

use std::{collections::BTreeMap, path::PathBuf, sync::atomic::AtomicBool};

use sandpit_alerts::AlertsConfig;
use sandpit_core::{num::Money, plugin::FaultCode, time::Nanos};
use sandpit_plugin::{ComponentFile, Profile};

use super::{BacktestError, Outcome, input::Market, run::Run};
use crate::{
    config::{
        FaultRules, FillModel, JournalConfig, KeysConfig, MoneyLimits, PaperConfig, PluginRun,
        PluginSource, ReplayConfig, RiskConfig, RunConfig, SandboxLimits, SandboxTotals, SwapRules,
        WatchRules,
    },
    sandbox::{Loading, SandboxError},
    synthetic,
};

/// Market time of a canary session: six hours, about 60,000 events.
const LENGTH: Nanos = Nanos(6 * 3_600 * 1_000_000_000);
/// What the strategy is given.
const BUDGET: Money = Money(1_000_000 * 1_000_000_000_000_000_000);

/// Lets a component trade a short synthetic market, with all its parameters at their defaults. A
/// strategy that wants one instrument only is given one.
///
/// # Errors
/// The component is refused. A fault while it trades is no error: it is in the report.
pub fn canary(
    name: &str,
    component: &ComponentFile,
    profile: Profile,
    seed: u64,
    loading: &Loading,
) -> Result<Outcome, BacktestError> {
    let market = Market::made(synthetic::Options { seed, length: LENGTH })?;
    let play =
        |instruments| session(name, component, profile, (seed, loading), &market, instruments);
    match play(Vec::new()) {
        Err(BacktestError::Plugin { source: SandboxError::Fault(fault), .. })
            if fault.code == FaultCode::StartRefused =>
        {
            let first = market.instruments.first().map(|it| it.spec().symbol.clone());
            play(first.into_iter().collect())
        }
        outcome => outcome,
    }
}

fn session(
    name: &str,
    component: &ComponentFile,
    profile: Profile,
    (seed, loading): (u64, &Loading),
    market: &Market,
    instruments: Vec<String>,
) -> Result<Outcome, BacktestError> {
    let plugin = PluginRun {
        name: name.to_owned(),
        source: PluginSource::Component(PathBuf::new()),
        budget: BUDGET,
        instruments,
        parameters: BTreeMap::new(),
        limits: MoneyLimits::default(),
        sandbox: SandboxLimits::default().granted(profile),
    };
    let config = RunConfig {
        seed,
        currency: None,
        from: None,
        to: None,
        out: PathBuf::new(),
        threads: 1,
        tapes: Vec::new(),
        fill: FillModel::default(),
        account_limits: MoneyLimits::default(),
        risk: RiskConfig::default(),
        paper: PaperConfig::default(),
        journal: JournalConfig::default(),
        replay: ReplayConfig::default(),
        venue: None,
        admin: None,
        alerts: AlertsConfig::default(),
        keys: KeysConfig::default(),
        instruments: Vec::new(),
        sandbox_total: SandboxTotals::default(),
        faults: FaultRules::default(),
        swap: SwapRules::default(),
        watch: WatchRules::default(),
        loading: loading.clone(),
        plugins: vec![plugin],
    };
    let run = Run::new(&config, market, std::slice::from_ref(component))?;
    let (outcome, _) = run.play(None, &mut (), &AtomicBool::new(false))?;
    Ok(outcome)
}
