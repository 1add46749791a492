//! Orders that the host keeps because the venue cannot: stops, take-profits and trailing stops
//! that wait for their trigger here and go to the venue as market or limit orders.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::{
    engine::{Effect, Engine, Flaws, News, Origin, Record, orders::Tracked},
    ids::{ClientOrderId, InstrumentId, PluginId},
    intent::TimeInForce,
    market::Side,
    num::{Price, Quantity},
    order::{Order, OrderKind, OrderState, ReportKind, TrailingOffset, Transition},
    risk::{Act, approve},
    time::UnixNanos,
};

#[derive(Clone, Copy, Debug)]
struct Trail {
    side: Side,
    offset: TrailingOffset,
    /// Best price since it was placed.
    best: Option<Price>,
    /// Best price that is written down.
    noted: Option<Price>,
}

impl Trail {
    fn distance(&self, best: Price) -> i64 {
        match self.offset {
            TrailingOffset::Price(distance) => distance.0,
            TrailingOffset::BasisPoints(points) => {
                let distance = i128::from(best.0) * i128::from(points) / 10_000;
                i64::try_from(distance).unwrap_or(i64::MAX)
            }
        }
    }

    /// Follows the market; whether the trigger is reached.
    fn follow(&mut self, price: Price) -> bool {
        let best = self.best.map_or(price, |best| match self.side {
            Side::Sell => best.max(price),
            Side::Buy => best.min(price),
        });
        self.best = Some(best);
        let away = match self.side {
            Side::Sell => best.0 - price.0,
            Side::Buy => price.0 - best.0,
        };
        away >= self.distance(best).max(1)
    }

    /// The best price, when it has moved a tenth of the offset since it was written down.
    fn news(&self) -> Option<Price> {
        let best = self.best?;
        let moved = self
            .noted
            .is_none_or(|noted| (best.0 - noted.0).abs() >= (self.distance(best) / 10).max(1));
        moved.then_some(best)
    }
}

/// Of one instrument.
#[derive(Clone, Debug, Default)]
struct HeldOf {
    /// Triggers that are reached from below, and from above.
    rising: BTreeSet<(Price, ClientOrderId)>,
    falling: BTreeSet<(Price, ClientOrderId)>,
    trailing: BTreeMap<ClientOrderId, Trail>,
}

/// Where a held order is to be found.
#[derive(Clone, Copy, Debug)]
struct Home {
    instrument: InstrumentId,
    /// Whether its trigger is reached from below, and where it is; a trailing one has none.
    trigger: Option<(bool, Price)>,
    expires: Option<UnixNanos>,
}

/// All orders that the host keeps.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    instruments: Vec<HeldOf>,
    homes: BTreeMap<ClientOrderId, Home>,
    expiries: BTreeSet<(UnixNanos, ClientOrderId)>,
    /// Those whose trigger was reached and that wait for another order to make way.
    latched: BTreeSet<ClientOrderId>,
}

impl Held {
    pub(crate) fn new(instruments: usize) -> Self {
        Self {
            instruments: alloc::vec![HeldOf::default(); instruments],
            homes: BTreeMap::new(),
            expiries: BTreeSet::new(),
            latched: BTreeSet::new(),
        }
    }

    /// Takes in an order, or its changed form.
    pub(crate) fn insert(&mut self, order: &Order, best: Option<Price>) {
        let best = best.or_else(|| self.best_of(order.id));
        self.remove(order.id);
        let of = &mut self.instruments[usize::from(order.instrument.0)];
        let buy = order.side == Side::Buy;
        let trigger = match order.kind {
            OrderKind::Stop(trigger) | OrderKind::StopLimit { trigger, .. } => Some((buy, trigger)),
            OrderKind::TakeProfit(trigger) => Some((!buy, trigger)),
            OrderKind::TrailingStop(offset) => {
                let trail = Trail { side: order.side, offset, best, noted: best };
                of.trailing.insert(order.id, trail);
                None
            }
            OrderKind::Market | OrderKind::Limit(_) => None,
        };
        match trigger {
            Some((true, price)) => of.rising.insert((price, order.id)),
            Some((false, price)) => of.falling.insert((price, order.id)),
            None => false,
        };
        let expires = match order.time_in_force {
            TimeInForce::Gtd(until) => Some(until),
            TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => None,
        };
        self.expiries.extend(expires.map(|until| (until, order.id)));
        self.homes.insert(order.id, Home { instrument: order.instrument, trigger, expires });
    }

