//! Processes that are killed, cores that are dumped, and thousands of lives of which nothing is
//! left.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sandpit_core::{ids::PluginId, plugin::FaultCode, time::Nanos};
use sandpit_plugin::{
    Cause, Consequence, Engine, EngineSettings, Limits, Outcome, Phase, StopReason, SuperviseRules,
};

use crate::{
    guests::{Count, SPIN, WIRE, order, trips},
    hall::{Build, Hall, busy, generous, launcher, patient},
    suite::Test,
    support::engine,
};

pub(crate) const TESTS: &[Test] = &[
    ("lives::one_that_is_killed_in_a_call_comes_back", one_that_is_killed_in_a_call_comes_back),
    ("lives::a_core_dump_is_handed_over", a_core_dump_is_handed_over),
    ("lives::ten_thousand_lives_inline_leave_nothing", ten_thousand_lives_inline_leave_nothing),
    ("lives::hundreds_of_processes_leave_nothing", hundreds_of_processes_leave_nothing),
];

const P: PluginId = PluginId(0);
/// Lives of plugins in this process, and of processes.
const LIVES_INLINE: u64 = 10_000;
const LIVES_IN_PROCESSES: u64 = 300;
/// By how much this process may have grown after those, over what it was after a few.
const GROWTH_KIB_MAX: u64 = 16 * 1024;
/// Longer than any backoff, and than the window in which faults count.
const LONG: Nanos = Nanos(1_000 * Nanos::SECOND.0);

fn rules() -> SuperviseRules {
    SuperviseRules { totals: generous(), ..SuperviseRules::default() }
}

fn one_that_is_killed_in_a_call_comes_back() {
    let endless = Limits { fuel_per_call_max: u64::MAX, ..patient() };
    let build = Build::of(&engine(), &trips(SPIN));
    let mut hall = Hall::new(rules(), Some(launcher()));
    hall.load(&build, endless, busy());
    let mut count = Count::default();
    for number in 1..=100 {
        hall.trade(P, number);
        count.trade(number);
        hall.tell(P, order(hall.now, number));
        count.order(number);
    }
    assert_eq!(Count::read(&hall.state(P)), count);
    // It is in a call that does not end, with reports behind it.
    hall.tell(P, order(hall.now, 101));
    hall.trade(P, WIRE.unsigned_abs());
    hall.tell(P, order(hall.now, 102));
    hall.trade(P, 101);
    hall.work_off(P, 2);
    let process = i32::try_from(hall.process(P).unwrap()).unwrap();
    kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
    hall.settle();
    let [(FaultCode::RunnerLost, Consequence::Restart { at })] = hall.faults(P)[..] else {
        panic!("{:?}", hall.faults(P))
    };
    let Some((_, fault)) = hall.supervisor.view(P).unwrap().last_fault else { panic!("no fault") };
    assert!(fault.detail.contains("SIGKILL"), "{}", fault.detail);
    assert_eq!(hall.supervisor.phase(P), Phase::Down { restart_at: at });
    // What happens meanwhile: the market passes it by, reports wait.
    hall.trade(P, 102);
    hall.tell(P, order(hall.now, 103));
    hall.settle();
    assert_eq!(hall.supervisor.phase(P), Phase::Down { restart_at: at });
    hall.now = at;
    hall.settle();
    assert!(
        hall.seen.iter().any(|it| matches!(it, Outcome::Started { cause: Cause::Restart, .. }))
    );
    assert_ne!(hall.process(P), u32::try_from(process).ok());
    // Its state is the last saved one, so what it was told since is told again.
    for tag in [101, 102, 103] {
        count.order(tag);
    }
    assert_eq!(Count::read(&hall.state(P)), count);
}

fn a_core_dump_is_handed_over() {
    let engine = Engine::new(EngineSettings { core_dumps: true, debug_lines: false }).unwrap();
    let mut hall = Hall::new(rules(), Some(launcher()));
    hall.load(&Build::of(&engine, &trips("unreachable")), patient(), busy());
    hall.seen.clear();
    hall.trade(P, WIRE.unsigned_abs());
    hall.settle();
    let [Outcome::CoreDump { plugin: P, bytes }, Outcome::Faulted { fault, .. }] = &hall.seen[..]
    else {
        panic!("{:?}", hall.seen)
    };
    assert!(bytes.starts_with(b"\0asm\x01\0\0\0"), "a module");
    assert_eq!(fault.code, FaultCode::Trap);
}

