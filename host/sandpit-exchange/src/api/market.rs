//! Requests about the market.

use sandpit_core::market::Side;
use serde_json::{Value, json};

use super::{Call, render, symbols};
use crate::{
    Exchange,
    amount::Amount,
    candles::{Candle, interval_of},
    market::Market,
    params::Params,
    refusal::Refusal,
    symbol::{AVERAGE_MINUTES, EXCHANGE_ORDERS_MAX},
};

/// Rows of a query where it does not say, and at most.
const ROWS: (usize, usize) = (500, 1_000);
/// Levels of the book, the same.
const LEVELS: (usize, usize) = (100, 5_000);

pub(super) fn ping(_: &mut Exchange, _: &Call<'_>) -> Result<Value, Refusal> {
    Ok(json!({}))
}

pub(super) fn time(_: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    Ok(json!({"serverTime": call.now_ms}))
}

pub(super) fn system_status(_: &mut Exchange, _: &Call<'_>) -> Result<Value, Refusal> {
    Ok(json!({"status": 0, "msg": "normal"}))
}

pub(super) fn no_pairs(_: &mut Exchange, _: &Call<'_>) -> Result<Value, Refusal> {
    Ok(json!([]))
}

pub(super) fn exchange_info(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let symbols = symbols(exchange, call.params)?;
    let symbols: Vec<_> =
        symbols.iter().map(|id| exchange.markets[*id].symbol.info(&exchange.assets)).collect();
    Ok(json!({
        "timezone": "UTC",
        "serverTime": call.now_ms,
        "rateLimits": call.limits,
        "exchangeFilters": [
            {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": EXCHANGE_ORDERS_MAX},
        ],
        "symbols": symbols,
    }))
}

/// Levels as the venue writes them.
pub(crate) fn levels(levels: &[(Amount, Amount)]) -> Value {
    levels
        .iter()
        .map(|(price, quantity)| json!([price.to_string(), quantity.to_string()]))
        .collect()
}

pub(super) fn depth(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let market = &exchange.markets[call.symbol(exchange)?];
    let count = call.params.limit(LEVELS.0, LEVELS.1)?;
    Ok(json!({
        "lastUpdateId": market.update,
        "bids": levels(&market.book.levels(Side::Buy, count)),
        "asks": levels(&market.book.levels(Side::Sell, count)),
    }))
}

pub(super) fn trades(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let trades = &exchange.markets[call.symbol(exchange)?].trades;
    let skip = trades.len().saturating_sub(call.params.limit(ROWS.0, ROWS.1)?);
    Ok(trades.iter().skip(skip).map(render::public_trade).collect())
}

pub(super) fn historical_trades(
    exchange: &mut Exchange,
    call: &Call<'_>,
) -> Result<Value, Refusal> {
    let Some(from) = call.params.whole("fromId")? else { return trades(exchange, call) };
    let trades = &exchange.markets[call.symbol(exchange)?].trades;
    let limit = call.params.limit(ROWS.0, ROWS.1)?;
    let rows = trades.iter().filter(|trade| trade.id >= from).take(limit);
    Ok(rows.map(render::public_trade).collect())
}

pub(super) fn aggregates(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let all = &exchange.markets[call.symbol(exchange)?].aggregates;
    let limit = call.params.limit(ROWS.0, ROWS.1)?;
    let from = call.params.whole("fromId")?;
    let (start, end) = (call.params.whole("startTime")?, call.params.whole("endTime")?);
    if from.is_some() && (start.is_some() || end.is_some()) {
        return Err(Refusal::optional_combination());
    }
    let rows = all.iter().filter(|one| {
        from.is_none_or(|from| one.id >= from)
            && start.is_none_or(|start| one.time_ms >= start)
            && end.is_none_or(|end| one.time_ms <= end)
    });
    let rows: Vec<_> = rows.collect();
    let skip = if from.is_some() || start.is_some() { 0 } else { rows.len().saturating_sub(limit) };
    Ok(rows.into_iter().skip(skip).take(limit).map(render::aggregate).collect())
}

fn row(candle: &Candle) -> Value {
    json!([
        candle.start_ms,
        candle.open.to_string(),
        candle.high.to_string(),
        candle.low.to_string(),
        candle.close.to_string(),
        candle.volume.to_string(),
        candle.end_ms,
        candle.quote.to_string(),
        candle.trades,
        candle.taker_volume.to_string(),
        candle.taker_quote.to_string(),
        "0",
    ])
}

/// A candle as streams tell it.
pub(crate) fn kline(symbol: &str, interval: &str, candle: &Candle, closed: bool) -> Value {
    let id = |id: u64| if candle.trades == 0 { json!(-1) } else { json!(id) };
    json!({
        "t": candle.start_ms, "T": candle.end_ms, "s": symbol, "i": interval,
        "f": id(candle.first_trade), "L": id(candle.last_trade),
        "o": candle.open.to_string(), "c": candle.close.to_string(),
        "h": candle.high.to_string(), "l": candle.low.to_string(),
        "v": candle.volume.to_string(), "n": candle.trades, "x": closed,
        "q": candle.quote.to_string(), "V": candle.taker_volume.to_string(),
        "Q": candle.taker_quote.to_string(), "B": "0",
    })
}

pub(super) fn klines(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let market = &exchange.markets[call.symbol(exchange)?];
    let interval = interval_of(call.params.need("interval")?).ok_or_else(Refusal::bad_interval)?;
    if call.params.get("timeZone").is_some_and(|zone| zone != "0" && zone != "00:00") {
        return Err(Refusal::invalid("timeZone"));
    }
    let limit = call.params.limit(ROWS.0, ROWS.1)?;
    let (start, end) = (call.params.whole("startTime")?, call.params.whole("endTime")?);
    let rows = market.candles.of(interval).filter(|candle| {
        start.is_none_or(|start| candle.start_ms >= start)
            && end.is_none_or(|end| candle.start_ms <= end)
    });
    let rows: Vec<_> = rows.collect();
    let skip = if start.is_some() { 0 } else { rows.len().saturating_sub(limit) };
    Ok(rows.into_iter().skip(skip).take(limit).map(row).collect())
}

pub(super) fn average_price(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let market = &exchange.markets[call.symbol(exchange)?];
    Ok(json!({
        "mins": AVERAGE_MINUTES,
        "price": market.average(call.now_ms).unwrap_or_default().to_string(),
        "closeTime": market.trades.back().map_or(0, |trade| trade.time_ms),
    }))
}

/// One object for one symbol, else a list.
fn one_or_list(
    exchange: &Exchange,
    params: &Params,
    row: impl Fn(&Market) -> Value,
) -> Result<Value, Refusal> {
    let ids = symbols(exchange, params)?;
    if params.get("symbol").is_some() {
        return Ok(ids.first().map_or(Value::Null, |id| row(&exchange.markets[*id])));
    }
    Ok(ids.iter().map(|id| row(&exchange.markets[*id])).collect())
}

/// What moved within a day: opening, change, change in percent, weighted average.
pub(crate) struct Day {
    pub(crate) candle: Option<Candle>,
    pub(crate) change: Amount,
    pub(crate) percent: String,
    pub(crate) average: Amount,
}

impl Day {
    pub(crate) fn of(market: &Market, now_ms: u64) -> Self {
        let candle = market.day(now_ms).filter(|day| day.trades > 0);
        let change = candle.map_or(Amount::ZERO, |day| day.close - day.open);
        let percent = candle.map_or(0, |day| change.0 * 100_000 / day.open.0.max(1));
        let average = candle.map_or(Amount::ZERO, |day| day.quote.buys(day.volume, Amount(1)));
        let sign = if percent < 0 { "-" } else { "" };
        let percent = percent.unsigned_abs();
        let percent = format!("{sign}{}.{:03}", percent / 1_000, percent % 1_000);
        Self { candle, change, percent, average }
    }
}

pub(super) fn day_tickers(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    let mini = match call.params.text("type")? {
        None | Some("FULL") => false,
        Some("MINI") => true,
        Some(_) => return Err(Refusal::invalid("type")),
    };
    one_or_list(exchange, call.params, |market| day_ticker(market, call.now_ms, mini))
}

fn day_ticker(market: &Market, now_ms: u64, mini: bool) -> Value {
    const DAY_MS: u64 = 86_400_000;
    let day = Day::of(market, now_ms);
    let of = |get: fn(&Candle) -> Amount| day.candle.as_ref().map_or(Amount::ZERO, get).to_string();
    let id =
        |get: fn(&Candle) -> u64| day.candle.as_ref().map_or_else(|| json!(-1), |c| json!(get(c)));
    let mut body = json!({
        "symbol": market.symbol.rules.name,
        "openPrice": of(|c| c.open),
        "highPrice": of(|c| c.high),
        "lowPrice": of(|c| c.low),
        "lastPrice": market.last.unwrap_or_default().to_string(),
        "volume": of(|c| c.volume),
        "quoteVolume": of(|c| c.quote),
        "openTime": now_ms.saturating_sub(DAY_MS),
        "closeTime": now_ms,
        "firstId": id(|c| c.first_trade),
        "lastId": id(|c| c.last_trade),
        "count": day.candle.map_or(0, |c| c.trades),
    });
    if mini {
        return body;
    }
    let ((bid, bid_quantity), (ask, ask_quantity)) = best(market);
    let more = json!({
        "priceChange": day.change.to_string(),
        "priceChangePercent": day.percent,
        "weightedAvgPrice": day.average.to_string(),
        "prevClosePrice": of(|c| c.open),
        "lastQty": market.trades.back().map_or(Amount::ZERO, |trade| trade.quantity).to_string(),
        "bidPrice": bid, "bidQty": bid_quantity, "askPrice": ask, "askQty": ask_quantity,
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

/// Best prices and what is shown there, zeros where there is nothing.
pub(crate) fn best(market: &Market) -> ((String, String), (String, String)) {
    let (bid, ask) = market.best();
    let text = |level: Option<(Amount, Amount)>| {
        let (price, quantity) = level.unwrap_or_default();
        (price.to_string(), quantity.to_string())
    };
    (text(bid), text(ask))
}

pub(super) fn price_tickers(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    one_or_list(exchange, call.params, |market| {
        json!({
            "symbol": market.symbol.rules.name,
            "price": market.last.unwrap_or_default().to_string(),
        })
    })
}

pub(super) fn book_tickers(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refusal> {
    one_or_list(exchange, call.params, |market| {
        let ((bid, bid_quantity), (ask, ask_quantity)) = best(market);
        json!({
            "symbol": market.symbol.rules.name,
            "bidPrice": bid, "bidQty": bid_quantity, "askPrice": ask, "askQty": ask_quantity,
        })
    })
}
