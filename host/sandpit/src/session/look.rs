//! What an operator sees of a session: the supervisor's and the engine's state in the words of the
//! admin socket. It only looks.

use std::time::Duration;

use sandpit_core::{engine::Lock, ids::PluginId, plugin::TradingState, time::UnixNanos};
use sandpit_plugin::{AnyRunner, Mode, Phase, Runner as _, SlotView, Stats, WallState};

use super::{
    course::moment,
    host::Host,
    roster::{Member, Running},
};
use crate::{
    admin::{
        FaultCount, FaultView, FaultsView, LatencyView, LimitView, LineView, ListView, LockView,
        PluginState, PluginView, QueueView, StatusView, WallView,
    },
    backtest,
    config::{Exceeded, Limit, RunConfig, Total},
};

/// Hundredths of a percent of the whole.
const BASIS_POINTS: u128 = 10_000;
/// Over so long the share of a processor is reckoned.
const CPU_WINDOW: Duration = Duration::from_secs(60);
const NANOS_PER_MILLI: u64 = 1_000_000;

/// The session and all its plugins.
pub(super) fn list(host: &Host, config: &RunConfig) -> ListView {
    let plugins = host.roster.ids().map(|id| plugin(host, config, id)).collect();
    ListView { session: status(host, config), plugins }
}

/// The session.
pub(super) fn status(host: &Host, config: &RunConfig) -> StatusView {
    let engine = &host.engine;
    let totals = Total::ALL.map(|total| LimitView {
        key: total.key().to_owned(),
        max: config.sandbox_total.value(total),
        used: total_used(host, total),
        ..LimitView::default()
    });
    StatusView {
        mode: mode_name(host.mode).to_owned(),
        line: line(host),
        keys: host.keys.clone(),
        masked: crate::keys::mask().masked(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        process: std::process::id(),
        run: engine.config().run.0,
        now: moment(host.now()),
        trading_state: state_name(engine.account_trading_state()).to_owned(),
        locks: engine.locks(None).map(lock).collect(),
        plugins: host.plugins.len() as u64,
        open_orders: u64::from(engine.open_orders()),
        journal_rows: host.journal_rows(),
        limits: totals.to_vec(),
    }
}

/// The line to an exchange, where there is one.
fn line(host: &Host) -> Option<LineView> {
    let counts = host.venue.counts();
    (!counts.is_empty()).then(|| LineView {
        live: host.line.live,
        orders: host.line.orders,
        markets: host.line.markets,
        waiting: host.line.waiting.clone(),
        counts: counts.into_iter().map(|(name, _, value)| (name, value)).collect(),
    })
}

/// A mode's name, for people and for programs.
pub(super) const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Backtest => "backtest",
        Mode::Paper => "paper",
        Mode::Testnet => "testnet",
        Mode::Live => "live",
    }
}

/// What all plugins together use of a limit now.
fn total_used(host: &Host, total: Total) -> Option<u64> {
    let running = || host.roster.ids().filter_map(|id| host.plugins.view(id));
    match total {
        Total::Plugins => Some(host.plugins.len() as u64),
        Total::MemoryBytes => {
            let allowed = host.roster.members().map(|it| it.run.sandbox.value(Limit::MemoryBytes));
            Some(allowed.sum())
        }
        Total::CpuShare => {
            let used: Duration = running().map(|view| view.cpu_used).sum();
            u64::try_from(used.as_millis() * 100 / CPU_WINDOW.as_millis()).ok()
        }
        // They are counted as they come, and nobody asks how many there were.
        Total::IntentsPerSecond | Total::LogBytesPerSecond => None,
    }
}

/// One plugin.
pub(super) fn plugin(host: &Host, config: &RunConfig, plugin: PluginId) -> PluginView {
    let (Some(view), Some(member)) = (host.plugins.view(plugin), host.roster.get(plugin)) else {
        return PluginView::default();
    };
    let engine = &host.engine;
    let runner = view.runner.map(Running::get);
    let usage = view.runner.and_then(|runner| runner.usage());
    let stats = view.stats.clone().unwrap_or_default();
    let share = view.cpu_used.as_nanos() * BASIS_POINTS / CPU_WINDOW.as_nanos();
    PluginView {
        name: view.name.to_owned(),
        state: state(&view, host),
        trading_state: state_name(engine.trading_state(plugin)).to_owned(),
        locks: engine.locks(Some(plugin)).map(lock).collect(),
        component: view.version.map(|version| backtest::hex(&version.sha256)),
        component_path: member.path.clone(),
        version: view.version.map(|version| version.version.clone()),
        previous_component: view.previous.map(|version| backtest::hex(&version.sha256)),
        isolation: match runner {
            Some(AnyRunner::Process(_)) => "process".to_owned(),
            Some(AnyRunner::Inline(_)) => "inline".to_owned(),
            None => String::new(),
        },
        process: match runner {
            Some(AnyRunner::Process(process)) => Some(process.process_id()),
            _ => None,
        },
        walls: runner.map(walls).unwrap_or_default(),
        limits: limits(&view, member, &stats, host.now()),
        faults: faults(&view, member, config),
        restarts: view.restarts,
        swaps: member.swaps,
        queue: QueueView {
            waiting: view.waiting as u64,
            lag_ms: view.lag(host.now()).0 / NANOS_PER_MILLI,
            conflated: view.conflated,
        },
        memory_bytes: usage
            .map(|usage| usage.resident_bytes)
            .or_else(|| view.stats.as_ref().map(|stats| stats.memory_bytes_peak as u64)),
        cpu_share_bp: usage.and_then(|_| u64::try_from(share).ok()),
        latency: LatencyView {
            samples: stats.latency.samples(),
            median_ns: stats.latency.quantile_ns(500),
            p99_ns: stats.latency.quantile_ns(990),
            max_ns: stats.latency.max_ns(),
        },
        calls: stats.calls,
        intents: stats.intents,
        log_lines_dropped: stats.log_lines_dropped,
        parameters: view
            .version
            .map_or(&[][..], |version| version.arguments.as_slice())
            .iter()
            .map(|argument| (argument.name.clone(), argument.value.to_string()))
            .collect(),
    }
}

