//! The engine: the only owner of trading state. One closed [`Event`] in, [`Effect`]s out, nothing
//! else. Backtest, paper and live step this same code; what differs is who carries out the effects.
//!
//! **Architecture invariant:** lasting state changes only by a [`Record`], in `apply`. Live, a
//! decision is made, written as a record and applied; at a restart the journal's records are
//! applied. All records of one step belong together: they are to be on disk before any other
//! effect of the step is carried out.
//!
//! Rooms: `intents` (wishes to orders), `reports` (what venues say), `feed` (market events to
//! plugins), `held` (orders that wait here for their trigger), `doubts` and `reconcile` (what is
//! not known, and how it is found out), `recover` (a start), `locks`, `flatten`, `brackets`,
//! `capabilities` (what the venue has), `pairs` (exits of which one ends the other), `balance` (what
//! there is to sell), `deadlines` (orders that end at a time), `timers`, `faults` (plugins at fault), `joining` (plugins that come later), `orders` (the only owner of an order's state); of risk: `scopes` (what it looks at and
//! keeps), `guards` (losses), `ramp`, `protection` (stops that the host keeps).

mod apply;
mod balance;
mod brackets;
mod capabilities;
mod config;
mod deadlines;
mod doubts;
mod event;
mod faults;
mod feed;
mod flatten;
mod flaws;
mod guards;
mod held;
mod intents;
mod joining;
mod locks;
mod orders;
mod pairs;
mod protection;
mod ramp;
mod reconcile;
mod record;
mod recover;
mod replace;
mod reports;
mod scopes;
mod timers;
mod venue_news;
mod views;

pub use brackets::{ExitPlan, Exits};
pub use capabilities::{Amends, TrailingStops, VenueCapabilities, VenueFeature};
pub use config::{EngineConfig, PluginConfig};
pub use event::{Alert, AmendOrder, CancelOrder, Command, Effect, Event, QueryOrder, Reconcile};
pub use flaws::{Flaws, Sound};
pub use joining::AddPluginError;
pub use locks::{Lock, LockReason};
pub use orders::CLOSED_ORDERS_MAX;
pub use record::{CarriedOrder, EquitySample, News, Origin, Record};
pub use recover::{RecordError, RecoveryConfig};
pub use timers::{TIMER_LEAD_MIN, TIMERS_PER_PLUGIN_MAX};
pub use venue_news::{
    AccountFill, ExternalOrder, OrderStatus, VenueEvent, VenueOrder, VenueOrderState, VenueSnapshot,
};

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

use crate::{
    account::Account,
    ids::{ClientOrderId, InstrumentId, PluginId},
    instrument::Instrument,
    market::MarketState,
    num::Quantity,
    order::OrderKind,
    plugin::{PluginEvent, TradingState},
    risk::{Purpose, Scope},
    time::UnixNanos,
};
use brackets::Brackets;
use deadlines::Deadlines;
use doubts::Doubts;
use feed::Feed;
use held::Held;
use locks::ScopeState;
use orders::Orders;
use reconcile::RecentFills;
use scopes::Risk;
use timers::Timers;

/// Trading state of a run, and the one function that moves it. Host code uses it as it is: `F` is
/// [`Sound`] everywhere but in tests of the fault simulator.
#[derive(Clone, Debug)]
pub struct Engine<F: Flaws = Sound> {
    flaws: core::marker::PhantomData<F>,
    config: EngineConfig,
    markets: Vec<MarketState>,
    feed: Feed,

    /// Plugins of the configuration that no record has added yet.
    waiting: VecDeque<PluginConfig>,

    // Lasting: changed by `apply` alone.
    /// Instruments on which something impossible was reported; only cancels pass.
    halted: Vec<bool>,
    account: Account,
    /// Position, buys and sells of the account that are not ours, by instrument.
    external: Vec<[Quantity; 3]>,
    /// Plugins with an open position, by instrument; those are marked.
    holders: Vec<Vec<PluginId>>,
    orders: Orders,
    brackets: Brackets,
    held: Held,
    /// Orders that the host ends at their time, because the venue does not.
    deadlines: Deadlines,
    /// Orders that are being canceled to be placed anew, with what they are to be.
    replacing: BTreeMap<ClientOrderId, (Quantity, OrderKind)>,
    timers: Timers,
    plugin_states: Vec<ScopeState>,
    account_state: ScopeState,
    flattening: BTreeSet<PluginId>,
    /// Of the last client order id.
    sequence: u64,
    recent_fills: RecentFills,
    risk: Risk,
    /// The venue's time of the books that ours were last compared with.
    reconciled_at: Option<UnixNanos>,

