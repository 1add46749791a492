//! The stops that the host keeps for positions. A stop is an order like others, at the venue where
//! that can keep it and here where not, and it is seen to whenever a position or the stop itself
//! has changed. Its plugin neither sees it nor can end it; no lock and no kill switch does.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    engine::{Alert, AmendOrder, Effect, Engine, Flaws, Record},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId},
    intent::TimeInForce,
    market::Side,
    num::Quantity,
    order::{Order, OrderKind, OrderState},
    risk::{Denial, Purpose},
    time::{Nanos, UnixNanos},
};

/// Pause before a stop that came to nothing is followed by another.
const PAUSE: Nanos = Nanos::from_millis(1_000);

type Key = (PluginId, InstrumentId);

#[derive(Clone, Copy, Debug, Default)]
struct Guarded {
    order: Option<ClientOrderId>,
    /// When the last one was placed.
    placed_at: Option<UnixNanos>,
    /// The venue has refused one: the next is kept here.
    kept: bool,
    retry_at: Option<UnixNanos>,
    /// The last change that was asked for, and when.
    asked: Option<(UnixNanos, AmendOrder)>,
}

/// The stops of all positions. Which order is whose follows from the orders; the rest is scratch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Protection {
    positions: BTreeMap<Key, Guarded>,
}

impl Protection {
    /// A stop was placed.
    pub(crate) fn opened(&mut self, order: &Order, at: UnixNanos) {
        let guarded = self.positions.entry((order.plugin(), order.instrument)).or_default();
        guarded.order = Some(order.id);
        guarded.placed_at = Some(at);
        guarded.retry_at = None;
    }

    fn retry(&mut self, key: Key, at: UnixNanos) {
        self.positions.entry(key).or_default().retry_at = Some(at);
    }

    /// Whether the host keeps a position's stop because the venue has refused it.
    pub(crate) fn keeps(&self, plugin: PluginId, instrument: InstrumentId) -> bool {
        self.positions.get(&(plugin, instrument)).is_some_and(|guarded| guarded.kept)
    }

    pub(crate) fn next(&self) -> Option<UnixNanos> {
        self.positions.values().filter_map(|guarded| guarded.retry_at).min()
    }

    fn due(&mut self, now: UnixNanos) -> Option<Key> {
        let due = |guarded: &Guarded| guarded.retry_at.is_some_and(|at| at <= now);
        let (key, guarded) = self.positions.iter_mut().find(|(_, guarded)| due(guarded))?;
        guarded.retry_at = None;
        Some(*key)
    }
}

impl<F: Flaws> Engine<F> {
    /// Sees to the stop of a position.
    pub(super) fn guard_position(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        effects: &mut Vec<Effect>,
    ) {
        let own = self.risk.scope(Some(plugin)).limits.protective_stop;
        let Some(stop) = own.or(self.risk.scope(None).limits.protective_stop) else {
            return;
        };
        let key = (plugin, instrument);
        let guarded = self.risk.protection.positions.get(&key).copied().unwrap_or_default();
        let order = guarded.order.filter(|id| self.orders.is_open(*id));
        let position = *self.account.sub_account(plugin).position(instrument);
        if position.quantity.is_zero() {
            self.risk.protection.positions.remove(&key);
            if let Some(id) = order {
                self.risk.protection.positions.insert(key, Guarded { order, ..guarded });
                self.cancel(id, effects);
            }
            return;
        }
        let rules = self.instrument(instrument);
        let side = if position.quantity > Quantity::ZERO { Side::Sell } else { Side::Buy };
        let quantity = position.quantity.abs().min(rules.max_quantity());
        let Some(kind) = stop.of(position.quantity, position.cost, rules) else {
            return self.unprotected(key, None, effects);
        };
        let standing = order.and_then(|id| self.orders.get(id));
        match standing {
            Some(tracked) if tracked.order.side == side => {
                let (id, filled) = (tracked.order.id, tracked.filled);
                let stands = tracked.order.kind.is_conditional()
                    && tracked.state != OrderState::Triggered
                    && !tracked.is_changing();
                if stands && self.is_passed(instrument, side, kind) {
                    self.cancel(id, effects);
                    self.follow_stop(key, id, (side, quantity, kind), effects);
                } else if stands {
                    self.fit_stop(id, filled + quantity, kind, effects);
                }
            }
            Some(tracked) => {
                let old = tracked.order.id;
                self.cancel(old, effects);
                self.follow_stop(key, old, (side, quantity, kind), effects);
            }
            None => {
                let begins = self.keep_refused(key);
                // One that ended as soon as it was placed is not followed by another at once.
                let again = guarded.placed_at.filter(|at| self.now.since(*at) < PAUSE);
                match again {
                    Some(at) if !begins => {
                        self.risk.protection.retry(key, at.plus(PAUSE));
                    }
                    _ => self.place_stop(key, side, quantity, kind, effects),
                }
            }
        }
    }

