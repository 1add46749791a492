//! What a context knows, and what it writes when it is asked.

use super::*;
use crate::{Fill, Liquidity, OrderState, dec};

const BTC: InstrumentId = InstrumentId(2);
const ETH: InstrumentId = InstrumentId(5);

fn instrument(id: InstrumentId, symbol: &str) -> wire::Instrument {
    wire::Instrument {
        id: id.0,
        symbol: symbol.to_owned(),
        venue: "test".to_owned(),
        kind: wire::InstrumentKind::Spot,
        base: "B".to_owned(),
        quote: "USD".to_owned(),
        price_tick: dec!(0.5).sent(),
        quantity_step: dec!(0.01).sent(),
        min_quantity: dec!(0.05).sent(),
        max_quantity: dec!(100).sent(),
        min_notional: dec!(0).sent(),
        multiplier: dec!(1).sent(),
        maker_fee: dec!(0).sent(),
        taker_fee: dec!(0.001).sent(),
    }
}

fn session() -> wire::Session {
    let nothing = dec!(0).sent();
    wire::Session {
        mode: Mode::Backtest,
        time: 1_000,
        seed: 42,
        instruments: vec![instrument(ETH, "ETHUSD"), instrument(BTC, "BTCUSD")],
        arguments: vec![],
        positions: vec![wire::Position {
            instrument: ETH.0,
            time: 900,
            quantity: dec!(-2).sent(),
            entry_price: dec!(50).sent(),
            realized_pnl: nothing,
        }],
        orders: vec![wire::OpenOrder {
            tag: 40,
            instrument: BTC.0,
            side: Side::Buy,
            kind: wire::OrderKind::Limit(dec!(99.5).sent()),
            quantity: dec!(1).sent(),
            filled: nothing,
            reduce_only: false,
        }],
        budget: wire::Budget {
            time: 1_000,
            balance: dec!(1000).sent(),
            equity: dec!(1000).sent(),
            fees: nothing,
        },
        currency: "USD".to_owned(),
        trading_state: TradingState::Active,
        restored: None,
    }
}

fn filled(tag: OrderTag, side: Side, quantity: Decimal) -> OrderUpdate {
    OrderUpdate {
        time: Timestamp(1_001),
        tag,
        instrument: BTC,
        side,
        event: OrderEvent::Filled(Fill {
            trade_id: "1".to_owned(),
            price: dec!(100),
            quantity,
            fee: dec!(0.1),
            liquidity: Liquidity::Taker,
        }),
        quantity,
        filled: quantity,
        closed: true,
    }
}

#[test]
fn a_session_is_taken_over_whole() {
    let ctx = Context::new(session());
    assert_eq!((ctx.time(), ctx.seed(), ctx.mode()), (Timestamp(1_000), 42, Mode::Backtest));
    let ids: Vec<InstrumentId> = ctx.instruments().iter().map(|each| each.id).collect();
    assert_eq!(ids, [BTC, ETH]);
    assert_eq!(ctx.find_instrument("ETHUSD").unwrap().id, ETH);
    assert!(ctx.find_instrument("XRPUSD").is_none());
    assert!(ctx.only_instrument().unwrap_err().contains("the session has 2"));
    assert!(ctx.position(BTC).is_flat());
    assert_eq!(ctx.position(ETH).quantity, dec!(-2));
    assert_eq!(ctx.order(OrderTag(40)).unwrap().state, OrderState::Working);
    assert_eq!(ctx.budget().equity, dec!(1000));
}

#[test]
fn tags_go_on_after_the_largest_restored_one() {
    let mut ctx = Context::new(session());
    assert_eq!(ctx.buy(BTC, dec!(1)), OrderTag(41));
    let tags = ctx.bracket(Order::market(BTC, Side::Buy, dec!(1)), dec!(90), dec!(110));
    assert_eq!((tags.entry.0, tags.stop_loss.0, tags.take_profit.0), (42, 43, 44));
    assert_eq!(ctx.target_position(ETH, dec!(0)), OrderTag(45));
}

#[test]
fn a_position_in_flight_counts_market_orders_until_they_are_over() {
    let mut ctx = Context::new(session());
    let tag = ctx.buy(BTC, dec!(1.5));
    ctx.place(Order::limit(BTC, Side::Sell, dec!(1), dec!(120)));
    assert_eq!(ctx.position_in_flight(BTC), dec!(1.5));
    assert!(ctx.position(BTC).is_flat());

    ctx.note_order(&filled(tag, Side::Buy, dec!(1.5)));
    assert_eq!(ctx.position(BTC).quantity, dec!(1.5));
    assert_eq!(ctx.position_in_flight(BTC), dec!(1.5));

    ctx.set_position(Position { quantity: dec!(1.5), ..Position::flat(BTC, Timestamp(1_001)) });
    assert_eq!(ctx.position(BTC).quantity, dec!(1.5));
}

#[test]
fn history_asks_for_nothing() {
    let mut ctx = Context::new(session());
    ctx.at(Timestamp(10), true);
    ctx.buy(BTC, dec!(1));
    ctx.cancel_all();
    ctx.set_timer(TimerId(1), Duration::from_secs(1));
    assert!(!ctx.has_intents());
    assert_eq!((ctx.orders().len(), ctx.orders()[0].canceling), (1, false));
}

#[test]
fn what_is_asked_for_is_written_as_the_contract_says() {
    let mut ctx = Context::new(session());
    let order = Order::limit(BTC, Side::Sell, dec!(2), dec!(101.5)).post_only();
    let tag = ctx.place(order);
    ctx.amend(tag, None, Some(dec!(102)));
    ctx.cancel(tag);
    ctx.set_timer(TimerId(3), Duration::from_nanos(7));
    let [wire::Intent::Place(place), wire::Intent::Amend(amend), rest @ ..] =
        ctx.intents.as_slice()
    else {
        panic!("{:?}", ctx.intents)
    };
    assert_eq!((place.tag, place.instrument, place.post_only), (tag.0, BTC.0, true));
    assert_eq!(place.kind, wire::OrderKind::Limit(dec!(101.5).sent()));
    assert_eq!((amend.quantity, amend.price), (None, Some(dec!(102).sent())));
    assert_eq!(rest[0], wire::Intent::Cancel(tag.0));
    assert_eq!(rest[1], wire::Intent::SetTimer(wire::Timer { id: 3, at: 1_007, every: None }));
}

#[test]
#[should_panic(expected = "too many digits to be sent")]
fn what_cannot_be_sent_stops_where_it_is_asked_for() {
    let mut ctx = Context::new(session());
    ctx.buy(BTC, Decimal::new(1, 20));
}

#[test]
fn rules_round_to_what_the_venue_takes() {
    let ctx = Context::new(session());
    let btc = ctx.instrument(BTC);
    assert_eq!(btc.round_price(dec!(100.3), crate::Rounding::Floor), dec!(100));
    assert_eq!(btc.round_quantity(dec!(1.239)), dec!(1.23));
    assert_eq!(btc.round_quantity(dec!(0.049)), dec!(0));
    assert_eq!(btc.round_quantity(dec!(1000)), dec!(100));
}
