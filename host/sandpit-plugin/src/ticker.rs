//! The wall clock of an engine: a thread of its own that moves the epoch on. It shares no thread
//! with anything that a guest could hold up.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How far an epoch is from the next. A deadline is met to within one of them.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Ticks until `wait` is surely over: a tick may be just about to come, so one more than needed.
pub(crate) fn ticks(wait: Duration) -> u64 {
    let whole = wait.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(whole).unwrap_or(u64::MAX / 2).saturating_add(1).min(u64::MAX / 2)
}

type Stop = Arc<(Mutex<bool>, Condvar)>;

/// Ticks for as long as it lives.
#[derive(Debug)]
pub(crate) struct Ticker {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Begins to tick.
    pub(crate) fn start(tick: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let stop = Stop::default();
        let theirs = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("sandpit-epochs".to_owned())
            .spawn(move || run(&theirs, &tick))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

fn run(stop: &Stop, tick: &dyn Fn()) {
    let (stopped, changed) = &**stop;
    let mut next = Instant::now() + TICK;
    let mut guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
    while !*guard {
        let now = Instant::now();
        // Ticks that were missed while the machine had no time for this thread are made up for.
        while next <= now {
            tick();
            next += TICK;
        }
        (guard, _) =
            changed.wait_timeout(guard, next - now).unwrap_or_else(PoisonError::into_inner);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        let (stopped, changed) = &*self.stop;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, and a panic of it has been shown by its hook.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn ticks_until_dropped() {
        let (sender, receiver) = mpsc::channel();
        let ticker = Ticker::start(move || {
            let _ = sender.send(());
        })
        .unwrap();
        for _ in 0..3 {
            receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        }
        drop(ticker);
        // The sender is gone with the thread: what is left are ticks, then the end.
        while receiver.recv().is_ok() {}
    }

    #[test]
    fn a_deadline_is_never_early() {
        assert_eq!(ticks(Duration::ZERO), 1);
        assert_eq!(ticks(Duration::from_millis(1)), 2);
        assert_eq!(ticks(Duration::from_millis(50)), 11);
        assert!(ticks(Duration::MAX) > 1_000_000);
    }
}
