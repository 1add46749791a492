//! Raw numbers on an instrument's grid as decimals.

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    num::{Decimal, Money, Price, Quantity},
};

use crate::bindings::sandpit::strategy::types as wire;

/// Digits that an average entry price may have beyond those of the tick.
const ENTRY_PRICE_EXTRA_DIGITS: u8 = 8;
/// Digits after the point of a wire decimal.
const SCALE_MAX: u8 = 18;
/// Decimal digits that always fit an `i64`.
const I64_DIGITS: u32 = 18;

/// What it takes to say an instrument's raw numbers as decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    price_scale: u8,
    quantity_scale: u8,
    /// Notional of raw price 1 and raw quantity 1.
    unit: Money,
}

/// An event speaks of an instrument that the session does not have: an error of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("instrument {0} is not part of the session")]
pub(crate) struct UnknownInstrument(u16);

/// The grids of a session's instruments, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grids(Vec<Option<Grid>>);

impl Grids {
    pub(crate) fn set(&mut self, id: InstrumentId, grid: Grid) {
        let index = usize::from(id.0);
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        self.0[index] = Some(grid);
    }

    pub(crate) fn get(&self, id: InstrumentId) -> Result<Grid, UnknownInstrument> {
        self.0.get(usize::from(id.0)).copied().flatten().ok_or(UnknownInstrument(id.0))
    }
}

impl Grid {
    pub(crate) fn of(instrument: &Instrument) -> Self {
        Self {
            price_scale: instrument.price_scale(),
            quantity_scale: instrument.quantity_scale(),
            // It exists: an instrument whose largest notional does not fit is refused when made.
            unit: instrument.notional(Price(1), Quantity(1)).unwrap_or(Money(1)),
        }
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

    /// The average price at which `quantity` cost `cost`, rounded half-even; zero when flat.
    pub(crate) fn entry_price(self, quantity: Quantity, cost: Money) -> wire::Decimal {
        let units = i128::from(quantity.0).saturating_mul(self.unit.0);
        if units == 0 {
            return wire::Decimal { mantissa: 0, scale: 0 };
        }
        // As many digits as fit, down from the most that are allowed.
        let most = ENTRY_PRICE_EXTRA_DIGITS.min(SCALE_MAX - self.price_scale);
        for extra in (0..=most).rev() {
            let scaled = cost.0.checked_mul(10i128.pow(u32::from(extra)));
            let price = scaled.map(|scaled| div_half_even(scaled, units)).map(i64::try_from);
            if let Some(Ok(mantissa)) = price {
                return normalized(mantissa, self.price_scale + extra);
            }
        }
        let mantissa = if (cost.0 < 0) == (units < 0) { i64::MAX } else { i64::MIN };
        wire::Decimal { mantissa, scale: self.price_scale }
    }
}

/// `numerator / denominator` rounded to the nearest, ties to even.
fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    let (numerator, denominator) =
        if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let quotient = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    match rest.cmp(&(denominator - rest)) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
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

    #[test]
    fn an_entry_price_is_the_average_of_what_was_paid() {
        let grid = Grid { price_scale: 1, quantity_scale: 0, unit: amount("0.1") };
        assert_eq!(said(grid.entry_price(Quantity(1), amount("13873.5"))), "13873.5");
        assert_eq!(said(grid.entry_price(Quantity(-1), -amount("13873.5"))), "13873.5");
        assert_eq!(said(grid.entry_price(Quantity(3), amount("100"))), "33.333333333");
        assert_eq!(said(grid.entry_price(Quantity(0), Money::ZERO)), "0");
    }

    #[test]
    fn an_unknown_instrument_is_an_error() {
        let mut grids = Grids::default();
        let grid = Grid { price_scale: 2, quantity_scale: 3, unit: Money(1) };
        grids.set(InstrumentId(2), grid);
        assert_eq!(grids.get(InstrumentId(2)), Ok(grid));
        assert_eq!(grids.get(InstrumentId(1)), Err(UnknownInstrument(1)));
        assert_eq!(grids.get(InstrumentId(3)), Err(UnknownInstrument(3)));
    }
}
