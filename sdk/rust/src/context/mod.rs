//! What a strategy knows and can ask for while it handles an event.

use std::sync::Arc;

use core::time::Duration;

use crate::{
    BracketTags, Budget, Decimal, Instrument, InstrumentId, Order, OrderEvent, OrderTag,
    OrderUpdate, OwnOrder, Position, Random, Side, TimerId, Timestamp, TradingState, order::timer,
    own_orders::OwnOrders, wire,
};

pub use wire::Mode;

/// The session as the strategy knows it, and the way to ask for things.
///
/// Nothing here allocates unless something is asked for. During warm-up history what is asked for
/// is forgotten, as the host would ignore it.
#[derive(Debug)]
pub struct Context {
    mode: Mode,
    seed: u64,
    time: Timestamp,
    history: bool,
    next_tag: u64,
    intents: Vec<wire::Intent>,
    random: Random,
    // In the order of their ids; positions stand beside their instruments.
    instruments: Vec<Arc<Instrument>>,
    positions: Vec<Position>,
    orders: OwnOrders,
    currency: String,
    budget: Budget,
    trading_state: TradingState,
    arguments: Vec<wire::Argument>,
}

impl Context {
    pub(crate) fn new(session: wire::Session) -> Self {
        let time = Timestamp(session.time);
        let mut instruments: Vec<Arc<Instrument>> = Vec::new();
        for instrument in session.instruments {
            let id = InstrumentId(instrument.id);
            if let Err(at) = instruments.binary_search_by_key(&id, |each| each.id) {
                instruments.insert(at, Arc::new(instrument.into()));
            }
        }
        let flat = |instrument: &Arc<Instrument>| Position::flat(instrument.id, time);
        let positions = instruments.iter().map(flat).collect();
        // Tags go on after the largest that is in use.
        let last_tag = session.orders.iter().map(|order| order.tag).max().unwrap_or(0);
        let mut ctx = Self {
            mode: session.mode,
            seed: session.seed,
            time,
            history: false,
            next_tag: last_tag.wrapping_add(1),
            intents: Vec::new(),
            random: Random::new(session.seed),
            instruments,
            positions,
            orders: OwnOrders::restore(session.orders),
            budget: session.budget.into(),
            currency: session.currency,
            trading_state: session.trading_state,
            arguments: session.arguments,
        };
        for position in session.positions {
            ctx.set_position(position.into());
        }
        ctx
    }

    // ------------------------------------------------------------------------ what is known

    /// Now: the time of the event that is being handled.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Whether the event that is being handled is warm-up history.
    #[must_use]
    pub const fn is_history(&self) -> bool {
        self.history
    }

    /// Backtest, paper, testnet or live.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The session's seed: the same for the same run.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Random numbers that are the same in every run of the same seed.
    pub const fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// All instruments of the session, in the order of their ids.
    #[must_use]
    pub fn instruments(&self) -> &[Arc<Instrument>] {
        &self.instruments
    }

    fn index(&self, id: InstrumentId) -> Option<usize> {
        // Mostly there is one.
        match self.instruments.first() {
            Some(first) if first.id == id => Some(0),
            _ => self.instruments.binary_search_by_key(&id, |each| each.id).ok(),
        }
    }

    /// The instrument of this id.
    ///
    /// # Panics
    /// It is not one of the session's.
    #[must_use]
    pub fn instrument(&self, id: InstrumentId) -> Arc<Instrument> {
        match self.index(id) {
            Some(at) => Arc::clone(&self.instruments[at]),
            None => panic!("the session has no instrument {}", id.0),
        }
    }

    /// The instrument of this symbol.
    #[must_use]
    pub fn find_instrument(&self, symbol: &str) -> Option<Arc<Instrument>> {
        self.instruments.iter().find(|each| each.symbol == symbol).cloned()
    }

