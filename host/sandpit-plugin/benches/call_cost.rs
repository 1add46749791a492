//! What one call into the sandbox costs, all limits on: `cargo bench -p sandpit-plugin --bench
//! call_cost`. Guests are written by hand, so that what is measured is the host.

#[path = "../tests/support/mod.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which need other parts and may unwrap"
)]
mod support;

use std::{hint::black_box, io::Write as _, num::NonZeroU32, time::Instant};

use sandpit_core::{intent::Intent, plugin::PluginEvent};
use sandpit_plugin::{Instance, Limits, Sampling};

use support::{Guest, trade};

const CALLS: usize = 2_000_000;
const ROUNDS: usize = 7;
/// A price list that is walked again and again: it must not be one price.
const PRICES: usize = 4_096;

/// Two averages as a strategy keeps them, in floats, and the sign of their difference.
fn ema() -> Guest {
    Guest::idle()
        .extra(
            "(global $fast (mut f64) (f64.const 0)) (global $slow (mut f64) (f64.const 0))
             (global $above (mut i32) (i32.const 0))
             (func $step (param $mean f64) (param $price f64) (param $alpha f64) (result f64)
               (f64.add (local.get $mean)
                 (f64.mul (local.get $alpha) (f64.sub (local.get $price) (local.get $mean)))))
             (func $cross (param $price f64) (result i32) (local $above i32)
               (global.set $fast (call $step (global.get $fast) (local.get $price) (f64.const 0.18181818)))
               (global.set $slow (call $step (global.get $slow) (local.get $price) (f64.const 0.0952381)))
               (local.set $above (f64.gt (global.get $fast) (global.get $slow)))
               (i32.ne (local.get $above) (global.get $above))
               (global.set $above (local.get $above)))",
        )
        .intents(1)
        .body(
            "on-trade",
            "(call $cross (f64.mul (f64.convert_i64_s (local.get 2)) (f64.const 0.1)))",
        )
}

fn events() -> Vec<PluginEvent> {
    let mut state = 88_172_645_463_325_252u64;
    let mut price = 100_000i64;
    (0..PRICES as u64)
        .map(|time| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            price += i64::try_from(state % 21).unwrap_or(0) - 10;
            trade(time, price)
        })
        .collect()
}

/// The best of several rounds: what the machine can do when it does nothing else.
fn ns_per_call(instance: &mut Instance, events: &[PluginEvent]) -> (f64, f64) {
    let mut intents: Vec<Intent> = Vec::new();
    let (mut best, mut asked) = (f64::INFINITY, 0.0);
    for _ in 0..ROUNDS {
        let mut taken = 0usize;
        let begun = Instant::now();
        for event in events.iter().cycle().take(CALLS) {
            let cost = instance.call(black_box(event), &mut intents);
            black_box(cost).unwrap_or_else(|fault| panic!("{}", fault.detail));
            taken += intents.len();
            intents.clear();
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e9 / CALLS as f64);
        asked = taken as f64 / CALLS as f64;
    }
    (best, asked)
}

fn main() {
    let events = events();
    let mut out = std::io::stdout();
    let _ = writeln!(out, "one call with all limits on, best of {ROUNDS} rounds of {CALLS}");
    for (what, guest) in [("does nothing", Guest::idle()), ("two averages", ema())] {
        for (timing, sampling) in [
            ("not timed", Sampling::Off),
            ("every 64th timed", Sampling::default()),
            ("all timed", Sampling::Every(NonZeroU32::MIN)),
        ] {
            // Each event asks, and they come in quick succession.
            let limits = Limits { intents_per_second_max: u32::MAX, ..Limits::default() };
            let mut instance = guest.started(&limits);
            instance.set_sampling(sampling);
            let (ns, asked) = ns_per_call(&mut instance, &events);
            let _ =
                writeln!(out, "{what:>14}, {timing:<18} {ns:7.1} ns, {asked:.4} intents a call");
        }
    }
}
