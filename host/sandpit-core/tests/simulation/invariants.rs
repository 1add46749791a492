//! After every step of any run: fills add up to positions, money is conserved to the last digit,
//! limits hold, and every order ends or is open.

use std::collections::BTreeMap;

use proptest::{prelude::*, strategy::ValueTree};
use sandpit_core::{
    account::Account,
    engine::{Alert, News, Record, VenueCapabilities},
    ids::{ClientOrderId, InstrumentId, PluginId},
    market::{MarketEvent, Side},
    num::{Money, Quantity},
    order::{Fill, Order, OrderState},
    plugin::{Fault, TradingState},
    simulation::{Observer, Simulation, SimulationConfig},
    time::{Nanos, UnixNanos},
};

use crate::random::{
    Gamblers, INSTRUMENTS, PLUGINS, POSITION_MAX, config, instrument, market_event, run_dice, venue,
};

/// A second set of books, kept in the plainest way from what the observer is told.
#[derive(Default)]
pub(crate) struct Ledger {
    held: BTreeMap<(PluginId, InstrumentId), i64>,
    /// Minus the signed notional of every fill, minus its fee.
    cash: BTreeMap<PluginId, i128>,
    open: BTreeMap<ClientOrderId, (Order, Quantity)>,
    states: BTreeMap<PluginId, TradingState>,
    fills: u64,
    log: String,
    pub(crate) records: Vec<(UnixNanos, Record)>,
}

impl Observer for Ledger {
    fn recorded(&mut self, record: &Record, time: UnixNanos) {
        if let Record::Moved { news: News::Reason(why), .. } = record {
            assert!(!why.contains("balance"), "refused for want of balance: {record:?}");
        }
        self.records.push((time, record.clone()));
    }

    fn submitted(&mut self, order: &Order, time: UnixNanos) {
        self.log += &format!("{time} {order:?}\n");
        // The exits that the host places protect what an entry filled while it was being canceled.
        let halted = self.states.get(&order.plugin()) == Some(&TradingState::Halted);
        assert!(!halted || order.reduce_only, "nothing grows once halted: {order:?}");
        let known = self.open.insert(order.id, (order.clone(), Quantity::ZERO));
        assert!(known.is_none(), "an id is used once: {order:?}");
    }

    fn filled(&mut self, order: &Order, fill: &Fill, time: UnixNanos, account: &Account) {
        self.log += &format!("{time} {:?} {fill:?}\n", order.id);
        self.fills += 1;
        let (plugin, id) = (order.plugin(), order.instrument);
        let quantity = order.side.signed(fill.quantity);
        let notional = instrument("AAA").notional(fill.price, quantity).unwrap();
        *self.held.entry((plugin, id)).or_default() += quantity.0;
        *self.cash.entry(plugin).or_default() -= notional.0 + fill.fee.0;
        let open = self.open.get_mut(&order.id).expect("only open orders fill in a simulation");
        open.1 += fill.quantity;
        assert!(open.1 <= order.quantity, "never more than was asked for: {order:?}");
        if let Some(limit) = order.kind.limit() {
            let worse = order.side.signed(Quantity(fill.price.0 - limit.0)) > Quantity::ZERO;
            assert!(!worse, "never at a worse price than the limit: {order:?} {fill:?}");
        }
        assert!(!order.post_only || fill.maker, "post-only never takes");
        let position = account.sub_account(plugin).position(id).quantity;
        if order.reduce_only {
            let before = position - quantity;
            assert!(
                position.abs() < before.abs(),
                "reduce-only shrinks: {before:?} to {position:?}"
            );
            assert!(position.is_zero() || (position.0 > 0) == (before.0 > 0), "and never flips");
        }
    }

    fn closed(&mut self, order: &Order, state: OrderState, filled: Quantity, _: UnixNanos) {
        let (_, seen) = self.open.remove(&order.id).expect("an order ends once");
        assert_eq!(seen, filled);
        assert!(state.is_closed());
        assert_eq!(state == OrderState::Filled, filled == order.quantity, "{order:?} {state}");
    }

    fn trading_state(&mut self, plugin: PluginId, state: TradingState, _: UnixNanos) {
        self.states.insert(plugin, state);
    }

    fn faulted(&mut self, plugin: PluginId, fault: &Fault, time: UnixNanos) {
        self.log += &format!("{time} {plugin:?} {fault:?}\n");
    }

