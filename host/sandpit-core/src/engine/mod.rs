//! The engine: the only owner of trading state. One closed [`Event`] in, [`Effect`]s out, nothing
//! else. Backtest, paper and live step this same code; what differs is who carries out the effects.
//!
//! Rooms: `intents` (wishes to orders), `reports` (what venues say), `feed` (market events to
//! plugins), `brackets`, `timers`, `orders` (the only owner of an order's state).

mod brackets;
mod config;
mod event;
mod feed;
mod intents;
mod orders;
mod reports;
mod scopes;
mod timers;
mod views;

pub use config::{EngineConfig, PluginConfig};
pub use event::{Alert, AmendOrder, CancelOrder, Command, Effect, Event, Record};
pub use orders::CLOSED_ORDERS_MAX;
pub use timers::{TIMER_LEAD_MIN, TIMERS_PER_PLUGIN_MAX};

use alloc::vec::Vec;

use crate::{
    account::Account,
    ids::{ClientOrderId, InstrumentId, PluginId},
    instrument::Instrument,
    market::MarketState,
    plugin::{Fault, PluginEvent, TradingState},
    risk::Scope,
    time::UnixNanos,
};
use brackets::Brackets;
use feed::Feed;
use orders::Orders;
use timers::Timers;

/// Trading state of a run, and the one function that moves it.
#[derive(Clone, Debug)]
pub struct Engine {
    config: EngineConfig,
    markets: Vec<MarketState>,
    /// Instruments on which something impossible was reported; only cancels pass.
    halted: Vec<bool>,
    account: Account,
    /// Plugins with an open position, by instrument; those are marked.
    holders: Vec<Vec<PluginId>>,
    feed: Feed,
    orders: Orders,
    brackets: Brackets,
    timers: Timers,
    plugin_states: Vec<TradingState>,
    account_state: TradingState,
    /// Of the next client order id.
    sequence: u64,
    now: UnixNanos,
}

impl Engine {
    /// An engine with flat positions and no orders.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let instruments = config.instruments.len();
        let budgets: Vec<_> = config.plugins.iter().map(|plugin| plugin.budget).collect();
        Self {
            markets: alloc::vec![MarketState::default(); instruments],
            halted: alloc::vec![false; instruments],
            account: Account::new(&budgets, instruments),
            holders: alloc::vec![Vec::new(); instruments],
            feed: Feed::new(&config),
            orders: Orders::new(config.plugins.len(), instruments),
            brackets: Brackets::default(),
            timers: Timers::default(),
            plugin_states: alloc::vec![TradingState::Active; config.plugins.len()],
            account_state: TradingState::Active,
            sequence: 0,
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
            Event::Command(command) => self.command(command, effects),
        }
    }

    fn clock(&mut self, now: UnixNanos, effects: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        self.feed.end_bars(self.now, &self.config.instruments, effects);
        while let Some((plugin, id)) = self.timers.take_due(self.now) {
            effects.push(Effect::CallPlugin {
                plugin,
                event: PluginEvent::Timer { id, time: self.now },
            });
        }
    }

    fn command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        match command {
            Command::SetPluginState(plugin, state) => self.set_plugin_state(plugin, state, effects),
            Command::SetAccountState(state) => self.set_account_state(state, effects),
            Command::Fault(plugin, fault) => self.fault(plugin, fault, effects),
            Command::Kill => {
                effects.push(Effect::Record(Record::Alert(Alert::Killed(Scope::Account))));
                self.set_account_state(TradingState::Halted, effects);
                let all: Vec<_> = self.orders.iter().map(|tracked| tracked.order.id).collect();
                self.cancel_each(&all, effects);
            }
        }
    }

    fn fault(&mut self, plugin: PluginId, fault: Fault, effects: &mut Vec<Effect>) {
        effects.push(Effect::Record(Record::Faulted(plugin, fault)));
        self.set_plugin_state(plugin, TradingState::Halted, effects);
        let own: Vec<_> = self
            .orders
            .of_plugin(plugin)
            // The exits that the host placed go on protecting what the plugin left behind.
            .filter(|tracked| !self.brackets.is_exit(tracked.order.id))
            .map(|tracked| tracked.order.id)
            .collect();
        self.cancel_each(&own, effects);
    }

    fn set_plugin_state(
        &mut self,
        plugin: PluginId,
        state: TradingState,
        effects: &mut Vec<Effect>,
    ) {
        let current = &mut self.plugin_states[usize::from(plugin.0)];
        if *current == state {
            return;
        }
        *current = state;
        effects.push(Effect::Record(Record::TradingState { plugin: Some(plugin), state }));
        self.tell_state(plugin, effects);
    }

    fn set_account_state(&mut self, state: TradingState, effects: &mut Vec<Effect>) {
        if self.account_state == state {
            return;
        }
        self.account_state = state;
        effects.push(Effect::Record(Record::TradingState { plugin: None, state }));
        for index in 0..self.plugin_states.len() {
            if let Ok(index) = u16::try_from(index) {
                self.tell_state(PluginId(index), effects);
            }
        }
    }

    /// A plugin is told the tighter of both states; whose it is, is none of its business.
    fn tell_state(&self, plugin: PluginId, effects: &mut Vec<Effect>) {
        let event = PluginEvent::TradingState { state: self.trading_state(plugin), time: self.now };
        effects.push(Effect::CallPlugin { plugin, event });
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
        self.halted[usize::from(instrument.0)] = true;
        effects.push(Effect::Record(Record::Alert(alert)));
    }

    fn instrument(&self, id: InstrumentId) -> &Instrument {
        &self.config.instruments[usize::from(id.0)]
    }

    fn market_state(&self, id: InstrumentId) -> &MarketState {
        &self.markets[usize::from(id.0)]
    }
}
