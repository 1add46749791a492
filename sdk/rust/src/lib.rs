//! Write Sandpit strategies in Rust.
//!
//! A strategy is a type that implements [`Strategy`]: it is told what the market did and what
//! became of its orders, and asks for things through its [`Context`]. It can only wish; the host
//! decides. [`export!`] makes a component of it, and `sandpit-testing` runs it natively, over the
//! same core as the host, in a plain `cargo test`.
//!
//! What lives here: the trait and its context, exact numbers ([`Decimal`]), parameters as a
//! struct ([`Parameters`]), book-keeping of the own orders and positions, and the log. What does
//! not: anything of the host. The SDK knows the contract in `wit/` and nothing else.
//!
//! ```
//! use sandpit_sdk::prelude::*;
//!
//! #[derive(Parameters)]
//! struct Params {
//!     /// Buy when the price has fallen by this share since the last trade.
//!     #[param(default = 0.01, min = 0.0001, max = 0.5)]
//!     dip: Decimal,
//! }
//!
//! struct BuyTheDip {
//!     dip: Decimal,
//!     last: Option<Decimal>,
//! }
//!
//! impl Strategy for BuyTheDip {
//!     type Params = Params;
//!
//!     fn describe() -> Description {
//!         description!().subscribe(Data::Trades)
//!     }
//!
//!     fn start(_: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
//!         Ok(Self { dip: params.dip, last: None })
//!     }
//!
//!     fn on_trade(&mut self, ctx: &mut Context, trade: &Trade) {
//!         let last = self.last.replace(trade.price).unwrap_or(trade.price);
//!         if trade.price <= last * (Decimal::ONE - self.dip) {
//!             ctx.buy(trade.instrument, dec!(1));
//!         }
//!     }
//! }
//!
//! export!(BuyTheDip);
//!
//! use sandpit_testing::Harness;
//!
//! let mut harness = Harness::new::<BuyTheDip>().set("dip", "0.05").start();
//! harness.trade("100", "1");
//! harness.trade("96", "1");
//! assert_eq!(harness.position(), dec!(0));
//! harness.trade("91", "1");
//! assert_eq!(harness.position(), dec!(1));
//! ```

// What the macros write names this crate from outside.
extern crate self as sandpit_sdk;

/// What the generated code calls.
#[doc(hidden)]
pub use wit_bindgen::rt;

#[doc(hidden)]
pub mod bindings;

mod account;
mod context;
mod decimal;
mod description;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
mod instrument;
pub mod log;
mod market;
mod order;
mod own_orders;
pub mod parameters;
mod random;
pub mod runtime;
pub mod signals;
mod strategy;
mod time;

/// The contract's own records, for hosts and tests. Strategies see the types of this crate.
pub mod wire {
    pub use crate::bindings::sandpit::strategy::types::*;
}

pub use account::{Budget, Position, TradingState};
pub use context::{Context, Mode};
pub use decimal::{Decimal, ParseDecimalError, Rounding};
pub use description::{Data, Description};
pub use instrument::{Instrument, InstrumentKind};
pub use market::{Aggressor, Bar, Depth, Level, Quote, Trade};
pub use order::{
    BracketTags, Denial, Fill, Liquidity, Order, OrderEvent, OrderKind, OrderUpdate, Side,
    TimeInForce, TrailingOffset,
};
pub use own_orders::{OrderState, OwnOrder};
pub use parameters::{Choice, Parameters};
pub use random::Random;
pub use sandpit_sdk_macros::{Choice, Parameters};
pub use strategy::{SavedState, StopReason, Strategy};
pub use time::Timestamp;

/// An instrument of the session; stable for the whole session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId(pub u32);

/// The strategy's own name for one of its orders. [`Context`] mints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderTag(pub u64);

/// The strategy's own name for one of its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(pub u32);

/// All that a strategy commonly needs.
pub mod prelude {
    pub use std::{sync::Arc, time::Duration};

    pub use crate::{
        Aggressor, Bar, BracketTags, Budget, Choice, Context, Data, Decimal, Depth, Description,
        Fill, Instrument, InstrumentId, Level, Liquidity, Mode, Order, OrderEvent, OrderKind,
        OrderState, OrderTag, OrderUpdate, OwnOrder, Parameters, Position, Quote, Rounding,
        SavedState, Side, StopReason, Strategy, TimeInForce, TimerId, Timestamp, Trade,
        TradingState, debug, dec, description, error, export, info, log, warn,
    };
}

/// Makes a component of a [`Strategy`]. Once per crate; does nothing where the target is not a
/// component's, so that the same crate is tested natively.
#[cfg(target_arch = "wasm32")]
#[macro_export]
macro_rules! export {
    ($strategy:ty) => {
        const _: () = {
            impl $crate::guest::Exported for $strategy {
                fn slot() -> &'static $crate::guest::Slot<Self> {
                    static SLOT: $crate::guest::Slot<$strategy> = $crate::guest::Slot::new();
                    &SLOT
                }
            }
            type Component = $crate::guest::Glue<$strategy>;
    $crate::bindings::export_bindings!(Component with_types_in $crate::bindings);
        };
    };
}

/// Makes a component of a [`Strategy`]. Once per crate; does nothing where the target is not a
/// component's, so that the same crate is tested natively.
#[cfg(not(target_arch = "wasm32"))]
#[macro_export]
macro_rules! export {
    ($strategy:ty) => {
        const _: () = {
            const fn is_strategy<S: $crate::Strategy>() {}
            is_strategy::<$strategy>();
        };
    };
}
