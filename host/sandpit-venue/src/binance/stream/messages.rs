//! The messages as the venue writes them. Fields have the document's meaning in words; what is not
//! used is passed over, since the venue adds fields without notice.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{MESSAGE_BYTES_MAX, StreamError};

/// A price and the quantity there.
pub type LevelText<'a> = (&'a str, &'a str);

/// One message of a market data stream, or a REST snapshot of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamMessage<'a> {
    /// `trade`.
    Trade(TradeMessage<'a>),
    /// `aggTrade`.
    AggTrade(AggTradeMessage<'a>),
    /// `bookTicker`.
    BookTicker(BookTickerMessage<'a>),
    /// `depthUpdate`.
    DepthUpdate(DepthUpdateMessage<'a>),
    /// The answer of `depth`.
    DepthSnapshot(DepthSnapshotMessage<'a>),
    /// `kline`.
    Kline(KlineMessage<'a>),
}

/// One trade.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TradeMessage<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Trade id.
    #[serde(rename = "t")]
    pub id: u64,
    /// Price.
    #[serde(rename = "p")]
    pub price: &'a str,
    /// Quantity.
    #[serde(rename = "q")]
    pub quantity: &'a str,
    /// When it happened.
    #[serde(rename = "T")]
    pub trade_time: i64,
    /// Whether the seller was the aggressor.
    #[serde(rename = "m")]
    pub buyer_is_maker: bool,
    /// Futures: `MARKET` for a trade of the book; others are of the insurance fund or of
    /// deleveraging and say nothing about the book.
    #[serde(rename = "X", default)]
    pub kind: Option<&'a str>,
}

/// Trades of one order at one price.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AggTradeMessage<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Id of the aggregate.
    #[serde(rename = "a")]
    pub id: u64,
    /// Price.
    #[serde(rename = "p")]
    pub price: &'a str,
    /// Quantity of all of them.
    #[serde(rename = "q")]
    pub quantity: &'a str,
    /// When they happened.
    #[serde(rename = "T")]
    pub trade_time: i64,
    /// Whether the seller was the aggressor.
    #[serde(rename = "m")]
    pub buyer_is_maker: bool,
}

/// Best bid and ask.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BookTickerMessage<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Sequence number of the book.
    #[serde(rename = "u")]
    pub sequence: u64,
    /// Best bid.
    #[serde(rename = "b")]
    pub bid_price: &'a str,
    /// Quantity there.
    #[serde(rename = "B")]
    pub bid_quantity: &'a str,
    /// Best ask.
    #[serde(rename = "a")]
    pub ask_price: &'a str,
    /// Quantity there.
    #[serde(rename = "A")]
    pub ask_quantity: &'a str,
    /// Futures: when it changed. Spot does not say.
    #[serde(rename = "T", default)]
    pub transaction_time: Option<i64>,
}

/// A change of the book.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DepthUpdateMessage<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// When the message was made.
    #[serde(rename = "E")]
    pub event_time: i64,
    /// Futures: when the book changed.
    #[serde(rename = "T", default)]
    pub transaction_time: Option<i64>,
    /// First sequence number within.
    #[serde(rename = "U")]
    pub first_sequence: u64,
    /// Last sequence number within.
    #[serde(rename = "u")]
    pub last_sequence: u64,
    /// Futures: last sequence number of the update before.
    #[serde(rename = "pu", default)]
    pub previous_sequence: Option<u64>,
    /// Changed bids.
    #[serde(rename = "b", borrow)]
    pub bids: Vec<LevelText<'a>>,
    /// Changed asks.
    #[serde(rename = "a", borrow)]
    pub asks: Vec<LevelText<'a>>,
}

/// The whole book, up to a number of levels. It does not say of which symbol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DepthSnapshotMessage<'a> {
    /// Sequence number of the book.
    #[serde(rename = "lastUpdateId")]
    pub last_sequence: u64,
    /// Futures: when the book changed.
    #[serde(rename = "T", default)]
    pub transaction_time: Option<i64>,
    /// Bids, best first.
    #[serde(borrow)]
    pub bids: Vec<LevelText<'a>>,
    /// Asks, best first.
    #[serde(borrow)]
    pub asks: Vec<LevelText<'a>>,
}

/// A bar that is being made or has closed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KlineMessage<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// First moment.
    #[serde(rename = "t")]
    pub open_time: i64,
    /// Last moment, inclusive.
    #[serde(rename = "T")]
    pub close_time: i64,
    /// First price.
    #[serde(rename = "o")]
    pub open: &'a str,
    /// Highest price.
    #[serde(rename = "h")]
    pub high: &'a str,
    /// Lowest price.
    #[serde(rename = "l")]
    pub low: &'a str,
    /// Last price.
    #[serde(rename = "c")]
    pub close: &'a str,
    /// Traded quantity.
    #[serde(rename = "v")]
    pub volume: &'a str,
    /// Whether it has closed.
    #[serde(rename = "x")]
    pub is_closed: bool,
}

/// What a number of a message is, for finding an instrument's grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    /// On the price grid.
    Price,
    /// On the quantity grid.
    Quantity,
}

