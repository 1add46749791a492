//! Own orders along the news of them.

use super::*;
use crate::{Denial, Fill, Liquidity, Timestamp, dec};

const TAG: OrderTag = OrderTag(7);

fn asked() -> OwnOrders {
    let mut orders = OwnOrders::default();
    orders.ask(TAG, &Order::limit(InstrumentId(0), Side::Buy, dec!(3), dec!(100)));
    orders
}

fn told(event: OrderEvent, filled: Decimal, closed: bool) -> OrderUpdate {
    OrderUpdate {
        time: Timestamp(1),
        tag: TAG,
        instrument: InstrumentId(0),
        side: Side::Buy,
        event,
        quantity: dec!(3),
        filled,
        closed,
    }
}

fn fill(quantity: Decimal) -> OrderEvent {
    OrderEvent::Filled(Fill {
        trade_id: "1".to_owned(),
        price: dec!(100),
        quantity,
        fee: Decimal::ZERO,
        liquidity: Liquidity::Maker,
    })
}

fn denial(code: u16) -> Denial {
    Denial { code, message: String::new() }
}

/// Tells the events one after another and says how the order stands.
fn after(events: &[OrderUpdate]) -> Option<OwnOrder> {
    let mut orders = asked();
    for event in events {
        orders.update(event);
    }
    orders.get(TAG).copied()
}

#[test]
fn an_order_is_pending_until_somebody_speaks_of_it() {
    assert_eq!(after(&[]).unwrap().state, OrderState::Pending);
    let accepted = after(&[told(OrderEvent::Accepted, dec!(0), false)]).unwrap();
    assert_eq!(accepted.state, OrderState::Working);
    assert!(accepted.is_changeable());
}

#[test]
fn fills_are_counted_as_the_host_counts_them() {
    let order = after(&[told(fill(dec!(1)), dec!(1), false)]).unwrap();
    assert_eq!((order.state, order.remaining()), (OrderState::Working, dec!(2)));
    assert_eq!(after(&[told(fill(dec!(3)), dec!(3), true)]), None);
}

#[test]
fn an_order_that_is_over_is_forgotten() {
    for event in [
        OrderEvent::Denied(denial(204)),
        OrderEvent::Rejected("no".to_owned()),
        OrderEvent::Canceled,
        OrderEvent::Expired,
    ] {
        assert_eq!(after(&[told(event, dec!(0), true)]), None);
    }
    // A fill that was under way does not bring it back.
    let canceled = told(OrderEvent::Canceled, dec!(0), true);
    assert_eq!(after(&[canceled, told(fill(dec!(1)), dec!(1), true)]), None);
}

#[test]
fn an_unknown_order_stays_until_its_fate_is_told() {
    let unknown = told(OrderEvent::Unknown, dec!(0), false);
    let order = after(std::slice::from_ref(&unknown)).unwrap();
    assert_eq!((order.state, order.is_changeable()), (OrderState::Unknown, false));
    let found = after(&[unknown, told(OrderEvent::Accepted, dec!(0), false)]).unwrap();
    assert_eq!(found.state, OrderState::Working);
}

#[test]
fn a_change_is_pending_until_it_is_answered() {
    let mut orders = asked();
    orders.update(&told(OrderEvent::Accepted, dec!(0), false));
    orders.ask_amend(TAG, Some(dec!(101)));
    assert!(!orders.get(TAG).unwrap().is_changeable());
    assert_eq!(orders.get(TAG).unwrap().price(), Some(dec!(100)));
    orders.update(&told(OrderEvent::Amended, dec!(0), false));
    assert!(orders.get(TAG).unwrap().is_changeable());
    assert_eq!(orders.get(TAG).unwrap().price(), Some(dec!(101)));

    orders.ask_cancel_all(Some(InstrumentId(1)));
    assert!(!orders.get(TAG).unwrap().canceling);
    orders.ask_cancel_all(None);
    assert!(orders.get(TAG).unwrap().canceling);
    orders.update(&told(OrderEvent::ChangeRefused(denial(117)), dec!(0), false));
    assert!(!orders.get(TAG).unwrap().canceling);
}

#[test]
fn a_second_change_does_not_hide_the_first() {
    let mut orders = asked();
    orders.update(&told(OrderEvent::Accepted, dec!(0), false));
    orders.ask_amend(TAG, Some(dec!(101)));
    orders.ask_amend(TAG, Some(dec!(102)));
    orders.update(&told(OrderEvent::ChangeRefused(denial(118)), dec!(0), false));
    assert!(!orders.get(TAG).unwrap().is_changeable());
    orders.update(&told(OrderEvent::Amended, dec!(0), false));
    assert_eq!(orders.get(TAG).unwrap().price(), Some(dec!(101)));
}

#[test]
fn an_amendment_is_answered_before_a_later_cancel() {
    let mut orders = asked();
    orders.update(&told(OrderEvent::Accepted, dec!(0), false));
    orders.ask_amend(TAG, Some(dec!(101)));
    orders.ask_cancel(TAG);
    orders.update(&told(OrderEvent::Amended, dec!(0), false));
    let order = orders.get(TAG).unwrap();
    assert_eq!((order.price(), order.amending, order.canceling), (Some(dec!(101)), false, true));
}

#[test]
fn orders_that_the_host_made_appear_when_they_are_told() {
    let mut orders = OwnOrders::default();
    orders.update(&told(OrderEvent::Accepted, dec!(0), false));
    let order = orders.get(TAG).unwrap();
    assert_eq!((order.kind, order.state), (None, OrderState::Working));
}

#[test]
fn restored_orders_work_and_are_in_the_order_of_their_tags() {
    let open = |tag| wire::OpenOrder {
        tag,
        instrument: 0,
        side: Side::Sell,
        kind: wire::OrderKind::Market,
        quantity: dec!(2).sent(),
        filled: dec!(1).sent(),
        reduce_only: true,
    };
    let orders = OwnOrders::restore(vec![open(9), open(4)]);
    let tags: Vec<u64> = orders.as_slice().iter().map(|order| order.tag.0).collect();
    assert_eq!(tags, [4, 9]);
    assert_eq!(orders.get(OrderTag(9)).unwrap().remaining(), dec!(1));
}
