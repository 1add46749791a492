//! One exchange with a process over its three pipes, with a bound on the time and on every byte.
//! It waits for nothing else: not for a pipe that somebody keeps open, not for an orderly end.

use std::{
    io::{self, Read, Write as _},
    os::fd::AsFd,
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::ioctl_fionbio,
};

/// Bytes moved at a time: what a pipe holds by default on Linux.
const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes of the error output that are kept.
const ERRORS_BYTES_MAX: usize = 4 * 1024;

/// What a process was given and what it gave.
pub(super) struct Exchange<'a> {
    input: &'a [u8],
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// What it wrote.
    pub(super) output: Vec<u8>,
    /// The end of what it wrote to its error output.
    pub(super) errors: Vec<u8>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its output is whole by the caller's own word.
    Whole,
    /// It closed its output.
    Closed,
    /// It wrote too much.
    TooMuch,
    /// The time is over.
    Late,
}

impl<'a> Exchange<'a> {
    /// With a process whose three pipes are ours.
    pub(super) fn new(child: &mut Child, input: &'a [u8]) -> io::Result<Self> {
        let exchange = Self {
            input,
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            output: Vec::new(),
            errors: Vec::new(),
        };
        if let Some(pipe) = &exchange.stdin {
            ioctl_fionbio(pipe, true)?;
        }
        if let Some(pipe) = &exchange.stdout {
            ioctl_fionbio(pipe, true)?;
        }
        if let Some(pipe) = &exchange.stderr {
            ioctl_fionbio(pipe, true)?;
        }
        Ok(exchange)
    }

    /// Gives the input and takes the output, until it `is_whole`, closed, longer than
    /// `output_bytes_max`, or the deadline has come.
    pub(super) fn run(
        &mut self,
        deadline: Instant,
        output_bytes_max: usize,
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Ending> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Ending::Late);
            }
            self.wait(left)?;
            self.give()?;
            let errors = take(&mut self.stderr, &mut self.errors)?;
            let surplus = self.errors.len().saturating_sub(ERRORS_BYTES_MAX);
            self.errors.drain(..surplus);
            let output = take(&mut self.stdout, &mut self.output)?;
            if self.output.len() > output_bytes_max {
                return Ok(Ending::TooMuch);
            }
            if output > 0 && is_whole(&self.output) {
                return Ok(Ending::Whole);
            }
            if self.stdout.is_none() && (errors == 0 || self.stderr.is_none()) {
                return Ok(Ending::Closed);
            }
        }
    }

    fn wait(&self, left: Duration) -> io::Result<()> {
        let mut pipes = Vec::with_capacity(3);
        if let Some(pipe) = &self.stdin {
            pipes.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT));
        }
        if let Some(pipe) = &self.stdout {
            pipes.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        }
        if let Some(pipe) = &self.stderr {
            pipes.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        }
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut pipes, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what the pipe takes now. A reader that went away is no error here: what it had to say
    /// comes by the other pipes.
    fn give(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.stdin else { return Ok(()) };
        let chunk = &self.input[..self.input.len().min(CHUNK_BYTES)];
        match pipe.write(chunk) {
            Ok(written) => self.input = &self.input[written..],
            Err(error) if is_for_later(&error) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.input = &[],
            Err(error) => return Err(error),
        }
        if self.input.is_empty() {
            self.stdin = None;
        }
        Ok(())
    }
}

/// Reads what a pipe has now; says how much. A pipe that is closed is dropped.
fn take<R: Read>(pipe: &mut Option<R>, into: &mut Vec<u8>) -> io::Result<usize> {
    let Some(open) = pipe else { return Ok(0) };
    let before = into.len();
    into.resize(before + CHUNK_BYTES, 0);
    let read = open.read(&mut into[before..]);
    into.truncate(before + *read.as_ref().unwrap_or(&0));
    match read {
        Ok(0) => *pipe = None,
        Ok(_) => {}
        Err(error) if is_for_later(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(into.len() - before)
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
