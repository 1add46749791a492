//! Tapes of any bytes. Most changes would end at a checksum, so half of the inputs get theirs put
//! right again, as one who means harm would.

use std::{fs, path::Path};

use sandpit_core::{
    ids::InstrumentId,
    market::{Bar, DepthUpdate, Funding, MarketData, MarketEvent, Quote, Side, Trade},
    num::{Price, Quantity, Rate},
    time::{Nanos, UnixNanos},
};
use sandpit_journal::tape::{LEVELS_PER_SIDE_MAX, TapeClock, TapeHeader, TapeReader, TapeWriter};

use crate::{
    bounds,
    drive::{Answer, Chance, Target, bytes, run},
    memory,
    support::instrument,
};

const TARGET: Target = Target { name: "tape", inputs: 6_000, input_bytes_max: 64 * 1024 };
/// Bytes that reading may hold: a segment packed and unpacked, and its columns.
const READ_BYTES: usize = 48 * 1024 * 1024;
/// Bytes before the JSON of the head, and where its length and its checksum stand.
const HEAD: (usize, usize, usize) = (20, 12, 16);
/// Bytes of a segment's head, and where the packed bytes' length, their checksum and its own stand.
const SEGMENT: (usize, usize, usize, usize) = (44, 16, 36, 40);
/// Bytes before the JSON of the foot, and where its length and its checksum stand.
const FOOT: (usize, usize, usize) = (12, 4, 8);

fn events() -> Vec<MarketEvent> {
    let price = Price(100_000);
    let quantity = Quantity(3);
    let kinds = |number: u64| match number % 6 {
        0 => MarketData::Quote(Quote {
            bid_price: price,
            bid_quantity: quantity,
            ask_price: Price(100_005),
            ask_quantity: quantity,
        }),
        1 => MarketData::Bar(Bar {
            interval: Nanos::SECOND,
            open: price,
            high: Price(100_010),
            low: Price(99_990),
            close: price,
            volume: quantity,
        }),
        2 => MarketData::Depth(Box::new(DepthUpdate {
            snapshot: number % 4 == 2,
            first_sequence: number,
            last_sequence: number + 1,
            previous_sequence: 0,
            bids: vec![(price, quantity); 3],
            asks: vec![(Price(100_005), quantity)],
        })),
        3 => MarketData::Mark(price),
        4 => MarketData::Funding(Funding { rate: Rate(-7), mark: price }),
        _ => MarketData::Trade(Trade { price, quantity, aggressor: Some(Side::Buy), id: number }),
    };
    (0..60)
        .map(|number| {
            let time = UnixNanos(1_000_000_000 + number * 1_000);
            let instrument = InstrumentId(0);
            MarketEvent { instrument, time, venue_time: time, data: kinds(number) }
        })
        .collect()
}

fn written(path: &Path, events: &[MarketEvent]) -> Vec<u8> {
    let header = TapeHeader {
        instruments: vec![instrument()],
        clock: TapeClock::Venue,
        source: "made by a test".to_owned(),
    };
    let mut writer = TapeWriter::create(path, &header).unwrap();
    for event in events {
        writer.append(event).unwrap();
    }
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

fn change(chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = bytes::change(chance, corpus);
    if chance.once_in(2) {
        put_checksums_right(&mut bytes);
    }
    bytes
}

/// Walks over what is there as a reader would, and makes every checksum fit.
fn put_checksums_right(bytes: &mut [u8]) {
    let (head, length_at, sum_at) = HEAD;
    let Some(mut at) = seal(bytes, 0, head, length_at, sum_at) else { return };
    // This one checksum is also over what stands before it.
    let sum = crc32(&[&bytes[..sum_at], &bytes[head..at]].concat());
    put(bytes, sum_at, sum);
    loop {
        if bytes[at..].starts_with(b"SEGM") {
            let (head, length_at, sum_at, own_at) = SEGMENT;
            let end = seal(bytes, at, head, length_at, sum_at);
            let Some(own) = bytes.get(at..at + own_at).map(crc32) else { return };
            put(bytes, at + own_at, own);
            let Some(end) = end else { return };
            at = end;
        } else if bytes[at..].starts_with(b"FOOT") {
            let (head, length_at, sum_at) = FOOT;
            if let Some(end) = seal(bytes, at, head, length_at, sum_at)
                && let Some(place) = bytes.get_mut(end..end + 8)
            {
                // Behind it stands where it begins.
                place.copy_from_slice(&(at as u64).to_le_bytes());
            }
            return;
        } else {
            return;
        }
    }
}

/// Puts right the checksum of what stands behind a head; where that ends, if it is all there.
fn seal(
    bytes: &mut [u8],
    at: usize,
    head: usize,
    length_at: usize,
    sum_at: usize,
) -> Option<usize> {
    let length = bytes.get(at + length_at..at + length_at + 4)?.try_into().ok()?;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    let end = (at + head).checked_add(length)?;
    let sum = crc32(bytes.get(at + head..end)?);
    put(bytes, at + sum_at, sum);
    Some(end)
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&number.to_le_bytes());
    }
}

/// CRC-32 (IEEE), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}

fn read(path: &Path) -> Answer {
    let refused = |error: &sandpit_journal::tape::TapeError| {
        let words = error.to_string();
        bounds::words(&words);
        Answer::Refused(words)
    };
    let mut reader = match TapeReader::open(path) {
        Ok(reader) => reader,
        Err(error) => return refused(&error),
    };
    assert!(reader.header().instruments.len() <= 1_024);
    let (mut last, mut events) = (UnixNanos(0), 0u64);
    let instruments = reader.header().instruments.len();
    loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                assert!(usize::from(event.instrument.0) < instruments, "{event:?}");
                assert!(event.time >= last, "{event:?} after {last:?}");
                if let MarketData::Depth(depth) = &event.data {
                    assert!(depth.bids.len() <= LEVELS_PER_SIDE_MAX);
                    assert!(depth.asks.len() <= LEVELS_PER_SIDE_MAX);
                }
                (last, events) = (event.time, events + 1);
            }
            Ok(None) => return Answer::Taken(String::new()),
            Err(error) => {
                assert!(matches!(reader.next_event(), Ok(None)), "it goes on after an error");
                return refused(&error);
            }
        }
    }
}

#[test]
fn a_changed_tape_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let all = events();
    let whole = written(&folder.path().join("a"), &all);
    // What is put right on a whole tape changes nothing: this file knows the format.
    let mut again = whole.clone();
    put_checksums_right(&mut again);
    assert!(again == whole, "the checksums stand elsewhere");
    let trades: Vec<_> =
        all.iter().filter(|event| matches!(event.data, MarketData::Trade(_))).cloned().collect();
    let corpus = vec![whole, written(&folder.path().join("b"), &trades)];
    let tally = run(TARGET, corpus, change, |bytes| {
        fs::write(&path, bytes).unwrap();
        let _ = TapeReader::info(&path);
        memory::within(READ_BYTES, "reading", || read(&path))
    });
    assert!(tally.taken > 0 && tally.kinds.len() > 10, "{tally:#?}");
}
