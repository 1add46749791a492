//! What the journal says, read record by record as it is committed, and held against what is true
//! at the venue. Written apart from the engine: nothing here looks at the engine's state.

use std::collections::{BTreeMap, BTreeSet};

use sandpit_core::{
    engine::{Alert, News, Record},
    ids::{ClientOrderId, InstrumentId, PluginId, TradeId},
    instrument::Instrument,
    market::Side,
    num::Quantity,
    order::{Fill, Order, OrderState, Transition},
    plugin::TradingState,
    risk::Purpose,
};

use super::{
    operator::Operator,
    queue::Ask,
    truth::{Holding, Truth},
    violation::{Held, Invariant, broke},
};

/// An order as the journal has it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) order: Order,
    pub(super) purpose: Purpose,
    pub(super) state: OrderState,
    pub(super) filled: Quantity,
    /// Somebody asked for its end, and the venue did not refuse.
    pub(super) cancel_wanted: bool,
    /// Whether the host keeps it.
    pub(super) held: bool,
}

impl Line {
    fn remaining(&self) -> Quantity {
        (self.order.quantity - self.filled).max(Quantity::ZERO)
    }
}

/// What a record is held against.
pub(super) struct Around<'a> {
    pub(super) truth: &'a Truth,
    pub(super) operator: &'a Operator,
    /// Orders and changes that have been sent and have not arrived.
    pub(super) under_way: &'a BTreeMap<u64, Ask>,
}

/// The reader of a journal.
#[derive(Debug)]
pub(super) struct Ledger {
    rules: Vec<Instrument>,
    orders: BTreeMap<ClientOrderId, Line>,
    open: BTreeSet<ClientOrderId>,
    /// Orders that are over while not all their executions are booked.
    short: BTreeSet<ClientOrderId>,
    booked: BTreeSet<TradeId>,
    holdings: BTreeMap<(PluginId, InstrumentId), Holding>,
    /// Position, buys and sells of the account that are not ours.
    external: Vec<[Quantity; 3]>,
}

impl Ledger {
    pub(super) fn new(rules: &[Instrument]) -> Self {
        Self {
            rules: rules.to_vec(),
            orders: BTreeMap::new(),
            open: BTreeSet::new(),
            short: BTreeSet::new(),
            booked: BTreeSet::new(),
            holdings: BTreeMap::new(),
            external: vec![[Quantity::ZERO; 3]; rules.len()],
        }
    }

