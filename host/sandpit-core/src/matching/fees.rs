//! Fee schedules: rates that fall with what the account has traded.

use alloc::{collections::VecDeque, vec::Vec};

use crate::{
    num::{Money, Rate},
    time::UnixNanos,
};

/// Rates from a traded notional on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeTier {
    /// Traded within the window, of both sides and all instruments.
    pub from: Money,
    /// For making liquidity; negative for a rebate.
    pub maker: Rate,
    /// For taking liquidity.
    pub taker: Rate,
}

/// Rates by what the account traded in the days before. As at real venues the tier is found once a
/// day, at midnight UTC, from the whole days before it; what is traded today counts from tomorrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeSchedule {
    window_days: u16,
    tiers: Vec<FeeTier>,
}

/// Why tiers are no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeeScheduleError {
    /// A window of no days or of more than [`FeeSchedule::DAYS_MAX`].
    #[error("the window must have 1 to 366 days")]
    Window,
    /// No tier, or more than [`FeeSchedule::TIERS_MAX`].
    #[error("a schedule has 1 to 64 tiers")]
    Count,
    /// The first tier does not begin at zero, or one does not begin above the one before.
    #[error("the first tier must begin at 0 and each one above the one before")]
    Order,
    /// Who trades more pays more.
    #[error("the rates of a tier must not be above those of the one before")]
    Rising,
}

impl FeeSchedule {
    /// Days of a window.
    pub const DAYS_MAX: u16 = 366;
    /// Tiers of a schedule.
    pub const TIERS_MAX: usize = 64;

    /// Checks the tiers.
    ///
    /// # Errors
    /// See [`FeeScheduleError`].
    pub fn new(window_days: u16, tiers: Vec<FeeTier>) -> Result<Self, FeeScheduleError> {
        if !(1..=Self::DAYS_MAX).contains(&window_days) {
            return Err(FeeScheduleError::Window);
        }
        if tiers.len() > Self::TIERS_MAX {
            return Err(FeeScheduleError::Count);
        }
        let first = tiers.first().ok_or(FeeScheduleError::Count)?;
        let rises = |pair: &[FeeTier]| pair[0].from < pair[1].from;
        if first.from != Money::ZERO || !tiers.windows(2).all(rises) {
            return Err(FeeScheduleError::Order);
        }
        let falls =
            |pair: &[FeeTier]| pair[1].maker <= pair[0].maker && pair[1].taker <= pair[0].taker;
        if !tiers.windows(2).all(falls) {
            return Err(FeeScheduleError::Rising);
        }
        Ok(Self { window_days, tiers })
    }

    /// Days whose trades count.
    #[must_use]
    pub const fn window_days(&self) -> u16 {
        self.window_days
    }

    /// The tiers, lowest notional first.
    #[must_use]
    pub fn tiers(&self) -> &[FeeTier] {
        &self.tiers
    }

    /// The tier of who has traded this much.
    #[must_use]
    pub fn tier(&self, traded: Money) -> &FeeTier {
        let above = self.tiers.partition_point(|tier| tier.from <= traded);
        &self.tiers[above.saturating_sub(1)]
    }
}

/// What the account has traded, day by day, and the tier that follows from it.
#[derive(Clone, Debug)]
pub(super) struct FeeDesk {
    schedule: FeeSchedule,
    /// Days since 1970 with what was traded on them; at most a window's and today.
    days: VecDeque<(u64, Money)>,
    today: Option<u64>,
    tier: FeeTier,
}

impl FeeDesk {
    pub(super) fn new(schedule: FeeSchedule) -> Self {
        let tier = *schedule.tier(Money::ZERO);
        Self { schedule, days: VecDeque::new(), today: None, tier }
    }

    /// The fee of a fill, which counts as traded from now on.
    pub(super) fn charge(&mut self, now: UnixNanos, notional: Money, maker: bool) -> Money {
        /// Length of a day.
        const DAY: u64 = 86_400 * 1_000_000_000;
        let day = now.0 / DAY;
        if self.today != Some(day) {
            self.turn_to(day);
        }
        let notional = notional.abs();
        if let Some((_, sum)) = self.days.back_mut() {
            *sum = Money(sum.0.saturating_add(notional.0));
        }
        if maker { self.tier.maker } else { self.tier.taker }.of(notional)
    }

    fn turn_to(&mut self, day: u64) {
        let oldest = day.saturating_sub(u64::from(self.schedule.window_days));
        while self.days.front().is_some_and(|(at, _)| *at < oldest) {
            self.days.pop_front();
        }
        let sum = self.days.iter().fold(0i128, |sum, (_, traded)| sum.saturating_add(traded.0));
        self.tier = *self.schedule.tier(Money(sum));
        self.days.push_back((day, Money::ZERO));
        self.today = Some(day);
    }
}
