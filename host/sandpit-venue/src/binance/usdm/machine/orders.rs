//! Orders, changes and cancels: what is asked, and what became of it. An order is sent once and never
//! again, whatever becomes of it.

use std::collections::BTreeMap;

use sandpit_core::{
    engine::{AmendOrder, CancelOrder},
    ids::{ClientOrderId, InstrumentId, VenueOrderId},
    order::{Order, Report, ReportKind},
    venue::{Answer, Asked as Wanted, Outcome as Became, Refusal, VenueMessage},
};

use super::{
    super::{
        error_code::says_no_such_order,
        request::{Asked, OrderOptions, OrderRef, Request, amend, new_order},
        response::{AlgoRecord, OrderRecord, Whole},
    },
    desk::{Rules, Step, judged},
};
use crate::{
    binance::{
        client_id,
        error_code::{Class, Outcome},
        gate::{Answered, Ended},
        limits::Lane,
    },
    machine::{CallId, Output},
};

/// Orders that are remembered; the oldest are forgotten, and found out again where they are needed.
const KNOWN_MAX: usize = 50_000;
/// How often a cancel is asked for again of which the venue says that it came too late or too early.
const CANCELS_MAX: u32 = 3;
/// Bytes of a refusal that are told.
const WORDS_BYTES_MAX: usize = 256;

/// What is remembered of an order.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) order: Order,
    /// The matching engine's number, once it has it.
    pub(super) engine_id: Option<u64>,
}

impl Known {
    pub(super) const fn is_conditional(&self) -> bool {
        self.order.kind.is_conditional()
    }
}

/// What waits for an answer.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Submit(ClientOrderId),
    Amend(ClientOrderId),
    Cancel(Cancel),
    /// Of all orders; what becomes of each, events tell.
    CancelAll,
}

/// A cancel: of which order, where it is looked for now, and where it has been looked for.
#[derive(Clone, Copy, Debug)]
struct Cancel {
    order: ClientOrderId,
    instrument: InstrumentId,
    algo: bool,
    /// Whether the other place is to be asked, too.
    other: bool,
    again: u32,
}

/// All orders.
#[derive(Debug, Default)]
pub(super) struct Orders {
    known: BTreeMap<ClientOrderId, Known>,
    /// By the matching engine's numbers; nothing for somebody else's.
    pub(super) numbers: BTreeMap<(String, u64), Option<ClientOrderId>>,
    pending: BTreeMap<CallId, Pending>,
    pub(super) submitted: u64,
    pub(super) unknown: u64,
}

fn say(step: &mut Step<'_>, order: ClientOrderId, to: Wanted, outcome: Became) {
    let time = step.venue_now();
    step.out.push(Output::Say(VenueMessage::Answer(Answer { order, to, time, outcome })));
}

fn refused(code: Option<i32>, words: &str) -> Became {
    let message = crate::binance::text::cut(words, WORDS_BYTES_MAX).to_owned();
    Became::Rejected(Refusal { code, message })
}

/// Says that something never left us.
pub(super) fn refuse(step: &mut Step<'_>, order: ClientOrderId, to: Wanted, why: &str) {
    say(step, order, to, refused(None, why));
}

impl Orders {
    pub(super) fn owns_call(&self, call: CallId) -> bool {
        self.pending.contains_key(&call)
    }

    pub(super) fn get(&self, order: ClientOrderId) -> Option<&Known> {
        self.known.get(&order)
    }

    /// Takes note that the matching engine has an order under this number.
    pub(super) fn number(&mut self, symbol: &str, number: u64, order: Option<ClientOrderId>) {
        if self.numbers.len() >= KNOWN_MAX {
            self.numbers.pop_first();
        }
        self.numbers.insert((symbol.to_owned(), number), order);
        if let Some(known) = order.and_then(|order| self.known.get_mut(&order)) {
            known.engine_id = Some(number);
        }
    }

    pub(super) fn by_number(&self, symbol: &str, number: u64) -> Option<Option<ClientOrderId>> {
        self.numbers.get(&(symbol.to_owned(), number)).copied()
    }

