//! Market data streams of Binance: bytes to typed messages to the core's events.
//!
//! Raw (`/ws`) and combined (`/stream`) forms of `trade`, `aggTrade`, `bookTicker`, `depthUpdate`
//! and `kline`, and the REST snapshot of the book. Numbers stay text until an instrument says what
//! their grid is, so nothing is rounded. Sources: the official documents "Web Socket Streams" and
//! "Market Data endpoints" of Spot and of USDⓈ-M futures.
//!
//! Not here: order reports, and keeping a book in sequence (that is `sandpit_core::market::Book`).

mod bridge;
mod convert;
mod error;
mod messages;

pub use bridge::SnapshotBridge;
pub use error::StreamError;
pub use messages::{
    AggTradeMessage, BookTickerMessage, DepthSnapshotMessage, DepthUpdateMessage, KlineMessage,
    LevelText, NumberKind, StreamMessage, TradeMessage,
};

/// Bytes of one message; the deepest snapshot has about 300 KiB.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Levels of one side in one message; the deepest snapshot of the venue.
pub const LEVELS_PER_SIDE_MAX: usize = 5_000;
