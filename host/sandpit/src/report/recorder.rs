//! Listens to a run and sums it up. Memory is bounded by the number of plugins, instruments and
//! open orders, and by named constants; never by the length of the tape.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::Path,
};

use sandpit_core::{
    account::Account,
    engine::Alert,
    ids::{ClientOrderId, InstrumentId, PluginId},
    market::{MarketData, MarketEvent},
    num::{Money, Price, Quantity},
    order::{Fill, Order, OrderState},
    plugin::{CallCost, Fault, TradingState},
    risk::{Denial, DenialCode},
    simulation::Observer,
    time::UnixNanos,
};

use super::{
    calendar::NANOS_PER_HOUR,
    model::{AlertRow, EventCounts, FaultRow, Resources, StateRow},
    round_trips::{ClosedTrade, FillContext, OpenTrade, take_fill},
    scope::Scope,
    series::{Extent, Series},
    setup::{Cells, Setup, alert_text},
    streams::{OrderEnd, Streams},
    value::Time,
};

/// Buckets of a price curve.
pub const PRICE_POINTS_MAX: u64 = 4_096;
/// Closed trades that are kept for the report; the last ones.
pub const TRADES_KEPT_MAX: usize = 2_000;
/// Faults per plugin that are kept; the first ones.
pub const FAULTS_KEPT_MAX: usize = 100;
/// Bytes of a fault's text that are kept.
pub const FAULT_DETAIL_BYTES_MAX: usize = 4_096;
/// Changes of the trading state per plugin that are kept; the first ones.
pub const STATES_KEPT_MAX: usize = 200;
/// Alerts that are kept; the first ones.
pub const ALERTS_KEPT_MAX: usize = 200;
/// Open orders whose submission is remembered. The engine bounds open orders per scope; beyond
/// this bound an order's line has no time of submission.
pub const OPEN_ORDERS_MAX: usize = 65_536;

/// An open position's trade.
#[derive(Debug)]
struct Holding {
    plugin: PluginId,
    trade: OpenTrade,
}

/// One instrument while it runs.
pub(super) struct Market {
    pub(super) price: Series<Extent<Price>>,
    /// Whether trades or bars have set the price; quotes no longer do then, as for the core's mark.
    traded: bool,
    holdings: Vec<Holding>,
}

/// One plugin while it runs.
#[derive(Default)]
pub(super) struct PluginLog {
    pub(super) denials: BTreeMap<DenialCode, u64>,
    pub(super) faults: Vec<FaultRow>,
    pub(super) faults_total: u64,
    pub(super) states: Vec<StateRow>,
    pub(super) states_total: u64,
    pub(super) resources: Resources,
}

struct OpenOrder {
    order: Order,
    submitted: UnixNanos,
    filled: Quantity,
}

/// Observes a run for its [`super::Report`].
pub struct Recorder {
    pub(super) setup: Setup,
    cells: Cells,
    pub(super) account: Scope,
    pub(super) plugins: Vec<Scope>,
    pub(super) logs: Vec<PluginLog>,
    pub(super) markets: Vec<Market>,
    pub(super) events: EventCounts,
    pub(super) first: Option<UnixNanos>,
    pub(super) last: UnixNanos,
    next_hour: u64,
    /// Plugins with a fill since they were last valued.
    stale: Vec<PluginId>,
    open_orders: BTreeMap<ClientOrderId, OpenOrder>,
    pub(super) trades: VecDeque<ClosedTrade>,
    pub(super) alerts: Vec<AlertRow>,
    pub(super) alerts_total: u64,
    streams: Streams,
}

