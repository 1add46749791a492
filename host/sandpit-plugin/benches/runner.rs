//! What an event costs until its intents are there: in a runner process, inline, and as a bare call
//! of wasmtime; and what a runner costs in memory and at its start: `cargo bench -p sandpit-plugin
//! --bench runner`. This program is its own runner.

#[cfg(target_os = "linux")]
#[path = "../tests/support/mod.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which need other parts and may unwrap"
)]
mod support;

#[cfg(target_os = "linux")]
#[path = "../tests/supervise/hall.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests, as above")]
mod hall;

#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "shared with other benches, which need other parts")]
mod supervised;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(linux::RUNNER) => sandpit_plugin::serve_runner(),
        _ => linux::measure(),
    }
}

#[cfg(target_os = "linux")]
#[expect(clippy::unwrap_used, reason = "a bench that unwraps in vain has failed")]
mod linux {
    use std::{
        io::Write as _,
        process::ExitCode,
        sync::Arc,
        thread,
        time::{Duration, Instant},
    };

    use sandpit_core::{intent::Intent, plugin::PluginEvent};
    use sandpit_plugin::{
        Compiled, Compiler, EngineSettings, LaunchSettings, Launcher, Limits, NoLog, ProcessRunner,
        Runner, SuperviseRules,
    };

    use crate::{
        hall::{Build, Hall, busy, generous},
        supervised::{Market, Pace, at, met, say},
        support::{Guest, engine, instrument, session, trade},
    };

    pub(super) const RUNNER: &str = "__runner";
    /// Events of each measurement.
    const EVENTS: usize = 20_000;
    /// Runners that are started to see what they cost.
    const RUNNERS: usize = 20;
    /// What a round trip through a runner may take on a machine with nothing else to do.
    const P50_MAX: Duration = Duration::from_micros(25);
    const P99_MAX: Duration = Duration::from_micros(100);
    /// Between two events of a market that is not in a hurry.
    const PAUSE: Duration = Duration::from_micros(500);

    /// Asks for one order in every event.
    fn asks() -> Guest {
        Guest::idle().intents(1)
    }

    fn launcher(host_spin: Duration, runner_spin: Duration) -> Arc<Launcher> {
        let settings = LaunchSettings::new("/proc/self/exe".into(), vec![RUNNER.into()]);
        Launcher::new(LaunchSettings { host_spin, runner_spin, ..settings }).unwrap()
    }

    /// Each event asks, and they come in quick succession.
    fn limits() -> Limits {
        Limits {
            call_deadline: Duration::from_secs(5),
            intents_per_second_max: 1_000_000,
            ..Limits::default()
        }
    }

    fn launched(launcher: &Arc<Launcher>, compiled: &Compiled) -> ProcessRunner {
        let limits = limits();
        let mut runner = launcher
            .launch("bench", compiled, EngineSettings::default(), &limits, Box::new(NoLog))
            .unwrap();
        runner.start(&session(&instrument()), &mut Vec::new()).unwrap();
        runner
    }

    fn events() -> Vec<PluginEvent> {
        (0..EVENTS as u64)
            .map(|time| trade(time, 100_000 + i64::try_from(time % 21).unwrap_or(0)))
            .collect()
    }

    /// Times of all events, sorted.
    fn times(runner: &mut impl Runner, events: &[PluginEvent], pause: Duration) -> Vec<Duration> {
        let mut intents: Vec<Intent> = Vec::with_capacity(4);
        let mut times = Vec::with_capacity(events.len());
        for event in events {
            if !pause.is_zero() {
                thread::sleep(pause);
            }
            let begun = Instant::now();
            runner.call(event, &mut intents).unwrap();
            times.push(begun.elapsed());
            assert_eq!(intents.len(), 1);
            intents.clear();
        }
        times.sort_unstable();
        times
    }

    fn told(what: &str, times: &[Duration]) {
        let at =
            |per_mille: usize| times[(times.len() - 1) * per_mille / 1_000].as_nanos() as f64 / 1e3;
        let _ = writeln!(
            std::io::stdout(),
            "{what:<52} p50 {:8.2} us   p99 {:8.2} us   p99.9 {:8.2} us",
            at(500),
            at(990),
            at(999)
        );
    }

