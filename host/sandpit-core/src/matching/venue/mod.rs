//! One instrument at the venue: our orders there, and how they fill and end. What the market does
//! to them is in [`tape`], what we ask for is in [`requests`], orders that end each other are in
//! [`pairs`], what positions need behind them is in [`margin`].

mod margin;
mod pairs;
mod requests;
mod tape;

pub(super) use requests::UNKNOWN_ORDER;

use alloc::{collections::BTreeMap, vec::Vec};

use self::margin::Holding;
use crate::{
    ids::{ClientOrderId, InstrumentId, PluginId},
    instrument::Instrument,
    intent::TimeInForce,
    market::Side,
    matching::{
        BarPath, Beyond, FillModel, MarginRules, QueueModel, Touch, TriggerSource,
        desk::Desk,
        liquidity::{Liquidity, Offer},
        queue::Queue,
        resting::Resting,
        triggers::Triggers,
    },
    num::{Price, Quantity},
    order::{Fill, Order, ReportKind},
};

/// Where an order waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nowhere yet.
    Arriving,
    /// A market order for the next offer.
    Waiting,
    /// A limit order to be hit.
    Resting(Price),
    /// A trigger to be reached.
    Trigger { rising: bool, price: Price },
    /// A trigger that follows the market.
    Trailing,
}

#[derive(Clone, Debug)]
struct Live {
    order: Order,
    filled: Quantity,
    place: Place,
    arrival: u64,
    /// What stands before us at our price; `None` where it cannot be seen.
    queue: Option<Queue>,
    /// How much of it margin counts as open.
    counted: Quantity,
}

impl Live {
    fn remaining(&self) -> Quantity {
        self.order.quantity - self.filled
    }
}

/// As whom an order trades.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It comes to an offer and pays the offer's price.
    Taker,
    /// The offer comes to it and pays the order's limit.
    Maker,
}

/// One instrument. Orders that are over are forgotten.
#[derive(Clone, Debug)]
pub(super) struct Venue {
    instrument: InstrumentId,
    rules: Instrument,
    choices: Choices,
    margin: Option<MarginRules>,
    liquidity: Liquidity,
    /// Whether a working sell locks what it sells.
    locks: bool,
    orders: BTreeMap<ClientOrderId, Live>,
    /// From either order of a pair to the other.
    partners: BTreeMap<ClientOrderId, ClientOrderId>,
    resting: Resting,
    triggers: Triggers,
    /// Market orders for the next offer, by arrival.
    waiting: BTreeMap<u64, ClientOrderId>,
    /// From this venue's own fills; what reduce-only looks at.
    holdings: BTreeMap<PluginId, Holding>,
    /// The price at which margin was last counted.
    valued_at: Option<Price>,
    /// Scratch, kept for its memory.
    ids: Vec<ClientOrderId>,
    offers: Vec<Offer>,
}

/// What of a [`FillModel`] one instrument looks at again and again.
#[derive(Clone, Copy, Debug)]
struct Choices {
    touch: Touch,
    queue: QueueModel,
    beyond: Beyond,
    triggers: TriggerSource,
    bars: BarPath,
    /// One of the asset in the quantity's digits.
    unit: u64,
}

impl Venue {
    pub(super) fn new(instrument: InstrumentId, rules: Instrument, model: &FillModel) -> Self {
        let own = model.instruments.get(&instrument);
        let choices = Choices {
            touch: model.touch,
            queue: model.queue,
            beyond: model.beyond,
            triggers: own.and_then(|own| own.triggers).unwrap_or(model.triggers),
            bars: model.bars,
            unit: 10u64.saturating_pow(u32::from(rules.quantity_scale())),
        };
        Self {
            instrument,
            liquidity: Liquidity::new(&rules),
            rules,
            choices,
            margin: own.and_then(|own| own.margin.clone()),
            locks: false,
            orders: BTreeMap::new(),
            partners: BTreeMap::new(),
            resting: Resting::default(),
            triggers: Triggers::default(),
            waiting: BTreeMap::new(),
            holdings: BTreeMap::new(),
            valued_at: None,
            ids: Vec::new(),
            offers: Vec::new(),
        }
    }