impl Recorder {
    /// Listens to a run of `setup`. With a folder, every fill, order and trade is written there as
    /// it happens.
    ///
    /// # Errors
    /// The files cannot be made.
    pub fn new(setup: Setup, folder: Option<&Path>) -> io::Result<Self> {
        let budgets = || setup.plugins.iter().map(|plugin| plugin.budget);
        Ok(Self {
            cells: Cells::new(&setup),
            account: Scope::new(budgets().sum()),
            plugins: budgets().map(Scope::new).collect(),
            logs: budgets().map(|_| PluginLog::default()).collect(),
            markets: setup
                .instruments
                .iter()
                .map(|_| Market {
                    price: Series::new(PRICE_POINTS_MAX),
                    traded: false,
                    holdings: Vec::new(),
                })
                .collect(),
            events: EventCounts::default(),
            first: None,
            last: UnixNanos(0),
            next_hour: 0,
            stale: Vec::new(),
            open_orders: BTreeMap::new(),
            trades: VecDeque::new(),
            alerts: Vec::new(),
            alerts_total: 0,
            streams: Streams::open(folder)?,
            setup,
        })
    }

    /// Market events so far.
    #[must_use]
    pub const fn events(&self) -> EventCounts {
        self.events
    }

    /// Equity of the account as last marked.
    #[must_use]
    pub const fn equity(&self) -> Money {
        self.account.equity
    }

    /// Values what an event of `instrument` can have changed: plugins that hold it, and plugins
    /// that traded anything since.
    #[inline]
    fn revalue(&mut self, instrument: InstrumentId, time: UnixNanos, account: &Account) {
        let Some(market) = self.markets.get_mut(usize::from(instrument.0)) else {
            return;
        };
        let mut change = Money::ZERO;
        for holding in &mut market.holdings {
            let share = account.sub_account(holding.plugin);
            holding.trade.mark(share.position(instrument));
            let equity = share.equity();
            let scope = &mut self.plugins[usize::from(holding.plugin.0)];
            if equity != scope.equity {
                change += equity - scope.equity;
                scope.set_equity(equity, time, self.last);
            }
        }
        change += self.revalue_stale(time, account);
        if change != Money::ZERO {
            self.account.set_equity(self.account.equity + change, time, self.last);
        }
    }

    fn revalue_stale(&mut self, time: UnixNanos, account: &Account) -> Money {
        let mut change = Money::ZERO;
        for plugin in self.stale.drain(..) {
            let equity = account.sub_account(plugin).equity();
            let scope = &mut self.plugins[usize::from(plugin.0)];
            if equity != scope.equity {
                change += equity - scope.equity;
                scope.set_equity(equity, time, self.last);
            }
        }
        change
    }

    /// An hour has begun, the first one included.
    #[inline(never)]
    fn turn_hour(&mut self, time: UnixNanos) {
        let begins = self.first.is_none();
        for scope in std::iter::once(&mut self.account).chain(&mut self.plugins) {
            if begins {
                scope.begin(time);
            } else {
                scope.advance(time);
            }
        }
        if begins {
            self.first = Some(time);
            self.last = time;
        }
        self.next_hour = (time.0 / NANOS_PER_HOUR + 1).saturating_mul(NANOS_PER_HOUR);
    }

    fn begin(&mut self, time: UnixNanos) {
        if self.first.is_none() {
            self.turn_hour(time);
        }
    }

    /// Whether plugin and instrument are of this run; an observer must not trust its caller to
    /// index.
    fn knows(&self, plugin: PluginId, instrument: InstrumentId) -> bool {
        usize::from(plugin.0) < self.plugins.len() && usize::from(instrument.0) < self.markets.len()
    }

    /// Takes a fill into its round trip.
    fn round_trip(&mut self, context: &FillContext<'_>, was_flat: bool) {
        let market = &mut self.markets[usize::from(context.instrument.0)];
        let at = market.holdings.iter().position(|holding| holding.plugin == context.plugin);
        let open = at.map(|at| market.holdings.swap_remove(at).trade);
        let (open, closed) = take_fill(open, context);
        let is_flat = open.is_none();
        if let Some(trade) = open {
            market.holdings.push(Holding { plugin: context.plugin, trade });
        }
        for scope in [&mut self.plugins[usize::from(context.plugin.0)], &mut self.account] {
            match (was_flat, is_flat) {
                (true, false) => scope.opened(context.time),
                (false, true) => scope.closed(context.time),
                _ => {}
            }
        }
        let Some(trade) = closed else { return };
        self.plugins[usize::from(trade.plugin.0)].closed_trade(&trade);
        self.account.closed_trade(&trade);
        let names = self.cells.of(trade.plugin, trade.instrument);
        let instrument = &self.setup.instruments[usize::from(trade.instrument.0)];
        self.streams.trade(names, instrument, &trade);
        if self.trades.len() >= TRADES_KEPT_MAX {
            self.trades.pop_front();
        }
        self.trades.push_back(trade);
    }