    pub(super) fn measure() -> ExitCode {
        let mut out = std::io::stdout();
        let events = events();
        let compiled = Compiler::InProcess.compile(&engine(), &asks().checked()).unwrap();
        let _ = writeln!(out, "event to intent, {EVENTS} events, each asks for one order");
        told("bare wasmtime call", &bare(&events));
        told("inline", &times(&mut asks().started(&limits()), &events, Duration::ZERO));
        for (pause, pace) in [(Duration::ZERO, "at once"), (PAUSE, "every 0.5 ms")] {
            for (host_us, runner_us) in [(0, 0), (50, 0), (50, 50)] {
                let spins = [host_us, runner_us].map(Duration::from_micros);
                let mut runner = launched(&launcher(spins[0], spins[1]), &compiled);
                let some = if pause.is_zero() { &events[..] } else { &events[..EVENTS / 4] };
                let what = format!("runner, events {pace}, spins {host_us} and {runner_us} us");
                told(&what, &times(&mut runner, some, pause));
            }
        }
        supervised();
        starts(&compiled);
        ExitCode::SUCCESS
    }

    /// The same under a supervisor, which asks, sleeps until there is an answer, and takes it.
    fn supervised() {
        let rules = || SuperviseRules { totals: generous(), ..SuperviseRules::default() };
        let build = Build::of(&engine(), &asks());
        let in_process = || launcher(Duration::ZERO, Duration::ZERO);
        for (what, launcher, pace, events) in [
            ("supervisor, inline, events at once", None, Pace::Answer, EVENTS),
            ("supervisor, runner, events at once", Some(in_process()), Pace::Answer, EVENTS),
            (
                "supervisor, runner, events every 0.5 ms",
                Some(in_process()),
                Pace::Clock(PAUSE),
                EVENTS / 4,
            ),
        ] {
            let is_process = launcher.is_some();
            let mut hall = Hall::new(rules(), launcher);
            let plugin = hall.load(&build, limits(), busy());
            let times = Market::open().play(&mut hall, plugin, &pace, events);
            told(what, &times);
            if is_process {
                let are_met = at(&times, 500) <= P50_MAX && at(&times, 990) <= P99_MAX;
                say(&format!("  at most 25 us at p50 and 100 us at p99: {}", met(are_met)));
            }
        }
    }

    /// The module's own two exports, with no host, no limits and no contract around them.
    fn bare(events: &[PluginEvent]) -> Vec<Duration> {
        type Trade = (i32, i64, i64, i32, i64, i32, i32, i32);
        const HANDLERS: &str = "sandpit:strategy/handlers@0.1.0";
        let engine = wasmtime::Engine::default();
        let module = wasmtime::Module::from_binary(&engine, &asks().module()).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let log = wasmtime::Func::wrap(&mut store, |_: i32, _: i32, _: i32| {});
        let instance = wasmtime::Instance::new(&mut store, &module, &[log.into()]).unwrap();
        let trade = instance
            .get_typed_func::<Trade, i32>(&mut store, &format!("{HANDLERS}#on-trade"))
            .unwrap();
        let take = instance
            .get_typed_func::<(), i32>(&mut store, &format!("{HANDLERS}#take-intents"))
            .unwrap();
        let mut times = Vec::with_capacity(events.len());
        for _ in events {
            let begun = Instant::now();
            trade.call(&mut store, (0, 1, 100_000, 1, 3, 0, 0, 0)).unwrap();
            take.call(&mut store, ()).unwrap();
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        times
    }

    /// How long runners take to start, and what they hold once they have been called.
    fn starts(compiled: &Compiled) {
        let launcher = launcher(Duration::ZERO, Duration::ZERO);
        let mut runners = Vec::new();
        let mut took = Vec::new();
        for _ in 0..RUNNERS {
            let begun = Instant::now();
            let mut runner = launched(&launcher, compiled);
            took.push(begun.elapsed());
            runner.call(&trade(1, 1), &mut Vec::new()).unwrap();
            runners.push(runner);
        }
        took.sort_unstable();
        let mut out = std::io::stdout();
        let _ = writeln!(
            out,
            "start of a runner with its component compiled: median {:.2} ms, longest {:.2} ms",
            took[RUNNERS / 2].as_secs_f64() * 1e3,
            took[RUNNERS - 1].as_secs_f64() * 1e3
        );
        let sum = |key: &str| -> f64 {
            let of = |runner: &ProcessRunner| {
                let path = format!("/proc/{}/smaps_rollup", runner.process_id());
                let rollup = std::fs::read_to_string(path).unwrap_or_default();
                let line = rollup.lines().find_map(|line| line.strip_prefix(key));
                let kib = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
                kib.unwrap_or(0.0)
            };
            runners.iter().map(of).sum::<f64>() / runners.len() as f64
        };
        let _ = writeln!(
            out,
            "memory of one of {RUNNERS} runners: resident {:.0} KiB, proportional {:.0} KiB, its own {:.0} KiB",
            sum("Rss:"),
            sum("Pss:"),
            sum("Private_Dirty:")
        );
    }
}
