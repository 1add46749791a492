//! Stamps as files write them, to nanoseconds. All text is UTC.

use std::str::FromStr;

use sandpit_core::{num::raw_at_scale, time::UnixNanos};

use super::{MappingError, RowProblem};

/// How a file writes time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// Since 1970, in the unit that the size of the number tells; the public dumps of Binance went
    /// from milliseconds to microseconds on 2025-01-01. Text is read as [`Self::Text`].
    #[default]
    Auto,
    /// Seconds since 1970, with or without a fraction.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// Microseconds since 1970.
    Microseconds,
    /// Nanoseconds since 1970.
    Nanoseconds,
    /// `2021-12-31 23:01:00.000000`, `2021-12-31T23:01:00Z`, `2021-12-31` or
    /// `20211231 230100000`, with or without the parts after the minute.
    Text,
    /// A `strftime` pattern.
    Pattern(String),
}

impl FromStr for TimeFormat {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        Ok(match text {
            "auto" => Self::Auto,
            "s" => Self::Seconds,
            "ms" => Self::Milliseconds,
            "us" => Self::Microseconds,
            "ns" => Self::Nanoseconds,
            "text" => Self::Text,
            pattern if pattern.contains('%') => Self::Pattern(pattern.to_owned()),
            other => return Err(MappingError::Malformed(other.to_owned())),
        })
    }
}

/// Below this a number is no stamp: 1973 in seconds.
const SECONDS_FROM: i64 = 100_000_000;
/// From here on a number is milliseconds: year 5138 in seconds, 1973 in milliseconds.
const MILLISECONDS_FROM: i64 = 100_000_000_000;
/// From here on it is microseconds.
const MICROSECONDS_FROM: i64 = 100_000_000_000_000;
/// From here on it is nanoseconds.
const NANOSECONDS_FROM: i64 = 100_000_000_000_000_000;

impl TimeFormat {
    /// Reads one stamp.
    pub(super) fn read(&self, text: &[u8]) -> Result<UnixNanos, RowProblem> {
        let nanos = match self {
            Self::Auto => auto(text),
            // The digits between the unit and the nanosecond are the scale.
            Self::Seconds => number(text, 9),
            Self::Milliseconds => number(text, 6),
            Self::Microseconds => number(text, 3),
            Self::Nanoseconds => number(text, 0),
            Self::Text => civil(text),
            Self::Pattern(pattern) => by_pattern(pattern, text),
        };
        nanos
            .and_then(|nanos| u64::try_from(nanos).ok())
            .filter(|nanos| *nanos > 0)
            .map(UnixNanos)
            .ok_or_else(|| RowProblem::malformed("time", text))
    }
}

fn number(text: &[u8], scale: u8) -> Option<i64> {
    raw_at_scale(text, scale).ok()
}

fn auto(text: &[u8]) -> Option<i64> {
    let whole = text.split(|byte| *byte == b'.').next().unwrap_or_default();
    let scale = match raw_at_scale(whole, 0) {
        // `20211231` is a day, not a second of 1970.
        Err(_) | Ok(..SECONDS_FROM) => return civil(text),
        Ok(SECONDS_FROM..MILLISECONDS_FROM) => 9,
        Ok(MILLISECONDS_FROM..MICROSECONDS_FROM) => 6,
        Ok(MICROSECONDS_FROM..NANOSECONDS_FROM) => 3,
        Ok(NANOSECONDS_FROM..) => 0,
    };
    number(text, scale)
}

fn by_pattern(pattern: &str, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let parts = jiff::fmt::strtime::parse(pattern, text).ok()?;
    let stamp = match parts.to_timestamp() {
        Ok(stamp) => stamp,
        Err(_) => {
            // A day without a time begins at midnight.
            let day = parts.to_date().ok()?;
            let time = parts.to_time().unwrap_or_default();
            jiff::tz::TimeZone::UTC.to_timestamp(day.to_datetime(time)).ok()?
        }
    };
    i64::try_from(stamp.as_nanosecond()).ok()
}

