//! A look at the open orders, now and then, also while own events seem to come: a connection can
//! lose single messages and go on. What it shows is compared with what events have said; where that
//! differs twice in a row, the engine is told that something was missed.

use std::collections::BTreeMap;

use sandpit_core::{
    ids::InstrumentId,
    time::{Nanos, UnixNanos},
};

use super::{Purpose, Trading, Turn, placed};
use crate::binance::{
    Amount, client_id, error_code::Outcome, gate::Ended, request::Request, response::OrderRecord,
};

/// How long an event may be under way before it counts as missed.
const SECOND_LOOK: Nanos = Nanos(3 * Nanos::SECOND.0);

/// Where something differed at the last look.
pub(super) type Suspects = BTreeMap<InstrumentId, UnixNanos>;

impl Trading {
    pub(super) fn watch_due(&mut self, turn: &mut Turn<'_>) {
        let (Some(at), Some(every)) = (self.watch_at, self.settings.watch_every) else { return };
        if !self.live || at > turn.now {
            return;
        }
        self.watch_at = Some(turn.now.plus(every));
        let mut of: Vec<InstrumentId> =
            self.orders.iter_open().map(|(_, known)| known.instrument).collect();
        of.sort_unstable();
        of.dedup();
        // One that still waits for its answer is not asked a second time: while little may be asked
        // they would pile up before everything else.
        let waits: Vec<InstrumentId> = self
            .calls
            .values()
            .filter_map(|purpose| match purpose {
                Purpose::Watch(instrument) => Some(*instrument),
                _ => None,
            })
            .collect();
        for instrument in of.into_iter().filter(|one| !waits.contains(one)) {
            let symbol = self.desk.symbol(instrument).map(str::to_owned);
            if let Some(symbol) = symbol {
                let request = Request::OpenOrders(Some(&symbol));
                self.find_out(&request, Purpose::Watch(instrument), turn);
            }
        }
    }

    pub(super) fn watched(&mut self, instrument: InstrumentId, ended: Ended, turn: &mut Turn<'_>) {
        let Ended::Answered(answered) = ended else { return };
        let Outcome::Confirmed(shown) = answered.judge::<Vec<OrderRecord<'_>>>(turn.now) else {
            return;
        };
        if !self.differs(instrument, &shown, answered.sent, turn) {
            self.suspects.remove(&instrument);
            return;
        }
        let again = self
            .suspects
            .get(&instrument)
            .is_some_and(|since| turn.now.since(*since) >= SECOND_LOOK);
        if !again {
            self.suspects.entry(instrument).or_insert(turn.now);
            let at = turn.now.plus(SECOND_LOOK);
            self.watch_at = self.watch_at.map(|before| before.min(at));
            return;
        }
        self.suspects.remove(&instrument);
        self.counts.watch_found += 1;
        turn.alert("own events were missed; the connection is replaced".to_owned());
        if let Some(link) = self.link {
            turn.gate.renew_socket(link, turn.now, turn.out);
        }
        self.gap(turn);
    }

    /// Whether the venue shows something else than what events have said.
    fn differs(
        &self,
        instrument: InstrumentId,
        shown: &[OrderRecord<'_>],
        asked: UnixNanos,
        turn: &Turn<'_>,
    ) -> bool {
        let settled = turn.gate.travel_max().0.saturating_add(self.settings.settle.0);
        let more = shown.iter().any(|record| {
            let known = client_id::parse(&record.client_order_id)
                .and_then(|id| self.orders.get(id).map(|known| (id, known)));
            let executed = Amount::parse(record.executed_qty).unwrap_or_default();
            known.is_some_and(|(id, known)| {
                known.executed < executed
                    || (placed::is_open(&record.status) && !self.orders.is_open(id))
            })
        });
        let missing = self.orders.iter_open().any(|(id, known)| {
            known.instrument == instrument
                && known.placing.is_none()
                && known.number.is_some()
                && asked.since(known.sent).0 > settled
                && !shown.iter().any(|one| client_id::parse(&one.client_order_id) == Some(id))
        });
        more || missing
    }
}
