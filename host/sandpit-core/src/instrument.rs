//! What a venue trades, and its rules.

use alloc::{boxed::Box, string::String};

use crate::{
    market::Funding,
    num::{Decimal, Money, Price, Quantity, Rate, SCALE_MAX, div_round_half_even},
};

/// What kind of thing is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentKind {
    /// The asset itself.
    Spot,
    /// A future that never expires, held to its index by funding.
    Perpetual,
    /// A contract with a delivery date.
    Future,
}

/// An instrument as configuration or a venue describes it; hostile until [`Instrument::new`].
#[derive(Clone, Debug)]
pub struct InstrumentSpec {
    /// The venue's own symbol, 1 to [`Instrument::NAME_BYTES_MAX`] bytes.
    pub symbol: String,
    /// The venue's name.
    pub venue: String,
    /// Kind.
    pub kind: InstrumentKind,
    /// Base asset.
    pub base: String,
    /// Quote asset: the account's currency.
    pub quote: String,
    /// Prices are multiples of this; its scale is the instrument's price scale.
    pub price_tick: Decimal,
    /// Quantities are multiples of this; its scale is the instrument's quantity scale.
    pub quantity_step: Decimal,
    /// Least quantity of an order.
    pub min_quantity: Decimal,
    /// Largest quantity of an order.
    pub max_quantity: Decimal,
    /// Least notional of an order; zero for none.
    pub min_notional: Decimal,
    /// Units of the base asset in one contract.
    pub multiplier: Decimal,
    /// Fee rate for making liquidity; negative for a rebate.
    pub maker_fee: Rate,
    /// Fee rate for taking liquidity.
    pub taker_fee: Rate,
}

/// Why an [`InstrumentSpec`] cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("instrument `{symbol}`: {problem}")]
pub struct InstrumentError {
    /// Whose.
    pub symbol: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// An instrument whose rules have been checked and put on the integer grid.
#[derive(Clone, Debug)]
pub struct Instrument {
    spec: Box<InstrumentSpec>,
    price_scale: u8,
    quantity_scale: u8,
    price_tick: Price,
    quantity_step: Quantity,
    min_quantity: Quantity,
    max_quantity: Quantity,
    min_notional: Money,
    /// `price.0 × quantity.0 × notional_factor` is the notional in [`Money`] units.
    notional_factor: i128,
}

impl Instrument {
    /// Bytes of a symbol or venue name.
    pub const NAME_BYTES_MAX: usize = 64;
    /// Bytes of an asset name.
    pub const ASSET_BYTES_MAX: usize = 16;
    /// Largest raw quantity and position: leaves room for sums of many in an `i64`.
    pub const QUANTITY_MAX: i64 = 1_000_000_000_000_000;
    /// Largest notional that is computed, in units of [`Money`]: 10^15 of the currency, so that the
    /// sum over 65,536 instruments fits.
    pub const NOTIONAL_MAX: u128 = 10u128.pow(33);
    /// Largest raw price.
    pub const PRICE_MAX: i64 = 1_000_000_000_000_000;

