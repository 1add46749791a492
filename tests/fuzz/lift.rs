//! What a strategy hands over, filled with whatever bytes: pointers, lengths, discriminants, texts,
//! decimals. The guest is compiled once and gets the bytes as its saved state; `describe`, which
//! comes before that, gets them as a data segment.

use std::sync::{Arc, Mutex};

use sandpit_core::{intent::Intent, time::UnixNanos};
use sandpit_plugin::{
    Argument, Artifact, Fault, FaultCode, Instance, Limits, LogLine, NoLog, Parameters, SavedState,
    StopReason, Value, check,
};

use crate::{
    bounds,
    drive::{Answer, Chance, Target, bytes, run},
    memory,
    support::{Guest, engine, instrument, session, trade},
};

const TARGET: Target = Target { name: "lift", inputs: 20_000, input_bytes_max: IMAGE_BYTES };
/// Each is compiled.
const DESCRIBE_TARGET: Target =
    Target { name: "lift-describe", inputs: 250, input_bytes_max: DESCRIPTION_BYTES };
/// Where the image begins in the guest's memory.
const IMAGE_AT: u32 = 65_536;
/// Bytes of an image; what is missing stays zero.
const IMAGE_BYTES: usize = 32 * 1024;
/// Bytes of an image that say what each export returns.
const CONTROL_BYTES: usize = 64;
/// Bytes of an intent in the guest's memory.
const INTENT_BYTES: usize = 152;
/// Bytes of a description's image, which begins at the record.
const DESCRIPTION_BYTES: usize = 4 * 1024;
/// Where the guest has its description.
const DESCRIPTION_AT: u32 = 32_768;
/// Bytes that one life of the guest may hold in the host.
const LIFE_BYTES: usize = 4 * 1024 * 1024;

fn limits() -> Limits {
    Limits {
        memory_bytes_max: 1 << 20,
        fuel_per_call_max: 500_000,
        fuel_start_max: 500_000,
        state_bytes_max: 16 * 1024,
        log_line_bytes_max: 100,
        ..Limits::default()
    }
    .reproducible()
}

/// Puts its saved state at the image and answers with what stands there: where `take-intents`,
/// `save`, `start` and `on-parameters` point to, whether intents wait, and what to log.
fn guest() -> Guest {
    let word = |at: u32| format!("(i32.load (i32.const {}))", IMAGE_AT + at);
    Guest::idle()
        .pages(2)
        .body(
            "start",
            &format!(
                "(memory.copy (i32.const {IMAGE_AT}) (i32.load offset=140 (local.get 0))
                   (i32.load offset=144 (local.get 0)))
                 {}",
                word(8)
            ),
        )
        .body(
            "on-trade",
            &format!(
                "(if {} (then (call $log {} {} {}))) {}",
                word(16),
                word(20),
                word(24),
                word(28),
                word(32)
            ),
        )
        .body("take-intents", &word(0))
        .body("save", &word(4))
        .body("on-parameters", &word(12))
}

/// An image in which all is well: `tag` is the kind of its intents.
fn image(tag: u8, intents: u32) -> Vec<u8> {
    let mut image = vec![0; CONTROL_BYTES];
    let put = |image: &mut Vec<u8>, at: usize, word: u32| {
        if image.len() < at + 4 {
            image.resize(at + 4, 0);
        }
        image[at..at + 4].copy_from_slice(&word.to_le_bytes());
    };
    let list_at = 128;
    for (at, word) in [
        (0, IMAGE_AT + 64),
        (4, IMAGE_AT + 72),
        (8, IMAGE_AT + 80),
        (12, IMAGE_AT + 96),
        (16, 1),
        (20, 1),
        (24, IMAGE_AT + 112),
        (28, 5),
        (32, 1),
        (64, IMAGE_AT + list_at),
        (68, intents),
        (72, IMAGE_AT),
        (76, 20),
        // A `result` whose payload is `true`, twice.
        (84, 1),
        (100, 1),
    ] {
        put(&mut image, at, word);
    }
    let list_at = usize::try_from(list_at).unwrap();
    image.resize(list_at, 0);
    image[112..117].copy_from_slice(b"hello");
    for number in 0..usize::try_from(intents).unwrap() {
        let mut intent = vec![0; INTENT_BYTES];
        intent[0] = tag;
        // Tags, scales and flags that are not all zero, and all in their bounds.
        for at in (8..INTENT_BYTES).step_by(8) {
            intent[at] = u8::try_from((at / 8 + number) % 2).unwrap();
        }
        image.extend(intent);
    }
    image
}

