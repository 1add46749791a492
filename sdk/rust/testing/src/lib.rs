//! Tests a Sandpit strategy natively, in a plain `cargo test`, over the same core as the host:
//! the same matching, the same risk checks, the same account. No component is built.
//!
//! [`Harness`] feeds a market and tells what became of it; [`NativePlugin`] is the adapter under
//! it, for whoever drives a simulation of their own (the benchmark does). What lives not here:
//! the sandbox. A strategy that loops forever does so here, too.
//!
//! ```
//! use sandpit_sdk::prelude::*;
//! use sandpit_testing::Harness;
//!
//! struct BuyOnce;
//!
//! impl Strategy for BuyOnce {
//!     type Params = ();
//!
//!     fn describe() -> Description {
//!         description!().subscribe(Data::Trades)
//!     }
//!
//!     fn start(_: &mut Context, (): (), _: Option<SavedState>) -> Result<Self, String> {
//!         Ok(Self)
//!     }
//!
//!     fn on_trade(&mut self, ctx: &mut Context, trade: &Trade) {
//!         if ctx.position_in_flight(trade.instrument).is_zero() {
//!             ctx.buy(trade.instrument, dec!(2));
//!         }
//!     }
//! }
//!
//! let mut harness = Harness::new::<BuyOnce>().budget("1000").fees("0", "0.001").start();
//! harness.trade("100", "5").trade("110", "5");
//! assert_eq!(harness.position(), dec!(2));
//! assert_eq!(harness.fills()[0].fee, dec!(0.2));
//! assert_eq!(harness.equity(), dec!(1019.8));
//! assert!(harness.denials().is_empty());
//! ```

mod arguments;
mod builder;
mod convert;
mod harness;
pub mod instruments;
mod native;
mod number;
mod recorder;

/// The core, for the limits, fill models and states that a test may speak of.
pub use sandpit_core as core;

pub use arguments::arguments;
pub use builder::Builder;
pub use harness::Harness;
pub use native::{INTENTS_PER_CALL_MAX, NativePlugin, SessionStart};
pub use number::Number;
pub use recorder::{SentFill, SentOrder};
