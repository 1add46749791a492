//! Two orders of which one ends the other: a stop and a limit on either side of the market. They
//! are accepted together or refused together. When either trades, or the stop's trigger is reached,
//! the other expires; a part of the limit is enough. When one is canceled, or ends otherwise, both
//! are canceled.
//!
//! Source: Binance, "Spot trading: order lists (OCO)": both orders are accepted or none; "if one of
//! the orders is executed, the other is expired"; "canceling an individual order cancels the list".

use alloc::string::String;

use crate::{
    ids::ClientOrderId,
    matching::{desk::Desk, triggers::is_rising, venue::Venue},
    order::{Order, ReportKind},
};

const NOT_A_PAIR: &str = "The two orders are not of one side, quantity and instrument.";
const WRONG_PRICES: &str = "The relationship of the prices for the orders is not correct.";

impl Venue {
    /// A pair arrives.
    pub(in crate::matching) fn submit_pair(
        &mut self,
        stop: Order,
        profit: Order,
        desk: &mut Desk<'_>,
    ) {
        let (first, second) = (stop.id, profit.id);
        if let Some(reason) = self.objection_to_pair(&stop, &profit, desk) {
            desk.say(first, ReportKind::Rejected(String::from(reason)));
            desk.say(second, ReportKind::Rejected(String::from(reason)));
            return;
        }
        self.partners.insert(first, second);
        self.partners.insert(second, first);
        // The stop waits and the limit rests: the market is between them.
        self.accept(stop, desk);
        self.accept(profit, desk);
    }

    /// Cancels all orders here, in the order of their birth.
    pub(in crate::matching) fn cancel_all(&mut self, desk: &mut Desk<'_>) {
        let all: alloc::vec::Vec<_> = self.order_ids().collect();
        for id in all {
            self.end(id, ReportKind::Canceled, desk);
        }
    }

    fn objection_to_pair(
        &self,
        stop: &Order,
        profit: &Order,
        desk: &Desk<'_>,
    ) -> Option<&'static str> {
        let alike = stop.side == profit.side
            && stop.quantity == profit.quantity
            && stop.instrument == profit.instrument
            && stop.id != profit.id;
        let (Some(trigger), Some(_), true) = (stop.kind.trigger(), profit.kind.limit(), alike)
        else {
            return Some(NOT_A_PAIR);
        };
        let seen = self.liquidity.sight(self.choices.triggers).of(stop.side);
        let reached = seen.is_some_and(|at| {
            if is_rising(stop.side, stop.kind) { at >= trigger } else { at <= trigger }
        });
        if reached || self.would_take(profit) {
            return Some(WRONG_PRICES);
        }
        self.objection(stop, desk).or_else(|| self.objection(profit, desk))
    }

    /// One of a pair has traded, or its trigger was reached: the other expires.
    pub(super) fn end_partner(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        if let Some(other) = self.unpair(id) {
            self.end(other, ReportKind::Expired, desk);
        }
    }

    /// The other one of a pair that is one no more.
    pub(super) fn unpair(&mut self, id: ClientOrderId) -> Option<ClientOrderId> {
        let other = self.partners.remove(&id)?;
        self.partners.remove(&other);
        Some(other)
    }
}
