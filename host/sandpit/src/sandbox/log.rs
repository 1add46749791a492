//! Strategies' log lines among our own, and a bound on what all of them write together: each has a
//! budget of its own already, and many budgets are a flood as well.

use std::sync::{Arc, Mutex, PoisonError};

use sandpit_core::time::{Nanos, UnixNanos};
use sandpit_plugin::{LogLevel, LogLine};

/// Bytes that all strategies may write in a second where nobody says.
pub(super) const BYTES_PER_SECOND_MAX: u64 = 1 << 20;

/// What is left of the second, by the session's time.
#[derive(Debug)]
struct Second {
    number: u64,
    left_bytes: u64,
    dropped: u64,
}

/// A budget that the strategies of a session share.
#[derive(Clone, Debug)]
pub(super) struct LogTotal {
    bytes_per_second_max: u64,
    second: Arc<Mutex<Second>>,
}

impl LogTotal {
    pub(super) fn new(bytes_per_second_max: u64) -> Self {
        let second = Second { number: 0, left_bytes: bytes_per_second_max, dropped: 0 };
        Self { bytes_per_second_max, second: Arc::new(Mutex::new(second)) }
    }

    /// One strategy's way into the log.
    pub(super) fn sink(&self) -> impl FnMut(&LogLine<'_>) + Send + use<> {
        let total = self.clone();
        move |line| {
            let (written, dropped) = total.take(line.time, line.text.len());
            if dropped > 0 {
                tracing::warn!("{dropped} log lines of all plugins together were dropped");
            }
            if written {
                write(line);
            }
        }
    }

    /// Whether a line of so many bytes is written; and, where another second begins, how many were
    /// not in the one before. Whoever lags behind writes on the budget of those who do not.
    fn take(&self, time: UnixNanos, bytes: usize) -> (bool, u64) {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let number = time.0 / Nanos::SECOND.0;
        let mut dropped = 0;
        if number > second.number {
            dropped = second.dropped;
            *second = Second { number, left_bytes: self.bytes_per_second_max, dropped: 0 };
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        match second.left_bytes.checked_sub(bytes) {
            Some(left) => {
                second.left_bytes = left;
                (true, dropped)
            }
            None => {
                second.dropped += 1;
                (false, dropped)
            }
        }
    }
}

/// A guest's line among our own, under the target `plugin`.
fn write(line: &LogLine<'_>) {
    let (plugin, time, text) = (line.plugin, line.time.0, line.text);
    match line.level {
        LogLevel::Debug => tracing::debug!(target: "plugin", plugin, time, "{text}"),
        LogLevel::Info => tracing::info!(target: "plugin", plugin, time, "{text}"),
        LogLevel::Warn => tracing::warn!(target: "plugin", plugin, time, "{text}"),
        LogLevel::Error => tracing::error!(target: "plugin", plugin, time, "{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_strategies_share_a_budget_for_each_second() {
        let total = LogTotal::new(100);
        let other = total.clone();
        let at = |ms: u64| UnixNanos(ms * 1_000_000);
        assert_eq!(total.take(at(0), 60), (true, 0));
        assert_eq!(other.take(at(999), 41), (false, 0), "the other has used it");
        assert_eq!(other.take(at(999), 40), (true, 0), "up to the last byte");
        assert_eq!(total.take(at(999), 1), (false, 0));
        assert_eq!(total.take(at(1_000), 100), (true, 2), "what was dropped is told of once");
        // A strategy that lags does not begin a second anew.
        assert_eq!(other.take(at(10), 1), (false, 0));
        assert_eq!(total.take(at(2_500), usize::MAX), (false, 1));
    }

    #[test]
    fn nothing_allowed_is_nothing_written() {
        let total = LogTotal::new(0);
        assert_eq!(total.take(UnixNanos(0), 1), (false, 0));
        assert_eq!(total.take(UnixNanos(0), 0), (true, 0), "an empty line has no bytes");
    }
}
