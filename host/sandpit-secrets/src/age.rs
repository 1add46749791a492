//! How old a key is, and when that is too old. A key that leaked without anybody noticing is worth
//! something until it is changed.

use std::fmt;

use sandpit_core::time::{Nanos, UnixNanos};

const DAY: u64 = 86_400 * Nanos::SECOND.0;

/// From which age on something is said, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeLimits {
    /// A warning.
    pub warn_days: u32,
    /// An alert.
    pub alert_days: u32,
}

impl Default for AgeLimits {
    fn default() -> Self {
        Self { warn_days: 90, alert_days: 180 }
    }
}

/// How old a key is, judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgeClass {
    /// Young enough.
    #[default]
    Fresh,
    /// It is time to change it.
    Warn,
    /// It is high time.
    Alert,
}

/// The age of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAge {
    /// Whole days.
    pub days: u32,
    /// Judged.
    pub class: AgeClass,
}

impl KeyAge {
    /// The age of a key that was made then.
    #[must_use]
    pub fn of(created: UnixNanos, now: UnixNanos, limits: AgeLimits) -> Self {
        let days = u32::try_from(now.since(created).0 / DAY).unwrap_or(u32::MAX);
        let class = if days >= limits.alert_days {
            AgeClass::Alert
        } else if days >= limits.warn_days {
            AgeClass::Warn
        } else {
            AgeClass::Fresh
        };
        Self { days, class }
    }
}

impl fmt::Display for KeyAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.days, if self.days == 1 { "day" } else { "days" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_change_class_at_the_day() {
        let created = UnixNanos(1_600_000_000 * Nanos::SECOND.0);
        let at = |days: u64, less: u64| {
            let now = UnixNanos(created.0 + days * DAY - less);
            let age = KeyAge::of(created, now, AgeLimits::default());
            (age.days, age.class)
        };
        assert_eq!(at(0, 0), (0, AgeClass::Fresh));
        assert_eq!(at(90, 1), (89, AgeClass::Fresh));
        assert_eq!(at(90, 0), (90, AgeClass::Warn));
        assert_eq!(at(180, 1), (179, AgeClass::Warn));
        assert_eq!(at(180, 0), (180, AgeClass::Alert));
        // A clock that is behind the venue's.
        let age = KeyAge::of(created, UnixNanos(0), AgeLimits::default());
        assert_eq!((age.days, age.class), (0, AgeClass::Fresh));
    }
}