    pub(crate) fn remove(&mut self, id: ClientOrderId) {
        let Some(home) = self.homes.remove(&id) else {
            return;
        };
        self.leave(id, home);
        self.latched.remove(&id);
        if let Some(until) = home.expires {
            self.expiries.remove(&(until, id));
        }
    }

    fn leave(&mut self, id: ClientOrderId, home: Home) {
        let of = &mut self.instruments[usize::from(home.instrument.0)];
        match home.trigger {
            Some((true, price)) => of.rising.remove(&(price, id)),
            Some((false, price)) => of.falling.remove(&(price, id)),
            None => of.trailing.remove(&id).is_some(),
        };
    }

    pub(crate) fn set_best(&mut self, id: ClientOrderId, best: Price) {
        if let Some(trail) = self.trail_mut(id) {
            trail.best = Some(best);
            trail.noted = Some(best);
        }
    }

    /// Best prices of all trailing stops that have one.
    pub(crate) fn bests(&self) -> impl Iterator<Item = (ClientOrderId, Price)> {
        let all = self.instruments.iter().flat_map(|of| &of.trailing);
        all.filter_map(|(id, trail)| Some((*id, trail.best?)))
    }

    pub(crate) fn contains(&self, id: ClientOrderId) -> bool {
        self.homes.contains_key(&id)
    }

    pub(crate) fn is_latched(&self, id: ClientOrderId) -> bool {
        self.latched.contains(&id)
    }

