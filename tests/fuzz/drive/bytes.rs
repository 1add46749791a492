//! Bytes changed without knowing what they are.

use super::Chance;

/// Changes of one input, at the most.
const CHANGES_MAX: usize = 5;

/// Numbers at the ends of what counts, lengths and scales are.
pub(crate) const NUMBERS: [u64; 20] = [
    0,
    1,
    2,
    7,
    18,
    19,
    31,
    63,
    64,
    65,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    u64::MAX,
];

/// An input of the corpus with some changes.
pub(crate) fn change(chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = chance.pick(corpus).cloned().unwrap_or_default();
    if chance.once_in(2) {
        for _ in 0..=chance.below(CHANGES_MAX) {
            bend_in_place(chance, &mut bytes);
        }
        return bytes;
    }
    for _ in 0..=chance.below(CHANGES_MAX) {
        let other = chance.pick(corpus).map(Vec::as_slice).unwrap_or_default();
        bend(chance, &mut bytes, other);
    }
    bytes
}

/// One change; `other` is what may be spliced in.
pub(crate) fn bend(chance: &mut Chance, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = chance.below(bytes.len());
    let end = at.saturating_add(chance.length()).min(bytes.len());
    match chance.below(11) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = chance.byte();
            }
        }
        3 | 4 => number(chance, bytes, at),
        5 => bytes.truncate(at),
        6 => drop(bytes.drain(at..end)),
        7 => {
            let again = bytes[at..end].to_vec();
            let to = chance.below(bytes.len() + 1);
            bytes.splice(to..to, again);
        }
        8 => {
            let from = chance.below(other.len());
            let until = from.saturating_add(chance.length()).min(other.len());
            bytes.splice(at..end, other[from..until].iter().copied());
        }
        9 => {
            let byte = chance.byte();
            bytes[at..end].fill(byte);
        }
        _ => {
            let noise: Vec<u8> = (0..chance.length()).map(|_| chance.byte()).collect();
            bytes.splice(at..at, noise);
        }
    }
}

/// One change that moves nothing: of a byte or a number that is not zero, where there is one.
pub(crate) fn bend_in_place(chance: &mut Chance, bytes: &mut [u8]) {
    let mut at = chance.below(bytes.len());
    for _ in 0..8 {
        if bytes.get(at).is_some_and(|byte| *byte != 0) {
            break;
        }
        at = chance.below(bytes.len());
    }
    let Some(byte) = bytes.get_mut(at) else { return };
    match chance.below(5) {
        0 | 1 => *byte ^= 1 << chance.below(8),
        2 => *byte = byte.wrapping_add(1),
        3 => *byte = chance.byte() % 16,
        _ => number(chance, bytes, at),
    }
}

/// Writes a telling number of some width over what stands there.
fn number(chance: &mut Chance, bytes: &mut [u8], at: usize) {
    let number = chance.pick(&NUMBERS).copied().unwrap_or_default();
    let number = if chance.once_in(3) { number.wrapping_neg() } else { number };
    let width = 1 << chance.below(4);
    // Where the bytes are words, they are aligned more often than not.
    let at = if chance.once_in(2) { at } else { at - at % width };
    for (place, byte) in bytes.iter_mut().skip(at).zip(number.to_le_bytes()).take(width) {
        *place = byte;
    }
}
