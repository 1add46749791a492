//! Requests about accounts.

use serde_json::{Value, json};

use super::Call;
use crate::{Exchange, amount::Amount, refusal::Refusal, symbol::Symbol};

/// Rows of a query where it does not say, and at most.
const ROWS: (usize, usize) = (500, 1_000);
const ZERO: &str = "0.00000000";

pub(super) fn status(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let account = call.account()?;
    let own = &exchange.accounts[account];
    let omit = call.params.get("omitZeroBalances") == Some("true");
    let balances = exchange
        .assets
        .iter()
        .enumerate()
        .filter(|(asset, _)| !omit || own.total(*asset).is_positive());
    let balances: Vec<_> = balances
        .map(|(asset, name)| {
            json!({
                "asset": name,
                "free": own.free(asset).to_string(),
                "locked": own.locked(asset).to_string(),
            })
        })
        .collect();
    let rules = &exchange.markets[0].symbol.rules;
    let basis_points = |fee: Amount| i64::try_from(fee.0 / 10_000).unwrap_or_default();
    let (maker, taker) = (rules.maker_fee, rules.taker_fee);
    let trading = call.login.is_some_and(|login| exchange.key(login).trading);
    Ok(json!({
        "makerCommission": basis_points(maker),
        "takerCommission": basis_points(taker),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": maker.to_string(), "taker": taker.to_string(), "buyer": ZERO, "seller": ZERO,
        },
        "canTrade": trading,
        "canWithdraw": false,
        "canDeposit": true,
        "brokered": false,
        "requireSelfTradePrevention": false,
        "preventSor": false,
        "updateTime": own.updated_ms,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": account,
    }))
}

/// Rates of a symbol; the words differ between requests.
pub(super) fn rates(symbol: &Symbol, suffix: &str) -> Value {
    let (maker, taker) = (symbol.rules.maker_fee.to_string(), symbol.rules.taker_fee.to_string());
    let mut body = json!({
        "discount": {
            "enabledForAccount": false, "enabledForSymbol": false, "discountAsset": "BNB",
            "discount": ZERO,
        },
    });
    for (name, maker, taker) in
        [("standard", maker.as_str(), taker.as_str()), ("special", ZERO, ZERO), ("tax", ZERO, ZERO)]
    {
        body[format!("{name}Commission{suffix}")] =
            json!({"maker": maker, "taker": taker, "buyer": ZERO, "seller": ZERO});
    }
    body
}

pub(super) fn commission(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let symbol = &exchange.markets[call.symbol(exchange)?].symbol;
    let mut body = rates(symbol, "");
    body["symbol"] = json!(symbol.rules.name);
    Ok(body)
}

pub(super) fn trades(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let (symbol, account) = (call.symbol(exchange)?, call.account()?);
    let limit = call.params.limit(ROWS.0, ROWS.1)?;
    let (order, from) = (call.params.whole("orderId")?, call.params.whole("fromId")?);
    let (start, end) = (call.params.whole("startTime")?, call.params.whole("endTime")?);
    let name = &exchange.markets[symbol].symbol.rules.name;
    let fills = exchange.fills[account].iter().filter(|fill| {
        fill.symbol == symbol
            && order.is_none_or(|order| fill.order == order)
            && from.is_none_or(|from| fill.trade >= from)
            && start.is_none_or(|start| fill.time_ms >= start)
            && end.is_none_or(|end| fill.time_ms <= end)
    });
    let rows: Vec<_> = fills
        .map(|fill| {
            json!({
                "symbol": name,
                "id": fill.trade,
                "orderId": fill.order,
                "orderListId": super::render::list_id(fill.list),
                "price": fill.price.to_string(),
                "qty": fill.quantity.to_string(),
                "quoteQty": fill.price.times(fill.quantity).to_string(),
                "commission": fill.commission.to_string(),
                "commissionAsset": exchange.assets[fill.commission_asset],
                "time": fill.time_ms,
                "isBuyer": fill.buyer,
                "isMaker": fill.maker,
                "isBestMatch": true,
            })
        })
        .collect();
    let skip = if from.is_some() || start.is_some() { 0 } else { rows.len().saturating_sub(limit) };
    Ok(rows.into_iter().skip(skip).take(limit).collect())
}