    /// Checks the rules.
    ///
    /// # Errors
    /// A name that is empty or too long, a tick, step, multiplier or quantity bound that is not
    /// positive or off its own grid, or scales of price, quantity and multiplier that together
    /// exceed 18 digits, beyond which a notional is not exact.
    pub fn new(spec: InstrumentSpec) -> Result<Self, InstrumentError> {
        let fail = |problem| InstrumentError {
            symbol: spec.symbol.chars().take(Self::NAME_BYTES_MAX).collect(),
            problem,
        };
        let named = |text: &str, max| (1..=max).contains(&text.len());
        if !named(&spec.symbol, Self::NAME_BYTES_MAX) || !named(&spec.venue, Self::NAME_BYTES_MAX) {
            return Err(fail("symbol and venue must have 1 to 64 bytes"));
        }
        if !named(&spec.base, Self::ASSET_BYTES_MAX) || !named(&spec.quote, Self::ASSET_BYTES_MAX) {
            return Err(fail("base and quote must have 1 to 16 bytes"));
        }
        let (tick, step) = (spec.price_tick, spec.quantity_step);
        let multiplier = spec.multiplier.normalized();
        if tick.mantissa <= 0 || step.mantissa <= 0 || multiplier.mantissa <= 0 {
            return Err(fail("price_tick, quantity_step and multiplier must be greater than zero"));
        }
        let scales = tick.scale.saturating_add(step.scale).saturating_add(multiplier.scale);
        if scales > SCALE_MAX {
            return Err(fail(
                "price_tick, quantity_step and multiplier have more than 18 digits after the point together",
            ));
        }
        let on_step = |value: Decimal| {
            value
                .at_scale(step.scale)
                .filter(|raw| raw % step.mantissa == 0 && (0..=Self::QUANTITY_MAX).contains(raw))
                .map(Quantity)
        };
        let min_quantity = on_step(spec.min_quantity)
            .ok_or_else(|| fail("min_quantity is not a multiple of quantity_step within bounds"))?;
        let max_quantity = on_step(spec.max_quantity)
            .filter(|max| *max >= min_quantity && !max.is_zero())
            .ok_or_else(|| fail("max_quantity is not a multiple of quantity_step from min_quantity to 10^15 steps of its last digit"))?;
        let min_notional = Money::from_decimal(spec.min_notional)
            .filter(|amount| *amount >= Money::ZERO)
            .ok_or_else(|| fail("min_notional is negative or too fine"))?;
        let notional_factor = Money::from_scaled(i128::from(multiplier.mantissa), scales)
            .filter(|factor| {
                // The largest order must have a notional that fits with room for sums.
                i128::from(Self::PRICE_MAX).checked_mul(factor.0).is_some()
            })
            .ok_or_else(|| fail("multiplier is too large"))?;
        Ok(Self {
            price_scale: tick.scale,
            quantity_scale: step.scale,
            price_tick: Price(tick.mantissa),
            quantity_step: Quantity(step.mantissa),
            min_quantity,
            max_quantity,
            min_notional,
            notional_factor: notional_factor.0,
            spec: Box::new(spec),
        })
    }

    /// Names, kind and fees as described.
    #[must_use]
    pub fn spec(&self) -> &InstrumentSpec {
        &self.spec
    }

    /// Digits after the point of a raw price.
    #[must_use]
    pub const fn price_scale(&self) -> u8 {
        self.price_scale
    }

    /// Digits after the point of a raw quantity.
    #[must_use]
    pub const fn quantity_scale(&self) -> u8 {
        self.quantity_scale
    }

    /// Smallest price step.
    #[must_use]
    pub const fn price_tick(&self) -> Price {
        self.price_tick
    }

    /// Smallest quantity step.
    #[must_use]
    pub const fn quantity_step(&self) -> Quantity {
        self.quantity_step
    }

    /// Least quantity of an order.
    #[must_use]
    pub const fn min_quantity(&self) -> Quantity {
        self.min_quantity
    }

    /// Largest quantity of an order.
    #[must_use]
    pub const fn max_quantity(&self) -> Quantity {
        self.max_quantity
    }

    /// Least notional of an order.
    #[must_use]
    pub const fn min_notional(&self) -> Money {
        self.min_notional
    }

    /// Price × quantity × multiplier, exact and signed as the quantity is. `None` where it would
    /// exceed [`Self::NOTIONAL_MAX`].
    #[must_use]
    pub fn notional(&self, price: Price, quantity: Quantity) -> Option<Money> {
        (i128::from(price.0) * i128::from(quantity.0))
            .checked_mul(self.notional_factor)
            .filter(|amount| amount.unsigned_abs() <= Self::NOTIONAL_MAX)
            .map(Money)
    }

    /// The price at which `quantity` has this notional: half-even at 8 digits more than the
    /// tick's, or at as many as fit, without zeros at its end. Zero where there is no quantity.
    #[must_use]
    pub fn average_price(&self, notional: Money, quantity: Quantity) -> Decimal {
        /// Digits beyond those of the tick.
        const DIGITS_MAX: u8 = 8;
        let unit = i128::from(quantity.0).saturating_mul(self.notional_factor);
        if unit == 0 {
            return Decimal::ZERO;
        }
        let mut digits = DIGITS_MAX.min(SCALE_MAX - self.price_scale);
        loop {
            let scaled = notional.0.checked_mul(10i128.pow(u32::from(digits)) * unit.signum());
            let rounded = scaled.map(|scaled| div_round_half_even(scaled, unit.abs()));
            match rounded.map(i64::try_from) {
                Some(Ok(mantissa)) => {
                    return Decimal::new(mantissa, self.price_scale + digits).normalized();
                }
                _ if digits == 0 => return Decimal::ZERO,
                _ => digits -= 1,
            }
        }
    }

