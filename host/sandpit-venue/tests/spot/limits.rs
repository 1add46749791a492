//! The exchange counts, and refuses, and bans: neither ever happens to a machine of ours, however
//! much is wanted of it. And what follows where an exchange refuses all the same.

use sandpit_core::time::Nanos;

use crate::{
    scenes::{SEED, place},
    simulation::check,
    world::{Act, MS, SECOND, START, World},
};

/// Much more is wanted than the exchange takes.
fn pressed(seed: u64, faults: bool) -> World {
    let mut world = World::with(seed, |settings| {
        settings.trading.watch_every = Some(Nanos(2 * SECOND));
    });
    world.fake.limits.weight_most = 400;
    world.fake.limits.orders_most = 20;
    world.run_until(START + 8 * SECOND);
    assert!(world.notices.iter().any(|one| one == "Live"), "{seed}: {:?}", world.notices);
    world.faults = faults;
    world.trading = true;
    world.at(0, Act::Strategy);
    world.at(0, Act::Trades);
    for burst in 0..400 {
        for tag in 0..3 {
            place(&mut world, 50_000 + burst * 3 + tag, 5_900_000 + tag as i64);
        }
        world.run_until(START + 8 * SECOND + burst * 400 * MS);
    }
    world.faults = false;
    world.trading = false;
    world.run_until(START + 500 * SECOND);
    world
}

#[test]
fn nobody_is_ever_limited_or_banned() {
    let seeds: u64 = std::env::var("SPOT_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let (mut sent, mut refused) = (0, 0);
    for seed in 0..seeds {
        let seed = seed * 3 + 1;
        let world = pressed(seed, seed % 2 == 0);
        let limits = &world.fake.limits;
        assert_eq!((limits.limited, limits.banned), (0, 0), "seed {seed}: {limits:?}");
        // It was no easy thing.
        assert!(limits.orders_peak >= 12, "seed {seed}: {}", limits.orders_peak);
        assert!(limits.weight_peak >= 200, "seed {seed}: {}", limits.weight_peak);
        check(&world, seed);
        sent += world.sent;
        refused += world.count("orders_refused_total");
    }
    assert!(refused > seeds, "{refused}");
    println!("{seeds} seeds: {sent} requests, {refused} orders given back, none limited");
}

/// Somebody else asks from the same address, so that the count is full without our doing.
#[test]
fn a_limit_that_others_used_up_is_waited_for() {
    for says_when in [true, false] {
        let mut world = World::new(SEED);
        world.run_until(START + 5 * SECOND);
        world.fake.limits.says_when = says_when;
        let now = world.venue_ms();
        world.fake.limits.use_up(now);
        place(&mut world, 1, 5_990_000);
        world.run_until(START + 10 * SECOND);
        assert!(world.fake.limits.limited >= 1, "{says_when}");
        assert_eq!(world.fake.limits.banned, 0, "who is told stays away ({says_when})");
        world.run_until(START + 160 * SECOND);
        assert_eq!(world.fake.limits.banned, 0, "{says_when}");
        place(&mut world, 2, 5_980_000);
        world.run_until(START + 240 * SECOND);
        assert!(world.fake.orders.iter().any(|order| order.price == 5_980_000), "{says_when}");
        check(&world, SEED);
    }
}
