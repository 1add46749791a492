//! What a strategy is: a type that answers to events.

use crate::{
    Bar, Budget, Context, Depth, Description, OrderUpdate, Parameters, Position, Quote, TimerId,
    Trade, TradingState, wire,
};

pub use wire::{SavedState, StopReason};

/// A strategy. Only `describe` and `start` must be written; a handler that is left out does
/// nothing.
///
/// [`Context`] is brought up to date before each handler, so what it says of orders, positions,
/// budget and time includes the event that is being handled. What is asked for through it takes
/// effect after the handler has returned.
///
/// A panic ends the strategy: its text goes to the log, what it asked for in that call is
/// dropped, and the host decides what becomes of its orders and positions.
#[expect(unused_variables, reason = "the defaults do nothing with what they are told")]
pub trait Strategy: Sized {
    /// Its settings; `()` for none.
    type Params: Parameters;

    /// What it says of itself: the same each time.
    fn describe() -> Description;

    /// Begins a session. `restored` is what an earlier instance saved.
    ///
    /// # Errors
    /// A reason, for the operator, why this session cannot be traded.
    fn start(
        ctx: &mut Context,
        params: Self::Params,
        restored: Option<SavedState>,
    ) -> Result<Self, String>;

    /// A trade on the venue.
    fn on_trade(&mut self, ctx: &mut Context, trade: &Trade) {}

    /// The best bid or ask changed.
    fn on_quote(&mut self, ctx: &mut Context, quote: &Quote) {}

    /// A bar is complete.
    fn on_bar(&mut self, ctx: &mut Context, bar: &Bar) {}

    /// The book changed.
    fn on_depth(&mut self, ctx: &mut Context, depth: &Depth) {}

    /// News of an own order.
    fn on_order(&mut self, ctx: &mut Context, update: &OrderUpdate) {}

    /// The own position changed.
    fn on_position(&mut self, ctx: &mut Context, position: &Position) {}

    /// The own balance changed.
    fn on_budget(&mut self, ctx: &mut Context, budget: &Budget) {}

    /// A timer.
    fn on_timer(&mut self, ctx: &mut Context, id: TimerId) {}

    /// What the host lets through has changed.
    fn on_trading_state(&mut self, ctx: &mut Context, state: TradingState) {}

    /// The operator changed parameters; all of them, with their new values.
    ///
    /// # Errors
    /// Why the new ones cannot be taken up now; the old ones stay.
    fn on_parameters(&mut self, ctx: &mut Context, params: Self::Params) -> Result<(), String> {
        Err("this strategy takes up new parameters only when it is started".to_owned())
    }

    /// State for a hot swap or a restart.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The last call.
    fn stop(&mut self, reason: StopReason) {}
}
