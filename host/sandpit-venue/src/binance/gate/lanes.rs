//! What waits, each in its lane. Within the lane of orders every plugin has a queue of its own, and
//! they take turns, so that one that places many does not keep the others waiting.

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::time::UnixNanos;

use super::{Wish, keys::Tried};
use crate::{binance::limits::Lane, machine::CallId};

/// One that waits.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) id: CallId,
    pub(super) lane: Lane,
    /// Whose turn it takes; of orders the plugin.
    pub(super) share: u16,
    pub(super) wish: Wish,
    /// It is signed with this key, and with none of those in use.
    pub(super) tried: Option<Tried>,
    pub(super) asked: UnixNanos,
    pub(super) not_before: UnixNanos,
    /// How often it was sent, or could not be.
    pub(super) attempts: u32,
}

/// What becomes of one that waits.
pub(super) enum Verdict<T> {
    /// It goes.
    Go(T),
    /// It waits, and others of its lane may go.
    Skip,
    /// It waits, and its lane with it.
    Stop,
}

/// Everything that waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    kill: VecDeque<Pending>,
    reconcile: VecDeque<Pending>,
    data: VecDeque<Pending>,
    orders: BTreeMap<u16, VecDeque<Pending>>,
    /// Who had the last turn.
    last: u16,
}

impl Lanes {
    const fn queue(&mut self, lane: Lane) -> Option<&mut VecDeque<Pending>> {
        match lane {
            Lane::Kill => Some(&mut self.kill),
            Lane::Reconcile => Some(&mut self.reconcile),
            Lane::Data => Some(&mut self.data),
            Lane::Orders => None,
        }
    }

    pub(super) fn len(&self, lane: Lane) -> usize {
        match lane {
            Lane::Kill => self.kill.len(),
            Lane::Reconcile => self.reconcile.len(),
            Lane::Data => self.data.len(),
            Lane::Orders => self.orders.values().map(VecDeque::len).sum(),
        }
    }

    pub(super) fn push(&mut self, pending: Pending) {
        match self.queue(pending.lane) {
            Some(queue) => queue.push_back(pending),
            None => self.orders.entry(pending.share).or_default().push_back(pending),
        }
    }

    /// Puts one back to where it was first.
    pub(super) fn push_front(&mut self, pending: Pending) {
        match self.queue(pending.lane) {
            Some(queue) => queue.push_front(pending),
            None => self.orders.entry(pending.share).or_default().push_front(pending),
        }
    }

    /// The next of a lane that goes.
    pub(super) fn take<T>(
        &mut self,
        lane: Lane,
        mut judge: impl FnMut(&Pending) -> Verdict<T>,
    ) -> Option<(Pending, T)> {
        if let Some(queue) = self.queue(lane) {
            for at in 0..queue.len() {
                match judge(&queue[at]) {
                    Verdict::Go(with) => return queue.remove(at).map(|one| (one, with)),
                    Verdict::Skip => {}
                    Verdict::Stop => return None,
                }
            }
            return None;
        }
        let after = self.orders.range(self.last.saturating_add(1)..);
        let before = self.orders.range(..=self.last);
        let turns: Vec<u16> = after.chain(before).map(|(share, _)| *share).collect();
        for share in turns {
            let Some(queue) = self.orders.get_mut(&share) else { continue };
            let Some(first) = queue.front() else { continue };
            match judge(first) {
                Verdict::Go(with) => {
                    let one = queue.pop_front();
                    if queue.is_empty() {
                        self.orders.remove(&share);
                    }
                    self.last = share;
                    return one.map(|one| (one, with));
                }
                Verdict::Skip => {}
                Verdict::Stop => return None,
            }
        }
        None
    }

    /// Takes one out, wherever it waits.
    pub(super) fn remove(&mut self, id: CallId) -> Option<Pending> {
        for queue in self.all_mut() {
            if let Some(at) = queue.iter().position(|pending| pending.id == id) {
                return queue.remove(at);
            }
        }
        None
    }

    pub(super) fn has(&self, id: CallId) -> bool {
        let queues = [&self.kill, &self.reconcile, &self.data];
        let mut all = queues.into_iter().chain(self.orders.values()).flatten();
        all.any(|pending| pending.id == id)
    }

    /// Orders that were asked before `since` and still wait.
    pub(super) fn take_stale_orders(&mut self, since: UnixNanos) -> Vec<Pending> {
        let mut stale = Vec::new();
        for queue in self.orders.values_mut() {
            let (old, young) =
                std::mem::take(queue).into_iter().partition(|pending| pending.asked <= since);
            *queue = young;
            let old: VecDeque<Pending> = old;
            stale.extend(old);
        }
        self.orders.retain(|_, queue| !queue.is_empty());
        stale
    }

    /// When the oldest order that waits was asked.
    pub(super) fn oldest_order(&self) -> Option<UnixNanos> {
        self.orders.values().flatten().map(|pending| pending.asked).min()
    }

    /// Until when something waits by itself.
    pub(super) fn next_not_before(&self, now: UnixNanos) -> Option<UnixNanos> {
        let queues = [&self.kill, &self.reconcile, &self.data];
        let all = queues.into_iter().chain(self.orders.values()).flatten();
        all.map(|pending| pending.not_before).filter(|at| *at > now).min()
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut VecDeque<Pending>> {
        let queues = [&mut self.kill, &mut self.reconcile, &mut self.data];
        queues.into_iter().chain(self.orders.values_mut())
    }
}
