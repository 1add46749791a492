//! The only place with exchange sockets: a thread that steps one [`Machine`] with real connections, a
//! real clock and chance, and queues between it and the host's thread.
//!
//! Nothing of a protocol is here, and nothing of what messages mean. `dial` makes connections (TCP,
//! proxy, TLS), `link` keeps a WebSocket, `rest` makes calls, `driver` steps the machine, `perform`
//! does what it wants, `queue`, `wake` and `shared` are what both threads hold.
//!
//! **Architecture invariant:** nothing is connected that is not in the list of hosts, and nothing is
//! sent without TLS to another machine.
//!
//! **Architecture invariant:** no queue drops anything but a quote that a later one replaces. Where
//! the host is behind, sockets are not read.
//!
//! **Architecture invariant:** no text that is logged or given to the machine is taken from an address,
//! a header, a body, or from what the peer says: all of it is ours, the system's or a library's fixed
//! words.

mod address;
mod clock;
mod counts;
mod dial;
mod driver;
mod link;
mod perform;
mod proxy;
mod queue;
mod rest;
mod settings;
mod shared;
mod thread;
mod tls;
mod wake;
mod wire;

use std::{
    io,
    os::fd::BorrowedFd,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

pub use counts::LINKS_COUNTED_MAX;
pub use driver::OVERSHOOT_MAX;
pub use link::{FRAME_BYTES_MAX, UNSENT_BYTES_MAX};
pub use perform::LINKS_MAX;
pub use proxy::{Proxy, ProxyError};
pub use rest::{CALL_TIMEOUT_MAX, CALLS_MAX, REPLY_BYTES_MAX};
use sandpit_core::{market::MarketEvent, venue::VenueMessage};
pub use settings::{ClientSettings, HISTORY_MAX, MARKET_MAX, MESSAGES_MAX, NOTICES_MAX, TIME_MAX};
pub use shared::{TOLD_MAX, TOLD_RESERVE};

use self::{
    queue::{Waiting, lock},
    shared::Shared,
};
use crate::{
    gauges::Gauges,
    machine::{Machine, Notice, Told},
};

/// How we present ourselves.
const AGENT: &str = concat!("sandpit/", env!("CARGO_PKG_VERSION"));
/// At the end, beyond what is set: how long the thread may take for the rest.
const STOP_SLACK: Duration = Duration::from_secs(2);

/// Why there is no connection to a venue, or none any more.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// Something that is set is out of its bounds.
    #[error("the connection is not set up right: {0}")]
    Settings(&'static str),
    /// A host of the list.
    #[error("{0:?} is no host: it has to have the form name:port")]
    Host(String),
    /// The file of trusted certificates.
    #[error("the certificates of {} cannot be used: {problem}", path.display())]
    Authorities {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// TLS cannot be set up; mostly there are no trusted certificates on the system.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The operating system says no.
    #[error("the operating system does not give {what}: {kind}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// Its answer.
        kind: io::ErrorKind,
    },
    /// A flaw of ours.
    #[error("the venue's thread has panicked: {0}")]
    Panicked(String),
    /// The host took nothing for so long that what must not be dropped has no room.
    #[error("{waiting} {queue} wait for the host, which takes none of them")]
    Overrun {
        /// In which queue.
        queue: &'static str,
        /// How many.
        waiting: usize,
    },
    /// It was asked to end and does not.
    #[error("the venue's thread does not end")]
    StillRunning,
}

/// What was asked cannot be taken: too much waits, or the connection has ended, for which see
/// [`Client::failure`]. Nothing of it has left.
#[derive(Debug, thiserror::Error)]
#[error("the venue's thread takes no more requests now")]
pub struct Full {
    /// What was asked.
    pub told: Box<Told>,
}

/// A venue's thread, as the host's thread holds it. Nothing here waits but [`Client::stop`].
#[derive(Debug)]
pub struct Client {
    shared: Arc<Shared>,
    stop_within: Duration,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Client {
    /// Starts the thread. It does nothing of its own: the machine says what is to be opened and asked.
    ///
    /// # Errors
    /// The settings are out of their bounds, or the system does not give what is needed.
    pub fn start(
        machine: Box<dyn Machine + Send>,
        settings: ClientSettings,
    ) -> Result<Self, ClientError> {
        let system =
            |what| move |error: io::Error| ClientError::System { what, kind: error.kind() };
        if let Some(problem) = settings.problem() {
            return Err(ClientError::Settings(problem));
        }
        let shared = Arc::new(Shared::new(&settings).map_err(system("a pipe"))?);
        let stop_within = settings.stop_timeout + settings.close_timeout + STOP_SLACK;
        let run = thread::prepare(machine, settings, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new()
            .name("venue".to_owned())
            .spawn(run)
            .map_err(system("a thread"))?;
        Ok(Self { shared, stop_within, thread: Mutex::new(Some(thread)) })
    }

    /// Hands something to the machine. Cancels have room of their own, [`TOLD_RESERVE`].
    ///
    /// # Errors
    /// Too much waits already, or the connection has ended.
    pub fn tell(&self, told: Told) -> Result<(), Full> {
        self.shared.tell(told)
    }

    /// What the venue says of the account, in its order.
    #[must_use]
    pub fn take_message(&self) -> Option<VenueMessage> {
        let message = self.shared.messages.take();
        self.shared.taken(&self.shared.messages);
        message
    }

    /// What its market did, in its order, but that a quote takes the place of an earlier one of the
    /// same instrument that still waits.
    #[must_use]
    pub fn take_market(&self) -> Option<MarketEvent> {
        let event = self.shared.market.take();
        self.shared.taken(&self.shared.market);
        event
    }

    /// A bar from before the live market.
    #[must_use]
    pub fn take_history(&self) -> Option<MarketEvent> {
        let event = self.shared.history.take();
        self.shared.taken(&self.shared.history);
        event
    }

    /// Something about the connection itself.
    #[must_use]
    pub fn take_notice(&self) -> Option<Notice> {
        let notice = self.shared.notices.take();
        self.shared.taken(&self.shared.notices);
        notice
    }

    /// Whether there is a message. Without a lock.
    #[must_use]
    pub fn has_message(&self) -> bool {
        self.shared.messages.waiting() > 0
    }

    /// Whether the market has an event. Without a lock.
    #[must_use]
    pub fn has_market(&self) -> bool {
        self.shared.market.waiting() > 0
    }

    /// Readable while something can be taken of any queue, and for ever once there is a
    /// [`Client::failure`]. To be asked for anew before each wait.
    #[must_use]
    pub fn wake_fd(&self) -> BorrowedFd<'_> {
        self.shared.settle();
        self.shared.wake.fd()
    }

    /// Why the connection has ended by itself; `None` while it lives, and after a regular end. What
    /// was said before can still be taken.
    #[must_use]
    pub fn failure(&self) -> Option<ClientError> {
        self.shared.failure()
    }

    /// Counts for people and for metrics: the machine's own, at most a second old, and the driver's.
    #[must_use]
    pub fn counts(&self) -> Vec<(String, &'static str, u64)> {
        let mut all = lock(&self.shared.of_machine).clone();
        all.extend(counts::show(&self.shared));
        all
    }

    /// The same as one picture: the machine's part at most a second old.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let mut gauges = lock(&self.shared.pictured).clone();
        gauges.queues = counts::queues(&self.shared);
        gauges
    }

    /// Ends the connection: the machine is told, what is on its way goes out, everything is closed.
    /// Takes at most the times that are set for that, and two seconds. Where the thread does not
    /// end [`Client::failure`] says so.
    pub fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        self.shared.driver.wake();
        let Some(thread) = lock(&self.thread).take() else { return };
        if self.shared.wait(self.stop_within) {
            // It only has to return. A panic of it is a failure by now.
            let _ = thread.join();
        } else {
            self.shared.fail(ClientError::StillRunning);
        }
    }
}

/// Ends the connection as [`Client::stop`] does, without waiting.
impl Drop for Client {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        self.shared.driver.wake();
    }
}