/// What this process has: memory in KiB, descriptors, children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holdings {
    resident_kib: u64,
    descriptors: usize,
    children: usize,
}

impl Holdings {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let resident_kib = line.split_ascii_whitespace().next().unwrap().parse().unwrap();
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
        let own = std::process::id().to_string();
        let is_child = |stat: String| {
            // Behind the name in parentheses: state, then the parent.
            let mut words = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
            words.nth(1) == Some(&own)
        };
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let stats = processes.filter_map(|it| std::fs::read_to_string(it.path().join("stat")).ok());
        Self {
            resident_kib,
            descriptors,
            children: stats.filter(|it| is_child(it.clone())).count(),
        }
    }
}

/// What there is once no more than so many children are left: the kernel takes its time with those
/// that were ended, and one that was replaced with its last word.
fn once_left(hall: &mut Hall, children: usize) -> Holdings {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let now = Holdings::now();
        if now.children <= children || Instant::now() > until {
            return now;
        }
        hall.step();
        std::thread::yield_now();
    }
}

/// Has one plugin live through swaps, faults, unloads and loads in turn; says what the process has
/// after a tenth of them, and after all.
fn live(hall: &mut Hall, lives: u64, children: usize) -> [Holdings; 2] {
    let engine = engine();
    let builds = [trips("unreachable"), trips("unreachable").named("another")]
        .map(|guest| Build::of(&engine, &guest));
    hall.load(&builds[0], patient(), busy());
    let mut early = None;
    let mut count = Count::default();
    for life in 1..=lives {
        hall.now = hall.now.plus(LONG);
        hall.trade(P, life);
        hall.tell(P, order(hall.now, life));
        count.trade(life);
        count.order(life);
        match life % 3 {
            0 => hall.swap(P, &builds[usize::try_from(life / 3 % 2).unwrap()]),
            1 => {
                // Its state is saved before the trade that fells it.
                hall.state(P);
                hall.trade(P, WIRE.unsigned_abs());
                hall.settle();
                hall.now = hall.now.plus(LONG);
            }
            _ => {
                hall.settle();
                hall.with(|it, moment, out| it.unload(P, StopReason::Operator, moment, out));
                hall.settle();
                hall.install(P, &builds[0]);
            }
        }
        hall.settle();
        assert_eq!(hall.supervisor.phase(P), Phase::Running, "{life}: {:?}", hall.seen);
        hall.seen.clear();
        // Not behind a swap: the one that was replaced would still be on its way out.
        if life == lives / 10 + 1 {
            early = Some(once_left(hall, children));
        }
    }
    assert_eq!(hall.supervisor.view(P).unwrap().restarts, lives.div_ceil(3));
    assert_eq!(Count::read(&hall.state(P)), count);
    [early.unwrap(), once_left(hall, children)]
}

fn ten_thousand_lives_inline_leave_nothing() {
    let mut hall = Hall::new(rules(), None);
    let [early, late] = live(&mut hall, LIVES_INLINE, Holdings::now().children);
    assert_eq!((early.descriptors, early.children), (late.descriptors, late.children));
    assert!(late.resident_kib <= early.resident_kib + GROWTH_KIB_MAX, "{early:?} {late:?}");
}

fn hundreds_of_processes_leave_nothing() {
    let before = Holdings::now();
    let mut hall = Hall::new(rules(), Some(launcher()));
    let [early, late] = live(&mut hall, LIVES_IN_PROCESSES, before.children + 1);
    assert_eq!(late.children, before.children + 1, "{late:?}");
    assert_eq!((early.descriptors, early.children), (late.descriptors, late.children));
    assert!(late.resident_kib <= early.resident_kib + GROWTH_KIB_MAX, "{early:?} {late:?}");
    drop(hall);
    let after = Holdings::now();
    assert_eq!((before.descriptors, before.children), (after.descriptors, after.children));
}
