//! Entries with exits. The host places the exits as the entry fills, keeps their size at what was
//! filled, and cancels one when the other is done.

use alloc::collections::BTreeMap;

use crate::{
    ids::{ClientOrderId, InstrumentId, OrderTag},
    market::Side,
    num::Price,
    risk::Purpose,
};

/// What is to be placed once the entry fills.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExitPlan {
    pub(crate) stop_loss_tag: OrderTag,
    pub(crate) stop_loss: Price,
    pub(crate) take_profit_tag: OrderTag,
    pub(crate) take_profit: Price,
    pub(crate) instrument: InstrumentId,
    /// Side of the exits.
    pub(crate) side: Side,
}

/// The exits of one entry once they are placed; `None` for one that risk did not approve.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exits {
    pub(crate) stop_loss: Option<ClientOrderId>,
    pub(crate) take_profit: Option<ClientOrderId>,
}

impl Exits {
    pub(crate) fn ids(self) -> impl Iterator<Item = ClientOrderId> {
        self.stop_loss.into_iter().chain(self.take_profit)
    }
}

/// All brackets that have an open order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brackets {
    plans: BTreeMap<ClientOrderId, ExitPlan>,
    exits: BTreeMap<ClientOrderId, Exits>,
    /// From either exit to its entry.
    entries: BTreeMap<ClientOrderId, ClientOrderId>,
}

impl Brackets {
    pub(crate) fn plan(&mut self, entry: ClientOrderId, plan: ExitPlan) {
        self.plans.insert(entry, plan);
    }

    pub(crate) fn plan_of(&self, entry: ClientOrderId) -> Option<ExitPlan> {
        self.plans.get(&entry).copied()
    }

    pub(crate) fn exits_of(&self, entry: ClientOrderId) -> Option<Exits> {
        self.exits.get(&entry).copied()
    }

    pub(crate) fn placed(&mut self, entry: ClientOrderId, exits: Exits) {
        for exit in exits.ids() {
            self.entries.insert(exit, entry);
        }
        self.exits.insert(entry, exits);
    }

    /// Whether the order is an exit that the host placed.
    pub(crate) fn is_exit(&self, id: ClientOrderId) -> bool {
        self.entries.contains_key(&id)
    }

    /// What an order is in these plans.
    pub(crate) fn purpose_of(&self, id: ClientOrderId) -> Purpose {
        if self.is_exit(id) {
            Purpose::Exit
        } else if self.plans.contains_key(&id) {
            Purpose::Entry
        } else {
            Purpose::Plain
        }
    }

    pub(crate) fn entry_of(&self, exit: ClientOrderId) -> Option<ClientOrderId> {
        self.entries.get(&exit).copied()
    }

    /// The entry is over. What it filled keeps its exits; without a fill there is nothing to keep,
    /// and the plan, which is returned, ends.
    pub(crate) fn entry_closed(&mut self, entry: ClientOrderId) -> Option<ExitPlan> {
        if self.exits.get(&entry).is_some_and(|exits| exits.ids().next().is_some()) {
            return None;
        }
        self.exits.remove(&entry);
        self.plans.remove(&entry)
    }

    /// An exit is over; the other one, if it is there still, and the plan, if it ends with it.
    /// While the entry works on, its plan stays, and a later fill gets exits of its own.
    pub(crate) fn exit_closed(
        &mut self,
        exit: ClientOrderId,
        entry: ClientOrderId,
        entry_open: bool,
    ) -> (Option<ClientOrderId>, Option<ExitPlan>) {
        self.entries.remove(&exit);
        let placed = self.exits.get(&entry).copied().unwrap_or_default();
        let other = placed.ids().find(|id| *id != exit && self.entries.contains_key(id));
        if other.is_some() {
            return (other, None);
        }
        self.exits.remove(&entry);
        (None, if entry_open { None } else { self.plans.remove(&entry) })
    }
}
