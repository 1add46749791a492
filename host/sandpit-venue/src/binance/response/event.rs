//! Events of the user data stream.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DecodeError, MESSAGE_BYTES_MAX, decode};
use crate::binance::{
    text::{Text, cut},
    words::{
        ContingencyType, ExecutionType, ExpiryReason, ListOrderStatus, ListStatusType, OrderSide,
        OrderStatus, OrderType, RejectReason, StpMode, TimeInForce,
    },
};

/// Bytes of an unknown kind's name that are kept.
const KIND_BYTES_MAX: usize = 64;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvent<'a> {
    /// Something happened to an order.
    ExecutionReport(Box<ExecutionReport<'a>>),
    /// Balances changed.
    AccountPosition(AccountPosition<'a>),
    /// A deposit, withdrawal or transfer.
    BalanceUpdate(BalanceUpdate<'a>),
    /// Something happened to a list.
    ListStatus(ListStatus<'a>),
    /// Something outside locked or freed a balance.
    ExternalLock(ExternalLock<'a>),
    /// No more events come by this subscription.
    StreamTerminated(i64),
    /// The server goes away in about ten minutes: connect anew.
    ServerShutdown(i64),
    /// A kind that is not known here.
    Other(String),
}

/// Something happened to an order. Fields have the document's meaning in words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ExecutionReport<'a> {
    /// When the message was made.
    #[serde(rename = "E")]
    pub event_time: i64,
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// Name of the order; of a cancel the cancel's own name.
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
    /// Trigger; zero for none.
    #[serde(rename = "P")]
    pub stop_price: &'a str,
    /// Distance of a trailing trigger in hundredths of a percent.
    #[serde(rename = "d", default)]
    pub trailing_delta: Option<u32>,
    /// Number of its list; −1 for none.
    #[serde(rename = "g", default)]
    pub order_list_id: Option<i64>,
    /// Name of the order that was canceled or amended.
    #[serde(rename = "C", borrow, default)]
    pub original_client_order_id: Option<Text<'a>>,
    /// What happened.
    #[serde(rename = "x")]
    pub execution_type: ExecutionType,
    /// Where it stands.
    #[serde(rename = "X")]
    pub status: OrderStatus,
    /// Why it was refused.
    #[serde(rename = "r")]
    pub reject_reason: RejectReason,
    /// The venue's number of it.
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
    /// Fee of this fill.
    #[serde(rename = "n", borrow, default)]
    pub commission: Option<&'a str>,
    /// In which asset.
    #[serde(rename = "N", borrow, default)]
    pub commission_asset: Option<Text<'a>>,
    /// When it happened.
    #[serde(rename = "T")]
    pub transaction_time: i64,
    /// Number of this fill; −1 for none.
    #[serde(rename = "t")]
    pub trade_id: i64,
    /// Whether it is on the book.
    #[serde(rename = "w", default)]
    pub is_working: bool,
    /// Whether this fill made.
    #[serde(rename = "m", default)]
    pub is_maker: bool,
    /// When the order was made.
    #[serde(rename = "O", default)]
    pub order_time: Option<i64>,
    /// Filled in all, in the quote asset.
    #[serde(rename = "Z", borrow, default)]
    pub filled_quote: Option<&'a str>,
    /// Since when it is on the book.
    #[serde(rename = "W", default)]
    pub working_time: Option<i64>,
    /// Self-trade prevention.
    #[serde(rename = "V", default)]
    pub self_trade_prevention: Option<StpMode>,
    /// What self-trade prevention took from it.
    #[serde(rename = "A", borrow, default)]
    pub prevented_quantity: Option<&'a str>,
    /// Why it ended.
    #[serde(rename = "eR", default)]
    pub expiry_reason: Option<ExpiryReason>,
}

/// Of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventBalance<'a> {
    /// Asset.
    #[serde(rename = "a", borrow)]
    pub asset: Text<'a>,
    /// What is free.
    #[serde(rename = "f")]
    pub free: &'a str,
    /// What open orders hold.
    #[serde(rename = "l")]
    pub locked: &'a str,
}

/// Balances that may have changed, as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountPosition<'a> {
    /// When the message was made.
    #[serde(rename = "E")]
    pub event_time: i64,
    /// When the account changed.
    #[serde(rename = "u")]
    pub update_time: i64,
    /// Balances.
    #[serde(rename = "B", borrow)]
    pub balances: Vec<EventBalance<'a>>,
}

/// A deposit, withdrawal or transfer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BalanceUpdate<'a> {
    /// When the message was made.
    #[serde(rename = "E")]
    pub event_time: i64,
    /// Asset.
    #[serde(rename = "a", borrow)]
    pub asset: Text<'a>,
    /// By how much.
    #[serde(rename = "d")]
    pub delta: &'a str,
    /// When.
    #[serde(rename = "T")]
    pub clear_time: i64,
}

