//! What a seed's world is made of: instruments, plugins, limits, and which faults it has. A seed
//! has each kind of fault with even chance, so that some worlds are calm in all but one way.

use std::collections::BTreeMap;

use sandpit_core::{
    engine::{
        Amends, EngineConfig, PluginConfig, RecoveryConfig, TrailingStops, VenueCapabilities,
    },
    ids::{InstrumentId, RunId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::DataKind,
    num::{Decimal, Money, Quantity, Rate},
    plugin::{Subscriptions, TradingState},
    risk::{
        BasisPoints, BreachPolicy, Guards, InstrumentLimits, Limits, LossGuard, LossLimit, OffTick,
        ProtectiveStop, RiskRules, SelfTrade, StreakGuard, Unlock,
    },
    time::{Nanos, UnixNanos},
};

use super::chance::Chance;

/// First moment of every world: 2026-01-01T00:00:00Z.
pub(super) const START: UnixNanos = UnixNanos(1_767_225_600_000_000_000);

/// The longest time for which a request may be under way.
pub(super) const UNDER_WAY_MS_MAX: u64 = 4_000;
/// The longest time by which the venue's answers are behind its deeds.
const LAG_MS_MAX: u64 = 3_000;
/// Longer than both together, as the engine requires.
const GRACE_MS: u64 = 10_000;

/// Worlds of which one has a plugin that comes later, and when at the latest.
const NEWCOMER_ONE_IN: u64 = 4;
const NEWCOMER_MS_MAX: u64 = 120_000;

/// How often things go wrong. Numbers without a unit are out of ten thousand; zero is never.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Requests that never reach the venue.
    pub(super) lost_before: u64,
    /// Requests that do, and whose answer is lost.
    pub(super) lost_after: u64,
    /// Messages that take their time.
    pub(super) slow: u64,
    /// Orders that the venue refuses at its whim.
    pub(super) rejected: u64,
    /// Cancels and changes that it refuses at its whim.
    pub(super) change_refused: u64,
    /// Reports that get lost while others arrive.
    pub(super) report_dropped: u64,
    /// Reports that arrive a second time, later and out of order.
    pub(super) report_twice: u64,
    /// Market events that the host does not see.
    pub(super) market_dropped: u64,
    /// Calls at which a plugin is at fault.
    pub(super) plugin_fault: u64,
    /// Once in so many steps of the engine the host is killed.
    pub(super) crash_one_in: u64,
    /// Once in so many commits the disk is full.
    pub(super) disk_full_one_in: u64,
    /// Mean milliseconds between two of them; zero is never.
    pub(super) cut_every_ms: u64,
    pub(super) venue_down_every_ms: u64,
    pub(super) stranger_every_ms: u64,
    pub(super) command_every_ms: u64,
}

impl Faults {
    fn draw(chance: &mut Chance) -> Self {
        let mut maybe = |low, high| if chance.flip() { chance.between(low, high) } else { 0 };
        Self {
            lost_before: maybe(20, 800),
            lost_after: maybe(20, 800),
            slow: maybe(50, 2_000),
            rejected: maybe(50, 1_000),
            change_refused: maybe(50, 1_500),
            report_dropped: maybe(10, 300),
            report_twice: maybe(50, 2_000),
            market_dropped: maybe(50, 1_000),
            plugin_fault: maybe(1, 8),
            crash_one_in: maybe(300, 6_000),
            disk_full_one_in: maybe(1_500, 8_000),
            cut_every_ms: maybe(20_000, 200_000),
            venue_down_every_ms: maybe(40_000, 400_000),
            stranger_every_ms: maybe(2_000, 60_000),
            command_every_ms: maybe(5_000, 120_000),
        }
    }
}

/// A seed's world before anything happens.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) config: EngineConfig,
    /// A plugin that comes while the host runs, and about when, in milliseconds.
    pub(super) newcomer: Option<(PluginConfig, u64)>,
    pub(super) faults: Faults,
    pub(super) lag_max: Nanos,
    /// For everything else.
    pub(super) chance: Chance,
}

