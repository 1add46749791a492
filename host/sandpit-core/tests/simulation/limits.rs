//! No sequence of intents, fills and marks breaks a limit by even one lot, the worst case included.
//! What the engine reckons as it goes is reckoned here from scratch, over all open orders.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sandpit_core::{
    engine::{Engine, Record, VenueCapabilities},
    ids::{InstrumentId, PluginId},
    market::Side,
    num::{Decimal, Money, Quantity},
    order::{Order, OrderKind, OrderState},
    plugin::TradingState,
    risk::{
        BasisPoints, BreachPolicy, Guards, Limits, LossGuard, LossLimit, ProtectiveStop, Purpose,
        RampStage, Rates, SelfTrade, Sides, StreakGuard, Unlock, VelocityGuard,
    },
    simulation::{Simulation, SimulationConfig},
    time::{Nanos, UnixNanos},
};

use crate::{
    invariants::play_in,
    random::{INSTRUMENTS, PLUGINS, POSITION_MAX, config, run_dice, venue},
};

fn money(cents: u16) -> Option<Money> {
    Money::from_decimal(Decimal::new(i64::from(cents), 2))
}

/// Limits of one scope, each there or not by a die.
fn limits(base: &Limits, dice: &[u16; 12]) -> Limits {
    let maybe = |index: usize, modulus: u16| {
        let die = dice[index];
        die.is_multiple_of(3).then_some(1 + die / 3 % modulus)
    };
    let policy = BreachPolicy {
        state: if dice[0].is_multiple_of(2) {
            TradingState::Reducing
        } else {
            TradingState::Halted
        },
        flatten: dice[1].is_multiple_of(2),
        unlock: if dice[2].is_multiple_of(2) { Unlock::Person } else { Unlock::After(Nanos(500)) },
    };
    let loss =
        |points: u16| LossGuard { limit: LossLimit::Share(BasisPoints(points.into())), policy };
    let stage = |share| RampStage { share: BasisPoints(share), days: 1 };
    Limits {
        gross_notional_max: maybe(3, 80).and_then(|units| money(100 * units)),
        net_notional_max: maybe(4, 60).and_then(|units| money(100 * units)),
        order_notional_max: maybe(5, 40).and_then(|units| money(100 * units)),
        short_allowed: !dice[6].is_multiple_of(4),
        sides_allowed: if dice[7].is_multiple_of(5) { Sides::Buy } else { Sides::Both },
        rates: Rates {
            orders_per_second_max: maybe(8, 60).map(u32::from),
            cancels_per_second_max: maybe(9, 20).map(u32::from),
            ..Rates::NONE
        },
        guards: Guards {
            daily_loss: maybe(10, 4).map(loss),
            drawdown: maybe(11, 6).map(loss),
            losing_streak: maybe(0, 6)
                .map(|losses| StreakGuard { losses_max: losses.into(), policy }),
            pnl_velocity: maybe(1, 5).map(|points| VelocityGuard {
                limit: loss(points).limit,
                minutes: 5,
                policy,
            }),
        },
        protective_stop: match dice[2] % 5 {
            0 => Some(ProtectiveStop::Share(BasisPoints(100))),
            1 => Some(ProtectiveStop::Trailing(50)),
            _ => None,
        },
        ramp: if dice[3].is_multiple_of(4) {
            vec![stage(3_000), stage(10_000)]
        } else {
            Vec::new()
        },
        ..base.clone()
    }
}

fn strict(latency: u64, venue: VenueCapabilities, dice: &[[u16; 12]; 2]) -> SimulationConfig {
    let mut config = config(Nanos(latency), venue);
    let base = config.engine.plugins[0].limits.clone();
    for plugin in &mut config.engine.plugins {
        plugin.limits = limits(&base, &dice[0]);
    }
    config.engine.account_limits = limits(&Limits::unlimited(), &dice[1]);
    config.engine.risk.self_trade = match dice[0][0] % 4 {
        0 => SelfTrade::Allow,
        1 => SelfTrade::Deny,
        2 => SelfTrade::CancelOldest,
        _ => SelfTrade::CancelNewest,
    };
    config
}

