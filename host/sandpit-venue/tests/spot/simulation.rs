//! Whole lives of the machine, by seeds. What went wrong once is kept by its seed.

use sandpit_core::{
    engine::{Command, Event},
    ids::InstrumentId,
    order::OrderState,
};

use crate::{
    fake::START_BTC,
    world::{Act, SECOND, START, World},
};

/// How long faults go on, and how long the world has to settle after them.
const FAULTS: u64 = 90 * SECOND;
const SETTLING: u64 = 240 * SECOND;

fn live(seed: u64, faults: bool) -> World {
    lives(World::new(seed), seed, faults)
}

/// With faults, and orders of all kinds.
pub(crate) fn rich(seed: u64) -> World {
    let mut world = World::new(seed);
    world.rich = true;
    lives(world, seed, true)
}

fn lives(mut world: World, seed: u64, faults: bool) -> World {
    world.run_until(START + 5 * SECOND);
    assert!(world.notices.iter().any(|notice| notice == "Live"), "{:?}", world.notices);
    world.faults = faults;
    world.trading = true;
    world.at(0, Act::Strategy);
    world.at(0, Act::Trades);
    world.at(0, Act::Cut);
    world.run_until(START + FAULTS);
    if seed.is_multiple_of(3) {
        world.tell_engine(Event::Command(Command::Kill { flatten: false }));
    }
    if faults && seed % 4 == 1 {
        // The venue's clock jumps.
        world.skew += 4_000_000_000;
    }
    world.run_until(START + FAULTS + 10 * SECOND);
    world.faults = false;
    world.trading = false;
    world.run_until(START + FAULTS + SETTLING);
    world
}

/// After faults end, the engine's books are the exchange's.
pub(crate) fn check(world: &World, seed: u64) {
    let engine = world.engine.as_ref().unwrap();
    let unanswered: Vec<_> = world
        .answers
        .iter()
        .filter(|((_, to), (asked, told))| {
            // Several cancels of one order may have one answer.
            if *to == sandpit_core::venue::Asked::Cancel { *told == 0 } else { asked != told }
        })
        .collect();
    assert!(unanswered.is_empty(), "seed {seed}: {unanswered:?}");
    assert_eq!(engine.orders_in_doubt(), 0, "seed {seed}");
    let mut ours: Vec<(String, i64)> = engine
        .orders()
        // What the host keeps is not at the exchange.
        .filter(|(_, state, _)| *state != OrderState::Emulated)
        .map(|(order, state, filled)| {
            assert_ne!(state, OrderState::Unknown, "seed {seed}: {order:?}");
            (order.id.to_string(), filled.0)
        })
        .collect();
    let mut theirs: Vec<(String, i64)> = world
        .fake
        .orders
        .iter()
        .filter(|order| order.is_open())
        .map(|order| (order.client.clone(), order.executed))
        .collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs, "seed {seed}");
    if seed.is_multiple_of(3) {
        assert!(theirs.is_empty(), "seed {seed}: the kill switch left {theirs:?}");
    }
    let net = engine.account().net_quantity(InstrumentId(0));
    assert_eq!(net.0, world.fake.net(), "seed {seed}");
    assert_eq!(engine.external_position(InstrumentId(0)).0, START_BTC, "seed {seed}");
}

#[test]
fn without_faults_everything_is_simple() {
    let mut placed = 0;
    for seed in 0..6 {
        let world = live(seed, false);
        check(&world, seed);
        let count = |name: &str| world.count(name);
        assert_eq!(count("orders_unknown_total"), 0);
        assert_eq!(count("socket_reconnects_total"), 0);
        assert_eq!(count("gaps_total"), 1, "only the first connection");
        assert_eq!(count("watch_found_total"), 0);
        assert!(world.fees > 0);
        placed += world.placed.len();
    }
    assert!(placed > 500, "{placed}");
}

#[test]
fn faults_leave_no_trace() {
    let seeds: u64 = std::env::var("SPOT_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let (mut unknown, mut placed, mut refused) = (0, 0, 0);
    for seed in 0..seeds {
        let world = live(seed, true);
        check(&world, seed);
        let count = |name: &str| world.count(name);
        unknown += count("orders_unknown_total");
        refused += count("orders_refused_total");
        placed += world.placed.len();
    }
    println!("{seeds} seeds: {placed} orders sent, {unknown} doubts, {refused} refused");
    assert!(unknown > seeds, "the faults are too weak: {unknown}");
}
