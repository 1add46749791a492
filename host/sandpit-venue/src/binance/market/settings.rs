//! What is set about a connection's market data, and the bounds of it.

use std::ops::Range;

use sandpit_core::time::Nanos;

use crate::binance::request::DepthLimit;

/// Which of Binance's markets is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Spot: sequence numbers `U` and `u` without holes.
    Spot,
    /// USDⓈ-M futures: an update names the one before it (`pu`), and there are mark prices.
    Usdm,
}

/// How trades are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradeStream {
    /// `@aggTrade`: one for each taking order and price. What is missed can be asked for.
    Aggregates,
    /// `@trade`: each by itself. What is missed stays missed, and is counted.
    Singles,
}

/// Where streams are joined. Binance keeps the book's streams of futures apart from the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doors {
    /// Best bid and ask, depth, and `@trade`: `wss://…/stream`.
    pub book: String,
    /// Everything else. The same as `book` on Spot.
    pub rest: String,
}

/// How long a stream may say nothing while its connection lives; `None` for ever. The stream's
/// connection is then replaced by a new one, and the stream is given twice as long the next time,
/// up to [`QUIET_MAX`], since markets are also quiet by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Best bid and ask.
    pub quotes: Option<Nanos>,
    /// Depth.
    pub depth: Option<Nanos>,
    /// Trades.
    pub trades: Option<Nanos>,
    /// Mark prices.
    pub marks: Option<Nanos>,
}

/// Everything that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which market.
    pub dialect: Dialect,
    /// Where streams are joined.
    pub doors: Doors,
    /// Numbers for its connections, nobody else's; at least [`LINKS_MIN`] of them.
    pub links: Range<u32>,
    /// How trades are told.
    pub trades: TradeStream,
    /// Trades that are asked for at most after one gap; zero for none. Only aggregates can be
    /// asked for.
    pub recover_trades_max: u32,
    /// Whether quotes and trades of every instrument are listened to, wanted or not: the engine
    /// values positions by them.
    pub always_marked: bool,
    /// Whether fundings are told, of futures: for the books of an account that does not say itself
    /// what it paid.
    pub funding: bool,
    /// Levels a side of a snapshot.
    pub snapshot_levels: DepthLimit,
    /// Streams on one connection, 1 to [`STREAMS_PER_LINK_MAX`].
    pub streams_per_link_max: usize,
    /// Pause between two messages that are sent on one connection.
    pub send_pause: Nanos,
    /// How long a connection may say nothing at all, pings included.
    pub link_silence: Nanos,
    /// How long a stream may say nothing.
    pub quiet: Quiet,
    /// How old a connection gets before it is replaced; Binance cuts it at 24 hours.
    pub renew_after: Nanos,
    /// It is replaced up to so much earlier, by chance.
    pub renew_jitter: Nanos,
    /// How long a book or the warm-up may take before a person is told.
    pub patience: Nanos,
    /// How long after its end a bar may come on the stream before it is asked for.
    pub bar_late: Nanos,
}

/// Fewest numbers of connections: lines that are closing keep theirs until their end is told.
pub const LINKS_MIN: u32 = 16;
/// Streams on one connection, by Binance's documents.
pub const STREAMS_PER_LINK_MAX: usize = 1_024;
/// The longest that a stream is given to say something.
pub const QUIET_MAX: Nanos = Nanos(3_600 * Nanos::SECOND.0);

/// A thousand levels a side: the deepest that futures have, and a fifth of Spot's deepest weight.
const SNAPSHOT_LEVELS: u32 = 1_000;

const fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

impl Settings {
    /// As is right for Spot.
    #[must_use]
    pub fn spot(stream_url: &str, links: Range<u32>) -> Self {
        let doors = Doors { book: stream_url.to_owned(), rest: stream_url.to_owned() };
        Self {
            dialect: Dialect::Spot,
            doors,
            links,
            trades: TradeStream::Aggregates,
            recover_trades_max: 50_000,
            always_marked: true,
            funding: false,
            snapshot_levels: DepthLimit::new(SNAPSHOT_LEVELS).unwrap_or(DepthLimit::MAX),
            streams_per_link_max: STREAMS_PER_LINK_MAX,
            // Four a second; the fifth that Binance allows is left to answers to its pings.
            send_pause: Nanos::from_millis(250),
            // Binance pings every 20 s.
            link_silence: seconds(45),
            quiet: Quiet {
                quotes: Some(seconds(60)),
                depth: Some(seconds(60)),
                trades: Some(seconds(300)),
                marks: None,
            },
            renew_after: seconds(23 * 3_600),
            renew_jitter: seconds(1_800),
            patience: seconds(30),
            bar_late: seconds(5),
        }
    }

    /// As is right for USDⓈ-M futures, whose streams of the book have a door of their own.
    #[must_use]
    pub fn usdm(book_url: &str, rest_url: &str, links: Range<u32>) -> Self {
        let spot = Self::spot(book_url, links);
        Self {
            dialect: Dialect::Usdm,
            doors: Doors { rest: rest_url.to_owned(), ..spot.doors },
            // Binance pings every 3 minutes.
            link_silence: seconds(240),
            quiet: Quiet { marks: Some(seconds(30)), ..spot.quiet },
            ..spot
        }
    }
}
