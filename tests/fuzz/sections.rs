//! Components changed as what they are: sections within sections, each with its length, full of
//! numbers in LEB128. What is changed in one place keeps the lengths around it right, so that the
//! change is reached; now and then a length is a lie on purpose.

use crate::drive::{
    Chance,
    bytes::{NUMBERS, bend, bend_in_place},
};

/// Changes of one component, at the most.
const CHANGES_MAX: usize = 3;
/// Modules and components within each other that are looked into.
const DEPTH_MAX: usize = 4;
/// Bytes of a module's or component's head.
const HEAD_BYTES: usize = 8;
/// Sections of a component that hold a module or a component.
const NESTED: [u8; 2] = [1, 4];
/// Bytes of a number in LEB128.
const LEB_BYTES_MAX: usize = 10;

#[derive(Clone, Debug)]
enum Part {
    Sections { head: Vec<u8>, sections: Vec<Section> },
    Bytes(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Section {
    id: u8,
    body: Part,
    /// What is said of its length, where that is not so.
    lie: Option<u64>,
}

/// A component of the corpus with some changes.
pub(crate) fn change(chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = chance.pick(corpus).cloned().unwrap_or_default();
    if chance.once_in(8) {
        // What has no structure any more is an input, too.
        bend(chance, &mut bytes, &[]);
        return bytes;
    }
    let mut whole = parse(&bytes, 0);
    let changes = if chance.once_in(2) { 1 } else { 1 + chance.below(CHANGES_MAX) };
    for _ in 0..changes {
        let donor = chance.pick(corpus).map(|bytes| parse(bytes, 0));
        change_some(chance, &mut whole, donor.as_ref());
    }
    let mut out = Vec::with_capacity(bytes.len() + 64);
    write(&whole, &mut out);
    out
}

fn change_some(chance: &mut Chance, whole: &mut Part, donor: Option<&Part>) {
    let Part::Sections { sections, .. } = whole else {
        if let Part::Bytes(bytes) = whole {
            bend(chance, bytes, &[]);
        }
        return;
    };
    let mut at = chance.below(sections.len());
    // The strategy's own module is one section of many, and most of what there is to change.
    let nested = |section: &Section| matches!(section.body, Part::Sections { .. });
    if let Some(first) = sections.iter().position(nested)
        && !chance.once_in(4)
    {
        at = first;
    }
    let Some(section) = sections.get_mut(at) else { return };
    if nested(section) && !chance.once_in(8) {
        return change_some(chance, &mut section.body, donor);
    }
    match chance.below(16) {
        0 => {
            let again = section.clone();
            let to = chance.below(sections.len() + 1);
            sections.insert(to, again);
        }
        1 => drop(sections.remove(at)),
        2 => {
            let with = chance.below(sections.len());
            sections.swap(at, with);
        }
        3 | 4 => {
            if let Some(other) = donor.and_then(|donor| section_of(chance, donor, section.id)) {
                section.body = other;
            }
        }
        5 => section.id = chance.byte() % 14,
        6 => section.lie = chance.pick(&NUMBERS).copied(),
        7..=10 => content(chance, &mut section.body, leb),
        11 => content(chance, &mut section.body, |chance, bytes| bend(chance, bytes, &[])),
        _ => content(chance, &mut section.body, |chance, bytes| bend_in_place(chance, bytes)),
    }
}

fn content(chance: &mut Chance, body: &mut Part, change: fn(&mut Chance, &mut Vec<u8>)) {
    if let Part::Bytes(bytes) = body {
        change(chance, bytes);
    }
}

/// Puts another number where one could be.
fn leb(chance: &mut Chance, bytes: &mut Vec<u8>) {
    let at = chance.below(bytes.len());
    let long = bytes[at.min(bytes.len())..].iter().take_while(|byte| **byte & 0x80 != 0).count();
    let end = (at + long.min(LEB_BYTES_MAX - 1) + 1).min(bytes.len());
    let number = match chance.below(3) {
        // One more or less than what stands there is what breaks a count.
        0 => read_leb(&bytes[at..end]).map_or(0, |(number, _)| number.wrapping_add(1)),
        1 => read_leb(&bytes[at..end]).map_or(0, |(number, _)| number.saturating_sub(1)),
        _ => chance.pick(&NUMBERS).copied().unwrap_or_default(),
    };
    let mut written = Vec::new();
    write_leb(number, &mut written);
    bytes.splice(at..end, written);
}

/// The body of a section of this kind, anywhere in it.
fn section_of(chance: &mut Chance, part: &Part, id: u8) -> Option<Part> {
    let Part::Sections { sections, .. } = part else { return None };
    let nested: Vec<_> =
        sections.iter().filter(|it| matches!(it.body, Part::Sections { .. })).collect();
    if !nested.is_empty() && chance.once_in(2) {
        let within = *chance.pick(&nested)?;
        return section_of(chance, &within.body, id);
    }
    let alike: Vec<_> = sections.iter().filter(|section| section.id == id).collect();
    chance.pick(&alike).map(|section| section.body.clone())
}

fn parse(bytes: &[u8], depth: usize) -> Part {
    let whole = || Part::Bytes(bytes.to_vec());
    let Some((head, mut rest)) = bytes.split_at_checked(HEAD_BYTES) else { return whole() };
    if depth > DEPTH_MAX || !head.starts_with(b"\0asm") {
        return whole();
    }
    let is_component = head[6] == 1;
    let mut sections = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let Some((length, bytes)) = read_leb(after) else { return whole() };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let body = after.get(bytes..).and_then(|after| after.split_at_checked(length));
        let Some((body, after)) = body else { return whole() };
        let body = if is_component && NESTED.contains(id) {
            parse(body, depth + 1)
        } else {
            Part::Bytes(body.to_vec())
        };
        sections.push(Section { id: *id, body, lie: None });
        rest = after;
    }
    Part::Sections { head: head.to_vec(), sections }
}

fn write(part: &Part, out: &mut Vec<u8>) {
    match part {
        Part::Bytes(bytes) => out.extend_from_slice(bytes),
        Part::Sections { head, sections } => {
            out.extend_from_slice(head);
            for section in sections {
                let mut body = Vec::new();
                write(&section.body, &mut body);
                out.push(section.id);
                write_leb(section.lie.unwrap_or(body.len() as u64), out);
                out.extend_from_slice(&body);
            }
        }
    }
}

/// A number and how many bytes it has.
fn read_leb(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for (at, byte) in bytes.iter().take(LEB_BYTES_MAX).enumerate() {
        number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(at).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}

fn write_leb(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

#[test]
fn what_is_not_changed_is_written_as_it_was_read() {
    for component in crate::loader::corpus() {
        let parsed = parse(&component, 0);
        assert!(matches!(&parsed, Part::Sections { sections, .. } if sections.len() > 8));
        let mut out = Vec::new();
        write(&parsed, &mut out);
        assert!(out == component, "a component is written in another way");
    }
}
