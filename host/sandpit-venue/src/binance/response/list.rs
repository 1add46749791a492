//! Answers about lists of orders.

use serde::Deserialize;

use super::OrderAnswer;
use crate::binance::{
    text::Text,
    words::{ContingencyType, ListOrderStatus, ListStatusType},
};

/// One order of a list, by its names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEntry<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// The venue's number of it.
    pub order_id: u64,
    /// Its name.
    #[serde(borrow)]
    pub client_order_id: Text<'a>,
}

/// A list, as it is placed, canceled or asked about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListAnswer<'a> {
    /// The venue's number of it.
    pub order_list_id: u64,
    /// What binds its orders.
    pub contingency_type: ContingencyType,
    /// What this message is; absent within an amend.
    #[serde(default)]
    pub list_status_type: Option<ListStatusType>,
    /// Where it stands.
    pub list_order_status: ListOrderStatus,
    /// Its name.
    #[serde(borrow)]
    pub list_client_order_id: Text<'a>,
    /// When; absent within an amend.
    #[serde(default)]
    pub transaction_time: Option<i64>,
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Its orders, by their names.
    #[serde(borrow)]
    pub orders: Vec<ListEntry<'a>>,
    /// Its orders as they stand; a question is answered without.
    #[serde(borrow, default)]
    pub order_reports: Vec<OrderAnswer<'a>>,
}
