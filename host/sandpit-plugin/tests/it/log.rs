//! The guest's log, through the only import.

use std::sync::{Arc, Mutex};

use sandpit_plugin::{FaultCode, Instance, Limits, LogLevel, LogLine, NoLog};

use crate::support::{Guest, start, trade};

type Lines = Arc<Mutex<Vec<(LogLevel, u64, String)>>>;

fn logging(level: u32, at: u32, length: u32) -> Guest {
    Guest::idle().pages(4).extra("(data (i32.const 2048) \"price\\1b[2J\\0aup\\ff\")").body(
        "on-trade",
        &format!(
            "(call $log (i32.const {level}) (i32.const {at}) (i32.const {length})) i32.const 0"
        ),
    )
}

fn started(guest: &Guest, limits: &Limits) -> (Instance, Lines) {
    let lines = Lines::default();
    let theirs = Arc::clone(&lines);
    let sink = move |line: &LogLine<'_>| {
        assert_eq!(line.plugin, "tested");
        theirs.lock().unwrap().push((line.level, line.time.0, line.text.to_owned()));
    };
    (start(guest.load_with(limits, Box::new(sink)).unwrap()), lines)
}

#[test]
fn a_line_has_its_level_and_the_events_time() {
    let (mut instance, lines) = started(&logging(2, 2_048, 12), &Limits::default());
    instance.call(&trade(77, 10), &mut Vec::new()).unwrap();
    assert_eq!(*lines.lock().unwrap(), [(LogLevel::Warn, 77, "price\\u{1b}[2J\\nup".to_owned())]);
}

#[test]
fn a_long_line_is_cut_and_a_flood_is_dropped_and_counted() {
    let (mut instance, lines) = started(&logging(1, 8_192, 5_000), &Limits::default());
    for _ in 0..100 {
        instance.call(&trade(2_000, 10), &mut Vec::new()).unwrap();
    }
    let lines = lines.lock().unwrap();
    assert!(lines.iter().all(|(_, _, text)| text.len() <= 1_024 && text.len() > 1_000));
    let written: usize = lines.iter().map(|(_, _, text)| text.len()).sum();
    assert!((15 * 1_024..=16 * 1_024).contains(&written), "{written}");
    let stats = instance.stats();
    assert_eq!(
        (stats.log_lines, stats.log_lines_dropped),
        (lines.len() as u64, 100 - lines.len() as u64)
    );
}

#[test]
fn a_line_that_cannot_be_read_is_a_fault() {
    let code = |guest: &Guest| {
        let mut instance = guest.started(&Limits::default());
        instance.call(&trade(1, 10), &mut Vec::new()).unwrap_err().code
    };
    assert_eq!(code(&logging(1, 2_048, 13)), FaultCode::MalformedOutput, "no UTF-8");
    assert_eq!(code(&logging(4, 2_048, 5)), FaultCode::MalformedOutput, "no such level");
    assert_eq!(code(&logging(1, 2_048, u32::MAX)), FaultCode::MalformedOutput, "beyond its memory");
    assert_eq!(
        code(&logging(1, 8_192, 65_537)),
        FaultCode::OutputExceeded,
        "more than may be handed over"
    );
}

#[test]
fn a_loop_over_the_import_is_paid_in_fuel() {
    let guest = Guest::idle().pages(4).body(
        "on-trade",
        "(loop (call $log (i32.const 0) (i32.const 131072) (i32.const 60000)) (br 0)) i32.const 0",
    );
    let artifact = crate::support::engine().compile(&guest.checked()).unwrap();
    let mut instance =
        start(Instance::load(&artifact, "tested", &Limits::default(), Box::new(NoLog)).unwrap());
    let fault = instance.call(&trade(1, 10), &mut Vec::new()).unwrap_err();
    assert_eq!(fault.code, FaultCode::FuelExhausted, "{}", fault.detail);
    let stats = instance.stats();
    let lines = stats.log_lines + stats.log_lines_dropped;
    assert_eq!(lines, 163, "10,000,000 units at a little over 61,000 a line");
}
