//! Components changed by chance, from a fixed seed and for a bounded time: each is answered, within
//! its bounds, without a panic, and what is let in can be entered.

use std::time::{Duration, Instant};

use sandpit_plugin::{
    CompileLimits, ComponentFile, Instance, Limits, NoLog, Policy, RefusalCode, TrustList,
};

use super::{Random, child, loader};
use crate::support::Guest;

/// For how long components are made.
const LENGTH: Duration = Duration::from_secs(4);
/// However slow the machine, so many are tried.
const ROUNDS_MIN: u32 = 300;
/// The longest that one component may take: many times what it takes on a busy machine.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// Every so many of those that pass the checks go the whole way, through a compiler's process.
const WHOLE_EVERY: u32 = 8;

/// Numbers that break what counts with them: sizes and counts at their ends, in LEB128.
const BREAKERS: [&[u8]; 6] = [
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0x80, 0x80, 0x80, 0x80, 0x08],
    &[0xff, 0xff, 0x03],
    &[0x80, 0x80, 0x80, 0x00],
    &[0x7f],
    &[0x00],
];

fn mutate(random: &mut Random, whole: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = whole[random.below(whole.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let some = random.below(64).min(bytes.len() - at);
        match random.below(8) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = random.next().to_le_bytes()[0],
            3 => drop(bytes.drain(at..at + some)),
            4 => {
                let again = bytes[at..at + some].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, again);
            }
            5 => {
                let breaker = BREAKERS[random.below(BREAKERS.len())];
                let end = (at + breaker.len()).min(bytes.len());
                bytes.splice(at..end, breaker.iter().copied());
            }
            6 => {
                let other = &whole[random.below(whole.len())];
                let from = random.below(other.len());
                let end = (from + some).min(other.len());
                bytes.splice(at..at + some, other[from..end].iter().copied());
            }
            _ => bytes.truncate(at),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

#[test]
fn every_changed_component_is_answered() {
    let whole = [
        Guest::idle().component(),
        Guest::idle().intents(2).extra("(table 4 funcref) (elem (i32.const 0) $stop)").component(),
        Guest::idle()
            .extra("(func (param f64) (result v128) (f64x2.splat (local.get 0)))")
            .component(),
    ];
    let checks = loader(Policy::Any, TrustList::default());
    let limits = CompileLimits { wall_max: Duration::from_secs(10), ..CompileLimits::default() };
    let whole_way = loader(Policy::Any, TrustList::default()).with_compiler(child(limits));
    let mut random = Random(0x5eed_1234_abcd_0001);
    let (mut rounds, mut passed, mut entered) = (0u32, 0u32, 0u32);
    let begun = Instant::now();
    while begun.elapsed() < LENGTH || rounds < ROUNDS_MIN {
        rounds += 1;
        let bytes = mutate(&mut random, &whole);
        let one = Instant::now();
        match sandpit_plugin::check(&bytes) {
            Ok(_) => {
                passed += 1;
                let loader = if passed.is_multiple_of(WHOLE_EVERY) { &whole_way } else { &checks };
                match loader.load(&ComponentFile::unsigned(bytes)) {
                    Ok(loaded) => {
                        // A fault is an answer as well.
                        let limits = Limits { fuel_start_max: 1_000_000, ..Limits::default() };
                        let sink = Box::new(NoLog);
                        let instance = Instance::load(&loaded.artifact, "changed", &limits, sink);
                        entered += u32::from(instance.is_ok());
                    }
                    Err(refusal) => {
                        assert_eq!(refusal.code(), RefusalCode::CompileRefused, "{refusal}");
                    }
                }
            }
            Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
        }
        assert!(one.elapsed() < ANSWER_MAX, "round {rounds} took {:?}", one.elapsed());
    }
    assert!(passed > 0 && entered > 0, "{rounds} rounds, {passed} passed, {entered} entered");
}
