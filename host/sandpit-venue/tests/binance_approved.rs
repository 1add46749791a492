//! From a strategy's wish through the engine and risk to the bytes that the venue sees.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

use sandpit_core::{
    engine::{Effect, Engine, EngineConfig, Event, PluginConfig},
    ids::{InstrumentId, OrderTag, PluginId, RunId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::{Amend, Intent, Place, PlaceKind, TimeInForce},
    market::{DataKind, MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Money, Price, Quantity, Rate},
    plugin::Subscriptions,
    risk::{Limits, OffTick, RiskRules},
    time::UnixNanos,
};
use sandpit_venue::binance::{
    request::{self, CAPABILITIES, NewOrder, OrderOptions, Request},
    sign::Params,
};

fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "binance".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: Decimal::new(1, 2),
        quantity_step: Decimal::new(1, 5),
        min_quantity: Decimal::new(1, 5),
        max_quantity: Decimal::new(9_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

fn engine() -> Engine {
    let mut engine = Engine::new(EngineConfig {
        run: RunId(0x19f),
        instruments: vec![instrument()],
        plugins: vec![PluginConfig {
            budget: Money::from_decimal(Decimal::new(1_000_000, 0)).unwrap(),
            instruments: vec![InstrumentId(0)],
            subscriptions: Subscriptions { kinds: vec![DataKind::Trades] },
            limits: Limits::unlimited(),
        }],
        account_limits: Limits::unlimited(),
        off_tick: OffTick::Deny,
        risk: RiskRules::default(),
        venue: CAPABILITIES,
        recovery: None,
    });
    let data = MarketData::Trade(Trade {
        price: Price(6_000_000),
        quantity: Quantity(1),
        aggressor: None,
        id: 1,
    });
    let time = UnixNanos(1);
    let event = MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data };
    engine.step(Event::Market(event), &mut Vec::new());
    engine
}

fn query(request: &Request<'_>) -> String {
    request.params().as_ref().map(Params::to_query).unwrap()
}

/// All requests that come of a wish.
fn asked(engine: &mut Engine, intent: Intent) -> Vec<String> {
    let mut effects = Vec::new();
    engine.step(Event::Intents { plugin: PluginId(0), intents: vec![intent] }, &mut effects);
    let rules = instrument();
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Submit(order) => {
                let order = NewOrder::approved(order, &rules, OrderOptions::default()).unwrap();
                Some(query(&Request::Place(order)))
            }
            Effect::Cancel(cancel) => Some(query(&request::cancel(cancel, &rules))),
            Effect::Amend(change) => Some(query(&request::amend(change, &rules).unwrap())),
            _ => None,
        })
        .collect()
}

fn place(tag: u64, quantity: Decimal, kind: PlaceKind) -> Intent {
    Intent::Place(Place {
        tag: OrderTag(tag),
        instrument: 0,
        side: Side::Buy,
        quantity,
        kind,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    })
}

/// Neither the strategy's own name of an order nor the form of its numbers leaves a trace.
#[test]
fn a_wish_leaves_no_byte_but_numbers_on_the_grid() {
    const EXPECTED: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&newClientOrderId=sp-19f-0-";
    for (tag, quantity, price) in [
        (0, Decimal::new(1, 3), Decimal::new(590_005, 1)),
        (u64::MAX, Decimal::new(1_000_000_000_000_000, 18), Decimal::new(59_000_500_000, 6)),
        (0x3C73_6372_6970_743E, Decimal::new(100, 5), Decimal::new(5_900_050, 2)),
    ] {
        let mut engine = engine();
        let asked = asked(&mut engine, place(tag, quantity, PlaceKind::Limit(price)));
        let [text] = asked.as_slice() else { panic!("{asked:?}") };
        let rest = text.strip_prefix(EXPECTED).unwrap();
        let (sequence, rest) = rest.split_once('&').unwrap();
        assert!(sequence.bytes().all(|byte| byte.is_ascii_hexdigit()), "{sequence}");
        assert_eq!(rest, "price=59000.5&timeInForce=GTC&quantity=0.001&newOrderRespType=FULL");
    }
}

/// What is off the grid never comes as far as a request.
#[test]
fn off_the_grid_nothing_is_asked() {
    for (quantity, price) in [
        (Decimal::new(1, 6), Decimal::new(59_000, 0)),
        (Decimal::new(1, 3), Decimal::new(59_000_001, 3)),
        (Decimal::new(-1, 3), Decimal::new(59_000, 0)),
        (Decimal::new(i64::MAX, 0), Decimal::new(59_000, 0)),
        (Decimal::new(1, 3), Decimal::new(1, 255)),
    ] {
        let asked = asked(&mut engine(), place(1, quantity, PlaceKind::Limit(price)));
        assert!(asked.is_empty(), "{asked:?}");
    }
}

/// The venue cannot change a price in place: what is asked of it first is a cancel.
#[test]
fn a_change_of_price_is_a_cancel_first() {
    let mut engine = engine();
    let kind = PlaceKind::Limit(Decimal::new(59_000, 0));
    assert_eq!(asked(&mut engine, place(5, Decimal::new(1, 3), kind)).len(), 1);
    let change = Amend { tag: OrderTag(5), quantity: None, price: Some(Decimal::new(58_000, 0)) };
    let asked = asked(&mut engine, Intent::Amend(change));
    let [text] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(text.starts_with("symbol=BTCUSDT&origClientOrderId=sp-19f-0-"), "{text}");
}
