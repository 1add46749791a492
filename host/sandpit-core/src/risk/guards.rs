//! What locks a scope when too much is lost: the day's loss, the loss since the peak, losing round
//! trips in a row, and a loss that comes too fast. Small state machines over one number, the
//! equity; what a lock then does is the engine's.

use alloc::collections::VecDeque;

use crate::{
    num::Money,
    plugin::TradingState,
    risk::BasisPoints,
    time::{Nanos, UnixNanos},
};

/// The guards of one scope. `None` is no guard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    /// Loss since the start of the session's day, realized and not.
    pub daily_loss: Option<LossGuard>,
    /// Loss since the highest equity.
    pub drawdown: Option<LossGuard>,
    /// Losing round trips in a row. A round trip is a position from flat to flat.
    pub losing_streak: Option<StreakGuard>,
    /// Loss within some minutes.
    pub pnl_velocity: Option<VelocityGuard>,
}

impl Guards {
    /// None of them.
    pub const NONE: Self =
        Self { daily_loss: None, drawdown: None, losing_streak: None, pnl_velocity: None };

    /// Whether any of them looks at the equity.
    #[must_use]
    pub const fn watch_equity(&self) -> bool {
        self.daily_loss.is_some() || self.drawdown.is_some() || self.pnl_velocity.is_some()
    }

    /// What a breach of this guard leads to.
    #[must_use]
    pub fn policy(&self, kind: GuardKind) -> Option<BreachPolicy> {
        match kind {
            GuardKind::DailyLoss => self.daily_loss.map(|guard| guard.policy),
            GuardKind::Drawdown => self.drawdown.map(|guard| guard.policy),
            GuardKind::LosingStreak => self.losing_streak.map(|guard| guard.policy),
            GuardKind::PnlVelocity => self.pnl_velocity.map(|guard| guard.policy),
        }
    }
}

/// A loss that is too much: an amount, or a share of what the loss is measured from (the equity at
/// the start of the day, or the peak).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossLimit {
    /// So much.
    Amount(Money),
    /// This share.
    Share(BasisPoints),
}

impl LossLimit {
    fn below(self, from: Money) -> Money {
        match self {
            Self::Amount(amount) => amount,
            Self::Share(points) => points.of(from.abs()),
        }
    }
}

/// A bound on a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossGuard {
    /// A loss of this much is a breach.
    pub limit: LossLimit,
    /// What happens then.
    pub policy: BreachPolicy,
}

/// A bound on losing round trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreakGuard {
    /// So many in a row are a breach.
    pub losses_max: u32,
    /// What happens then.
    pub policy: BreachPolicy,
}

/// A bound on a loss within some minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VelocityGuard {
    /// A loss of this much since the highest equity of the window is a breach.
    pub limit: LossLimit,
    /// Length of the window in minutes, at most [`Self::MINUTES_MAX`].
    pub minutes: u16,
    /// What happens then.
    pub policy: BreachPolicy,
}

impl VelocityGuard {
    /// The longest window: four hours.
    pub const MINUTES_MAX: u16 = 240;
}

/// What a breach leads to, beside the end of the scope's working orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreachPolicy {
    /// What is let through from then on.
    pub state: TradingState,
    /// Whether the scope's positions are closed.
    pub flatten: bool,
    /// When it is over.
    pub unlock: Unlock,
}

/// When a lock ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// When a person ends it.
    Person,
    /// When the next session's day begins.
    NextSession,
    /// After so long.
    After(Nanos),
}

/// Which guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardKind {
    /// The loss of the day.
    DailyLoss,
    /// The loss since the peak.
    Drawdown,
    /// Losing round trips in a row.
    LosingStreak,
    /// Loss within some minutes.
    PnlVelocity,
}

impl GuardKind {
    const fn index(self) -> usize {
        match self {
            Self::DailyLoss => 0,
            Self::Drawdown => 1,
            Self::LosingStreak => 2,
            Self::PnlVelocity => 3,
        }
    }
}

