//! What a session says when it ends, and what the venue says of itself: one block of text for
//! people and one document for programs.

use std::fmt::Write as _;

use sandpit_core::{
    engine::VenueOrderState,
    ids::{ClientOrderId, PluginId},
    instrument::Instrument,
    market::Side,
    num::Money,
    time::UnixNanos,
};
use serde_json::{Value, json};

use super::{
    Ending, Tally,
    course::{locks, moment},
    host::Host,
    look::mode_name,
    simulated::Account,
    start::Found,
};

/// What came of a session.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
}

/// A session that was stopped before its venue was open: nothing was done, and nothing is written.
pub(super) fn never_began() -> Outcome {
    let text = "Stopped before the venue was open; nothing was done.\n".to_owned();
    Outcome { text, json: json!({ "ended": "stopped", "began": false }) }
}

/// How a session stands when it ends.
pub(super) fn summary(host: &Host, found: Found, ending: Ending) -> Outcome {
    let engine = &host.engine;
    let rules = &engine.config().instruments;
    let symbol = |index: usize| rules.get(index).map_or("?", |rules| &rules.spec().symbol);
    let name = |plugin: PluginId| host.roster.name(plugin).to_owned();
    let ended = match ending {
        Ending::MarketOver => "market-over",
        Ending::Stopped => "stopped",
    };
    let mut plugins = Vec::new();
    let (mut cash, mut fees) = (Money::ZERO, Money::ZERO);
    for (index, share) in (0u16..).zip(engine.account().sub_accounts()) {
        let positions: Vec<_> = share.positions().iter().enumerate().collect();
        let held = positions.iter().filter(|(_, position)| !position.quantity.is_zero());
        let held: Vec<Value> = held
            .map(|(at, position)| {
                let quantity = rules[*at].quantity_decimal(position.quantity);
                json!({ "instrument": symbol(*at), "quantity": quantity.to_string() })
            })
            .collect();
        let paid = |(_, position): &(usize, &sandpit_core::account::Position)| {
            position.realized - position.cost - position.fees - position.funding
        };
        cash += positions.iter().map(paid).sum();
        fees += share.fees();
        plugins.push(json!({
            "name": name(PluginId(index)),
            "state": format!("{:?}", engine.trading_state(PluginId(index))).to_lowercase(),
            "equity": share.equity().to_string(),
            "balance": share.balance().to_string(),
            "fees": share.fees().to_string(),
            "positions": held,
            "open_orders": engine.open_orders_of(PluginId(index)).len(),
        }));
    }
    let ids = (0u16..).zip(rules).map(|(index, _)| sandpit_core::ids::InstrumentId(index));
    let external: Vec<Value> = ids
        .filter(|id| !engine.external_position(*id).is_zero())
        .map(|id| {
            let at = usize::from(id.0);
            let quantity = rules[at].quantity_decimal(engine.external_position(id));
            json!({ "instrument": symbol(at), "quantity": quantity.to_string() })
        })
        .collect();
    let locks: Vec<Value> = locks(host)
        .into_iter()
        .map(|(scope, lock)| json!({ "scope": scope, "reason": lock.reason.name() }))
        .collect();
    let json = json!({
        "ended": ended,
        "mode": mode_name(host.mode),
        "run": format!("{:x}", engine.config().run.0),
        "time": moment(host.now()),
        "market_events": host.venue.events(),
        "rows_recovered": found.rows,
        "rows": host.journal_rows(),
        "venue_log_bytes_cut": found.cut,
        "orders": host.tally.orders,
        "fills": host.tally.fills,
        "fills_found": host.tally.fills_found,
        "rejected": host.tally.rejected,
        "denied": host.tally.denied,
        "faults": host.tally.faults,
        "reconciled": host.tally.reconciled,
        "mended": host.tally.mended,
        "equity": engine.account().equity().to_string(),
        "cash": cash.to_string(),
        "fees": fees.to_string(),
        "open_orders": engine.open_orders(),
        "orders_in_doubt": engine.orders_in_doubt(),
        "plugins": plugins,
        "external": external,
        "locks": locks,
    });
    Outcome { text: text(&json, &host.tally), json }
}

