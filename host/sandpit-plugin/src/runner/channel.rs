//! The host's end of a runner's socket: frames out and in, as far as they go without waiting. What
//! they mean is `wire`'s; what follows when one does not come is `process`'s.

use std::{
    cmp::Ordering,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};

use super::wire::{HEADER_BYTES, Header, WireError};
use crate::rate::RateExceeded;

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
    #[error(transparent)]
    Rate(#[from] RateExceeded),
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

/// One runner's socket, with at most one frame on its way out and one on its way in. Only
/// [`Self::wait`] sleeps.
#[derive(Debug)]
pub(super) struct Channel {
    socket: OwnedFd,
    /// Bytes of the frame on its way out that are gone.
    sent: usize,
    inbox: Vec<u8>,
    /// Bytes of `inbox` that have come.
    filled: usize,
    /// Head of the frame on its way in.
    head: Option<Header>,
    /// How long it is worth looking for an answer before one sleeps.
    spin: Duration,
}

impl Channel {
    pub(super) fn new(socket: OwnedFd, spin: Duration) -> Self {
        Self { socket, sent: 0, inbox: vec![0; KEPT_BYTES], filled: 0, head: None, spin }
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) const fn spin(&self) -> Duration {
        self.spin
    }

    /// Sends as much of a frame as there is room for. The last answer is forgotten; what came
    /// behind it nobody asked for.
    pub(super) fn begin(&mut self, frame: &[u8]) -> Result<(), ChannelError> {
        (self.sent, self.filled, self.head) = (0, 0, None);
        self.send(frame).map(|_| ())
    }

    /// Whether there is more of the frame to send.
    pub(super) const fn is_sending(&self, frame: &[u8]) -> bool {
        self.sent < frame.len()
    }

    /// Sends on what [`Self::begin`] began, and takes in what has come. The head once the frame is
    /// all there: the one with this number, whose body has at most `limit` bytes. Nothing is looked
    /// at before all is sent; no honest runner answers half a question.
    pub(super) fn advance(
        &mut self,
        frame: &[u8],
        sequence: u32,
        limit: usize,
    ) -> Result<Option<Header>, ChannelError> {
        if self.is_sending(frame) && !self.send(frame)? {
            return Ok(None);
        }
        self.receive(sequence, limit)
    }

    /// The body of the frame that has come.
    pub(super) fn body(&self, head: Header) -> &[u8] {
        self.inbox.get(HEADER_BYTES..HEADER_BYTES + head.length).unwrap_or_default()
    }

    /// Whether all of it is gone.
    fn send(&mut self, frame: &[u8]) -> Result<bool, ChannelError> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        while let Some(left) = frame.get(self.sent..).filter(|left| !left.is_empty()) {
            match send(&self.socket, left, flags) {
                Ok(sent) => self.sent += sent,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn receive(&mut self, sequence: u32, limit: usize) -> Result<Option<Header>, ChannelError> {
        loop {
            // Anything that came behind the frame is seen here, and is an error below.
            match recv(&self.socket, &mut self.inbox[self.filled..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(ChannelError::Closed),
                Ok((_, received)) => self.filled += received,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            if self.head.is_none()
                && let Some(bytes) = self.inbox[..self.filled].first_chunk()
            {
                let known = Header::read(bytes, limit)?;
                if known.sequence != sequence {
                    let (answered, asked) = (known.sequence, sequence);
                    return Err(WireError::Sequence { answered, asked }.into());
                }
                self.fit(HEADER_BYTES + known.length);
                self.head = Some(known);
            }
            let Some(head) = self.head else { continue };
            match self.filled.cmp(&(HEADER_BYTES + head.length)) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(head)),
                Ordering::Greater => return Err(WireError::Unasked.into()),
            }
        }
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

    /// Sleeps until there is room for more of the frame, or something has come.
    pub(super) fn wait(&self, frame: &[u8], until: Instant) -> Result<(), ChannelError> {
        let what = if self.is_sending(frame) { PollFlags::OUT } else { PollFlags::IN };
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
