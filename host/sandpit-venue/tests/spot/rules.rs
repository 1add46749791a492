//! What the exchange here allows: weights by the minute and orders by ten seconds, as Binance's
//! documents have them, and what it says to whoever asks too much.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What is counted.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) weight_most: u64,
    pub(crate) orders_most: u64,
    /// By the number of the window.
    weight: BTreeMap<u64, u64>,
    orders: BTreeMap<u64, u64>,
    /// Whether a refusal says when to come back.
    pub(crate) says_when: bool,
    /// Until when nobody is answered, in milliseconds.
    banned_until: u64,
    limited_until: u64,
    /// Answers that were refused because too much was asked, and because of a ban.
    pub(crate) limited: u64,
    pub(crate) banned: u64,
    /// The most that was used of a window.
    pub(crate) weight_peak: u64,
    pub(crate) orders_peak: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            weight_most: 6_000,
            orders_most: 100,
            weight: BTreeMap::new(),
            orders: BTreeMap::new(),
            says_when: true,
            banned_until: 0,
            limited_until: 0,
            limited: 0,
            banned: 0,
            weight_peak: 0,
            orders_peak: 0,
        }
    }
}

/// What a method weighs, and how many orders it counts.
fn cost(method: &str, one_order: bool, one_symbol: bool) -> (u64, u64) {
    match method {
        "order.place" => (1, 1),
        "orderList.place.oco" => (1, 2),
        "order.amend.keepPriority" | "order.status" => (4, 0),
        "openOrders.status" => (if one_symbol { 6 } else { 80 }, 0),
        "myTrades" => (if one_order { 5 } else { 20 }, 0),
        "account.status" | "account.commission" | "exchangeInfo" => (20, 0),
        "avgPrice" | "session.logon" => (2, 0),
        method if method.starts_with("userDataStream") => (2, 0),
        _ => (1, 0),
    }
}

impl Limits {
    /// Counts a request. Where that is too much, what is answered: status, code, and seconds to
    /// stay away, where it is said.
    pub(crate) fn count(
        &mut self,
        method: &str,
        (one_order, one_symbol): (bool, bool),
        now: u64,
    ) -> Result<(), (u16, Option<u64>)> {
        let said = |seconds| self.says_when.then_some(seconds);
        if now < self.banned_until {
            self.banned += 1;
            return Err((418, said((self.banned_until - now).div_ceil(1_000))));
        }
        if now < self.limited_until {
            // Who goes on after being told is banned.
            self.banned += 1;
            self.banned_until = now + 120_000;
            return Err((418, said(120)));
        }
        let (weight, orders) = cost(method, one_order, one_symbol);
        let used = self.weight.entry(now / 60_000).or_default();
        *used += weight;
        self.weight_peak = self.weight_peak.max(*used);
        if *used > self.weight_most {
            self.limited += 1;
            self.limited_until = (now / 60_000 + 1) * 60_000;
            return Err((429, said((self.limited_until - now).div_ceil(1_000))));
        }
        let placed = self.orders.entry(now / 10_000).or_default();
        if orders > 0 && *placed + orders > self.orders_most {
            self.limited += 1;
            return Err((429, None));
        }
        *placed += orders;
        self.orders_peak = self.orders_peak.max(*placed);
        Ok(())
    }

    /// Somebody else has asked all there is for this minute.
    pub(crate) fn use_up(&mut self, now: u64) {
        self.weight.insert(now / 60_000, self.weight_most);
    }

    pub(crate) fn headers(&self, now: u64) -> Vec<(String, String)> {
        let of = |windows: &BTreeMap<u64, u64>, at| windows.get(&at).copied().unwrap_or(0);
        vec![
            ("x-mbx-used-weight-1m".into(), of(&self.weight, now / 60_000).to_string()),
            ("x-mbx-order-count-10s".into(), of(&self.orders, now / 10_000).to_string()),
        ]
    }

    pub(crate) fn entries(&self, now: u64) -> Value {
        let of = |windows: &BTreeMap<u64, u64>, at| windows.get(&at).copied().unwrap_or(0);
        json!([
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
             "limit": self.weight_most, "count": of(&self.weight, now / 60_000)},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10,
             "limit": self.orders_most, "count": of(&self.orders, now / 10_000)},
        ])
    }
}
