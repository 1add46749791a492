//! Asking without waiting: several at once, one that does not read, one that is late, and answers
//! that are taken in the wrong order.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandpit_core::plugin::{CallCost, FaultCode};
use sandpit_plugin::{AnyRunner, Ask, Fault, Limits, Reply, Runner, SavedState, Session};

use crate::{
    harness::{Log, Test, is_gone, launched, patient},
    liars::liar,
    support::{Guest, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] = &[
    ("asks::one_that_is_slow_holds_up_nobody", one_that_is_slow_holds_up_nobody),
    ("asks::one_that_is_late_is_ended_by_who_polls", one_that_is_late_is_ended_by_who_polls),
    ("asks::one_that_does_not_read_blocks_nobody", one_that_does_not_read_blocks_nobody),
    ("asks::a_large_start_goes_out_piece_by_piece", a_large_start_goes_out_piece_by_piece),
    ("asks::one_thing_at_a_time", one_thing_at_a_time),
    ("asks::what_no_guest_is_told_of_is_answered", what_no_guest_is_told_of_is_answered),
];

/// Never comes back by itself.
fn spinner() -> Guest {
    Guest::idle().body("on-trade", "(loop $on (br $on)) i32.const 0")
}

/// As a host does it: sleeps at the socket until there is something to do, and never elsewhere.
fn answer(runner: &mut dyn Runner) -> Result<Reply, Fault> {
    loop {
        if let Some(answer) = runner.poll(&mut Vec::new()) {
            return answer;
        }
        let left = runner.deadline().unwrap().saturating_duration_since(Instant::now());
        let what = if runner.is_sending() { PollFlags::OUT } else { PollFlags::IN };
        let socket = runner.socket().unwrap();
        let left = Timespec::try_from(left).unwrap();
        poll(&mut [PollFd::new(&socket, what)], Some(&left)).unwrap();
    }
}

fn one_that_is_slow_holds_up_nobody() {
    let endless = Limits { fuel_per_call_max: u64::MAX, ..patient() };
    let mut slow = launched(&spinner(), &endless, &Log::default());
    let mut quick = launched(&Guest::idle(), &patient(), &Log::default());
    let instrument = instrument();
    for runner in [&mut slow, &mut quick] {
        runner.begin(&Ask::Start(&session(&instrument))).unwrap();
    }
    for runner in [&mut slow, &mut quick] {
        answer(runner).unwrap();
        assert_eq!((runner.is_busy(), runner.deadline()), (false, None));
    }
    slow.begin(&Ask::Event(&trade(1_000, 1))).unwrap();
    for time in 0..100 {
        quick.begin(&Ask::Event(&trade(1_000 + time, 1))).unwrap();
        assert!(matches!(answer(&mut quick), Ok(Reply::Done(_))));
    }
    // All of that happened while the other was busy.
    assert!(slow.is_busy());
    assert_eq!(slow.poll(&mut Vec::new()), None);
    assert_eq!((slow.stats().calls, quick.stats().calls), (0, 100));
}

fn one_that_is_late_is_ended_by_who_polls() {
    let limits = Limits {
        fuel_per_call_max: u64::MAX,
        call_deadline: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut runner = launched(&spinner(), &limits, &Log::default());
    runner.start(&session(&instrument()), &mut Vec::new()).unwrap();
    let begun = Instant::now();
    runner.begin(&Ask::Event(&trade(1_000, 1))).unwrap();
    assert_eq!(runner.poll(&mut Vec::new()), None, "it is not late yet");
    let fault = answer(&mut runner).unwrap_err();
    assert!(begun.elapsed() >= limits.call_deadline);
    assert_eq!(fault.code, FaultCode::DeadlineExceeded, "{}", fault.detail);
    assert!(is_gone(runner.process_id()));
    assert_eq!((runner.poll(&mut Vec::new()), runner.is_busy()), (None, false));
    assert_eq!(runner.begin(&Ask::Save), Err(fault.clone()));
    assert_eq!(runner.wait(&mut Vec::new()), Err(fault));
}

/// A state that no socket takes at once.
fn large(bytes: usize) -> SavedState {
    let data = (0..=255).cycle().take(bytes).collect();
    SavedState { version: "0.9.0".to_owned(), schema: 3, data }
}

fn one_that_does_not_read_blocks_nobody() {
    let limits = Limits { start_deadline: Duration::from_millis(300), ..patient() };
    let mut deaf = liar("deaf", &limits, &Log::default()).unwrap();
    let instrument = instrument();
    let session = Session { restored: Some(large(1 << 20)), ..session(&instrument) };
    deaf.begin(&Ask::Start(&session)).unwrap();
    // Whoever began is back, with most of it still to be sent and the deadline far off.
    assert!(deaf.is_sending() && deaf.is_busy());
    assert_eq!(deaf.poll(&mut Vec::new()), None);
    let fault = answer(&mut deaf).unwrap_err();
    assert_eq!(fault.code, FaultCode::DeadlineExceeded, "{}", fault.detail);
    assert!(!deaf.is_sending());
}

fn a_large_start_goes_out_piece_by_piece() {
    // Hands over as state a page of what it was told at its start.
    let guest = Guest::idle().pages(130).body(
        "save",
        "(i32.store (i32.const 136) (i32.const 4194304)) (i32.store (i32.const 140) (i32.const 65536)) i32.const 136",
    );
    let instrument = instrument();
    let session = Session { restored: Some(large(6 << 20)), ..session(&instrument) };
    let mut inline = AnyRunner::Inline(guest.load(&patient()).unwrap());
    inline.begin(&Ask::Start(&session)).unwrap();
    assert!(matches!(inline.poll(&mut Vec::new()), Some(Ok(Reply::Done(_)))));
    assert!(inline.socket().is_none() && !inline.is_sending());
    let mut process = launched(&guest, &patient(), &Log::default());
    process.begin(&Ask::Start(&session)).unwrap();
    assert!(matches!(answer(&mut process), Ok(Reply::Done(_))));
    process.begin(&Ask::Save).unwrap();
    assert_eq!(answer(&mut process), inline.save().map(Reply::Saved));
    assert!(process.usage().unwrap().resident_bytes > 6 << 20);
    assert_eq!(inline.usage(), None);
}

fn one_thing_at_a_time() {
    let inline = AnyRunner::Inline(Guest::idle().load(&patient()).unwrap());
    let process = AnyRunner::Process(launched(&Guest::idle(), &patient(), &Log::default()));
    for mut runner in [inline, process] {
        assert_eq!(runner.poll(&mut Vec::new()), None, "nothing is under way");
        runner.begin(&Ask::Save).unwrap();
        assert!(runner.is_busy());
        let fault = runner.begin(&Ask::Save).unwrap_err();
        assert_eq!(fault.code, FaultCode::RunnerLost);
        assert!(fault.detail.contains("something else is under way"), "{}", fault.detail);
        assert_eq!(runner.fault(), Some(&fault));
    }
    let inline = AnyRunner::Inline(Guest::idle().load(&patient()).unwrap());
    let process = AnyRunner::Process(launched(&Guest::idle(), &patient(), &Log::default()));
    for mut runner in [inline, process] {
        let fault = runner.wait(&mut Vec::new()).unwrap_err();
        assert_eq!(fault.code, FaultCode::RunnerLost);
        assert!(fault.detail.contains("nothing is under way"), "{}", fault.detail);
    }
}

fn what_no_guest_is_told_of_is_answered() {
    use sandpit_core::{
        market::{MarketData, MarketEvent},
        num::Price,
        plugin::PluginEvent,
    };
    let PluginEvent::Market { event, .. } = trade(1_000, 1) else { unreachable!() };
    let mark = MarketEvent { data: MarketData::Mark(Price(1)), ..event };
    let mark = PluginEvent::Market { event: mark, history: false };
    let mut process = launched(&Guest::idle(), &patient(), &Log::default());
    process.start(&session(&instrument()), &mut Vec::new()).unwrap();
    process.begin(&Ask::Event(&mark)).unwrap();
    assert_eq!(process.poll(&mut Vec::new()), Some(Ok(Reply::Done(CallCost::default()))));
    assert_eq!(process.call(&mark, &mut Vec::new()), Ok(CallCost::default()));
    assert_eq!(process.stats().calls, 2);
}
