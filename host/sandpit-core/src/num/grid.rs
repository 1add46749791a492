//! Numbers as venues and files write them, straight onto an integer grid. For one number in a
//! configuration there is [`super::Decimal`]; this is for millions of them in market data.

use super::SCALE_MAX;

/// Why a text is no number of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// Something other than an optional sign, digits and one point.
    #[error("not a plain decimal number")]
    Malformed,
    /// More than an `i64` holds.
    #[error("the number is too large")]
    TooLarge,
    /// Digits other than zero beyond the grid's scale.
    #[error("the number is finer than its grid")]
    TooFine,
}

/// The number that `text` says, in units of 10^−`scale`. Zeros beyond the scale are no loss, so
/// `61837.63000000` is 6183763 at scale 2, however many there are.
///
/// # Errors
/// See [`GridError`]; a scale over [`SCALE_MAX`] is [`GridError::TooFine`].
pub fn raw_at_scale(text: &[u8], scale: u8) -> Result<i64, GridError> {
    if scale > SCALE_MAX {
        return Err(GridError::TooFine);
    }
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut raw = 0i64;
    let mut places = None::<u8>;
    let mut seen = false;
    for byte in digits {
        match (*byte, places) {
            (b'0'..=b'9', _) => {
                seen = true;
                match &mut places {
                    Some(done) if *done == scale => {
                        if *byte != b'0' {
                            // A later letter makes it malformed; that matters more.
                            return Err(
                                well_formed(digits).map_or_else(|e| e, |()| GridError::TooFine)
                            );
                        }
                        continue;
                    }
                    Some(done) => *done += 1,
                    None => {}
                }
                raw = raw
                    .checked_mul(10)
                    .and_then(|raw| raw.checked_add(i64::from(*byte - b'0')))
                    .ok_or_else(|| {
                        well_formed(digits).map_or_else(|e| e, |()| GridError::TooLarge)
                    })?;
            }
            (b'.', None) if seen => {
                places = Some(0);
                seen = false;
            }
            (b'.', None) => places = Some(0),
            _ => return Err(GridError::Malformed),
        }
    }
    if !seen {
        return Err(GridError::Malformed);
    }
    let missing = u32::from(scale - places.unwrap_or(0));
    let raw = 10i64
        .checked_pow(missing)
        .and_then(|factor| raw.checked_mul(factor))
        .ok_or(GridError::TooLarge)?;
    Ok(if negative { -raw } else { raw })
}

/// The fewest digits after the point that hold the number exactly.
///
/// # Errors
/// [`GridError::Malformed`], or [`GridError::TooFine`] beyond [`SCALE_MAX`].
pub fn scale_needed(text: &[u8]) -> Result<u8, GridError> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    well_formed(digits)?;
    let Some(point) = digits.iter().position(|byte| *byte == b'.') else {
        return Ok(0);
    };
    let fraction = digits.get(point + 1..).unwrap_or_default();
    let zeros = fraction.iter().rev().take_while(|byte| **byte == b'0').count();
    u8::try_from(fraction.len() - zeros)
        .ok()
        .filter(|scale| *scale <= SCALE_MAX)
        .ok_or(GridError::TooFine)
}

fn well_formed(digits: &[u8]) -> Result<(), GridError> {
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let fraction = parts.next();
    let empty = match fraction {
        Some(fraction) => fraction.is_empty(),
        None => whole.is_empty(),
    };
    let all = whole.iter().chain(fraction.unwrap_or_default()).all(u8::is_ascii_digit);
    if empty || !all { Err(GridError::Malformed) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::Decimal;
    use alloc::{format, string::String};
    use proptest::prelude::*;

    #[test]
    fn reads_what_venues_write() {
        for (text, scale, raw) in [
            ("61837.63000000", 2, 6_183_763),
            ("61837.63", 4, 618_376_300),
            ("-10775", 0, -10_775),
            ("13873", 1, 138_730),
            (".5", 1, 5),
            ("1234567890123.00000000", 0, 1_234_567_890_123),
            ("0.00000000", 0, 0),
        ] {
            assert_eq!(raw_at_scale(text.as_bytes(), scale), Ok(raw), "{text} at {scale}");
        }
    }

    #[test]
    fn refuses_the_rest_with_its_reason() {
        use GridError::{Malformed, TooFine, TooLarge};
        for (text, error) in [
            ("", Malformed),
            ("-", Malformed),
            (".", Malformed),
            ("1.", Malformed),
            ("1..2", Malformed),
            ("1.2.3", Malformed),
            ("NaN", Malformed),
            ("1e5", Malformed),
            (" 1", Malformed),
            ("1.239x", Malformed),
            ("1.239", TooFine),
            ("99999999999999999999", TooLarge),
            ("9223372036854775807", TooLarge),
        ] {
            assert_eq!(raw_at_scale(text.as_bytes(), 2), Err(error), "{text}");
        }
        assert_eq!(raw_at_scale(b"1", 19), Err(TooFine));
    }

    /// Zeros behind the point are no digits of the number, however many there are.
    #[test]
    fn reads_what_fits_with_more_digits_than_fit() {
        assert_eq!(raw_at_scale(b"100000000000.00000000", 0), Ok(100_000_000_000));
    }

    #[test]
    fn finds_the_scale_that_is_needed() {
        for (text, scale) in [("1", Ok(0)), ("1.50", Ok(1)), ("0.00", Ok(0)), ("-1.234", Ok(3))] {
            assert_eq!(scale_needed(text.as_bytes()), scale, "{text}");
        }
        assert_eq!(scale_needed(b"1.x"), Err(GridError::Malformed));
        assert_eq!(scale_needed(b"0.0000000000000000001"), Err(GridError::TooFine));
    }

    proptest! {
        /// The same answer as the slow reader. Eighteen digits at most: more of them the slow one
        /// does not hold.
        #[test]
        fn agrees_with_the_decimal_reader(text in "[-+]?[0-9]{0,10}(\\.[0-9]{0,8})?x?", scale in 0u8..9) {
            let slow = text.parse::<Decimal>().ok().and_then(|decimal| decimal.at_scale(scale));
            prop_assert_eq!(raw_at_scale(text.as_bytes(), scale).ok(), slow);
        }

        #[test]
        fn a_number_fits_the_scale_it_needs(mantissa in -1_000_000_000i64..1_000_000_000, scale in 0u8..9) {
            let text: String = format!("{}", Decimal::new(mantissa, scale));
            let needed = scale_needed(text.as_bytes()).unwrap();
            prop_assert!(raw_at_scale(text.as_bytes(), needed).is_ok());
            prop_assert!(needed == 0 || raw_at_scale(text.as_bytes(), needed - 1).is_err());
        }
    }
}
