//! The host's end of a runner's socket: frames out and in, each by a deadline. What they mean is
//! `wire`'s; what follows when one does not come is `process`'s.

use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};

use super::wire::{HEADER_BYTES, Header, WireError};

/// Bytes of the buffer that most answers fit in.
const KEPT_BYTES: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelError {
    #[error("its end of the socket is closed")]
    Closed,
    #[error("the time is over")]
    Late,
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the socket fails: {0}")]
    Socket(Errno),
}

impl From<Errno> for ChannelError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::PIPE | Errno::CONNRESET => Self::Closed,
            error => Self::Socket(error),
        }
    }
}

/// One runner's socket. It never blocks beyond a deadline.
#[derive(Debug)]
pub(super) struct Channel {
    socket: OwnedFd,
    inbox: Vec<u8>,
    /// Bytes of `inbox` that have come.
    filled: usize,
    spin: Duration,
}

impl Channel {
    /// `spin` is how long it looks for an answer before it sleeps.
    pub(super) fn new(socket: OwnedFd, spin: Duration) -> Self {
        Self { socket, inbox: vec![0; KEPT_BYTES], filled: 0, spin }
    }

    /// Sends a frame. The last answer is forgotten; what came behind it nobody asked for.
    pub(super) fn send(&mut self, frame: &[u8], until: Instant) -> Result<(), ChannelError> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let mut left = frame;
        while !left.is_empty() {
            match send(&self.socket, left, flags) {
                Ok(sent) => left = left.get(sent..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, until)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives the frame with this number, whose body has at most `limit` bytes.
    pub(super) fn receive(
        &mut self,
        sequence: u32,
        limit: usize,
        until: Instant,
    ) -> Result<(Header, &[u8]), ChannelError> {
        let mut spin_until = (!self.spin.is_zero()).then(|| Instant::now() + self.spin);
        self.filled = 0;
        let mut wanted = HEADER_BYTES;
        let mut head = None;
        while self.filled < wanted {
            // Anything that came behind the frame is seen here, and is an error below.
            match recv(&self.socket, &mut self.inbox[self.filled..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(ChannelError::Closed),
                Ok((_, received)) => self.filled += received,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    spin_until = spin_until.filter(|until| Instant::now() < *until);
                    if spin_until.is_none() {
                        self.wait(PollFlags::IN, until)?;
                    }
                    std::hint::spin_loop();
                }
                Err(error) => return Err(error.into()),
            }
            if head.is_none()
                && let Some(bytes) = self.inbox[..self.filled].first_chunk()
            {
                let known = Header::read(bytes, limit)?;
                if known.sequence != sequence {
                    let (answered, asked) = (known.sequence, sequence);
                    return Err(WireError::Sequence { answered, asked }.into());
                }
                wanted = HEADER_BYTES + known.length;
                self.fit(wanted);
                head = Some(known);
            }
        }
        if self.filled > wanted {
            return Err(WireError::Unasked.into());
        }
        let head = head.ok_or(WireError::Truncated)?;
        Ok((head, &self.inbox[HEADER_BYTES..wanted]))
    }

    /// Room for a frame of so many bytes: never more than its bound, and not for longer than it is
    /// needed.
    fn fit(&mut self, bytes: usize) {
        if bytes > self.inbox.len() {
            self.inbox.resize(bytes, 0);
        } else if self.inbox.len() > KEPT_BYTES {
            self.inbox.truncate(bytes.max(KEPT_BYTES).max(self.filled));
            self.inbox.shrink_to_fit();
        }
    }

    /// Sleeps until the socket is ready.
    fn wait(&self, what: PollFlags, until: Instant) -> Result<(), ChannelError> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ChannelError::Late);
            }
            let timeout = Timespec::try_from(left).map_err(|_| ChannelError::Late)?;
            match poll(&mut [PollFd::new(&self.socket, what)], Some(&timeout)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
