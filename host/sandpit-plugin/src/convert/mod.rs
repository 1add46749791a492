//! The core's values in the contract's terms and back. What comes from a guest is checked here for
//! form alone; whether it may be done is for risk to say.

mod events;
mod intents;
mod numbers;

pub(crate) use events::{
    bar, budget, fill_depth, open_order, order_update, position, quote, trade, trading_state,
};
pub(crate) use intents::{Malformed, core_decimal, intent};
pub(crate) use numbers::{Grids, UnknownInstrument, decimal};
