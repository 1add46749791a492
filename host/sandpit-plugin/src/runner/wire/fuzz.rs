//! Frames of any bytes, in both directions. The hand-written lies are in `tests/runner/liars.rs`;
//! how to run this for longer is in docs/fuzzing.md.

use sandpit_core::{
    ids::TimerId,
    intent::{Intent, PlaceKind},
    num::SCALE_MAX,
};

use super::{
    Answer, Bounds, Extras, HEADER_BYTES, Header, REQUEST_BYTES_MAX, WireError, Writer, put_answer,
    read_answer, read_request, tests::Chance as Frames,
};
use crate::limits::Limits;

#[path = "../../../../../tests/fuzz/drive/mod.rs"]
mod drive;

use drive::{Answer as Found, Chance, Target, bytes, run};

const ANSWERS: Target =
    Target { name: "wire-answers", inputs: 400_000, input_bytes_max: 16 * 1024 };
const REQUESTS: Target =
    Target { name: "wire-requests", inputs: 300_000, input_bytes_max: 16 * 1024 };
/// Frames that are right, to begin with.
const CORPUS: u32 = 150;

/// A frame of the corpus with some changes; now and then its length is put right, as one who means
/// harm would.
fn change(chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut frame = bytes::change(chance, corpus);
    if chance.once_in(2)
        && let Some(length) = frame.len().checked_sub(HEADER_BYTES)
        && let Ok(length) = u32::try_from(length)
    {
        frame[..4].copy_from_slice(&length.to_le_bytes());
    }
    frame
}

/// The head, and as much of a body as it says, the way the host takes them from a socket.
fn head(frame: &[u8], limit: usize) -> Result<(Header, &[u8]), WireError> {
    let head = frame.first_chunk().ok_or(WireError::Truncated)?;
    let head = Header::read(head, limit)?;
    assert!(head.length <= limit);
    let body = frame.get(HEADER_BYTES..HEADER_BYTES + head.length).ok_or(WireError::Truncated)?;
    Ok((head, body))
}

fn bounded(intent: &Intent) {
    let mut decimals = Vec::new();
    match intent {
        Intent::Place(place) => {
            decimals.push(place.quantity);
            if let PlaceKind::Limit(price) | PlaceKind::Stop(price) = place.kind {
                decimals.push(price);
            }
        }
        Intent::Amend(amend) => decimals.extend(amend.quantity.into_iter().chain(amend.price)),
        Intent::TargetPosition(target) => decimals.push(target.quantity),
        Intent::Bracket(bracket) => decimals.extend([bracket.stop_loss, bracket.take_profit]),
        _ => {}
    }
    assert!(decimals.iter().all(|decimal| decimal.scale <= SCALE_MAX), "{intent:?}");
}

/// What a host may ask, each with other bounds on the answer.
fn every_bound(limits: &Limits) -> [Bounds; 7] {
    [
        Bounds::of_hello(limits),
        Bounds::of_load(limits),
        Bounds::of_start(limits),
        Bounds::of_call(limits, false),
        Bounds::of_call(limits, true),
        Bounds::of_save(limits),
        Bounds::of_stop(limits),
    ]
}

/// Reads a frame within some bounds; what was read is within them, and what was refused is gone.
fn answered(frame: &[u8], bounds: &Bounds, limits: &Limits) -> Result<Answer, WireError> {
    let (head, body) = head(frame, bounds.frame_bytes_max)?;
    let kept = vec![Intent::CancelTimer(TimerId(1))];
    let mut intents = kept.clone();
    let read = read_answer(head, body, bounds, &mut intents);
    let Ok((answer, extras)) = read else {
        assert_eq!(intents, kept);
        return Err(read.unwrap_err());
    };
    assert!(intents.len() <= kept.len() + limits.intents_per_call_max);
    intents.iter().for_each(bounded);
    assert!(extras.lines.iter().all(|(_, text)| text.len() <= limits.log_line_bytes_max));
    match &answer {
        Answer::Done { fuel } => assert!(*fuel <= limits.fuel_start_max),
        Answer::Saved(state) => assert!(state.len() <= limits.state_bytes_max),
        Answer::Refused { reason } => assert!(!reason.contains(char::is_control), "{reason:?}"),
        _ => {}
    }
    Ok(answer)
}

#[test]
fn whatever_a_runner_sends_is_within_bounds_or_an_error() {
    let limits = Limits { state_bytes_max: 64, intents_per_call_max: 6, ..Limits::default() };
    let mut frames = Frames(0x5eed_0001);
    let mut out = Writer::default();
    let corpus = (0..CORPUS)
        .map(|number| {
            let (answer, intents) = frames.answer();
            put_answer(&mut out, number, &answer, &intents, &Extras::default()).unwrap();
            out.bytes().to_vec()
        })
        .collect();
    let bounds = every_bound(&limits);
    let tally = run(ANSWERS, corpus, change, |frame| {
        let mut last = Found::Refused(String::new());
        for bounds in &bounds {
            last = match answered(frame, bounds, &limits) {
                Ok(answer) => {
                    let words = format!("{answer:?}");
                    Found::Taken(words.split(['(', ' ']).next().unwrap_or_default().to_owned())
                }
                Err(error) => {
                    let words = error.to_string();
                    assert!(!words.contains(char::is_control), "{words:?}");
                    Found::Refused(words)
                }
            };
            if matches!(last, Found::Taken(_)) {
                break;
            }
        }
        last
    });
    assert!(tally.taken > tally.inputs / 50 && tally.refused > tally.inputs / 50, "{tally:#?}");
}

#[test]
fn whatever_a_host_sends_is_read_or_an_error() {
    let mut frames = Frames(0x5eed_0002);
    let mut out = Writer::default();
    let corpus = (0..CORPUS)
        .map(|number| {
            frames.request().put(&mut out, number).unwrap();
            out.bytes().to_vec()
        })
        .collect();
    let mut again = Writer::default();
    let tally = run(REQUESTS, corpus, change, |frame| {
        let read = head(frame, REQUEST_BYTES_MAX).and_then(|(head, body)| {
            let request = read_request(head, body)?;
            // What was understood is what would be written.
            if request.put(&mut again, head.sequence).is_ok() && again.bytes().len() > HEADER_BYTES
            {
                assert_eq!(again.bytes(), &frame[..HEADER_BYTES + head.length], "{request:?}");
            }
            Ok(format!("{:?}", head.kind))
        });
        match read {
            Ok(kind) => Found::Taken(kind),
            Err(error) => Found::Refused(error.to_string()),
        }
    });
    assert!(tally.taken > tally.inputs / 50 && tally.refused > tally.inputs / 50, "{tally:#?}");
}
