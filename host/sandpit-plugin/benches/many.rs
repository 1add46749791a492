//! How many plugins a machine holds: processes and instances, the memory of each, how long each
//! takes to start, and one event for all of them: `cargo bench -p sandpit-plugin --bench many`, with
//! the numbers of processes and of instances behind `--` where others are wanted.
//! This program is its own runner.

#[cfg(target_os = "linux")]
#[path = "../tests/support/mod.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which need other parts and may unwrap"
)]
mod support;

#[cfg(target_os = "linux")]
#[path = "../tests/supervise/guests.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests, as above")]
mod guests;

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
        Some(hall::RUNNER) => sandpit_plugin::serve_runner(),
        _ => linux::measure(),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        process::ExitCode,
        time::{Duration, Instant},
    };

    use sandpit_core::ids::PluginId;
    use sandpit_plugin::SuperviseRules;

    use crate::{
        guests::counter,
        hall::{Build, Hall, busy, generous, launcher, patient},
        supervised::{Market, load, say, told},
        support::engine,
    };

    const PROCESSES: usize = 500;
    const INSTANCES: usize = 5_000;
    const BROADCASTS: usize = 50;
    /// Memory that the processes may have in all.
    const MEMORY_KIB_MAX: u64 = 8 * 1024 * 1024;

    /// Sums over `smaps_rollup` of a process, in KiB.
    #[derive(Clone, Copy, Debug, Default)]
    struct Memory {
        resident: u64,
        proportional: u64,
        private: u64,
    }

    impl Memory {
        fn of(process: &str) -> Self {
            let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"));
            let text = text.unwrap_or_default();
            let kib = |key: &str| -> u64 {
                let line = text.lines().find_map(|line| line.strip_prefix(key));
                line.and_then(|it| it.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
            };
            let private = kib("Private_Dirty:") + kib("Private_Clean:");
            Self { resident: kib("Rss:"), proportional: kib("Pss:"), private }
        }
    }

    fn hall(is_process: bool) -> Hall {
        let rules = SuperviseRules { totals: generous(), ..SuperviseRules::default() };
        Hall::new(rules, is_process.then(launcher))
    }

    /// Loads so many, or as many as there is memory for.
    fn fill(hall: &mut Hall, count: usize) -> Vec<Duration> {
        let build = Build::of(&engine(), &counter(1));
        let mut times = Vec::new();
        let mut memory = 0;
        for _ in 0..count {
            let begun = Instant::now();
            let plugin = hall.load(&build, patient(), busy());
            times.push(begun.elapsed());
            hall.seen.clear();
            if let Some(process) = hall.process(plugin) {
                memory += Memory::of(&process.to_string()).proportional;
            }
            if memory > MEMORY_KIB_MAX {
                say(&format!("8 GiB hold {} of them", times.len()));
                break;
            }
        }
        times
    }

    /// Tells everybody of one event; from there until the first and until the last has answered.
    fn broadcast(hall: &mut Hall, market: &mut Market) -> (Duration, Duration) {
        let begun = Instant::now();
        market.number += 1;
        let count = hall.supervisor.len();
        hall.seen.clear();
        for id in 0..count {
            hall.trade(PluginId(u16::try_from(id).unwrap_or(u16::MAX)), market.number);
        }
        hall.step();
        let mut first = None;
        while hall.seen.len() < count {
            hall.wait(None);
            hall.step();
            first = first.or_else(|| (!hall.seen.is_empty()).then(|| begun.elapsed()));
        }
        let last = begun.elapsed();
        (first.unwrap_or(last), last)
    }

    fn all(what: &str, hall: &mut Hall, count: usize) {
        let before = Memory::of("self");
        let mut starts = fill(hall, count);
        let mut market = Market::open();
        let times: Vec<_> = (0..BROADCASTS).map(|_| broadcast(hall, &mut market)).collect();
        let (mut first, mut last): (Vec<_>, Vec<_>) = times.into_iter().unzip();
        for times in [&mut starts, &mut first, &mut last] {
            times.sort_unstable();
        }
        let held = starts.len();
        told(&format!("{what}: start of one, compiled before"), &starts);
        told(&format!("{what}: one event for all {held}, first intent"), &first);
        told(&format!("{what}: one event for all {held}, last intent"), &last);
        let own = Memory::of("self");
        let ids = (0..held).filter_map(|id| u16::try_from(id).ok().map(PluginId));
        let processes: Vec<u32> = ids.filter_map(|id| hall.process(id)).collect();
        let each: Vec<_> = processes.iter().map(|id| Memory::of(&id.to_string())).collect();
        let mean = |of: fn(&Memory) -> u64, of_all: &[Memory]| {
            of_all.iter().map(of).sum::<u64>() as f64 / held as f64
        };
        if !each.is_empty() {
            say(&format!(
                "{what}: memory of one of {held}: resident {:.0} KiB, proportional {:.0} KiB, private {:.0} KiB; all of them {:.2} GiB",
                mean(|it| it.resident, &each),
                mean(|it| it.proportional, &each),
                mean(|it| it.private, &each),
                mean(|it| it.proportional, &each) * held as f64 / 1024.0 / 1024.0,
            ));
        }
        let grown = own.private.saturating_sub(before.private) as f64;
        say(&format!(
            "{what}: memory of the host for one of {held}: {:.1} KiB",
            grown / held as f64
        ));
    }

    pub(super) fn measure() -> ExitCode {
        let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
        let processes = numbers.next().unwrap_or(PROCESSES);
        let instances = numbers.next().unwrap_or(INSTANCES);
        say(&format!("load {}", load()));
        all("processes", &mut hall(true), processes);
        all("inline", &mut hall(false), instances);
        ExitCode::SUCCESS
    }
}
