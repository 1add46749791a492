//! What may be asked, on REST and on the WebSocket API alike: one table of requests, and the
//! answers. Parameters in, JSON out; sockets, signatures and limits are elsewhere.

mod account;
mod lists;
mod market;
mod orders;
pub(crate) mod render;
mod table;

use serde_json::Value;

use crate::{
    Exchange,
    auth::Login,
    order::{AccountId, SymbolId},
    params::Params,
    refusal::Refusal,
};

pub(crate) use market::{Day, best, kline, levels};
pub(crate) use table::{Endpoint, Security, by_method, by_path, path_exists};

/// Parameters that any signed request may have.
pub(crate) const SIGNED: [&str; 5] =
    ["timestamp", "recvWindow", "signature", "apiKey", "returnRateLimits"];

/// One request.
#[derive(Debug)]
pub(crate) struct Call<'c> {
    pub(crate) params: &'c Params,
    /// Whose it is; always there where the table asks for it.
    pub(crate) login: Option<Login>,
    pub(crate) now_ms: u64,
    /// The limits as `exchangeInfo` tells them.
    pub(crate) limits: &'c [Value],
    /// The account's order counts.
    pub(crate) order_counts: &'c [Value],
    /// Why it may place no order, where it may do the rest.
    pub(crate) limited: Option<Refusal>,
}

impl Call<'_> {
    fn account(&self) -> Result<AccountId, Refusal> {
        self.login.map(|login| login.account).ok_or_else(Refusal::bad_key)
    }

    /// The symbol, which must be there.
    fn symbol(&self, exchange: &Exchange) -> Result<SymbolId, Refusal> {
        exchange.symbol_of(self.params.need("symbol")?).ok_or_else(Refusal::bad_symbol)
    }
}

/// Begin and end of a search among own things: a day at most.
fn day(params: &Params) -> Result<(Option<u64>, Option<u64>), Refusal> {
    const DAY_MS: u64 = 86_400_000;
    let (start, end) = (params.whole("startTime")?, params.whole("endTime")?);
    match start.zip(end) {
        Some((start, end)) if end.saturating_sub(start) > DAY_MS => Err(Refusal::too_long_ago()),
        _ => Ok((start, end)),
    }
}

/// One symbol, a list of them, or all.
fn symbols(exchange: &Exchange, params: &Params) -> Result<Vec<SymbolId>, Refusal> {
    let find = |name: &str| exchange.symbol_of(name).ok_or_else(Refusal::bad_symbol);
    match (params.text("symbol")?, params.text("symbols")?) {
        (Some(_), Some(_)) => Err(Refusal::optional_combination()),
        (Some(name), None) => Ok(vec![find(name)?]),
        (None, Some(list)) => {
            let names: Vec<String> =
                serde_json::from_str(list).map_err(|_| Refusal::invalid("symbols"))?;
            names.iter().map(|name| find(name)).collect()
        }
        (None, None) => Ok((0..exchange.markets.len()).collect()),
    }
}