/// A bound that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub kind: GuardKind,
    /// What was lost: an amount, or a number of round trips.
    pub value: Money,
    /// What may be lost.
    pub limit: Money,
}

const MINUTE: u64 = 60 * 1_000_000_000;

/// The guards of one scope at work.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    guards: Guards,
    peak: Money,
    day_start: Money,
    /// When its day began; `None` before the first sample.
    day: Option<UnixNanos>,
    /// Equity by minute, oldest first, as far back as the window reaches.
    minutes: VecDeque<(u64, Money)>,
    window_high: Option<Money>,
    losses: u32,
    /// Guards that have done their work and wait for the end of their lock.
    locked: [bool; 4],
    /// Guards whose lock has ended: they measure again from the next sample on.
    anew: [bool; 4],
    /// At or below this equity something is breached.
    floor: Money,
    /// Peak at the last sample.
    noted_peak: Money,
    /// The last sample: when, and what.
    sampled: (UnixNanos, Money),
}

impl Watch {
    pub(crate) fn new(guards: Guards, budget: Money) -> Self {
        let mut watch = Self {
            guards,
            peak: budget,
            day_start: budget,
            day: None,
            minutes: VecDeque::new(),
            window_high: None,
            losses: 0,
            locked: [false; 4],
            anew: [false; 4],
            floor: Money(i128::MIN),
            noted_peak: budget,
            sampled: (UnixNanos(0), budget),
        };
        watch.refresh();
        watch
    }

    /// The limits have changed, by a stage of the ramp.
    pub(crate) fn set_guards(&mut self, guards: Guards) {
        self.guards = guards;
        self.refresh();
    }

    pub(crate) const fn guards(&self) -> &Guards {
        &self.guards
    }

    /// Looks at an equity.
    pub(crate) fn observe(&mut self, equity: Money) -> Option<Breach> {
        if equity > self.floor && equity <= self.peak {
            return None;
        }
        if equity > self.peak {
            self.peak = equity;
            self.refresh();
        }
        if equity > self.floor {
            return None;
        }
        let kinds = [GuardKind::DailyLoss, GuardKind::Drawdown, GuardKind::PnlVelocity];
        kinds.into_iter().find_map(|kind| {
            let (from, limit) = self.measure(kind)?;
            let value = from - equity;
            (value >= limit).then_some(Breach { kind, value, limit })
        })
    }

    /// Losing round trips that are too many.
    pub(crate) fn streak(&self) -> Option<Breach> {
        let guard = self.guards.losing_streak?;
        let breached =
            self.losses >= guard.losses_max && !self.locked[GuardKind::LosingStreak.index()];
        breached.then_some(Breach {
            kind: GuardKind::LosingStreak,
            value: Money(i128::from(self.losses)),
            limit: Money(i128::from(guard.losses_max)),
        })
    }

    /// A round trip has ended with this result.
    pub(crate) fn note_round_trip(&mut self, result: Money) {
        self.losses = if result < Money::ZERO { self.losses.saturating_add(1) } else { 0 };
    }

    pub(crate) const fn losses(&self) -> u32 {
        self.losses
    }

    pub(crate) const fn set_losses(&mut self, losses: u32) {
        self.losses = losses;
    }

    /// From what a loss is measured, and how much is too much; `None` where nobody asks.
    fn measure(&self, kind: GuardKind) -> Option<(Money, Money)> {
        if self.locked[kind.index()] || self.anew[kind.index()] {
            return None;
        }
        let (from, limit) = match kind {
            GuardKind::DailyLoss => (self.day_start, self.guards.daily_loss?.limit),
            GuardKind::Drawdown => (self.peak, self.guards.drawdown?.limit),
            GuardKind::PnlVelocity => (self.window_high?, self.guards.pnl_velocity?.limit),
            GuardKind::LosingStreak => return None,
        };
        Some((from, limit.below(from)))
    }

    fn refresh(&mut self) {
        let kinds = [GuardKind::DailyLoss, GuardKind::Drawdown, GuardKind::PnlVelocity];
        let floors = kinds.into_iter().filter_map(|kind| self.measure(kind));
        self.floor = floors.map(|(from, limit)| from - limit).max().unwrap_or(Money(i128::MIN));
    }

