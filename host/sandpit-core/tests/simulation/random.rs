//! Random but repeatable markets and plugins, made from the numbers that proptest gives.

use proptest::prelude::*;
use sandpit_core::{
    engine::{Amends, EngineConfig, PluginConfig, TrailingStops, VenueCapabilities},
    ids::{InstrumentId, OrderTag, PluginId, RunId, TimerId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce, WishedOffset},
    market::{Bar, DataKind, MarketData, MarketEvent, Quote, Side, Trade},
    matching::FillModel,
    num::{Decimal, Money, Price, Quantity, Rate},
    plugin::{CallCost, Fault, FaultCode, PluginEvent, PluginPort, Subscriptions},
    risk::{Limits, OffTick, RiskRules},
    simulation::SimulationConfig,
    time::{Nanos, UnixNanos},
};

/// Instruments, and plugins that all trade all of them.
pub(crate) const INSTRUMENTS: u16 = 2;
pub(crate) const PLUGINS: u16 = 2;
/// Of each plugin in each instrument, in raw units.
pub(crate) const POSITION_MAX: i64 = 40;

pub(crate) fn instrument(symbol: &str) -> Instrument {
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    Instrument::new(InstrumentSpec {
        symbol: symbol.into(),
        venue: "nowhere".into(),
        kind: InstrumentKind::Perpetual,
        base: symbol.into(),
        quote: "USD".into(),
        price_tick: number("0.5"),
        quantity_step: number("0.1"),
        min_quantity: number("0.1"),
        max_quantity: number("100"),
        min_notional: number("0"),
        multiplier: number("0.01"),
        maker_fee: Rate::from_decimal(number("-0.00013")).unwrap(),
        taker_fee: Rate::from_decimal(number("0.00037")).unwrap(),
    })
    .unwrap()
}

pub(crate) fn config(latency: Nanos, venue: VenueCapabilities) -> SimulationConfig {
    let mut limits = Limits { open_orders_max: 8, ..Limits::unlimited() };
    for index in 0..INSTRUMENTS {
        let own = sandpit_core::risk::InstrumentLimits {
            position_quantity_max: Some(Quantity(POSITION_MAX)),
            ..Default::default()
        };
        limits.instruments.insert(InstrumentId(index), own);
    }
    let plugin = PluginConfig {
        budget: Money::from_decimal(Decimal::new(1_000, 0)).unwrap(),
        instruments: (0..INSTRUMENTS).map(InstrumentId).collect(),
        subscriptions: Subscriptions {
            kinds: vec![DataKind::Trades, DataKind::Quotes, DataKind::Bars(Nanos(60))],
        },
        limits,
    };
    SimulationConfig {
        engine: EngineConfig {
            run: RunId(7),
            instruments: vec![instrument("AAA"), instrument("BBB")],
            plugins: vec![plugin; usize::from(PLUGINS)],
            account_limits: Limits::unlimited(),
            off_tick: OffTick::Deny,
            risk: RiskRules::default(),
            venue,
            recovery: None,
        },
        fill_model: FillModel::default(),
        order_latency: latency,
        report_latency: latency,
    }
}

/// A market event at most 20 ns after `before`.
pub(crate) fn market_event(before: &mut u64, dice: [u16; 5]) -> MarketEvent {
    *before += u64::from(dice[0] % 20);
    let price = |die: u16| Price(995 + 5 * i64::from(die % 9));
    let quantity = |die: u16| Quantity(1 + i64::from(die % 30));
    let time = UnixNanos(*before);
    let data = match dice[1] % 8 {
        0..=4 => MarketData::Trade(Trade {
            price: price(dice[2]),
            quantity: quantity(dice[3]),
            aggressor: Some(if dice[4].is_multiple_of(2) { Side::Buy } else { Side::Sell }),
            id: 0,
        }),
        5 | 6 => {
            let bid = price(dice[2]);
            MarketData::Quote(Quote {
                bid_price: bid,
                bid_quantity: quantity(dice[3]),
                ask_price: Price(bid.0 + 5 + 5 * i64::from(dice[4] % 3)),
                ask_quantity: quantity(dice[4]),
            })
        }
        _ => {
            let (open, close) = (price(dice[2]), price(dice[3]));
            MarketData::Bar(Bar {
                interval: Nanos(20),
                open,
                high: Price(open.max(close).0 + 5),
                low: Price(open.min(close).0 - 5),
                close,
                volume: quantity(dice[4]),
            })
        }
    };
    let instrument = InstrumentId(dice[1] % INSTRUMENTS);
    MarketEvent { instrument, time, venue_time: time, data }
}

/// Plugins that ask for anything, some of it nonsense, and fault now and then.
pub(crate) struct Gamblers {
    pub(crate) dice: Vec<u16>,
    pub(crate) at: usize,
    pub(crate) now: UnixNanos,
}

