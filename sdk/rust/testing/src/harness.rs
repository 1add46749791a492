//! The harness: a market by hand, a strategy in it, and what became of both.

use std::{fmt, time::Duration};

use sandpit_core::{
    engine::Command,
    ids::{InstrumentId, PluginId},
    instrument::Instrument,
    market::{Bar, DepthUpdate, MarketData, MarketEvent, Quote, Side, Trade},
    num::{Price, Quantity},
    plugin::Fault,
    simulation::Simulation,
    time::UnixNanos,
};
use sandpit_sdk::{
    Aggressor, Context, Decimal, SavedState, StopReason, Strategy, TradingState, log, wire,
};

use crate::{
    NativePlugin, Number, SentFill, SentOrder, arguments, convert,
    number::{core_decimal, nanos},
    recorder::Recorder,
};

/// The one plugin of the run.
pub(crate) const PLUGIN: PluginId = PluginId(0);
/// The market moves once in this time unless [`Harness::advance`] lets more of it pass.
const STEP: Duration = Duration::from_millis(1);

/// A strategy in a market that the test makes. Each event comes 1 ms after the one before;
/// [`Harness::advance`] lets more time pass. Numbers are exact: see [`Number`].
pub struct Harness<S = ()> {
    pub(crate) sim: Simulation,
    pub(crate) plugin: NativePlugin<S>,
    pub(crate) recorder: Recorder,
    pub(crate) description: wire::Description,
    pub(crate) overrides: Vec<(String, String)>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) selected: InstrumentId,
    pub(crate) now: UnixNanos,
    pub(crate) logs: Vec<(log::Level, String)>,
}

/// Without the strategy, which need not be able to show itself.
impl<S> fmt::Debug for Harness<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("strategy", &self.description.name)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl<S: Strategy> Harness<S> {
    // ------------------------------------------------------------------------ the market

    /// From here on the market and the answers are those of this instrument; at first they are
    /// those of the first.
    ///
    /// # Panics
    /// There is no such instrument.
    pub fn select(&mut self, symbol: &str) -> &mut Self {
        let found = (0u16..).zip(&self.instruments).find(|(_, each)| each.spec().symbol == symbol);
        self.selected = match found {
            Some((id, _)) => InstrumentId(id),
            None => panic!("there is no instrument {symbol}"),
        };
        self
    }

    /// A trade; the venue does not say who demanded liquidity.
    pub fn trade(&mut self, price: impl Number, quantity: impl Number) -> &mut Self {
        self.trade_by(Aggressor::Unknown, price, quantity)
    }

    /// A trade that this side demanded.
    pub fn trade_by(
        &mut self,
        aggressor: Aggressor,
        price: impl Number,
        quantity: impl Number,
    ) -> &mut Self {
        let data = self.trade_data(aggressor, price, quantity);
        self.feed(data)
    }

    /// A trade from before the session.
    pub fn history_trade(&mut self, price: impl Number, quantity: impl Number) -> &mut Self {
        let data = self.trade_data(Aggressor::Unknown, price, quantity);
        self.feed_history(data)
    }

    /// Best bid and ask with the quantities displayed there.
    pub fn quote(
        &mut self,
        (bid_price, bid_quantity): (impl Number, impl Number),
        (ask_price, ask_quantity): (impl Number, impl Number),
    ) -> &mut Self {
        let quote = Quote {
            bid_price: self.price(bid_price),
            bid_quantity: self.quantity(bid_quantity),
            ask_price: self.price(ask_price),
            ask_quantity: self.quantity(ask_quantity),
        };
        self.feed(MarketData::Quote(quote))
    }

    /// A completed bar: open, high, low, close and volume. It comes `interval` after the event
    /// before.
    pub fn bar<N: Number>(
        &mut self,
        interval: Duration,
        ohlc: [N; 4],
        volume: impl Number,
    ) -> &mut Self {
        let data = self.bar_data(interval, ohlc, volume);
        self.wait(interval.saturating_sub(STEP));
        self.feed(data)
    }