fn text(json: &Value, tally: &Tally) -> String {
    let mut text = String::new();
    let word = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "A {} session at {} ({} market events, {} rows in the journal)",
        word("mode"),
        word("time"),
        json["market_events"],
        json["rows"],
    );
    let _ = writeln!(
        text,
        "  orders {}, fills {}, denied {}, rejected {}, faults {}",
        tally.orders, tally.fills, tally.denied, tally.rejected, tally.faults,
    );
    let _ = writeln!(
        text,
        "  compared with the venue {} times, {} things mended",
        tally.reconciled, tally.mended,
    );
    let _ = writeln!(text, "  equity {}, fees {}", word("equity"), word("fees"));
    for plugin in json["plugins"].as_array().into_iter().flatten() {
        let word = |key: &str| plugin[key].as_str().unwrap_or_default();
        let _ = write!(
            text,
            "  {}: {}, equity {}, {} open orders",
            word("name"),
            word("state"),
            word("equity"),
            plugin["open_orders"],
        );
        for held in plugin["positions"].as_array().into_iter().flatten() {
            let word = |key: &str| held[key].as_str().unwrap_or_default();
            let _ = write!(text, ", {} {}", word("quantity"), word("instrument"));
        }
        text.push('\n');
    }
    for held in json["external"].as_array().into_iter().flatten() {
        let word = |key: &str| held[key].as_str().unwrap_or_default();
        let _ = writeln!(text, "  not ours: {} {}", word("quantity"), word("instrument"));
    }
    for lock in json["locks"].as_array().into_iter().flatten() {
        let word = |key: &str| lock[key].as_str().unwrap_or_default();
        let _ = writeln!(text, "  locked: {} ({})", word("scope"), word("reason"));
    }
    text
}

const fn state_name(state: VenueOrderState) -> &'static str {
    match state {
        VenueOrderState::Working => "working",
        VenueOrderState::Triggered => "triggered",
        VenueOrderState::Filled => "filled",
        VenueOrderState::Canceled => "canceled",
        VenueOrderState::Expired => "expired",
        VenueOrderState::Rejected => "rejected",
    }
}

const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// All that the venue knows of the account.
pub(super) fn venue_books(account: &Account<'_>, rules: &[Instrument], now: UnixNanos) -> Outcome {
    let rule = |id: sandpit_core::ids::InstrumentId| &rules[usize::from(id.0)];
    let name = |id: ClientOrderId| id.to_string();
    let orders: Vec<Value> = account
        .orders()
        .map(|booked| {
            let order = &booked.order;
            json!({
                "order": name(order.id),
                "ours": super::simulated::is_ours(order.id),
                "instrument": rule(order.instrument).spec().symbol,
                "side": side_name(order.side),
                "quantity": rule(order.instrument).quantity_decimal(order.quantity).to_string(),
                "state": state_name(booked.state),
                "open": booked.state.is_open(),
            })
        })
        .collect();
    let fills: Vec<Value> = account
        .fills()
        .map(|fill| {
            let rules = rule(fill.instrument);
            json!({
                "order": fill.order.map(name),
                "trade": fill.fill.trade_id.0,
                "instrument": rules.spec().symbol,
                "side": side_name(fill.side),
                "price": rules.price_decimal(fill.fill.price).to_string(),
                "quantity": rules.quantity_decimal(fill.fill.quantity).to_string(),
                "fee": fill.fill.fee.to_string(),
                "time": moment(fill.time),
            })
        })
        .collect();
    let positions: Vec<Value> = account
        .positions()
        .into_iter()
        .map(|(id, held)| {
            let quantity = rule(id).quantity_decimal(held).to_string();
            json!({ "instrument": rule(id).spec().symbol, "quantity": quantity })
        })
        .collect();
    let open = account.orders().filter(|booked| booked.state.is_open()).count();
    let mut text = format!(
        "The simulated venue at {}: {} orders, {open} of them open, {} fills, cash {}\n",
        moment(now),
        orders.len(),
        fills.len(),
        account.cash(),
    );
    for position in &positions {
        let word = |key: &str| position[key].as_str().unwrap_or_default();
        let _ = writeln!(text, "  {} {}", word("quantity"), word("instrument"));
    }
    let json = json!({
        "time": moment(now),
        "cash": account.cash().to_string(),
        "positions": positions,
        "open_orders": open,
        "duplicates": account.duplicates(),
        "orders": orders,
        "fills": fills,
    });
    Outcome { text, json }
}
