//! Perpetuals through a whole run: what the venue does to positions and money, the engine's books
//! say as well.

use std::collections::BTreeMap;

use proptest::{prelude::*, strategy::ValueTree};
use sandpit_core::{
    account::Account,
    engine::{Alert, Record, VenueCapabilities},
    ids::{InstrumentId, PluginId},
    intent::Intent,
    market::{Funding, MarketData, MarketEvent},
    matching::{FillModel, InstrumentModel, MarginRules, MarginTier},
    num::{Money, Price, Rate},
    order::{Fill, Order},
    plugin::{CallCost, Fault, PluginEvent, PluginPort},
    simulation::{Latency, Observer, Simulation},
    time::{Nanos, UnixNanos},
};

use crate::random::{Gamblers, INSTRUMENTS, PLUGINS, config, market_event, run_dice};

/// Counts what a run of perpetuals has to show.
#[derive(Default)]
struct Seen {
    fundings: u32,
    liquidations: u32,
    of_the_venue: u32,
    alerts: u32,
}

impl Observer for Seen {
    fn recorded(&mut self, record: &Record, _: UnixNanos) {
        self.fundings += u32::from(matches!(record, Record::Funded { .. }));
        self.liquidations += u32::from(matches!(record, Record::Liquidated { .. }));
    }

    fn filled(&mut self, order: &Order, _: &Fill, _: UnixNanos, _: &Account) {
        self.of_the_venue += u32::from(order.id.sequence == 0);
    }

    fn alert(&mut self, alert: &Alert, _: UnixNanos) {
        if matches!(alert, Alert::Quarantined(_)) {
            return;
        }
        assert!(matches!(alert, Alert::Liquidated(..)), "{alert:?}");
        self.alerts += 1;
    }
}

/// Lets everything arrive that is on its way.
struct Quiet;

impl PluginPort for Quiet {
    fn call(
        &mut self,
        _: PluginId,
        _: &PluginEvent,
        _: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        Ok(CallCost::default())
    }
}

/// Leverage of ten; so little money that a run of losses uses it up.
fn perpetuals(latency: Nanos) -> Simulation {
    let mut config = config(latency, VenueCapabilities::ALL);
    for plugin in &mut config.engine.plugins {
        plugin.budget = Money(2 * 10i128.pow(17));
    }
    let tiers = vec![MarginTier { from: Money::ZERO, rate: Rate(80_000_000_000) }];
    let margin = Some(MarginRules::new(10, Rate(10_000_000_000), tiers).unwrap());
    let own = InstrumentModel { margin, triggers: None };
    let instruments: BTreeMap<_, _> =
        (0..INSTRUMENTS).map(|id| (InstrumentId(id), own.clone())).collect();
    config.fill_model = FillModel { instruments, ..FillModel::default() };
    Simulation::new(config)
}

/// Now and then a mark or a funding in the place of what else there would be.
fn event(time: &mut u64, dice: [u16; 5]) -> MarketEvent {
    let mut event = market_event(time, dice);
    let mark = Price(975 + 5 * i64::from(dice[2] % 17));
    match dice[4] % 11 {
        0 | 1 => event.data = MarketData::Mark(mark),
        2 => {
            let rate = Rate((i64::from(dice[3] % 200) - 100) * 100_000_000);
            event.data = MarketData::Funding(Funding { rate, mark });
        }
        _ => {}
    }
    event
}

fn play(dice: Vec<u16>, market: &[[u16; 5]], mut simulation: Simulation, exact: bool) -> Seen {
    let mut plugins = Gamblers { dice, at: 0, now: UnixNanos(0) };
    let (mut seen, mut time) = (Seen::default(), 1_000);
    for dice in market {
        simulation.step(event(&mut time, *dice), &mut plugins, &mut seen).unwrap();
        if exact {
            compare(&simulation, true);
        }
    }
    simulation.advance(UnixNanos(time + 1_000_000), &mut Quiet, &mut seen);
    compare(&simulation, exact);
    assert_eq!(seen.liquidations, seen.of_the_venue, "each is told as a fill");
    assert_eq!(seen.liquidations, seen.alerts);
    seen
}

fn compare(simulation: &Simulation, money: bool) {
    for plugin in (0..PLUGINS).map(PluginId) {
        let share = simulation.engine().account().sub_account(plugin);
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let held = simulation.exchange().position(plugin, id);
            assert_eq!(share.position(id).quantity, held, "one position");
        }
        if money {
            let there = share.budget() + simulation.exchange().cash(plugin);
            assert_eq!(share.balance(), there, "one balance");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Without latency the two books are the same after every step, to the last digit.
    #[test]
    fn engine_and_venue_have_the_same_books((dice, market, _) in run_dice()) {
        play(dice, &market, perpetuals(Nanos(0)), true);
    }

    /// With latency, once everything has arrived, positions are the same. Money need not be: the
    /// engine reckons funding on the position that it knows of at that moment.
    #[test]
    fn positions_agree_once_everything_has_arrived(
        (dice, market, latency) in run_dice(),
        seed in any::<u64>(),
        spread in 0u64..100,
    ) {
        let jitter = |seed| Latency::Jitter { base: Nanos(latency), spread: Nanos(spread), seed };
        let simulation = perpetuals(Nanos(0)).with_latency(jitter(seed), jitter(!seed));
        play(dice, &market, simulation, false);
    }
}

#[test]
fn the_random_runs_fund_and_liquidate() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut fundings, mut liquidations) = (0, 0);
    for _ in 0..50 {
        let (dice, market, _) = run_dice().new_tree(&mut runner).unwrap().current();
        let seen = play(dice, &market, perpetuals(Nanos(0)), true);
        fundings += seen.fundings;
        liquidations += seen.liquidations;
    }
    assert!(fundings > 100 && liquidations > 20, "{fundings} fundings, {liquidations} closings");
}
