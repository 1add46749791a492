//! The strategy's own log: lines to the host, or to a sink of the thread where there is no host.

use std::fmt;

#[cfg(target_arch = "wasm32")]
use crate::bindings::sandpit::strategy::logging as host;

pub use crate::bindings::sandpit::strategy::logging::Level;

/// Lines that the sink of a thread keeps; later ones are dropped.
pub const SINK_LINES_MAX: usize = 10_000;

/// Writes one line; [`crate::log!`] is the short form.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    match message.as_str() {
        Some(text) => write_line(level, text),
        None => write_line(level, &fmt::format(message)),
    }
}

#[cfg(target_arch = "wasm32")]
fn write_line(level: Level, text: &str) {
    host::log(level, text);
}

#[cfg(not(target_arch = "wasm32"))]
fn write_line(level: Level, text: &str) {
    sink::LINES.with_borrow_mut(|lines| {
        if lines.len() < SINK_LINES_MAX {
            lines.push((level, text.to_owned()));
        }
    });
}

/// What was written on this thread since the last time this was asked. For tests; there is no
/// sink in a component.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn take() -> Vec<(Level, String)> {
    sink::LINES.take()
}

#[cfg(not(target_arch = "wasm32"))]
mod sink {
    use std::cell::RefCell;

    use super::Level;

    thread_local! {
        pub(super) static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
    }
}

/// Writes one line to the strategy's log: `log!(Level::Info, "spread {spread}")`.
#[macro_export]
macro_rules! log {
    ($level:expr, $($message:tt)+) => {
        $crate::log::write($level, ::core::format_args!($($message)+))
    };
}

/// Writes a line for those who look for a fault.
#[macro_export]
macro_rules! debug {
    ($($message:tt)+) => { $crate::log!($crate::log::Level::Debug, $($message)+) };
}

/// Writes a line for those who look on.
#[macro_export]
macro_rules! info {
    ($($message:tt)+) => { $crate::log!($crate::log::Level::Info, $($message)+) };
}

/// Writes a line that somebody should read.
#[macro_export]
macro_rules! warn {
    ($($message:tt)+) => { $crate::log!($crate::log::Level::Warn, $($message)+) };
}

/// Writes a line that somebody must read.
#[macro_export]
macro_rules! error {
    ($($message:tt)+) => { $crate::log!($crate::log::Level::Error, $($message)+) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_to_the_sink_of_the_thread() {
        let _ = take();
        let spread = 3;
        crate::info!("spread {spread}");
        crate::warn!("wide");
        let lines = take();
        assert_eq!(lines, [(Level::Info, "spread 3".to_owned()), (Level::Warn, "wide".to_owned())]);
        assert!(take().is_empty());
    }
}
