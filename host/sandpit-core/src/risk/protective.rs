//! The stop that the host keeps for a position: where its trigger lies.

use crate::{
    instrument::Instrument,
    num::{Money, Price, Quantity},
    order::{OrderKind, TrailingOffset},
    risk::BasisPoints,
};

/// A stop for every position of a scope, which only shrinks it and which no plugin can see or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectiveStop {
    /// At a loss of this share of the average entry price.
    Share(BasisPoints),
    /// At a loss of this much of the position, fees apart.
    Amount(Money),
    /// At this distance, 1 to 9,999, from the best price since it was placed.
    Trailing(u16),
}

impl ProtectiveStop {
    /// The stop of a position that is not flat. `None` where its numbers leave their bounds.
    ///
    /// A trigger between two ticks goes to the one that loses less.
    pub(crate) fn of(
        self,
        quantity: Quantity,
        cost: Money,
        instrument: &Instrument,
    ) -> Option<OrderKind> {
        let loss = match self {
            Self::Trailing(points) => {
                return Some(OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)));
            }
            Self::Share(points) => points.of(cost.abs()),
            Self::Amount(amount) => amount,
        };
        let unit = instrument.notional(Price(1), quantity)?.0;
        let tick = instrument.price_tick().0;
        // Value of the position at which the loss is reached; its sign is the quantity's.
        let value = cost.0.checked_sub(loss.0)?;
        let step = unit.checked_mul(i128::from(tick))?;
        // Both signs turn at once: for a long the first tick at or above, for a short at or below.
        let ticks = if quantity > Quantity::ZERO {
            value.div_euclid(step) + i128::from(value.rem_euclid(step) != 0)
        } else {
            (-value).div_euclid(-step)
        };
        let raw = i64::try_from(ticks).ok()?.checked_mul(tick)?;
        (raw <= Instrument::PRICE_MAX).then_some(OrderKind::Stop(Price(raw.max(tick))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        instrument::{InstrumentKind, InstrumentSpec},
        num::{Decimal, Rate},
    };

    fn instrument() -> Instrument {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        Instrument::new(InstrumentSpec {
            symbol: "TEST".into(),
            venue: "test".into(),
            kind: InstrumentKind::Perpetual,
            base: "B".into(),
            quote: "Q".into(),
            price_tick: number("0.5"),
            quantity_step: number("0.001"),
            min_quantity: number("0.001"),
            max_quantity: number("1000"),
            min_notional: Decimal::ZERO,
            multiplier: number("1"),
            maker_fee: Rate(0),
            taker_fee: Rate(0),
        })
        .unwrap()
    }

    /// The trigger of a position of `quantity` thousandths that was entered at `entry` tenths.
    fn trigger(stop: ProtectiveStop, quantity: i64, entry: i64) -> i64 {
        let rules = instrument();
        let cost = rules.notional(Price(entry), Quantity(quantity)).unwrap();
        stop.of(Quantity(quantity), cost, &rules).unwrap().trigger().unwrap().0
    }

    #[test]
    fn a_trigger_never_loses_more_than_is_said() {
        let share = ProtectiveStop::Share(BasisPoints(100));
        assert_eq!(trigger(share, 2_000, 1_000), 990);
        assert_eq!(trigger(share, -2_000, 1_000), 1_010);
        // 1 % below 100.3 is 99.297: 99.5 is the first half above, 101.303 leaves 101.0 for a short.
        assert_eq!(trigger(share, 2_000, 1_003), 995);
        assert_eq!(trigger(share, -2_000, 1_003), 1_010);
        let amount = ProtectiveStop::Amount(Money::from_scaled(10, 0).unwrap());
        assert_eq!(trigger(amount, 2_000, 1_000), 950);
        assert_eq!(trigger(amount, -2_000, 1_000), 1_050);
        let all = ProtectiveStop::Amount(Money::from_scaled(10_000, 0).unwrap());
        assert_eq!(trigger(all, 2_000, 1_000), 5, "never below a tick");
    }
}
