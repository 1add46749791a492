//! From a symbol's rules to the core's instrument.

use sandpit_core::{
    instrument::{Instrument, InstrumentError, InstrumentKind, InstrumentSpec},
    num::{Decimal, Rate, SCALE_MAX},
};

use super::{Filter, FilterKind, SymbolRules};

/// Why a symbol cannot be traded here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A filter without which nothing is known about its orders.
    #[error("symbol `{symbol}` has no {}", filter.name())]
    NoFilter {
        /// Which symbol.
        symbol: String,
        /// Which filter.
        filter: FilterKind,
    },
    /// A precision that nothing has.
    #[error("symbol `{symbol}` has amounts with {digits} digits")]
    Precision {
        /// Which symbol.
        symbol: String,
        /// Its digits.
        digits: u8,
    },
    /// Rules that make no instrument.
    #[error("symbol `{symbol}` makes no instrument")]
    Instrument {
        /// Which symbol.
        symbol: String,
        /// Why.
        #[source]
        source: InstrumentError,
    },
}

impl SymbolRules {
    /// The instrument with the tightest bounds that its filters say. `fees` are those for making
    /// and for taking.
    ///
    /// A largest quantity beyond what the core counts in is cut to that, a least one of zero
    /// becomes one step. Where the tick is switched off, it is the last digit of the quote asset.
    ///
    /// # Errors
    /// See [`RulesError`].
    pub fn to_instrument(&self, venue: &str, fees: (Rate, Rate)) -> Result<Instrument, RulesError> {
        let missing = |filter| RulesError::NoFilter { symbol: self.symbol.clone(), filter };
        let tick = self
            .filters
            .iter()
            .find_map(|filter| match filter {
                Filter::Price { tick, .. } => Some(*tick),
                _ => None,
            })
            .ok_or_else(|| missing(FilterKind::PriceFilter))?;
        let (min, max, step) = self
            .filters
            .iter()
            .find_map(|filter| match filter {
                Filter::LotSize { min, max, step } => Some((*min, *max, *step)),
                _ => None,
            })
            .ok_or_else(|| missing(FilterKind::LotSize))?;
        let quantity_step = self.unit_or(step, self.precision.0)?;
        let spec = InstrumentSpec {
            symbol: self.symbol.clone(),
            venue: venue.to_owned(),
            kind: InstrumentKind::Spot,
            base: self.base.clone(),
            quote: self.quote.clone(),
            price_tick: self.unit_or(tick, self.precision.1)?,
            quantity_step,
            min_quantity: if min.mantissa == 0 { quantity_step } else { min },
            max_quantity: largest(max, quantity_step),
            min_notional: self.min_notional(),
            multiplier: Decimal::new(1, 0),
            maker_fee: fees.0,
            taker_fee: fees.1,
        };
        Instrument::new(spec)
            .map_err(|source| RulesError::Instrument { symbol: self.symbol.clone(), source })
    }

    /// A step, or the last digit where it is switched off.
    fn unit_or(&self, step: Decimal, digits: u8) -> Result<Decimal, RulesError> {
        if step.mantissa != 0 {
            return Ok(step);
        }
        if digits > SCALE_MAX {
            return Err(RulesError::Precision { symbol: self.symbol.clone(), digits });
        }
        Ok(Decimal::new(1, digits))
    }

    fn min_notional(&self) -> Decimal {
        self.filters
            .iter()
            .filter_map(|filter| match filter {
                Filter::MinNotional { min, .. } | Filter::Notional { min, .. } => Some(*min),
                _ => None,
            })
            .max()
            .unwrap_or(Decimal::ZERO)
    }
}

/// The largest quantity on the step that is not above `max` nor beyond the core's bound.
fn largest(max: Decimal, step: Decimal) -> Decimal {
    let bound = Instrument::QUANTITY_MAX;
    let factor = 10i128.pow(u32::from(step.scale.min(SCALE_MAX)));
    let divisor = 10i128.pow(u32::from(max.scale.min(SCALE_MAX)));
    let raw = (i128::from(max.mantissa) * factor) / divisor;
    let raw = i64::try_from(raw).unwrap_or(bound).min(bound);
    Decimal::new(raw - raw % step.mantissa.max(1), step.scale)
}
