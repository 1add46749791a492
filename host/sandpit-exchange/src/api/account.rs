//! Requests about accounts.

use serde_json::{Value, json};

use super::Call;
use crate::{
    Exchange,
    amount::Amount,
    order::{AccountId, SymbolId},
    refusal::Refusal,
};

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
    let trading = call.login.is_some_and(|login| exchange.key(login).is_ok_and(|key| key.trading));
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
pub(super) fn rates(
    exchange: &Exchange,
    account: AccountId,
    symbol: SymbolId,
    suffix: &str,
) -> Value {
    let symbol = &exchange.markets[symbol].symbol;
    let (maker, taker) = (symbol.rules.maker_fee.to_string(), symbol.rules.taker_fee.to_string());
    let mut body = json!({
        "discount": {
            "enabledForAccount": exchange.accounts[account].fees_in_bnb,
            "enabledForSymbol": exchange.bnb_price(symbol.quote).is_some(),
            "discountAsset": "BNB",
            "discount": "0.75000000",
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
    let symbol = call.symbol(exchange)?;
    let mut body = rates(exchange, call.account()?, symbol, "");
    body["symbol"] = json!(exchange.markets[symbol].symbol.rules.name);
    Ok(body)
}

pub(super) fn trades(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let (symbol, account) = (call.symbol(exchange)?, call.account()?);
    let limit = call.params.limit(ROWS.0, ROWS.1)?;
    let (order, from) = (call.params.whole("orderId")?, call.params.whole("fromId")?);
    let (start, end) = super::day(call.params)?;
    if start.or(end).is_some() && order.or(from).is_some() {
        return Err(Refusal::optional_combination());
    }
    let name = &exchange.markets[symbol].symbol.rules.name;
    let fills = exchange.fills[account].iter().filter(|fill| {
        fill.symbol == symbol
            && order.is_none_or(|order| fill.order == order)
            && from.is_none_or(|from| fill.trade >= from)
            && start.is_none_or(|start| fill.time_ms >= start)
            && end.is_none_or(|end| fill.time_ms <= end)
    });
    let fills: Vec<_> = fills.collect();
    let skip =
        if from.is_some() || start.is_some() { 0 } else { fills.len().saturating_sub(limit) };
    let rows = fills.into_iter().skip(skip).take(limit);
    Ok(rows
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
        .collect())
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
    let key = exchange.key(call.login.ok_or_else(Refusal::bad_key)?)?;
    Ok(json!({
        "ipRestrict": key.ip_restricted,
        "createTime": key.created_ms,
        "enableReading": true,
        "enableWithdrawals": key.withdrawals,
        "enableInternalTransfer": key.transfers,
        "enableMargin": false,
        "enableFutures": false,
        "permitsUniversalTransfer": key.transfers,
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
