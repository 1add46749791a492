//! Messages of a stream connection that are no market data: answers to subscriptions, and the
//! warning that the server goes away.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::binance::{Text, stream::MESSAGE_BYTES_MAX, text::cut};

/// Bytes of Binance's words that are quoted.
const QUOTED_BYTES_MAX: usize = 160;

/// What such a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// The request with this number was done.
    Done(u64),
    /// It was refused; without a number where Binance could not read it.
    Refused(Option<u64>, String),
    /// The server is about to go away.
    Shutdown,
    /// Something else.
    Unknown,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<Refusal<'a>>,
    #[serde(default)]
    code: Option<i64>,
    #[serde(borrow, default)]
    msg: Option<Text<'a>>,
    #[serde(borrow, default)]
    e: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Refusal<'a> {
    #[serde(default)]
    code: i64,
    #[serde(borrow, default)]
    msg: Text<'a>,
}

/// Reads a message that is no market data.
pub(super) fn read(bytes: &[u8]) -> Control {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Control::Unknown;
    }
    let Ok(wire) = serde_json::from_slice::<Wire<'_>>(bytes) else {
        return Control::Unknown;
    };
    let id = wire.id.and_then(|id| id.get().parse().ok());
    let words = |code: i64, msg: &str| format!("{} ({code})", cut(msg, QUOTED_BYTES_MAX));
    if let Some(refusal) = wire.error {
        return Control::Refused(id, words(refusal.code, &refusal.msg));
    }
    if let (Some(code), Some(msg)) = (wire.code, &wire.msg) {
        return Control::Refused(id, words(code, msg));
    }
    if wire.e.as_deref() == Some("serverShutdown") || wraps_shutdown(wire.data.or(wire.event)) {
        return Control::Shutdown;
    }
    match id {
        Some(id) if wire.e.is_none() => Control::Done(id),
        _ => Control::Unknown,
    }
}

fn wraps_shutdown(inner: Option<&RawValue>) -> bool {
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        e: Text<'a>,
    }
    inner
        .and_then(|inner| serde_json::from_str::<Inner<'_>>(inner.get()).ok())
        .is_some_and(|inner| inner.e.as_str() == "serverShutdown")
}

/// A request to join streams.
pub(super) fn subscribe<'n>(names: impl Iterator<Item = &'n str>, number: u64) -> String {
    let names: Vec<String> = names.map(|name| serde_json::Value::from(name).to_string()).collect();
    format!(r#"{{"method":"SUBSCRIBE","params":[{}],"id":{number}}}"#, names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_warnings_are_told_apart() {
        let check = |text: &str, expected: Control| assert_eq!(read(text.as_bytes()), expected);
        let refused = |id, text: &str| Control::Refused(id, text.to_owned());
        check(r#"{"result":null,"id":312}"#, Control::Done(312));
        check(r#"{"id":1,"result":null}"#, Control::Done(1));
        check(
            r#"{"code":2,"msg":"Invalid request: too many parameters"}"#,
            refused(None, "Invalid request: too many parameters (2)"),
        );
        check(r#"{"error":{"code":2,"msg":"no"},"id":7}"#, refused(Some(7), "no (2)"));
        check(r#"{"e":"serverShutdown","E":1770123456789}"#, Control::Shutdown);
        check(r#"{"stream":"x","data":{"e":"serverShutdown","E":1}}"#, Control::Shutdown);
        check(r#"{"event":{"e":"serverShutdown","E":1}}"#, Control::Shutdown);
        check(r#"{"e":"24hrTicker","E":1}"#, Control::Unknown);
        check(r#"{"id":"text"}"#, Control::Unknown);
        check("[", Control::Unknown);
    }

    #[test]
    fn a_name_cannot_break_out_of_the_request() {
        let names = ["btcusdt@trade", "a\"b"];
        assert_eq!(
            subscribe(names.into_iter(), 5),
            r#"{"method":"SUBSCRIBE","params":["btcusdt@trade","a\"b"],"id":5}"#
        );
    }
}
