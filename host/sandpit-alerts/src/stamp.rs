//! Moments as people and other programs read them: RFC 3339, in UTC.

use jiff::Timestamp;
use sandpit_core::time::UnixNanos;
use serde::{Deserialize, Deserializer, Serializer, de};

/// A moment in RFC 3339.
#[must_use]
pub fn rfc3339(at: UnixNanos) -> String {
    timestamp(at).to_string()
}

/// The same to the second, for messages.
pub(crate) fn to_the_second(at: UnixNanos) -> String {
    let whole = Timestamp::from_second(timestamp(at).as_second()).unwrap_or_default();
    whole.to_string()
}

pub(crate) fn timestamp(at: UnixNanos) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or(Timestamp::MAX)
}

fn parse(text: &str) -> Option<UnixNanos> {
    let stamp: Timestamp = text.parse().ok()?;
    u64::try_from(stamp.as_nanosecond()).ok().map(UnixNanos)
}

/// For `#[serde(with)]`.
pub(crate) mod required {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(at: &UnixNanos, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&rfc3339(*at))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<UnixNanos, D::Error> {
        let text = String::deserialize(from)?;
        parse(&text).ok_or_else(|| de::Error::custom("expected a moment as RFC 3339 has it"))
    }
}

/// For `#[serde(with)]`, where there may be none.
pub(crate) mod optional {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<UnixNanos>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => out.serialize_some(&rfc3339(*at)),
            None => out.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<UnixNanos>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let wrong = || de::Error::custom("expected a moment as RFC 3339 has it");
        parse(&text).ok_or_else(wrong).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        let at = UnixNanos(1_790_000_000_123_456_789);
        assert_eq!(rfc3339(at), "2026-09-21T14:13:20.123456789Z");
        assert_eq!(to_the_second(at), "2026-09-21T14:13:20Z");
        assert_eq!(parse(&rfc3339(at)), Some(at));
        // Far beyond what anybody means, and no panic.
        assert!(!rfc3339(UnixNanos::MAX).is_empty());
        assert_eq!(parse("1969-12-31T23:59:59Z"), None);
    }
}
