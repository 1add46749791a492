//! A journal is a memory: its records, applied to an engine that knows nothing, give the engine
//! that wrote them.

use proptest::prelude::*;
use sandpit_core::{
    engine::{Engine, Record, VenueCapabilities},
    ids::{InstrumentId, PluginId},
    num::Money,
    time::{Nanos, UnixNanos},
};

use crate::{
    invariants::play,
    random::{INSTRUMENTS, PLUGINS, config, run_dice, venue},
};

fn replayed(venue: VenueCapabilities, records: &[(UnixNanos, Record)]) -> Engine {
    let mut engine = Engine::new(config(Nanos(0), venue).engine);
    for (at, record) in records {
        engine.replay(*at, record).expect("what was written down can be read");
    }
    engine
}

/// What the books say, without values at a market that a journal does not remember.
fn books(engine: &Engine) -> Vec<[Money; 4]> {
    let shares = (0..PLUGINS).map(|plugin| engine.account().sub_account(PluginId(plugin)));
    shares
        .flat_map(|share| (0..INSTRUMENTS).map(|id| share.position(InstrumentId(id))))
        .map(|p| [Money(i128::from(p.quantity.0)), p.cost, p.realized, p.fees])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn records_rebuild_the_engine((dice, market, latency) in run_dice(), venue in venue()) {
        let (ledger, simulation) = play(dice, &market, latency, venue);
        let live = simulation.engine();
        let again = replayed(venue, &ledger.records);
        prop_assert_eq!(live.carry(), again.carry());
        prop_assert_eq!(books(live), books(&again));
    }

    /// A journal that begins in the middle is as good as one from the beginning.
    #[test]
    fn carried_records_rebuild_the_engine(
        (dice, market, latency) in run_dice(),
        venue in venue(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (ledger, simulation) = play(dice, &market, latency, venue);
        let (before, after) = ledger.records.split_at(cut.index(ledger.records.len() + 1));
        let at = before.last().map_or(UnixNanos(0), |(at, _)| *at);
        let carried = replayed(venue, before).carry().into_iter().map(|record| (at, record));
        let records: Vec<_> = carried.chain(after.iter().cloned()).collect();
        let again = replayed(venue, &records);
        prop_assert_eq!(simulation.engine().carry(), again.carry());
        prop_assert_eq!(books(simulation.engine()), books(&again));
    }
}
