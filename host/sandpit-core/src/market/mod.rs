//! What the market did: events, and the host's view that they build.

mod bars;
mod book;
mod reading;
mod state;

pub use bars::BarBuilder;
pub use book::{Book, BookError};
pub use reading::{ReadingError, read_price, read_quantity, read_quote_side};
pub use state::MarketState;

use alloc::{boxed::Box, vec::Vec};

use crate::{
    ids::InstrumentId,
    num::{Price, Quantity, Rate},
    time::{Nanos, UnixNanos},
};

/// Which side of a trade or an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Gets the base asset.
    Buy,
    /// Gives the base asset.
    Sell,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// A positive quantity with this side's sign.
    #[must_use]
    pub const fn signed(self, quantity: Quantity) -> Quantity {
        match self {
            Self::Buy => quantity,
            Self::Sell => Quantity(-quantity.0),
        }
    }
}

/// One event of the market as the host saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketEvent {
    /// Of what.
    pub instrument: InstrumentId,
    /// When the host saw it, or the venue's stamp where the source has no other. Never goes back
    /// within a run.
    pub time: UnixNanos,
    /// The venue's own stamp; equal to `time` where the source has one stamp only.
    pub venue_time: UnixNanos,
    /// What.
    pub data: MarketData,
}

/// The kinds of market events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarketData {
    /// A trade.
    Trade(Trade),
    /// Best bid and ask.
    Quote(Quote),
    /// A completed bar; the venue's stamp is its close.
    Bar(Bar),
    /// A change of the book, or a new one.
    Depth(Box<DepthUpdate>),
    /// The venue's mark price of a perpetual or future: what it values positions at.
    Mark(Price),
    /// Holders of a perpetual pay or get funding now.
    Funding(Funding),
}

/// One funding of a perpetual. What it costs a holder is said in
/// [`crate::instrument::Instrument::funding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funding {
    /// Fraction of a position's notional; longs pay where it is positive.
    pub rate: Rate,
    /// The mark price that it is reckoned with; greater than zero.
    pub mark: Price,
}

/// One trade between others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Greater than zero.
    pub price: Price,
    /// Greater than zero.
    pub quantity: Quantity,
    /// Who demanded liquidity; `None` where the venue does not say.
    pub aggressor: Option<Side>,
    /// The venue's number of it; zero where it has none.
    pub id: u64,
}

/// Best bid and ask. A side without liquidity has quantity zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Best bid.
    pub bid_price: Price,
    /// Displayed there.
    pub bid_quantity: Quantity,
    /// Best ask.
    pub ask_price: Price,
    /// Displayed there.
    pub ask_quantity: Quantity,
}

/// One completed bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Length; the bar covers `venue_time - interval` to `venue_time`, exclusive.
    pub interval: Nanos,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded quantity; zero where the source does not say.
    pub volume: Quantity,
}

/// Levels of one side: price and the quantity there now, zero for a level that is gone.
pub type Levels = Vec<(Price, Quantity)>;

/// A change of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthUpdate {
    /// Whether it replaces the whole book.
    pub snapshot: bool,
    /// The venue's first sequence number within this update (Binance `U`); zero where it has none.
    pub first_sequence: u64,
    /// The venue's last sequence number within this update (Binance `u`).
    pub last_sequence: u64,
    /// The last sequence number of the update before (Binance futures `pu`); zero where the venue
    /// does not say.
    pub previous_sequence: u64,
    /// Changed bids, in any order.
    pub bids: Levels,
    /// Changed asks, in any order.
    pub asks: Levels,
}

/// Data that a plugin asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataKind {
    /// Every trade.
    Trades,
    /// Every change of the best bid or ask.
    Quotes,
    /// Completed bars of this interval.
    Bars(Nanos),
    /// This many levels a side, on every change of the book.
    Depth(u16),
}
