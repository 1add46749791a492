//! What orders, lists and events look like on the wire.

use serde_json::{Map, Value, json};

use crate::{
    Exchange,
    order::{
        Aggregate, Contingency, Event, Fill, List, Order, OrderId, Prevented, Report, Trade,
        side_word,
    },
    words::{Execution, Kind},
};

/// How much an answer to a new order says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    Ack,
    Result,
    Full,
}

pub(crate) fn list_id(list: Option<u64>) -> Value {
    list.map_or_else(|| json!(-1), |id| json!(id))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Fields that are there under conditions only.
fn conditional(order: &Order, map: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| {
        map.insert(name.to_owned(), value);
    };
    if order.new.kind.is_conditional() && !order.new.stop.is_zero() {
        put("stopPrice", json!(order.new.stop.to_string()));
    }
    if let Some(iceberg) = order.new.iceberg {
        put("icebergQty", json!(iceberg.to_string()));
    }
    if let Some(delta) = order.new.trailing_delta {
        put("trailingDelta", json!(delta));
        put("trailingTime", order.trail.map_or_else(|| json!(-1), |(_, since)| json!(since)));
    }
    if let Some(id) = order.new.strategy.0 {
        put("strategyId", json!(id));
    }
    if let Some(kind) = order.new.strategy.1 {
        put("strategyType", json!(kind));
    }
    if let Some(id) = order.prevented_match {
        put("preventedMatchId", json!(id));
        put("preventedQuantity", json!(order.prevented.to_string()));
    }
}

impl Exchange {
    pub(crate) fn symbol_name(&self, order: &Order) -> &str {
        &self.markets[order.new.symbol].symbol.rules.name
    }

    fn common(&self, order: &Order) -> Map<String, Value> {
        let mut map = object(json!({
            "symbol": self.symbol_name(order),
            "orderId": order.id,
            "orderListId": list_id(order.list),
            "clientOrderId": order.new.client_id,
            "price": order.new.price.to_string(),
            "origQty": order.new.quantity.to_string(),
            "executedQty": order.executed.to_string(),
            "origQuoteOrderQty": order.new.quote_quantity.to_string(),
            "cummulativeQuoteQty": order.quote_executed.to_string(),
            "status": order.status.as_str(),
            "timeInForce": order.new.tif.as_str(),
            "type": order.new.kind.as_str(),
            "side": side_word(order.new.side),
            "selfTradePreventionMode": order.stp.as_str(),
        }));
        conditional(order, &mut map);
        map
    }

    /// An order as queries tell it.
    pub(crate) fn queried(&self, order: &Order) -> Value {
        let mut map = self.common(order);
        map.entry("stopPrice").or_insert_with(|| json!("0.00000000"));
        map.entry("icebergQty").or_insert_with(|| json!("0.00000000"));
        map.insert("time".to_owned(), json!(order.created_ms));
        map.insert("updateTime".to_owned(), json!(order.updated_ms));
        map.insert("isWorking".to_owned(), json!(!order.waits()));
        map.insert("workingTime".to_owned(), working(order));
        Value::Object(map)
    }

    /// An order as a cancel tells it.
    pub(crate) fn canceled(&self, order: &Order, request_name: &str) -> Value {
        let mut map = self.common(order);
        map.insert("origClientOrderId".to_owned(), json!(order.new.client_id));
        map.insert("clientOrderId".to_owned(), json!(request_name));
        map.insert("transactTime".to_owned(), json!(order.updated_ms));
        Value::Object(map)
    }

    /// An order as its placing tells it.
    pub(crate) fn placed(
        &self,
        order: &Order,
        fills: &[Fill],
        prevented: &[Prevented],
        detail: Detail,
    ) -> Value {
        let time = json!(order.updated_ms);
        if detail == Detail::Ack {
            return json!({
                "symbol": self.symbol_name(order),
                "orderId": order.id,
                "orderListId": list_id(order.list),
                "clientOrderId": order.new.client_id,
                "transactTime": time,
            });
        }
        let mut map = self.common(order);
        map.insert("transactTime".to_owned(), time);
        map.insert("workingTime".to_owned(), working(order));
        if detail == Detail::Full {
            let fills: Vec<_> = fills
                .iter()
                .map(|fill| {
                    json!({
                        "price": fill.price.to_string(),
                        "qty": fill.quantity.to_string(),
                        "commission": fill.commission.to_string(),
                        "commissionAsset": self.assets[fill.commission_asset],
                        "tradeId": fill.trade,
                    })
                })
                .collect();
            map.insert("fills".to_owned(), json!(fills));
            if !prevented.is_empty() {
                let matches: Vec<_> = prevented.iter().map(prevented_in_answer).collect();
                map.insert("preventedMatches".to_owned(), json!(matches));
            }
        }
        Value::Object(map)
    }

    /// A list with the orders that are in it.
    pub(crate) fn list(&self, list: &List) -> Value {
        let symbol = &self.markets[list.symbol].symbol.rules.name;
        let (status, state) = list_words(list, false);
        json!({
            "orderListId": list.id,
            "contingencyType": contingency(list),
            "listStatusType": status,
            "listOrderStatus": state,
            "listClientOrderId": list.client_id,
            "transactionTime": list.time_ms,
            "symbol": symbol,
            "orders": self.list_orders(symbol, &self.names(list)),
        })
    }

    fn list_orders(&self, symbol: &str, names: &[(OrderId, String)]) -> Value {
        let orders: Vec<_> = names
            .iter()
            .map(|(id, name)| json!({"symbol": symbol, "orderId": id, "clientOrderId": name}))
            .collect();
        json!(orders)
    }

    /// An event for the account that it is about; `None` for a public one.
    pub(crate) fn own_event(&self, event: &Event) -> Option<(usize, Value)> {
        match event {
            Event::Report(report) => Some((report.order.account, self.report_event(report))),
            Event::Balances { account, time_ms, assets } => {
                let balances: Vec<_> = assets
                    .iter()
                    .map(|(asset, free, locked)| {
                        json!({
                            "a": self.assets[*asset],
                            "f": free.to_string(),
                            "l": locked.to_string(),
                        })
                    })
                    .collect();
                let event = json!({
                    "e": "outboundAccountPosition", "E": time_ms, "u": time_ms, "B": balances,
                });
                Some((*account, event))
            }
            Event::Transfer { account, time_ms, asset, delta } => {
                let event = json!({
                    "e": "balanceUpdate", "E": time_ms, "a": self.assets[*asset],
                    "d": delta.to_string(), "T": time_ms,
                });
                Some((*account, event))
            }
            Event::List { list, names, time_ms, updated } => {
                Some((list.account, self.list_event(list, names, *time_ms, *updated)))
            }
            Event::Trade { .. } | Event::Aggregate { .. } | Event::Best { .. } => None,
        }
    }

    fn list_event(
        &self,
        list: &List,
        names: &[(OrderId, String)],
        time_ms: u64,
        updated: bool,
    ) -> Value {
        let symbol = &self.markets[list.symbol].symbol.rules.name;
        let (status, state) = list_words(list, updated);
        let orders: Vec<_> =
            names.iter().map(|(id, name)| json!({"s": symbol, "i": id, "c": name})).collect();
        json!({
            "e": "listStatus", "E": time_ms, "s": symbol, "g": list.id, "c": contingency(list),
            "l": status, "L": state, "r": "NONE", "C": list.client_id, "T": time_ms, "O": orders,
        })
    }

    fn report_event(&self, report: &Report) -> Value {
        let (order, fill) = (&report.order, report.fill.as_ref());
        let zero = || "0.00000000".to_owned();
        let of_fill = |get: fn(&Fill) -> String| fill.map_or_else(zero, get);
        // The request that ended or changed it has a name of its own; an amend has the new one.
        let (name, original) = match (&report.request_name, report.kind) {
            (Some(original), Execution::Replaced) => {
                (order.new.client_id.as_str(), original.as_str())
            }
            (Some(request), _) => (request.as_str(), order.new.client_id.as_str()),
            (None, _) => (order.new.client_id.as_str(), ""),
        };
        let mut map = object(json!({
            "e": "executionReport", "E": report.time_ms, "s": self.symbol_name(order),
            "c": name, "C": original,
            "S": side_word(order.new.side), "o": order.new.kind.as_str(), "f": order.new.tif.as_str(),
            "q": order.new.quantity.to_string(), "p": order.new.price.to_string(),
            "P": order.new.stop.to_string(),
            "F": order.new.iceberg.unwrap_or_default().to_string(),
            "g": list_id(order.list),
            "x": report.kind.as_str(), "X": order.status.as_str(), "r": report.reject,
            "i": order.id,
            "l": of_fill(|fill| fill.quantity.to_string()),
            "z": order.executed.to_string(),
            "L": of_fill(|fill| fill.price.to_string()),
            "n": fill.map_or_else(|| "0".to_owned(), |fill| fill.commission.to_string()),
            "N": fill.map(|fill| self.assets[fill.commission_asset].clone()),
            "T": report.time_ms,
            "t": fill.map_or_else(|| json!(-1), |fill| json!(fill.trade)),
            "I": report.execution,
            "w": order.status.is_open() && order.is_working(),
            "m": fill.is_some_and(|fill| fill.maker), "M": fill.is_some(),
            "O": order.created_ms,
            "Z": order.quote_executed.to_string(),
            "Y": of_fill(|fill| fill.price.times(fill.quantity).to_string()),
            "Q": order.new.quote_quantity.to_string(),
            "V": order.stp.as_str(),
        }));
        self.report_conditions(report, &mut map);
        Value::Object(map)
    }

    fn report_conditions(&self, report: &Report, map: &mut Map<String, Value>) {
        let order = &report.order;
        let mut put = |name: &str, value: Value| {
            map.insert(name.to_owned(), value);
        };
        if let Some(at) = order.working_ms {
            put("W", json!(at));
        }
        if let Some(delta) = order.new.trailing_delta {
            put("d", json!(delta));
            if let Some((_, since)) = order.trail {
                put("D", json!(since));
            }
        }
        if let Some(id) = order.new.strategy.0 {
            put("j", json!(id));
        }
        if let Some(kind) = order.new.strategy.1 {
            put("J", json!(kind));
        }
        if let Some(reason) = report.expiry {
            put("eR", json!(reason.as_str()));
        }
        if let Some((quantity, other)) = report.prevented {
            put("v", json!(order.prevented_match));
            put("A", json!(order.prevented.to_string()));
            put("B", json!(quantity.to_string()));
            put("u", json!(-1));
            put("U", json!(other));
            put("Cs", json!(self.symbol_name(order)));
            put("pl", json!("0.00000000"));
            put("pL", json!("0.00000000"));
            put("pY", json!("0.00000000"));
        }
    }
}

fn working(order: &Order) -> Value {
    order.working_ms.map_or_else(|| json!(-1), |at| json!(at))
}

const fn contingency(list: &List) -> &'static str {
    match list.contingency {
        Contingency::Oco => "OCO",
        Contingency::Oto => "OTO",
    }
}