    /// What an order is from now on.
    pub(super) fn note(&mut self, order: Order) {
        if self.known.len() >= KNOWN_MAX {
            self.known.pop_first();
        }
        let engine_id = self.known.get(&order.id).and_then(|known| known.engine_id);
        self.known.insert(order.id, Known { order, engine_id });
    }

    /// A change was told.
    pub(super) fn amended(
        &mut self,
        id: ClientOrderId,
        quantity: sandpit_core::num::Quantity,
        kind: sandpit_core::order::OrderKind,
    ) {
        if let Some(known) = self.known.get_mut(&id).filter(|known| !known.is_conditional()) {
            (known.order.quantity, known.order.kind) = (quantity, kind);
        }
    }

    pub(super) fn submit(&mut self, order: &Order, rules: &Rules, step: &mut Step<'_>) {
        let id = order.id;
        if self.known.contains_key(&id) {
            return refuse(step, id, Wanted::Submit, "an order of this name was sent before");
        }
        let Some(instrument) = rules.get(order.instrument) else {
            return refuse(step, id, Wanted::Submit, "no such instrument on this connection");
        };
        let asked = new_order(order, instrument, OrderOptions::default()).map(Asked::request);
        let share = id.plugin.0;
        match asked.and_then(|request| step.ask(Lane::Orders, share, &request)) {
            Ok(call) => {
                self.note(order.clone());
                self.submitted += 1;
                self.pending.insert(call, Pending::Submit(id));
            }
            Err(error) => refuse(step, id, Wanted::Submit, &error.to_string()),
        }
    }

    pub(super) fn amend(&mut self, change: &AmendOrder, rules: &Rules, step: &mut Step<'_>) {
        let id = change.order;
        let known = self.known.get(&id).map(|known| &known.order);
        let (Some(now), Some(instrument)) = (known, rules.get(change.instrument)) else {
            return refuse(step, id, Wanted::Amend, "it is not known here what the order is now");
        };
        let asked = amend(change, now, instrument);
        match asked.and_then(|request| step.ask(Lane::Orders, id.plugin.0, &request)) {
            Ok(call) => drop(self.pending.insert(call, Pending::Amend(id))),
            Err(error) => refuse(step, id, Wanted::Amend, &error.to_string()),
        }
    }

    pub(super) fn cancel(&mut self, cancel: &CancelOrder, rules: &Rules, step: &mut Step<'_>) {
        let (order, instrument) = (cancel.order, cancel.instrument);
        let known = self.known.get(&order);
        let algo = known.is_some_and(|known| known.is_conditional() && known.engine_id.is_none());
        // A plain order is in one place only; of any other it is not sure.
        let other = known.is_none_or(Known::is_conditional);
        self.ask_cancel(Cancel { order, instrument, algo, other, again: 0 }, rules, step);
    }

    fn ask_cancel(&mut self, cancel: Cancel, rules: &Rules, step: &mut Step<'_>) {
        let Some(instrument) = rules.get(cancel.instrument) else {
            return refuse(step, cancel.order, Wanted::Cancel, "no such instrument here");
        };
        let name = OrderRef::Client(cancel.order);
        let request = if cancel.algo {
            Request::CancelAlgo(name)
        } else {
            Request::Cancel(&instrument.spec().symbol, name)
        };
        match step.ask(Lane::Kill, cancel.order.plugin.0, &request) {
            Ok(call) => drop(self.pending.insert(call, Pending::Cancel(cancel))),
            Err(error) => refuse(step, cancel.order, Wanted::Cancel, &error.to_string()),
        }
    }

    pub(super) fn cancel_all(&mut self, id: InstrumentId, rules: &Rules, step: &mut Step<'_>) {
        let Some(instrument) = rules.get(id) else { return };
        let symbol = instrument.spec().symbol.as_str();
        for request in [Request::CancelAll(symbol), Request::CancelAllAlgo(symbol)] {
            if let Ok(call) = step.ask(Lane::Kill, 0, &request) {
                self.pending.insert(call, Pending::CancelAll);
            }
        }
    }

