//! One descriptor that is readable while something waits for the host, so that a thread can sleep on
//! it beside its other ones.

use std::{
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::io::ioctl_fionbio;

/// A pipe that holds one byte or none.
#[derive(Debug)]
pub(super) struct Wake {
    reader: PipeReader,
    writer: PipeWriter,
    /// A byte is in the pipe, or on its way there.
    raised: AtomicBool,
}

impl Wake {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        ioctl_fionbio(&reader, true)?;
        ioctl_fionbio(&writer, true)?;
        Ok(Self { reader, writer, raised: AtomicBool::new(false) })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// Something waits: to be called after it was put where it waits.
    pub(super) fn raise(&self) {
        if !self.raised.swap(true, Ordering::SeqCst) {
            // There is room: the byte before was read before `raised` was taken back.
            let _ = (&self.writer).write(&[1]);
        }
    }

    /// Makes the descriptor quiet where nothing waits any more. `is_quiet` is asked again after
    /// that: who put something in between saw the flag still up, and wrote nothing.
    pub(super) fn lower(&self, is_quiet: impl Fn() -> bool) {
        if !self.raised.load(Ordering::SeqCst) || !is_quiet() {
            return;
        }
        // Where the byte is still on its way it makes the descriptor readable once for nothing.
        if matches!((&self.reader).read(&mut [0]), Ok(1)) {
            self.raised.store(false, Ordering::SeqCst);
            if !is_quiet() {
                self.raise();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn is_readable(wake: &Wake) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(wake.fd(), PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
    }

    #[test]
    fn is_readable_while_something_waits() {
        let wake = Wake::new().unwrap();
        assert!(!is_readable(&wake));
        wake.raise();
        wake.raise();
        assert!(is_readable(&wake));
        wake.lower(|| false);
        assert!(is_readable(&wake), "something still waits");
        wake.lower(|| true);
        assert!(!is_readable(&wake));
        wake.raise();
        assert!(is_readable(&wake));
    }

    #[test]
    fn what_comes_while_it_is_lowered_is_not_lost() {
        let wake = Wake::new().unwrap();
        wake.raise();
        let asked = std::cell::Cell::new(0);
        // At the first look nothing waits; then something is put, and the flag is still up.
        wake.lower(|| {
            asked.set(asked.get() + 1);
            if asked.get() == 1 {
                wake.raise();
            }
            asked.get() == 1
        });
        assert!(is_readable(&wake));
    }

    #[test]
    fn between_threads_nothing_is_lost() {
        use std::sync::{Arc, atomic::AtomicUsize};
        const ITEMS: usize = 20_000;
        let shared = Arc::new((Wake::new().unwrap(), AtomicUsize::new(0)));
        let producer = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                for _ in 0..ITEMS {
                    shared.1.fetch_add(1, Ordering::SeqCst);
                    shared.0.raise();
                }
            })
        };
        let (wake, waiting) = (&shared.0, &shared.1);
        let mut taken = 0;
        while taken < ITEMS {
            let mut fds = [PollFd::from_borrowed_fd(wake.fd(), PollFlags::IN)];
            let ready = poll(&mut fds, Some(&Timespec { tv_sec: 20, tv_nsec: 0 })).unwrap();
            assert_eq!(ready, 1, "asleep while {} wait", waiting.load(Ordering::SeqCst));
            taken += waiting.swap(0, Ordering::SeqCst);
            wake.lower(|| waiting.load(Ordering::SeqCst) == 0);
        }
        producer.join().unwrap();
    }
}
