//! The session's side of the socket: one thread that reads requests, bounds them, and puts whole
//! commands on the queue, from which the session takes them.

use std::{
    fmt, io,
    os::{fd::BorrowedFd, unix::net::UnixListener},
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    net::UnixListener as Listener,
    runtime,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    connection::{Connection, Timing},
    place::Place,
};
use crate::{AdminError, Asked, Queue};

/// Callers at a time.
pub const CONNECTIONS_MAX: usize = 16;
/// Callers beyond these, who may say `kill` and nothing else.
const SPARE_CONNECTIONS_MAX: usize = 4;
/// How long the server stops to listen when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long callers have to take their last answers when the session ends.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// The user who may do everything.
const ROOT: u32 = 0;

/// What is shared with the thread.
pub(super) struct Shared {
    pub(super) queue: Queue,
    /// Whether a user may command this session.
    pub(super) admits: Admits,
    /// How long callers may take.
    pub(super) timing: Timing,
}

/// Says whether the user with a number may command a session.
pub(super) type Admits = Box<dyn Fn(u32) -> bool + Send + Sync>;

/// The socket of a session that runs, with a thread that serves it. Whoever opens it holds the
/// state folder, so there is never more than one.
pub struct Server {
    queue: Queue,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    _place: Place,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("place", &self._place).finish_non_exhaustive()
    }
}

impl Server {
    /// Opens the socket at `path` and begins to serve it: see [`super::socket_path`]. Its folder
    /// is closed to everybody but its owner.
    ///
    /// # Errors
    /// The folder is not ours, something else has the name, or the system has no socket or thread.
    pub fn open(path: &Path) -> Result<Self, AdminError> {
        let own = rustix::process::geteuid().as_raw();
        let admits = move |peer| peer == own || peer == ROOT;
        Self::open_with(path, Box::new(admits), Timing::default())
    }

    /// The same with another say in who may call, and for how long.
    pub(super) fn open_with(
        path: &Path,
        admits: Admits,
        timing: Timing,
    ) -> Result<Self, AdminError> {
        let (place, listener) = Place::take(path)?;
        let io = |source| AdminError::Io { path: path.to_owned(), source };
        let queue = Queue::new().map_err(io)?;
        listener.set_nonblocking(true).map_err(io)?;
        let shared = Arc::new(Shared { queue: queue.clone(), admits, timing });
        let (stop, stopped) = watch::channel(false);
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(AdminError::Thread)?;
        let thread = thread::Builder::new()
            .name("admin".to_owned())
            .spawn(move || runtime.block_on(serve(listener, &shared, stopped)))
            .map_err(AdminError::Thread)?;
        Ok(Self { queue, stop, thread: Some(thread), _place: place })
    }

    /// The queue that it fills, for others to fill as well.
    #[must_use]
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The next command, if one waits. Never blocks.
    #[must_use]
    pub fn take(&self) -> Option<Asked> {
        self.queue.take()
    }

    /// Commands that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Readable for as long as a command waits.
    #[must_use]
    pub fn wake_fd(&self) -> BorrowedFd<'_> {
        self.queue.wake_fd()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Those that wait are told that the host is ending.
        self.queue.clear();
        // The thread may be gone already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: UnixListener, shared: &Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let listener = match Listener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!("nobody can speak to this session: {error}");
            return;
        }
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let spare = Arc::new(Semaphore::new(SPARE_CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = connections.join_next(), if !connections.is_empty() => continue,
            _ = stopped.changed() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause(&error).await;
                continue;
            }
        };
        let place = Arc::clone(&places).try_acquire_owned();
        let for_all = place.is_ok();
        let Ok(place) = place.or_else(|_| Arc::clone(&spare).try_acquire_owned()) else {
            // Not a word: whoever has filled all places reads none.
            drop(stream);
            continue;
        };
        let connection = Connection::new(stream, Arc::clone(shared), stopped.clone(), for_all);
        connections.spawn(async move {
            connection.run().await;
            drop(place);
        });
    }
    let last = async { while connections.join_next().await.is_some() {} };
    // Who does not read by then reads nothing any more.
    let _ = timeout(LAST_ANSWERS, last).await;
}

async fn pause(error: &io::Error) {
    tracing::warn!("the admin socket does not take a caller: {error}");
    sleep(ACCEPT_PAUSE).await;
}
