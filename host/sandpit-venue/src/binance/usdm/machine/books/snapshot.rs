//! From the answers of one round to the account's books.

use sandpit_core::{
    engine::{VenueOrder, VenueSnapshot},
    ids::{InstrumentId, OrderTag},
    intent::TimeInForce,
    market::Side,
    num::Quantity,
    order::Order,
};

use super::{
    super::{desk::Rules, orders::Orders},
    Round, decoded, millis,
};
use crate::binance::{
    client_id,
    response::{ConvertError, Desk},
    time::time,
    usdm::{
        convert::{
            account_fill, algo_order, engine_order, external_algo, external_order, positions,
        },
        response::{AlgoRecord, OrderRecord, PositionRecord, UserTrade},
    },
};

impl Round {
    /// The books; `None` where positions changed meanwhile.
    pub(super) fn snapshot(
        &self,
        rules: &Rules,
        orders: &mut Orders,
    ) -> Result<Option<VenueSnapshot>, ConvertError> {
        let first = positions(&decoded::<Vec<PositionRecord<'_>>>(&self.first)?, rules)?;
        let last = positions(&decoded::<Vec<PositionRecord<'_>>>(&self.last)?, rules)?;
        let sorted = |mut all: Vec<(InstrumentId, Quantity)>| {
            all.sort_unstable();
            all
        };
        let (first, last) = (sorted(first), sorted(last));
        if first != last {
            return Ok(None);
        }
        let mut trades: Vec<UserTrade<'_>> = Vec::new();
        for body in &self.trades {
            trades.extend(decoded::<Vec<UserTrade<'_>>>(body)?);
        }
        trades.sort_by(|a, b| (a.symbol.as_str(), a.id).cmp(&(b.symbol.as_str(), b.id)));
        trades.dedup_by(|a, b| a.symbol == b.symbol && a.id == b.id);
        let mut snapshot =
            VenueSnapshot { time: self.time, positions: last, ..VenueSnapshot::default() };
        self.open_orders(&trades, rules, orders, &mut snapshot)?;
        for trade in &trades {
            let since = time(trade.time).is_none_or(|time| millis(time) >= millis(self.since));
            if !since || rules.instrument(&trade.symbol).is_none() {
                continue;
            }
            let whose = orders.by_number(&trade.symbol, trade.order_id);
            let whose = whose.ok_or(ConvertError::Contradiction {
                what: "it is not known whose some trades are",
            })?;
            snapshot.fills.push(account_fill(trade, whose, rules)?);
        }
        Ok(Some(snapshot))
    }

    fn open_orders(
        &self,
        trades: &[UserTrade<'_>],
        rules: &Rules,
        orders: &mut Orders,
        snapshot: &mut VenueSnapshot,
    ) -> Result<(), ConvertError> {
        for body in &self.open {
            for record in decoded::<Vec<OrderRecord<'_>>>(body)? {
                let Some(order) = client_id::parse(&record.client_order_id) else {
                    snapshot.external_orders.push(external_order(&record, rules)?);
                    continue;
                };
                let waited = self.waited.get(&order).copied();
                let (found, _) = engine_order(order, &record, waited, trades, rules)?;
                remember(orders, &found, record.side.side(), record.reduce_only);
                snapshot.open.push(found);
            }
        }
        for body in &self.algos {
            for record in decoded::<Vec<AlgoRecord<'_>>>(body)? {
                let Some(order) = client_id::parse(&record.client_algo_id) else {
                    snapshot.external_orders.push(external_algo(&record, rules)?);
                    continue;
                };
                // One that was triggered meanwhile is in the other list, too.
                if snapshot.open.iter().any(|open| open.order == order) {
                    continue;
                }
                let found = algo_order(order, &record, rules)?;
                remember(orders, &found, record.side.side(), record.reduce_only);
                snapshot.open.push(found);
            }
        }
        Ok(())
    }
}

/// What the venue showed of an order that is not known, or is known as it was before.
fn remember(orders: &mut Orders, found: &VenueOrder, side: Option<Side>, reduce_only: bool) {
    let Some(side) = side else { return };
    if let Some(known) = orders.get(found.order) {
        let order = Order { quantity: found.quantity, kind: found.kind, ..known.order.clone() };
        return orders.note(order);
    }
    orders.note(Order {
        id: found.order,
        tag: OrderTag(0),
        instrument: found.instrument,
        side,
        quantity: found.quantity,
        kind: found.kind,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only,
    });
}