    /// Sees to the position of a stop that works and of which something was said. One whose cancel
    /// was refused is not canceled again at once: it may be over, and that is being asked.
    pub(super) fn guard_changed(
        &mut self,
        id: ClientOrderId,
        instrument: InstrumentId,
        effects: &mut Vec<Effect>,
    ) {
        let refused = self
            .orders
            .get(id)
            .is_some_and(|tracked| tracked.cancel_wanted && tracked.state == OrderState::Accepted);
        if refused {
            self.risk.protection.retry((id.plugin, instrument), self.now.plus(PAUSE));
        } else {
            self.guard_position(id.plugin, instrument, effects);
        }
    }

    /// Where the venue has refused the stop, the host keeps the next. Whether it has just begun to.
    fn keep_refused(&mut self, key: Key) -> bool {
        let guarded = self.risk.protection.positions.entry(key).or_default();
        let refused = guarded.order.and_then(|id| self.orders.get_any(id)).is_some_and(|tracked| {
            tracked.state == OrderState::Rejected && tracked.order.kind.is_conditional()
        });
        let begins = refused && !guarded.kept;
        guarded.kept |= refused;
        begins
    }

    /// Lets a stop follow the position's size and entry.
    fn fit_stop(
        &mut self,
        id: ClientOrderId,
        quantity: Quantity,
        kind: OrderKind,
        effects: &mut Vec<Effect>,
    ) {
        let Some(tracked) = self.orders.get(id) else {
            return;
        };
        let order = &tracked.order;
        let trigger = kind.trigger().filter(|trigger| order.kind.trigger() != Some(*trigger));
        let movable = order.kind.trigger().is_some();
        let change = AmendOrder {
            order: id,
            instrument: order.instrument,
            quantity: Some(quantity).filter(|quantity| *quantity != order.quantity),
            price: trigger.filter(|_| movable),
        };
        if change.quantity.is_none() && change.price.is_none() {
            return;
        }
        let (key, now) = ((id.plugin, change.instrument), self.now);
        let guarded = self.risk.protection.positions.entry(key).or_default();
        // What was refused a moment ago is not asked for again at once.
        let again =
            |(at, asked): &(UnixNanos, AmendOrder)| *asked == change && now.since(*at) < PAUSE;
        if let Some((at, _)) = guarded.asked.filter(again) {
            return self.risk.protection.retry(key, at.plus(PAUSE));
        }
        if self.doubts.contains(id) {
            return self.risk.protection.retry(key, now.plus(PAUSE));
        }
        guarded.asked = Some((now, change));
        if let Err(denial) = self.change(change, effects) {
            self.unprotected(key, Some(denial), effects);
        }
    }

    /// Places a stop after another, unless the end of that one has brought it forth already: a stop
    /// that is kept here ends at once.
    fn follow_stop(
        &mut self,
        key: Key,
        old: ClientOrderId,
        (side, quantity, kind): (Side, Quantity, OrderKind),
        effects: &mut Vec<Effect>,
    ) {
        let now = self.risk.protection.positions.get(&key).and_then(|guarded| guarded.order);
        if now == Some(old) {
            self.place_stop(key, side, quantity, kind, effects);
        }
    }

    fn place_stop(
        &mut self,
        (plugin, instrument): Key,
        side: Side,
        quantity: Quantity,
        kind: OrderKind,
        effects: &mut Vec<Effect>,
    ) {
        let passed = self.is_passed(instrument, side, kind);
        let order = Order {
            id: self.next_id(plugin),
            tag: OrderTag(0),
            instrument,
            side,
            quantity,
            kind: if passed { OrderKind::Market } else { kind },
            time_in_force: if passed { TimeInForce::Ioc } else { TimeInForce::Gtc },
            post_only: false,
            reduce_only: true,
        };
        if let Err(denial) = self.send(order, Purpose::Protective, None, effects) {
            self.unprotected((plugin, instrument), Some(denial), effects);
        }
    }

    /// Whether the market has passed a stop's trigger.
    pub(super) fn is_passed(&self, instrument: InstrumentId, side: Side, kind: OrderKind) -> bool {
        let mark = self.market_state(instrument).mark();
        kind.trigger().zip(mark).is_some_and(|(trigger, mark)| match side {
            Side::Sell => mark <= trigger,
            Side::Buy => mark >= trigger,
        })
    }

    fn unprotected(&mut self, key: Key, denial: Option<Denial>, effects: &mut Vec<Effect>) {
        let (plugin, instrument) = key;
        if let Some(denial) = denial {
            let instrument = Some(instrument);
            self.commit(Record::Denied { plugin, instrument, tag: None, denial }, effects);
        }
        self.commit(Record::Alert(Alert::Unprotected { plugin, instrument }), effects);
        self.risk.protection.retry(key, self.now.plus(PAUSE));
    }

    /// Sees to stops that came to nothing a while ago.
    pub(super) fn guard_again(&mut self, effects: &mut Vec<Effect>) {
        while let Some((plugin, instrument)) = self.risk.protection.due(self.now) {
            self.guard_position(plugin, instrument, effects);
        }
    }

    /// Sees to the stops of all positions, after a start.
    pub(super) fn guard_all(&mut self, effects: &mut Vec<Effect>) {
        for index in 0..self.holders.len() {
            let Ok(instrument) = u16::try_from(index).map(InstrumentId) else { continue };
            for plugin in self.holders[index].clone() {
                self.guard_position(plugin, instrument, effects);
            }
        }
    }
}
