//! Time as a number. The core never asks what time it is; events say.

use core::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl UnixNanos {
    /// The latest time that can be said; arithmetic stops here instead of wrapping.
    pub const MAX: Self = Self(u64::MAX);

    /// `self` later by `by`, at most [`Self::MAX`].
    #[must_use]
    pub const fn plus(self, by: Nanos) -> Self {
        Self(self.0.saturating_add(by.0))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Nanos {
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);

    /// So many milliseconds, at most what fits.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }
}

impl fmt::Display for UnixNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
