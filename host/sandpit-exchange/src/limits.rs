//! How much may be asked: weights and requests by address, orders by account; refusals, and bans
//! of who does not heed them. Pure: time is an argument.
//!
//! Windows begin with the clock: a minute at every full minute. Weight over the limit is answered
//! with 429; who goes on is banned (418), each time twice as long.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Value, json};

use crate::{config::Limits, order::AccountId, refusal::Refusal};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;
/// The longest ban: three days.
const BAN_MS_MAX: u64 = 3 * DAY_MS;
/// Weight of wallet requests in a minute, by address.
const WALLET_WEIGHT_MAX: u32 = 12_000;
/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 10_000;

/// A count within a window.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    window: u64,
    used: u32,
}

impl Count {
    fn at(&mut self, now_ms: u64, length_ms: u64) -> &mut u32 {
        let window = now_ms / length_ms;
        if window != self.window {
            *self = Self { window, used: 0 };
        }
        &mut self.used
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Address {
    weight: Count,
    wallet: Count,
    requests: Count,
    refusals: Count,
    banned_until_ms: u64,
    bans: u32,
    connections: u32,
    attempts: Count,
}

#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    seconds: Count,
    day: Count,
}

/// What a request has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) weight: u32,
    pub(crate) wallet: u32,
}

/// All counts.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    limits: Limits,
    addresses: BTreeMap<IpAddr, Address>,
    accounts: BTreeMap<AccountId, Orders>,
}

fn seconds_left(now_ms: u64, length_ms: u64) -> u64 {
    (length_ms - now_ms % length_ms).div_ceil(1_000)
}

impl Counter {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, addresses: BTreeMap::new(), accounts: BTreeMap::new() }
    }

    fn address(&mut self, ip: IpAddr) -> &mut Address {
        if self.addresses.len() >= ADDRESSES_MAX && !self.addresses.contains_key(&ip) {
            self.addresses.pop_first();
        }
        self.addresses.entry(ip).or_default()
    }

    /// A request comes.
    pub(crate) fn request(
        &mut self,
        ip: IpAddr,
        weight: u32,
        wallet: bool,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let limits = self.limits;
        let address = self.address(ip);
        if now_ms < address.banned_until_ms {
            return Err(banned(address.banned_until_ms, now_ms));
        }
        let requests = address.requests.at(now_ms, 5 * MINUTE_MS);
        *requests = requests.saturating_add(1);
        let too_many = *requests > limits.requests_per_5_minutes_max;
        let (used, max) = if wallet {
            (address.wallet.at(now_ms, MINUTE_MS), WALLET_WEIGHT_MAX)
        } else {
            (address.weight.at(now_ms, MINUTE_MS), limits.weight_per_minute_max)
        };
        *used = used.saturating_add(weight);
        if *used <= max && !too_many {
            return Ok(());
        }
        let refusals = address.refusals.at(now_ms, MINUTE_MS);
        *refusals += 1;
        if *refusals > limits.refusals_before_ban {
            let length = (limits.ban_s * 1_000).saturating_mul(1 << address.bans.min(16));
            address.banned_until_ms = now_ms + length.min(BAN_MS_MAX);
            address.bans += 1;
            return Err(banned(address.banned_until_ms, now_ms));
        }
        let text = if too_many {
            format!(
                "Too many requests; current limit is {} requests per 5 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
                limits.requests_per_5_minutes_max
            )
        } else {
            format!(
                "Too much request weight used; current limit is {max} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."
            )
        };
        let length = if too_many { 5 * MINUTE_MS } else { MINUTE_MS };
        Err(Refusal::too_much(429, -1003, text, seconds_left(now_ms, length)))
    }

    /// A request was done that weighs nothing then.
    pub(crate) fn give_back(&mut self, ip: IpAddr, weight: u32, now_ms: u64) {
        let used = self.address(ip).weight.at(now_ms, MINUTE_MS);
        *used = used.saturating_sub(weight);
    }

    /// Orders are about to be placed.
    pub(crate) fn orders(
        &mut self,
        account: AccountId,
        count: u32,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let own = self.accounts.entry(account).or_default();
        let windows = [
            (
                own.seconds.at(now_ms, 10_000),
                self.limits.orders_per_10_seconds_max,
                "10 SECOND",
                10_000,
            ),
            (own.day.at(now_ms, DAY_MS), self.limits.orders_per_day_max, "1 DAY", DAY_MS),
        ];
        for (used, max, name, length) in &windows {
            if used.saturating_add(count) > *max {
                let text =
                    format!("Too many new orders; current limit is {max} orders per {name}.");
                return Err(Refusal::too_much(429, -1015, text, seconds_left(now_ms, *length)));
            }
        }
        for (used, ..) in windows {
            *used += count;
        }
        Ok(())
    }

    /// An order counts no more: it was filled, or refused.
    pub(crate) fn order_gone(&mut self, account: AccountId, count: u32, now_ms: u64) {
        let own = self.accounts.entry(account).or_default();
        for used in [own.seconds.at(now_ms, 10_000), own.day.at(now_ms, DAY_MS)] {
            *used = used.saturating_sub(count);
        }
    }

    pub(crate) fn used(&mut self, ip: IpAddr, now_ms: u64) -> Used {
        let address = self.address(ip);
        Used {
            weight: *address.weight.at(now_ms, MINUTE_MS),
            wallet: *address.wallet.at(now_ms, MINUTE_MS),
        }
    }

    /// Orders that count now: in ten seconds, in a day.
    pub(crate) fn orders_used(&mut self, account: AccountId, now_ms: u64) -> (u32, u32) {
        let own = self.accounts.entry(account).or_default();
        (*own.seconds.at(now_ms, 10_000), *own.day.at(now_ms, DAY_MS))
    }

    /// A WebSocket connection wants to begin.
    pub(crate) fn handshake(
        &mut self,
        ip: IpAddr,
        weight: u32,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        self.request(ip, weight, false, now_ms)?;
        let limits = self.limits;
        let address = self.address(ip);
        let attempts = address.attempts.at(now_ms, 5 * MINUTE_MS);
        *attempts = attempts.saturating_add(1);
        if *attempts <= limits.connections_per_5_minutes_max
            && address.connections < limits.connections_max
        {
            return Ok(());
        }
        let max = limits.connections_per_5_minutes_max;
        let text =
            format!("Too many connections; current limit is {max} connections per 5 MINUTE.");
        Err(Refusal::too_much(429, -1003, text, seconds_left(now_ms, 5 * MINUTE_MS)))
    }

    /// A connection has begun.
    pub(crate) fn connect(&mut self, ip: IpAddr) {
        let address = self.address(ip);
        address.connections = address.connections.saturating_add(1);
    }

    pub(crate) fn disconnect(&mut self, ip: IpAddr) {
        let address = self.address(ip);
        address.connections = address.connections.saturating_sub(1);
    }

    /// The limits as `exchangeInfo` tells them.
    pub(crate) fn info(&self) -> Vec<Value> {
        let limits = &self.limits;
        vec![
            entry("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute_max, None),
            entry("ORDERS", "SECOND", 10, limits.orders_per_10_seconds_max, None),
            entry("ORDERS", "DAY", 1, limits.orders_per_day_max, None),
            entry("RAW_REQUESTS", "MINUTE", 5, limits.requests_per_5_minutes_max, None),
        ]
    }

    /// The address's weight, as answers of the WebSocket API tell it.
    pub(crate) fn weight_info(&mut self, ip: IpAddr, now_ms: u64) -> Value {
        let used = self.used(ip, now_ms).weight;
        entry("REQUEST_WEIGHT", "MINUTE", 1, self.limits.weight_per_minute_max, Some(used))
    }

    /// An account's order counts.
    pub(crate) fn order_info(&mut self, account: AccountId, now_ms: u64) -> Vec<Value> {
        let (seconds, day) = self.orders_used(account, now_ms);
        vec![
            entry("ORDERS", "SECOND", 10, self.limits.orders_per_10_seconds_max, Some(seconds)),
            entry("ORDERS", "DAY", 1, self.limits.orders_per_day_max, Some(day)),
        ]
    }
}