    /// Our orders here, in the order of their birth.
    pub(super) fn order_ids(&self) -> impl Iterator<Item = ClientOrderId> + '_ {
        self.orders.keys().copied()
    }

    pub(super) fn open_orders(&self) -> usize {
        self.orders.len()
    }

    pub(super) const fn lock_balances(&mut self) {
        self.locks = true;
    }

    /// Whether there is so much to sell that no other sell locks.
    fn has_balance_for(&self, side: Side, more: Quantity) -> bool {
        if !self.locks || side == Side::Buy {
            return true;
        }
        let all = self.holdings.values().map(|holding| holding.position.quantity.0);
        let held = all.fold(0, i64::saturating_add);
        self.working(side).0.saturating_add(more.0) <= held
    }

    /// What all orders of a side could still trade; of a pair the larger of both.
    pub(super) fn working(&self, side: Side) -> Quantity {
        let all = self.orders.iter().filter(|(_, live)| live.order.side == side);
        let counted = all.map(|(id, live)| {
            let partner = self.partners.get(id);
            let theirs = partner.and_then(|other| Some((other, self.orders.get(other)?)));
            match theirs {
                Some((other, _)) if other < id => 0,
                Some((_, theirs)) => live.remaining().max(theirs.remaining()).0,
                None => live.remaining().0,
            }
        });
        Quantity(counted.fold(0, i64::saturating_add))
    }

    /// Lets a market or limit order, or one whose trigger was reached, take what it can and then
    /// wait, rest or end.
    fn work(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        let Some(live) = self.orders.get(&id) else {
            return;
        };
        let (side, limit) = (live.order.side, live.order.kind.limit());
        let time_in_force = live.order.time_in_force;
        if time_in_force == TimeInForce::Fok && !self.can_fill_whole(id) {
            return self.end(id, ReportKind::Canceled, desk);
        }
        self.meet(id, limit, Role::Taker, desk);
        let Some(live) = self.orders.get_mut(&id) else {
            return;
        };
        if matches!(time_in_force, TimeInForce::Ioc | TimeInForce::Fok) {
            return self.end(id, ReportKind::Canceled, desk);
        }
        let arrival = live.arrival;
        match limit {
            Some(price) => {
                live.place = Place::Resting(price);
                live.queue = self.liquidity.displayed(side, price).map(Queue::join);
                self.resting.insert(side, price, arrival, id);
            }
            None => {
                live.place = Place::Waiting;
                self.waiting.insert(arrival, id);
            }
        }
    }

    /// Whether what is offered, and what may be reduced, is enough for all of an order.
    fn can_fill_whole(&mut self, id: ClientOrderId) -> bool {
        let Some(live) = self.orders.get(&id) else {
            return false;
        };
        let (side, wanted) = (live.order.side, live.remaining());
        if live.order.reduce_only && self.reducible(id.plugin, side) < wanted {
            return false;
        }
        let limit = live.order.kind.limit();
        let beyond = Some(self.choices.beyond);
        self.liquidity.offers(side, limit, wanted, beyond, &mut self.offers);
        let (mut offered, mut highest) = (0i64, Price(0));
        for (price, quantity) in self.offers.drain(..) {
            offered = offered.saturating_add(quantity.0);
            highest = highest.max(price);
        }
        // Numbers that no account could hold end an order in the middle; this one must not begin.
        let held = self.position(id.plugin);
        offered >= wanted.0
            && self.rules.notional(highest, wanted).is_some()
            && held.0.checked_add(side.signed(wanted).0).is_some()
    }

    /// Fills an order from what is offered, up to `limit`.
    fn meet(&mut self, id: ClientOrderId, limit: Option<Price>, role: Role, desk: &mut Desk<'_>) {
        let Some(live) = self.orders.get(&id) else {
            return;
        };
        let side = live.order.side;
        // What nobody showed has not come to a maker.
        let beyond = (role == Role::Taker).then_some(self.choices.beyond);
        let mut offers = core::mem::take(&mut self.offers);
        self.liquidity.offers(side, limit, live.remaining(), beyond, &mut offers);
        for (offered_at, available) in offers.drain(..) {
            let price = match (role, limit) {
                (Role::Maker, Some(limit)) => limit,
                _ => offered_at,
            };
            let done = self.fill(id, price, available, role, desk);
            if done.is_zero() {
                break;
            }
            self.liquidity.take(side, offered_at, done);
        }
        self.offers = offers;
    }

    /// Fills at most `available` and returns how much it was. Ends the order where nothing remains,
    /// or where it may only reduce and there is nothing left to reduce.
    fn fill(
        &mut self,
        id: ClientOrderId,
        price: Price,
        available: Quantity,
        role: Role,
        desk: &mut Desk<'_>,
    ) -> Quantity {
        let Some(live) = self.orders.get(&id) else {
            return Quantity::ZERO;
        };
        let (side, reduce_only) = (live.order.side, live.order.reduce_only);
        let mut quantity = self.liquidity.whole(available.min(live.remaining()));
        if quantity.is_zero() {
            return Quantity::ZERO;
        }
        if reduce_only {
            quantity = quantity.min(self.reducible(id.plugin, side));
        }
        let signed = side.signed(quantity);
        let fits = self.position(id.plugin).0.checked_add(signed.0).is_some();
        // Nothing to reduce, or numbers that no account could hold.
        let (Some(notional), true, false) =
            (self.rules.notional(price, quantity), fits, quantity.is_zero())
        else {
            self.end(id, ReportKind::Canceled, desk);
            return Quantity::ZERO;
        };
        let maker = role == Role::Maker;
        let fill = Fill {
            trade_id: desk.next_trade(),
            price,
            quantity,
            fee: desk.fee(&self.rules, notional, maker),
            maker,
        };
        desk.say(id, ReportKind::Filled(fill));
        let holding = self.holdings.entry(id.plugin).or_default();
        let paid = if side == Side::Buy { notional } else { -notional };
        holding.position.fill(signed, paid, fill.fee);
        let remaining = self.orders.get_mut(&id).map_or(Quantity::ZERO, |live| {
            live.filled += quantity;
            live.remaining()
        });
        self.recount(id, false, desk);
        self.end_partner(id, desk);
        if remaining.is_zero() {
            self.remove(id, desk);
        } else if reduce_only && self.reducible(id.plugin, side).is_zero() {
            self.end(id, ReportKind::Canceled, desk);
        }
        quantity
    }

    /// How much of `side` would shrink the plugin's position.
    fn reducible(&self, plugin: PluginId, side: Side) -> Quantity {
        let held = self.position(plugin);
        match side {
            Side::Buy => Quantity(held.0.saturating_neg()),
            Side::Sell => held,
        }
        .max(Quantity::ZERO)
    }

    /// Ends an order as the owner, the clock or the venue wants it.
    pub(super) fn end(&mut self, id: ClientOrderId, how: ReportKind, desk: &mut Desk<'_>) {
        if self.remove(id, desk) {
            desk.say(id, how);
            // Whatever ended it before it traded ends its pair.
            if let Some(other) = self.unpair(id) {
                self.end(other, ReportKind::Canceled, desk);
            }
        }
    }

    fn remove(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) -> bool {
        self.leave_place(id);
        self.recount(id, true, desk);
        let Some(live) = self.orders.remove(&id) else {
            return false;
        };
        if let TimeInForce::Gtd(until) = live.order.time_in_force {
            desk.forget_expiry(until, self.instrument, id);
        }
        true
    }

    fn leave_place(&mut self, id: ClientOrderId) {
        let Some(live) = self.orders.get_mut(&id) else {
            return;
        };
        match core::mem::replace(&mut live.place, Place::Arriving) {
            Place::Arriving => {}
            Place::Waiting => {
                self.waiting.remove(&live.arrival);
            }
            Place::Resting(price) => self.resting.remove(live.order.side, price, live.arrival),
            Place::Trigger { rising, price } => self.triggers.remove(rising, price, live.arrival),
            Place::Trailing => {
                self.triggers.remove_trailing(live.arrival);
            }
        }
    }
}