/// Day, hour, minute, second and fraction, with `-`, `:`, `T` or spaces between or not.
fn civil(text: &[u8]) -> Option<i64> {
    let (text, offset_minutes) = split_offset(text)?;
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    skip(&mut rest, b"-/");
    let month = digits(&mut rest, 2)?;
    skip(&mut rest, b"-/");
    let day = digits(&mut rest, 2)?;
    let days = days_since_1970(year, month, day)?;
    let (mut seconds, mut fraction) = (0, 0);
    if !rest.is_empty() {
        skip(&mut rest, b"T ").then_some(())?;
        let hour = digits(&mut rest, 2)?;
        skip(&mut rest, b":");
        let minute = digits(&mut rest, 2)?;
        skip(&mut rest, b":");
        let second = if rest.is_empty() { 0 } else { digits(&mut rest, 2)? };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        seconds = hour * 3_600 + minute * 60 + second;
        skip(&mut rest, b".");
        let places = u32::try_from(rest.len()).ok().filter(|places| *places <= 9)?;
        let count = rest.len();
        fraction = digits(&mut rest, count)? * 10i64.pow(9 - places);
    }
    let seconds = days * 86_400 + seconds - offset_minutes * 60;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// Without `Z` or `+02:00` at the end, and what that says.
fn split_offset(text: &[u8]) -> Option<(&[u8], i64)> {
    if let [rest @ .., b'Z' | b'z'] = text {
        return Some((rest, 0));
    }
    // A sign before the time of day is part of the date.
    let Some(at) = text.iter().rposition(|byte| matches!(byte, b'+' | b'-')).filter(|at| *at > 10)
    else {
        return Some((text, 0));
    };
    let (rest, offset) = text.split_at_checked(at)?;
    let (sign, mut digits_left) = offset.split_first()?;
    let hours = digits(&mut digits_left, 2)?;
    skip(&mut digits_left, b":");
    let minutes = if digits_left.is_empty() { 0 } else { digits(&mut digits_left, 2)? };
    let all = hours * 60 + minutes;
    digits_left.is_empty().then_some((rest, if *sign == b'-' { -all } else { all }))
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let taken = rest.split_off(..count)?;
    taken.iter().try_fold(0i64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

fn skip(rest: &mut &[u8], any: &[u8]) -> bool {
    match rest.split_first() {
        Some((first, after)) if any.contains(first) => {
            *rest = after;
            true
        }
        _ => false,
    }
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > longest {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(format: &TimeFormat, text: &str, expected: Option<u64>) {
        let got = format.read(text.as_bytes()).ok().map(|time| time.0);
        assert_eq!(got, expected, "{text} as {format:?}");
    }

    #[test]
    fn the_size_of_a_number_tells_its_unit() {
        for text in ["1735689600", "1735689600000", "1735689600000000", "1735689600000000000"] {
            check(&TimeFormat::Auto, text, Some(1_735_689_600_000_000_000));
        }
        check(&TimeFormat::Auto, "1633998512.06", Some(1_633_998_512_060_000_000));
    }

    #[test]
    fn text_is_utc_unless_it_says_otherwise() {
        let expected = Some(1_640_991_660_123_000_000);
        for text in [
            "2021-12-31 23:01:00.123000",
            "2021-12-31T23:01:00.123Z",
            "20211231 230100123",
            "2022-01-01T01:01:00.123+02:00",
            "2021-12-31T22:01:00.123-0100",
        ] {
            check(&TimeFormat::Auto, text, expected);
        }
        check(&TimeFormat::Text, "2020-02-29", Some(1_582_934_400_000_000_000));
        check(&TimeFormat::Text, "2020-02-29 00:01", Some(1_582_934_460_000_000_000));
        let pattern = "%d.%m.%Y %H:%M:%S".parse().unwrap();
        check(&pattern, "31.12.2021 23:01:00", Some(1_640_991_660_000_000_000));
        check(&"%d/%m/%Y".parse().unwrap(), "29/02/2020", Some(1_582_934_400_000_000_000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "0",
            "-5",
            "NaN",
            "2021-02-29",
            "2021-13-01",
            "2021-01-01 24:00:00",
            "2021",
            "1969-12-31",
            "2021-01-01 00:00:00.1234567890",
            "99999999999999999999",
            "2021-01-01x",
            "2300-01-01 00:00:00",
            "2021-01-01 00:00:00+1",
        ] {
            check(&TimeFormat::Auto, text, None);
        }
        check(&TimeFormat::Milliseconds, "9223372036854775807", None);
    }

    proptest! {
        #[test]
        fn agrees_with_the_calendar_of_a_library(seconds in 1i64..9_000_000_000, nanos in 0i64..1_000_000_000) {
            let stamp = jiff::Timestamp::new(seconds, i32::try_from(nanos).unwrap()).unwrap();
            let expected = u64::try_from(stamp.as_nanosecond()).unwrap();
            check(&TimeFormat::Text, &stamp.to_string(), Some(expected));
        }

        #[test]
        fn any_bytes_do_no_harm(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = TimeFormat::Auto.read(&text);
            let _ = TimeFormat::Text.read(&text);
            let _ = TimeFormat::Pattern("%Y-%m-%d %H:%M:%S".to_owned()).read(&text);
        }
    }
}
