//! A circuit that opens when too much fails, so that a venue in trouble is left alone before it
//! bans. While it is open only cancels pass; after that one request at a time, until one is
//! answered.

use std::collections::VecDeque;

use sandpit_core::time::{Nanos, UnixNanos};

use super::BreakerSettings;
use crate::binance::limits::Lane;

/// What the circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Everything passes.
    Closed,
    /// Only cancels pass, until then.
    Open(UnixNanos),
    /// One request at a time passes, and cancels.
    HalfOpen,
}

/// One way's circuit.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    failures: VecDeque<UnixNanos>,
    until: Option<UnixNanos>,
    /// Openings in a row.
    row: u32,
    probing: Option<u64>,
    pub(super) opened: u64,
}

impl Breaker {
    pub(super) const fn new(settings: BreakerSettings) -> Self {
        let failures = VecDeque::new();
        Self { settings, failures, until: None, row: 0, probing: None, opened: 0 }
    }

    pub(super) fn state(&self, now: UnixNanos) -> State {
        match self.until {
            None => State::Closed,
            Some(until) if now < until => State::Open(until),
            Some(_) => State::HalfOpen,
        }
    }

    /// Whether a request of this lane may pass.
    pub(super) fn passes(&self, lane: Lane, now: UnixNanos) -> bool {
        match self.state(now) {
            State::Closed => true,
            State::Open(_) => lane == Lane::Kill,
            State::HalfOpen => lane == Lane::Kill || self.probing.is_none(),
        }
    }

    /// A request passed.
    pub(super) fn passed(&mut self, number: u64, now: UnixNanos) {
        if self.state(now) == State::HalfOpen && self.probing.is_none() {
            self.probing = Some(number);
        }
    }

    /// The venue answered something that is no failure.
    pub(super) fn succeeded(&mut self, number: u64, now: UnixNanos) {
        self.ended(number);
        // An answer to what was asked before it opened proves nothing about now.
        if self.state(now) != State::Closed && self.state(now) != State::HalfOpen {
            return;
        }
        self.until = None;
        self.row = 0;
        self.failures.clear();
    }

    /// It failed; whether the circuit opened because of it.
    pub(super) fn failed(&mut self, number: u64, now: UnixNanos) -> bool {
        let probe = self.probing == Some(number);
        self.ended(number);
        let since = UnixNanos(now.0.saturating_sub(self.settings.window.0));
        while self.failures.front().is_some_and(|at| *at < since) {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        let many = u64::try_from(self.failures.len()).unwrap_or(u64::MAX);
        match self.state(now) {
            State::Open(_) => false,
            State::HalfOpen if !probe => false,
            State::Closed if many < u64::from(self.settings.failures) => false,
            State::Closed | State::HalfOpen => {
                let factor = 1u64.checked_shl(self.row).unwrap_or(u64::MAX);
                let open = self.settings.open_first.0.saturating_mul(factor);
                self.open(now.plus(Nanos(open.min(self.settings.open_most.0))));
                true
            }
        }
    }

    /// Opens it until then; a later end stays.
    pub(super) fn open(&mut self, until: UnixNanos) {
        self.until = self.until.max(Some(until));
        self.row = self.row.saturating_add(1);
        self.opened += 1;
        self.failures.clear();
    }

    /// A request is no longer under way, whatever became of it.
    pub(super) fn ended(&mut self, number: u64) {
        if self.probing == Some(number) {
            self.probing = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(seconds: u64) -> UnixNanos {
        UnixNanos(1_000 * SECOND + seconds * SECOND)
    }

    #[test]
    fn opens_lets_cancels_pass_and_closes_by_a_probe() {
        let mut breaker = Breaker::new(BreakerSettings {
            failures: 3,
            window: Nanos(10 * SECOND),
            open_first: Nanos(5 * SECOND),
            open_most: Nanos(8 * SECOND),
        });
        assert!(!breaker.failed(1, at(0)));
        assert!(!breaker.failed(2, at(20)), "the first is forgotten");
        assert!(!breaker.failed(3, at(21)));
        assert!(breaker.failed(4, at(22)));
        assert_eq!(breaker.state(at(23)), State::Open(at(27)));
        assert!(!breaker.passes(Lane::Reconcile, at(23)));
        assert!(breaker.passes(Lane::Kill, at(23)));
        assert!(breaker.passes(Lane::Orders, at(27)));
        breaker.passed(5, at(27));
        assert!(!breaker.passes(Lane::Orders, at(27)), "one at a time");
        assert!(breaker.failed(5, at(28)));
        assert_eq!(breaker.state(at(29)), State::Open(at(36)), "longer, up to a bound");
        breaker.passed(6, at(36));
        breaker.succeeded(6, at(37));
        assert_eq!(breaker.state(at(37)), State::Closed);
        assert!(breaker.passes(Lane::Data, at(37)));
    }
}
