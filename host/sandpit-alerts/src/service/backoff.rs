//! When to try again: pauses that double, spread by chance, a bounded number of times.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::Severity;

/// The schedule of attempts on one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest first pause; it doubles.
    pub first: Duration,
    /// The longest pause, and the longest that a service may ask for before the next channel of the
    /// list is tried instead.
    pub max: Duration,
    /// Attempts for info, warning and critical.
    pub attempts: [u32; 3],
    /// After so many notices in a row that it did not take, a channel is dead and rests.
    pub dead_after: u32,
    /// How long it rests at first; it doubles.
    pub rest_first: Duration,
    /// How long it rests at most.
    pub rest_max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_secs(15),
            attempts: [2, 3, 4],
            dead_after: 2,
            rest_first: Duration::from_secs(60),
            rest_max: Duration::from_secs(900),
        }
    }
}

impl Backoff {
    /// The pause after the `attempt`-th attempt, counted from one: between half and all of it.
    #[must_use]
    pub fn pause(&self, attempt: u32, chance: u32) -> Duration {
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.first.saturating_mul(doubled).min(self.max);
        let half = longest / 2;
        let nanos = half.as_nanos() * u128::from(chance) / u128::from(u32::MAX);
        half.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// How long a channel rests after so many failures in a row.
    #[must_use]
    pub fn rest(&self, failures: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(self.dead_after));
        self.rest_first.saturating_mul(doubled).min(self.rest_max)
    }

    pub(super) fn attempts(&self, severity: Severity) -> u32 {
        self.attempts.get(severity.index()).copied().unwrap_or(1).max(1)
    }
}

/// Where chance comes from.
#[derive(Clone)]
pub struct Chance(Arc<Mutex<dyn FnMut() -> u32 + Send>>);

impl Chance {
    /// Chance that nobody foresees.
    #[must_use]
    pub fn random() -> Self {
        // A hasher's random keys are as good a die as is needed here.
        let state = RandomState::new();
        let mut thrown = 0u64;
        Self::new(move || {
            let mut hasher = state.build_hasher();
            thrown = thrown.wrapping_add(1);
            hasher.write_u64(thrown);
            u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX)
        })
    }

    /// Another.
    #[must_use]
    pub fn new(throw: impl FnMut() -> u32 + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(throw)))
    }

    pub(super) fn throw(&self) -> u32 {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))()
    }
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let backoff = Backoff::default();
        let at = |attempt, chance| backoff.pause(attempt, chance).as_millis();
        assert_eq!([at(1, 0), at(2, 0), at(3, 0), at(9, 0)], [500, 1_000, 2_000, 7_500]);
        assert_eq!(
            [at(1, u32::MAX), at(5, u32::MAX), at(u32::MAX, u32::MAX)],
            [1_000, 15_000, 15_000]
        );
        let rest = |failures| backoff.rest(failures).as_secs();
        assert_eq!([rest(2), rest(3), rest(6), rest(u32::MAX)], [60, 120, 900, 900]);
    }
}
