//! Requests about order lists.

use sandpit_core::market::Side;
use serde_json::{Value, json};

use super::{
    Call,
    orders::{self, Names},
    render::Detail,
};
use crate::{
    Exchange,
    exchange::NewList,
    order::{List, NewOrder, Order},
    refusal::Refusal,
    words::Kind,
};

/// Rows of a query where it does not say, and at most.
const ROWS: (usize, usize) = (500, 1_000);

fn list_name(exchange: &mut Exchange, call: &Call<'_>) -> Result<String, Refusal> {
    orders::request_name(exchange, call, "listClientOrderId")
}

/// A pair's types and on which side of the market they may stand.
fn check_pair(above: &NewOrder, below: &NewOrder) -> Result<(), Refusal> {
    if !above.kind.is_conditional() && !below.kind.is_conditional() {
        return Err(Refusal::list_no_trigger());
    }
    for (leg, is_above) in [(above, true), (below, false)] {
        // Where an order of its type belongs: limits and profits on the far side, stops on the other.
        let belongs_above = match leg.kind {
            Kind::Limit | Kind::Market => return Err(Refusal::list_type()),
            Kind::LimitMaker | Kind::TakeProfit | Kind::TakeProfitLimit => leg.side == Side::Sell,
            Kind::StopLoss | Kind::StopLossLimit => leg.side == Side::Buy,
        };
        if belongs_above == is_above {
            continue;
        }
        return Err(match (leg.kind, leg.side) {
            (Kind::LimitMaker, Side::Buy) => Refusal::buy_limit_below(),
            (Kind::LimitMaker, Side::Sell) => Refusal::sell_limit_above(),
            (Kind::StopLoss | Kind::StopLossLimit, Side::Buy) => Refusal::buy_stop_above(),
            (Kind::StopLoss | Kind::StopLossLimit, Side::Sell) => Refusal::sell_stop_below(),
            (_, Side::Buy) => Refusal::buy_profit_below(),
            (_, Side::Sell) => Refusal::sell_profit_above(),
        });
    }
    Ok(())
}

fn placed(exchange: &Exchange, list: &List, orders: &[Order], detail: Detail) -> Value {
    let mut body = exchange.list(list);
    let reports: Vec<_> =
        orders.iter().map(|order| exchange.placed(order, &[], &[], detail)).collect();
    body["orderReports"] = json!(reports);
    body
}

fn place(exchange: &mut Exchange, call: &Call<'_>, list: NewList) -> Result<Value, Refusal> {
    let detail = orders::detail(call.params, Detail::Result)?;
    let (list, orders) = exchange.place_list(call.account()?, list, call.now_ms)?;
    Ok(placed(exchange, &list, &orders, detail))
}

fn pair(
    exchange: &mut Exchange,
    call: &Call<'_>,
    prefixes: [&str; 2],
    side: Side,
    quantity: &str,
) -> Result<Vec<NewOrder>, Refusal> {
    let symbol = call.symbol(exchange)?;
    let size = call.params.amount(quantity)?.ok_or_else(|| Refusal::mandatory(quantity))?;
    let mut legs = Vec::new();
    for prefix in prefixes {
        let names = Names { prefix, side, quantity: Some(size) };
        legs.push(names.read(exchange, call.params, symbol)?);
    }
    check_pair(&legs[0], &legs[1])?;
    Ok(legs)
}

pub(super) fn place_oco(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let symbol = call.symbol(exchange)?;
    let side = orders::side(call.params.need("side")?)?;
    let legs = pair(exchange, call, ["above", "below"], side, "quantity")?;
    let client_id = list_name(exchange, call)?;
    place(exchange, call, NewList { symbol, client_id, working: None, legs })
}

fn working(exchange: &mut Exchange, call: &Call<'_>) -> Result<NewOrder, Refusal> {
    let symbol = call.symbol(exchange)?;
    let side = orders::side(call.params.need("workingSide")?)?;
    let names = Names { prefix: "working", side, quantity: None };
    let order = names.read(exchange, call.params, symbol)?;
    if matches!(order.kind, Kind::Limit | Kind::LimitMaker) {
        Ok(order)
    } else {
        Err(Refusal::bad_type())
    }
}

