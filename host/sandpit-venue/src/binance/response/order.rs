//! Answers about single orders.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use sandpit_core::time::UnixNanos;

use super::{ErrorBody, ListAnswer};
use crate::binance::{
    error_code::{Outcome, Reply, judge},
    text::Text,
    words::{HalfResult, OrderSide, OrderStatus, OrderType, StpMode, TimeInForce},
};

/// One fill of a new order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FillText<'a> {
    /// Price.
    pub price: &'a str,
    /// Quantity.
    pub qty: &'a str,
    /// Fee.
    pub commission: &'a str,
    /// In which asset.
    #[serde(borrow)]
    pub commission_asset: Text<'a>,
    /// The venue's number of it, unique within the symbol; −1 for an allocation.
    pub trade_id: i64,
}

/// The answer to a new order or a cancel. How much it says depends on what was asked for: an ACK
/// ends with the time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderAnswer<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// The venue's number of it.
    pub order_id: u64,
    /// Number of its list; −1 for none.
    pub order_list_id: i64,
    /// Of a new order its name, of a cancel the cancel's name.
    #[serde(borrow)]
    pub client_order_id: Text<'a>,
    /// Of a cancel: the name of the order.
    #[serde(borrow, default)]
    pub orig_client_order_id: Option<Text<'a>>,
    /// When; absent where a list is asked about.
    #[serde(default)]
    pub transact_time: Option<i64>,
    /// Limit price; zero for none.
    #[serde(borrow, default)]
    pub price: Option<&'a str>,
    /// Total quantity; absent while an order of a list does not know it yet.
    #[serde(borrow, default)]
    pub orig_qty: Option<&'a str>,
    /// Filled.
    #[serde(borrow, default)]
    pub executed_qty: Option<&'a str>,
    /// Filled, in the quote asset.
    #[serde(rename = "cummulativeQuoteQty", borrow, default)]
    pub cumulative_quote_qty: Option<&'a str>,
    /// Where it stands.
    #[serde(default)]
    pub status: Option<OrderStatus>,
    /// How long it works.
    #[serde(default)]
    pub time_in_force: Option<TimeInForce>,
    /// Type.
    #[serde(rename = "type", default)]
    pub order_type: Option<OrderType>,
    /// Side.
    #[serde(default)]
    pub side: Option<OrderSide>,
    /// Trigger.
    #[serde(borrow, default)]
    pub stop_price: Option<&'a str>,
    /// Distance of a trailing trigger in hundredths of a percent.
    #[serde(default)]
    pub trailing_delta: Option<u32>,
    /// Since when it is on the book; −1 while it is not.
    #[serde(default)]
    pub working_time: Option<i64>,
    /// Self-trade prevention.
    #[serde(default)]
    pub self_trade_prevention_mode: Option<StpMode>,
    /// What self-trade prevention took from it.
    #[serde(borrow, default)]
    pub prevented_quantity: Option<&'a str>,
    /// Its fills at once.
    #[serde(borrow, default)]
    pub fills: Vec<FillText<'a>>,
}

/// What the venue knows of an order that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRecord<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// The venue's number of it.
    pub order_id: u64,
    /// Number of its list; −1 for none.
    #[serde(default)]
    pub order_list_id: Option<i64>,
    /// Its name.
    #[serde(borrow)]
    pub client_order_id: Text<'a>,
    /// Limit price; zero for none.
    pub price: &'a str,
    /// Total quantity.
    pub orig_qty: &'a str,
    /// Filled.
    pub executed_qty: &'a str,
    /// Filled, in the quote asset; negative where the venue no longer knows.
    #[serde(rename = "cummulativeQuoteQty")]
    pub cumulative_quote_qty: &'a str,
    /// Where it stands.
    pub status: OrderStatus,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// Type.
    #[serde(rename = "type")]
    pub order_type: OrderType,
    /// Side.
    pub side: OrderSide,
    /// Trigger; zero for none.
    #[serde(borrow, default)]
    pub stop_price: Option<&'a str>,
    /// Distance of a trailing trigger in hundredths of a percent.
    #[serde(default)]
    pub trailing_delta: Option<u32>,
    /// What it shows; zero for all.
    #[serde(borrow, default)]
    pub iceberg_qty: Option<&'a str>,
    /// When it was made.
    pub time: i64,
    /// When it last changed.
    pub update_time: i64,
    /// Whether it is on the book.
    #[serde(default)]
    pub is_working: bool,
    /// Self-trade prevention.
    #[serde(default)]
    pub self_trade_prevention_mode: Option<StpMode>,
    /// What self-trade prevention took from it.
    #[serde(borrow, default)]
    pub prevented_quantity: Option<&'a str>,
}

