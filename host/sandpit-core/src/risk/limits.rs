//! What the operator allows. Configured per plugin and for the account; the tighter wins. A plugin
//! can neither read nor change a limit.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::{
    ids::InstrumentId,
    market::Side,
    num::{Money, Quantity},
    risk::{Guards, LossLimit, ProtectiveStop, RampStage, Rates},
    time::Nanos,
};

/// Hundredths of a percent: 10,000 is the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BasisPoints(pub u32);

impl BasisPoints {
    /// The whole.
    pub const WHOLE: Self = Self(10_000);
    /// The most that may be configured: a thousand times the whole.
    pub const MAX: Self = Self(10_000_000);

    /// This share of an amount, rounded down.
    #[must_use]
    pub fn of(self, amount: Money) -> Money {
        let (whole, points) = (i128::from(Self::WHOLE.0), i128::from(self.0));
        // In two parts, so that the product stays far below an i128.
        let (units, rest) = (amount.0.div_euclid(whole), amount.0.rem_euclid(whole));
        Money(units.saturating_mul(points).saturating_add(rest * points / whole))
    }

    /// This share of a quantity, rounded down.
    #[must_use]
    pub fn of_quantity(self, quantity: Quantity) -> Quantity {
        let share = i128::from(quantity.0) * i128::from(self.0) / i128::from(Self::WHOLE.0);
        Quantity(i64::try_from(share).unwrap_or(i64::MAX))
    }

    /// This share of a share, rounded down.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let product = u64::from(self.0) * u64::from(other.0) / u64::from(Self::WHOLE.0);
        Self(u32::try_from(product).unwrap_or(u32::MAX))
    }
}

/// Sides that may open or grow a position. What only shrinks one passes always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sides {
    /// Both.
    #[default]
    Both,
    /// Buys.
    Buy,
    /// Sells.
    Sell,
}

impl Sides {
    /// Whether `side` is among them.
    #[must_use]
    pub const fn allow(self, side: Side) -> bool {
        matches!((self, side), (Self::Both, _) | (Self::Buy, Side::Buy) | (Self::Sell, Side::Sell))
    }
}

/// Limits of one scope. `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest distance of a limit price or trigger from the mark, as a share of the mark.
    pub price_collar_max: Option<BasisPoints>,
    /// Longest silence of a market after which its prices still count.
    pub market_age_max: Option<Nanos>,
    /// Notional of one order, at its own price or, for one without, at the mark.
    pub order_notional_max: Option<Money>,
    /// Number of open orders.
    pub open_orders_max: u32,
    /// Orders, changes and cancels in a time, and orders for each fill.
    pub rates: Rates,
    /// Notional of the position in one instrument, with all working orders of a side filled.
    pub position_notional_max: Option<Money>,
    /// Sum of the position notionals of all instruments, each in its worst case.
    pub gross_notional_max: Option<Money>,
    /// Signed sum of the position notionals of all instruments, in the worst case of either side.
    pub net_notional_max: Option<Money>,
    /// What `gross_notional_max` says, as a share of the equity: 20,000 is twice the equity.
    pub leverage_max: Option<BasisPoints>,
    /// What `position_notional_max` says, as a share of the equity.
    pub concentration_max: Option<BasisPoints>,
    /// Whether a position may be negative.
    pub short_allowed: bool,
    /// Sides that may open or grow a position.
    pub sides_allowed: Sides,
    /// Instruments in which a position may be opened or grow; `None` is all.
    pub instruments_allowed: Option<BTreeSet<InstrumentId>>,
    /// Limits in units of one instrument.
    pub instruments: BTreeMap<InstrumentId, InstrumentLimits>,
    /// What locks the scope when too much is lost.
    pub guards: Guards,
    /// The stop that the host keeps for every position. The account's is for plugins that have
    /// none of their own.
    pub protective_stop: Option<ProtectiveStop>,
    /// Shares of these limits that are given bit by bit; empty gives all at once.
    pub ramp: Vec<RampStage>,
}

/// Limits in units of one instrument. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstrumentLimits {
    /// Quantity of one order.
    pub order_quantity_max: Option<Quantity>,
    /// Quantity of the position, with all working orders of a side filled.
    pub position_quantity_max: Option<Quantity>,
}