/// Position of a plugin, or of all, with everything filled that may grow it on one side.
fn worst(engine: &Engine, plugin: Option<PluginId>, id: InstrumentId, side: Side) -> i64 {
    let of = |other: PluginId| plugin.is_none_or(|plugin| plugin == other);
    let shares = (0..PLUGINS).map(PluginId).filter(|other| of(*other));
    let held = shares.map(|p| engine.account().sub_account(p).position(id).quantity.0);
    let open = engine.orders().filter(|(order, ..)| {
        of(order.plugin()) && order.instrument == id && order.side == side && !order.reduce_only
    });
    let working = open.map(|(order, _, filled)| (order.quantity - filled).0.max(0));
    held.sum::<i64>() + side.signed(Quantity(working.sum())).0
}

/// Gross notional, and the signed sum of one side, at the marks.
fn sums(engine: &Engine, plugin: Option<PluginId>, side: Side) -> Option<(Money, Money)> {
    let (mut gross, mut net) = (Money::ZERO, Money::ZERO);
    for id in (0..INSTRUMENTS).map(InstrumentId) {
        let (most, least) =
            (worst(engine, plugin, id, Side::Buy), worst(engine, plugin, id, Side::Sell));
        if most == 0 && least == 0 {
            continue;
        }
        let mark = engine.market_of(id).mark()?;
        let notional = |quantity| {
            engine.config().instruments[usize::from(id.0)].notional(mark, Quantity(quantity))
        };
        gross += notional(most.abs().max(least.abs()))?;
        net += notional(if side == Side::Buy { most } else { least })?;
    }
    Some((gross, net))
}

/// The limits that count: with a ramp, the share of its stage.
fn effective(limits: &Limits, stage: u8) -> Limits {
    match limits.ramp.get(usize::from(stage)) {
        Some(stage) => limits.scaled(stage.share),
        None => limits.clone(),
    }
}

fn check_sums(engine: &Engine, order: &Order) {
    for plugin in [Some(order.plugin()), None] {
        let full = match plugin {
            Some(plugin) => &engine.config().plugins[usize::from(plugin.0)].limits,
            None => &engine.config().account_limits,
        };
        // No day ends in these runs: nobody leaves the first stage.
        let limits = effective(full, 0);
        let Some((gross, net)) = sums(engine, plugin, order.side) else { continue };
        let opposite = worst(engine, plugin, order.instrument, order.side.opposite());
        let sign: i64 = if order.side == Side::Buy { 1 } else { -1 };
        // What shrinks a position passes the gross limit.
        let grows = opposite * sign >= 0;
        if let Some(limit) = limits.gross_notional_max.filter(|_| grows) {
            assert!(gross <= limit, "gross {gross} above {limit} after {order:?}");
        }
        if let Some(limit) = limits.net_notional_max {
            assert!(
                Money(net.0 * i128::from(sign)) <= limit,
                "net {net} beyond {limit} after {order:?}"
            );
        }
        if order.side == Side::Sell && !limits.short_allowed {
            let least = worst(engine, plugin, order.instrument, Side::Sell);
            assert!(least >= 0, "{plugin:?} could be short by {least} after {order:?}");
        }
        if let Some(limit) = limits.order_notional_max
            && let Some(price) = order.kind.limit().or(order.kind.trigger())
        {
            let rules = &engine.config().instruments[usize::from(order.instrument.0)];
            assert!(rules.notional(price, order.quantity).unwrap() <= limit, "{order:?}");
        }
    }
}

fn check_positions(engine: &Engine) {
    for plugin in (0..PLUGINS).map(PluginId) {
        let limits = &engine.config().plugins[usize::from(plugin.0)].limits;
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let (most, least) = (
                worst(engine, Some(plugin), id, Side::Buy),
                worst(engine, Some(plugin), id, Side::Sell),
            );
            assert!(most <= POSITION_MAX && least >= -POSITION_MAX, "{most} {least}");
            if !limits.short_allowed || limits.sides_allowed == Sides::Buy {
                assert!(least >= 0, "{plugin:?} could be short by {least}");
            }
        }
    }
}

