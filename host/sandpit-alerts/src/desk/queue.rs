//! Notices that wait to be sent: a bounded number, of which the least severe and oldest goes first
//! where there is no room.

use std::{collections::VecDeque, sync::Arc};

use super::{ChainId, Notice};
use crate::Severity;

/// A notice for one list of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which list.
    pub chain: ChainId,
    /// What to say.
    pub notice: Arc<Notice>,
}

#[derive(Debug)]
pub(super) struct Queue {
    max: usize,
    /// By severity.
    lists: [VecDeque<Delivery>; 3],
}

impl Queue {
    pub(super) const fn new(max: usize) -> Self {
        Self { max, lists: [const { VecDeque::new() }; 3] }
    }

    pub(super) fn len(&self) -> usize {
        self.lists.iter().map(VecDeque::len).sum()
    }

    /// Takes one in. Gives back the one that there is no room for: one that is less severe, or the
    /// oldest that is as severe; where all are critical, the new one.
    pub(super) fn push(&mut self, delivery: Delivery) -> Option<Delivery> {
        let severity = delivery.notice.severity;
        let mut lost = None;
        if self.len() >= self.max {
            let weakest = self.lists.iter().position(|list| !list.is_empty());
            let gives_way = weakest.is_some_and(|weakest| {
                weakest < severity.index()
                    || (weakest == severity.index() && severity != Severity::Critical)
            });
            let Some(list) = weakest.filter(|_| gives_way).and_then(|at| self.lists.get_mut(at))
            else {
                return Some(delivery);
            };
            lost = list.pop_front();
        }
        if let Some(list) = self.lists.get_mut(severity.index()) {
            list.push_back(delivery);
        }
        lost
    }

    /// The next one on a chain that is free.
    pub(super) fn pop(&mut self, is_free: impl Fn(ChainId) -> bool) -> Option<Delivery> {
        self.lists.iter_mut().rev().find_map(|list| {
            let at = list.iter().position(|delivery| is_free(delivery.chain))?;
            list.remove(at)
        })
    }

    /// Nothing more is to be said about this alert, of what waits.
    pub(super) fn forget(&mut self, id: u64) {
        for list in &mut self.lists {
            for delivery in list.iter_mut() {
                if delivery.notice.items.iter().any(|item| item.alert.id == id) {
                    let notice = Arc::make_mut(&mut delivery.notice);
                    notice.items.retain(|item| item.alert.id != id);
                }
            }
            list.retain(|delivery| !delivery.notice.items.is_empty());
        }
    }
}