/// As bytes are, and with the words that steer the guest changed more often than others.
fn change(chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = bytes::change(chance, corpus);
    if chance.once_in(2)
        && let Some(control) = bytes.get_mut(..128)
    {
        let mut some = control.to_vec();
        bytes::bend(chance, &mut some, &[]);
        some.resize(128, 0);
        control.copy_from_slice(&some);
    }
    // Discriminants are small numbers.
    if chance.once_in(2) && bytes.len() > 128 {
        let at = 128 + chance.below(bytes.len() - 128);
        bytes[at - at % 8] = chance.byte() % 9;
    }
    bytes
}

/// One life of the guest over an image.
fn live(artifact: &Artifact, image: &[u8]) -> Answer {
    let limits = limits();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&lines);
    let sink = move |line: &LogLine<'_>| theirs.lock().unwrap().push(line.text.to_owned());
    let mut instance = Instance::load(artifact, "lifted", &limits, Box::new(sink)).unwrap();
    let instrument = instrument();
    let restored = SavedState { version: "1.0.0".to_owned(), schema: 0, data: image.to_vec() };
    let mut told = session(&instrument);
    told.restored = Some(restored);
    let mut intents = Vec::new();
    let mut exports = |instance: &mut Instance| -> Result<String, Fault> {
        instance.start(&told, &mut intents)?;
        bounds::intents(&intents, &limits);
        intents.clear();
        instance.call(&trade(2_000, 1), &mut intents)?;
        bounds::intents(&intents, &limits);
        let kinds = kinds(&intents);
        intents.clear();
        let argument = Argument { name: "a".to_owned(), value: Value::Boolean(true) };
        let taken = match instance.parameters(&[argument], UnixNanos(3_000), &mut intents)? {
            Parameters::Taken(_) => "taken",
            Parameters::Refused(reason) => {
                // Escaping makes a byte into six at the most, and the reason is cut at 512.
                assert!(reason.len() <= 512, "{} bytes", reason.len());
                bounds::words(&reason);
                "refused"
            }
        };
        bounds::intents(&intents, &limits);
        let state = instance.save()?;
        assert!(state.len() <= limits.state_bytes_max, "{} bytes", state.len());
        instance.stop(StopReason::Finished)?;
        Ok(format!("{kinds}, parameters {taken}"))
    };
    let ended = exports(&mut instance);
    for line in lines.lock().unwrap().iter() {
        assert!(line.len() <= limits.log_line_bytes_max, "{} bytes", line.len());
        bounds::words(line);
    }
    match ended {
        Ok(words) => Answer::Taken(words),
        Err(fault) => {
            bounds::fault(&fault);
            // It is gone, whatever is asked of it.
            assert_eq!(instance.save(), Err(fault.clone()));
            Answer::Refused(fault.detail)
        }
    }
}

fn kinds(intents: &[Intent]) -> String {
    let kind = |intent: &Intent| {
        let words = format!("{intent:?}");
        words.split(['(', ' ']).next().unwrap_or_default().to_owned()
    };
    let mut kinds: Vec<_> = intents.iter().map(kind).collect();
    kinds.dedup();
    kinds.join(" ")
}

#[test]
fn whatever_is_handed_over_is_within_bounds_or_a_fault() {
    let artifact = engine().compile(&guest().checked()).unwrap();
    let corpus: Vec<_> = (0..8).map(|tag| image(tag, 3)).collect();
    for image in &corpus {
        // The corpus is what it should be, or nothing else here means much.
        let answer = live(&artifact, image);
        assert!(matches!(answer, Answer::Taken(_)), "{answer:?}");
    }
    let tally = run(TARGET, corpus, change, |image| {
        memory::within(LIFE_BYTES, "a life", || live(&artifact, image))
    });
    assert!(tally.taken > tally.inputs / 50 && tally.refused > tally.inputs / 50, "{tally:?}");
}

