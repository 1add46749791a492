//! Between a host and a strategy: one [`Instance`] per session, which keeps the [`Context`] up to
//! date and calls the handlers. The component's exports and the native test harness both stand on
//! it, so a strategy behaves the same in both.

use crate::{
    Bar, Budget, Context, Depth, OrderUpdate, Parameters, Position, Quote, Strategy, TimerId,
    Timestamp, Trade, TradingState, strategy::StopReason, wire,
};

/// A strategy in its session. Handlers answer whether intents are waiting.
#[derive(Debug)]
pub struct Instance<S> {
    ctx: Context,
    strategy: S,
}

impl<S: Strategy> Instance<S> {
    /// What the strategy says of itself.
    #[must_use]
    pub fn describe() -> wire::Description {
        S::describe().into_wire::<S::Params>()
    }

    /// Begins a session. Intents may wait afterwards.
    ///
    /// # Errors
    /// The parameters are not what the strategy described, or it refuses the session.
    pub fn start(mut session: wire::Session) -> Result<Self, String> {
        let params = S::Params::from_arguments(&session.arguments)?;
        let restored = session.restored.take();
        let mut ctx = Context::new(session);
        let strategy = S::start(&mut ctx, params, restored)?;
        Ok(Self { ctx, strategy })
    }

    /// What the strategy knows.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.ctx
    }

    /// The strategy itself.
    #[must_use]
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }

    /// Whether intents are waiting.
    #[must_use]
    pub const fn has_intents(&self) -> bool {
        self.ctx.has_intents()
    }

    /// A trade on the venue.
    #[inline]
    pub fn on_trade(&mut self, trade: &Trade) -> bool {
        self.ctx.at(trade.time, trade.history);
        self.strategy.on_trade(&mut self.ctx, trade);
        self.ctx.has_intents()
    }

    /// The best bid or ask changed.
    #[inline]
    pub fn on_quote(&mut self, quote: &Quote) -> bool {
        self.ctx.at(quote.time, quote.history);
        self.strategy.on_quote(&mut self.ctx, quote);
        self.ctx.has_intents()
    }

    /// A bar is complete.
    #[inline]
    pub fn on_bar(&mut self, bar: &Bar) -> bool {
        self.ctx.at(bar.time, bar.history);
        self.strategy.on_bar(&mut self.ctx, bar);
        self.ctx.has_intents()
    }

    /// The book changed.
    #[inline]
    pub fn on_depth(&mut self, depth: &Depth) -> bool {
        self.ctx.at(depth.time(), false);
        self.strategy.on_depth(&mut self.ctx, depth);
        self.ctx.has_intents()
    }

    /// News of an own order.
    pub fn on_order(&mut self, update: &OrderUpdate) -> bool {
        self.ctx.at(update.time, false);
        self.ctx.note_order(update);
        self.strategy.on_order(&mut self.ctx, update);
        self.ctx.has_intents()
    }

    /// The own position changed.
    pub fn on_position(&mut self, position: Position) -> bool {
        self.ctx.at(position.time, false);
        self.ctx.set_position(position);
        self.strategy.on_position(&mut self.ctx, &position);
        self.ctx.has_intents()
    }

    /// The own balance changed.
    pub fn on_budget(&mut self, budget: Budget) -> bool {
        self.ctx.at(budget.time, false);
        self.ctx.set_budget(budget);
        self.strategy.on_budget(&mut self.ctx, &budget);
        self.ctx.has_intents()
    }

    /// A timer.
    pub fn on_timer(&mut self, id: TimerId, time: Timestamp) -> bool {
        self.ctx.at(time, false);
        self.strategy.on_timer(&mut self.ctx, id);
        self.ctx.has_intents()
    }

    /// What the host lets through has changed.
    pub fn on_trading_state(&mut self, state: TradingState, time: Timestamp) -> bool {
        self.ctx.at(time, false);
        self.ctx.set_trading_state(state);
        self.strategy.on_trading_state(&mut self.ctx, state);
        self.ctx.has_intents()
    }

    /// The operator changed parameters.
    ///
    /// # Errors
    /// They are not what the strategy described, or it does not take them up; the old ones stay.
    pub fn on_parameters(&mut self, arguments: Vec<wire::Argument>) -> Result<bool, String> {
        let params = S::Params::from_arguments(&arguments)?;
        self.strategy.on_parameters(&mut self.ctx, params)?;
        self.ctx.set_arguments(arguments);
        Ok(self.ctx.has_intents())
    }

    /// Hands over what was asked for, oldest first.
    pub fn take_intents(&mut self) -> Vec<wire::Intent> {
        core::mem::take(self.ctx.intents_mut())
    }

    /// Like [`Self::take_intents`], keeping the room for the next ones.
    pub fn drain_intents(&mut self) -> impl ExactSizeIterator<Item = wire::Intent> + '_ {
        self.ctx.intents_mut().drain(..)
    }

    /// State for a hot swap or a restart.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.strategy.save()
    }

    /// The last call.
    pub fn stop(&mut self, reason: StopReason) {
        self.strategy.stop(reason);
    }
}
