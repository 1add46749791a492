//! The fault simulator over many worlds: everything holds in all of them, and a host with a bug
//! is found out.

mod bugs;

use std::sync::atomic::AtomicBool;

use sandpit::simulate::{Keep, Plan, Slip, Summary, Worlds, run, run_many};
use sandpit_core::engine::{Flaws, Sound};

/// Worlds that broke something once, with their steps and what was found. They are run first.
/// A change of how worlds are made gives a seed another world; it is kept all the same.
const KEPT: [(u64, u64, &str); 20] = [
    (6, 3_000, "a cancel overtook its order; its refusal made the venue's refusal impossible"),
    (1, 3_000, "a trigger that was told after the fill was impossible"),
    (66, 3_000, "a fill of an amended quantity came before word of the change: overfilled"),
    (132, 3_000, "between a start and the comparison of the books the engine never slept"),
    (453, 3_000, "the kill switch gave up on an order whose cancel was refused once"),
    (207, 3_000, "executions told by a status were taken for later ones, and ours for others'"),
    (284, 3_000, "a rotated journal forgot the latest executions, and ours became others'"),
    (472, 3_000, "a cancel overtook word of a change and its fill: overfilled"),
    (387, 3_000, "an exit was replaced without end at a venue that knows no reduce-only"),
    (1_350, 3_000, "a change let a reduce-only order turn the position"),
    (516, 3_000, "reduce-only orders counted as bound at a venue that does not bind them"),
    (514, 3_000, "a triggered stop waited for ever for a take-profit whose cancel was refused"),
    (716, 3_000, "an order that was to be replaced stayed open after its last fill"),
    (1_640, 3_000, "the same, with the replacement's quantity counted as its own"),
    (85, 3_000, "a protective stop that a venue does not bind was not counted once it was there"),
    (811, 3_000, "a cancel of the host's own was given up when it was refused once"),
    (3_520, 3_000, "a stop that never arrived was placed anew beside the one that had followed it"),
    (5_348, 3_000, "changes of an order in doubt kept the doubt from ever ending"),
    (939, 60_000, "an old answer with the same quantity was taken for the new one: overfilled"),
    (4, 100_000, "a trailing stop's last steps are not journalled: allowed, a tenth at most"),
];

static NEVER: AtomicBool = AtomicBool::new(false);

fn world(seed: u64, steps: u64) -> Plan {
    Plan { seed, steps, slip: Slip::None }
}

fn many<F: Flaws>(plan: &Plan, seeds: u64) -> Worlds {
    let quiet = |_: &Summary| {};
    run_many::<F>(plan, seeds, 2, &NEVER, &quiet)
}

#[test]
fn what_broke_once_holds() {
    for (seed, steps, what) in KEPT {
        if let Err(violation) = run::<Sound>(&world(seed, steps), Keep::Nothing) {
            panic!("{what}: {violation}\n{}", violation.trace.join("\n"));
        }
    }
}

#[test]
fn everything_holds_in_thousands_of_worlds() {
    let worlds = many::<Sound>(&world(1, 2_000), 4_000);
    if let Some(violation) = worlds.violation {
        panic!(
            "{violation}\n{}\nagain: sandpit simulate --seed {} --steps {}",
            violation.trace.join("\n"),
            violation.seed,
            violation.steps
        );
    }
    assert_eq!(worlds.held, 4_000);
    // It is no wonder that everything holds where nothing happens.
    for (name, count) in worlds.counts.named() {
        assert!(count >= 100, "{name}: {count}");
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    let hash = |seed, keep| run::<Sound>(&world(seed, 3_000), keep).unwrap().hash;
    assert_eq!(hash(11, Keep::Nothing), hash(11, Keep::Everything));
    assert_ne!(hash(11, Keep::Nothing), hash(12, Keep::Nothing));
}
