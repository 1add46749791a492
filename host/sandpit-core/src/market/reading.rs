//! Prices and quantities of market data as text: exactly on the instrument's grid or not at all.
//!
//! A price is on the tick. A quantity has the instrument's scale but may be off its step: venues
//! show levels of the book that no order of today could make.

use crate::{
    instrument::Instrument,
    num::{GridError, Price, Quantity, raw_at_scale},
};

/// Why a text is no price or quantity of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// Not a plain decimal number.
    #[error("it is not a plain decimal number")]
    Malformed,
    /// Beyond [`Instrument::PRICE_MAX`] or [`Instrument::QUANTITY_MAX`].
    #[error("it is beyond the bound of 10^15 units of its last digit")]
    TooLarge,
    /// No multiple of the tick, or finer than the scale of the step.
    #[error("it is not on the instrument's grid")]
    OffGrid,
    /// Below zero.
    #[error("it is negative")]
    Negative,
    /// Zero, where there must be something.
    #[error("it is zero")]
    Zero,
}

/// A price greater than zero, on the tick.
///
/// # Errors
/// See [`ReadingError`].
pub fn read_price(instrument: &Instrument, text: &[u8]) -> Result<Price, ReadingError> {
    let (scale, tick) = (instrument.price_scale(), instrument.price_tick().0);
    match read(text, scale, tick, Instrument::PRICE_MAX)? {
        0 => Err(ReadingError::Zero),
        raw => Ok(Price(raw)),
    }
}

/// A quantity of zero or more.
///
/// # Errors
/// See [`ReadingError`].
pub fn read_quantity(instrument: &Instrument, text: &[u8]) -> Result<Quantity, ReadingError> {
    read(text, instrument.quantity_scale(), 1, Instrument::QUANTITY_MAX).map(Quantity)
}

/// One side of a quote: without quantity it needs no price.
///
/// # Errors
/// See [`ReadingError`].
pub fn read_quote_side(
    instrument: &Instrument,
    price: &[u8],
    quantity: &[u8],
) -> Result<(Price, Quantity), ReadingError> {
    let quantity = read_quantity(instrument, quantity)?;
    match read_price(instrument, price) {
        Err(ReadingError::Zero) if quantity.is_zero() => Ok((Price(0), quantity)),
        price => price.map(|price| (price, quantity)),
    }
}

fn read(text: &[u8], scale: u8, step: i64, max: i64) -> Result<i64, ReadingError> {
    let raw = raw_at_scale(text, scale).map_err(|error| match error {
        GridError::Malformed => ReadingError::Malformed,
        GridError::TooLarge => ReadingError::TooLarge,
        GridError::TooFine => ReadingError::OffGrid,
    })?;
    if raw < 0 {
        Err(ReadingError::Negative)
    } else if raw > max {
        Err(ReadingError::TooLarge)
    } else if step != 1 && raw % step != 0 {
        Err(ReadingError::OffGrid)
    } else {
        Ok(raw)
    }
}