    /// A completed bar from before the session.
    pub fn history_bar<N: Number>(
        &mut self,
        interval: Duration,
        ohlc: [N; 4],
        volume: impl Number,
    ) -> &mut Self {
        let data = self.bar_data(interval, ohlc, volume);
        self.wait(interval.saturating_sub(STEP));
        self.feed_history(data)
    }

    /// The whole book: bids and asks as price and quantity, best first.
    pub fn depth<N: Number + Copy>(&mut self, bids: &[(N, N)], asks: &[(N, N)]) -> &mut Self {
        let levels = |harness: &Self, side: &[(N, N)]| {
            side.iter()
                .map(|(price, quantity)| (harness.price(*price), harness.quantity(*quantity)))
                .collect()
        };
        let update = DepthUpdate {
            snapshot: true,
            first_sequence: 0,
            last_sequence: 0,
            previous_sequence: 0,
            bids: levels(self, bids),
            asks: levels(self, asks),
        };
        self.feed(MarketData::Depth(Box::new(update)))
    }

    /// Lets time pass without an event of the market. Timers fire and orders arrive.
    pub fn advance(&mut self, by: Duration) -> &mut Self {
        self.wait(by);
        self.sim.advance(self.now, &mut self.plugin, &mut self.recorder);
        self.collect()
    }

    /// Sets what the host lets through.
    pub fn set_trading_state(&mut self, state: TradingState) -> &mut Self {
        let command = Command::SetPluginState(PLUGIN, convert::core_trading_state(state));
        self.sim.command(command, &mut self.plugin, &mut self.recorder);
        self.collect()
    }

