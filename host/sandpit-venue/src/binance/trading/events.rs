//! Own events, as the account's connection tells them.

use std::collections::{BTreeSet, VecDeque};

use sandpit_core::ids::{ClientOrderId, TradeId};

use super::{Trading, Turn, worth::Message};
use crate::{
    binance::response::{ConvertError, ExecutionReport, Incoming, UserEvent},
    machine::LinkId,
};

/// Events, and fees, that are remembered, so that what is told twice is taken once. The oldest is
/// forgotten first; the engine knows executions by their numbers all the same.
const SEEN_MAX: usize = 4_096;

/// A bounded memory of what has been.
#[derive(Debug)]
struct Memory<T> {
    set: BTreeSet<T>,
    order: VecDeque<T>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { set: BTreeSet::new(), order: VecDeque::new() }
    }
}

impl<T: Ord + Clone> Memory<T> {
    /// Whether it is new.
    fn note(&mut self, one: T) -> bool {
        if !self.set.insert(one.clone()) {
            return false;
        }
        self.order.push_back(one);
        if self.order.len() > SEEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }
}

/// Symbol, order, what happened, where it stands, execution, quantity, filled, time.
type EventKey = (String, u64, String, String, i64, String, String, i64);

/// What has been told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    events: Memory<EventKey>,
    fees: Memory<(ClientOrderId, TradeId)>,
}

impl Seen {
    fn event(&mut self, event: &ExecutionReport<'_>) -> bool {
        self.events.note((
            event.symbol.to_string(),
            event.order_id,
            event.execution_type.to_string(),
            event.status.to_string(),
            event.trade_id,
            event.quantity.to_owned(),
            event.filled_quantity.to_owned(),
            event.transaction_time,
        ))
    }

    /// Whether the fee of an execution has not been told.
    pub(super) fn fee(&mut self, order: ClientOrderId, trade: TradeId) -> bool {
        self.fees.note((order, trade))
    }
}

impl Trading {
    /// Takes an own event.
    pub fn event(&mut self, link: LinkId, bytes: &[u8], turn: &mut Turn<'_>) {
        self.counts.events += 1;
        self.event_at = Some(turn.now);
        let event = match Incoming::parse(bytes) {
            Ok(Incoming::Event { event, .. }) => event,
            Ok(Incoming::Answer(_)) => return,
            Err(error) => {
                // Nobody knows what it said: begin anew, and compare.
                self.counts.events_bad += 1;
                turn.alert(format!("an own event cannot be read: {error}"));
                return turn.gate.drop_socket(link, turn.now, turn.out);
            }
        };
        match event {
            UserEvent::ExecutionReport(report) => self.executed(&report, bytes, turn),
            UserEvent::StreamTerminated(_) => turn.gate.drop_socket(link, turn.now, turn.out),
            UserEvent::ServerShutdown(_) => turn.gate.renew_socket(link, turn.now, turn.out),
            UserEvent::AccountPosition(position) => self.note_position(&position),
            // A position follows each change of a balance, and of a list each order tells itself.
            UserEvent::BalanceUpdate(_)
            | UserEvent::ListStatus(_)
            | UserEvent::ExternalLock(_)
            | UserEvent::Other(_) => {}
        }
    }

    fn executed(&mut self, report: &ExecutionReport<'_>, raw: &[u8], turn: &mut Turn<'_>) {
        if !self.seen.event(report) {
            self.counts.events_again += 1;
            return;
        }
        let Some(order) = self.note_event(report) else {
            // Somebody else's, or of a symbol that nobody trades here.
            return;
        };
        match report.to_news(&self.desk) {
            Ok(Some(news)) => self.tell(news, turn),
            Ok(None) => {}
            Err(ConvertError::FeeRate { asset, quote }) => {
                self.hold(Message::Event(raw.to_vec()), asset, quote, turn);
            }
            Err(error) => {
                self.counts.events_bad += 1;
                turn.alert(format!("an event of {order} cannot be taken: {error}"));
                self.gap(turn);
            }
        }
    }
}