/// Enough of any message to tell what it is.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(rename = "e", borrow, default)]
    event: Option<&'a str>,
    #[serde(rename = "lastUpdateId", borrow, default)]
    snapshot: Option<&'a RawValue>,
    #[serde(rename = "B", borrow, default)]
    bid_quantity: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct KlineEnvelope<'a> {
    #[serde(rename = "k", borrow)]
    kline: KlineMessage<'a>,
}

impl<'a> StreamMessage<'a> {
    /// Reads one message, raw or combined.
    ///
    /// # Errors
    /// Too long, malformed, or of a kind that is no market data.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StreamError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(StreamError::TooLong { bytes: bytes.len() });
        }
        // As the venue writes it, one pass is enough. What does not fit is looked at again, so
        // that the error says what is wrong.
        if let Some(message) = Self::parse_usual(bytes) {
            return Ok(message);
        }
        let probe: Probe<'a> = serde_json::from_slice(bytes)?;
        let Some(data) = probe.data else {
            return Self::of_kind(&probe, bytes);
        };
        let data = data.get().as_bytes();
        let inner: Probe<'a> = serde_json::from_slice(data)?;
        Self::of_kind(&inner, data)
    }

    /// A message whose kind stands first, bare or as `{"stream":"…","data":…}`.
    fn parse_usual(bytes: &'a [u8]) -> Option<Self> {
        let data = match bytes.strip_prefix(br#"{"stream":""#) {
            None => bytes,
            Some(rest) => {
                let end = rest.iter().position(|byte| *byte == b'"')?;
                rest[end..].strip_prefix(br#"","data":"#)?.strip_suffix(b"}")?
            }
        };
        let kind = match data.strip_prefix(br#"{"e":""#) {
            None => None,
            Some(rest) => {
                let end = rest.iter().position(|byte| *byte == b'"')?;
                Some(std::str::from_utf8(&rest[..end]).ok()?)
            }
        };
        let read = match kind {
            Some("trade") => serde_json::from_slice(data).map(Self::Trade),
            Some("aggTrade") => serde_json::from_slice(data).map(Self::AggTrade),
            Some("bookTicker") => serde_json::from_slice(data).map(Self::BookTicker),
            Some("depthUpdate") => serde_json::from_slice(data).map(Self::DepthUpdate),
            None if data.starts_with(br#"{"u":"#) => {
                serde_json::from_slice(data).map(Self::BookTicker)
            }
            _ => return None,
        };
        read.ok()
    }

    fn of_kind(probe: &Probe<'_>, bytes: &'a [u8]) -> Result<Self, StreamError> {
        Ok(match probe.event {
            Some("trade") => Self::Trade(serde_json::from_slice(bytes)?),
            Some("aggTrade") => Self::AggTrade(serde_json::from_slice(bytes)?),
            Some("bookTicker") => Self::BookTicker(serde_json::from_slice(bytes)?),
            Some("depthUpdate") => Self::DepthUpdate(serde_json::from_slice(bytes)?),
            Some("kline") => Self::Kline(serde_json::from_slice::<KlineEnvelope>(bytes)?.kline),
            Some(kind) => return Err(StreamError::unsupported(kind)),
            None if probe.snapshot.is_some() => Self::DepthSnapshot(serde_json::from_slice(bytes)?),
            // Spot's best bid and ask are the only stream without a kind.
            None if probe.bid_quantity.is_some() => {
                Self::BookTicker(serde_json::from_slice(bytes)?)
            }
            None => return Err(StreamError::unsupported("")),
        })
    }

    /// Its symbol; a snapshot has none.
    #[must_use]
    pub const fn symbol(&self) -> Option<&'a str> {
        match self {
            Self::Trade(message) => Some(message.symbol),
            Self::AggTrade(message) => Some(message.symbol),
            Self::BookTicker(message) => Some(message.symbol),
            Self::DepthUpdate(message) => Some(message.symbol),
            Self::Kline(message) => Some(message.symbol),
            Self::DepthSnapshot(_) => None,
        }
    }

    /// All prices and quantities, as text.
    pub fn numbers(&self, take: &mut dyn FnMut(NumberKind, &'a str)) {
        use NumberKind::{Price, Quantity};
        let mut both = |price, quantity| {
            take(Price, price);
            take(Quantity, quantity);
        };
        match self {
            Self::Trade(message) => both(message.price, message.quantity),
            Self::AggTrade(message) => both(message.price, message.quantity),
            Self::BookTicker(message) => {
                both(message.bid_price, message.bid_quantity);
                both(message.ask_price, message.ask_quantity);
            }
            Self::DepthUpdate(message) => {
                message.bids.iter().chain(&message.asks).for_each(|(p, q)| both(p, q));
            }
            Self::DepthSnapshot(message) => {
                message.bids.iter().chain(&message.asks).for_each(|(p, q)| both(p, q));
            }
            Self::Kline(message) => {
                both(message.open, message.volume);
                for price in [message.high, message.low, message.close] {
                    take(Price, price);
                }
            }
        }
    }
}
