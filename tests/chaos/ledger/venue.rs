//! The exchange's own books of an account, asked of it directly: all orders, all trades, balances.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::host::number;
use crate::client::Client;

/// How the host's orders are named.
const OURS: &str = "sp-";
/// Rows of one answer.
const ROWS_MAX: usize = 1_000;

/// One order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VenueOrder {
    pub(crate) symbol: String,
    pub(crate) id: u64,
    pub(crate) status: String,
    pub(crate) quantity: Decimal,
    pub(crate) executed: Decimal,
}

/// One execution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VenueFill {
    /// Name of the order.
    pub(crate) order: String,
    pub(crate) buyer: bool,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) fee: Decimal,
    pub(crate) fee_asset: String,
    pub(crate) maker: bool,
}

/// What the exchange says that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct VenueBooks {
    /// Base and quote asset by symbol.
    pub(crate) assets: BTreeMap<String, (String, String)>,
    /// By client order id; those that are not the host's are absent.
    pub(crate) orders: BTreeMap<String, VenueOrder>,
    /// By symbol and trade id; those of the host's orders.
    pub(crate) fills: BTreeMap<(String, u64), VenueFill>,
    /// Free and locked, by asset.
    pub(crate) balances: BTreeMap<String, (Decimal, Decimal)>,
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}")).to_owned()
}

fn whole(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} of {value}"))
}

async fn signed(client: &Client, path: &str, query: &str) -> Value {
    let answer = client.signed("GET", path, query).await;
    assert_eq!(answer.status, 200, "{path}?{query}: {}", answer.text);
    answer.json()
}

/// All rows of a question that goes on from a number.
async fn all(client: &Client, path: &str, symbol: &str, from: &str, id: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut next = 0;
    loop {
        let query = format!("symbol={symbol}&{from}={next}&limit={ROWS_MAX}");
        let Value::Array(page) = signed(client, path, &query).await else { panic!("{path}") };
        let is_last = page.len() < ROWS_MAX;
        next = page.last().map_or(next, |row| whole(row, id) + 1);
        rows.extend(page);
        if is_last {
            return rows;
        }
    }
}

impl VenueBooks {
    /// Asks for everything about the host's account.
    pub(crate) async fn ask(client: &Client, symbols: &[&str]) -> Self {
        let mut books = Self::default();
        let info = client.get("/api/v3/exchangeInfo").await.json();
        for symbol in info["symbols"].as_array().unwrap() {
            let assets = (text(symbol, "baseAsset"), text(symbol, "quoteAsset"));
            books.assets.insert(text(symbol, "symbol"), assets);
        }
        for symbol in symbols {
            let mut names = BTreeMap::new();
            for row in all(client, "/api/v3/allOrders", symbol, "orderId", "orderId").await {
                let (id, name) = (whole(&row, "orderId"), text(&row, "clientOrderId"));
                if !name.starts_with(OURS) {
                    continue;
                }
                names.insert(id, name.clone());
                let order = VenueOrder {
                    symbol: (*symbol).to_owned(),
                    id,
                    status: text(&row, "status"),
                    quantity: number(&text(&row, "origQty")),
                    executed: number(&text(&row, "executedQty")),
                };
                let before = books.orders.insert(name, order);
                assert!(before.is_none(), "two orders with one name: {before:?} and {row}");
            }
            for row in all(client, "/api/v3/myTrades", symbol, "fromId", "id").await {
                let Some(order) = names.get(&whole(&row, "orderId")) else { continue };
                let fill = VenueFill {
                    order: order.clone(),
                    buyer: row["isBuyer"].as_bool().unwrap(),
                    price: number(&text(&row, "price")),
                    quantity: number(&text(&row, "qty")),
                    fee: number(&text(&row, "commission")),
                    fee_asset: text(&row, "commissionAsset"),
                    maker: row["isMaker"].as_bool().unwrap(),
                };
                books.fills.insert(((*symbol).to_owned(), whole(&row, "id")), fill);
            }
        }
        let account = signed(client, "/api/v3/account", "").await;
        for row in account["balances"].as_array().unwrap() {
            let of = |name| number(&text(row, name));
            books.balances.insert(text(row, "asset"), (of("free"), of("locked")));
        }
        books
    }

    /// Signed quantity by symbol, as its trades make it; those that are flat are absent.
    pub(crate) fn positions(&self) -> BTreeMap<String, Decimal> {
        let mut positions: BTreeMap<String, Decimal> = BTreeMap::new();
        for ((symbol, _), fill) in &self.fills {
            let signed = if fill.buyer { fill.quantity } else { -fill.quantity };
            *positions.entry(symbol.clone()).or_default() += signed;
        }
        positions.retain(|_, quantity| !quantity.is_zero());
        positions
    }

    /// What a fill's fee is worth in the quote asset; `None` where it is in a third one.
    pub(crate) fn fee_in_quote(&self, symbol: &str, fill: &VenueFill) -> Option<Decimal> {
        let (base, quote) = &self.assets[symbol];
        match &fill.fee_asset {
            asset if asset == quote => Some(fill.fee),
            asset if asset == base => Some(fill.fee * fill.price),
            _ => None,
        }
    }

    /// What trading has brought and cost, fees off, in the quote asset; `None` where a fee is in a
    /// third asset.
    pub(crate) fn cash(&self) -> Option<Decimal> {
        self.fills.iter().try_fold(Decimal::ZERO, |cash, ((symbol, _), fill)| {
            let worth = fill.price * fill.quantity;
            let signed = if fill.buyer { -worth } else { worth };
            Some(cash + signed - self.fee_in_quote(symbol, fill)?)
        })
    }

    /// What every balance has to be, from what it was and the trades: a check of the exchange.
    pub(crate) fn expected(&self, start: &BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
        let mut totals = start.clone();
        let mut add = |asset: &str, amount: Decimal| {
            *totals.entry(asset.to_owned()).or_default() += amount;
        };
        for ((symbol, _), fill) in &self.fills {
            let (base, quote) = &self.assets[symbol];
            let sign = if fill.buyer { Decimal::ONE } else { -Decimal::ONE };
            add(base, sign * fill.quantity);
            add(quote, -sign * fill.quantity * fill.price);
            add(&fill.fee_asset, -fill.fee);
        }
        totals
    }
}
