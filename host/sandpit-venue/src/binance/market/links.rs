//! Numbers of connections: each is used again only when the end of the connection has been told.

use std::{collections::BTreeSet, ops::Range};

use crate::machine::LinkId;

/// The numbers.
#[derive(Debug)]
pub(super) struct Links {
    range: Range<u32>,
    next: u32,
    busy: BTreeSet<u32>,
}

impl Links {
    pub(super) const fn new(range: Range<u32>) -> Self {
        let next = range.start;
        Self { range, next, busy: BTreeSet::new() }
    }

    pub(super) fn contains(&self, link: LinkId) -> bool {
        self.range.contains(&link.0)
    }

    /// One that nobody uses, in turn, so that a late word about an old connection is not taken for
    /// one about a new.
    pub(super) fn take(&mut self) -> Option<LinkId> {
        let number = (self.next..self.range.end)
            .chain(self.range.start..self.next)
            .find(|number| !self.busy.contains(number))?;
        self.busy.insert(number);
        self.next = if number + 1 < self.range.end { number + 1 } else { self.range.start };
        Some(LinkId(number))
    }

    /// Its end has been told.
    pub(super) fn free(&mut self, link: LinkId) {
        self.busy.remove(&link.0);
    }
}