impl Limits {
    /// Open orders of one scope where the operator says nothing.
    pub const OPEN_ORDERS_DEFAULT: u32 = 200;

    /// No limit but the number of open orders.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            price_collar_max: None,
            market_age_max: None,
            order_notional_max: None,
            open_orders_max: Self::OPEN_ORDERS_DEFAULT,
            rates: Rates::NONE,
            position_notional_max: None,
            gross_notional_max: None,
            net_notional_max: None,
            leverage_max: None,
            concentration_max: None,
            short_allowed: true,
            sides_allowed: Sides::Both,
            instruments_allowed: None,
            instruments: BTreeMap::new(),
            guards: Guards::NONE,
            protective_stop: None,
            ramp: Vec::new(),
        }
    }

    /// The limits of one instrument.
    #[must_use]
    pub fn of(&self, instrument: InstrumentId) -> InstrumentLimits {
        self.instruments.get(&instrument).copied().unwrap_or_default()
    }

    /// Whether a limit needs the sum over all instruments.
    pub(crate) const fn ask_gross(&self) -> bool {
        self.gross_notional_max.is_some() || self.leverage_max.is_some()
    }

    /// A share of every limit that says how much may be risked. Counts, rates and distances stay.
    #[must_use]
    pub fn scaled(&self, share: BasisPoints) -> Self {
        let money = |limit: Option<Money>| limit.map(|limit| share.of(limit));
        let points = |limit: Option<BasisPoints>| limit.map(|limit| share.times(limit));
        let quantity = |limit: Option<Quantity>| limit.map(|limit| share.of_quantity(limit));
        let mut scaled = self.clone();
        scaled.order_notional_max = money(self.order_notional_max);
        scaled.position_notional_max = money(self.position_notional_max);
        scaled.gross_notional_max = money(self.gross_notional_max);
        scaled.net_notional_max = money(self.net_notional_max);
        scaled.leverage_max = points(self.leverage_max);
        scaled.concentration_max = points(self.concentration_max);
        for limits in scaled.instruments.values_mut() {
            limits.order_quantity_max = quantity(limits.order_quantity_max);
            limits.position_quantity_max = quantity(limits.position_quantity_max);
        }
        let loss = |limit: &mut LossLimit| {
            *limit = match *limit {
                LossLimit::Amount(amount) => LossLimit::Amount(share.of(amount)),
                LossLimit::Share(points) => LossLimit::Share(share.times(points)),
            };
        };
        let guards = &mut scaled.guards;
        for guard in [&mut guards.daily_loss, &mut guards.drawdown].into_iter().flatten() {
            loss(&mut guard.limit);
        }
        if let Some(guard) = &mut guards.pnl_velocity {
            loss(&mut guard.limit);
        }
        scaled
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::unlimited()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down() {
        let share = |points, amount| BasisPoints(points).of(Money(amount)).0;
        assert_eq!(share(1_000, 99_999), 9_999);
        assert_eq!(share(10_000, -7), -7);
        assert_eq!(share(1, 9_999), 0);
        assert_eq!(share(20_000, 10i128.pow(33)), 2 * 10i128.pow(33));
        assert_eq!(BasisPoints(1_000).of_quantity(Quantity(55)), Quantity(5));
        assert_eq!(BasisPoints(1_000).times(BasisPoints(20_000)), BasisPoints(2_000));
    }

    #[test]
    fn scaling_leaves_counts_and_distances() {
        let full = Limits {
            order_notional_max: Some(Money(1_000)),
            leverage_max: Some(BasisPoints(30_000)),
            price_collar_max: Some(BasisPoints(500)),
            open_orders_max: 7,
            ..Limits::unlimited()
        };
        let tenth = full.scaled(BasisPoints(1_000));
        assert_eq!(tenth.order_notional_max, Some(Money(100)));
        assert_eq!(tenth.leverage_max, Some(BasisPoints(3_000)));
        assert_eq!(tenth.price_collar_max, full.price_collar_max);
        assert_eq!(tenth.open_orders_max, 7);
    }
}
