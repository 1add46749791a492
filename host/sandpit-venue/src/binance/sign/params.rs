//! Parameters of a request. A name is ours; a value is a number, a word of ours, our own id, or
//! text of the venue and of the operator. No kind of value holds text of a plugin.

use std::fmt::Write;

use sandpit_core::{ids::ClientOrderId, num::Decimal};

use super::percent::percent_encode;

/// Parameters of one request; the longest has 26.
const PARAMS_EXPECTED: usize = 28;

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A word of the venue's documents.
    Word(&'static str),
    /// A symbol, a key's name: text of the venue or the operator.
    Text(&'a str),
    /// Symbols as a list.
    Texts(&'a [&'a str]),
    /// Our own id of an order.
    Id(ClientOrderId),
    /// A price or quantity.
    Decimal(Decimal),
    /// A whole number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
}

impl Value<'_> {
    /// As it is signed on the WebSocket API.
    pub fn write_raw(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Word(text) => out.write_str(text),
            Self::Text(text) => out.write_str(text),
            Self::Texts(texts) => {
                write_list(texts, out);
                Ok(())
            }
            Self::Id(id) => write!(out, "{id}"),
            Self::Decimal(number) => write!(out, "{number}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Flag(flag) => write!(out, "{flag}"),
        };
    }

    /// As it stands in a query or a body.
    pub fn write_encoded(&self, out: &mut String) {
        match self {
            Self::Text(text) => percent_encode(text, out),
            Self::Texts(_) => {
                let mut list = String::new();
                self.write_raw(&mut list);
                percent_encode(&list, out);
            }
            // Nothing of these needs encoding.
            Self::Word(_) | Self::Id(_) | Self::Decimal(_) | Self::Number(_) | Self::Flag(_) => {
                self.write_raw(out);
            }
        }
    }

    /// As it stands in a request of the WebSocket API.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_json_text(text, out),
            Self::Word(_) | Self::Id(_) | Self::Decimal(_) => {
                out.push('"');
                self.write_raw(out);
                out.push('"');
            }
            Self::Texts(_) | Self::Number(_) | Self::Flag(_) => self.write_raw(out),
        }
    }
}

fn write_list(texts: &[&str], out: &mut String) {
    out.push('[');
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_json_text(text, out);
    }
    out.push(']');
}

/// JSON text.
fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if u32::from(control) < 0x20 => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Parameters in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params<'a>(Vec<(&'static str, Value<'a>)>);

impl Default for Params<'_> {
    fn default() -> Self {
        Self(Vec::with_capacity(PARAMS_EXPECTED))
    }
}

impl<'a> Params<'a> {
    /// Adds one.
    pub fn push(&mut self, name: &'static str, value: Value<'a>) {
        self.0.push((name, value));
    }

    /// Adds one if there is a value.
    pub fn push_some(&mut self, name: &'static str, value: Option<Value<'a>>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Value<'a>)> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `name=value&…`, percent-encoded.
    #[must_use]
    pub fn to_query(&self) -> String {
        /// Bytes that one parameter takes, about.
        const PARAM_BYTES: usize = 24;
        let mut out = String::with_capacity(self.0.len() * PARAM_BYTES);
        for (name, value) in &self.0 {
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(name);
            out.push('=');
            value.write_encoded(&mut out);
        }
        out
    }

    pub(super) fn sorted(&self) -> Vec<&(&'static str, Value<'a>)> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_unstable_by_key(|(name, _)| *name);
        sorted
    }
}