impl Scenario {
    pub(super) fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let instruments: Vec<_> =
            (0..chance.between(1, 3)).filter_map(|index| instrument(index, &mut chance)).collect();
        let plugins = (0..chance.between(1, 4)).map(|_| plugin(&instruments, &mut chance));
        let plugins: Vec<_> = plugins.collect();
        let capabilities = if chance.flip() {
            VenueCapabilities { cancel_all: false, ..VenueCapabilities::ALL }
        } else {
            let [stop, take_profit, trails, amends, reduce_only] = [(); 5].map(|()| chance.flip());
            VenueCapabilities {
                stop,
                stop_limit: stop,
                take_profit,
                trailing_stop: if trails { TrailingStops::Any } else { TrailingStops::None },
                amend: if amends { Amends::PriceAndQuantity } else { Amends::None },
                reduce_only,
                cancel_all: false,
                ..VenueCapabilities::ALL
            }
        };
        let faults = Faults::draw(&mut chance);
        let lag_max = Nanos::from_millis(if chance.flip() { LAG_MS_MAX } else { 0 });
        let recovery = RecoveryConfig {
            grace: Nanos::from_millis(GRACE_MS),
            query_every: Nanos::from_millis(500),
            query_every_max: Nanos::from_millis(8_000),
            reconcile_every: chance.pause_ms(5_000, 60_000),
        };
        let newcomer = newcomer(&instruments, seed);
        let config = EngineConfig {
            run: RunId(1),
            account_limits: limits(&instruments, &mut chance, 2),
            instruments,
            plugins,
            off_tick: if chance.flip() { OffTick::Round } else { OffTick::Deny },
            risk: RiskRules { self_trade: self_trade(&mut chance), ..RiskRules::default() },
            venue: capabilities,
            recovery: Some(recovery),
        };
        Self { config, newcomer, faults, lag_max, chance }
    }

    /// How long a world without faults may take until everything is settled.
    pub(super) fn settling(&self) -> Nanos {
        let recovery = self.config.recovery.unwrap_or_default();
        let rounds = [recovery.reconcile_every, recovery.query_every_max, recovery.grace];
        Nanos(rounds.iter().map(|part| part.0).sum::<u64>() * 3)
    }
}

fn instrument(index: u64, chance: &mut Chance) -> Option<Instrument> {
    let grids = [
        (Decimal::new(1, 2), Decimal::new(1, 3)),
        (Decimal::new(5, 1), Decimal::new(1, 0)),
        (Decimal::new(25, 2), Decimal::new(5, 2)),
    ];
    let (price_tick, quantity_step) = *chance.pick(&grids)?;
    let steps = |count: i64| Decimal::new(quantity_step.mantissa * count, quantity_step.scale);
    Instrument::new(InstrumentSpec {
        symbol: format!("SIM{index}"),
        venue: "simulated".into(),
        kind: InstrumentKind::Spot,
        base: format!("B{index}"),
        quote: "Q".into(),
        price_tick,
        quantity_step,
        min_quantity: steps(chance.whole(1, 2)),
        max_quantity: steps(1_000),
        min_notional: Decimal::new(i64::from(chance.flip()), 2),
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(chance.whole(-100_000_000, 200_000_000)),
        taker_fee: Rate(chance.whole(0, 1_000_000_000)),
    })
    .ok()
}

/// Drawn from a sequence of its own, so that a seed's world is the same until it comes.
fn newcomer(instruments: &[Instrument], seed: u64) -> Option<(PluginConfig, u64)> {
    let mut chance = Chance::new(!seed);
    let comes = chance.one_in(NEWCOMER_ONE_IN);
    comes.then(|| (plugin(instruments, &mut chance), chance.between(1_000, NEWCOMER_MS_MAX)))
}