fn state(view: &SlotView<'_, Running>, host: &Host) -> PluginState {
    match view.phase {
        Phase::Empty => PluginState::Unloaded,
        Phase::Making | Phase::Starting => PluginState::Starting,
        Phase::Down { restart_at } => PluginState::Restarting { at: moment(restart_at) },
        Phase::Quarantined => {
            let since = view.last_fault.map_or_else(|| host.now(), |(at, _)| *at);
            PluginState::Quarantined { since: moment(since) }
        }
        Phase::Running if view.paused => PluginState::Paused,
        Phase::Running if view.swapping => PluginState::Swapping { to: None },
        Phase::Running => match view.probation_until {
            Some(until) => PluginState::Probation { until: moment(until) },
            None => PluginState::Running,
        },
    }
}

fn walls(runner: &AnyRunner) -> Vec<WallView> {
    let AnyRunner::Process(process) = runner else { return Vec::new() };
    let walls = process.walls().iter().map(|wall| {
        let (stands, reason) = match &wall.state {
            WallState::Standing => (true, None),
            WallState::Missing(reason) => (false, Some(reason.clone())),
        };
        WallView { name: wall.name.to_string(), stands, reason }
    });
    walls.collect()
}

fn faults(view: &SlotView<'_, Running>, member: &Member, config: &RunConfig) -> FaultsView {
    let counts = view.faults_by_code.iter();
    FaultsView {
        total: view.faults,
        in_window: view.faults_recent.into(),
        in_window_max: config.faults.faults_max.into(),
        by_code: counts
            .map(|(code, count)| FaultCount { code: code.name().to_owned(), count: *count })
            .collect(),
        last: view.last_fault.map(|(at, fault)| {
            let mut lines = fault.detail.lines();
            FaultView {
                code: fault.code.name().to_owned(),
                at: moment(*at),
                detail: lines.next().unwrap_or_default().to_owned(),
                backtrace: lines.map(str::to_owned).collect(),
                core_dump: member.last_dump.clone(),
            }
        }),
    }
}

/// Every limit with what is used of it: the table of docs/operators/plugins.md says what is shown.
fn limits(
    view: &SlotView<'_, Running>,
    member: &Member,
    stats: &Stats,
    now: UnixNanos,
) -> Vec<LimitView> {
    let said = &member.run.sandbox;
    let wide = |value: usize| Some(value as u64);
    Limit::ALL
        .map(|limit| {
            let (used, peak) = match limit {
                Limit::MemoryBytes => (None, wide(stats.memory_bytes_peak)),
                Limit::TableElements => (None, wide(stats.table_elements_peak)),
                Limit::FuelPerCall => (None, Some(stats.fuel_per_call_peak)),
                Limit::FuelStart => (None, Some(stats.fuel_start_peak)),
                Limit::CallDeadline => (None, Some(stats.latency.max_ns() / NANOS_PER_MILLI)),
                Limit::StartDeadline => (None, None),
                Limit::IntentsPerCall => (None, wide(stats.intents_per_call_peak)),
                Limit::IntentsPerSecond => (None, Some(stats.intents_per_window_peak / 10)),
                Limit::OutputBytes => (None, wide(stats.output_bytes_peak)),
                Limit::StateBytes => {
                    (view.saved.map(|it| it.data.len() as u64), wide(stats.state_bytes_peak))
                }
                Limit::LogLineBytes => (Some(stats.log_lines_cut), None),
                Limit::LogBytesPerSecond => (Some(stats.log_lines_dropped), None),
                Limit::CpuShare => {
                    let percent = view.cpu_used.as_millis() * 100 / CPU_WINDOW.as_millis();
                    (u64::try_from(percent).ok(), None)
                }
                Limit::QueueEvents => (wide(view.waiting), None),
                Limit::QueueLag => (Some(view.lag(now).0 / NANOS_PER_MILLI), None),
            };
            let reached = match limit.exceeded() {
                Exceeded::Fault(code) => view.faults_by_code.get(&code).copied(),
                Exceeded::LogCut | Exceeded::Refused => used,
            };
            LimitView {
                key: limit.key().to_owned(),
                max: said.value(limit),
                used,
                peak,
                reached: reached.unwrap_or_default(),
            }
        })
        .to_vec()
}

/// A lock, in words.
pub(super) fn lock(lock: &Lock) -> LockView {
    LockView {
        reason: lock.reason.name().to_owned(),
        state: state_name(lock.state).to_owned(),
        until: lock.unlock_at.map(moment),
    }
}

/// What is let through, in a word.
pub(super) const fn state_name(state: TradingState) -> &'static str {
    match state {
        TradingState::Active => "active",
        TradingState::Reducing => "reducing",
        TradingState::Halted => "halted",
    }
}