    pub(super) fn get(&self, id: ClientOrderId) -> Option<&Line> {
        self.orders.get(&id)
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &Line> {
        self.open.iter().filter_map(|id| self.orders.get(id))
    }

    pub(super) fn open_ids(&self) -> &BTreeSet<ClientOrderId> {
        &self.open
    }

    pub(super) fn is_booked(&self, trade: TradeId) -> bool {
        self.booked.contains(&trade)
    }

    pub(super) fn holding(&self, plugin: PluginId, instrument: InstrumentId) -> Holding {
        self.holdings.get(&(plugin, instrument)).copied().unwrap_or_default()
    }

    /// What was executed of orders for which the host keeps no room any more, and is not booked: no
    /// host can know of it. They are over; or reduce-only, and what they reduced is gone by now.
    pub(super) fn untold(&self, truth: &Truth, plugin: PluginId, of: InstrumentId) -> Quantity {
        let short = self.short.iter().filter_map(|id| self.orders.get(id));
        let reducing = self.open().filter(|line| line.order.reduce_only);
        let all = short.chain(reducing);
        let own = all.filter(|l| l.order.plugin() == plugin && l.order.instrument == of);
        Quantity(own.map(|l| (executed(truth, l.order.id) - l.filled).0.max(0)).sum())
    }

    /// Takes in one record.
    pub(super) fn note(&mut self, record: &Record, around: &Around<'_>) -> Held {
        match record {
            Record::Submitted { order, purpose, .. } => {
                self.permit(order, *purpose, order.quantity, around)?;
                self.begin(order, *purpose, OrderState::Submitted)?;
            }
            Record::Held { order, purpose, .. } => {
                self.begin(order, *purpose, OrderState::Emulated)?;
            }
            Record::Released { order: id, kind, quantity } => {
                let Some(line) = self.orders.get_mut(id) else {
                    return Err(unknown(*id));
                };
                line.order.kind = *kind;
                line.order.quantity = *quantity;
                line.state = OrderState::Submitted;
                line.held = false;
                let (order, purpose) = (line.order.clone(), line.purpose);
                self.permit(&order, purpose, *quantity, around)?;
            }
            Record::Moved { order, by, to, news, .. } => {
                self.moved(*order, *by, *to, news, around)?
            }
            Record::Filled { order, fill, .. } => self.fill(order, fill, around.truth)?,
            Record::Closed { order, .. } => self.close(order.id, around)?,
            Record::External { instrument, position, buying, selling } => {
                self.external[usize::from(instrument.0)] = [*position, *buying, *selling];
            }
            // An instrument is halted for nothing else.
            Record::Alert(
                alert @ (Alert::ImpossibleReport(..)
                | Alert::Overfilled(..)
                | Alert::StrangeReport(_)
                | Alert::NumberOverflow(_)
                | Alert::OrderVanished(_)),
            ) => return Err(broke(Invariant::NothingImpossible, format!("{alert:?}"))),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, order: &Order, purpose: Purpose, state: OrderState) -> Held {
        let line = Line {
            order: order.clone(),
            purpose,
            state,
            filled: Quantity::ZERO,
            cancel_wanted: false,
            held: state == OrderState::Emulated,
        };
        self.open.insert(order.id);
        if self.orders.insert(order.id, line).is_some() {
            let detail = format!("{} is journalled a second time", order.id);
            return Err(broke(Invariant::OneOrderPerId, detail));
        }
        Ok(())
    }

    fn moved(
        &mut self,
        id: ClientOrderId,
        by: Transition,
        to: OrderState,
        news: &News,
        around: &Around<'_>,
    ) -> Held {
        let Some(line) = self.orders.get_mut(&id) else {
            return Err(unknown(id));
        };
        line.state = to;
        match by {
            Transition::AskCancel => line.cancel_wanted = true,
            Transition::ChangeRejected => line.cancel_wanted = false,
            _ => {}
        }
        if let News::Became { quantity, kind } = news {
            line.order.quantity = *quantity;
            line.order.kind = *kind;
        }
        if let (Transition::AskUpdate, News::Asked { quantity, .. }) = (by, news) {
            let (order, purpose) = (line.order.clone(), line.purpose);
            let left = quantity.unwrap_or(order.quantity) - line.filled;
            self.permit(&order, purpose, left, around)?;
        }
        Ok(())
    }

    fn fill(&mut self, order: &Order, fill: &Fill, truth: &Truth) -> Held {
        if truth.trade(fill.trade_id) != Some(&(order.id, *fill)) {
            let detail = format!("{} never had {fill:?}", order.id);
            return Err(broke(Invariant::FillIsTrue, detail));
        }
        if !self.booked.insert(fill.trade_id) {
            let detail = format!("trade {} of {} is booked twice", fill.trade_id.0, order.id);
            return Err(broke(Invariant::FillBookedOnce, detail));
        }
        let rules = &self.rules[usize::from(order.instrument.0)];
        let holding = self.holdings.entry((order.plugin(), order.instrument)).or_default();
        holding.book(rules, order.side.signed(fill.quantity), fill);
        let Some(line) = self.orders.get_mut(&order.id) else {
            return Err(unknown(order.id));
        };
        line.filled += fill.quantity;
        if line.filled >= executed(truth, order.id) {
            self.short.remove(&order.id);
        }
        Ok(())
    }

    fn close(&mut self, id: ClientOrderId, around: &Around<'_>) -> Held {
        self.open.remove(&id);
        let works = around.truth.get(id).is_some_and(super::truth::Known::is_open);
        let is_coming = around
            .under_way
            .values()
            .any(|ask| matches!(ask, Ask::Submit(order) if order.id == id));
        if works || is_coming {
            let place = if works { "works at the venue" } else { "is on its way" };
            let detail = format!("{id} is over for the host, and {place}");
            return Err(broke(Invariant::NoOrderLost, detail));
        }
        let Some(line) = self.orders.get(&id) else {
            return Err(unknown(id));
        };
        if executed(around.truth, id) > line.filled {
            self.short.insert(id);
        }
        Ok(())
    }

    /// Whether the operator lets an order through of which so much may still trade.
    fn permit(&self, order: &Order, purpose: Purpose, left: Quantity, around: &Around<'_>) -> Held {
        let plugin = order.plugin();
        let (own, account) = (around.operator.own(plugin), around.operator.account());
        let state = own.max(account);
        if purpose.is_host() {
            // The host's own orders pass, and can only shrink.
            if order.reduce_only {
                return Ok(());
            }
            let detail = format!("{} of the host is not reduce-only", order.id);
            return Err(broke(Invariant::HaltedSendsNothing, detail));
        }
        if state == TradingState::Halted {
            let detail = format!("{} was sent while halted", order.id);
            return Err(broke(Invariant::HaltedSendsNothing, detail));
        }
        let mut room = i64::MAX;
        if own == TradingState::Reducing {
            room = room.min(self.reducible_of(plugin, order));
        }
        if account == TradingState::Reducing {
            room = room.min(self.reducible_of_all(order));
        }
        if left.0 > room {
            let detail = format!("{} of {} while only {room} reduces", order.id, left.0);
            return Err(broke(Invariant::ReducingOnlyShrinks, detail));
        }
        Ok(())
    }

    /// What of an order's side shrinks its plugin's position beside what works already.
    fn reducible_of(&self, plugin: PluginId, order: &Order) -> i64 {
        let position = self.holding(plugin, order.instrument).quantity;
        let pending: i64 =
            self.beside(order).filter(|l| l.order.plugin() == plugin).map(left).sum();
        (toward(order.side, position) - pending).max(0)
    }

    /// The same for the whole account, what is not ours included.
    fn reducible_of_all(&self, order: &Order) -> i64 {
        let [mut position, buying, selling] = self.external[usize::from(order.instrument.0)];
        let mut pending = if order.side == Side::Buy { buying.0 } else { selling.0 };
        let mut reducing: BTreeMap<PluginId, i64> = BTreeMap::new();
        for line in self.beside(order) {
            if line.order.reduce_only {
                *reducing.entry(line.order.plugin()).or_default() += left(line);
            } else {
                pending += left(line);
            }
        }
        for ((plugin, instrument), holding) in &self.holdings {
            if *instrument == order.instrument {
                position += holding.quantity;
                let room = toward(order.side, holding.quantity).max(0);
                pending += reducing.get(plugin).copied().unwrap_or(0).min(room);
            }
        }
        (toward(order.side, position) - pending).max(0)
    }

    /// Open orders of the same instrument and side, without the order itself.
    fn beside<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = &'a Line> {
        self.open().filter(|line| {
            line.order.id != order.id
                && line.order.instrument == order.instrument
                && line.order.side == order.side
                && line.purpose != Purpose::Protective
        })
    }
}

fn left(line: &Line) -> i64 {
    line.remaining().0
}

/// How much of a position an order of this side could take away; negative where it would add.
fn toward(side: Side, position: Quantity) -> i64 {
    match side {
        Side::Buy => -position.0,
        Side::Sell => position.0,
    }
}

fn executed(truth: &Truth, id: ClientOrderId) -> Quantity {
    truth.get(id).map_or(Quantity::ZERO, |known| known.filled)
}

fn unknown(id: ClientOrderId) -> super::violation::Broke {
    broke(Invariant::JournalBeforeEffects, format!("{id} was never journalled"))
}