    /// Notes that the trigger of an order was reached, whatever the market does now.
    pub(crate) fn latch(&mut self, id: ClientOrderId) {
        if let Some(home) = self.homes.get(&id).copied() {
            self.leave(id, home);
            self.latched.insert(id);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.homes.is_empty()
    }

    pub(crate) fn next_expiry(&self) -> Option<UnixNanos> {
        self.expiries.first().map(|(at, _)| *at)
    }

    fn expired(&self, now: UnixNanos) -> Option<ClientOrderId> {
        self.expiries.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    fn best_of(&self, id: ClientOrderId) -> Option<Price> {
        let home = self.homes.get(&id)?;
        self.instruments[usize::from(home.instrument.0)].trailing.get(&id)?.best
    }

    fn trail_mut(&mut self, id: ClientOrderId) -> Option<&mut Trail> {
        let home = self.homes.get(&id)?;
        self.instruments[usize::from(home.instrument.0)].trailing.get_mut(&id)
    }

    /// One whose trigger is reached at `price`, the nearest trigger first.
    fn reached(&self, instrument: InstrumentId, price: Price) -> Option<ClientOrderId> {
        let of = &self.instruments[usize::from(instrument.0)];
        let rising = of.rising.first().filter(|(trigger, _)| *trigger <= price);
        let falling = of.falling.last().filter(|(trigger, _)| *trigger >= price);
        rising.or(falling).map(|(_, id)| *id)
    }

    /// Lets trailing stops follow the market: those that are reached, and best prices to note.
    fn follow(
        &mut self,
        instrument: InstrumentId,
        price: Price,
    ) -> (Vec<ClientOrderId>, Vec<(ClientOrderId, Price)>) {
        let (mut reached, mut news) = (Vec::new(), Vec::new());
        for (id, trail) in &mut self.instruments[usize::from(instrument.0)].trailing {
            if trail.follow(price) {
                reached.push(*id);
            } else if let Some(best) = trail.news() {
                news.push((*id, best));
            }
        }
        (reached, news)
    }
}

impl<F: Flaws> Engine<F> {
    /// The market stands at `price`: sends what has waited for it.
    pub(super) fn trigger_held(
        &mut self,
        instrument: InstrumentId,
        price: Price,
        effects: &mut Vec<Effect>,
    ) {
        while let Some(id) = self.held.reached(instrument, price) {
            self.release(id, effects);
        }
        let (reached, news) = self.held.follow(instrument, price);
        for id in reached {
            self.release(id, effects);
        }
        for (order, best) in news {
            self.commit(Record::Trailed { order, best }, effects);
        }
    }

    pub(super) fn expire_held(&mut self, effects: &mut Vec<Effect>) {
        while let Some(id) = self.held.expired(self.now) {
            self.apply_report(id, ReportKind::Expired, self.now, Origin::Host, effects);
        }
    }

    /// Sends a held order, or ends it where risk does not let it go any more.
    fn release(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        let Some(tracked) = self.orders.get(id) else {
            return self.held.remove(id);
        };
        // What came before it in the same move of the market may have sent it.
        if !self.held.contains(id) {
            return;
        }
        let (mut order, purpose) = (tracked.order.clone(), tracked.purpose);
        order.kind = order.kind.limit().map_or(OrderKind::Market, OrderKind::Limit);
        let bound = order.reduce_only && !self.config.venue.keeps_reduce_only();
        let room = self.room(&order);
        if bound || room.is_some_and(|room| order.quantity > room) {
            if self.make_way(&order, effects) {
                return;
            }
            if bound {
                order.quantity = order.quantity.min(self.held_to(&order, id));
            }
            order.quantity = room.map_or(order.quantity, |room| order.quantity.min(room));
        }
        let quantity = order.quantity;
        if quantity.is_zero() {
            return self.end_held(id, effects);
        }
        let instrument = order.instrument;
        let kind = order.kind;
        let approved = self.scopes(id.plugin, instrument, Some(id)).and_then(|scopes| {
            let (rules, market) = (self.instrument(instrument), self.market_view(instrument));
            approve::<F>(order, rules, market, scopes, purpose, Act::Resume)
        });
        let approved = approved.and_then(|approved| {
            let meets = self.prevent_self_trade(approved.get(), purpose, effects)?;
            Ok((!meets).then_some(approved))
        });
        match approved {
            Ok(None) => self.end_held(id, effects),
            Ok(Some(approved)) => {
                self.commit(Record::Released { order: id, kind, quantity }, effects);
                effects.push(Effect::Submit(self.for_venue(approved)));
            }
            Err(denial) => {
                let tag = self.orders.get(id).map(|tracked| tracked.order.tag);
                let (plugin, instrument) = (id.plugin, Some(instrument));
                self.commit(Record::Denied { plugin, instrument, tag, denial }, effects);
                self.end_held(id, effects);
            }
        }
    }

    /// Ends what works at the venue to shrink the same position, or locks what is to be sold: an
    /// exit whose trigger was reached goes first. Whether there was anything; the exit then waits
    /// until that has ended.
    fn make_way(&mut self, order: &Order, effects: &mut Vec<Effect>) -> bool {
        let in_the_way: Vec<_> = self
            .orders
            .iter()
            .filter(|tracked| self.blocks(order, tracked))
            .map(|tracked| tracked.order.id)
            .collect();
        if in_the_way.is_empty() {
            return false;
        }
        if let Some(to) = self.state_after(order.id, Transition::Trigger)
            && self.orders.get(order.id).is_some_and(|t| t.state == OrderState::Emulated)
        {
            let (by, news, origin) = (Transition::Trigger, News::Nothing, Origin::Host);
            self.commit(Record::Moved { order: order.id, by, to, news, origin }, effects);
        }
        self.cancel_each(&in_the_way, effects);
        true
    }

    /// Whether one of its plugin's orders has to end before an exit can go: one that may only
    /// reduce and rests, or, where that locks a balance, any that rests or waits for its trigger.
    fn blocks(&self, exit: &Order, tracked: &Tracked) -> bool {
        let (order, locks) = (&tracked.order, self.config.venue.locks(exit.side));
        let waits = order.kind.is_conditional() && tracked.state != OrderState::Triggered;
        order.plugin() == exit.plugin()
            && order.side == exit.side
            && order.instrument == exit.instrument
            && !self.held.contains(order.id)
            && (order.reduce_only || locks)
            && (order.kind.limit().is_some() || (locks && waits))
    }

    /// Whether an exit whose trigger was reached waits for this order to end.
    pub(super) fn is_in_the_way(&self, tracked: &Tracked) -> bool {
        let mut latched = self.held.latched.iter().filter_map(|id| self.orders.get(*id));
        latched.any(|exit| self.blocks(&exit.order, tracked))
    }

    /// Sends the exits of a plugin that waited for an order to make way.
    pub(super) fn release_latched(&mut self, plugin: PluginId, effects: &mut Vec<Effect>) {
        let own = self.held.latched.iter().filter(|id| id.plugin == plugin);
        for id in own.copied().collect::<Vec<_>>() {
            self.release(id, effects);
        }
    }

    /// How much of an order's side would shrink its plugin's position, beside what is at the venue
    /// to do so.
    pub(super) fn held_to(&self, order: &Order, except: ClientOrderId) -> Quantity {
        let exposure = self.orders.plugin_exposure(order.plugin(), order.instrument);
        let held = match order.side {
            Side::Buy => -exposure.position,
            Side::Sell => exposure.position,
        };
        let at_venue = self.orders.iter().filter(|tracked| {
            tracked.order.plugin() == order.plugin()
                && tracked.order.instrument == order.instrument
                && tracked.order.side == order.side
                && tracked.order.id != except
                && self.orders.partner(tracked.order.id) != Some(except)
                && !self.held.contains(tracked.order.id)
        });
        let working: i64 = at_venue.map(|tracked| tracked.reserved().0).sum();
        Quantity(held.0.saturating_sub(working)).max(Quantity::ZERO)
    }

    /// Ends a held order; no venue has to be asked.
    pub(super) fn end_held(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        self.apply_report(id, ReportKind::Canceled, self.now, Origin::Host, effects);
    }

    /// Changes a held order; no venue has to be asked.
    pub(super) fn amend_held(
        &mut self,
        id: ClientOrderId,
        quantity: Quantity,
        kind: OrderKind,
        effects: &mut Vec<Effect>,
    ) {
        let news = News::Became { quantity, kind };
        let (by, to, origin) = (Transition::AskUpdate, OrderState::Emulated, Origin::Host);
        self.commit(Record::Moved { order: id, by, to, news, origin }, effects);
        self.tell_order(id, crate::plugin::OrderUpdateKind::Amended, effects);
    }

    /// Without reduce-only at the venue: what works there to shrink a position may not be more
    /// than the position, or it would turn it.
    pub(super) fn clip_to_position(
        &mut self,
        id: ClientOrderId,
        instrument: InstrumentId,
        effects: &mut Vec<Effect>,
    ) {
        if self.config.venue.keeps_reduce_only() {
            return;
        }
        let position = self.orders.plugin_exposure(id.plugin, instrument).position;
        let too_much: Vec<_> = self
            .orders
            .iter()
            .filter(|t| t.order.plugin() == id.plugin && t.order.instrument == instrument)
            .filter(|t| t.order.reduce_only && !self.held.contains(t.order.id))
            .filter(|t| !self.ends_with_partner(t.order.id))
            .filter(|t| {
                let held = if t.order.side == Side::Sell { position } else { -position };
                t.working() > held.max(Quantity::ZERO)
            })
            .map(|t| t.order.id)
            .collect();
        for order in too_much {
            match self.open_partner(order) {
                Some(partner) => self.clip_pair(order, partner, instrument, effects),
                None => self.cancel(order, effects),
            }
        }
    }
}
