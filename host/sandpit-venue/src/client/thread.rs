//! The venue's thread: a runtime, the driver in it, and what becomes of a panic.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use super::{
    ClientError, ClientSettings,
    address::Hosts,
    clock::{Chance, Wall},
    dial::Dialer,
    driver::Driver,
    rest::Rest,
    shared::Shared,
    tls,
};
use crate::machine::Machine;

/// Threads that look up names: a look-up cannot be broken off.
const LOOKUPS_MAX: usize = 4;
/// How long look-ups are waited for at the end.
const LOOKUP_WAIT: Duration = Duration::from_millis(100);
/// Longest text of a panic that is kept.
const PANIC_BYTES_MAX: usize = 256;

/// Checks everything that can be checked, so that the thread can only fail by a panic.
pub(super) fn prepare(
    machine: Box<dyn Machine + Send>,
    settings: ClientSettings,
    shared: Arc<Shared>,
) -> Result<impl FnOnce() + Send, ClientError> {
    let hosts = Hosts::new(&settings.hosts).map_err(ClientError::Host)?;
    let tls = match tls::config(settings.authorities.as_deref()) {
        Ok(config) => Some(config),
        // What is on this machine alone needs no TLS.
        Err(ClientError::Tls(error)) if hosts.are_near() => {
            tracing::warn!(%error, "there is no TLS");
            None
        }
        Err(error) => return Err(error),
    };
    let chance = Chance::new()
        .map_err(|_| ClientError::System { what: "randomness", kind: std::io::ErrorKind::Other })?;
    if let Some(proxy) = &settings.proxy {
        tracing::info!(%proxy, "everything that goes over TLS goes through a proxy");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(LOOKUPS_MAX)
        .thread_name("venue-names")
        .build()
        .map_err(|error| ClientError::System { what: "a poll of sockets", kind: error.kind() })?;
    Ok(move || {
        // The parts hold nothing that is looked at after a panic but what `Shared` guards.
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let dialer = Dialer::new(&settings, tls);
            let traffic = Arc::clone(&shared.counters.rest);
            let rest = Rest::new(dialer.clone(), settings.idle_max, traffic);
            let mut driver = Driver::new(
                machine,
                settings,
                Arc::clone(&shared),
                (hosts, dialer, rest),
                (Wall::new(), chance),
            );
            runtime.block_on(std::future::poll_fn(|cx| driver.poll(cx)))
        }));
        match ran {
            Ok(Ok(())) => {}
            Ok(Err(error)) => shared.fail(error),
            Err(panic) => shared.fail(ClientError::Panicked(text(&*panic))),
        }
        runtime.shutdown_timeout(LOOKUP_WAIT);
        shared.finish();
    })
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words");
    let end = text.floor_char_boundary(PANIC_BYTES_MAX);
    text[..end].to_owned()
}
