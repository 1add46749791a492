//! UTC dates and their text, from whole numbers alone. No clock and no time zone: a report must
//! read the same on every machine.

use sandpit_core::time::UnixNanos;

/// Nanoseconds of one second.
pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// Nanoseconds of one hour.
pub(crate) const NANOS_PER_HOUR: u64 = 3_600 * NANOS_PER_SECOND;
/// Nanoseconds of one day of 24 hours.
pub(crate) const NANOS_PER_DAY: u64 = 24 * NANOS_PER_HOUR;

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
}

/// Abbreviated names of the months, January first.
pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Date {
    /// The date so many days after 1970-01-01 (Hinnant, "chrono-compatible low-level date
    /// algorithms", `civil_from_days`, for days that are not negative).
    pub(crate) const fn of_day(day: u64) -> Self {
        let shifted = day + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: year_of_era + era * 400 + if month <= 2 { 1 } else { 0 },
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        }
    }

    /// The inverse of [`Self::of_day`]; `None` before 1970 or for what is no date.
    pub(crate) fn to_day(self) -> Option<u64> {
        if !(1970..=9999).contains(&self.year) || !(1..=12).contains(&self.month) {
            return None;
        }
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let (era, year_of_era) = (year / 400, year % 400);
        let month_from_march = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day.checked_sub(1)?;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let day = (era * 146_097 + day_of_era).checked_sub(719_468)?;
        (Self::of_day(day) == self).then_some(day)
    }

    /// Days since 1970-01-01 at a time.
    pub(crate) const fn day_at(time: UnixNanos) -> u64 {
        time.0 / NANOS_PER_DAY
    }

    /// `2018-01-31`.
    pub(crate) fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Reads what [`Self::iso`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (year, rest) = text.split_at_checked(4)?;
        let (month, day) = rest.strip_prefix('-')?.split_once('-')?;
        let number = |digits: &str, len: usize| {
            (digits.len() == len && digits.bytes().all(|b| b.is_ascii_digit()))
                .then(|| digits.parse::<u64>().ok())
                .flatten()
        };
        let date = Self { year: number(year, 4)?, month: number(month, 2)?, day: number(day, 2)? };
        date.to_day().map(|_| date)
    }
}

/// `2018-01-31T23:59:59.123456789Z`, always with nine digits, so that texts sort as times do.
pub(crate) fn iso(time: UnixNanos) -> String {
    let (hour, minute, second) = clock(time);
    let nanos = time.0 % NANOS_PER_SECOND;
    let date = Date::of_day(Date::day_at(time)).iso();
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// Reads what [`iso`] writes.
pub(crate) fn parse_iso(text: &str) -> Option<UnixNanos> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let (whole, nanos) = clock.split_once('.')?;
    let mut parts = whole.split(':');
    let mut below = |bound: u64| parts.next()?.parse::<u64>().ok().filter(|value| *value < bound);
    let (hour, minute, second) = (below(24)?, below(60)?, below(60)?);
    if parts.next().is_some() || nanos.len() != 9 {
        return None;
    }
    let nanos = nanos.parse::<u64>().ok()?;
    let seconds = (hour * 60 + minute) * 60 + second;
    let day = Date::parse(date)?.to_day()?;
    let at = day.checked_mul(NANOS_PER_DAY)?.checked_add(seconds * NANOS_PER_SECOND + nanos)?;
    Some(UnixNanos(at))
}

/// `2018-01-31 23:59:59` for people.
pub(crate) fn readable(time: UnixNanos) -> String {
    let (hour, minute, second) = clock(time);
    format!("{} {hour:02}:{minute:02}:{second:02}", Date::of_day(Date::day_at(time)).iso())
}

fn clock(time: UnixNanos) -> (u64, u64, u64) {
    let second = time.0 % NANOS_PER_DAY / NANOS_PER_SECOND;
    (second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_six_centuries_there_and_back() {
        let mut before = Date { year: 1969, month: 12, day: 31 };
        for day in 0..213_504 {
            let date = Date::of_day(day);
            assert!(date > before, "{date:?}");
            assert_eq!(date.to_day(), Some(day));
            assert_eq!(Date::parse(&date.iso()), Some(date));
            before = date;
        }
        assert_eq!(Date::of_day(17_532).iso(), "2018-01-01");
        assert_eq!(Date::of_day(11_016).iso(), "2000-02-29");
    }

    #[test]
    fn writes_and_reads_times() {
        let time = UnixNanos(1_514_764_802_123_456_789);
        assert_eq!(iso(time), "2018-01-01T00:00:02.123456789Z");
        assert_eq!(parse_iso(&iso(time)), Some(time));
        assert_eq!(parse_iso(&iso(UnixNanos::MAX)), Some(UnixNanos::MAX));
        for bad in [
            "",
            "2018-01-01",
            "2018-02-30T00:00:00.000000000Z",
            "2018-01-01T24:00:00.000000000Z",
            "2018-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_iso(bad), None, "{bad}");
        }
    }
}
