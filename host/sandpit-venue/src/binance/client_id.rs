//! Our client order ids as text that comes back from the venue.
//!
//! The text is made by the core (`sp-<run>-<plugin>-<sequence>`, lower-case hexadecimal). What
//! does not read back to exactly the same text is somebody else's.

use sandpit_core::ids::{ClientOrderId, PluginId, RunId};

/// Bytes of a client order id: `^[a-zA-Z0-9-_]{1,36}$`.
///
/// Source: the legal range that the venue's error −1100 tells for `newClientOrderId`.
pub const CLIENT_ID_BYTES_MAX: usize = 36;

/// What runs and sequence numbers must stay below, so that the text fits.
const NUMBER_END: u64 = 1 << 48;

/// Whether the text of an id is one that the venue accepts.
#[must_use]
pub const fn fits(id: ClientOrderId) -> bool {
    id.run.0 < NUMBER_END && id.sequence < NUMBER_END
}

/// Our id that a text says; `None` where it is not one of ours.
#[must_use]
pub fn parse(text: &str) -> Option<ClientOrderId> {
    let mut parts = text.strip_prefix("sp-")?.split('-');
    let (run, plugin, sequence) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let id = ClientOrderId {
        run: RunId(number(run)?),
        plugin: PluginId(u16::try_from(number(plugin)?).ok()?),
        sequence: number(sequence)?,
    };
    fits(id).then_some(id)
}

/// A number in the one form in which the core writes it.
fn number(text: &str) -> Option<u64> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let canonical = text == "0" || !text.starts_with('0');
    if !canonical || !text.bytes().all(is_digit) {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_core_writes() {
        for (run, plugin, sequence) in
            [(0, 0, 0), (0x19f, 3, 0x1f), (NUMBER_END - 1, u16::MAX, NUMBER_END - 1)]
        {
            let id = ClientOrderId { run: RunId(run), plugin: PluginId(plugin), sequence };
            let text = id.to_string();
            assert!(text.len() <= CLIENT_ID_BYTES_MAX);
            assert_eq!(parse(&text), Some(id));
        }
    }

    #[test]
    fn everything_else_is_not_ours() {
        for text in [
            "",
            "sp-",
            "sp-1-2",
            "sp-1-2-3-4",
            "sp-01-2-3",
            "sp-1-2-G",
            "sp-A-2-3",
            "sp--1-2-3",
            "sp-1-10000-3",
            "sp-1-2-1000000000000",
            "sp-+1-2-3",
            "x-TKT5PX2F0000000000000000000000",
            "web_1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