fn check_meetings(engine: &Engine) {
    if engine.config().risk.self_trade == SelfTrade::Allow {
        return;
    }
    for id in (0..INSTRUMENTS).map(InstrumentId) {
        let resting = |side| {
            engine.orders().filter_map(move |(order, state, _)| match order.kind {
                OrderKind::Limit(price)
                    if order.instrument == id
                        && order.side == side
                        && !matches!(state, OrderState::PendingCancel | OrderState::Emulated) =>
                {
                    Some(price)
                }
                _ => None,
            })
        };
        let (bid, ask) = (resting(Side::Buy).max(), resting(Side::Sell).min());
        assert!(bid.zip(ask).is_none_or(|(bid, ask)| bid < ask), "{bid:?} meets {ask:?}");
    }
}

/// Those that plugins have sent of their own will.
fn own(records: &[(UnixNanos, Record)]) -> impl Iterator<Item = &Order> {
    records.iter().filter_map(|(_, record)| match record {
        Record::Submitted { order, purpose: Purpose::Plain | Purpose::Entry, replaces: None }
        | Record::Held { order, purpose: Purpose::Plain | Purpose::Entry, replaces: None } => {
            Some(order)
        }
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_limit_is_broken_by_a_lot(
        (dice, market, latency) in run_dice(),
        venue in venue(),
        chosen in any::<[[u16; 12]; 2]>(),
    ) {
        let config = strict(latency, venue, &chosen);
        let mut marks = Vec::new();
        let look = |simulation: &Simulation, records: &[(UnixNanos, Record)]| {
            let engine = simulation.engine();
            let now: Vec<_> =
                (0..INSTRUMENTS).map(|id| engine.market_of(InstrumentId(id)).mark()).collect();
            // An order may have been sent before the step's event moved the mark.
            let moved = marks != now;
            marks = now;
            check_positions(engine);
            check_meetings(engine);
            // What the host sends to close one plugin's position waits for no limit, and may leave
            // the account with more of another's.
            let hosts = records.iter().any(|(_, record)| matches!(
                record,
                Record::Submitted { purpose, .. } | Record::Held { purpose, .. } if purpose.is_host()
            ) || matches!(record, Record::Filled { order, .. } if order.reduce_only));
            let last = own(records).filter(|order| !order.reduce_only).last();
            if let Some(order) = last.filter(|_| !hosts && !moved) {
                check_sums(engine, order);
            }
        };
        let (ledger, simulation) = play_in(config, dice, &market, look);
        // All of a run is within one second.
        let engine = simulation.engine();
        let sent = own(&ledger.records).count();
        let account = engine.config().account_limits.rates.orders_per_second_max;
        prop_assert!(account.is_none_or(|limit| sent <= limit as usize));
        let locks: BTreeSet<_> = (0..PLUGINS)
            .flat_map(|plugin| engine.locks(Some(PluginId(plugin))))
            .map(|lock| lock.reason)
            .collect();
        let reached = ledger.records.iter().any(|(_, r)| matches!(r, Record::Locked { .. }));
        prop_assert!(locks.is_empty() || reached);
    }

    /// With guards, ramps, stops and all: the records rebuild the engine.
    #[test]
    fn what_risk_remembers_is_rebuilt(
        (dice, market, latency) in run_dice(),
        venue in venue(),
        chosen in any::<[[u16; 12]; 2]>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let config = strict(latency, venue, &chosen);
        let rules = config.engine.clone();
        // A journal is cut between two steps, never within one.
        let mut ends = vec![0];
        let (ledger, simulation) = play_in(config, dice, &market, |_, records| {
            ends.push(ends.last().unwrap() + records.len());
        });
        let rebuilt = |records: &[(UnixNanos, Record)]| {
            let mut engine: Engine = Engine::new(rules.clone());
            for (at, record) in records {
                engine.replay(*at, record).expect("what was written down can be read");
            }
            engine
        };
        prop_assert_eq!(simulation.engine().carry(), rebuilt(&ledger.records).carry());
        let (before, after) = ledger.records.split_at(ends[cut.index(ends.len())]);
        let at = before.last().map_or(UnixNanos(0), |(at, _)| *at);
        let carried = rebuilt(before).carry().into_iter().map(|record| (at, record));
        let records: Vec<_> = carried.chain(after.iter().cloned()).collect();
        prop_assert_eq!(simulation.engine().carry(), rebuilt(&records).carry());
    }
}