/// Something outside locked or freed a balance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ExternalLock<'a> {
    /// When the message was made.
    #[serde(rename = "E")]
    pub event_time: i64,
    /// Asset.
    #[serde(rename = "a", borrow)]
    pub asset: Text<'a>,
    /// By how much.
    #[serde(rename = "d")]
    pub delta: &'a str,
    /// When.
    #[serde(rename = "T")]
    pub transaction_time: i64,
}

/// One order of a list, by its names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ListedOrder<'a> {
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// The venue's number of it.
    #[serde(rename = "i")]
    pub order_id: u64,
    /// Its name.
    #[serde(rename = "c", borrow)]
    pub client_order_id: Text<'a>,
}

/// Something happened to a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ListStatus<'a> {
    /// When the message was made.
    #[serde(rename = "E")]
    pub event_time: i64,
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// The venue's number of it.
    #[serde(rename = "g")]
    pub order_list_id: u64,
    /// What binds its orders.
    #[serde(rename = "c")]
    pub contingency_type: ContingencyType,
    /// What this message is.
    #[serde(rename = "l")]
    pub status_type: ListStatusType,
    /// Where it stands.
    #[serde(rename = "L")]
    pub order_status: ListOrderStatus,
    /// Why it was refused.
    #[serde(rename = "r")]
    pub reject_reason: RejectReason,
    /// Its name.
    #[serde(rename = "C", borrow)]
    pub list_client_order_id: Text<'a>,
    /// When it happened.
    #[serde(rename = "T")]
    pub transaction_time: i64,
    /// Its orders.
    #[serde(rename = "O", borrow)]
    pub orders: Vec<ListedOrder<'a>>,
}

/// Enough of any event to tell what it is.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(rename = "e", borrow, default)]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Notice {
    #[serde(rename = "E")]
    event_time: i64,
}

impl<'a> UserEvent<'a> {
    /// Reads one event: bare, or within `event` or `data`.
    ///
    /// # Errors
    /// Too long or malformed. A kind that is not known is [`UserEvent::Other`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        // Where the kind stands first, as the venue writes it, it is found without a pass of its
        // own.
        if let Some(kind) = leading_kind(bytes) {
            return Self::of_kind(kind, bytes);
        }
        let probe: Probe<'a> = decode("an event", MESSAGE_BYTES_MAX, bytes)?;
        if let Some(inner) = probe.event.or(probe.data) {
            let inner = inner.get().as_bytes();
            let probe: Probe<'a> = decode("an event", MESSAGE_BYTES_MAX, inner)?;
            return Self::of_kind(probe.kind.as_deref().unwrap_or_default(), inner);
        }
        Self::of_kind(probe.kind.as_deref().unwrap_or_default(), bytes)
    }

    fn of_kind(kind: &str, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let max = MESSAGE_BYTES_MAX;
        Ok(match kind {
            "executionReport" => {
                Self::ExecutionReport(Box::new(decode("an execution report", max, bytes)?))
            }
            "outboundAccountPosition" => {
                Self::AccountPosition(decode("an account position", max, bytes)?)
            }
            "balanceUpdate" => Self::BalanceUpdate(decode("a balance update", max, bytes)?),
            "listStatus" => Self::ListStatus(decode("a status of a list", max, bytes)?),
            "externalLockUpdate" => Self::ExternalLock(decode("an external lock", max, bytes)?),
            "eventStreamTerminated" => {
                let notice: Notice = decode("an end of events", max, bytes)?;
                Self::StreamTerminated(notice.event_time)
            }
            "serverShutdown" => {
                let notice: Notice = decode("a shutdown", max, bytes)?;
                Self::ServerShutdown(notice.event_time)
            }
            other => {
                // It must at least be whole.
                let _: serde::de::IgnoredAny = decode("an event", max, bytes)?;
                Self::Other(cut(other, KIND_BYTES_MAX).to_owned())
            }
        })
    }
}

/// The kind, where it is the first field and plain.
fn leading_kind(bytes: &[u8]) -> Option<&str> {
    let rest = bytes.strip_prefix(br#"{"e":""#)?;
    let end = rest.iter().take(KIND_BYTES_MAX).position(|byte| *byte == b'"')?;
    let kind = std::str::from_utf8(&rest[..end]).ok()?;
    (!kind.contains('\\')).then_some(kind)
}