    pub(super) fn ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        rules: &Rules,
        step: &mut Step<'_>,
    ) {
        match self.pending.remove(&call) {
            Some(Pending::Submit(order)) => self.submit_ended(order, ended, step),
            Some(Pending::Amend(order)) => {
                let outcome = became(ended, step);
                self.unknown += u64::from(outcome == Became::Unknown);
                say(step, order, Wanted::Amend, outcome);
            }
            Some(Pending::Cancel(cancel)) => self.cancel_ended(cancel, ended, rules, step),
            Some(Pending::CancelAll) => {
                let outcome = became(ended, step);
                if outcome != Became::Confirmed {
                    step.alert(format!("canceling all orders of a symbol: {outcome:?}"));
                }
            }
            None => {}
        }
    }

    fn submit_ended(&mut self, order: ClientOrderId, ended: &Ended, step: &mut Step<'_>) {
        let mut outcome = became(ended, step);
        if let (Became::Confirmed, Ended::Answered(answered)) = (&outcome, ended) {
            // The answer must be about this order, and tells the engine's number of it.
            match numbers(answered, order, step) {
                Some((id, symbol)) => {
                    if let Some(symbol) = symbol {
                        self.number(&symbol, id, Some(order));
                    }
                    say(step, order, Wanted::Submit, outcome);
                    let (time, kind) = (step.venue_now(), ReportKind::Accepted(VenueOrderId(id)));
                    let report = Report { order, time, kind };
                    return step.out.push(Output::Say(VenueMessage::Report(report)));
                }
                None => outcome = Became::Unknown,
            }
        }
        self.unknown += u64::from(outcome == Became::Unknown);
        say(step, order, Wanted::Submit, outcome);
    }

    fn cancel_ended(&mut self, cancel: Cancel, ended: &Ended, rules: &Rules, step: &mut Step<'_>) {
        let outcome = became(ended, step);
        if let Ended::Answered(answered) = ended
            && let Outcome::Rejected(refusal) = judged::<Whole>(answered, step.now)
        {
            if says_no_such_order(refusal.code) && cancel.other {
                let next = Cancel { algo: !cancel.algo, other: false, ..cancel };
                return self.ask_cancel(next, rules, step);
            }
            if refusal.class == Class::ClockSkew && cancel.again < CANCELS_MAX {
                let next = Cancel { again: cancel.again + 1, ..cancel };
                return self.ask_cancel(next, rules, step);
            }
        }
        self.unknown += u64::from(outcome == Became::Unknown);
        say(step, cancel.order, Wanted::Cancel, outcome);
    }
}

/// What an answer means for an order.
fn became(ended: &Ended, step: &Step<'_>) -> Became {
    match ended {
        Ended::Answered(answered) => match judged::<Whole>(answered, step.now) {
            Outcome::Confirmed(_) => Became::Confirmed,
            Outcome::Rejected(refusal) => refused(Some(refusal.code), &refusal.message),
            Outcome::Unknown(_) => Became::Unknown,
            Outcome::RateLimited { .. } => refused(None, "Binance takes no more orders for now"),
            Outcome::Banned { .. } => refused(None, "Binance has banned this address"),
        },
        Ended::Lost(_) => Became::Unknown,
        Ended::NeverSent(why) => refused(None, why),
    }
}

/// The venue's number that the answer to a new order tells, and its symbol where the number is the
/// matching engine's. `None` where it cannot be read or is about another order.
fn numbers(
    answered: &Answered,
    order: ClientOrderId,
    step: &Step<'_>,
) -> Option<(u64, Option<String>)> {
    let ours = |name: &str| client_id::parse(name) == Some(order);
    if let Outcome::Confirmed(record) = judged::<OrderRecord<'_>>(answered, step.now) {
        let symbol = record.symbol.to_string();
        return ours(&record.client_order_id).then_some((record.order_id, Some(symbol)));
    }
    match judged::<AlgoRecord<'_>>(answered, step.now) {
        Outcome::Confirmed(record) if ours(&record.client_algo_id) => Some((record.algo_id, None)),
        _ => None,
    }
}
