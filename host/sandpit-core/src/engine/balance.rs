//! What there is to sell, where a working sell locks what it would sell.
//!
//! **Architecture invariant:** on such a venue our working sells of an instrument are together never
//! more than the account holds of it, and none sells what another plugin has: beyond its own a
//! plugin may offer only what belongs to nobody here. The two orders of a pair count once, since
//! one of them trades at most. An order that there is no room for is kept here where it waits for a
//! trigger, made smaller where the host places it, and denied otherwise.

use alloc::collections::BTreeMap;

use crate::{
    engine::{Engine, Flaws},
    ids::{ClientOrderId, PluginId},
    num::Quantity,
    order::Order,
};

impl<F: Flaws> Engine<F> {
    /// The largest quantity of an order that may go to the venue now, in whole steps; `None` where
    /// nothing is locked. What works of the order itself does not count.
    pub(super) fn room(&self, order: &Order) -> Option<Quantity> {
        self.config.venue.locks(order.side).then(|| self.sellable(order))
    }

    fn sellable(&self, order: &Order) -> Quantity {
        let (plugin, instrument) = (order.plugin(), order.instrument);
        let mut offered = BTreeMap::<PluginId, i64>::new();
        let selling = self.orders.iter().filter(|tracked| {
            tracked.order.instrument == instrument
                && tracked.order.side == order.side
                && !self.is_same(order.id, tracked.order.id)
                && !self.held.contains(tracked.order.id)
        });
        for tracked in selling {
            let own = offered.entry(tracked.order.plugin()).or_default();
            *own = own.saturating_add(tracked.reserved().0);
        }
        let [held, _, locked] = self.external[usize::from(instrument.0)];
        let nobodys = held.0.saturating_sub(locked.0);
        let (mut others, mut account, mut own) = (0i64, nobodys, 0i64);
        for id in self.plugin_ids() {
            let position = self.orders.plugin_exposure(id, instrument).position.0;
            let left = position.saturating_sub(offered.get(&id).copied().unwrap_or_default());
            account = account.saturating_add(left);
            if id == plugin {
                own = left;
            } else {
                others = others.saturating_add((-left).max(0));
            }
        }
        let share = own.saturating_add(nobodys.saturating_sub(others).max(0));
        let room = share.min(account).max(0);
        let step = self.instrument(instrument).quantity_step().0;
        Quantity(room - room % step)
    }

    /// Whether two ids are of one order, or of the two of one pair.
    fn is_same(&self, id: ClientOrderId, other: ClientOrderId) -> bool {
        id == other || self.orders.partner(id) == Some(other)
    }
}