fn plugin(instruments: &[Instrument], chance: &mut Chance) -> PluginConfig {
    let all = (0u16..).take(instruments.len()).map(InstrumentId);
    let mut own: Vec<_> = all.filter(|_| chance.below(3) > 0).collect();
    if own.is_empty() {
        own.push(InstrumentId(0));
    }
    let kinds =
        [DataKind::Trades, DataKind::Quotes, DataKind::Depth(3), DataKind::Bars(Nanos::SECOND)];
    let mut wanted: Vec<_> = kinds.into_iter().filter(|_| chance.flip()).collect();
    if wanted.is_empty() {
        wanted.push(DataKind::Trades);
    }
    PluginConfig {
        budget: Money::from_scaled(1_000_000, 0).unwrap_or_default(),
        instruments: own,
        subscriptions: Subscriptions { kinds: wanted },
        limits: limits(instruments, chance, 1),
    }
}

/// Small limits, so that they are met often; `scale` times as large.
fn limits(instruments: &[Instrument], chance: &mut Chance, scale: i64) -> Limits {
    let mut of = BTreeMap::new();
    for (index, rules) in (0u16..).zip(instruments) {
        let steps = |count: i64| Quantity(count * scale * rules.quantity_step().0);
        let mut maybe = |low, high| chance.flip().then(|| steps(chance.whole(low, high)));
        let (order_quantity_max, position_quantity_max) = (maybe(3, 12), maybe(5, 30));
        of.insert(
            InstrumentId(index),
            InstrumentLimits { order_quantity_max, position_quantity_max },
        );
    }
    // A price of about a thousand ticks, times some steps, on the coarsest grid.
    let mut amount = |low: i64, high: i64| {
        let notional = instruments.iter().filter_map(|rules| {
            let price = sandpit_core::num::Price(1_000 * rules.price_tick().0);
            rules.notional(price, Quantity(chance.whole(low, high) * rules.quantity_step().0))
        });
        let largest = notional.max();
        largest.filter(|_| chance.one_in(4)).map(|money| Money(money.0 * i128::from(scale)))
    };
    let order_notional_max = amount(4, 12);
    let position_notional_max = amount(8, 30);
    let gross_notional_max = amount(15, 60);
    Limits {
        order_notional_max,
        position_notional_max,
        gross_notional_max,
        open_orders_max: u32::try_from(chance.between(3, 20)).unwrap_or(3),
        short_allowed: chance.below(4) > 0,
        instruments: of,
        guards: if chance.below(3) == 0 { guards(chance) } else { Guards::NONE },
        protective_stop: protective_stop(chance),
        ..Limits::unlimited()
    }
}

fn protective_stop(chance: &mut Chance) -> Option<ProtectiveStop> {
    match chance.below(6) {
        0 => Some(ProtectiveStop::Share(BasisPoints(100))),
        1 => Some(ProtectiveStop::Trailing(50)),
        _ => None,
    }
}

fn self_trade(chance: &mut Chance) -> SelfTrade {
    let all = [SelfTrade::Allow, SelfTrade::Deny, SelfTrade::CancelOldest, SelfTrade::CancelNewest];
    chance.pick(&all).copied().unwrap_or_default()
}

/// Guards that are breached now and then.
fn guards(chance: &mut Chance) -> Guards {
    let state = if chance.flip() { TradingState::Reducing } else { TradingState::Halted };
    let unlock = if chance.flip() { Unlock::Person } else { Unlock::NextSession };
    let policy = BreachPolicy { state, flatten: chance.flip(), unlock };
    // A share of a budget of a million; positions are worth some hundreds.
    let limit = LossLimit::Amount(
        Money::from_scaled(i128::from(chance.whole(1, 500)), 1).unwrap_or_default(),
    );
    Guards {
        drawdown: chance.flip().then_some(LossGuard { limit, policy }),
        losing_streak: chance.flip().then_some(StreakGuard { losses_max: 4, policy }),
        ..Guards::NONE
    }
}