    fn alert(&mut self, alert: &Alert, _: UnixNanos) {
        // What guards, throttles and the host's own stops have to say is no surprise.
        if matches!(
            alert,
            Alert::LimitBreached { .. }
                | Alert::CancelsAboveRate { .. }
                | Alert::SelfTradePattern { .. }
                | Alert::Unprotected { .. }
                | Alert::CannotFlatten(_)
                | Alert::Quarantined(_)
        ) {
            return;
        }
        panic!("a simulated venue says nothing impossible: {alert:?}");
    }

    fn market(&mut self, _: &MarketEvent, account: &Account) {
        for plugin in (0..PLUGINS).map(PluginId) {
            let share = account.sub_account(plugin);
            let mut value = Money::ZERO;
            for id in (0..INSTRUMENTS).map(InstrumentId) {
                let position = share.position(id);
                let held = self.held.get(&(plugin, id)).copied().unwrap_or_default();
                assert_eq!(position.quantity.0, held, "fills add up to the position");
                assert!(held.abs() <= POSITION_MAX, "the position limit holds");
                assert!(held != 0 || position.cost == Money::ZERO, "flat has no cost");
                value += position.value;
            }
            let cash = Money(self.cash.get(&plugin).copied().unwrap_or_default());
            assert_eq!(share.equity(), share.budget() + cash + value, "money is conserved");
        }
    }
}

pub(crate) fn play(
    dice: Vec<u16>,
    market: &[[u16; 5]],
    latency: u64,
    venue: VenueCapabilities,
) -> (Ledger, Simulation) {
    play_in(config(Nanos(latency), venue), dice, market, |_, _| {})
}

/// A run, with a look at it after each step; what the step wrote down is given along.
pub(crate) fn play_in(
    config: SimulationConfig,
    dice: Vec<u16>,
    market: &[[u16; 5]],
    mut look: impl FnMut(&Simulation, &[(UnixNanos, Record)]),
) -> (Ledger, Simulation) {
    let mut simulation = Simulation::new(config);
    let mut plugins = Gamblers { dice, at: 0, now: UnixNanos(0) };
    let mut ledger = Ledger::default();
    let mut time = 1_000;
    for dice in market {
        let event = market_event(&mut time, *dice);
        let known = ledger.records.len();
        simulation.step(event, &mut plugins, &mut ledger).expect("time does not go back");
        check_balances(&simulation);
        look(&simulation, &ledger.records[known..]);
    }
    (ledger, simulation)
}

/// Where a working sell locks what it sells, no more is for sale than there is: by the venue's own
/// books, and by ours.
fn check_balances(simulation: &Simulation) {
    let engine = simulation.engine();
    if !engine.config().venue.locks_balance {
        return;
    }
    for id in (0..INSTRUMENTS).map(InstrumentId) {
        let there =
            (0..PLUGINS).map(|plugin| simulation.exchange().position(PluginId(plugin), id).0);
        let (held, for_sale) =
            (there.sum::<i64>(), simulation.exchange().working(id, Side::Sell).0);
        assert!(for_sale <= held, "{for_sale} of {id:?} for sale of {held}");
        for plugin in (0..PLUGINS).map(PluginId) {
            let held = engine.account().sub_account(plugin).position(id).quantity.0;
            assert!(held >= 0, "{plugin:?} has sold what it did not have: {held}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_run_keeps_its_books((dice, market, latency) in run_dice(), venue in venue()) {
        let (ledger, simulation) = play(dice, &market, latency, venue);
        prop_assert_eq!(ledger.open.len(), simulation.engine().open_orders() as usize);
    }

    #[test]
    fn the_same_run_twice_is_the_same((dice, market, latency) in run_dice(), venue in venue()) {
        let (first, _) = play(dice.clone(), &market, latency, venue);
        let (second, _) = play(dice, &market, latency, venue);
        prop_assert_eq!(first.log, second.log);
    }
}

#[test]
fn the_random_runs_do_trade() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut fills = 0;
    for _ in 0..20 {
        let (dice, market, latency) = run_dice().new_tree(&mut runner).unwrap().current();
        fills += play(dice, &market, latency, VenueCapabilities::ALL).0.fills;
    }
    assert!(fills > 500, "only {fills} fills in 20 runs: the invariants would hold of nothing");
}