const fn list_words(list: &List, updated: bool) -> (&'static str, &'static str) {
    match (list.done, updated) {
        (true, _) => ("ALL_DONE", "ALL_DONE"),
        (false, true) => ("UPDATED", "EXECUTING"),
        (false, false) => ("EXEC_STARTED", "EXECUTING"),
    }
}

fn prevented_in_answer(one: &Prevented) -> Value {
    let mut map = object(json!({
        "preventedMatchId": one.id, "makerOrderId": one.maker, "price": one.price.to_string(),
    }));
    if let Some(quantity) = one.taker_quantity {
        map.insert("takerPreventedQuantity".to_owned(), json!(quantity.to_string()));
    }
    if let Some(quantity) = one.maker_quantity {
        map.insert("makerPreventedQuantity".to_owned(), json!(quantity.to_string()));
    }
    Value::Object(map)
}

/// Whether an order says its commission at once: those that may take do.
pub(crate) const fn default_detail(kind: Kind) -> Detail {
    match kind {
        Kind::Limit | Kind::Market => Detail::Full,
        _ => Detail::Ack,
    }
}

/// A public trade, as queries tell it.
pub(crate) fn public_trade(trade: &Trade) -> Value {
    json!({
        "id": trade.id,
        "price": trade.price.to_string(),
        "qty": trade.quantity.to_string(),
        "quoteQty": trade.price.times(trade.quantity).to_string(),
        "time": trade.time_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": true,
    })
}

/// Trades of one taker at one price, as queries tell them.
pub(crate) fn aggregate(one: &Aggregate) -> Value {
    json!({
        "a": one.id, "p": one.price.to_string(), "q": one.quantity.to_string(), "f": one.first,
        "l": one.last, "T": one.time_ms, "m": one.buyer_is_maker, "M": true,
    })
}
