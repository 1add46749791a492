//! What time it is, as an argument: signatures of requests carry it, and tokens end by it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sandpit_core::time::{Nanos, UnixNanos};

/// Says what time it is.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> UnixNanos + Send + Sync>);

impl Clock {
    /// The clock of this machine.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            UnixNanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
        })
    }

    /// Another one.
    #[must_use]
    pub fn new(now: impl Fn() -> UnixNanos + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        (self.0)()
    }

    /// Now, in whole seconds.
    pub(crate) fn now_s(&self) -> u64 {
        self.now().0 / Nanos::SECOND.0
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// So much as our own kind of length.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    Nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

/// A moment as RFC 3339 has it.
pub(crate) fn parse_time(text: &str) -> Option<UnixNanos> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(stamp.as_nanosecond()).ok().map(UnixNanos)
}

/// A moment in whole seconds.
pub(crate) const fn from_seconds(seconds: u64) -> UnixNanos {
    UnixNanos(seconds.saturating_mul(Nanos::SECOND.0))
}