    /// What a fill of this notional costs.
    #[must_use]
    pub fn fee(&self, notional: Money, maker: bool) -> Money {
        if maker { self.spec.maker_fee } else { self.spec.taker_fee }.of(notional.abs())
    }

    /// What a holder of a signed `quantity` pays at a funding; negative where it is paid. Notional
    /// at the mark price × rate, so longs pay shorts where the rate is positive. Rounded half-even
    /// at 18 digits, so what a long pays is what an equal short gets. `None` where it would exceed
    /// [`Self::NOTIONAL_MAX`].
    ///
    /// Source: Binance, "Introduction to Binance Futures Funding Rates": funding amount = nominal
    /// value of positions × funding rate, with nominal value = mark price × size.
    #[must_use]
    pub fn funding(&self, quantity: Quantity, funding: &Funding) -> Option<Money> {
        self.notional(funding.mark, quantity).map(|notional| funding.rate.of(notional))
    }

    /// The raw price of a decimal, if it is exact at the instrument's scale and in bounds. It may
    /// still be off the tick.
    #[must_use]
    pub fn price(&self, decimal: Decimal) -> Option<Price> {
        decimal
            .at_scale(self.price_scale)
            .filter(|raw| raw.unsigned_abs() <= Self::PRICE_MAX.unsigned_abs())
            .map(Price)
    }

    /// The largest multiple of the tick that is not above a decimal of any scale, if it is in
    /// bounds.
    #[must_use]
    pub fn price_floor(&self, decimal: Decimal) -> Option<Price> {
        if decimal.scale > SCALE_MAX {
            return None;
        }
        // Both at 18 digits, where an i128 holds them exactly.
        let widen = |mantissa: i64, scale: u8| Money::from_scaled(i128::from(mantissa), scale);
        let value = widen(decimal.mantissa, decimal.scale)?.0;
        let tick = widen(self.price_tick.0, self.price_scale)?.0;
        let raw = i64::try_from(value.div_euclid(tick)).ok()?.checked_mul(self.price_tick.0)?;
        (raw.unsigned_abs() <= Self::PRICE_MAX.unsigned_abs()).then_some(Price(raw))
    }

    /// The raw quantity of a decimal, if it is exact at the instrument's scale and in bounds. It
    /// may still be off the step.
    #[must_use]
    pub fn quantity(&self, decimal: Decimal) -> Option<Quantity> {
        decimal
            .at_scale(self.quantity_scale)
            .filter(|raw| raw.unsigned_abs() <= Self::QUANTITY_MAX.unsigned_abs())
            .map(Quantity)
    }

    /// As a decimal at the instrument's price scale.
    #[must_use]
    pub const fn price_decimal(&self, price: Price) -> Decimal {
        Decimal::new(price.0, self.price_scale)
    }

    /// As a decimal at the instrument's quantity scale.
    #[must_use]
    pub const fn quantity_decimal(&self, quantity: Quantity) -> Decimal {
        Decimal::new(quantity.0, self.quantity_scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_average_price_keeps_as_many_digits_as_fit() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let rules = |tick: &str, step: &str| {
            Instrument::new(InstrumentSpec {
                symbol: "TEST".to_string(),
                venue: "test".to_string(),
                kind: InstrumentKind::Spot,
                base: "B".to_string(),
                quote: "Q".to_string(),
                price_tick: number(tick),
                quantity_step: number(step),
                min_quantity: number(step),
                max_quantity: number("1000"),
                min_notional: Decimal::ZERO,
                multiplier: Decimal::new(1, 0),
                maker_fee: Rate(0),
                taker_fee: Rate(0),
            })
            .unwrap()
        };
        let average = |rules: &Instrument, notional: &str, raw: i64| {
            let notional = Money::from_decimal(number(notional)).unwrap();
            rules.average_price(notional, Quantity(raw)).to_string()
        };
        let coarse = rules("0.5", "0.001");
        assert_eq!(average(&coarse, "27747", 2_000), "13873.5");
        assert_eq!(average(&coarse, "-27747", -2_000), "13873.5");
        assert_eq!(average(&coarse, "100", 3_000), "33.333333333");
        assert_eq!(average(&coarse, "100", 0), "0");
        // Fewer digits where 64 bits hold no more.
        assert_eq!(average(&coarse, "900000000000", 7), "128571428571428.5714");
        // Never more than the contract's 18.
        assert_eq!(
            average(&rules("0.000000000000001", "1"), "0.000000000000001", 3),
            "0.000000000000000333"
        );
    }
}
