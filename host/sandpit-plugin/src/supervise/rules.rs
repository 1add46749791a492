//! What a plugin's faults lead to, and when: pure rules, no clock. Backoff is by the engine's time
//! and its jitter by the run's seed, so a session that is played again restarts at the same moments.

use std::collections::VecDeque;

use sandpit_core::{
    ids::PluginId,
    time::{Nanos, UnixNanos},
};

use crate::queue::QueueLimits;

/// How the plugins of a run are looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuperviseRules {
    /// What follows from faults.
    pub faults: FaultRules,
    /// Time after a swap in which a fault puts the old version back.
    pub probation: Nanos,
    /// Bounds over all plugins together.
    pub totals: Totals,
    /// For the jitter of restarts.
    pub seed: u64,
}

impl Default for SuperviseRules {
    fn default() -> Self {
        Self {
            faults: FaultRules::default(),
            probation: Nanos(300 * Nanos::SECOND.0),
            totals: Totals::default(),
            seed: 0,
        }
    }
}

/// What follows from faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRules {
    /// Faults are counted over so long.
    pub window: Nanos,
    /// So many faults within the window end in quarantine.
    pub faults_max: u32,
    /// Time until the first restart; it doubles with each fault in the window.
    pub backoff: Nanos,
    /// The longest time until a restart.
    pub backoff_max: Nanos,
}

impl Default for FaultRules {
    fn default() -> Self {
        Self {
            window: Nanos(600 * Nanos::SECOND.0),
            faults_max: 5,
            backoff: Nanos::SECOND,
            backoff_max: Nanos(60 * Nanos::SECOND.0),
        }
    }
}

/// Bounds over all plugins together. Where one is exceeded, the plugin that has used most of it is
/// at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Processor time over a minute, in percent of one core.
    pub cpu_share_percent_max: u32,
    /// Intents per second, counted over ten seconds of the engine's time.
    pub intents_per_second_max: u32,
}

impl Default for Totals {
    fn default() -> Self {
        Self { cpu_share_percent_max: 150, intents_per_second_max: 1_000 }
    }
}

/// What one plugin may use that only its supervisor can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotLimits {
    /// How far it may lag.
    pub queue: QueueLimits,
    /// Processor time over a minute, in percent of one core.
    pub cpu_share_percent_max: u32,
}

impl Default for SlotLimits {
    fn default() -> Self {
        Self { queue: QueueLimits::default(), cpu_share_percent_max: 25 }
    }
}

/// Faults of one plugin, and what the next one leads to.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    at: VecDeque<UnixNanos>,
    total: u64,
}

/// What a fault leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Restart { at: UnixNanos },
    Quarantine,
}

impl Faults {
    /// Takes in a fault at `now`.
    pub(super) fn take(
        &mut self,
        rules: &FaultRules,
        now: UnixNanos,
        seed: u64,
        plugin: PluginId,
    ) -> Verdict {
        self.total += 1;
        self.at.push_back(now);
        while self.at.front().is_some_and(|at| now.since(*at) > rules.window) {
            self.at.pop_front();
        }
        let count = u32::try_from(self.at.len()).unwrap_or(u32::MAX);
        if count >= rules.faults_max {
            return Verdict::Quarantine;
        }
        let doubled = rules.backoff.0.saturating_mul(1u64 << (count - 1).min(32));
        let longest = doubled.min(rules.backoff_max.0);
        // Half of it is sure, half by chance: plugins that fell together do not rise together.
        let chance = splitmix(seed ^ (u64::from(plugin.0) << 48) ^ self.total);
        let pause = longest / 2 + chance % (longest / 2 + 1);
        Verdict::Restart { at: now.plus(Nanos(pause)) }
    }

    /// A person has looked at them.
    pub(super) fn forgive(&mut self) {
        self.at.clear();
    }

    /// All there were.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    /// Those that count.
    pub(super) fn recent(&self) -> u32 {
        u32::try_from(self.at.len()).unwrap_or(u32::MAX)
    }
}

/// One number of the `SplitMix64` sequence; see <https://prng.di.unimi.it/splitmix64.c>.
const fn splitmix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> UnixNanos {
        UnixNanos(second * Nanos::SECOND.0)
    }

    fn pause(verdict: Verdict, now: UnixNanos) -> u64 {
        match verdict {
            Verdict::Restart { at } => at.since(now).0,
            Verdict::Quarantine => panic!("quarantine"),
        }
    }

    #[test]
    fn pauses_double_up_to_their_bound_and_half_of_each_is_chance() {
        let rules = FaultRules { faults_max: 100, ..FaultRules::default() };
        let mut faults = Faults::default();
        let mut longest = Nanos::SECOND.0;
        for _ in 0..10 {
            let pause = pause(faults.take(&rules, at(1), 7, PluginId(0)), at(1));
            assert!((longest / 2..=longest).contains(&pause), "{pause} of {longest}");
            longest = (longest * 2).min(rules.backoff_max.0);
        }
        let of = |seed, plugin| {
            pause(Faults::default().take(&rules, at(1), seed, PluginId(plugin)), at(1))
        };
        assert_eq!(of(7, 0), of(7, 0), "the same seed");
        assert_ne!(of(7, 0), of(7, 1), "another plugin");
        assert_ne!(of(7, 0), of(8, 0), "another seed");
    }

    #[test]
    fn faults_within_the_window_end_in_quarantine_and_old_ones_do_not_count() {
        let rules = FaultRules { faults_max: 3, ..FaultRules::default() };
        let mut faults = Faults::default();
        let mut take = |second| faults.take(&rules, at(second), 0, PluginId(0));
        pause(take(0), at(0));
        pause(take(300), at(300));
        // The first is out of the window.
        pause(take(601), at(601));
        assert_eq!(take(900), Verdict::Quarantine);
        faults.forgive();
        assert_eq!((faults.recent(), faults.total()), (0, 4));
        pause(faults.take(&rules, at(901), 0, PluginId(0)), at(901));
    }
}