pub(super) fn place_oto(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let symbol = call.symbol(exchange)?;
    let working = working(exchange, call)?;
    let side = orders::side(call.params.need("pendingSide")?)?;
    let names = Names { prefix: "pending", side, quantity: None };
    let legs = vec![names.read(exchange, call.params, symbol)?];
    let client_id = list_name(exchange, call)?;
    place(exchange, call, NewList { symbol, client_id, working: Some(working), legs })
}

pub(super) fn place_otoco(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let symbol = call.symbol(exchange)?;
    let working = working(exchange, call)?;
    let side = orders::side(call.params.need("pendingSide")?)?;
    let prefixes = ["pendingAbove", "pendingBelow"];
    let legs = pair(exchange, call, prefixes, side, "pendingQuantity")?;
    let client_id = list_name(exchange, call)?;
    place(exchange, call, NewList { symbol, client_id, working: Some(working), legs })
}

pub(super) fn status(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let (account, id) = (call.account()?, call.params.whole("orderListId")?);
    let name = call.params.client_id("origClientOrderId")?;
    if id.is_none() && name.is_none() {
        return Err(Refusal::one_of("origClientOrderId", "orderListId"));
    }
    let is_it = |list: &&List| {
        list.account == account
            && id.is_none_or(|id| id == list.id)
            && name.as_ref().is_none_or(|name| *name == list.client_id)
    };
    let list = exchange.lists.values().rev().find(is_it).ok_or_else(Refusal::no_such_list)?;
    Ok(exchange.list(list))
}

pub(super) fn cancel(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let (symbol, account) = (call.symbol(exchange)?, call.account()?);
    let id = call.params.whole("orderListId")?;
    let list_name = call.params.client_id("listClientOrderId")?;
    if id.is_none() && list_name.is_none() {
        return Err(Refusal::one_of("orderListId", "listClientOrderId"));
    }
    let name = orders::request_name(exchange, call, "newClientOrderId")?;
    let is_it = |list: &List| {
        id.is_none_or(|id| id == list.id)
            && list_name.as_ref().is_none_or(|name| *name == list.client_id)
    };
    let (_, orders) = exchange.cancel_list(account, symbol, is_it, &name, call.now_ms)?;
    Ok(canceled(exchange, &orders, &name))
}

/// A list that was canceled, with its orders.
pub(super) fn canceled(exchange: &Exchange, orders: &[Order], name: &str) -> Value {
    let list = orders.first().and_then(|order| exchange.lists.get(&order.list?));
    let mut body = list.map_or_else(|| json!({}), |list| exchange.list(list));
    let reports: Vec<_> = orders.iter().map(|order| exchange.canceled(order, name)).collect();
    body["orderReports"] = json!(reports);
    body
}

pub(super) fn open(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let account = call.account()?;
    let lists = exchange.lists.values().filter(|list| list.account == account && !list.done);
    Ok(lists.map(|list| exchange.list(list)).collect())
}

pub(super) fn all(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let account = call.account()?;
    let limit = call.params.limit(ROWS.0, ROWS.1)?;
    let from = call.params.whole("fromId")?;
    let (start, end) = (call.params.whole("startTime")?, call.params.whole("endTime")?);
    let lists = exchange.lists.range(from.unwrap_or(0)..).map(|(_, list)| list);
    let lists = lists.filter(|list| {
        list.account == account
            && start.is_none_or(|start| list.time_ms >= start)
            && end.is_none_or(|end| list.time_ms <= end)
    });
    let rows: Vec<_> = lists.map(|list| exchange.list(list)).collect();
    let skip = if from.is_some() || start.is_some() { 0 } else { rows.len().saturating_sub(limit) };
    Ok(rows.into_iter().skip(skip).take(limit).collect())
}
