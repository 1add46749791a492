//! A guest's own log: lines cut, escaped, held to a budget of event time, and handed to a sink.
//! Where they go is the sink's business.

use sandpit_core::time::UnixNanos;
use wasmtime::StoreContextMut;

use crate::{
    bindings::sandpit::strategy::logging,
    instance::State,
    limits::{LOG_BYTE_FUEL, LOG_CALL_FUEL, Limits},
    text::push_escaped,
};

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// For the curious.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

/// One line of a guest's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// Whose.
    pub plugin: &'a str,
    /// How much it matters.
    pub level: LogLevel,
    /// Time of the event that was being handled.
    pub time: UnixNanos,
    /// One line without control characters.
    pub text: &'a str,
}

/// Where lines go. Called inside a guest's call: it must be quick and must not block.
pub trait LogSink: Send {
    /// Takes one line.
    fn line(&mut self, line: &LogLine<'_>);
}

impl<F: FnMut(&LogLine<'_>) + Send> LogSink for F {
    fn line(&mut self, line: &LogLine<'_>) {
        self(line);
    }
}

/// A sink for those who do not care. Lines are still counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl LogSink for NoLog {
    fn line(&mut self, _: &LogLine<'_>) {}
}

/// Budget and counters of one plugin's log.
pub(crate) struct LogBook {
    plugin: String,
    sink: Box<dyn LogSink>,
    line: String,
    line_bytes_max: usize,
    budget_bytes: u64,
    left_bytes: u64,
    refilled: UnixNanos,
    now: UnixNanos,
    pub(crate) written: u64,
    pub(crate) cut: u64,
    pub(crate) dropped: u64,
    /// Bytes of the longest message that was handed over.
    pub(crate) message_bytes_peak: usize,
}

impl LogBook {
    pub(crate) fn new(plugin: &str, limits: &Limits, sink: Box<dyn LogSink>) -> Self {
        Self {
            plugin: plugin.to_owned(),
            sink,
            line: String::new(),
            line_bytes_max: limits.log_line_bytes_max,
            budget_bytes: limits.log_bytes_per_second_max,
            left_bytes: limits.log_bytes_per_second_max,
            refilled: UnixNanos(0),
            now: UnixNanos(0),
            written: 0,
            cut: 0,
            dropped: 0,
            message_bytes_peak: 0,
        }
    }

    /// Time of the event that is about to be handled.
    pub(crate) const fn set_time(&mut self, now: UnixNanos) {
        self.now = now;
    }

    /// What was set.
    pub(crate) const fn time(&self) -> UnixNanos {
        self.now
    }

    /// Takes one line in, or drops and counts it.
    pub(crate) fn take(&mut self, level: LogLevel, message: &str) {
        self.refill();
        self.line.clear();
        let is_whole = push_escaped(&mut self.line, message, self.line_bytes_max);
        self.message_bytes_peak = self.message_bytes_peak.max(message.len());
        // An empty line is not free, or a flood of them would be.
        let bytes = (self.line.len() as u64).max(1);
        let Some(left) = self.left_bytes.checked_sub(bytes) else {
            self.dropped += 1;
            return;
        };
        self.left_bytes = left;
        self.written += 1;
        self.cut += u64::from(!is_whole);
        self.sink.line(&LogLine { plugin: &self.plugin, level, time: self.now, text: &self.line });
    }

    /// A bucket of one second's budget, filled by event time: the same lines are dropped in every
    /// run over the same events.
    fn refill(&mut self) {
        let elapsed = u128::from(self.now.since(self.refilled).0);
        let gained = elapsed * u128::from(self.budget_bytes) / NANOS_PER_SECOND;
        let Ok(gained) = u64::try_from(gained) else {
            (self.left_bytes, self.refilled) = (self.budget_bytes, self.now);
            return;
        };
        if gained > 0 {
            // The part of a byte that is lost here is at most one per call.
            self.left_bytes = self.left_bytes.saturating_add(gained).min(self.budget_bytes);
            self.refilled = self.now;
        }
    }
}

/// The only import.
pub(crate) fn import(
    mut store: StoreContextMut<'_, State>,
    (level, message): (logging::Level, String),
) -> wasmtime::Result<()> {
    // The store is here for its fuel alone; entering the guest from here would be an error.
    let cost = LOG_CALL_FUEL.saturating_add(LOG_BYTE_FUEL.saturating_mul(message.len() as u64));
    let Some(left) = store.get_fuel()?.checked_sub(cost) else {
        store.set_fuel(0)?;
        return Err(wasmtime::Trap::OutOfFuel.into());
    };
    store.set_fuel(left)?;
    let level = match level {
        logging::Level::Debug => LogLevel::Debug,
        logging::Level::Info => LogLevel::Info,
        logging::Level::Warn => LogLevel::Warn,
        logging::Level::Error => LogLevel::Error,
    };
    store.data_mut().log.take(level, &message);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    type Lines = Arc<Mutex<Vec<(LogLevel, u64, String)>>>;

    fn book(limits: &Limits) -> (LogBook, Lines) {
        let lines = Lines::default();
        let theirs = Arc::clone(&lines);
        let sink = move |line: &LogLine<'_>| {
            assert_eq!(line.plugin, "p");
            theirs.lock().unwrap().push((line.level, line.time.0, line.text.to_owned()));
        };
        (LogBook::new("p", limits, Box::new(sink)), lines)
    }

    #[test]
    fn a_line_is_cut_and_escaped() {
        let (mut book, lines) = book(&Limits { log_line_bytes_max: 8, ..Limits::default() });
        book.set_time(UnixNanos(7));
        book.take(LogLevel::Warn, "a\nbcdefghijk");
        assert_eq!(*lines.lock().unwrap(), [(LogLevel::Warn, 7, "a\\nbcdef".to_owned())]);
        assert_eq!((book.cut, book.message_bytes_peak), (1, 12));
        book.take(LogLevel::Warn, "a\nbcdef");
        assert_eq!((book.written, book.cut), (2, 1));
    }

    #[test]
    fn the_budget_is_of_event_time_and_drops_are_counted() {
        let (mut book, lines) = book(&Limits { log_bytes_per_second_max: 10, ..Limits::default() });
        for _ in 0..4 {
            book.take(LogLevel::Info, "four");
        }
        assert_eq!((book.written, book.dropped), (2, 2));
        book.set_time(UnixNanos(500_000_000));
        for _ in 0..2 {
            book.take(LogLevel::Info, "four");
        }
        assert_eq!((book.written, book.dropped), (3, 3), "half a second is half the budget");
        book.set_time(UnixNanos(u64::MAX));
        book.take(LogLevel::Info, "0123456789");
        assert_eq!((book.written, book.dropped), (4, 3), "never more than one second's");
        assert_eq!(lines.lock().unwrap().len(), 4);
    }

    #[test]
    fn empty_lines_are_not_free() {
        let (mut book, _) = book(&Limits { log_bytes_per_second_max: 3, ..Limits::default() });
        for _ in 0..5 {
            book.take(LogLevel::Debug, "");
        }
        assert_eq!((book.written, book.dropped), (3, 2));
    }
}
