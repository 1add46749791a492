//! Limits as the operator writes them, on the grid of the instruments that a run has.

use std::collections::BTreeMap;

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    num::{Decimal, Quantity},
    risk::{InstrumentLimits, Limits},
};

use crate::config::{ConfigError, MoneyLimits};

/// The core's limits for `limits`.
pub(super) fn resolve(
    limits: &MoneyLimits,
    instruments: &[Instrument],
    scope: &str,
) -> Result<Limits, ConfigError> {
    let mut by_instrument = BTreeMap::new();
    for (symbol, quantities) in &limits.instruments {
        let (id, instrument) = find(symbol, instruments)
            .ok_or_else(|| unknown(symbol, instruments, &format!("the limits of {scope}")))?;
        let quantity = |value: Option<Decimal>| -> Result<Option<Quantity>, ConfigError> {
            let Some(value) = value else { return Ok(None) };
            instrument.quantity(value).map(Some).ok_or_else(|| {
                ConfigError::new(format!(
                    "{value} in the limits of {scope} is finer than a step of `{symbol}`, or too large"
                ))
            })
        };
        by_instrument.insert(
            id,
            InstrumentLimits {
                order_quantity_max: quantity(quantities.order_quantity_max)?,
                position_quantity_max: quantity(quantities.position_quantity_max)?,
            },
        );
    }
    Ok(Limits {
        order_notional_max: limits.order_notional_max,
        position_notional_max: limits.position_notional_max,
        gross_notional_max: limits.gross_notional_max,
        open_orders_max: limits.open_orders_max.unwrap_or(Limits::OPEN_ORDERS_DEFAULT),
        short_allowed: limits.short_allowed.unwrap_or(true),
        instruments: by_instrument,
    })
}

/// The instrument of a symbol.
pub(super) fn find<'a>(
    symbol: &str,
    instruments: &'a [Instrument],
) -> Option<(InstrumentId, &'a Instrument)> {
    let index = instruments.iter().position(|instrument| instrument.spec().symbol == symbol)?;
    Some((InstrumentId(u16::try_from(index).ok()?), &instruments[index]))
}

/// A symbol that the tapes do not have.
pub(super) fn unknown(symbol: &str, instruments: &[Instrument], by: &str) -> ConfigError {
    let known: Vec<_> = instruments.iter().map(|i| i.spec().symbol.as_str()).collect();
    ConfigError::new(format!("the tapes have no instrument `{symbol}`, which {by} names"))
        .help(format!("they have: {}", known.join(", ")))
}
