//! Events of the user data stream.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::binance::{
    response::{DecodeError, MESSAGE_BYTES_MAX, decode},
    text::{Text, cut},
    usdm::words::{AlgoStatus, ExecutionType, OrderStatus, OrderType, PositionSide, TimeInForce},
    words::OrderSide,
};

/// Bytes of an unknown kind's name that are kept.
const KIND_BYTES_MAX: usize = 64;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvent<'a> {
    /// Something happened to an order of the matching engine.
    Order(Box<OrderUpdate<'a>>),
    /// Something happened to a conditional order.
    Algo(Box<AlgoUpdate<'a>>),
    /// Balances and positions changed.
    Account(AccountUpdate<'a>),
    /// A position has too little margin.
    MarginCall(MarginCall<'a>),
    /// Leverage or the assets mode changed.
    Config(ConfigUpdate<'a>),
    /// A conditional order was refused when it was triggered. The venue tells it by
    /// [`Self::Algo`] since 2025-12-15.
    TriggerRejected(TriggerReject<'a>),
    /// A trade, told sooner and without its fee. [`Self::Order`] tells it, too.
    TradeLite,
    /// The listen key is over: no more events come.
    ListenKeyExpired,
    /// A kind that is not known here.
    Other(String),
}

/// Something happened to an order. Fields have the document's meaning in words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OrderUpdate<'a> {
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// Its name; of an order that was triggered the conditional order's name.
    #[serde(rename = "c", borrow)]
    pub client_order_id: Text<'a>,
    /// Side.
    #[serde(rename = "S")]
    pub side: OrderSide,
    /// Type.
    #[serde(rename = "o")]
    pub order_type: OrderType,
    /// How long it works.
    #[serde(rename = "f")]
    pub time_in_force: TimeInForce,
    /// Total quantity.
    #[serde(rename = "q")]
    pub quantity: &'a str,
    /// Limit price; zero for none.
    #[serde(rename = "p")]
    pub price: &'a str,
    /// What happened.
    #[serde(rename = "x")]
    pub execution_type: ExecutionType,
    /// Where it stands.
    #[serde(rename = "X")]
    pub status: OrderStatus,
    /// The matching engine's number of it.
    #[serde(rename = "i")]
    pub order_id: u64,
    /// Quantity of this fill.
    #[serde(rename = "l")]
    pub last_quantity: &'a str,
    /// Filled in all.
    #[serde(rename = "z")]
    pub filled_quantity: &'a str,
    /// Price of this fill.
    #[serde(rename = "L")]
    pub last_price: &'a str,
    /// In which asset the fee is.
    #[serde(rename = "N", borrow, default)]
    pub commission_asset: Option<Text<'a>>,
    /// Fee of this fill.
    #[serde(rename = "n", borrow, default)]
    pub commission: Option<&'a str>,
    /// When it happened.
    #[serde(rename = "T")]
    pub time: i64,
    /// Number of this fill; zero for none.
    #[serde(rename = "t")]
    pub trade_id: i64,
    /// Whether this fill made.
    #[serde(rename = "m", default)]
    pub is_maker: bool,
    /// Only to shrink the position.
    #[serde(rename = "R", default)]
    pub reduce_only: bool,
    /// Type before its trigger was reached.
    #[serde(rename = "ot", default)]
    pub original_type: Option<OrderType>,
    /// Which position is meant.
    #[serde(rename = "ps", default)]
    pub position_side: Option<PositionSide>,
    /// Why it ended by itself: a number in the document's list.
    #[serde(rename = "er", borrow, default)]
    pub expiry_reason: Option<&'a str>,
}

/// Something happened to a conditional order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AlgoUpdate<'a> {
    /// When; of the message around it.
    #[serde(skip)]
    pub time: i64,
    /// Its name.
    #[serde(rename = "caid", borrow)]
    pub client_algo_id: Text<'a>,
    /// The algo service's number of it.
    #[serde(rename = "aid")]
    pub algo_id: u64,
    /// Type.
    #[serde(rename = "o")]
    pub order_type: OrderType,
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// Side.
    #[serde(rename = "S")]
    pub side: OrderSide,
    /// Which position is meant.
    #[serde(rename = "ps", default)]
    pub position_side: Option<PositionSide>,
    /// How long its limit order works.
    #[serde(rename = "f")]
    pub time_in_force: TimeInForce,
    /// Total quantity.
    #[serde(rename = "q")]
    pub quantity: &'a str,
    /// Where it stands.
    #[serde(rename = "X")]
    pub status: AlgoStatus,
    /// The matching engine's number, once it was triggered.
    #[serde(rename = "ai", borrow, default)]
    pub actual_order_id: Option<&'a str>,
    /// Why it was refused.
    #[serde(rename = "rm", borrow, default)]
    pub reason: Option<Text<'a>>,
}

impl AlgoUpdate<'_> {
    /// The matching engine's number, once it was triggered.
    #[must_use]
    pub fn engine_id(&self) -> Option<u64> {
        self.actual_order_id?.parse().ok().filter(|id| *id > 0)
    }
}

/// A balance as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventBalance<'a> {
    /// Asset.
    #[serde(rename = "a", borrow)]
    pub asset: Text<'a>,
    /// What there is.
    #[serde(rename = "wb")]
    pub wallet_balance: &'a str,
    /// By how much it changed, but for wins, losses and fees.
    #[serde(rename = "bc", borrow, default)]
    pub change: Option<&'a str>,
}

/// A position as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventPosition<'a> {
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// Signed quantity.
    #[serde(rename = "pa")]
    pub amount: &'a str,
    /// Which of the symbol's positions.
    #[serde(rename = "ps")]
    pub position_side: PositionSide,
}

