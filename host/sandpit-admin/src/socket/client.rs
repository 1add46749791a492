//! The operator's side of the socket: one command, one answer.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use super::place;
use crate::{ANSWER_BYTES_MAX, Answer, Command, REQUEST_BYTES_MAX, Refusal, protocol};

/// How long the session may take to take a request.
const SEND_MAX: Duration = Duration::from_secs(10);
/// How long it may take to answer: a component is compiled in at most 90 s and then started.
const ANSWER_MAX: Duration = Duration::from_secs(180);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody is there.
    #[error("no session runs in `{state}`", state = .state.display())]
    NoSession {
        /// The folder in which it would remember.
        state: PathBuf,
        /// What came of calling it.
        #[source]
        source: io::Error,
    },
    /// It is there, and cannot be spoken to.
    #[error("cannot speak to the session in `{state}`", state = .state.display())]
    Io {
        /// The folder in which it remembers.
        state: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It said something that is no answer.
    #[error("the session's answer is none: {0}")]
    Garbled(String),
    /// It hung up without an answer.
    #[error("the session hung up: it has ended, or serves too many at once")]
    HungUp,
    /// What is asked cannot be said.
    #[error("this cannot be asked: {0}")]
    Unspeakable(String),
    /// It says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A way to the session that remembers in a folder.
#[derive(Debug)]
pub struct Client {
    state: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Calls the session.
    ///
    /// # Errors
    /// No session runs there, or it is somebody else's.
    pub fn connect(state: &Path) -> Result<Self, ClientError> {
        let of = state.to_owned();
        match place::connect(&place::socket_path(state)) {
            Ok(stream) => {
                let io = |source| ClientError::Io { state: of.clone(), source };
                stream.set_write_timeout(Some(SEND_MAX)).map_err(io)?;
                stream.set_read_timeout(Some(ANSWER_MAX)).map_err(io)?;
                Ok(Self { state: of, stream: BufReader::new(stream) })
            }
            Err(source) if is_absence(&source) => Err(ClientError::NoSession { state: of, source }),
            Err(source) => Err(ClientError::Io { state: of, source }),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The session says no, or ends.
    pub fn ask(&mut self, command: &Command) -> Result<Answer, ClientError> {
        command.check()?;
        let line = protocol::write_request(command)
            .map_err(|error| ClientError::Unspeakable(error.to_string()))?;
        if line.len() > REQUEST_BYTES_MAX {
            let message = format!("it has {} bytes, more than {REQUEST_BYTES_MAX}", line.len());
            return Err(ClientError::Unspeakable(message));
        }
        let sent = self.stream.get_mut().write_all(&line);
        // A session that refuses before it has read all says why, and hangs up.
        let answer = self.hear();
        match (sent, answer) {
            (Err(source), Err(ClientError::HungUp | ClientError::Io { .. })) => {
                Err(ClientError::Io { state: self.state.clone(), source })
            }
            (_, answer) => answer,
        }
    }

    fn hear(&mut self) -> Result<Answer, ClientError> {
        let io = |source| ClientError::Io { state: self.state.clone(), source };
        let mut line = Vec::new();
        let max = ANSWER_BYTES_MAX as u64 + 1;
        match self.stream.by_ref().take(max).read_until(b'\n', &mut line) {
            Ok(0) => return Err(ClientError::HungUp),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(ClientError::HungUp);
            }
            Err(error) => return Err(io(error)),
        }
        if line.pop() != Some(b'\n') {
            return Err(ClientError::Garbled("it is cut, or has no end".to_owned()));
        }
        let outcome = protocol::read_response(&line).map_err(ClientError::Garbled)?;
        Ok(outcome?)
    }
}

/// Whether an error says that nobody is there.
fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused | NotADirectory)
}
