//! Logs that are written, killed, cut, changed and bounded.

use std::{fs, path::Path};

use super::{
    BLOCK_BYTES, CallLogError, CallLogReader, CallLogState, CallLogWriter, KEEP_BYTES_MIN,
    RECORD_BYTES_MAX, Torn,
    frame::{SEGMENT_HEAD_BYTES, segment_path, segments_in},
};

fn record(number: u32) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    // Not of one length, and not the same again.
    bytes.extend((0..number % 97).map(|at| at.wrapping_mul(number).to_le_bytes()[0]));
    bytes
}

fn read(folder: &Path) -> Result<(Vec<Vec<u8>>, CallLogState), CallLogError> {
    let mut reader = CallLogReader::open(folder)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next_record()? {
        records.push(record.to_vec());
    }
    Ok((records, reader.state().clone()))
}

fn write(folder: &Path, numbers: std::ops::Range<u32>) {
    let mut writer = CallLogWriter::open(folder, 1 << 30).unwrap();
    for number in numbers {
        writer.append(&record(number)).unwrap();
    }
    writer.flush().unwrap();
}

#[test]
fn what_was_written_is_read_over_several_writers() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(read(&folder.path().join("none")).unwrap(), (vec![], CallLogState::default()));
    write(folder.path(), 0..5_000);
    write(folder.path(), 5_000..5_001);
    // One that takes nothing leaves nothing.
    drop(CallLogWriter::open(folder.path(), KEEP_BYTES_MIN).unwrap());
    let (records, state) = read(folder.path()).unwrap();
    assert_eq!(records, (0..5_001).map(record).collect::<Vec<_>>());
    assert_eq!(state, CallLogState { segments: 2, records: 5_001, ..CallLogState::default() });
}

#[test]
fn records_of_any_size_up_to_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = CallLogWriter::open(folder.path(), 1 << 30).unwrap();
    let large = vec![7; 3 * BLOCK_BYTES];
    for bytes in [&b""[..], b"small", &large, b"", b"after"] {
        writer.append(bytes).unwrap();
    }
    let refused = writer.append(&vec![0; RECORD_BYTES_MAX + 1]);
    assert!(matches!(refused, Err(CallLogError::RecordLength { .. })), "{refused:?}");
    writer.append(b"goes on").unwrap();
    drop(writer);
    let (records, _) = read(folder.path()).unwrap();
    assert_eq!(records, [&b""[..], b"small", &large, b"", b"after", b"goes on"]);
}

#[test]
fn a_log_that_is_cut_anywhere_gives_its_whole_blocks_and_says_what_it_left_out() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..2_000);
    let path = segment_path(folder.path(), 1);
    let whole = fs::read(&path).unwrap();
    let mut last_count = usize::MAX;
    for length in (0..whole.len()).rev().step_by(977) {
        fs::write(&path, &whole[..length]).unwrap();
        let (records, state) = read(folder.path()).unwrap();
        assert!(records.len() <= last_count);
        last_count = records.len();
        assert_eq!(records, (0..2_000).map(record).take(records.len()).collect::<Vec<_>>());
        let torn: u64 = state.torn.iter().map(|torn| torn.bytes).sum();
        let expected = if records.is_empty() && length < SEGMENT_HEAD_BYTES { length } else { 0 };
        assert!(torn >= expected as u64, "{length}: {state:?}");
    }
    // The next writer goes on beside it and knows how many records there were.
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let (kept, state) = read(folder.path()).unwrap();
    assert!(matches!(state.torn[..], [Torn { segment: 1, .. }]), "{state:?}");
    write(folder.path(), 9_000..9_001);
    let (records, state) = read(folder.path()).unwrap();
    assert_eq!(records.len(), kept.len() + 1);
    assert_eq!(records.last(), Some(&record(9_000)));
    assert_eq!((state.segments, state.torn.len()), (2, 1));
}

#[test]
fn a_changed_byte_is_damage_and_no_cut() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..5_000);
    let path = segment_path(folder.path(), 1);
    let whole = fs::read(&path).unwrap();
    for at in [0, 9, 13, 17, SEGMENT_HEAD_BYTES, SEGMENT_HEAD_BYTES + 5, whole.len() / 3] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(read(folder.path()).is_err(), "byte {at}");
    }
}

#[test]
fn the_oldest_segments_are_dropped_and_the_rest_says_how_many_records_went() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = CallLogWriter::open(folder.path(), KEEP_BYTES_MIN).unwrap();
    let mut state = 88_172_645_463_325_252u64;
    // Noise, which does not shrink.
    let mut noise = |number: u32| {
        let mut bytes = number.to_le_bytes().to_vec();
        for _ in 0..128 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.to_le_bytes());
        }
        bytes
    };
    for number in 0..3_000 {
        writer.append(&noise(number)).unwrap();
    }
    drop(writer);
    let bytes: u64 = segments_in(folder.path()).unwrap().iter().map(|(_, bytes)| bytes).sum();
    assert!(bytes <= KEEP_BYTES_MIN, "{bytes}");
    assert!(bytes > KEEP_BYTES_MIN / 2, "{bytes}");
    let (records, state) = read(folder.path()).unwrap();
    assert!(state.dropped > 0);
    assert_eq!(state.dropped + state.records, 3_000);
    assert_eq!(u64::from(u32::from_le_bytes(records[0][..4].try_into().unwrap())), state.dropped);
    // Between two that are there none may be missing.
    let segments = segments_in(folder.path()).unwrap();
    let (middle, _) = segments[segments.len() / 2];
    fs::remove_file(segment_path(folder.path(), middle)).unwrap();
    let missing = read(folder.path());
    assert!(
        matches!(missing, Err(CallLogError::Missing { number, .. }) if number == middle),
        "{missing:?}"
    );
}
