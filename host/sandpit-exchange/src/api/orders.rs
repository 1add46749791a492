//! Requests about orders.

use serde_json::{Value, json};

use sandpit_core::market::Side;

use super::{
    Call,
    render::{Detail, default_detail},
};
use crate::{
    Exchange,
    amount::Amount,
    exchange::{Amended, CancelOnly, Replace, Which},
    order::{NewOrder, SymbolId},
    params::Params,
    refusal::Refusal,
    words::{Kind, Stp, Tif},
};

/// Rows of a query where it does not say, and at most.
const ROWS: (usize, usize) = (500, 1_000);
/// Least type of a strategy.
const STRATEGY_TYPE_MIN: u64 = 1_000_000;

pub(super) fn side(text: &str) -> Result<Side, Refusal> {
    match text {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        _ => Err(Refusal::bad_side()),
    }
}

/// Names of the parameters of one order; those of lists have a word before them.
pub(super) struct Names<'n> {
    pub(super) prefix: &'n str,
    pub(super) side: Side,
    /// Where it is said for all orders of a list.
    pub(super) quantity: Option<Amount>,
}

impl Names<'_> {
    fn name(&self, tail: &str) -> String {
        if self.prefix.is_empty() {
            let mut chars = tail.chars();
            let first = chars.next().map(|c| c.to_ascii_lowercase());
            first.into_iter().chain(chars).collect()
        } else {
            format!("{}{tail}", self.prefix)
        }
    }

    /// Reads one order and checks its form: what must be there for its type, and what must not.
    pub(super) fn read(
        &self,
        exchange: &mut Exchange,
        params: &Params,
        symbol: SymbolId,
    ) -> Result<NewOrder, Refusal> {
        let of = |tail: &str| params.amount(&self.name(tail));
        let kind = Kind::parse(params.need(&self.name("Type"))?).ok_or_else(Refusal::bad_type)?;
        let tif = match params.text(&self.name("TimeInForce"))? {
            None => None,
            Some(text) => Some(Tif::parse(text).ok_or_else(Refusal::bad_tif)?),
        };
        let quantity =
            self.quantity.map_or_else(|| of("Quantity"), |quantity| Ok(Some(quantity)))?;
        let quote = if self.prefix.is_empty() { params.amount("quoteOrderQty")? } else { None };
        let (price, stop) = (of("Price")?, of("StopPrice")?);
        let delta_name = self.name("TrailingDelta");
        let delta = match params.whole(&delta_name)? {
            None => None,
            Some(delta) => Some(u32::try_from(delta).map_err(|_| Refusal::mandatory(&delta_name))?),
        };
        let iceberg = of("IcebergQty")?;
        let has_limit = !kind.is_market();
        let needs_tif = has_limit && kind != Kind::LimitMaker;
        self.form(kind, tif, price, (stop, delta))?;
        let quantity = match (quantity, quote) {
            (Some(quantity), None) => (quantity, Amount::ZERO),
            (None, Some(quote)) if kind == Kind::Market => (Amount::ZERO, quote),
            (None, None) if kind == Kind::Market && self.prefix.is_empty() => {
                return Err(Refusal::one_of("quantity", "quoteOrderQty"));
            }
            (Some(_), Some(_)) | (None, Some(_)) => {
                return Err(Refusal::not_required("quoteOrderQty"));
            }
            (None, None) => return Err(Refusal::mandatory(&self.name("Quantity"))),
        };
        if iceberg.is_some() && (!has_limit || needs_tif && tif != Some(Tif::Gtc)) {
            return Err(Refusal::combination());
        }
        let name = params.client_id(&self.id_name())?;
        Ok(NewOrder {
            symbol,
            client_id: name.unwrap_or_else(|| exchange.new_name()),
            side: self.side,
            kind,
            tif: tif.unwrap_or(Tif::Gtc),
            quantity: quantity.0,
            quote_quantity: quantity.1,
            price: price.unwrap_or_default(),
            stop: stop.unwrap_or_default(),
            trailing_delta: delta,
            iceberg,
            stp: stp(params)?,
            strategy: self.strategy(params)?,
        })
    }

    fn id_name(&self) -> String {
        if self.prefix.is_empty() {
            "newClientOrderId".to_owned()
        } else {
            self.name("ClientOrderId")
        }
    }

    fn form(
        &self,
        kind: Kind,
        tif: Option<Tif>,
        price: Option<Amount>,
        (stop, delta): (Option<Amount>, Option<u32>),
    ) -> Result<(), Refusal> {
        let has_limit = !kind.is_market();
        let needs_tif = has_limit && kind != Kind::LimitMaker;
        match (needs_tif, tif) {
            (true, None) => return Err(Refusal::mandatory(&self.name("TimeInForce"))),
            (false, Some(_)) => return Err(Refusal::not_required(&self.name("TimeInForce"))),
            _ => {}
        }
        match (has_limit, price) {
            (true, None) => return Err(Refusal::mandatory(&self.name("Price"))),
            (false, Some(_)) => return Err(Refusal::not_required(&self.name("Price"))),
            _ => {}
        }
        let has_trigger = stop.is_some() || delta.is_some();
        match (kind.is_conditional(), has_trigger) {
            (true, false) => {
                Err(Refusal::one_of(&self.name("StopPrice"), &self.name("TrailingDelta")))
            }
            (false, true) => {
                let tail = if stop.is_some() { "StopPrice" } else { "TrailingDelta" };
                Err(Refusal::not_required(&self.name(tail)))
            }
            // Its lock would have nothing to go by.
            _ if delta.is_some() && stop.is_none() && !has_limit && self.side == Side::Buy => {
                Err(Refusal::mandatory(&self.name("StopPrice")))
            }
            _ => Ok(()),
        }
    }

    fn strategy(&self, params: &Params) -> Result<(Option<i64>, Option<i64>), Refusal> {
        let read = |tail: &str| -> Result<Option<i64>, Refusal> {
            let name = self.name(tail);
            match params.whole(&name)? {
                None => Ok(None),
                Some(number) if tail == "StrategyType" && number < STRATEGY_TYPE_MIN => {
                    Err(Refusal::bad_strategy_type())
                }
                Some(number) => {
                    i64::try_from(number).map(Some).map_err(|_| Refusal::mandatory(&name))
                }
            }
        };
        Ok((read("StrategyId")?, read("StrategyType")?))
    }
}

