//! Answers about single orders, and own trades.

use serde::{Deserialize, Deserializer};

use crate::binance::{
    text::Text,
    usdm::words::{AlgoStatus, OrderStatus, OrderType, PositionSide, TimeInForce},
    words::OrderSide,
};

/// Text, or nothing where the venue writes `null`.
fn some_text<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<&'a str, D::Error> {
    Ok(Option::<&'a str>::deserialize(deserializer)?.unwrap_or_default())
}

/// What the matching engine knows of an order: the answer to a new order, a change, a cancel and a
/// question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRecord<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// The matching engine's number of it.
    pub order_id: u64,
    /// Its name.
    #[serde(borrow)]
    pub client_order_id: Text<'a>,
    /// Where it stands.
    pub status: OrderStatus,
    /// Limit price; zero for none.
    pub price: &'a str,
    /// Total quantity.
    pub orig_qty: &'a str,
    /// Filled.
    pub executed_qty: &'a str,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// Type.
    #[serde(rename = "type")]
    pub order_type: OrderType,
    /// Type before its trigger was reached; the same as its type where it has none.
    #[serde(default)]
    pub orig_type: Option<OrderType>,
    /// Side.
    pub side: OrderSide,
    /// Trigger; zero for none.
    #[serde(borrow, default)]
    pub stop_price: Option<&'a str>,
    /// Distance of a trailing stop in percent.
    #[serde(borrow, default)]
    pub price_rate: Option<&'a str>,
    /// Only to shrink the position.
    #[serde(default)]
    pub reduce_only: bool,
    /// Closes the whole position.
    #[serde(default)]
    pub close_position: bool,
    /// Which position is meant.
    #[serde(default)]
    pub position_side: Option<PositionSide>,
    /// When it was made; absent in the answer to a new order.
    #[serde(default)]
    pub time: Option<i64>,
    /// When it last changed.
    pub update_time: i64,
}

/// What the algo service knows of a conditional order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlgoRecord<'a> {
    /// The algo service's number of it.
    pub algo_id: u64,
    /// Its name.
    #[serde(borrow)]
    pub client_algo_id: Text<'a>,
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Side.
    pub side: OrderSide,
    /// Type.
    #[serde(alias = "type")]
    pub order_type: OrderType,
    /// How long its limit order works.
    #[serde(default)]
    pub time_in_force: Option<TimeInForce>,
    /// Total quantity; nothing for one that closes the whole position.
    #[serde(borrow, default, deserialize_with = "some_text")]
    pub quantity: &'a str,
    /// Where it stands.
    pub algo_status: AlgoStatus,
    /// Trigger.
    #[serde(borrow, default, deserialize_with = "some_text")]
    pub trigger_price: &'a str,
    /// Limit price; zero or nothing for none.
    #[serde(borrow, default, deserialize_with = "some_text")]
    pub price: &'a str,
    /// Distance of a trailing stop in percent.
    #[serde(borrow, default, deserialize_with = "some_text")]
    pub callback_rate: &'a str,
    /// The matching engine's number, once it was triggered.
    #[serde(borrow, default, deserialize_with = "some_text")]
    pub actual_order_id: &'a str,
    /// Only to shrink the position.
    #[serde(default)]
    pub reduce_only: bool,
    /// Closes the whole position.
    #[serde(default)]
    pub close_position: bool,
    /// Which position is meant.
    #[serde(default)]
    pub position_side: Option<PositionSide>,
    /// When it was made.
    pub create_time: i64,
    /// When it last changed.
    pub update_time: i64,
}

impl AlgoRecord<'_> {
    /// The matching engine's number, once it was triggered.
    #[must_use]
    pub fn engine_id(&self) -> Option<u64> {
        self.actual_order_id.parse().ok().filter(|id| *id > 0)
    }
}

/// What the end of a conditional order is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlgoCanceled<'a> {
    /// The algo service's number of it.
    pub algo_id: u64,
    /// Its name.
    #[serde(borrow)]
    pub client_algo_id: Text<'a>,
}

/// That something was done; nothing more is said.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DoneAnswer<'a> {
    /// 200.
    pub code: i32,
    /// In words.
    #[serde(rename = "msg", borrow)]
    pub message: Text<'a>,
}

/// A countdown that runs, or was stopped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountdownAnswer<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Milliseconds.
    pub countdown_time: &'a str,
}

/// One own trade.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserTrade<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// The venue's number of it, unique within the symbol.
    pub id: i64,
    /// The matching engine's number of the order. Its name is not here.
    pub order_id: u64,
    /// Price.
    pub price: &'a str,
    /// Quantity.
    pub qty: &'a str,
    /// Fee.
    pub commission: &'a str,
    /// In which asset.
    #[serde(borrow)]
    pub commission_asset: Text<'a>,
    /// When.
    pub time: i64,
    /// Whether we bought.
    pub buyer: bool,
    /// Whether we made.
    pub maker: bool,
}
