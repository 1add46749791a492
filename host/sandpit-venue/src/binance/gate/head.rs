//! The outside of a frame of the WebSocket API, whatever the dialect: whose answer it is, or that it
//! is an event.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::binance::response::{MESSAGE_BYTES_MAX, RateLimitUsage};

/// One frame.
pub(super) enum Head<'a> {
    /// An answer.
    Answer {
        /// To which request; `None` where the venue could not read it.
        id: Option<u64>,
        /// As of HTTP.
        status: u16,
        /// What was asked for, or why it was refused.
        body: &'a [u8],
        /// When to come back, where it says so: in seconds, or a moment in milliseconds.
        retry_after: Option<u64>,
        /// Usage of limits.
        limits: Vec<RateLimitUsage>,
    },
    /// Something happened.
    Event,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(default)]
    rate_limits: Vec<RateLimitUsage>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    data: Option<Later>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Later {
    #[serde(default)]
    retry_after: Option<u64>,
    #[serde(default)]
    server_time: Option<u64>,
}

impl Later {
    /// How long to wait, in seconds, where the venue says the moment of its answer, too: whatever
    /// our idea of its clock is. Else the moment as it is said.
    fn wait(&self) -> Option<u64> {
        let until = self.retry_after?;
        match self.server_time {
            Some(now) if now <= until => Some((until - now).div_ceil(1_000)),
            _ => Some(until),
        }
    }
}

/// Reads one; `None` for what is too long or no frame at all.
pub(super) fn read(bytes: &[u8]) -> Option<Head<'_>> {
    if bytes.len() > MESSAGE_BYTES_MAX || bytes.first() != Some(&b'{') {
        return None;
    }
    let wire: Wire<'_> = serde_json::from_slice(bytes).ok()?;
    let Some(status) = wire.status else {
        return Some(Head::Event);
    };
    let retry_after = wire
        .error
        .and_then(|error| serde_json::from_str::<Refusal>(error.get()).ok())
        .and_then(|refusal| refusal.data?.wait());
    let done = (200..=299).contains(&status);
    let body = if done { wire.result } else { wire.error };
    Some(Head::Answer {
        id: wire.id.and_then(|id| id.get().parse().ok()),
        status,
        body: body.map_or(&[], |body| body.get().as_bytes()),
        retry_after,
        limits: wire.rate_limits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(data: &str) -> Option<u64> {
        let frame =
            format!(r#"{{"id":7,"status":429,"error":{{"code":-1003,"msg":"m","data":{data}}}}}"#);
        match read(frame.as_bytes()) {
            Some(Head::Answer { id: Some(7), status: 429, retry_after, .. }) => retry_after,
            _ => panic!("{frame}"),
        }
    }

    #[test]
    fn waits_are_told_by_the_venues_own_moment() {
        let both = r#"{"serverTime":1780000000000,"retryAfter":1780000001001}"#;
        assert_eq!(retry_after(both), Some(2));
        assert_eq!(retry_after(r#"{"retryAfter":1780000001001}"#), Some(1_780_000_001_001));
        assert_eq!(retry_after("{}"), None);
        assert_eq!(retry_after("null"), None);
    }

    #[test]
    fn what_is_no_answer_is_an_event_or_nothing() {
        assert!(matches!(read(br#"{"subscriptionId":0,"event":{"e":"x"}}"#), Some(Head::Event)));
        assert!(read(br#"{"id":1,"status":200,"resu"#).is_none());
        assert!(read(b"[]").is_none());
    }
}