    /// Changes a parameter while the strategy runs.
    ///
    /// # Errors
    /// The value is wrong, or the strategy does not take it up.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let mut overrides = self.overrides.clone();
        overrides.push((name.to_owned(), value.to_owned()));
        let arguments = arguments(&self.description, &overrides)?;
        self.plugin.instance_mut().on_parameters(arguments)?;
        self.overrides = overrides;
        self.take_asked();
        Ok(())
    }

    // ------------------------------------------------------------------------ what became of it

    /// All orders that were sent, oldest first.
    #[must_use]
    pub fn orders(&self) -> &[SentOrder] {
        &self.recorder.orders
    }

    /// The orders that are open as the host sees them, by tag, with what amendments have made of
    /// them.
    #[must_use]
    pub fn open_orders(&self) -> Vec<SentOrder> {
        let open = self.sim.engine().open_orders_of(PLUGIN);
        open.iter().filter_map(|view| self.recorder.open_order(view)).collect()
    }

    /// All executions, oldest first.
    #[must_use]
    pub fn fills(&self) -> &[SentFill] {
        &self.recorder.fills
    }

    /// Names of the denials, oldest first.
    #[must_use]
    pub fn denials(&self) -> &[&'static str] {
        &self.recorder.denials
    }

    /// The host's account of the signed position in the selected instrument.
    #[must_use]
    pub fn position(&self) -> Decimal {
        let share = self.sim.engine().account().sub_account(PLUGIN);
        let rules = &self.instruments[usize::from(self.selected.0)];
        convert::quantity(rules, share.position(self.selected).quantity)
    }

    /// Budget plus realized and unrealized PnL minus fees, to the last digit.
    #[must_use]
    pub fn equity(&self) -> Decimal {
        convert::amount(self.sim.engine().account().sub_account(PLUGIN).equity())
    }

    /// Fees paid, to the last digit.
    #[must_use]
    pub fn fees_paid(&self) -> Decimal {
        convert::amount(self.sim.engine().account().sub_account(PLUGIN).fees())
    }

    /// What the strategy wrote to its log, oldest first.
    #[must_use]
    pub fn logs(&self) -> &[(log::Level, String)] {
        &self.logs
    }

    /// What the strategy did wrong, if anything; it is not called any more then.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        self.recorder.fault.as_ref()
    }

    /// What the strategy knows.
    #[must_use]
    pub const fn context(&self) -> &Context {
        self.plugin.instance().context()
    }

    /// The strategy itself.
    #[must_use]
    pub const fn strategy(&self) -> &S {
        self.plugin.instance().strategy()
    }

    /// What the strategy saves for a swap or a restart, as the next instance gets it.
    #[must_use]
    pub fn save(&self) -> SavedState {
        SavedState {
            version: self.description.version.clone(),
            schema: self.description.state_schema,
            data: self.plugin.instance().save(),
        }
    }

    /// Ends the session.
    pub fn stop(&mut self, reason: StopReason) -> &mut Self {
        self.plugin.instance_mut().stop(reason);
        self.collect()
    }

    // ------------------------------------------------------------------------ inside

    fn wait(&mut self, by: Duration) {
        self.now = self.now.plus(nanos(by));
    }

    fn event(&mut self, data: MarketData) -> MarketEvent {
        self.wait(STEP);
        MarketEvent { instrument: self.selected, time: self.now, venue_time: self.now, data }
    }

    fn feed(&mut self, data: MarketData) -> &mut Self {
        let event = self.event(data);
        let fed = self.sim.step(event, &mut self.plugin, &mut self.recorder);
        assert_eq!(fed, Ok(()), "the harness lets time run forward");
        self.collect()
    }

    fn feed_history(&mut self, data: MarketData) -> &mut Self {
        let event = self.event(data);
        let fed = self.sim.history(event, &mut self.plugin, &mut self.recorder);
        assert_eq!(fed, Ok(()), "the harness lets time run forward");
        self.collect()
    }

    /// Carries out what was asked for outside an event.
    pub(crate) fn take_asked(&mut self) -> &mut Self {
        let mut intents = Vec::new();
        if let Err(fault) = self.plugin.take_intents(&mut intents) {
            // As a backtest does where a call is at fault.
            let quarantine = Command::Quarantine { plugin: PLUGIN, flatten: false };
            for command in [Command::Fault(PLUGIN, fault), quarantine] {
                self.sim.command(command, &mut self.plugin, &mut self.recorder);
            }
        } else if !intents.is_empty() {
            self.sim.intents(PLUGIN, intents, &mut self.plugin, &mut self.recorder);
        }
        self.collect()
    }

    fn collect(&mut self) -> &mut Self {
        self.logs.append(&mut log::take());
        self
    }

    fn trade_data(
        &self,
        aggressor: Aggressor,
        price: impl Number,
        quantity: impl Number,
    ) -> MarketData {
        MarketData::Trade(Trade {
            price: self.price(price),
            quantity: self.quantity(quantity),
            aggressor: match aggressor {
                Aggressor::Buyer => Some(Side::Buy),
                Aggressor::Seller => Some(Side::Sell),
                Aggressor::Unknown => None,
            },
            id: 0,
        })
    }

    fn bar_data<N: Number>(
        &self,
        interval: Duration,
        ohlc: [N; 4],
        volume: impl Number,
    ) -> MarketData {
        let [open, high, low, close] = ohlc.map(|price| self.price(price));
        let volume = self.quantity(volume);
        MarketData::Bar(Bar { interval: nanos(interval), open, high, low, close, volume })
    }

    fn price(&self, number: impl Number) -> Price {
        let decimal = core_decimal(number);
        match self.instruments[usize::from(self.selected.0)].price(decimal) {
            Some(price) => price,
            None => panic!("{decimal} is finer than the instrument's prices"),
        }
    }

    fn quantity(&self, number: impl Number) -> Quantity {
        let decimal = core_decimal(number);
        match self.instruments[usize::from(self.selected.0)].quantity(decimal) {
            Some(quantity) => quantity,
            None => panic!("{decimal} is finer than the instrument's quantities"),
        }
    }
}