    /// A lock of this guard's has begun.
    pub(crate) fn lock(&mut self, kind: GuardKind) {
        self.locked[kind.index()] = true;
        self.refresh();
    }

    /// A lock of this guard's has ended: what it measures begins anew. The next sample says from
    /// where.
    pub(crate) fn unlock(&mut self, kind: GuardKind) {
        self.locked[kind.index()] = false;
        self.anew[kind.index()] = kind != GuardKind::LosingStreak;
        match kind {
            GuardKind::PnlVelocity => {
                self.minutes.clear();
                self.window_high = None;
            }
            GuardKind::LosingStreak => self.losses = 0,
            GuardKind::DailyLoss | GuardKind::Drawdown => {}
        }
        self.refresh();
    }

    /// Whether the peak is higher by a thousandth than the last sample says.
    pub(crate) const fn has_new_peak(&self) -> bool {
        self.peak.0 - self.noted_peak.0 > self.noted_peak.0.abs() / 1_000
    }

    /// So much was given to the scope: neither a profit nor a loss, so all that it is measured from
    /// moves along.
    pub(crate) fn give(&mut self, amount: Money) {
        self.peak += amount;
        self.noted_peak += amount;
        self.day_start += amount;
        self.sampled.1 += amount;
        for (_, equity) in &mut self.minutes {
            *equity += amount;
        }
        self.window_high = self.window_high.map(|high| high + amount);
        self.refresh();
    }

    /// When its day began; `None` before the first sample.
    pub(crate) const fn day(&self) -> Option<UnixNanos> {
        self.day
    }

    /// Whether a guard is to measure from the next sample on.
    pub(crate) const fn measures_anew(&self, kind: GuardKind) -> bool {
        self.anew[kind.index()]
    }

    pub(crate) const fn peak(&self) -> Money {
        self.peak
    }

    pub(crate) const fn day_start(&self) -> Money {
        self.day_start
    }

    /// Takes in a sample: the only thing of a watch that survives a restart.
    pub(crate) fn sample(
        &mut self,
        time: UnixNanos,
        day: UnixNanos,
        equity: Money,
        (peak, day_start): (Money, Money),
    ) {
        (self.peak, self.noted_peak, self.day_start) = (peak, peak, day_start);
        (self.day, self.sampled) = (Some(day), (time, equity));
        self.anew = [false; 4];
        if let Some(guard) = self.guards.pnl_velocity {
            let minute = time.0 / MINUTE;
            let length = u64::from(guard.minutes.clamp(1, VelocityGuard::MINUTES_MAX));
            match self.minutes.back_mut() {
                Some((last, high)) if *last >= minute => *high = (*high).max(equity),
                _ => self.minutes.push_back((minute, equity)),
            }
            while self.minutes.front().is_some_and(|(first, _)| first + length <= minute) {
                self.minutes.pop_front();
            }
            self.window_high = self.minutes.iter().map(|(_, equity)| *equity).max();
        }
        self.refresh();
    }

