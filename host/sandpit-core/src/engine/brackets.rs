//! Entries with exits. The host places the exits as the entry fills, keeps their size at what was
//! filled, and cancels one when the other is done.

use alloc::collections::BTreeMap;

use crate::{
    engine::CLOSED_ORDERS_MAX,
    ids::{ClientOrderId, InstrumentId, OrderTag},
    intent::TimeInForce,
    market::Side,
    num::{Price, Quantity},
    order::{Order, OrderKind},
};

/// What is to be placed once the entry fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitPlan {
    /// The plugin's name of the stop.
    pub stop_loss_tag: OrderTag,
    /// Trigger of the stop.
    pub stop_loss: Price,
    /// The plugin's name of the take-profit.
    pub take_profit_tag: OrderTag,
    /// Limit of the take-profit.
    pub take_profit: Price,
    /// Of what.
    pub instrument: InstrumentId,
    /// Side of the exits.
    pub side: Side,
}

impl ExitPlan {
    /// An exit of the plan.
    pub(crate) const fn exit(
        &self,
        id: ClientOrderId,
        tag: OrderTag,
        kind: OrderKind,
        quantity: Quantity,
    ) -> Order {
        Order {
            id,
            tag,
            instrument: self.instrument,
            side: self.side,
            quantity,
            kind,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            reduce_only: true,
        }
    }
}

/// The exits of one entry once they are placed; `None` for one that risk did not approve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exits {
    /// The stop.
    pub stop_loss: Option<ClientOrderId>,
    /// The take-profit.
    pub take_profit: Option<ClientOrderId>,
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
    /// From either open exit to its entry.
    entries: BTreeMap<ClientOrderId, ClientOrderId>,
    /// Plans of entries that are over, for fills that come late. The oldest is forgotten first, as
    /// its order is.
    late: BTreeMap<ClientOrderId, ExitPlan>,
}

impl Brackets {
    pub(crate) fn plan(&mut self, entry: ClientOrderId, plan: ExitPlan) {
        self.late.remove(&entry);
        self.plans.insert(entry, plan);
    }

    pub(crate) fn plan_of(&self, entry: ClientOrderId) -> Option<ExitPlan> {
        self.plans.get(&entry).copied()
    }

    /// The plan of an entry that is over and had nothing left to protect.
    pub(crate) fn late_plan_of(&self, entry: ClientOrderId) -> Option<ExitPlan> {
        self.late.get(&entry).copied()
    }

    pub(crate) fn exits_of(&self, entry: ClientOrderId) -> Option<Exits> {
        self.exits.get(&entry).copied()
    }

    /// Notes the exits of an entry; of a journal that was cut, some may be over already.
    pub(crate) fn placed(
        &mut self,
        entry: ClientOrderId,
        exits: Exits,
        is_open: impl Fn(ClientOrderId) -> bool,
    ) {
        for exit in exits.ids().filter(|exit| is_open(*exit)) {
            self.entries.insert(exit, entry);
        }
        self.exits.insert(entry, exits);
    }

    /// All plans, and all exits that are placed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClientOrderId, ExitPlan, Option<Exits>)> {
        self.plans.iter().map(|(entry, plan)| (*entry, *plan, self.exits_of(*entry)))
    }

    /// Whether the order is an exit that the host placed.
    pub(crate) fn is_exit(&self, id: ClientOrderId) -> bool {
        self.entries.contains_key(&id)
    }

    pub(crate) fn entry_of(&self, exit: ClientOrderId) -> Option<ClientOrderId> {
        self.entries.get(&exit).copied()
    }

    /// The other exit of the same entry, if it is open.
    pub(crate) fn sibling_of(&self, exit: ClientOrderId) -> Option<ClientOrderId> {
        let exits = self.exits_of(self.entry_of(exit)?)?;
        exits.ids().find(|id| *id != exit && self.is_exit(*id))
    }

    /// An order came in the place of another, which is over.
    pub(crate) fn replaced(&mut self, old: ClientOrderId, new: ClientOrderId) {
        if let Some(plan) = self.plans.remove(&old) {
            self.plans.insert(new, plan);
        }
        if let Some(exits) = self.exits.remove(&old) {
            for exit in exits.ids() {
                if let Some(entry) = self.entries.get_mut(&exit) {
                    *entry = new;
                }
            }
            self.exits.insert(new, exits);
        }
        if let Some(entry) = self.entries.remove(&old) {
            self.entries.insert(new, entry);
            if let Some(exits) = self.exits.get_mut(&entry) {
                for exit in [&mut exits.stop_loss, &mut exits.take_profit] {
                    if *exit == Some(old) {
                        *exit = Some(new);
                    }
                }
            }
        }
    }

    /// The entry is over. What it filled keeps its exits; without a fill there is nothing to keep,
    /// and the plan, which is returned, ends.
    pub(crate) fn entry_closed(&mut self, entry: ClientOrderId) -> Option<ExitPlan> {
        if self.exits_of(entry).is_some_and(|exits| exits.ids().any(|id| self.is_exit(id))) {
            return None;
        }
        self.end(entry)
    }

    /// An exit is over; returns the plan, if it ends with it. While the entry works on, its plan
    /// stays, and a later fill gets exits of its own.
    pub(crate) fn exit_closed(
        &mut self,
        exit: ClientOrderId,
        entry_open: impl FnOnce(ClientOrderId) -> bool,
    ) -> Option<ExitPlan> {
        let sibling = self.sibling_of(exit);
        let entry = self.entries.remove(&exit)?;
        if sibling.is_some() {
            return None;
        }
        self.exits.remove(&entry);
        if entry_open(entry) { None } else { self.end(entry) }
    }

    fn end(&mut self, entry: ClientOrderId) -> Option<ExitPlan> {
        self.exits.remove(&entry);
        let plan = self.plans.remove(&entry)?;
        self.late.insert(entry, plan);
        if self.late.len() > CLOSED_ORDERS_MAX {
            self.late.pop_first();
        }
        Some(plan)
    }
}
