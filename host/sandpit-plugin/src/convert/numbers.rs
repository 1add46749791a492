//! Raw numbers on an instrument's grid as decimals.

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    num::{Decimal, Money, Price, Quantity},
    plugin::PositionView,
};

use crate::bindings::sandpit::strategy::types as wire;

/// Decimal digits that always fit an `i64`.
const I64_DIGITS: u32 = 18;

/// What it takes to say an instrument's raw numbers as decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    price_scale: u8,
    quantity_scale: u8,
}

/// An event speaks of an instrument that the session does not have: an error of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("instrument {0} is not part of the session")]
pub(crate) struct UnknownInstrument(u16);

/// A session's instruments and their grids, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grids {
    grids: Vec<Option<Grid>>,
    instruments: Vec<Option<Instrument>>,
}

impl Grids {
    pub(crate) fn set(&mut self, id: InstrumentId, instrument: &Instrument) {
        let index = usize::from(id.0);
        if self.grids.len() <= index {
            self.grids.resize(index + 1, None);
            self.instruments.resize(index + 1, None);
        }
        self.grids[index] = Some(Grid::of(instrument));
        self.instruments[index] = Some(instrument.clone());
    }

    pub(crate) fn get(&self, id: InstrumentId) -> Result<Grid, UnknownInstrument> {
        self.grids.get(usize::from(id.0)).copied().flatten().ok_or(UnknownInstrument(id.0))
    }

    /// The average price at which a position was entered.
    pub(crate) fn entry_price(
        &self,
        position: &PositionView,
    ) -> Result<wire::Decimal, UnknownInstrument> {
        let id = position.instrument;
        let instrument = self.instruments.get(usize::from(id.0)).and_then(Option::as_ref);
        let instrument = instrument.ok_or(UnknownInstrument(id.0))?;
        Ok(decimal(position.entry_price(instrument)))
    }
}

impl Grid {
    pub(crate) fn of(instrument: &Instrument) -> Self {
        Self { price_scale: instrument.price_scale(), quantity_scale: instrument.quantity_scale() }
    }

    pub(crate) const fn price(self, price: Price) -> wire::Decimal {
        wire::Decimal { mantissa: price.0, scale: self.price_scale }
    }

    pub(crate) const fn quantity(self, quantity: Quantity) -> wire::Decimal {
        wire::Decimal { mantissa: quantity.0, scale: self.quantity_scale }
    }

    pub(crate) const fn price_scale(self) -> u8 {
        self.price_scale
    }

    pub(crate) const fn quantity_scale(self) -> u8 {
        self.quantity_scale
    }
}

/// An amount of money: exact where 64 bits hold it, rounded half-even to as many digits as they
/// hold where not.
pub(crate) fn money(amount: Money) -> wire::Decimal {
    if let Ok(mantissa) = i64::try_from(amount.0) {
        return normalized(mantissa, Money::SCALE);
    }
    let digits = amount.0.unsigned_abs().ilog10() + 1;
    let drop = u8::try_from(digits.saturating_sub(I64_DIGITS)).unwrap_or(u8::MAX);
    let rounded = amount.to_decimal_rounded(Money::SCALE.saturating_sub(drop));
    normalized(rounded.mantissa, rounded.scale)
}

/// The same value without zeros at its end after the point, so that it leaves room for arithmetic.
fn normalized(mut mantissa: i64, mut scale: u8) -> wire::Decimal {
    if mantissa == 0 {
        return wire::Decimal { mantissa, scale: 0 };
    }
    for (factor, digits) in [(100_000_000, 8), (10_000, 4), (100, 2), (10, 1)] {
        while scale >= digits && mantissa % factor == 0 {
            mantissa /= factor;
            scale -= digits;
        }
    }
    wire::Decimal { mantissa, scale }
}

pub(crate) const fn decimal(decimal: Decimal) -> wire::Decimal {
    wire::Decimal { mantissa: decimal.mantissa, scale: decimal.scale }
}

#[cfg(test)]
mod tests {
    use sandpit_core::{
        instrument::{InstrumentKind, InstrumentSpec},
        num::Rate,
        time::UnixNanos,
    };

    use super::*;

    fn said(decimal: wire::Decimal) -> String {
        Decimal::new(decimal.mantissa, decimal.scale).to_string()
    }

    fn amount(text: &str) -> Money {
        Money::from_decimal(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn money_is_exact_where_it_fits() {
        for text in ["0", "1", "-0.5", "1000000", "822343.7815", "0.000000000000000001"] {
            assert_eq!(said(money(amount(text))), text);
        }
        let fine = Money(1_000_000 * 10i128.pow(18) + 123_456_789_012_345_678);
        assert_eq!(said(money(fine)), "1000000.12345678901");
        assert_eq!(said(money(-fine)), "-1000000.12345678901");
        assert_eq!(
            said(money(Money(i128::from(i64::MAX) * 10i128.pow(18)))),
            "9223372036854775807"
        );
    }

    fn instrument() -> Instrument {
        Instrument::new(InstrumentSpec {
            symbol: "XBTUSD".to_owned(),
            venue: "test".to_owned(),
            kind: InstrumentKind::Perpetual,
            base: "XBT".to_owned(),
            quote: "USD".to_owned(),
            price_tick: Decimal::new(5, 1),
            quantity_step: Decimal::new(1, 0),
            min_quantity: Decimal::new(1, 0),
            max_quantity: Decimal::new(1_000_000, 0),
            min_notional: Decimal::ZERO,
            multiplier: Decimal::new(1, 0),
            maker_fee: Rate(0),
            taker_fee: Rate(0),
        })
        .unwrap()
    }

    #[test]
    fn an_entry_price_is_the_average_of_what_was_paid() {
        let mut grids = Grids::default();
        grids.set(InstrumentId(0), &instrument());
        let entered = |quantity, cost| {
            let (time, realized_pnl) = (UnixNanos(0), Money::ZERO);
            let instrument = InstrumentId(0);
            let quantity = Quantity(quantity);
            said(
                grids
                    .entry_price(&PositionView { instrument, time, quantity, cost, realized_pnl })
                    .unwrap(),
            )
        };
        assert_eq!(entered(1, amount("13873.5")), "13873.5");
        assert_eq!(entered(-1, -amount("13873.5")), "13873.5");
        assert_eq!(entered(3, amount("100")), "33.333333333");
        assert_eq!(entered(0, Money::ZERO), "0");
    }

    #[test]
    fn an_unknown_instrument_is_an_error() {
        let mut grids = Grids::default();
        grids.set(InstrumentId(2), &instrument());
        assert_eq!(grids.get(InstrumentId(2)), Ok(Grid { price_scale: 1, quantity_scale: 0 }));
        assert_eq!(grids.get(InstrumentId(1)), Err(UnknownInstrument(1)));
        assert_eq!(grids.get(InstrumentId(3)), Err(UnknownInstrument(3)));
    }
}
