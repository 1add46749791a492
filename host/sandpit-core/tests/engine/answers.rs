//! What a venue answers to questions, in words.
//!
//! ```text
//! status 1 none                              it knows of no such order
//! status 1 working 3 @ 98                    a limit order of 3 at 98 that works there
//! status 1 canceled 3 @ 98 fill 1 @ 98 t4    one that is over, with all its executions
//! books net 3 open 1 3 @ 98 fill 2 1 @ 99 t7 other buy 5
//! ```

use sandpit_core::{
    engine::{
        AccountFill, Event, ExternalOrder, OrderStatus, VenueEvent, VenueOrder, VenueOrderState,
        VenueSnapshot,
    },
    ids::{ClientOrderId, InstrumentId, VenueOrderId},
    market::Side,
    num::{Price, Quantity},
    order::{Fill, OrderKind, ReportKind},
    time::UnixNanos,
};

use crate::script::{order_id, report};

const HERE: InstrumentId = InstrumentId(0);

pub(crate) fn status(order: ClientOrderId, words: &[&str], time: u64) -> Event {
    let found = match words {
        ["none"] => None,
        [state, quantity, "@", price, fills @ ..] => {
            let fills = fills.chunks(5).map(|words| (fill(&words[1..]), UnixNanos(time))).collect();
            Some(venue_order(order, state, (quantity, price), fills))
        }
        other => panic!("unknown answer {other:?}"),
    };
    Event::Venue(VenueEvent::Status(OrderStatus { order, time: UnixNanos(time), found }))
}

pub(crate) fn books(mut words: &[&str], time: u64) -> Event {
    let mut books = VenueSnapshot { time: UnixNanos(time), ..VenueSnapshot::default() };
    loop {
        words = match words {
            [] => return Event::Venue(VenueEvent::Snapshot(books)),
            ["net", quantity, rest @ ..] => {
                books.positions.push((HERE, number(quantity)));
                rest
            }
            ["open", order, quantity, "@", price, rest @ ..] => {
                let order = order_id(order);
                books.open.push(venue_order(order, "working", (quantity, price), Vec::new()));
                rest
            }
            ["fill", order, quantity, "@", price, trade, rest @ ..] => {
                books.fills.push(AccountFill {
                    order: Some(order_id(order)),
                    instrument: HERE,
                    side: Side::Buy,
                    fill: fill(&[quantity, "@", price, trade]),
                    time: UnixNanos(time),
                });
                rest
            }
            ["other", side, quantity, rest @ ..] => {
                let side = if *side == "buy" { Side::Buy } else { Side::Sell };
                let remaining = number(quantity);
                books.external_orders.push(ExternalOrder { instrument: HERE, side, remaining });
                rest
            }
            other => panic!("unknown books {other:?}"),
        };
    }
}

fn venue_order(
    order: ClientOrderId,
    state: &str,
    (quantity, price): (&str, &str),
    fills: Vec<(Fill, UnixNanos)>,
) -> VenueOrder {
    VenueOrder {
        order,
        instrument: HERE,
        venue_id: VenueOrderId(1),
        state: match state {
            "working" => VenueOrderState::Working,
            "triggered" => VenueOrderState::Triggered,
            "filled" => VenueOrderState::Filled,
            "canceled" => VenueOrderState::Canceled,
            "expired" => VenueOrderState::Expired,
            _ => VenueOrderState::Rejected,
        },
        quantity: number(quantity),
        kind: OrderKind::Limit(Price(price.parse().unwrap())),
        fills,
    }
}

fn number(text: &str) -> Quantity {
    Quantity(text.parse().unwrap())
}

fn fill(words: &[&str]) -> Fill {
    let words = [&["fill"], words].concat();
    match report(&words) {
        ReportKind::Filled(fill) => fill,
        other => panic!("not a fill: {other:?}"),
    }
}