    // Follows from the rest and from the clock.
    lock_end: Option<UnixNanos>,
    doubts: Doubts,
    reconcile_next: Option<UnixNanos>,
    flatten_next: Option<UnixNanos>,
    compared: bool,
    reconciled: bool,
    now: UnixNanos,
}

impl Engine {
    /// An engine with flat positions and no orders.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        Self::with_flaws(config)
    }
}

impl<F: Flaws> Engine<F> {
    /// An engine with flat positions, no orders, and the flaws of `F`: for tests that show that a
    /// flaw is found.
    #[must_use]
    pub fn with_flaws(config: EngineConfig) -> Self {
        let instruments = config.instruments.len();
        let reduces = config.venue.keeps_reduce_only();
        let mut orders = Orders::new(config.plugins.len(), instruments, reduces);
        let everybody = config.account_limits.protective_stop.is_some();
        for (index, plugin) in (0u16..).zip(&config.plugins) {
            if everybody || plugin.limits.protective_stop.is_some() {
                orders.protect(PluginId(index));
            }
        }
        let budgets: Vec<_> = config.plugins.iter().map(|plugin| plugin.budget).collect();
        Self {
            flaws: core::marker::PhantomData,
            markets: alloc::vec![MarketState::default(); instruments],
            feed: Feed::new(&config),
            waiting: VecDeque::new(),
            halted: alloc::vec![false; instruments],
            account: Account::new(&budgets, instruments),
            external: alloc::vec![[Quantity::ZERO; 3]; instruments],
            holders: alloc::vec![Vec::new(); instruments],
            orders,
            brackets: Brackets::default(),
            held: Held::new(instruments),
            deadlines: Deadlines::default(),
            replacing: BTreeMap::new(),
            timers: Timers::default(),
            plugin_states: alloc::vec![ScopeState::new(); config.plugins.len()],
            account_state: ScopeState::new(),
            flattening: BTreeSet::new(),
            sequence: 0,
            recent_fills: RecentFills::default(),
            risk: Risk::new(&config),
            reconciled_at: None,
            lock_end: None,
            doubts: Doubts::default(),
            reconcile_next: None,
            flatten_next: None,
            compared: false,
            reconciled: true,
            now: UnixNanos(0),
            config,
        }
    }

