//! What the benches of the supervisor have in common: the guests and the hall of its tests, a market
//! that keeps to a clock, and figures.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use sandpit_core::{ids::PluginId, time::UnixNanos};
use sandpit_plugin::Outcome;

use crate::hall::Hall;

/// When an event is there to be told.
pub(crate) enum Pace {
    /// As soon as the one before is answered.
    Answer,
    /// At fixed times, so far apart.
    Clock(Duration),
}

/// A market whose time is the machine's.
pub(crate) struct Market {
    pub(crate) begun: Instant,
    /// Number of the last event.
    pub(crate) number: u64,
}

impl Market {
    pub(crate) fn open() -> Self {
        Self { begun: Instant::now(), number: 0 }
    }

    pub(crate) fn now(&self) -> UnixNanos {
        UnixNanos(1_000 + u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Looks after the plugins until `due`. Says when the event that was due then is there: a host
    /// that was busy is late; one that slept and was woken late is not, that is the machine's clock.
    pub(crate) fn serve(&self, hall: &mut Hall, due: Instant) -> Instant {
        loop {
            hall.now = self.now();
            hall.step();
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

    /// Tells `honest` and all others of `events` trades and waits for what `honest` asks for in each;
    /// says how long that took from when the event was there. The others are told first.
    pub(crate) fn play(
        &mut self,
        hall: &mut Hall,
        honest: PluginId,
        pace: &Pace,
        events: usize,
    ) -> Vec<Duration> {
        let begun = Instant::now();
        let others =
            (0..hall.supervisor.len()).filter_map(|id| u16::try_from(id).ok().map(PluginId));
        let others: Vec<PluginId> = others.filter(|id| *id != honest).collect();
        let mut times = Vec::with_capacity(events);
        for event in 0..u32::try_from(events).unwrap_or(u32::MAX) {
            let there = match pace {
                Pace::Answer => Instant::now(),
                Pace::Clock(pause) => self.serve(hall, begun + *pause * event),
            };
            self.number += 1;
            hall.now = self.now();
            hall.seen.clear();
            for plugin in &others {
                hall.trade(*plugin, self.number);
            }
            hall.trade(honest, self.number);
            hall.step();
            while !hall.seen.iter().any(|it| is_intent_of(it, honest)) {
                hall.wait(None);
                hall.now = self.now();
                hall.step();
            }
            times.push(there.elapsed());
        }
        times.sort_unstable();
        times
    }
}

pub(crate) fn is_intent_of(outcome: &Outcome, who: PluginId) -> bool {
    matches!(outcome, Outcome::Intents { plugin, .. } if *plugin == who)
}

/// One of sorted times.
pub(crate) fn at(times: &[Duration], per_mille: usize) -> Duration {
    times[(times.len() - 1) * per_mille / 1_000]
}

/// Shows sorted times.
pub(crate) fn told(what: &str, times: &[Duration]) {
    let us = |per_mille| at(times, per_mille).as_nanos() as f64 / 1e3;
    say(&format!(
        "{what:<58} p50 {:8.2} us   p99 {:8.2} us   p99.9 {:8.2} us   longest {:9.2} us",
        us(500),
        us(990),
        us(999),
        us(1_000)
    ));
}

pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Whether a bound is met, for people.
pub(crate) const fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "NOT met" }
}

/// How busy the machine is with other things: load average over a minute.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace().next().unwrap_or("?").to_owned()
}
