//! Session days as numbers. When a day begins is a matter of calendars and time zones, which the
//! core does not know: the shell reckons the boundaries, daylight saving included, and the core
//! compares.

use alloc::vec::Vec;

use crate::time::UnixNanos;

/// The first moments of session days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDays {
    starts: Vec<UnixNanos>,
}

const UTC_DAY: u64 = 86_400 * 1_000_000_000;

impl SessionDays {
    /// The most boundaries that are kept: a hundred years.
    pub const MAX: usize = 36_600;

    /// Days that begin at these moments. They are put in order; beyond [`Self::MAX`] the latest
    /// are dropped. Without any, days begin at midnight UTC.
    #[must_use]
    pub fn new(mut starts: Vec<UnixNanos>) -> Self {
        starts.sort_unstable();
        starts.dedup();
        starts.truncate(Self::MAX);
        Self { starts }
    }

    /// The first moment of the day of `time`. Before the first boundary that is the epoch.
    #[must_use]
    pub fn start_of(&self, time: UnixNanos) -> UnixNanos {
        if self.starts.is_empty() {
            return UnixNanos(time.0 - time.0 % UTC_DAY);
        }
        let after = self.starts.partition_point(|start| *start <= time);
        after.checked_sub(1).map_or(UnixNanos(0), |at| self.starts[at])
    }

    /// The first moment of the day after that of `time`; `None` beyond the last boundary.
    #[must_use]
    pub fn next_after(&self, time: UnixNanos) -> Option<UnixNanos> {
        if self.starts.is_empty() {
            return Some(UnixNanos((time.0 / UTC_DAY).saturating_add(1).saturating_mul(UTC_DAY)));
        }
        self.starts.get(self.starts.partition_point(|start| *start <= time)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_belongs_to_the_day_that_it_begins() {
        let days = SessionDays::new([30, 10, 20].map(UnixNanos).to_vec());
        let of = |time| (days.start_of(UnixNanos(time)).0, days.next_after(UnixNanos(time)));
        assert_eq!(of(9), (0, Some(UnixNanos(10))));
        assert_eq!(of(10), (10, Some(UnixNanos(20))));
        assert_eq!(of(29), (20, Some(UnixNanos(30))));
        assert_eq!(of(31), (30, None));
    }

    #[test]
    fn days_are_utc_where_nobody_says() {
        let days = SessionDays::default();
        assert_eq!(days.start_of(UnixNanos(UTC_DAY + 5)), UnixNanos(UTC_DAY));
        assert_eq!(days.next_after(UnixNanos(UTC_DAY)), Some(UnixNanos(2 * UTC_DAY)));
    }
}
