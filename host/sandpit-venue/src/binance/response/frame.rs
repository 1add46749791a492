//! Frames of the WebSocket API: answers and events, told apart.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DecodeError, MESSAGE_BYTES_MAX, UserEvent, decode};
use crate::binance::{
    text::Text,
    words::{RateLimitInterval, RateLimitType},
};

/// A refusal as the venue writes it.
#[derive(Clone, Debug, Deserialize)]
pub struct ErrorBody<'a> {
    /// Code.
    pub code: i32,
    /// What happened.
    #[serde(rename = "msg", borrow)]
    pub message: Text<'a>,
    /// More about it.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

impl ErrorBody<'_> {
    /// When to come back, where it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            retry_after: u64,
        }
        serde_json::from_str::<Data>(self.data?.get()).ok().map(|data| data.retry_after)
    }
}

/// How much of a rate limit is used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitUsage {
    /// What it counts.
    pub rate_limit_type: RateLimitType,
    /// Unit of its window.
    pub interval: RateLimitInterval,
    /// So many units.
    pub interval_num: u32,
    /// Most.
    pub limit: u32,
    /// Used so far; a description of limits has none.
    #[serde(default)]
    pub count: Option<u32>,
}

/// An answer of the WebSocket API.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The request's number; `None` where the venue could not read the request.
    pub id: Option<u64>,
    /// As of HTTP.
    pub status: u16,
    /// What was asked for.
    pub result: Option<&'a RawValue>,
    /// Why it was refused.
    pub error: Option<ErrorBody<'a>>,
    /// Usage of the limits that the request counted against.
    pub rate_limits: Vec<RateLimitUsage>,
}

/// One frame.
#[derive(Clone, Debug)]
pub enum Incoming<'a> {
    /// The answer to a request.
    Answer(Frame<'a>),
    /// Something happened.
    Event {
        /// Which subscription tells it.
        subscription: Option<u64>,
        /// What.
        event: UserEvent<'a>,
    },
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
    error: Option<ErrorBody<'a>>,
    #[serde(default)]
    rate_limits: Vec<RateLimitUsage>,
    #[serde(default)]
    subscription_id: Option<u64>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
}

impl<'a> Incoming<'a> {
    /// Reads one frame.
    ///
    /// # Errors
    /// Too long, malformed, or neither an answer nor an event.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if let Some(event) = Self::parse_usual_event(bytes) {
            return Ok(event);
        }
        let wire: Wire<'a> = decode("a frame", MESSAGE_BYTES_MAX, bytes)?;
        if let Some(event) = wire.event {
            let event = UserEvent::parse(event.get().as_bytes())?;
            return Ok(Self::Event { subscription: wire.subscription_id, event });
        }
        let status = wire.status.ok_or(DecodeError::Neither)?;
        Ok(Self::Answer(Frame {
            id: wire.id.and_then(|id| id.get().parse().ok()),
            status,
            result: wire.result,
            error: wire.error,
            rate_limits: wire.rate_limits,
        }))
    }
}

impl<'a> Incoming<'a> {
    /// An event as the venue writes it, `{"subscriptionId":0,"event":…}`, in one pass. What does
    /// not fit is looked at again, so that the error says what is wrong.
    fn parse_usual_event(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(br#"{"subscriptionId":"#)?;
        let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let subscription = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
        let event = rest[end..].strip_prefix(br#","event":"#)?.strip_suffix(b"}")?;
        if bytes.len() > MESSAGE_BYTES_MAX {
            return None;
        }
        let event = UserEvent::parse(event).ok()?;
        Some(Self::Event { subscription: Some(subscription), event })
    }
}

impl<'a> Frame<'a> {
    /// Reads a frame that must be an answer.
    ///
    /// # Errors
    /// As [`Incoming::parse`]; an event is [`DecodeError::Neither`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match Incoming::parse(bytes)? {
            Incoming::Answer(frame) => Ok(frame),
            Incoming::Event { .. } => Err(DecodeError::Neither),
        }
    }
}