#[test]
fn intents_are_bounded_by_their_number() {
    let artifact = engine().compile(&guest().checked()).unwrap();
    let ended = |intents| live(&artifact, &image(0, intents));
    assert!(matches!(ended(64), Answer::Taken(_)));
    let Answer::Refused(words) = ended(65) else { panic!("65 intents are taken") };
    assert!(words.contains("65 intents, 64 are allowed"), "{words}");
}

/// A component whose description is this image.
fn describing(image: &[u8]) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut data = String::new();
    for byte in image {
        // Writing to a string does not fail.
        let _ = write!(data, "\\{byte:02x}");
    }
    Guest::idle()
        .body("describe", &format!("i32.const {DESCRIPTION_AT}"))
        .extra(&format!("(data (i32.const {DESCRIPTION_AT}) \"{data}\")"))
        .component()
}

/// A record and what it points to: name, version, summary, two parameters, data, a state's schema.
fn description() -> Vec<u8> {
    let at = |offset: u32| DESCRIPTION_AT + offset;
    let words = [
        (0, at(512)),
        (4, 9),
        (8, at(528)),
        (12, 5),
        (16, at(544)),
        (20, 20),
        (24, at(1_024)),
        (28, 2),
        (32, at(576)),
        (36, 2),
        (40, at(640)),
        (44, 1),
        (48, 7),
        // Two subscriptions, of which the second has a payload at eight bytes.
        (576, 0),
        (592, 2),
        (600, 1_000_000_000),
        // One wish for history: a kind and a count.
        (640, 0),
        (656, 20),
        // A parameter: name, summary, and a type that begins with its discriminant.
        (1_024, at(512)),
        (1_028, 4),
        (1_032, at(544)),
        (1_036, 7),
        // Another name and another type.
        (1_096, at(513)),
        (1_100, 3),
    ];
    let mut image = vec![0; 2_048];
    for (offset, word) in words {
        image[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
    }
    image[512..521].copy_from_slice(b"some-name");
    image[528..533].copy_from_slice(b"1.2.3");
    image[544..564].copy_from_slice(b"it loses in all ways");
    image
}

#[test]
fn whatever_a_strategy_says_of_itself_is_within_bounds_or_a_fault() {
    let engine = engine();
    let corpus: Vec<_> = (0..5u8)
        .map(|kind| {
            let mut image = description();
            image[1_040] = kind;
            if kind == 3 {
                // One option, and that is the default.
                for (offset, word) in [(1_048, 516), (1_052, 4), (1_056, 700), (1_060, 1)] {
                    let word: u32 = if word > 100 { DESCRIPTION_AT + word } else { word };
                    image[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
                }
                let option = DESCRIPTION_AT + 516;
                image[700..704].copy_from_slice(&option.to_le_bytes());
                image[704] = 4;
            }
            image
        })
        .collect();
    for image in &corpus {
        let artifact = engine.compile(&check(&describing(image)).unwrap()).unwrap();
        Instance::load(&artifact, "described", &limits(), Box::new(NoLog)).unwrap();
    }
    let tally = run(DESCRIBE_TARGET, corpus, bytes::change, |image| {
        let artifact = engine.compile(&check(&describing(image)).unwrap()).unwrap();
        memory::within(LIFE_BYTES, "a description", || {
            match Instance::load(&artifact, "described", &limits(), Box::new(NoLog)) {
                Ok(instance) => {
                    bounds::description(instance.description());
                    Answer::Taken("described".to_owned())
                }
                Err(fault) => {
                    bounds::fault(&fault);
                    assert!(
                        matches!(
                            fault.code,
                            FaultCode::MalformedOutput | FaultCode::OutputExceeded
                        ),
                        "{fault:?}"
                    );
                    Answer::Refused(fault.detail)
                }
            }
        })
    });
    assert!(tally.taken > 10 && tally.refused > 10 && tally.kinds.len() > 5, "{tally:?}");
}