    /// Ends the recording: the last values, the orders that are still open, the files.
    pub(super) fn close(mut self, account: &Account) -> io::Result<(Self, String)> {
        let change = self.revalue_all(account);
        if change != Money::ZERO {
            self.account.set_equity(self.account.equity + change, self.last, self.last);
        }
        if self.first.is_some() {
            for scope in std::iter::once(&mut self.account).chain(&mut self.plugins) {
                scope.hours.close(scope.equity);
                scope.days.close(scope.equity);
            }
        }
        for (_, open) in std::mem::take(&mut self.open_orders) {
            let (plugin, instrument) = (open.order.plugin(), open.order.instrument);
            let end = OrderEnd { closed: None, filled: open.filled, state: "open" };
            let names = self.cells.of(plugin, instrument);
            let rules = &self.setup.instruments[usize::from(instrument.0)];
            self.streams.order(names, rules, &open.order, Some(open.submitted), end);
        }
        let streams = std::mem::replace(&mut self.streams, Streams::open(None)?);
        let hash = streams.finish()?;
        Ok((self, hash))
    }

    fn revalue_all(&mut self, account: &Account) -> Money {
        let plugins = self.plugins.len().min(account.sub_accounts().len());
        self.stale = (0..plugins).filter_map(|at| u16::try_from(at).ok()).map(PluginId).collect();
        self.revalue_stale(self.last, account)
    }
}

impl Market {
    #[inline]
    fn trade_at(&mut self, time: UnixNanos, price: Extent<Price>) {
        self.traded = true;
        self.price.add(time, price);
    }
}

impl Observer for Recorder {
    #[inline]
    fn market(&mut self, event: &MarketEvent, account: &Account) {
        let time = event.time;
        if time.0 >= self.next_hour {
            self.turn_hour(time);
        }
        let Some(market) = self.markets.get_mut(usize::from(event.instrument.0)) else {
            return;
        };
        match &event.data {
            MarketData::Trade(trade) => {
                self.events.trades += 1;
                market.trade_at(time, Extent::one(trade.price));
            }
            MarketData::Quote(quote) => {
                self.events.quotes += 1;
                if !market.traded && !quote.bid_quantity.is_zero() && !quote.ask_quantity.is_zero()
                {
                    let middle = quote.bid_price.0.midpoint(quote.ask_price.0);
                    market.price.add(time, Extent::one(Price(middle)));
                }
            }
            MarketData::Bar(bar) => {
                self.events.bars += 1;
                let extent = Extent { min: bar.low, max: bar.high, last: bar.close };
                market.trade_at(time, extent);
            }
            MarketData::Depth(_) => self.events.depth += 1,
            MarketData::Mark(_) => self.events.marks += 1,
            MarketData::Funding(_) => self.events.fundings += 1,
        }
        if !market.holdings.is_empty() || !self.stale.is_empty() {
            self.revalue(event.instrument, time, account);
        }
        self.last = time;
    }

    fn submitted(&mut self, order: &Order, time: UnixNanos) {
        self.begin(time);
        if !self.knows(order.plugin(), order.instrument) {
            return;
        }
        self.plugins[usize::from(order.plugin().0)].orders += 1;
        self.account.orders += 1;
        if self.open_orders.len() < OPEN_ORDERS_MAX {
            let open = OpenOrder { order: order.clone(), submitted: time, filled: Quantity::ZERO };
            self.open_orders.insert(order.id, open);
        }
    }

