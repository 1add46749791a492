//! Texts of others, made harmless: one line, bounded, without characters that hide or turn round what
//! stands beside them. What a channel's own markup needs besides is the channel's.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 96;
/// Characters of what is said about one alert.
pub const TEXT_CHARS_MAX: usize = 500;
/// What stands in place of what was cut off.
const CUT: char = '…';

/// The name of something: an instrument, a plugin, a connection, a folder, a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(String);

/// What is said about an alert, in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Text(String);

macro_rules! harmless {
    ($type:ident, $max:expr) => {
        impl $type {
            /// Takes a text as it came.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(harmless(text, $max))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $type {
            fn from(text: String) -> Self {
                Self::new(&text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

harmless!(Name, NAME_CHARS_MAX);
harmless!(Text, TEXT_CHARS_MAX);

fn harmless(text: &str, chars_max: usize) -> String {
    // Not more is looked at than could be kept, however long it is.
    let looked_at = chars_max.saturating_mul(4).saturating_add(4);
    let shown = text.chars().take(looked_at).filter(|character| !is_hidden(*character));
    let one_line = shown.map(|character| if is_space(character) { ' ' } else { character });
    let mut out: String = one_line.take(chars_max + 1).collect();
    let trimmed = out.trim();
    if trimmed.len() != out.len() {
        out = trimmed.to_owned();
    }
    if out.chars().count() > chars_max {
        out = out.chars().take(chars_max.saturating_sub(1)).collect();
        out.push(CUT);
    }
    out
}

fn is_space(character: char) -> bool {
    character.is_whitespace() || character.is_control()
}

/// What is not seen, or changes the direction of what follows.
const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{00ad}'
            | '\u{061c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_one_bounded_line() {
        assert_eq!(Name::from(" BTC\r\nUSDT\t ").as_str(), "BTC  USDT");
        assert_eq!(Name::from("a\u{202e}b\u{200b}c\u{7}d").as_str(), "abc d");
        let long = Text::from("é".repeat(10_000));
        assert_eq!(long.as_str().chars().count(), TEXT_CHARS_MAX);
        assert!(long.as_str().ends_with('…'));
        let fits = "x".repeat(NAME_CHARS_MAX);
        assert_eq!(Name::from(fits.as_str()).as_str(), fits);
    }

    #[test]
    fn what_is_read_is_made_harmless_too() {
        let name: Name = serde_json::from_str("\"a\\nb\"").unwrap();
        assert_eq!(name.as_str(), "a b");
    }
}
