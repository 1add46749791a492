//! From event to intent of an honest plugin, alone and beside neighbours that misbehave, in one run:
//! `cargo bench -p sandpit-plugin --bench neighbours`, with the number of events
//! behind `--` where another is wanted.
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
#[expect(clippy::unwrap_used, reason = "a bench that unwraps in vain has failed")]
mod linux {
    use std::{
        process::ExitCode,
        sync::Arc,
        time::{Duration, Instant},
    };

    use sandpit_core::{ids::PluginId, time::Nanos};
    use sandpit_plugin::{Engine, FaultRules, Launcher, Limits, SlotLimits, SuperviseRules};

    use crate::{
        guests::{counter, flooder, grinder, spinner, trapper},
        hall::{Build, Hall, busy, generous, launcher, patient},
        supervised::{Market, Pace, at, load, met, say, told},
        support::{Guest, engine, trade},
    };

    /// Between two events of the market that keeps to a clock.
    const PAUSE: Duration = Duration::from_micros(500);
    /// Long enough for five faults with their backoff, and some more.
    const EVENTS: usize = 40_000;
    /// The p99 beside neighbours may be so many hundredths of that alone.
    const RATIO_PERCENT_MAX: u32 = 150;
    /// What a legal neighbour uses: a call of about 0.5 ms in each 2.5 ms. Much longer ones have no
    /// fuel.
    const GRIND: Duration = Duration::from_micros(500);
    const GRIND_EVERY: u64 = 5;
    const ROUNDS_MAX: u64 = 1_900_000;

    struct Bench {
        engine: Engine,
        launcher: Arc<Launcher>,
        events: usize,
    }

    impl Bench {
        fn hall(&self, faults: FaultRules, others: &[Guest]) -> (Hall, PluginId) {
            let rules = SuperviseRules { totals: generous(), faults, ..SuperviseRules::default() };
            let mut hall = Hall::new(rules, Some(Arc::clone(&self.launcher))).with_workshop();
            for guest in others {
                let build = Build::of(&self.engine, guest);
                hall.load(&build, Limits::default(), SlotLimits::default());
            }
            // The last of all, so that all others come first.
            let honest = hall.load(&Build::of(&self.engine, &counter(1)), patient(), busy());
            (hall, honest)
        }

        fn times(&self, what: &str, faults: FaultRules, others: &[Guest], pace: &Pace) -> Duration {
            let (mut hall, honest) = self.hall(faults, others);
            let mut market = Market::open();
            let times = market.play(&mut hall, honest, pace, self.events);
            told(what, &times);
            for other in (0..u16::try_from(others.len()).unwrap_or(0)).map(PluginId) {
                let view = hall.supervisor.view(other).unwrap();
                if view.faults > 0 {
                    let (faults, codes, phase) = (view.faults, view.faults_by_code, view.phase);
                    say(&format!(
                        "    neighbour {}: {faults} faults {codes:?}, {phase:?}",
                        other.0
                    ));
                }
            }
            at(&times, 990)
        }
    }

    /// Rounds of the grinder that take [`GRIND`] here.
    fn rounds() -> u64 {
        let some = 400_000;
        let mut instance = grinder(1, some).started(&Limits::default());
        let begun = Instant::now();
        instance.call(&trade(1_000, 1), &mut Vec::new()).unwrap();
        let once = begun.elapsed().max(Duration::from_micros(1));
        let fitting = u128::from(some) * GRIND.as_nanos() / once.as_nanos();
        u64::try_from(fitting).unwrap_or(some).min(ROUNDS_MAX)
    }

    pub(super) fn measure() -> ExitCode {
        let events = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(EVENTS);
        let bench = Bench { engine: engine(), launcher: launcher(), events };
        let policy = FaultRules::default;
        let bad = [spinner(), trapper(), flooder()];
        // They come back as soon as they can, and are never put in quarantine.
        let merciful = || FaultRules {
            faults_max: u32::MAX,
            backoff: Nanos(50_000_000),
            backoff_max: Nanos(50_000_000),
            ..policy()
        };
        let rounds = rounds();
        let legal = grinder(GRIND_EVERY, rounds);
        let idle = Guest::idle;
        say(&format!("event to intent of an honest plugin, {events} events; load {}", load()));
        for (pace, name) in [(Pace::Clock(PAUSE), "every 0.5 ms"), (Pace::Answer, "at once")] {
            let row = |what: &str, faults, others: &[Guest]| {
                bench.times(&format!("{name}: {what}"), faults, others, &pace)
            };
            let alone = row("alone", policy(), &[]);
            let quiet = row("beside three that do nothing", policy(), &[idle(), idle(), idle()]);
            let mut ratios = vec![("three that do nothing", quiet)];
            ratios.push((
                "spinner, trapper, flooder",
                row("spinner, trapper, flooder", policy(), &bad),
            ));
            ratios.push(("the same, always back", row("the same, always back", merciful(), &bad)));
            if matches!(pace, Pace::Clock(_)) {
                // At once, a share of the events is more than a share of the time.
                let one =
                    row("one legal at a fifth of a core", policy(), std::slice::from_ref(&legal));
                ratios.push(("one legal at a fifth of a core", one));
                let three = [legal.clone(), legal.clone(), legal.clone()];
                ratios.push(("three of them", row("three of them", policy(), &three)));
            }
            let again = row("alone, again", policy(), &[]);
            let base = alone.max(again);
            for (what, p99) in ratios {
                let ratio = p99.as_secs_f64() / base.as_secs_f64();
                let verdict = met(p99 * 100 <= base * RATIO_PERCENT_MAX);
                say(&format!("  p99 beside {what}: {ratio:.2} of that alone: {verdict}"));
            }
        }
        say(&format!("load {}", load()));
        ExitCode::SUCCESS
    }
}