fn stp(params: &Params) -> Result<Option<Stp>, Refusal> {
    match params.text("selfTradePreventionMode")? {
        None => Ok(None),
        Some(text) => Stp::parse(text).map(Some).ok_or_else(Refusal::stp_not_allowed),
    }
}

pub(super) fn detail(params: &Params, default: Detail) -> Result<Detail, Refusal> {
    match params.text("newOrderRespType")? {
        None => Ok(default),
        Some("ACK") => Ok(Detail::Ack),
        Some("RESULT") => Ok(Detail::Result),
        Some("FULL") => Ok(Detail::Full),
        Some(_) => Err(Refusal::invalid("newOrderRespType")),
    }
}

fn read_order(exchange: &mut Exchange, call: &Call<'_>) -> Result<NewOrder, Refusal> {
    let symbol = call.symbol(exchange)?;
    let side = side(call.params.need("side")?)?;
    Names { prefix: "", side, quantity: None }.read(exchange, call.params, symbol)
}

fn which(exchange: &Exchange, call: &Call<'_>, id: &str, name: &str) -> Result<Which, Refusal> {
    let symbol = call.symbol(exchange)?;
    let which = Which { symbol, id: call.params.whole(id)?, name: call.params.client_id(name)? };
    if which.id.is_none() && which.name.is_none() {
        return Err(Refusal::one_of(name, id));
    }
    Ok(which)
}

