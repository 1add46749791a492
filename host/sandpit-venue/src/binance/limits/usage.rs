//! Limits and usages as the venue tells them: in headers, and in the WebSocket API's `rateLimits`.

use sandpit_core::time::Nanos;

use crate::binance::{
    response::RateLimitUsage,
    words::{RateLimitInterval, RateLimitType},
};

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitKind {
    /// Weights of requests, by address.
    Weight,
    /// Orders that have not been filled, by account.
    Orders,
    /// Requests, by address.
    Requests,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it counts.
    pub kind: LimitKind,
    /// Length of its window.
    pub window: Nanos,
    /// Most within a window.
    pub most: u32,
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What is counted.
    pub kind: LimitKind,
    /// Length of the window.
    pub window: Nanos,
    /// Used so far.
    pub used: u32,
    /// Most within a window, where it is said.
    pub most: Option<u32>,
}

const fn unit(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

fn window(unit: Nanos, number: u32) -> Option<Nanos> {
    let window = Nanos(unit.0.checked_mul(u64::from(number))?);
    (window.0 > 0).then_some(window)
}

impl Usage {
    /// What a header of the REST API says: `X-MBX-USED-WEIGHT-1M`, `X-MBX-ORDER-COUNT-10S`,
    /// `X-MBX-ORDER-COUNT-1D`. `None` for any other header, and for one that makes no sense.
    #[must_use]
    pub fn from_header(name: &str, value: &str) -> Option<Self> {
        const KINDS: [(&str, LimitKind); 2] =
            [("x-mbx-used-weight-", LimitKind::Weight), ("x-mbx-order-count-", LimitKind::Orders)];
        let name = name.to_ascii_lowercase();
        let (interval, kind) =
            KINDS.iter().find_map(|(start, kind)| Some((name.strip_prefix(start)?, *kind)))?;
        let digits = interval.strip_suffix(['s', 'm', 'h', 'd'])?;
        let unit = match interval.as_bytes().last()? {
            b's' => unit(1),
            b'm' => unit(60),
            b'h' => unit(3_600),
            _ => unit(86_400),
        };
        let window = window(unit, digits.parse().ok()?)?;
        Some(Self { kind, window, used: value.trim().parse().ok()?, most: None })
    }

    /// What an entry of `rateLimits` says. `None` for a kind or unit that is not known, and for a
    /// description without usage.
    #[must_use]
    pub fn from_entry(entry: &RateLimitUsage) -> Option<Self> {
        let limit = Limit::from_entry(entry)?;
        let used = entry.count?;
        Some(Self { kind: limit.kind, window: limit.window, used, most: Some(limit.most) })
    }
}

impl Limit {
    /// What an entry of `rateLimits` says about a limit. `None` for a kind or unit that is not
    /// known.
    #[must_use]
    pub fn from_entry(entry: &RateLimitUsage) -> Option<Self> {
        let kind = match entry.rate_limit_type {
            RateLimitType::RequestWeight => LimitKind::Weight,
            RateLimitType::Orders => LimitKind::Orders,
            RateLimitType::RawRequests => LimitKind::Requests,
            RateLimitType::Other(_) => return None,
        };
        let unit = match entry.interval {
            RateLimitInterval::Second => unit(1),
            RateLimitInterval::Minute => unit(60),
            RateLimitInterval::Hour => unit(3_600),
            RateLimitInterval::Day => unit(86_400),
            RateLimitInterval::Other(_) => return None,
        };
        Some(Self { kind, window: window(unit, entry.interval_num)?, most: entry.limit })
    }
}
