//! The session's side of the socket: one thread that reads requests, bounds them, and puts whole
//! commands on a queue, from which the session takes them.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    net::UnixListener as Listener,
    runtime,
    sync::{Semaphore, oneshot, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    AdminError, Answer, Command, Refusal, RefusalCode,
    connection::{Connection, Timing},
    place::Place,
    protocol::Outcome,
};

/// Callers at a time.
pub const CONNECTIONS_MAX: usize = 16;
/// Callers beyond these, who may say `kill` and nothing else.
const SPARE_CONNECTIONS_MAX: usize = 4;
/// Commands that wait for the session. Beyond, they are refused.
pub const WAITING_MAX: usize = 64;
/// So many more may wait where they are `kill`.
const URGENT_WAITING_MAX: usize = 8;
/// How long the server stops to listen when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long callers have to take their last answers when the session ends.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// The user who may do everything.
const ROOT: u32 = 0;

/// What is shared with the thread.
pub(super) struct Shared {
    queue: Mutex<VecDeque<Asked>>,
    /// Its length, so that whoever finds it empty takes no lock.
    waiting: AtomicUsize,
    /// There is a byte in it while something waits. Never blocks.
    wake: (UnixStream, UnixStream),
    /// Whether a user may command this session.
    pub(super) admits: Admits,
    /// How long callers may take.
    pub(super) timing: Timing,
}

/// Says whether the user with a number may command a session.
pub(super) type Admits = Box<dyn Fn(u32) -> bool + Send + Sync>;

impl Shared {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Asked>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a command on the queue; `kill` before all others.
    pub(super) fn push(&self, asked: Asked) -> Result<(), Refusal> {
        let urgent = asked.command.is_urgent();
        let max = if urgent { WAITING_MAX + URGENT_WAITING_MAX } else { WAITING_MAX };
        let mut queue = self.queue();
        if queue.len() >= max {
            return Err(Refusal::new(
                RefusalCode::Busy,
                format!("{max} commands wait for the session already"),
            )
            .help("ask again in a moment"));
        }
        match urgent {
            true => queue.push_front(asked),
            false => queue.push_back(asked),
        }
        // Before the session is woken: what it then looks for is there.
        self.waiting.store(queue.len(), Ordering::Release);
        if queue.len() == 1 {
            // Where it is full, there is a byte in it.
            let _ = (&self.wake.1).write(&[1]);
        }
        Ok(())
    }

    fn take(&self) -> Option<Asked> {
        if self.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut queue = self.queue();
        let asked = queue.pop_front();
        if queue.is_empty() {
            let mut bytes = [0; 8];
            while matches!((&self.wake.0).read(&mut bytes), Ok(1..)) {}
        }
        self.waiting.store(queue.len(), Ordering::Release);
        asked
    }
}

/// A command that waits for its answer.
pub struct Asked {
    /// Who asks: the name of the user, or its number, by the kernel's word.
    pub who: String,
    /// What.
    pub command: Command,
    answer: oneshot::Sender<Outcome>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("who", &self.who)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(who: String, command: Command) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, answered) = oneshot::channel();
        (Self { who, command, answer }, answered)
    }

    /// Answers. Whether the caller is still there does not matter: what was asked is done. An
    /// `Asked` that is dropped tells the caller that the host is ending.
    pub fn answer(self, answer: Result<Answer, Refusal>) {
        let _ = self.answer.send(answer);
    }

    /// Whether whoever asked has left.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

/// The socket of a session that runs, with a thread that serves it. Whoever opens it holds the
/// state folder, so there is never more than one.
pub struct Server {
    shared: Arc<Shared>,
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
        let wake = UnixStream::pair().map_err(io)?;
        for stream in [&wake.0, &wake.1] {
            stream.set_nonblocking(true).map_err(io)?;
        }
        listener.set_nonblocking(true).map_err(io)?;
        let queue = Mutex::new(VecDeque::new());
        let shared = Arc::new(Shared { queue, waiting: AtomicUsize::new(0), wake, admits, timing });
        let (stop, stopped) = watch::channel(false);
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(AdminError::Thread)?;
        let served = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("admin".to_owned())
            .spawn(move || runtime.block_on(serve(listener, &served, stopped)))
            .map_err(AdminError::Thread)?;
        Ok(Self { shared, stop, thread: Some(thread), _place: place })
    }

    /// The next command, if one waits. Never blocks.
    #[must_use]
    pub fn take(&self) -> Option<Asked> {
        self.shared.take()
    }

    /// Commands that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Acquire)
    }

    /// Readable for as long as a command waits.
    #[must_use]
    pub fn wake_fd(&self) -> BorrowedFd<'_> {
        self.shared.wake.0.as_fd()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Those that wait are told that the host is ending.
        let waiting = std::mem::take(&mut *self.shared.queue());
        drop(waiting);
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