/// Balances and positions that changed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountUpdate<'a> {
    /// When; of the message around it.
    #[serde(skip)]
    pub time: i64,
    /// Why.
    #[serde(rename = "m", borrow)]
    pub reason: Text<'a>,
    /// Balances.
    #[serde(rename = "B", borrow, default)]
    pub balances: Vec<EventBalance<'a>>,
    /// Positions.
    #[serde(rename = "P", borrow, default)]
    pub positions: Vec<EventPosition<'a>>,
}

/// A position with too little margin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CalledPosition<'a> {
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// Signed quantity.
    #[serde(rename = "pa")]
    pub amount: &'a str,
    /// Margin that it must have.
    #[serde(rename = "mm", borrow, default)]
    pub maintenance: Option<&'a str>,
}

/// Positions with too little margin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MarginCall<'a> {
    /// Which.
    #[serde(rename = "p", borrow)]
    pub positions: Vec<CalledPosition<'a>>,
}

/// A symbol's leverage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LeverageUpdate<'a> {
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// Leverage now.
    #[serde(rename = "l")]
    pub leverage: u32,
}

/// The account's assets mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct AssetsUpdate {
    /// Whether all assets are margin of all positions.
    #[serde(rename = "j")]
    pub multi_assets: bool,
}

/// Leverage or the assets mode changed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ConfigUpdate<'a> {
    /// A symbol's leverage.
    #[serde(rename = "ac", borrow, default)]
    pub leverage: Option<LeverageUpdate<'a>>,
    /// The account's assets mode.
    #[serde(rename = "ai", default)]
    pub assets: Option<AssetsUpdate>,
}

/// A conditional order that was refused when it was triggered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TriggerReject<'a> {
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// The matching engine's number of it.
    #[serde(rename = "i")]
    pub order_id: u64,
    /// Why.
    #[serde(rename = "r", borrow)]
    pub reason: Text<'a>,
}

/// The outside of any event.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "e", borrow, default)]
    kind: Option<Text<'a>>,
    #[serde(rename = "T", default)]
    time: Option<i64>,
    #[serde(rename = "E", default)]
    event_time: Option<i64>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    o: Option<&'a RawValue>,
    #[serde(borrow, default)]
    a: Option<&'a RawValue>,
    #[serde(borrow, default)]
    or: Option<&'a RawValue>,
}

fn inner<'a, T: Deserialize<'a>>(
    what: &'static str,
    raw: Option<&'a RawValue>,
) -> Result<T, DecodeError> {
    decode(what, MESSAGE_BYTES_MAX, raw.map_or(&[], |raw| raw.get().as_bytes()))
}

impl<'a> UserEvent<'a> {
    /// Reads one event: bare, or within `data` of a combined stream.
    ///
    /// # Errors
    /// Too long or malformed. A kind that is not known is [`UserEvent::Other`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let wire: Wire<'a> = decode("an event", MESSAGE_BYTES_MAX, bytes)?;
        match wire.data {
            Some(data) if wire.kind.is_none() => {
                let bytes = data.get().as_bytes();
                Self::of(&decode("an event", MESSAGE_BYTES_MAX, bytes)?, bytes)
            }
            _ => Self::of(&wire, bytes),
        }
    }

    fn of(wire: &Wire<'a>, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let time = wire.time.or(wire.event_time).unwrap_or_default();
        Ok(match wire.kind.as_deref().unwrap_or_default() {
            "ORDER_TRADE_UPDATE" => Self::Order(Box::new(inner("an update of an order", wire.o)?)),
            "ALGO_UPDATE" => {
                let update: AlgoUpdate<'a> = inner("an update of a conditional order", wire.o)?;
                Self::Algo(Box::new(AlgoUpdate { time, ..update }))
            }
            "ACCOUNT_UPDATE" => {
                let update: AccountUpdate<'a> = inner("an update of the account", wire.a)?;
                Self::Account(AccountUpdate { time, ..update })
            }
            "MARGIN_CALL" => Self::MarginCall(decode("a margin call", MESSAGE_BYTES_MAX, bytes)?),
            "ACCOUNT_CONFIG_UPDATE" => {
                Self::Config(decode("an update of settings", MESSAGE_BYTES_MAX, bytes)?)
            }
            "CONDITIONAL_ORDER_TRIGGER_REJECT" => {
                Self::TriggerRejected(inner("a refusal of a triggered order", wire.or)?)
            }
            "TRADE_LITE" => Self::TradeLite,
            "listenKeyExpired" => Self::ListenKeyExpired,
            other => Self::Other(cut(other, KIND_BYTES_MAX).to_owned()),
        })
    }
}
