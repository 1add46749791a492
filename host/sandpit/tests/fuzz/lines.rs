//! TOML changed as what it is: lines, keys and values.

use crate::drive::{Chance, bytes};

/// Changes of one text, at the most.
const CHANGES_MAX: usize = 4;
/// What may stand in the place of any value.
const VALUES: [&str; 34] = [
    "0",
    "1",
    "-1",
    "10000",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0.1",
    "1e400",
    "nan",
    "-inf",
    "true",
    "\"\"",
    "\"0\"",
    "\"-1\"",
    "\"0.000000000000000001\"",
    "\"0.0000000000000000001\"",
    "\"9223372036854775807\"",
    "\"170141183460469231731687303715884105727\"",
    "\"99999999999999999999999999999999999999999999\"",
    "\"1e5\"",
    "\"max\"",
    "\"any\"",
    "\"BTCUSDT\"",
    "\"2026-01-01\"",
    "\"9999-12-31T23:59:59.999999999Z\"",
    "1970-01-01T00:00:00Z",
    "\"\\u001b[2J\\u202e\"",
    "\"\u{1f600}\"",
    "[]",
    "[[]]",
    "{}",
    "{ from = \"0\", rate = \"0.5\" }",
    "'''\nlines\n'''",
];

/// A text of the corpus with some changes.
pub(crate) fn change(chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    if chance.once_in(6) {
        return bytes::change(chance, corpus);
    }
    let text = |chance: &mut Chance| {
        let bytes = chance.pick(corpus).cloned().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (whole, other) = (text(chance), text(chance));
    let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    let donors: Vec<&str> = other.lines().collect();
    let changes = if chance.once_in(2) { 1 } else { 1 + chance.below(CHANGES_MAX) };
    for _ in 0..changes {
        change_line(chance, &mut lines, &donors);
    }
    lines.join("\n").into_bytes()
}

fn change_line(chance: &mut Chance, lines: &mut Vec<String>, donors: &[&str]) {
    // Most lines of a file with comments say nothing.
    let at = (0..8)
        .map(|_| chance.below(lines.len()))
        .find(|at| lines.get(*at).is_some_and(|line| !line.is_empty() && !line.starts_with('#')));
    let Some(at) = at else { return };
    match chance.below(10) {
        0 => drop(lines.remove(at)),
        1 => {
            let again = lines[at].clone();
            let to = chance.below(lines.len() + 1);
            lines.insert(to, again);
        }
        2 => {
            let with = chance.below(lines.len());
            lines.swap(at, with);
        }
        3 => {
            if let Some(donor) = chance.pick(donors) {
                lines.insert(at, (*donor).to_owned());
            }
        }
        4 => {
            let mut bytes = lines[at].clone().into_bytes();
            bytes::bend(chance, &mut bytes, &[]);
            lines[at] = String::from_utf8_lossy(&bytes).into_owned();
        }
        5 => digit(chance, &mut lines[at]),
        _ => {
            if let Some((key, _)) = lines[at].split_once('=') {
                let value = chance.pick(&VALUES).copied().unwrap_or_default();
                lines[at] = format!("{key}= {value}");
            }
        }
    }
}

/// Another digit where there is one.
fn digit(chance: &mut Chance, line: &mut String) {
    let digits: Vec<_> = line.match_indices(|it: char| it.is_ascii_digit()).collect();
    let Some((at, _)) = chance.pick(&digits) else { return };
    let digit = ["0", "1", "5", "9", "00", "99", "-", "."][chance.below(8)];
    let at = *at;
    line.replace_range(at..=at, digit);
}
