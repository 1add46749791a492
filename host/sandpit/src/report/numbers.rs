//! Numbers and names as people read them: separators, signs, units; and hostile text made
//! harmless to look at.

use sandpit_core::num::Decimal;

use super::{
    returns::as_f64,
    value::{Amount, Stat},
};

/// What stands for a figure without meaning.
pub(crate) const NONE: &str = "n/a";
/// Characters of a foreign name that are shown.
pub(crate) const NAME_CHARS_MAX: usize = 64;

/// `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    group(&value.to_string())
}

/// An amount with separators and as many digits as its size calls for. With `signed`, a plus
/// stands before what is above zero.
pub(crate) fn money(amount: Amount, signed: bool) -> String {
    let size = amount.to_f64().abs();
    let scale = if size == 0.0 || size >= 1.0 {
        2
    } else if size >= 0.01 {
        4
    } else {
        8
    };
    let text = decimal(amount.0.to_decimal_rounded(scale));
    if signed && amount.0 > sandpit_core::num::Money::ZERO { format!("+{text}") } else { text }
}

/// A decimal with separators in its whole part.
pub(crate) fn decimal(value: Decimal) -> String {
    group_decimal(&value.to_string())
}

/// A decimal's text with separators in its whole part; any other text as it is.
pub(crate) fn group_decimal(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return text.to_owned();
    }
    match digits.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", group(whole)),
        None => format!("{sign}{}", group(digits)),
    }
}

fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.34 %` of a fraction. With `signed`, a plus stands before what is above zero.
pub(crate) fn percent(stat: Stat, signed: bool) -> String {
    stat.get().map_or_else(
        || NONE.to_owned(),
        |fraction| format!("{}%", number_text(fraction * 100.0, 2, signed)),
    )
}

/// A plain number with so many digits after the point.
pub(crate) fn number(stat: Stat, digits: usize) -> String {
    stat.get().map_or_else(|| NONE.to_owned(), |value| number_text(value, digits, false))
}

/// A number with separators.
pub(crate) fn number_text(value: f64, digits: usize, signed: bool) -> String {
    /// Beyond this a number is written with an exponent.
    const PLAIN_MAX: f64 = 1e15;
    if value.abs() >= PLAIN_MAX {
        return format!("{value:.3e}");
    }
    let text = group_decimal(&format!("{value:.digits$}"));
    let zero = text.bytes().all(|b| !b.is_ascii_digit() || b == b'0');
    match (zero, signed && value > 0.0) {
        (true, _) => text.trim_start_matches('-').to_owned(),
        (false, true) => format!("+{text}"),
        (false, false) => text,
    }
}

/// `3 d 04 h`, `2 h 05 min`, `1 min 30 s`, `4.2 s`, `12 ms`.
pub(crate) fn duration(stat: Stat) -> String {
    /// A longer time is not a duration of any run.
    const SECONDS_MAX: f64 = 1e11;
    let Some(seconds) = stat.get().filter(|s| (0.0..SECONDS_MAX).contains(s)) else {
        return NONE.to_owned();
    };
    if seconds < 1.0 {
        return if seconds == 0.0 { "0 s".to_owned() } else { format!("{:.0} ms", seconds * 1e3) };
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let whole = (seconds + 0.05) as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    if days > 0 {
        format!("{} d {hours:02} h", count(days))
    } else if hours > 0 {
        format!("{hours} h {minutes:02} min")
    } else {
        format!("{minutes} min {:02} s", whole % 60)
    }
}

/// `12.3 MiB`.
pub(crate) fn bytes(value: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match value {
        0..KIB => format!("{value} B"),
        KIB..MIB => format!("{:.1} KiB", as_f64(value) / as_f64(KIB)),
        _ => format!("{} MiB", number_text(as_f64(value) / as_f64(MIB), 1, false)),
    }
}

/// `850 ns`, `12.3 µs`, `4.5 ms`.
pub(crate) fn nanos(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} ns"),
        1_000..1_000_000 => format!("{:.1} µs", as_f64(value) / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", as_f64(value) / 1e6),
        _ => format!("{} s", number_text(as_f64(value) / 1e9, 1, false)),
    }
}

/// A foreign text without what can deceive a reader or a terminal: control characters (escape
/// sequences among them), invisible ones, and those that turn the direction of writing are shown
/// as `�`. Line breaks stay where `lines` says so. Cut after `chars_max`.
pub(crate) fn clean(text: &str, chars_max: usize, lines: bool) -> String {
    let mut clean = String::with_capacity(text.len().min(chars_max));
    for (at, letter) in text.chars().enumerate() {
        if at >= chars_max {
            clean.push('…');
            break;
        }
        let unseen = matches!(
            letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        );
        if lines && letter == '\n' {
            clean.push('\n');
        } else if letter.is_control() || unseen {
            clean.push('\u{fffd}');
        } else {
            clean.push(letter);
        }
    }
    clean
}

/// A foreign name.
pub(crate) fn name(text: &str) -> String {
    let clean = clean(text.trim(), NAME_CHARS_MAX, false);
    if clean.is_empty() { "(no name)".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_read_them() {
        let amount = |text: &str| text.parse::<Amount>().unwrap();
        assert_eq!(money(amount("-1234567.895"), true), "-1,234,567.90");
        assert_eq!(money(amount("1000"), true), "+1,000.00");
        assert_eq!(money(amount("0.00012345"), false), "0.00012345");
        assert_eq!(money(amount("0"), true), "0.00");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(count(999), "999");
        assert_eq!(percent(Stat::new(Some(-0.177_656_218)), true), "-17.77%");
        assert_eq!(percent(Stat::new(Some(0.5)), true), "+50.00%");
        assert_eq!(percent(Stat::new(Some(-1e-9)), true), "0.00%");
        assert_eq!(percent(Stat::NONE, true), "n/a");
        assert_eq!(number(Stat::new(Some(12_345.678)), 2), "12,345.68");
        assert_eq!(duration(Stat::new(Some(357_210.0))), "4 d 03 h");
        assert_eq!(duration(Stat::new(Some(7_500.0))), "2 h 05 min");
        assert_eq!(duration(Stat::new(Some(90.0))), "1 min 30 s");
        assert_eq!(duration(Stat::new(Some(0.012))), "12 ms");
        assert_eq!(bytes(64 << 20), "64.0 MiB");
        assert_eq!(nanos(12_345), "12.3 µs");
    }

    #[test]
    fn hostile_names_are_harmless() {
        assert_eq!(name("\u{1b}[31mred\u{202e}x"), "�[31mred�x");
        assert_eq!(name(" \n "), "(no name)");
        assert_eq!(name(&"x".repeat(100)).chars().count(), NAME_CHARS_MAX + 1);
        assert_eq!(clean("a\nb\r", 9, true), "a\nb�");
    }
}
