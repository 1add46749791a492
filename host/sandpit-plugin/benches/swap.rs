//! How long a plugin is told nothing while another version takes over, at 10,000 events a second:
//! `cargo bench -p sandpit-plugin --bench swap`.
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
        collections::VecDeque,
        process::ExitCode,
        time::{Duration, Instant},
    };

    use sandpit_core::ids::PluginId;
    use sandpit_plugin::{Cause, Outcome, SuperviseRules};

    use crate::{
        guests::{Count, counter},
        hall::{Build, Hall, busy, generous, launcher, patient, tags},
        supervised::{Market, at, load, met, say, told},
        support::engine,
    };

    const SWAPS: u64 = 50;
    /// 10,000 events a second.
    const PAUSE: Duration = Duration::from_micros(100);
    const EVENTS_PER_SWAP: u64 = 3_000;
    /// Events after a swap was seen that may still feel it.
    const SETTLED: u64 = 200;
    const PAUSE_MAX: Duration = Duration::from_millis(5);

    /// What the plugin's own stream of events saw.
    #[derive(Default)]
    struct Stream {
        /// Events that were told and not answered: when they were there.
        open: VecDeque<Instant>,
        last_answer: Option<Instant>,
        /// From an event to its intent, all of them.
        times: Vec<Duration>,
        /// The longest of those about a swap, and the longest time without an answer.
        pauses: Vec<Duration>,
        silences: Vec<Duration>,
        /// Events left that belong to the swap that was seen last.
        near: u64,
        tags: Vec<u64>,
    }

    impl Stream {
        fn look(&mut self, hall: &mut Hall) {
            let now = Instant::now();
            for outcome in hall.seen.drain(..) {
                match outcome {
                    Outcome::Intents { intents, .. } => {
                        self.tags.extend(tags(&intents));
                        let Some(there) = self.open.pop_front() else { continue };
                        let (took, silent) = (now - there, self.last_answer.map(|last| now - last));
                        self.times.push(took);
                        self.last_answer = Some(now);
                        if self.near > 0
                            && let (Some(pause), Some(silence)) =
                                (self.pauses.last_mut(), self.silences.last_mut())
                        {
                            self.near -= 1;
                            *pause = took.max(*pause);
                            *silence = silent.unwrap_or_default().max(*silence);
                        }
                    }
                    Outcome::Started { cause: Cause::Swap, .. } => {
                        self.near = SETTLED;
                        self.pauses.push(Duration::ZERO);
                        self.silences.push(Duration::ZERO);
                    }
                    Outcome::Faulted { fault, .. } => panic!("{fault:?}"),
                    _ => {}
                }
            }
        }
    }

    fn serve(hall: &mut Hall, market: &Market, stream: &mut Stream, due: Instant) -> Instant {
        loop {
            hall.now = market.now();
            hall.step();
            stream.look(hall);
            if Instant::now() >= due {
                return due;
            }
            hall.wait(Some(due));
            let woken = Instant::now();
            if woken >= due {
                return woken;
            }
        }
    }

    pub(super) fn measure() -> ExitCode {
        let engine = engine();
        let builds = [counter(1), counter(1).named("another")].map(|it| Build::of(&engine, &it));
        let rules = SuperviseRules { totals: generous(), ..SuperviseRules::default() };
        let mut hall = Hall::new(rules, Some(launcher())).with_workshop();
        let plugin: PluginId = hall.load(&builds[0], patient(), busy());
        hall.seen.clear();
        let (market, mut stream, mut told_of) =
            (Market::open(), Stream::default(), Count::default());
        let (begun, mut swaps) = (Instant::now(), 0u64);
        let events = SWAPS * EVENTS_PER_SWAP + EVENTS_PER_SWAP / 2;
        say(&format!("{SWAPS} swaps at 10,000 events a second, {events} events; load {}", load()));
        for number in 1..=events {
            let due = begun + PAUSE * u32::try_from(number).unwrap_or(u32::MAX);
            let there = serve(&mut hall, &market, &mut stream, due);
            hall.now = market.now();
            stream.open.push_back(there);
            hall.trade(plugin, number);
            told_of.trade(number);
            if number % EVENTS_PER_SWAP == 0 && swaps < SWAPS {
                swaps += 1;
                hall.swap(plugin, &builds[usize::from(swaps % 2 == 1)]);
            }
        }
        while stream.tags.len() < usize::try_from(events).unwrap_or(usize::MAX) {
            hall.step();
            stream.look(&mut hall);
            hall.wait(None);
        }
        assert_eq!(Count::read(&hall.state(plugin)), told_of, "an event was lost or doubled");
        assert!(stream.tags.iter().copied().eq(1..=events), "an intent was lost or doubled");
        show(stream, begun.elapsed())
    }

    fn show(mut stream: Stream, took: Duration) -> ExitCode {
        say(&format!(
            "all events were told once and in order, and as many intents came; {took:.1?}"
        ));
        for times in [&mut stream.times, &mut stream.pauses, &mut stream.silences] {
            times.sort_unstable();
        }
        told("event to intent, all", &stream.times);
        told(&format!("longest wait of an event in each of {SWAPS} swaps"), &stream.pauses);
        told("longest time without an answer in each of them", &stream.silences);
        let p99 = at(&stream.pauses, 990);
        say(&format!("under 5 ms at p99: {}; load {}", met(p99 < PAUSE_MAX), load()));
        ExitCode::SUCCESS
    }
}
