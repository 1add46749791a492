//! One strategy, played in every way in which a host runs it.

use sandpit_core::{intent::Intent, plugin::PluginEvent};
use sandpit_plugin::{
    Cache, CacheLimits, Compiler, ComponentFile, EngineSettings, Instance, Limits, Loader, Mode,
    Origin, Policy, Runner, Stats, StopReason, TrustList, check,
};

use crate::{
    harness::{Log, launcher},
    support::{engine, instrument, session, trade},
};

/// What a run left behind: what each call answered and cost, the state, log lines, and sums.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trace {
    pub(crate) calls: Vec<String>,
    pub(crate) state: Option<Vec<u8>>,
    pub(crate) lines: Vec<String>,
    pub(crate) fuel: u64,
    pub(crate) intents: u64,
}

/// Trades at one price, a second apart.
pub(crate) fn trades(count: u64) -> Vec<PluginEvent> {
    (0..count).map(|number| trade(1_000_000_000 * (number + 1), 100_000)).collect()
}

fn play(runner: &mut impl Runner, log: &Log, events: &[PluginEvent]) -> Trace {
    let instrument = instrument();
    let mut told = session(&instrument);
    told.arguments = runner.description().arguments(&Default::default()).unwrap();
    let mut intents: Vec<Intent> = Vec::new();
    let mut calls = vec![format!("{:?} {intents:?}", runner.start(&told, &mut intents))];
    for event in events {
        intents.clear();
        let outcome = runner.call(event, &mut intents);
        calls.push(format!("{outcome:?} {intents:?}"));
        if outcome.is_err() {
            break;
        }
    }
    let state = runner.save();
    calls.push(format!("{:?}", runner.stop(StopReason::Finished)));
    let Stats { fuel_total, intents, .. } = runner.stats();
    Trace { calls, state: state.ok(), lines: log.lines(), fuel: fuel_total, intents }
}

/// Plays it inline as compiled now, inline from the cache, and in a process: the same trace.
pub(crate) fn every_way(component: &[u8], limits: &Limits, events: &[PluginEvent]) -> Trace {
    let checked = check(component).unwrap();
    let log = Log::default();
    let artifact = engine().compile(&checked).unwrap();
    let mut fresh = Instance::load(&artifact, "tested", limits, log.sink()).unwrap();
    let expected = play(&mut fresh, &log, events);

    let folder = tempfile::tempdir().unwrap();
    let file = ComponentFile::unsigned(component.to_vec());
    for origin in [Origin::Compiler, Origin::Cache] {
        // Each time an engine of its own, as after a restart.
        let (code, key) = (folder.path().join("code"), folder.path().join("key"));
        let cache = Cache::open(&code, &key, CacheLimits::default()).unwrap();
        let loader = Loader::new(engine(), Mode::Paper, Policy::Any, TrustList::default());
        let loaded = loader.unwrap().with_cache(cache).load(&file).unwrap();
        assert_eq!(loaded.origin, origin);
        let log = Log::default();
        let mut kept = Instance::load(&loaded.artifact, "tested", limits, log.sink()).unwrap();
        assert_eq!(play(&mut kept, &log, events), expected, "{origin:?}");
    }

    let compiled = Compiler::InProcess.compile(&engine(), &checked).unwrap();
    let log = Log::default();
    let mut process = launcher()
        .launch("tested", &compiled, EngineSettings::default(), limits, log.sink())
        .unwrap();
    assert_eq!(play(&mut process, &log, events), expected, "in a process");
    expected
}
