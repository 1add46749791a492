//! Random values under the name of a secret: `secret = "…"`, `API_TOKEN=…`, `"password": "…"`,
//! `("token", "…")`.

use std::ops::Range;

use memchr::memchr3_iter;

use super::find::{is_jumbled, is_mixed};

/// Bytes of a name that are looked at.
const NAME_BYTES_MAX: usize = 64;
/// A value shorter than this is guessed at, not recognised.
const VALUE_BYTES_MIN: usize = 20;
/// A value longer than this is a document.
const VALUE_BYTES_MAX: usize = 512;
/// Hexadecimal digits of a secret.
const HEX_DIGITS_MIN: usize = 32;
/// Bits for each character of a random text; words have less.
const ENTROPY_MIN: f64 = 3.7;
/// The same of hexadecimal digits, which have four at most.
const ENTROPY_HEX_MIN: f64 = 3.0;
/// Different digits in a random text of one case. Words with a number in them have fewer.
const DIGITS_MIN: usize = 3;

/// What is in the name of a secret.
const NAMES: &[&str] = &[
    "secret",
    "token",
    "passwd",
    "password",
    "apikey",
    "api_key",
    "api-key",
    "private_key",
    "privatekey",
    "private-key",
    "access_key",
    "accesskey",
    "signing_key",
    "credential",
];
/// Ends of names that say that the value is something about a secret.
const ABOUT: &[&str] =
    &["url", "uri", "file", "path", "type", "name", "names", "hash", "digest", "fingerprint"];

/// Places of such values.
pub(super) fn find(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    for at in memchr3_iter(b'=', b':', b',', bytes) {
        if let Some(range) = value_at(bytes, at) {
            found.push(range);
        }
    }
}

fn value_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let is_comma = bytes.get(at) == Some(&b',');
    let (name, is_quoted_name) = name_before(bytes.get(..at)?);
    let name = name.to_ascii_lowercase();
    let name = std::str::from_utf8(&name).ok()?;
    let is_name = NAMES.iter().any(|word| name.contains(word))
        && !ABOUT.iter().any(|word| name.ends_with(word));
    if !is_name || is_comma && !is_quoted_name {
        return None;
    }
    // `=>`, `:=`, `==`, and blanks.
    let rest = bytes.get(at + 1..)?;
    let blanks = rest.iter().take(8).take_while(|byte| b" \t=>".contains(byte)).count();
    let mut start = at + 1 + blanks;
    let quote = bytes.get(start).copied().filter(|byte| b"\"'`".contains(byte));
    if quote.is_some() {
        start += 1;
    } else if is_comma {
        return None;
    }
    let rest = bytes.get(start..)?;
    let length = rest.iter().take(VALUE_BYTES_MAX + 1).take_while(|byte| is_value(**byte)).count();
    let after = rest.get(length).copied();
    let is_whole = match quote {
        Some(quote) => after == Some(quote) || after == Some(b'\\'),
        None => after.is_none_or(|byte| byte.is_ascii_whitespace() || b",;}])".contains(&byte)),
    };
    let value = rest.get(..length)?;
    // Without quotes it may as well be a name of a program's.
    let is_name = quote.is_none() && is_mixed(value) && !is_jumbled(value);
    let is_random =
        (VALUE_BYTES_MIN..=VALUE_BYTES_MAX).contains(&length) && !is_name && is_random(value);
    (is_whole && is_random).then(|| start..start + length)
}

/// The name that ends there, and whether a quote stood behind it.
fn name_before(bytes: &[u8]) -> (&[u8], bool) {
    let blanks = bytes.iter().rev().take(8).take_while(|byte| b" \t".contains(byte)).count();
    let mut end = bytes.len() - blanks;
    let before = end.checked_sub(1).and_then(|at| bytes.get(at));
    let is_quoted = before.is_some_and(|byte| b"\"'`".contains(byte));
    if is_quoted {
        end -= 1;
    }
    let text = bytes.get(..end).unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let length = text.iter().rev().take(NAME_BYTES_MAX).take_while(|byte| is_name(byte)).count();
    (text.get(end - length..).unwrap_or_default(), is_quoted)
}

const fn is_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'~')
}

fn is_random(value: &[u8]) -> bool {
    let hex = value.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    let dashes = value.iter().filter(|byte| **byte == b'-').count();
    let has_letters = value.iter().any(u8::is_ascii_alphabetic);
    if hex + dashes == value.len() {
        return hex >= HEX_DIGITS_MIN && has_letters && entropy(value) >= ENTROPY_HEX_MIN;
    }
    let mut digits: Vec<u8> = value.iter().copied().filter(u8::is_ascii_digit).collect();
    digits.sort_unstable();
    digits.dedup();
    // Paths and names of variables have marks between words.
    let marks = value.iter().filter(|byte| !byte.is_ascii_alphanumeric() && **byte != b'=').count();
    let is_wordy = marks * 6 > value.len();
    let has_both = is_mixed(value) || has_letters && digits.len() >= DIGITS_MIN && marks == 0;
    has_both && !is_wordy && entropy(value) >= ENTROPY_MIN
}

/// Bits for each character, as they are distributed in the text itself (Shannon).
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)).max(1.0);
    let bits = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    });
    bits.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_a_text() {
        assert!(entropy(b"").abs() < 1e-9);
        assert!(entropy(b"aaaa").abs() < 1e-9);
        assert!((entropy(b"abcd") - 2.0).abs() < 1e-9);
        assert!((entropy(b"0123456789abcdef") - 4.0).abs() < 1e-9);
    }
}
