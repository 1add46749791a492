//! One caller: who it is, what it asks, and its answers, in turn.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    net::UnixStream,
    sync::{oneshot, watch},
    time::{Instant, timeout, timeout_at},
};

use super::{
    passwd::user_name,
    server::{CONNECTIONS_MAX, Shared},
};
use crate::{
    REQUEST_BYTES_MAX, Refusal, RefusalCode, Via,
    protocol::{self, Outcome},
    queue::Asked,
};

/// How long callers may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// How long a caller may say nothing.
    pub(super) idle_max: Duration,
    /// How long a request may take from its first byte to its last.
    pub(super) request_max: Duration,
    /// How long an answer may take until the caller has it.
    pub(super) answer_max: Duration,
    /// The shortest time between two requests of a caller that are served.
    pub(super) request_every: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            idle_max: Duration::from_secs(30),
            request_max: Duration::from_secs(5),
            answer_max: Duration::from_secs(10),
            request_every: Duration::from_millis(5),
        }
    }
}

/// Bytes that are read at a time.
const READ_BYTES: usize = 8 * 1024;

/// What came of reading.
enum Heard {
    /// A line, without its end.
    Line(Vec<u8>),
    /// The caller is gone, or said nothing for too long.
    Over,
    /// It sent what is no line of this protocol.
    Wrong(Refusal),
    /// The session ends.
    Stopped,
}

/// A caller.
pub(super) struct Connection {
    stream: UnixStream,
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
    /// Whether it may say more than `kill`.
    for_all: bool,
    /// What was read and not used.
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) const fn new(
        stream: UnixStream,
        shared: Arc<Shared>,
        stopped: watch::Receiver<bool>,
        for_all: bool,
    ) -> Self {
        Self { stream, shared, stopped, for_all, buffer: Vec::new() }
    }

    /// Serves it to its end.
    pub(super) async fn run(mut self) {
        let uid = match self.stream.peer_cred() {
            Ok(peer) => peer.uid(),
            Err(error) => {
                tracing::warn!("the system does not say who calls: {error}");
                return;
            }
        };
        if !(self.shared.admits)(uid) {
            let who = user_name(uid);
            tracing::warn!("{who} wants to command this session and may not");
            let message = format!("this session is not {who}'s");
            self.refuse(Refusal::new(RefusalCode::NotAllowed, message)).await;
            return;
        }
        loop {
            let begun = Instant::now();
            let line = match self.hear().await {
                Heard::Line(line) => line,
                Heard::Over => return,
                Heard::Wrong(refusal) => {
                    self.refuse(refusal).await;
                    return;
                }
                Heard::Stopped => {
                    self.refuse(Refusal::ending()).await;
                    return;
                }
            };
            let outcome = match self.ask(uid, &line).await {
                Some(outcome) => outcome,
                // Nobody is there to be told.
                None => return,
            };
            if !self.tell(&protocol::write_response(outcome)).await || !self.for_all {
                return;
            }
            // A caller that asks without a pause does not keep the session from its work.
            tokio::time::sleep_until(begun + self.shared.timing.request_every).await;
        }
    }

    /// One command, from its line to its answer.
    async fn ask(&mut self, uid: u32, line: &[u8]) -> Option<Outcome> {
        let command = match protocol::read_request(line) {
            Ok(command) => command,
            Err(refusal) => return Some(Err(refusal)),
        };
        if !self.for_all && !command.is_urgent() {
            let message = format!("{CONNECTIONS_MAX} callers are served already");
            let refusal = Refusal::new(RefusalCode::Busy, message);
            return Some(
                Err(refusal.help("ask again in a moment; `sandpit kill` is always taken")),
            );
        }
        let (asked, answer) = Asked::new(user_name(uid), Via::Socket, command);
        match self.shared.queue.push(asked) {
            Ok(()) => self.wait(answer).await,
            Err(refusal) => Some(Err(refusal)),
        }
    }

    /// The answer, or `None` once the caller has left.
    async fn wait(&mut self, answer: oneshot::Receiver<Outcome>) -> Option<Outcome> {
        tokio::pin!(answer);
        let mut stopped = self.stopped.clone();
        loop {
            let listens = self.buffer.len() <= REQUEST_BYTES_MAX;
            tokio::select! {
                biased;
                answered = &mut answer => {
                    return Some(answered.unwrap_or_else(|_| Err(Refusal::ending())));
                }
                () = end(&mut stopped) => return Some(Err(Refusal::ending())),
                read = read(&self.stream, &mut self.buffer), if listens => match read {
                    // Not every system tells who has left from who only stopped talking.
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                },
            }
        }
    }

    /// The next line. It has a bound, and so has the time that it takes.
    async fn hear(&mut self) -> Heard {
        let mut stopped = self.stopped.clone();
        let mut deadline = Instant::now() + self.shared.timing.idle_max;
        let mut begun = false;
        // Where the search for the end of the line goes on.
        let mut searched = 0;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[searched..]) {
                let end = searched + end;
                if end > REQUEST_BYTES_MAX {
                    return too_large();
                }
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                return Heard::Line(line);
            }
            searched = self.buffer.len();
            if searched > REQUEST_BYTES_MAX {
                return too_large();
            }
            if !begun && searched > 0 {
                (begun, deadline) = (true, Instant::now() + self.shared.timing.request_max);
            }
            let read = tokio::select! {
                read = timeout_at(deadline, read(&self.stream, &mut self.buffer)) => read,
                () = end(&mut stopped) => return Heard::Stopped,
            };
            match read {
                Ok(Ok(0) | Err(_)) => return Heard::Over,
                Ok(Ok(_)) => {}
                Err(_) if begun => {
                    let max = self.shared.timing.request_max;
                    let message = format!("a request takes longer than {max:?}");
                    return Heard::Wrong(Refusal::new(RefusalCode::Malformed, message));
                }
                Err(_) => return Heard::Over,
            }
        }
    }

    async fn refuse(&self, refusal: Refusal) {
        self.tell(&protocol::write_response(Err(refusal))).await;
    }

    /// `false` where the caller did not take it.
    async fn tell(&self, line: &[u8]) -> bool {
        matches!(
            timeout(self.shared.timing.answer_max, write(&self.stream, line)).await,
            Ok(Ok(()))
        )
    }
}

fn too_large() -> Heard {
    let message = format!("a request has more than {REQUEST_BYTES_MAX} bytes");
    Heard::Wrong(Refusal::new(RefusalCode::TooLarge, message))
}

/// Comes back once the session ends.
async fn end(stopped: &mut watch::Receiver<bool>) {
    // Where nobody is left to say so, it has ended, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Appends what is there, at least a byte; 0 is the end.
async fn read(stream: &UnixStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut bytes = [0; READ_BYTES];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut bytes) {
            Ok(count) => {
                buffer.extend_from_slice(&bytes[..count]);
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn write(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