fn entry(kind: &str, interval: &str, number: u32, limit: u32, count: Option<u32>) -> Value {
    let mut entry = json!({
        "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit,
    });
    if let Some(count) = count {
        entry["count"] = json!(count);
    }
    entry
}

fn banned(until_ms: u64, now_ms: u64) -> Refusal {
    let text = format!(
        "Way too much request weight used; IP banned until {until_ms}. Please use WebSocket Streams for live updates to avoid bans."
    );
    Refusal::too_much(418, -1003, text, (until_ms - now_ms).div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_in_time_and_at_a_time() {
        let limits =
            Limits { connections_max: 2, connections_per_5_minutes_max: 3, ..Limits::default() };
        let mut counter = Counter::new(limits);
        let mut ask = |now_ms| counter.handshake(IP, 2, now_ms).map_err(|no| no.retry_after_s);
        assert_eq!([ask(0), ask(1), ask(2)], [Ok(()); 3]);
        assert_eq!(ask(3), Err(Some(300)));
        assert_eq!(ask(300_000), Ok(()));
        counter.connect(IP);
        counter.connect(IP);
        assert!(counter.handshake(IP, 2, 300_001).is_err());
        counter.disconnect(IP);
        assert!(counter.handshake(IP, 2, 300_002).is_ok());
        assert_eq!(counter.used(IP, 300_002).weight, 6);
    }

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn who_goes_on_after_429_is_banned_and_for_longer_each_time() {
        let limits = Limits {
            weight_per_minute_max: 10,
            refusals_before_ban: 2,
            ban_s: 120,
            ..Limits::default()
        };
        let mut counter = Counter::new(limits);
        let mut ask = |now_ms| {
            let no = counter.request(IP, 5, false, now_ms).err();
            no.map_or((200, None), |no| (no.status, no.retry_after_s))
        };
        assert_eq!([ask(0), ask(1)], [(200, None); 2]);
        assert_eq!([ask(2), ask(3)], [(429, Some(60)); 2]);
        assert_eq!(ask(4), (418, Some(120)));
        // A new window does not help.
        assert_eq!(ask(60_004), (418, Some(60)));
        assert_eq!([ask(120_004), ask(120_004)], [(200, None); 2]);
        assert_eq!([ask(120_005), ask(120_006)].map(|(status, _)| status), [429; 2]);
        assert_eq!(ask(120_007), (418, Some(240)));
    }

    #[test]
    fn orders_count_by_account_until_they_are_filled() {
        let limits = Limits { orders_per_10_seconds_max: 2, ..Limits::default() };
        let mut counter = Counter::new(limits);
        assert!(counter.orders(0, 2, 0).is_ok());
        let no = counter.orders(0, 1, 5).unwrap_err();
        assert_eq!((no.status, no.code, no.retry_after_s), (429, -1015, Some(10)));
        assert!(counter.orders(1, 1, 5).is_ok());
        counter.order_gone(0, 1, 6);
        assert!(counter.orders(0, 1, 7).is_ok());
        assert!(counter.orders(0, 2, 10_000).is_ok());
        assert_eq!(counter.orders_used(0, 10_000), (2, 4));
    }
}
