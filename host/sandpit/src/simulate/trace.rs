//! What happened, as a hash always and as lines where somebody wants to read them. A world is
//! made again from its seed, so nothing has to be kept in case it fails.

use std::collections::VecDeque;

use sandpit_core::time::UnixNanos;
use sha2::{Digest as _, Sha256};

use super::scenario::START;

/// Which lines are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None.
    Nothing,
    /// The last so many.
    Last(usize),
    /// All.
    Everything,
}

/// The course of one world.
#[derive(Debug)]
pub(super) struct Trace {
    hasher: Sha256,
    keep: Keep,
    lines: VecDeque<String>,
}

impl Trace {
    pub(super) fn new(keep: Keep) -> Self {
        Self { hasher: Sha256::new(), keep, lines: VecDeque::new() }
    }

    /// Notes something; the line is made only where it is wanted.
    pub(super) fn note(&mut self, step: u64, now: UnixNanos, line: impl FnOnce() -> String) {
        let room = match self.keep {
            Keep::Nothing => return,
            Keep::Last(room) => room,
            Keep::Everything => usize::MAX,
        };
        if self.lines.len() >= room {
            self.lines.pop_front();
        }
        let past = now.since(START).0;
        let (seconds, nanos) = (past / 1_000_000_000, past % 1_000_000_000);
        self.lines.push_back(format!("{step:>7} {seconds:>6}.{nanos:09} {}", line()));
    }

    /// Mixes something into the hash.
    pub(super) fn mix(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    pub(super) fn hash(&self) -> String {
        self.hasher.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}
