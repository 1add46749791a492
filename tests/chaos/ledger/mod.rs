//! Two books of one account, the host's and the exchange's, and every difference between them. They
//! must be equal to the last digit.

mod host;
#[cfg(test)]
mod tests;
mod venue;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sandpit_core::{market::Side, order::OrderState};

pub(crate) use host::HostBooks;
pub(crate) use venue::VenueBooks;

/// Everything in which the two differ; nothing is what it must be.
pub(crate) fn differences(host: &HostBooks, venue: &VenueBooks) -> Vec<String> {
    let mut found = host.problems.clone();
    orders(host, venue, &mut found);
    fills(host, venue, &mut found);
    if host.positions != venue.positions() {
        found.push(format!("positions: {:?}, and there {:?}", host.positions, venue.positions()));
    }
    match venue.cash() {
        Some(cash) if cash != host.cash => {
            found.push(format!("cash: {}, and there {cash}", host.cash));
        }
        _ => {}
    }
    found
}

/// Balances of the exchange that do not follow from its own trades.
pub(crate) fn astray(venue: &VenueBooks, start: &BTreeMap<String, Decimal>) -> Vec<String> {
    let expected = venue.expected(start);
    let of = |asset: &str| expected.get(asset).copied().unwrap_or_default();
    let balances = venue.balances.iter();
    balances
        .filter(|(asset, (free, locked))| free + locked != of(asset))
        .map(|(asset, (free, locked))| format!("{asset}: {free} and {locked}, not {}", of(asset)))
        .collect()
}

/// How an order of the exchange stands, in the host's words; `None` for a word that it has not.
fn stands(status: &str, executed: Decimal) -> Option<OrderState> {
    Some(match status {
        "NEW" | "PENDING_NEW" if executed.is_zero() => OrderState::Accepted,
        "NEW" | "PARTIALLY_FILLED" | "PENDING_CANCEL" => OrderState::PartiallyFilled,
        "FILLED" => OrderState::Filled,
        "CANCELED" | "EXPIRED" | "EXPIRED_IN_MATCH" => OrderState::Canceled,
        "REJECTED" => OrderState::Rejected,
        _ => return None,
    })
}

/// The host's state among those in which the exchange's words differ.
fn same(host: OrderState, there: OrderState) -> bool {
    let plain = |state| match state {
        OrderState::Triggered
        | OrderState::PartiallyFilled
        | OrderState::PendingUpdate
        | OrderState::PendingCancel => OrderState::Accepted,
        OrderState::Expired => OrderState::Canceled,
        other => other,
    };
    plain(host) == plain(there)
}

fn orders(host: &HostBooks, venue: &VenueBooks, found: &mut Vec<String>) {
    for (name, order) in host.orders.iter().filter(|(_, order)| order.sent) {
        let waits = matches!(order.state, OrderState::Unknown | OrderState::Submitted);
        if waits {
            found.push(format!("{name} is still {:?}", order.state));
        }
        match venue.orders.get(name) {
            // The exchange keeps nothing of what it refused.
            None if order.state == OrderState::Rejected => {}
            None => found.push(format!("{name} is not there: {order:?}")),
            Some(there) => {
                let state = stands(&there.status, there.executed);
                let is_same = state.is_some_and(|state| same(order.state, state));
                let equal = order.executed == there.executed && order.symbol == there.symbol;
                let agrees = is_same && equal;
                if !agrees && !waits {
                    found.push(format!("{name} is {order:?}, and there {there:?}"));
                }
            }
        }
    }
    for (name, there) in &venue.orders {
        if !host.orders.get(name).is_some_and(|order| order.sent) {
            found.push(format!("{name} is there alone: {there:?}"));
        }
    }
}

fn fills(host: &HostBooks, venue: &VenueBooks, found: &mut Vec<String>) {
    for (key, there) in &venue.fills {
        let Some(own) = host.fills.get(key) else {
            found.push(format!("trade {key:?} was not booked: {there:?}"));
            continue;
        };
        let fee = venue.fee_in_quote(&key.0, there);
        let equal = own.order == there.order
            && (own.side == Side::Buy) == there.buyer
            && own.price == there.price
            && own.quantity == there.quantity
            && own.maker == there.maker
            && fee.is_none_or(|fee| fee == own.fee);
        if !equal {
            found.push(format!("trade {key:?} is {own:?}, and there {there:?} with fee {fee:?}"));
        }
    }
    for (key, own) in &host.fills {
        if !venue.fills.contains_key(key) {
            found.push(format!("trade {key:?} was booked and is not there: {own:?}"));
        }
    }
}