    /// Samples that rebuild it, time and equity, and the peak as the last one says it.
    pub(crate) fn samples(&self) -> (impl Iterator<Item = (UnixNanos, Money)>, Money) {
        let minutes = self.minutes.iter();
        let minutes = minutes.map(|(minute, equity)| (UnixNanos(minute * MINUTE), *equity));
        (minutes.chain([self.sampled]), self.noted_peak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BreachPolicy =
        BreachPolicy { state: TradingState::Halted, flatten: false, unlock: Unlock::Person };
    const DAY: UnixNanos = UnixNanos(0);

    fn loss(limit: LossLimit) -> Option<LossGuard> {
        Some(LossGuard { limit, policy: POLICY })
    }

    fn sample(watch: &mut Watch, minute: u64, equity: i128) {
        let held = (watch.peak.max(Money(equity)), watch.day_start);
        watch.sample(UnixNanos(minute * MINUTE), DAY, Money(equity), held);
    }

    #[test]
    fn the_day_is_over_exactly_at_the_bound() {
        let guards = Guards { daily_loss: loss(LossLimit::Amount(Money(100))), ..Guards::NONE };
        let mut watch = Watch::new(guards, Money(1_000));
        assert_eq!(watch.observe(Money(901)), None);
        let breach = Breach { kind: GuardKind::DailyLoss, value: Money(100), limit: Money(100) };
        assert_eq!(watch.observe(Money(900)), Some(breach));
        watch.lock(GuardKind::DailyLoss);
        assert_eq!(watch.observe(Money(1)), None, "once");
        watch.unlock(GuardKind::DailyLoss);
        watch.sample(UnixNanos(1), DAY, Money(1), (Money(1_000), Money(1)));
        assert_eq!(watch.observe(Money(-98)), None);
        assert!(watch.observe(Money(-99)).is_some());
    }

    #[test]
    fn drawdown_follows_the_peak() {
        let guards =
            Guards { drawdown: loss(LossLimit::Share(BasisPoints(1_000))), ..Guards::NONE };
        let mut watch = Watch::new(guards, Money(1_000));
        assert_eq!(watch.observe(Money(901)), None);
        assert_eq!(watch.observe(Money(2_000)), None);
        assert_eq!(watch.observe(Money(1_801)), None);
        let kind = GuardKind::Drawdown;
        let breach = Breach { kind, value: Money(200), limit: Money(200) };
        assert_eq!(watch.observe(Money(1_800)), Some(breach));
    }

    #[test]
    fn velocity_forgets_what_is_older_than_its_window() {
        let (limit, minutes) = (LossLimit::Amount(Money(50)), 3);
        let velocity = Some(VelocityGuard { limit, minutes, policy: POLICY });
        let mut watch = Watch::new(Guards { pnl_velocity: velocity, ..Guards::NONE }, Money(1_000));
        for (minute, equity) in [(10, 1_000), (11, 980), (12, 970)] {
            sample(&mut watch, minute, equity);
            assert_eq!(watch.observe(Money(951)), None, "minute {minute}");
        }
        assert!(watch.observe(Money(950)).is_some());
        sample(&mut watch, 13, 960);
        assert_eq!(watch.observe(Money(931)), None, "the thousand is forgotten");
        assert!(watch.observe(Money(930)).is_some());
        for minute in 14..10_000 {
            sample(&mut watch, minute, 960);
        }
        assert_eq!(watch.minutes.len(), 3);
    }

    #[test]
    fn what_is_given_is_neither_a_profit_nor_a_loss() {
        let limit = LossLimit::Amount(Money(100));
        let velocity = VelocityGuard { limit, minutes: 3, policy: POLICY };
        for guards in [
            Guards { daily_loss: loss(limit), ..Guards::NONE },
            Guards { drawdown: loss(limit), ..Guards::NONE },
            Guards { pnl_velocity: Some(velocity), ..Guards::NONE },
        ] {
            let mut watch = Watch::new(guards, Money(1_000));
            sample(&mut watch, 10, 1_000);
            assert_eq!(watch.observe(Money(950)), None);
            watch.give(Money(500));
            assert!(!watch.has_new_peak());
            assert_eq!(watch.observe(Money(1_401)), None, "{guards:?}");
            let breach = watch.observe(Money(1_400)).unwrap();
            assert_eq!((breach.value, breach.limit), (Money(100), Money(100)));
        }
    }

    #[test]
    fn a_streak_ends_with_a_trip_that_does_not_lose() {
        let losing_streak = Some(StreakGuard { losses_max: 2, policy: POLICY });
        let mut watch = Watch::new(Guards { losing_streak, ..Guards::NONE }, Money(0));
        for (result, breached) in [(-1, false), (0, false), (-1, false), (-1, true)] {
            watch.note_round_trip(Money(result));
            assert_eq!(watch.streak().is_some(), breached);
        }
        watch.lock(GuardKind::LosingStreak);
        assert_eq!(watch.streak(), None);
        watch.unlock(GuardKind::LosingStreak);
        assert_eq!((watch.streak(), watch.losses), (None, 0));
    }
}