    /// Moves by one event and appends what is to be done about it.
    pub fn step(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Market(event) => self.market(&event, false, effects),
            Event::History(event) => self.market(&event, true, effects),
            Event::Clock(now) => self.clock(now, effects),
            Event::Intents { plugin, intents } => {
                for intent in &intents {
                    self.intent(plugin, intent, effects);
                }
            }
            Event::Report(report) => self.report(report, effects),
            Event::Venue(news) => self.venue_news(news, effects),
            Event::Command(command) => self.command(command, effects),
        }
    }

    fn clock(&mut self, now: UnixNanos, effects: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        self.watch_time(effects);
        self.feed.end_bars(self.now, &self.config.instruments, effects);
        while let Some(timer) = self.timers.due(self.now) {
            let (plugin, id) = (timer.plugin, timer.id);
            match timer.every {
                Some(every) => self.timers.repeat(timer, every, self.now),
                None => self.commit(Record::TimerEnded { plugin, id }, effects),
            }
            let event = PluginEvent::Timer { id, time: self.now };
            effects.push(Effect::CallPlugin { plugin, event });
        }
        self.end_locks(effects);
        self.expire_held(effects);
        self.end_overdue(effects);
        self.ask_again(effects);
        if self.reconcile_next.is_some_and(|at| at <= self.now) {
            self.ask_reconcile(effects);
        }
        self.flatten_again(effects);
        self.guard_again(effects);
    }

    fn venue_news(&mut self, news: VenueEvent, effects: &mut Vec<Effect>) {
        match news {
            VenueEvent::Status(status) => self.status(status, effects),
            VenueEvent::Snapshot(snapshot) => self.snapshot(&snapshot, effects),
            VenueEvent::Reconnected(time) => {
                self.now = self.now.max(time);
                self.ask_reconcile(effects);
            }
            VenueEvent::Liquidated { plugin, instrument, side, fill, time } => {
                self.now = self.now.max(time);
                self.liquidated(plugin, instrument, (side, fill, time), effects);
            }
        }
    }

    fn command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        // A fault has a record of its own; that a plugin runs again is told where it ends a lock.
        if !matches!(command, Command::Fault(..) | Command::Restarted(_)) {
            self.commit(Record::Commanded(command.clone()), effects);
        }
        match command {
            Command::SetPluginState(plugin, state) => self.set_state(Some(plugin), state, effects),
            Command::SetAccountState(state) => self.set_state(None, state, effects),
            Command::Fault(plugin, fault) => self.fault(plugin, fault, effects),
            Command::Restarted(plugin) => self.restarted(plugin, effects),
            Command::Quarantine { plugin, flatten } => self.quarantine(plugin, flatten, effects),
            Command::Unlock(Some(plugin), LockReason::Quarantine) => self.let_go(plugin, effects),
            Command::Kill { flatten } => {
                self.commit(Record::Alert(Alert::Killed(Scope::Account)), effects);
                self.lock(None, LockReason::KillSwitch, TradingState::Halted, None, effects);
                self.cancel_everything(effects);
                self.cancel_all_at_venue(effects);
                if flatten {
                    self.flatten_all(effects);
                }
            }
            Command::LoseJournal => {
                self.lock(None, LockReason::Journal, TradingState::Halted, None, effects);
                self.cancel_everything(effects);
                self.cancel_all_at_venue(effects);
            }
            Command::Unlock(plugin, reason) => self.unlock(plugin, reason, effects),
            Command::CancelOrders(plugin) => self.cancel_own(plugin, effects),
            Command::Flatten(Some(plugin)) => self.flatten(plugin, effects),
            Command::Flatten(None) => self.flatten_all(effects),
            Command::ResumeInstrument(instrument) => {
                if self.halted[usize::from(instrument.0)] {
                    self.commit(Record::InstrumentResumed(instrument), effects);
                }
            }
        }
    }

    fn flatten_all(&mut self, effects: &mut Vec<Effect>) {
        for plugin in self.plugin_ids() {
            self.flatten(plugin, effects);
        }
    }

    /// Cancels what a plugin has working. The exits that the host placed go on protecting what it
    /// leaves behind.
    fn cancel_own(&mut self, plugin: PluginId, effects: &mut Vec<Effect>) {
        let own: Vec<_> = self
            .orders
            .of_plugin(plugin)
            .filter(|tracked| !self.brackets.is_exit(tracked.order.id))
            .map(|tracked| tracked.order.id)
            .collect();
        self.cancel_each(&own, effects);
    }

    /// Cancels what works. The stops that the host keeps for positions stay: they can only close
    /// what is open.
    fn cancel_everything(&mut self, effects: &mut Vec<Effect>) {
        let others = self.orders.iter().filter(|t| t.purpose != Purpose::Protective);
        let all: Vec<_> = others.map(|tracked| tracked.order.id).collect();
        self.cancel_each(&all, effects);
    }

    /// Has the venue cancel everything of the instruments in which we have orders there, where it
    /// can and the operator wants it. Comes after the cancels of our own, which alone are noted.
    fn cancel_all_at_venue(&self, effects: &mut Vec<Effect>) {
        if !(self.config.venue.cancel_all && self.config.risk.cancel_all_on_kill) {
            return;
        }
        let there = self.orders.iter().filter(|tracked| !self.held.contains(tracked.order.id));
        let instruments: BTreeSet<_> = there.map(|tracked| tracked.order.instrument).collect();
        effects.extend(instruments.into_iter().map(Effect::CancelAll));
    }

    fn cancel_each(&mut self, ids: &[ClientOrderId], effects: &mut Vec<Effect>) {
        for id in ids {
            self.cancel(*id, effects);
        }
    }

    fn halt_instrument(
        &mut self,
        instrument: InstrumentId,
        alert: Alert,
        effects: &mut Vec<Effect>,
    ) {
        if !self.halted[usize::from(instrument.0)] {
            self.commit(Record::InstrumentHalted(instrument), effects);
        }
        self.commit(Record::Alert(alert), effects);
    }

    fn instrument(&self, id: InstrumentId) -> &Instrument {
        &self.config.instruments[usize::from(id.0)]
    }

    fn market_state(&self, id: InstrumentId) -> &MarketState {
        &self.markets[usize::from(id.0)]
    }
}
