//! Signals as flags, without unsafe code of ours.

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::{
    SigId,
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
    iterator::Signals,
    low_level::unregister,
};

use super::reply::{Exit, Failure};

struct Watched {
    stop: Arc<AtomicBool>,
    /// What SIGHUP does, until it does something else.
    hangup: Mutex<Vec<SigId>>,
}

/// Set by Ctrl-C, SIGTERM or the end of the terminal; the second time the process ends at once.
pub(super) fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    Ok(Arc::clone(&watched()?.stop))
}

/// From now on SIGHUP sets the flag that is returned, unless it comes of the end of the terminal that
/// this process was started from: that ends it as before.
pub(super) fn hangup_flag() -> Result<Arc<AtomicBool>, Failure> {
    let watched = watched()?;
    let failed = |error: io::Error| Failure::from_error(Exit::Failed, &error);
    let mut signals = Signals::new([SIGHUP]).map_err(failed)?;
    for id in watched.hangup.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        unregister(id);
    }
    let (flag, stop) = (Arc::new(AtomicBool::new(false)), Arc::clone(&watched.stop));
    let (set, had_terminal) = (Arc::clone(&flag), io::stderr().is_terminal());
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                let is_gone = had_terminal && !io::stderr().is_terminal();
                let flag = if is_gone { &stop } else { &set };
                flag.store(true, Ordering::Relaxed);
            }
        })
        .map_err(failed)?;
    Ok(flag)
}

fn watched() -> Result<&'static Watched, Failure> {
    static WATCHED: OnceLock<Watched> = OnceLock::new();
    if let Some(watched) = WATCHED.get() {
        return Ok(watched);
    }
    let watched = watch().map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    Ok(WATCHED.get_or_init(|| watched))
}

fn watch() -> io::Result<Watched> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut hangup = Vec::new();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let exit = i32::from(Exit::Interrupted.code());
        // In this order: the first time arms the second.
        let ends = flag::register_conditional_shutdown(signal, exit, Arc::clone(&stop))?;
        let stops = flag::register(signal, Arc::clone(&stop))?;
        if signal == SIGHUP {
            hangup.extend([ends, stops]);
        }
    }
    Ok(Watched { stop, hangup: Mutex::new(hangup) })
}