pub(super) fn prevented(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let (symbol, account) = (call.symbol(exchange)?, call.account()?);
    let limit = call.params.limit(ROWS.0, ROWS.1)?;
    let (id, order) = (call.params.whole("preventedMatchId")?, call.params.whole("orderId")?);
    let from = call.params.whole("fromPreventedMatchId")?;
    if id.is_none() && order.is_none() {
        return Err(Refusal::one_of("preventedMatchId", "orderId"));
    }
    let name = &exchange.markets[symbol].symbol.rules.name;
    let is_own = |order: u64| exchange.orders.get(&order).is_some_and(|o| o.account == account);
    let rows = exchange.markets[symbol].prevented.iter().filter(|one| {
        is_own(one.taker)
            && id.is_none_or(|id| one.id == id)
            && order.is_none_or(|order| one.taker == order || one.maker == order)
            && from.is_none_or(|from| one.id >= from)
    });
    Ok(rows
        .take(limit)
        .map(|one| {
            let mut row = json!({
                "symbol": name,
                "preventedMatchId": one.id,
                "takerOrderId": one.taker,
                "makerSymbol": name,
                "makerOrderId": one.maker,
                "tradeGroupId": -1,
                "selfTradePreventionMode": one.mode.as_str(),
                "price": one.price.to_string(),
                "transactTime": one.time_ms,
            });
            if let Some(quantity) = one.taker_quantity {
                row["takerPreventedQuantity"] = json!(quantity.to_string());
            }
            if let Some(quantity) = one.maker_quantity {
                row["makerPreventedQuantity"] = json!(quantity.to_string());
            }
            row
        })
        .collect())
}

pub(super) fn order_counts(_: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    Ok(json!(call.order_counts))
}

pub(super) fn restrictions(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let key = exchange.key(call.login.ok_or_else(Refusal::bad_key)?);
    Ok(json!({
        "ipRestrict": key.ip_restricted,
        "createTime": 1_600_000_000_000u64,
        "enableReading": true,
        "enableWithdrawals": key.withdrawals,
        "enableInternalTransfer": false,
        "enableMargin": false,
        "enableFutures": false,
        "permitsUniversalTransfer": false,
        "enableVanillaOptions": false,
        "enableFixApiTrade": false,
        "enableFixReadOnly": false,
        "enableSpotAndMarginTrading": key.trading,
        "enablePortfolioMarginTrading": false,
    }))
}

pub(super) fn coins(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let own = &exchange.accounts[call.account()?];
    let coins = exchange.assets.iter().enumerate().map(|(asset, name)| {
        json!({
            "coin": name,
            "depositAllEnable": true,
            "free": own.free(asset).to_string(),
            "freeze": ZERO,
            "ipoable": ZERO,
            "ipoing": ZERO,
            "isLegalMoney": false,
            "locked": own.locked(asset).to_string(),
            "name": name,
            "networkList": [],
            "storage": ZERO,
            "trading": true,
            "withdrawAllEnable": false,
            "withdrawing": ZERO,
        })
    });
    Ok(coins.collect())
}

pub(super) fn transfer(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let amount = call.params.amount("amount")?.ok_or_else(|| Refusal::mandatory("amount"))?;
    let delta = match call.params.need("direction")? {
        "IN" => amount,
        "OUT" => -amount,
        _ => return Err(Refusal::invalid("direction")),
    };
    let asset = call.params.need("asset")?;
    if exchange.transfer(call.account()?, asset, delta, call.now_ms) {
        Ok(json!({"asset": asset, "amount": delta.to_string()}))
    } else {
        Err(Refusal::insufficient_balance())
    }
}
