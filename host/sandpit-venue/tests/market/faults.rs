//! Faults by chance, for many seeds: what was told has no gap and no overlap, whatever happened.

use sandpit_core::{market::DataKind, time::Nanos};

use crate::{
    rig::SECOND,
    world::{Faults, World, settings},
};

const MINUTE: Nanos = Nanos(60 * SECOND);
const ONE_SECOND: Nanos = Nanos(SECOND);

fn world(seed: u64, futures: bool) -> World {
    let mut world = World::new(seed, settings(), &["BTCUSDT", "ETHUSDT"], futures);
    world.faults = some(seed);
    world.begin(
        &[
            (0, DataKind::Bars(MINUTE)),
            (0, DataKind::Bars(ONE_SECOND)),
            (0, DataKind::Depth(20)),
            (1, DataKind::Bars(MINUTE)),
            (1, DataKind::Bars(ONE_SECOND)),
            (1, DataKind::Depth(20)),
            (1, DataKind::Bars(Nanos(7 * SECOND))),
        ],
        &[(0, 60, 1_500), (0, 1, 2_500), (1, 60, 3)],
    );
    world
}

/// Each seed has faults of its own kind, and every fourth all of them.
fn some(seed: u64) -> Faults {
    let mut faults = Faults::default();
    let all = seed.is_multiple_of(4);
    let network = all || seed % 4 == 1;
    if network {
        (faults.lost, faults.doubled, faults.late, faults.cut) = (5, 20, 20, 2);
    }
    if all || seed % 4 == 2 {
        (faults.cuts, faults.dead, faults.mute, faults.shutdowns) = (3, 1, 2, 1);
        (faults.closed_doors, faults.refused) = (200, 50);
    }
    if all || seed % 4 == 3 {
        (faults.unavailable, faults.unanswered, faults.slow) = (150, 100, 300);
        faults.lost = 8;
    }
    faults
}

/// What must have happened over all seeds, or the faults were none.
const HAPPENED: [&str; 10] = [
    "market_book_gaps_total",
    "market_book_snapshots_unfit_total",
    "market_bar_holes_total",
    "market_trades_recovered_total",
    "market_duplicates_total",
    "market_disconnects_total",
    "market_renewals_total",
    "market_subscribe_refused_total",
    "market_frames_bad_total",
    "market_questions_failed_total",
];

fn check(seed: u64, futures: bool) -> [u64; HAPPENED.len()] {
    let mut world = world(seed, futures);
    world.run(120);
    world.faults = Faults::default();
    world.run(150);
    assert!(world.rig.market.is_live(), "seed {seed}: {:?}", world.rig.market.waiting());
    world.ledger.assert_whole(&world.symbols, world.venue_ms(), true);
    let count = |name: &str| world.rig.count(name);
    assert_eq!(count("market_trades_lost_total"), 0, "seed {seed}");
    assert_eq!(count("market_bars_absent_total"), 0, "seed {seed}");
    assert_eq!(count("market_book_crossed_total"), 0, "seed {seed}");
    assert_eq!(world.ledger.history_of(0, 60_000), 1_500, "seed {seed}");
    assert_eq!(world.ledger.history_of(0, 1_000), 2_500, "seed {seed}");
    assert_eq!(world.ledger.history_of(1, 60_000), 3, "seed {seed}");
    // One at least, so that the row has a beginning.
    assert_eq!(world.ledger.history_of(1, 1_000), 1, "seed {seed}");
    HAPPENED.map(count)
}

/// Seeds that once failed are never taken out.
const SEEDS: std::ops::Range<u64> = 0..60;

fn check_all(seeds: std::ops::Range<u64>, futures: bool) {
    let mut happened = [0; HAPPENED.len()];
    for seed in seeds {
        let done = std::panic::catch_unwind(|| check(seed, futures));
        let counts = done.unwrap_or_else(|_| panic!("seed {seed}"));
        for (sum, count) in happened.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    for (name, sum) in HAPPENED.iter().zip(happened) {
        assert!(sum > 0, "{name} never happened");
    }
}

#[test]
fn what_is_told_is_whole_after_faults() {
    check_all(SEEDS, false);
}

#[test]
fn so_it_is_where_an_update_names_the_one_before() {
    check_all(1_000..1_020, true);
}
