//! A strategy as native code behind the core's plugin port.

use sandpit_core::{
    engine::Engine,
    ids::{InstrumentId, PluginId},
    instrument::Instrument,
    intent::Intent,
    market::{MarketData, MarketEvent},
    plugin::{CallCost, Fault, FaultCode, PluginEvent, PluginPort},
    time::Nanos,
};
use sandpit_sdk::{
    Bar, Mode, Quote, SavedState, Strategy, TimerId, Timestamp, Trade, runtime::Instance, wire,
};

use crate::convert;

/// Intents of one call: the host's default, and a fault beyond it.
pub const INTENTS_PER_CALL_MAX: usize = 64;

/// What a session has that an engine does not know.
#[derive(Clone, Debug)]
pub struct SessionStart {
    /// Backtest, paper, testnet or live.
    pub mode: Mode,
    /// For the strategy's random numbers.
    pub seed: u64,
    /// When it begins.
    pub time: Timestamp,
    /// A value for every parameter.
    pub arguments: Vec<wire::Argument>,
    /// What an earlier instance saved.
    pub restored: Option<SavedState>,
}

/// A [`PluginPort`] for one native strategy, whatever its number in the run. A panic of the
/// strategy is the caller's.
#[derive(Debug)]
pub struct NativePlugin<S> {
    instance: Instance<S>,
    instruments: Vec<Instrument>,
}

impl<S: Strategy> NativePlugin<S> {
    /// Begins a session with what `engine` knows of `plugin`. Intents may wait afterwards.
    ///
    /// # Errors
    /// The strategy refuses the session.
    pub fn start(engine: &Engine, plugin: PluginId, start: SessionStart) -> Result<Self, String> {
        let instance = Instance::start(session(engine, plugin, start))?;
        Ok(Self { instance, instruments: engine.config().instruments.clone() })
    }

    /// The strategy in its session.
    #[must_use]
    pub const fn instance(&self) -> &Instance<S> {
        &self.instance
    }

    /// The strategy in its session, to tell it what no event of the core does.
    pub const fn instance_mut(&mut self) -> &mut Instance<S> {
        &mut self.instance
    }

    /// Hands over what waits, oldest first.
    ///
    /// # Errors
    /// It is too much for one call.
    pub fn take_intents(&mut self, intents: &mut Vec<Intent>) -> Result<(), Fault> {
        let waiting = self.instance.drain_intents();
        if waiting.len() > INTENTS_PER_CALL_MAX {
            return Err(Fault {
                code: FaultCode::TooManyIntents,
                detail: format!("{} intents in one call", waiting.len()),
            });
        }
        intents.extend(waiting.map(convert::intent));
        Ok(())
    }

    fn instrument(&self, id: InstrumentId) -> &Instrument {
        &self.instruments[usize::from(id.0)]
    }

    #[inline]
    fn market(&mut self, event: &MarketEvent, history: bool) -> bool {
        let rules = &self.instruments[usize::from(event.instrument.0)];
        let price = |raw| convert::price(rules, raw);
        let quantity = |raw| convert::quantity(rules, raw);
        let instrument = sandpit_sdk::InstrumentId(u32::from(event.instrument.0));
        let time = Timestamp(event.time.0);
        match &event.data {
            MarketData::Trade(trade) => self.instance.on_trade(&Trade {
                instrument,
                time,
                price: price(trade.price),
                quantity: quantity(trade.quantity),
                aggressor: convert::aggressor(trade.aggressor),
                history,
            }),
            MarketData::Quote(quote) => self.instance.on_quote(&Quote {
                instrument,
                time,
                bid_price: price(quote.bid_price),
                bid_quantity: quantity(quote.bid_quantity),
                ask_price: price(quote.ask_price),
                ask_quantity: quantity(quote.ask_quantity),
                history,
            }),
            MarketData::Bar(bar) => self.instance.on_bar(&Bar {
                instrument,
                time,
                interval: interval(bar.interval),
                open: price(bar.open),
                high: price(bar.high),
                low: price(bar.low),
                close: price(bar.close),
                volume: quantity(bar.volume),
                history,
            }),
            // Depth is told as the view that the strategy asked for; of marks and fundings the
            // contract does not tell.
            MarketData::Depth(_) | MarketData::Mark(_) | MarketData::Funding(_) => false,
        }
    }
}

const fn interval(interval: Nanos) -> std::time::Duration {
    std::time::Duration::from_nanos(interval.0)
}

impl<S: Strategy> PluginPort for NativePlugin<S> {
    #[inline]
    fn call(
        &mut self,
        _: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        let waiting = match event {
            PluginEvent::Market { event, history } => self.market(event, *history),
            PluginEvent::Depth(view) => {
                let depth = convert::depth(self.instrument(view.instrument), view);
                self.instance.on_depth(&depth.into())
            }
            PluginEvent::Order(update) => {
                let update = convert::order_update(self.instrument(update.instrument), update);
                self.instance.on_order(&update.into())
            }
            PluginEvent::Position(view) => {
                let position = convert::position(self.instrument(view.instrument), view);
                self.instance.on_position(position.into())
            }
            PluginEvent::Budget(view) => self.instance.on_budget(convert::budget_numbers(view)),
            PluginEvent::Timer { id, time } => {
                self.instance.on_timer(TimerId(id.0), Timestamp(time.0))
            }
            PluginEvent::TradingState { state, time } => {
                let state = convert::trading_state(*state);
                self.instance.on_trading_state(state, Timestamp(time.0))
            }
        };
        if waiting {
            self.take_intents(intents)?;
        }
        Ok(CallCost::default())
    }
}

/// The session of a plugin as the contract carries it.
fn session(engine: &Engine, plugin: PluginId, start: SessionStart) -> wire::Session {
    let config = engine.config();
    let rules = |id: InstrumentId| &config.instruments[usize::from(id.0)];
    let own = &config.plugins[usize::from(plugin.0)].instruments;
    let currency = own.first().map_or("", |id| rules(*id).spec().quote.as_str());
    wire::Session {
        mode: start.mode,
        time: start.time.0,
        seed: start.seed,
        instruments: own.iter().map(|id| convert::instrument(id.0, rules(*id))).collect(),
        arguments: start.arguments,
        positions: engine
            .positions_of(plugin)
            .iter()
            .map(|view| convert::position(rules(view.instrument), view))
            .collect(),
        orders: engine
            .open_orders_of(plugin)
            .iter()
            .map(|view| convert::open_order(rules(view.instrument), view))
            .collect(),
        budget: convert::budget(&engine.budget_of(plugin)),
        currency: currency.to_owned(),
        trading_state: convert::trading_state(engine.trading_state(plugin)),
        restored: start.restored,
    }
}
