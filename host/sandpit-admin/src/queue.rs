//! The way of commands into the session, and of answers back. The socket and the HTTP interface put
//! whole commands here; the session takes them when it likes, and never waits.
//!
//! Two lines with bounds: commands (beyond its bound a caller is told that too many wait), and
//! accesses for the journal (beyond its bound they are counted, and the count is told).

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::oneshot;

use crate::{Answer, Command, Refusal, RefusalCode, protocol::Outcome};

/// Commands that wait for the session. Beyond, they are refused.
pub const WAITING_MAX: usize = 64;
/// So many more may wait where they are `kill`.
const URGENT_WAITING_MAX: usize = 8;
/// Accesses that wait to be written to the journal. Beyond, they are counted.
pub const ACCESSES_MAX: usize = 256;

/// By which way a command came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// The Unix socket.
    Socket,
    /// The HTTP interface, from this address.
    Http(String),
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket => f.write_str("socket"),
            Self::Http(address) => write!(f, "http {address}"),
        }
    }
}

/// Who asked the HTTP interface for what, and what came of it: for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The token's name and role, or `nobody`.
    pub who: String,
    /// From where.
    pub via: Via,
    /// Method and route.
    pub what: String,
    /// The answer's status.
    pub status: u16,
    /// How often, since it was last said.
    pub count: u64,
}

impl Access {
    /// As one line for the journal.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { what, status, count, .. } = self;
        match count {
            1 => format!("{what}: {status}"),
            _ => format!("{what}: {status}, {count} times"),
        }
    }
}

#[derive(Debug, Default)]
struct Accesses {
    waiting: VecDeque<Access>,
    lost: u64,
}

struct Shared {
    commands: Mutex<VecDeque<Asked>>,
    /// Its length, so that whoever finds it empty takes no lock.
    waiting: AtomicUsize,
    /// There is a byte in it while something waits. Never blocks.
    wake: (UnixStream, UnixStream),
    accesses: Mutex<Accesses>,
    /// Length of the line of accesses, and whether some were lost.
    noted: AtomicUsize,
}

/// The queue of a session; its clones are the same queue.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl Queue {
    /// An empty one.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub fn new() -> io::Result<Self> {
        let wake = UnixStream::pair()?;
        for stream in [&wake.0, &wake.1] {
            stream.set_nonblocking(true)?;
        }
        Ok(Self(Arc::new(Shared {
            commands: Mutex::new(VecDeque::new()),
            waiting: AtomicUsize::new(0),
            wake,
            accesses: Mutex::new(Accesses::default()),
            noted: AtomicUsize::new(0),
        })))
    }

    fn commands(&self) -> MutexGuard<'_, VecDeque<Asked>> {
        self.0.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accesses(&self) -> MutexGuard<'_, Accesses> {
        self.0.accesses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a command on the queue; `kill` before all others.
    pub(crate) fn push(&self, asked: Asked) -> Result<(), Refusal> {
        let urgent = asked.command.is_urgent();
        let max = if urgent { WAITING_MAX + URGENT_WAITING_MAX } else { WAITING_MAX };
        let mut queue = self.commands();
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
        self.0.waiting.store(queue.len(), Ordering::Release);
        if queue.len() == 1 {
            // Where it is full, there is a byte in it.
            let _ = (&self.0.wake.1).write(&[1]);
        }
        Ok(())
    }

    /// The next command, if one waits. Never blocks.
    #[must_use]
    pub fn take(&self) -> Option<Asked> {
        if self.0.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut queue = self.commands();
        let asked = queue.pop_front();
        if queue.is_empty() {
            let mut bytes = [0; 8];
            while matches!((&self.0.wake.0).read(&mut bytes), Ok(1..)) {}
        }
        self.0.waiting.store(queue.len(), Ordering::Release);
        asked
    }

    /// Commands that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Acquire)
    }

    /// Readable for as long as a command waits.
    #[must_use]
    pub fn wake_fd(&self) -> BorrowedFd<'_> {
        self.0.wake.0.as_fd()
    }

    /// Puts an access on its line. Nobody is woken for it.
    pub(crate) fn note(&self, access: Access) {
        let mut accesses = self.accesses();
        if accesses.waiting.len() >= ACCESSES_MAX {
            accesses.lost = accesses.lost.saturating_add(access.count);
        } else {
            accesses.waiting.push_back(access);
        }
        self.0.noted.store(accesses.waiting.len() + 1, Ordering::Release);
    }

    /// The next access for the journal, if one waits. Never blocks. How many had no room is an
    /// access as well, of nobody.
    #[must_use]
    pub fn take_access(&self) -> Option<Access> {
        if self.0.noted.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut accesses = self.accesses();
        let next = accesses.waiting.pop_front().or_else(|| {
            let lost = std::mem::take(&mut accesses.lost);
            (lost > 0).then(|| Access {
                who: "nobody".to_owned(),
                via: Via::Http("any".to_owned()),
                what: "accesses for which there was no room".to_owned(),
                status: 0,
                count: lost,
            })
        });
        if next.is_none() {
            self.0.noted.store(0, Ordering::Release);
        }
        next
    }

    /// Those that wait are told that the host is ending.
    pub(crate) fn clear(&self) {
        let waiting = std::mem::take(&mut *self.commands());
        drop(waiting);
    }
}

/// A command that waits for its answer.
pub struct Asked {
    /// Who asks: the name of the user or of the token.
    pub who: String,
    /// By which way.
    pub via: Via,
    /// What.
    pub command: Command,
    answer: oneshot::Sender<Outcome>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("who", &self.who)
            .field("via", &self.via)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl Asked {
    pub(crate) fn new(
        who: String,
        via: Via,
        command: Command,
    ) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, answered) = oneshot::channel();
        (Self { who, via, command, answer }, answered)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_beyond_the_bound_are_counted() {
        let queue = Queue::new().unwrap();
        let access = |status| Access {
            who: "nobody".to_owned(),
            via: Via::Http("127.0.0.1".to_owned()),
            what: "GET /api/v1/status".to_owned(),
            status,
            count: 2,
        };
        assert_eq!(queue.take_access(), None);
        for _ in 0..ACCESSES_MAX + 3 {
            queue.note(access(401));
        }
        let taken: Vec<_> = std::iter::from_fn(|| queue.take_access()).collect();
        assert_eq!(taken.len(), ACCESSES_MAX + 1);
        assert_eq!(taken[0].line(), "GET /api/v1/status: 401, 2 times");
        let lost = &taken[ACCESSES_MAX];
        assert_eq!((lost.status, lost.count), (0, 6));
        queue.note(access(200));
        assert_eq!(queue.take_access().map(|it| it.status), Some(200));
        assert_eq!(queue.take_access(), None);
    }
}