    /// The session's one instrument.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn only_instrument(&self) -> Result<Arc<Instrument>, String> {
        match self.instruments.as_slice() {
            [one] => Ok(Arc::clone(one)),
            all => Err(format!("needs exactly one instrument, the session has {}", all.len())),
        }
    }

    /// The own position, fills of the event that is being handled included.
    ///
    /// # Panics
    /// The instrument is not one of the session's.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> &Position {
        match self.index(instrument) {
            Some(at) => &self.positions[at],
            None => panic!("the session has no instrument {}", instrument.0),
        }
    }

    /// All own positions, flat ones included, in the order of their instruments.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// The signed quantity that the own position will have once the own market orders on their
    /// way have filled. Orders that wait for a price do not count.
    ///
    /// # Panics
    /// The instrument is not one of the session's.
    #[must_use]
    pub fn position_in_flight(&self, instrument: InstrumentId) -> Decimal {
        let mut quantity = self.position(instrument).quantity;
        for order in self.orders.as_slice() {
            if order.instrument == instrument && order.kind == Some(crate::OrderKind::Market) {
                quantity += order.side.signed(order.remaining());
            }
        }
        quantity
    }

    /// The own open orders, in the order of their tags; those on their way included.
    #[must_use]
    pub fn orders(&self) -> &[OwnOrder] {
        self.orders.as_slice()
    }

    /// The own open order of this tag; `None` once it is over.
    #[must_use]
    pub fn order(&self, tag: OrderTag) -> Option<&OwnOrder> {
        self.orders.get(tag)
    }

    /// The own share of the account, as last told.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The account's currency: that of budget, PnL and fees.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// What the host lets through.
    #[must_use]
    pub const fn trading_state(&self) -> TradingState {
        self.trading_state
    }

    /// The value of a parameter by its name, as the contract carries it.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&wire::ParameterValue> {
        self.arguments.iter().find(|each| each.name == name).map(|each| &each.value)
    }

    // ------------------------------------------------------------------------ what is asked for

    /// Asks for a market order to buy.
    pub fn buy(&mut self, instrument: InstrumentId, quantity: Decimal) -> OrderTag {
        self.place(Order::market(instrument, Side::Buy, quantity))
    }

    /// Asks for a market order to sell.
    pub fn sell(&mut self, instrument: InstrumentId, quantity: Decimal) -> OrderTag {
        self.place(Order::market(instrument, Side::Sell, quantity))
    }

    /// Asks for an order. Its tag is its name in [`Context::order`] and in the news of it.
    pub fn place(&mut self, order: Order) -> OrderTag {
        let tag = self.mint();
        if self.emit(|| wire::Intent::Place(order.to_wire(tag))) {
            self.orders.ask(tag, &order);
        }
        tag
    }

    /// Asks for an entry with its exits: the stop's trigger and the take-profit's limit price. The
    /// host places the exits as the entry fills; when one fills the other is canceled.
    pub fn bracket(
        &mut self,
        entry: Order,
        stop_loss: Decimal,
        take_profit: Decimal,
    ) -> BracketTags {
        let tags =
            BracketTags { entry: self.mint(), stop_loss: self.mint(), take_profit: self.mint() };
        let asked = self.emit(|| {
            wire::Intent::Bracket(wire::Bracket {
                entry: entry.to_wire(tags.entry),
                stop_loss_tag: tags.stop_loss.0,
                stop_loss: stop_loss.sent(),
                take_profit_tag: tags.take_profit.0,
                take_profit: take_profit.sent(),
            })
        });
        if asked {
            self.orders.ask(tags.entry, &entry);
        }
        tags
    }

    /// Asks for a position of this signed quantity: the host sends the difference as a market
    /// order, or none where it is less than the instrument's minimum.
    pub fn target_position(&mut self, instrument: InstrumentId, quantity: Decimal) -> OrderTag {
        self.target(instrument, quantity, None)
    }

    /// Like [`Self::target_position`], with a limit order at `limit`.
    pub fn target_position_at(
        &mut self,
        instrument: InstrumentId,
        quantity: Decimal,
        limit: Decimal,
    ) -> OrderTag {
        self.target(instrument, quantity, Some(limit))
    }

    fn target(
        &mut self,
        instrument: InstrumentId,
        quantity: Decimal,
        limit: Option<Decimal>,
    ) -> OrderTag {
        let tag = self.mint();
        // Whether an order comes of it, and which, is the host's to say.
        self.emit(|| {
            wire::Intent::TargetPosition(wire::TargetPosition {
                tag: tag.0,
                instrument: instrument.0,
                quantity: quantity.sent(),
                limit: limit.map(Decimal::sent),
            })
        });
        tag
    }

    /// Asks for a change of a working order: a new total quantity (the filled part included), a
    /// new limit price (the trigger where there is no limit), or both.
    pub fn amend(&mut self, tag: OrderTag, quantity: Option<Decimal>, price: Option<Decimal>) {
        let asked = self.emit(|| {
            wire::Intent::Amend(wire::Amend {
                tag: tag.0,
                quantity: quantity.map(Decimal::sent),
                price: price.map(Decimal::sent),
            })
        });
        if asked {
            self.orders.ask_amend(tag, price);
        }
    }

    /// Asks for the end of an order.
    pub fn cancel(&mut self, tag: OrderTag) {
        if self.emit(|| wire::Intent::Cancel(tag.0)) {
            self.orders.ask_cancel(tag);
        }
    }

    /// Asks for the end of all own orders.
    pub fn cancel_all(&mut self) {
        if self.emit(|| wire::Intent::CancelAll(None)) {
            self.orders.ask_cancel_all(None);
        }
    }

    /// Asks for the end of all own orders of one instrument.
    pub fn cancel_all_of(&mut self, instrument: InstrumentId) {
        if self.emit(|| wire::Intent::CancelAll(Some(instrument.0))) {
            self.orders.ask_cancel_all(Some(instrument));
        }
    }

    /// Asks to be woken once, this long from now. Takes the place of a timer of the same id.
    pub fn set_timer(&mut self, id: TimerId, after: Duration) {
        let at = self.time + after;
        self.emit(|| timer(id, at, None));
    }

    /// Asks to be woken at `first` and again after each `every`, at least 1 ms. Takes the place of
    /// a timer of the same id.
    pub fn set_timer_every(&mut self, id: TimerId, first: Timestamp, every: Duration) {
        self.emit(|| timer(id, first, Some(every)));
    }

    /// Asks not to be woken by a timer any more.
    pub fn cancel_timer(&mut self, id: TimerId) {
        self.emit(|| wire::Intent::CancelTimer(id.0));
    }

    fn mint(&mut self) -> OrderTag {
        let tag = OrderTag(self.next_tag);
        self.next_tag = self.next_tag.wrapping_add(1);
        tag
    }

    /// Whether it was asked for at all.
    fn emit(&mut self, intent: impl FnOnce() -> wire::Intent) -> bool {
        if self.history {
            return false;
        }
        self.intents.push(intent());
        true
    }

    // ------------------------------------------------------------------------ what is told

    #[inline]
    pub(crate) const fn at(&mut self, time: Timestamp, history: bool) {
        self.time = time;
        self.history = history;
    }

    #[inline]
    pub(crate) const fn has_intents(&self) -> bool {
        !self.intents.is_empty()
    }

    pub(crate) const fn intents_mut(&mut self) -> &mut Vec<wire::Intent> {
        &mut self.intents
    }

    pub(crate) fn note_order(&mut self, update: &OrderUpdate) {
        self.orders.update(update);
        // The position itself is told next; until then it must not lack what the order has.
        if let OrderEvent::Filled(fill) = &update.event
            && let Some(at) = self.index(update.instrument)
        {
            self.positions[at].quantity += update.side.signed(fill.quantity);
        }
    }

    pub(crate) fn set_position(&mut self, position: Position) {
        if let Some(at) = self.index(position.instrument) {
            self.positions[at] = position;
        }
    }

    pub(crate) const fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    pub(crate) const fn set_trading_state(&mut self, state: TradingState) {
        self.trading_state = state;
    }

    pub(crate) fn set_arguments(&mut self, arguments: Vec<wire::Argument>) {
        self.arguments = arguments;
    }
}

#[cfg(test)]
mod tests;