    fn filled(&mut self, order: &Order, fill: &Fill, time: UnixNanos, account: &Account) {
        self.begin(time);
        let (plugin, id) = (order.plugin(), order.instrument);
        if !self.knows(plugin, id) {
            return;
        }
        let share = account.sub_account(plugin);
        let position = share.position(id);
        let signed = order.side.signed(fill.quantity);
        let instrument = &self.setup.instruments[usize::from(id.0)];
        // The engine books no fill whose notional does not fit.
        let notional = instrument.notional(fill.price, fill.quantity).unwrap_or_default();
        for scope in [&mut self.plugins[usize::from(plugin.0)], &mut self.account] {
            scope.fill(fill, notional, time);
            scope.trade(id, signed, fill, time);
        }
        if let Some(open) = self.open_orders.get_mut(&order.id) {
            open.filled += fill.quantity;
        }
        let names = self.cells.of(plugin, id);
        self.streams.fill(names, instrument, order, fill, time, (position.quantity, share));
        let context =
            FillContext { plugin, instrument: id, side: order.side, fill, time, position };
        self.round_trip(&context, (position.quantity - signed).is_zero());
        if !self.stale.contains(&plugin) {
            self.stale.push(plugin);
        }
    }

    fn closed(&mut self, order: &Order, state: OrderState, filled: Quantity, time: UnixNanos) {
        self.begin(time);
        let (plugin, instrument) = (order.plugin(), order.instrument);
        if !self.knows(plugin, instrument) {
            return;
        }
        let submitted = self.open_orders.remove(&order.id).map(|open| open.submitted);
        let name = kebab(state);
        let end = OrderEnd { closed: Some(time), filled, state: &name };
        let names = self.cells.of(plugin, instrument);
        let rules = &self.setup.instruments[usize::from(instrument.0)];
        self.streams.order(names, rules, order, submitted, end);
    }

    fn denied(
        &mut self,
        plugin: PluginId,
        _instrument: Option<InstrumentId>,
        denial: &Denial,
        time: UnixNanos,
    ) {
        self.begin(time);
        if let Some(log) = self.logs.get_mut(usize::from(plugin.0)) {
            *log.denials.entry(denial.code()).or_default() += 1;
            self.plugins[usize::from(plugin.0)].denials += 1;
            self.account.denials += 1;
        }
    }

    #[inline]
    fn called(&mut self, plugin: PluginId, cost: CallCost) {
        if let Some(log) = self.logs.get_mut(usize::from(plugin.0)) {
            log.resources.calls += 1;
            log.resources.fuel_total = log.resources.fuel_total.saturating_add(cost.fuel);
            log.resources.fuel_max = log.resources.fuel_max.max(cost.fuel);
        }
    }

    fn faulted(&mut self, plugin: PluginId, fault: &Fault, time: UnixNanos) {
        self.begin(time);
        let Some(log) = self.logs.get_mut(usize::from(plugin.0)) else {
            return;
        };
        log.faults_total += 1;
        if log.faults.len() < FAULTS_KEPT_MAX {
            let end = fault.detail.floor_char_boundary(FAULT_DETAIL_BYTES_MAX);
            log.faults.push(FaultRow {
                time: Time(time),
                code: fault.code.name().to_owned(),
                detail: fault.detail[..end].to_owned(),
            });
        }
    }

    fn alert(&mut self, alert: &Alert, time: UnixNanos) {
        self.begin(time);
        self.alerts_total += 1;
        if self.alerts.len() < ALERTS_KEPT_MAX {
            let text = alert_text(alert, &self.setup);
            self.alerts.push(AlertRow { time: Time(time), text });
        }
    }

    fn trading_state(&mut self, plugin: PluginId, state: TradingState, time: UnixNanos) {
        self.begin(time);
        let Some(log) = self.logs.get_mut(usize::from(plugin.0)) else {
            return;
        };
        log.states_total += 1;
        if log.states.len() < STATES_KEPT_MAX {
            let state = match state {
                TradingState::Active => "active",
                TradingState::Reducing => "reducing",
                TradingState::Halted => "halted",
            };
            log.states.push(StateRow { time: Time(time), state: state.to_owned() });
        }
    }
}

/// `PartiallyFilled` as `partially-filled`.
fn kebab(state: OrderState) -> String {
    let mut text = String::new();
    for letter in format!("{state:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
