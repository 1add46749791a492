//! What is counted, and the picture of the connection.

use super::Usdm;
use crate::{
    binance::market::Market,
    gauges::{BookGauges, Gauges, OrderGauges, OwnEvents},
};

impl Usdm {
    /// Everything as one picture.
    pub(super) fn picture(&self) -> Gauges {
        let mut gauges = Gauges::default();
        self.gate.gauge(self.now, &mut gauges);
        self.proofs.gauge(&mut gauges);
        gauges.own_events = OwnEvents {
            live: self.own.up,
            heard_total: self.events,
            bad_total: self.events_bad,
            last_age_nanos: self.event_at.map(|at| self.now.since(at).0),
            ..OwnEvents::default()
        };
        gauges.orders = OrderGauges {
            placed_total: self.orders.submitted,
            unknown_total: self.orders.unknown,
            queries_total: self.queries.told,
            ..OrderGauges::default()
        };
        gauges.books = BookGauges {
            shown_total: self.books.told,
            again_total: self.books.repeated,
            given_up_total: 0,
        };
        if let Some(market) = &self.market {
            market.gauge(self.now, &mut gauges);
        }
        gauges
    }

    /// Everything that is counted.
    pub(super) fn count(&self) -> Vec<(String, &'static str, u64)> {
        let mut counts = self.gate.counts(self.now);
        counts.extend(self.proofs.counts());
        counts.extend(self.market.iter().flat_map(Market::counts));
        let own: [(&str, &'static str, u64); 13] = [
            ("usdm_events_total", "own events that were heard", self.events),
            ("usdm_events_bad_total", "own events that could not be used", self.events_bad),
            (
                "usdm_closed_by_venue_total",
                "closings of positions by the venue",
                self.closed_by_the_venue,
            ),
            ("usdm_own_opened_total", "connections to own events", self.own.opened),
            ("usdm_listen_kept_total", "times the listen key was kept alive", self.own.kept),
            ("usdm_orders_total", "orders that were asked for", self.orders.submitted),
            (
                "usdm_unknown_total",
                "requests about orders whose fate is not known",
                self.orders.unknown,
            ),
            ("usdm_queries_total", "questions about orders that were answered", self.queries.told),
            ("usdm_books_total", "comparisons of the books", self.books.told),
            ("usdm_books_repeated_total", "comparisons that were begun again", self.books.repeated),
            (
                "usdm_deadman_renewed_total",
                "renewals of the dead-man's switch",
                self.deadman.renewed,
            ),
            ("usdm_deadman_failed_total", "renewals of it that failed", self.deadman.failed),
            ("usdm_deadman_lapsed_total", "times it ran out", self.deadman.lapsed),
        ];
        counts.extend(own.map(|(name, what, value)| (name.to_owned(), what, value)));
        counts
    }
}