impl Gamblers {
    fn roll(&mut self) -> u16 {
        self.at += 1;
        self.dice[self.at % self.dice.len()].rotate_left(u32::try_from(self.at % 16).unwrap_or(0))
    }

    fn intent(&mut self) -> Intent {
        let instrument = u32::from(self.roll() % (INSTRUMENTS + 1));
        let side = if self.roll().is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let price = Decimal::new(990 + 5 * i64::from(self.roll() % 11), 1);
        let tag = OrderTag(u64::from(self.roll() % 12));
        let quantity = Decimal::new(i64::from(self.roll() % 30), 1);
        let kind = match self.roll() % 8 {
            0 | 1 => PlaceKind::Market,
            2..=4 => PlaceKind::Limit(price),
            5 => PlaceKind::Stop(price),
            6 => PlaceKind::TakeProfit(price),
            _ => PlaceKind::TrailingStop(WishedOffset::BasisPoints(u32::from(self.roll() % 200))),
        };
        let place = Place {
            tag,
            instrument,
            side,
            quantity,
            kind,
            time_in_force: match self.roll() % 6 {
                0 => TimeInForce::Ioc,
                1 => TimeInForce::Fok,
                2 => TimeInForce::Gtd(self.now.plus(Nanos(u64::from(self.roll() % 60)))),
                _ => TimeInForce::Gtc,
            },
            post_only: self.roll().is_multiple_of(5),
            reduce_only: self.roll().is_multiple_of(5),
        };
        match self.roll() % 12 {
            0 => Intent::Cancel(tag),
            1 => Intent::CancelAll(None),
            2 | 3 => Intent::Amend(Amend { tag, quantity: Some(quantity), price: Some(price) }),
            4 => Intent::TargetPosition(TargetPosition {
                tag,
                instrument,
                quantity: Decimal::new(i64::from(self.roll() % 60) - 30, 1),
                limit: None,
            }),
            5 => Intent::Bracket(Bracket {
                entry: place,
                stop_loss_tag: OrderTag(tag.0 + 100),
                stop_loss: Decimal::new(price.mantissa - 10, 1),
                take_profit_tag: OrderTag(tag.0 + 200),
                take_profit: Decimal::new(price.mantissa + 10, 1),
            }),
            6 => Intent::SetTimer {
                id: TimerId(u32::from(self.roll() % 3)),
                at: self.now.plus(Nanos(5)),
                every: Some(Nanos::from_millis(1)),
            },
            _ => Intent::Place(place),
        }
    }
}

impl PluginPort for Gamblers {
    fn call(
        &mut self,
        plugin: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        if let PluginEvent::Market { event, .. } = event {
            self.now = event.time;
        }
        let roll = self.roll();
        if roll == 4_242 && plugin.0 == 1 {
            return Err(Fault { code: FaultCode::Trap, detail: String::new() });
        }
        // Market events mostly, own updates seldom, so that runs end.
        let often = if matches!(event, PluginEvent::Market { .. }) { 2 } else { 9 };
        if roll.is_multiple_of(often) {
            for _ in 0..=(self.roll() % 3) {
                let intent = self.intent();
                intents.push(intent);
            }
        }
        Ok(CallCost::default())
    }
}

/// A venue that keeps everything, or one for which the host has to.
pub(crate) fn venue() -> impl Strategy<Value = VenueCapabilities> {
    let some = (any::<[bool; 12]>(), 0..3u8, 0..3u8, 1..200u16).prop_map(
        |(has, trails, amends, bound)| {
            let [
                stop,
                stop_limit,
                take_profit,
                reduce_only,
                gtd,
                ioc,
                fok,
                market_fok,
                post_only,
                oco,
                locks_balance,
                cancel_all,
            ] = has;
            VenueCapabilities {
                stop,
                stop_limit,
                take_profit,
                trailing_stop: match trails {
                    0 => TrailingStops::None,
                    1 => TrailingStops::BasisPoints { min: bound / 2, max: bound, step: bound % 4 },
                    _ => TrailingStops::Any,
                },
                amend: match amends {
                    0 => Amends::None,
                    1 => Amends::SmallerQuantity,
                    _ => Amends::PriceAndQuantity,
                },
                reduce_only,
                gtd,
                ioc,
                fok,
                market_fok,
                post_only,
                oco,
                locks_balance,
                cancel_all,
                self_trade_prevention: false,
                dead_man_switch: false,
            }
        },
    );
    prop_oneof![Just(VenueCapabilities::ALL), some]
}

/// Numbers for one run: dice of the plugins and of each market event.
pub(crate) fn run_dice() -> impl Strategy<Value = (Vec<u16>, Vec<[u16; 5]>, u64)> {
    (
        prop::collection::vec(any::<u16>(), 64..256),
        prop::collection::vec(any::<[u16; 5]>(), 20..300),
        prop_oneof![Just(0u64), 1u64..40],
    )
}