pub(super) fn request_name(
    exchange: &mut Exchange,
    call: &Call<'_>,
    name: &str,
) -> Result<String, Refusal> {
    Ok(call.params.client_id(name)?.unwrap_or_else(|| exchange.new_name()))
}

pub(super) fn place(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let order = read_order(exchange, call)?;
    let detail = detail(call.params, default_detail(order.kind))?;
    let placed = exchange.place(call.account()?, order, call.now_ms)?;
    Ok(exchange.placed(&placed.order, &placed.fills, &placed.prevented, detail))
}

pub(super) fn test(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let order = read_order(exchange, call)?;
    let symbol = order.symbol;
    exchange.test(call.account()?, order, call.now_ms)?;
    if call.params.get("computeCommissionRates") != Some("true") {
        return Ok(json!({}));
    }
    Ok(super::account::rates(exchange, call.account()?, symbol, "ForOrder"))
}

pub(super) fn status(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let which = which(exchange, call, "orderId", "origClientOrderId")?;
    let order = exchange.find(call.account()?, &which).ok_or_else(Refusal::no_such_order)?;
    Ok(exchange.queried(order))
}

fn only(params: &Params) -> Result<Option<CancelOnly>, Refusal> {
    match params.text("cancelRestrictions")? {
        None => Ok(None),
        Some("ONLY_NEW") => Ok(Some(CancelOnly::New)),
        Some("ONLY_PARTIALLY_FILLED") => Ok(Some(CancelOnly::PartiallyFilled)),
        Some(_) => Err(Refusal::bad_cancel_restrictions()),
    }
}

pub(super) fn cancel(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let which = which(exchange, call, "orderId", "origClientOrderId")?;
    let account = call.account()?;
    exchange.may_cancel(account, &which, only(call.params)?)?;
    let name = request_name(exchange, call, "newClientOrderId")?;
    let orders = exchange.cancel(account, &which, &name, call.now_ms)?;
    match orders.first() {
        Some(order) if order.list.is_some() => Ok(super::lists::canceled(exchange, &orders, &name)),
        Some(order) => Ok(exchange.canceled(order, &name)),
        None => Err(Refusal::unknown_order()),
    }
}

pub(super) fn cancel_all(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let symbol = call.symbol(exchange)?;
    let name = exchange.new_name();
    let orders = exchange.cancel_all(call.account()?, symbol, &name, call.now_ms)?;
    let mut rows = Vec::new();
    let mut lists = Vec::new();
    for order in &orders {
        match order.list {
            None => rows.push(exchange.canceled(order, &name)),
            Some(list) if !lists.contains(&list) => {
                lists.push(list);
                let own: Vec<_> =
                    orders.iter().filter(|other| other.list == Some(list)).cloned().collect();
                rows.push(super::lists::canceled(exchange, &own, &name));
            }
            Some(_) => {}
        }
    }
    Ok(json!(rows))
}

pub(super) fn cancel_replace(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let stop_on_failure = match call.params.need("cancelReplaceMode")? {
        "STOP_ON_FAILURE" => true,
        "ALLOW_FAILURE" => false,
        _ => return Err(Refusal::invalid("cancelReplaceMode")),
    };
    let which = which(exchange, call, "cancelOrderId", "cancelOrigClientOrderId")?;
    let new = read_order(exchange, call)?;
    let detail = detail(call.params, default_detail(new.kind))?;
    let request_name = request_name(exchange, call, "cancelNewClientOrderId")?;
    let only = only(call.params)?;
    let limited = call.limited.clone();
    let wish =
        Replace { which, request_name: request_name.clone(), only, stop_on_failure, new, limited };
    let both = exchange.replace(call.account()?, wish, call.now_ms);
    let (cancel_word, cancel_body) = match &both.canceled {
        Ok(order) => ("SUCCESS", exchange.canceled(order, &request_name)),
        Err(refusal) => ("FAILURE", refusal.body()),
    };
    let (new_word, new_body) = match &both.placed {
        Some(Ok(placed)) => {
            ("SUCCESS", exchange.placed(&placed.order, &placed.fills, &placed.prevented, detail))
        }
        Some(Err(refusal)) => ("FAILURE", refusal.body()),
        None => ("NOT_ATTEMPTED", Value::Null),
    };
    let data = json!({
        "cancelResult": cancel_word,
        "newOrderResult": new_word,
        "cancelResponse": cancel_body,
        "newOrderResponse": new_body,
    });
    match (cancel_word, new_word) {
        _ if call.limited.is_some() && stop_on_failure => Err(Refusal::replace_limited(data)),
        ("SUCCESS", "SUCCESS") => Ok(data),
        ("SUCCESS", _) | (_, "SUCCESS") => Err(Refusal::replace_in_part(data)),
        _ => Err(Refusal::replace_failed(data)),
    }
}