/// One entry of the answer to a cancel of all orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelAllEntry<'a> {
    /// A single order.
    Order(Box<OrderAnswer<'a>>),
    /// A list with its orders.
    List(Box<ListAnswer<'a>>),
}

impl<'de: 'a, 'a> Deserialize<'de> for CancelAllEntry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Probe<'a> {
            #[serde(borrow, default)]
            contingency_type: Option<&'a RawValue>,
        }
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        let probe: Probe<'_> = serde_json::from_str(raw).map_err(D::Error::custom)?;
        if probe.contingency_type.is_some() {
            serde_json::from_str(raw).map(|list| Self::List(Box::new(list)))
        } else {
            serde_json::from_str(raw).map(|order| Self::Order(Box::new(order)))
        }
        .map_err(D::Error::custom)
    }
}

/// What became of one half of a cancel-replace.
#[derive(Clone, Debug)]
pub enum Half<'a> {
    /// Done.
    Done(Box<OrderAnswer<'a>>),
    /// Refused, or unknown.
    Refused(&'a RawValue),
    /// Not tried.
    NotAttempted,
}

impl<'a> Half<'a> {
    fn of(result: &HalfResult, response: Option<&'a RawValue>) -> Result<Self, serde_json::Error> {
        match (result, response) {
            (HalfResult::NotAttempted, _) => Ok(Self::NotAttempted),
            (HalfResult::Success, Some(response)) => {
                serde_json::from_str(response.get()).map(|answer| Self::Done(Box::new(answer)))
            }
            (HalfResult::Failure, Some(response)) => Ok(Self::Refused(response)),
            (other, _) => Err(Error::custom(format_args!("a half that is {other} without more"))),
        }
    }

    /// What it proves; `None` where it was not tried.
    #[must_use]
    pub fn outcome(&self, now: UnixNanos) -> Option<Outcome<Box<OrderAnswer<'a>>>> {
        match self {
            Self::Done(answer) => Some(Outcome::Confirmed(answer.clone())),
            Self::NotAttempted => None,
            Self::Refused(error) => {
                // As if it had been asked alone.
                let body = error.get().as_bytes();
                let reply = Reply { status: 400, body, retry_after: None };
                Some(match judge::<ErrorBody<'a>>(&reply, now) {
                    Outcome::Rejected(rejection) => Outcome::Rejected(rejection),
                    Outcome::RateLimited { until, orders_only } => {
                        Outcome::RateLimited { until, orders_only }
                    }
                    Outcome::Banned { until } => Outcome::Banned { until },
                    Outcome::Unknown(cause) => Outcome::Unknown(cause),
                    // A refusal confirms nothing.
                    Outcome::Confirmed(_) => return None,
                })
            }
        }
    }
}

/// The answer to a cancel-replace, each half with its own outcome.
#[derive(Clone, Debug)]
pub struct CancelReplaceAnswer<'a> {
    /// The old order.
    pub cancel: Half<'a>,
    /// The new one.
    pub new_order: Half<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for CancelReplaceAnswer<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            cancel_result: HalfResult,
            new_order_result: HalfResult,
            #[serde(borrow, default)]
            cancel_response: Option<&'a RawValue>,
            #[serde(borrow, default)]
            new_order_response: Option<&'a RawValue>,
        }
        let wire = Wire::<'a>::deserialize(deserializer)?;
        let half = |result, response| Half::of(result, response).map_err(D::Error::custom);
        Ok(Self {
            cancel: half(&wire.cancel_result, wire.cancel_response)?,
            new_order: half(&wire.new_order_result, wire.new_order_response)?,
        })
    }
}

/// An order after an amend.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AmendedOrder<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// The venue's number of it.
    pub order_id: u64,
    /// Its name before.
    #[serde(borrow)]
    pub orig_client_order_id: Text<'a>,
    /// Its name now.
    #[serde(borrow)]
    pub client_order_id: Text<'a>,
    /// Limit price; zero for none.
    pub price: &'a str,
    /// Total quantity now.
    pub qty: &'a str,
    /// Filled.
    pub executed_qty: &'a str,
    /// Where it stands.
    pub status: OrderStatus,
    /// Type.
    #[serde(rename = "type")]
    pub order_type: OrderType,
    /// Side.
    pub side: OrderSide,
    /// Trigger.
    #[serde(borrow, default)]
    pub stop_price: Option<&'a str>,
    /// Distance of a trailing trigger.
    #[serde(default)]
    pub trailing_delta: Option<u32>,
}

/// The answer to an amend.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AmendAnswer<'a> {
    /// When.
    pub transact_time: i64,
    /// The order now.
    #[serde(borrow)]
    pub amended_order: AmendedOrder<'a>,
}
