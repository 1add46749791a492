//! Foreign text made fit for a terminal and a log: bounded, on one line, without escapes.

use std::fmt::Write as _;

/// Appends `text` to `out` with control characters, line breaks and direction marks escaped, as
/// long as `out` stays within `bytes_max`. Returns whether all of it fitted.
pub(crate) fn push_escaped(out: &mut String, text: &str, bytes_max: usize) -> bool {
    for character in text.chars() {
        let before = out.len();
        if is_unsafe(character) {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "{}", character.escape_default());
        } else {
            out.push(character);
        }
        if out.len() > bytes_max {
            out.truncate(before);
            return false;
        }
    }
    true
}

/// `text` escaped and cut to `bytes_max`.
pub(crate) fn escaped(text: &str, bytes_max: usize) -> String {
    let mut out = String::new();
    push_escaped(&mut out, text, bytes_max);
    out
}

/// Characters that move the cursor, break the line or turn the direction of what follows.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_guest_reaches_the_terminal_as_a_command() {
        assert_eq!(
            escaped("a\u{1b}[31mb\r\nc\u{202e}d\u{9b}", 100),
            "a\\u{1b}[31mb\\r\\nc\\u{202e}d\\u{9b}"
        );
        assert_eq!(escaped("größer ≤ 1 \u{1f600}", 100), "größer ≤ 1 \u{1f600}");
    }

    #[test]
    fn is_cut_between_characters() {
        let mut out = String::from("x");
        assert!(!push_escaped(&mut out, "ééé", 4));
        assert_eq!(out, "xé");
        assert!(!push_escaped(&mut out, "\n", 4));
        assert!(push_escaped(&mut out, "a", 4));
    }
}