pub(super) fn amend(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let which = which(exchange, call, "orderId", "origClientOrderId")?;
    let quantity = call.params.amount("newQty")?.ok_or_else(|| Refusal::mandatory("newQty"))?;
    let name = request_name(exchange, call, "newClientOrderId")?;
    let amended = exchange.amend(call.account()?, &which, &name, quantity, call.now_ms)?;
    Ok(amended_body(exchange, &amended))
}

fn amended_body(exchange: &Exchange, amended: &Amended) -> Value {
    let order = &amended.order;
    let mut body = json!({
        "transactTime": order.updated_ms,
        "executionId": amended.execution,
        "amendedOrder": {
            "symbol": exchange.symbol_name(order),
            "orderId": order.id,
            "orderListId": super::render::list_id(order.list),
            "origClientOrderId": amended.original_name,
            "clientOrderId": order.new.client_id,
            "price": order.new.price.to_string(),
            "qty": order.new.quantity.to_string(),
            "executedQty": order.executed.to_string(),
            "preventedQty": order.prevented.to_string(),
            "quoteOrderQty": order.new.quote_quantity.to_string(),
            "cumulativeQuoteQty": order.quote_executed.to_string(),
            "status": order.status.as_str(),
            "timeInForce": order.new.tif.as_str(),
            "type": order.new.kind.as_str(),
            "side": crate::order::side_word(order.new.side),
            "workingTime": order.working_ms.unwrap_or(order.created_ms),
            "selfTradePreventionMode": order.stp.as_str(),
        },
    });
    if let Some(list) = order.list.and_then(|list| exchange.lists.get(&list)) {
        body["listStatus"] = exchange.list(list);
    }
    body
}

pub(super) fn open(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let symbol = match call.params.text("symbol")? {
        None => None,
        Some(_) => Some(call.symbol(exchange)?),
    };
    let orders = exchange.open[call.account()?].iter().filter_map(|id| exchange.orders.get(id));
    let orders = orders.filter(|order| symbol.is_none_or(|symbol| order.new.symbol == symbol));
    Ok(orders.map(|order| exchange.queried(order)).collect())
}

pub(super) fn all(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let (symbol, account) = (call.symbol(exchange)?, call.account()?);
    let limit = call.params.limit(ROWS.0, ROWS.1)?;
    let from = call.params.whole("orderId")?;
    let (start, end) = super::day(call.params)?;
    let orders = exchange.orders.range(from.unwrap_or(0)..).map(|(_, order)| order);
    let orders = orders.filter(|order| {
        order.account == account
            && order.new.symbol == symbol
            && start.is_none_or(|start| order.created_ms >= start)
            && end.is_none_or(|end| order.created_ms <= end)
    });
    let rows: Vec<_> = orders.collect();
    // From a given place the first ones, else the latest.
    let skip = if from.is_some() || start.is_some() { 0 } else { rows.len().saturating_sub(limit) };
    let rows = rows.into_iter().skip(skip).take(limit);
    Ok(rows.map(|order| exchange.queried(order)).collect())
}
