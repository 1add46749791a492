//! Orders, pairs, cancels and changes, and what became of each.

use sandpit_core::{
    engine::{AmendOrder, CancelOrder},
    ids::{ClientOrderId, InstrumentId},
    market::Side,
    order::Order,
    risk::Approved,
    time::UnixNanos,
    venue::{Asked, Outcome},
};

use super::{Purpose, Trading, Turn, known::Known, not_done, refused, state};
use crate::{
    binance::{
        error_code::{self, Class},
        filters::{Refusal, check, check_amend, check_list},
        gate::{Answered, Ended, Wish},
        limits::Lane,
        request::{self, NewOco, NewOrder, Request},
        response::{AmendAnswer, CancelAllEntry, ListAnswer, OrderAnswer},
    },
    machine::CallId,
};

fn filter_words(refusal: &Refusal) -> String {
    format!("Filter failure: {}: {:?}", refusal.filter.name(), refusal.breach)
}

impl Trading {
    /// Why nothing is placed at all.
    fn closed(&self) -> Option<&'static str> {
        if self.stopped {
            return Some("no more orders are sent: the connection is being ended");
        }
        (!self.begun).then_some("nothing is listened to yet, and so no order is sent")
    }

    pub(super) fn place(&mut self, order: &Approved<Order>, turn: &mut Turn<'_>) {
        let id = order.get().id;
        self.counts.placed += 1;
        if self.orders.get(id).is_some() {
            // It may stand at the venue: whatever this is, it is not sent a second time.
            turn.alert(format!("{id} was to be placed a second time, and was not"));
            return self.unknown(id, Asked::Submit, turn);
        }
        match self.placing_wish(order, turn.now) {
            Err(text) => self.refuse(id, Asked::Submit, text, turn),
            Ok(wish) => {
                let purpose = Purpose::Place(id);
                self.take_in(order.get(), false, turn.now);
                let call = self.ask(Lane::Orders, id.plugin.0, wish, purpose, turn);
                self.set_placing(id, call);
            }
        }
    }

    fn placing_wish(&mut self, order: &Approved<Order>, now: UnixNanos) -> Result<Wish, String> {
        if let Some(text) = self.closed() {
            return Err(text.to_owned());
        }
        let instrument = order.get().instrument;
        let listed = self.desk.get(instrument).ok_or("there is no such instrument here")?;
        let new = NewOrder::approved(order, &listed.instrument, self.settings.options)
            .map_err(|error| error.to_string())?;
        let state = self.filter_state(instrument, now);
        let verdict = check(&new, &listed.rules, &self.desk.exchange_filters, &state);
        if let Some(refusal) = verdict.refused {
            self.counts.refused_by_filters += 1;
            return Err(filter_words(&refusal));
        }
        Wish::spot(&Request::Place(new)).map_err(|error| error.to_string())
    }

    pub(super) fn place_pair(
        &mut self,
        stop: &Approved<Order>,
        profit: &Approved<Order>,
        turn: &mut Turn<'_>,
    ) {
        let ids = [stop.get().id, profit.get().id];
        self.counts.placed += 2;
        if ids.iter().any(|id| self.orders.get(*id).is_some()) || ids[0] == ids[1] {
            turn.alert(format!("{} was to be placed a second time, and was not", ids[0]));
            return ids.into_iter().for_each(|id| self.unknown(id, Asked::Submit, turn));
        }
        match self.pair_wish(stop, profit, turn.now) {
            Err(text) => {
                ids.into_iter().for_each(|id| self.refuse(id, Asked::Submit, text.clone(), turn));
            }
            Ok(wish) => {
                self.take_in(stop.get(), true, turn.now);
                self.take_in(profit.get(), true, turn.now);
                let purpose = Purpose::PlacePair(ids[0], ids[1]);
                let call = self.ask(Lane::Orders, ids[0].plugin.0, wish, purpose, turn);
                ids.into_iter().for_each(|id| self.set_placing(id, call));
            }
        }
    }

    fn pair_wish(
        &mut self,
        stop: &Approved<Order>,
        profit: &Approved<Order>,
        now: UnixNanos,
    ) -> Result<Wish, String> {
        if let Some(text) = self.closed() {
            return Err(text.to_owned());
        }
        let instrument = stop.get().instrument;
        if instrument != profit.get().instrument {
            return Err("the two orders of a pair are of one instrument".to_owned());
        }
        let listed = self.desk.get(instrument).ok_or("there is no such instrument here")?;
        let pair = NewOco::approved(stop, profit, &listed.instrument, self.settings.options)
            .map_err(|error| error.to_string())?;
        let state = self.filter_state(instrument, now);
        let exchange = &self.desk.exchange_filters;
        let mut refusal = check_list(2, &listed.rules, exchange, &state);
        for leg in [stop, profit] {
            let leg = NewOrder::approved(leg, &listed.instrument, self.settings.options)
                .map_err(|error| error.to_string())?;
            refusal = refusal.or(check(&leg, &listed.rules, exchange, &state).refused);
        }
        if let Some(refusal) = refusal {
            self.counts.refused_by_filters += 1;
            return Err(filter_words(&refusal));
        }
        Wish::spot(&Request::PlaceOco(pair)).map_err(|error| error.to_string())
    }

    fn take_in(&mut self, order: &Order, paired: bool, now: UnixNanos) {
        let listed = self.desk.get(order.instrument).filter(|_| order.side == Side::Buy);
        let buys = listed.map(|listed| state::amount(&listed.instrument, order.quantity));
        let known = Known {
            buys: buys.unwrap_or_default(),
            conditional: order.kind.is_conditional(),
            paired,
            ..Known::sent(order.instrument, now)
        };
        self.orders.open(order.id, known);
    }

    fn set_placing(&mut self, id: ClientOrderId, call: CallId) {
        if let Some(known) = self.orders.get_mut(id) {
            known.placing = Some(call);
        }
    }

    /// It was not done, and nothing of it is left.
    fn refuse(&mut self, id: ClientOrderId, to: Asked, text: String, turn: &mut Turn<'_>) {
        self.counts.refused += 1;
        turn.answer_now(id, to, refused(text));
    }

    /// The request that places it is no longer under way.
    fn no_longer_placing(&mut self, id: ClientOrderId, now: UnixNanos) {
        if let Some(known) = self.orders.get_mut(id) {
            known.placing = None;
            // It was sent at some time before now.
            known.sent = now;
        }
    }

    /// Says what became of it where it was not done.
    fn not_placed(&mut self, id: ClientOrderId, outcome: Outcome, turn: &mut Turn<'_>) {
        if outcome == Outcome::Unknown {
            return self.unknown(id, Asked::Submit, turn);
        }
        self.counts.refused += 1;
        self.orders.close(id);
        turn.answer_now(id, Asked::Submit, outcome);
    }

    pub(super) fn placed(&mut self, id: ClientOrderId, ended: Ended, turn: &mut Turn<'_>) {
        self.no_longer_placing(id, turn.now);
        let sent = match ended {
            Ended::NeverSent(text) => Err(refused(text)),
            Ended::Lost(_) => Err(Outcome::Unknown),
            Ended::Answered(answered) => Ok(answered),
        };
        match sent {
            Err(outcome) => self.not_placed(id, outcome, turn),
            Ok(answered) => {
                let outcome = answered.judge::<OrderAnswer<'_>>(turn.now);
                Self::alert_key(&outcome, turn);
                match not_done(outcome) {
                    Err(outcome) => self.not_placed(id, outcome, turn),
                    Ok(answer) => {
                        self.tell_answer(id, Asked::Submit, &answer, &answered.body, turn);
                    }
                }
            }
        }
        self.cancel_now_if_wanted(id, turn);
    }

    pub(super) fn pair_placed(
        &mut self,
        stop: ClientOrderId,
        profit: ClientOrderId,
        ended: Ended,
        turn: &mut Turn<'_>,
    ) {
        let ids = [stop, profit];
        ids.into_iter().for_each(|id| self.no_longer_placing(id, turn.now));
        let outcome = match ended {
            Ended::NeverSent(text) => Some(refused(text)),
            Ended::Lost(_) => Some(Outcome::Unknown),
            Ended::Answered(answered) => self.pair_answered(ids, &answered, turn),
        };
        if let Some(outcome) = outcome {
            ids.into_iter().for_each(|id| self.not_placed(id, outcome.clone(), turn));
        }
        ids.into_iter().for_each(|id| self.cancel_now_if_wanted(id, turn));
    }

    /// Tells what an answer says of both; what is to be said of both where it was not done.
    fn pair_answered(
        &mut self,
        ids: [ClientOrderId; 2],
        answered: &Answered,
        turn: &mut Turn<'_>,
    ) -> Option<Outcome> {
        let outcome = answered.judge::<ListAnswer<'_>>(turn.now);
        Self::alert_key(&outcome, turn);
        let list = match not_done(outcome) {
            Ok(list) => list,
            Err(outcome) => return Some(outcome),
        };
        for id in ids {
            let name = id.to_string();
            let report = list.order_reports.iter().find(|one| *one.client_order_id == *name);
            match report {
                Some(report) => self.tell_answer(id, Asked::Submit, report, &[], turn),
                None => self.unknown(id, Asked::Submit, turn),
            }
        }
        None
    }

    fn alert_key<T>(outcome: &error_code::Outcome<T>, turn: &mut Turn<'_>) {
        if let error_code::Outcome::Rejected(rejection) = outcome
            && rejection.class == Class::KeyProblem
        {
            let (message, code) = (&rejection.message, rejection.code);
            turn.alert(format!("Binance does not take the key: {message} ({code})"));
        }
    }

    pub(super) fn cancel(&mut self, cancel: CancelOrder, turn: &mut Turn<'_>) {
        let CancelOrder { order: id, instrument } = cancel;
        self.counts.canceled += 1;
        if self.orders.get(id).is_none() {
            self.take_in_unknown(id, instrument);
        }
        let wait = self.settings.cancel_wait;
        let Some(known) = self.orders.get_mut(id) else { return };
        if known.canceling.is_some() || known.cancel_at.is_some() {
            // The answer to the first is the answer to this.
            return;
        }
        let Some(placing) = known.placing else {
            return self.send_cancel(id, turn);
        };
        if turn.gate.withdraw(placing) {
            self.withdrawn(placing, turn);
            return turn.answer_now(id, Asked::Cancel, Outcome::Confirmed);
        }
        known.cancel_at = Some(turn.now.plus(wait));
    }

    /// An order, or a pair, was taken back before it was sent.
    fn withdrawn(&mut self, placing: CallId, turn: &mut Turn<'_>) {
        let ids = match self.calls.remove(&placing) {
            Some(Purpose::Place(id)) => vec![id],
            Some(Purpose::PlacePair(stop, profit)) => vec![stop, profit],
            _ => return,
        };
        for id in ids {
            self.no_longer_placing(id, turn.now);
            let text = "it was taken back before it was sent";
            self.not_placed(id, refused(text), turn);
        }
    }

    /// An order of an earlier run.
    fn take_in_unknown(&mut self, id: ClientOrderId, instrument: InstrumentId) {
        self.orders.open(id, Known::sent(instrument, UnixNanos(0)));
    }

    fn cancel_now_if_wanted(&mut self, id: ClientOrderId, turn: &mut Turn<'_>) {
        if self.orders.get(id).is_some_and(|known| known.cancel_at.is_some()) {
            self.send_cancel(id, turn);
        }
    }

    pub(super) fn send_cancel(&mut self, id: ClientOrderId, turn: &mut Turn<'_>) {
        let Some(known) = self.orders.get_mut(id) else { return };
        known.cancel_at = None;
        let instrument = known.instrument;
        let Some(listed) = self.desk.get(instrument) else {
            return turn.answer_now(id, Asked::Cancel, refused("there is no such instrument here"));
        };
        let cancel = CancelOrder { order: id, instrument };
        match Wish::spot(&request::cancel(&cancel, &listed.instrument)) {
            Err(error) => turn.answer_now(id, Asked::Cancel, refused(error.to_string())),
            Ok(wish) => {
                let call = self.ask(Lane::Kill, id.plugin.0, wish, Purpose::Cancel(id), turn);
                if let Some(known) = self.orders.get_mut(id) {
                    known.canceling = Some(call);
                }
            }
        }
    }

    pub(super) fn canceled(&mut self, id: ClientOrderId, ended: Ended, turn: &mut Turn<'_>) {
        let mut placing = false;
        if let Some(known) = self.orders.get_mut(id) {
            known.canceling = None;
            placing = known.placing.is_some();
        }
        let to = Asked::Cancel;
        let answered = match ended {
            Ended::NeverSent(text) => return turn.answer_now(id, to, refused(text)),
            Ended::Lost(_) => return self.unknown(id, to, turn),
            Ended::Answered(answered) => answered,
        };
        // One of a pair ends both, and is answered as a list.
        if let error_code::Outcome::Confirmed(list) = answered.judge::<ListAnswer<'_>>(turn.now) {
            turn.answer_now(id, to, Outcome::Confirmed);
            return self.tell_list(&list, turn);
        }
        match answered.judge::<OrderAnswer<'_>>(turn.now) {
            // It overtook the order, which may still arrive.
            error_code::Outcome::Rejected(rejection)
                if placing && rejection.says_no_such_order() =>
            {
                self.unknown(id, to, turn);
            }
            outcome => match not_done(outcome) {
                Ok(answer) => self.tell_answer(id, to, &answer, &answered.body, turn),
                Err(Outcome::Unknown) => self.unknown(id, to, turn),
                Err(outcome) => turn.answer_now(id, to, outcome),
            },
        }
    }

    /// Tells what a list says of each of its orders.
    fn tell_list(&mut self, list: &ListAnswer<'_>, turn: &mut Turn<'_>) {
        for report in &list.order_reports {
            self.note_answer(report);
            match report.to_news(&self.desk) {
                Ok(Some(news)) => self.tell(news, turn),
                Ok(None) => {}
                // The engine finds out by comparing its books.
                Err(_) => self.gap(turn),
            }
        }
    }

    pub(super) fn cancel_all(&mut self, instrument: InstrumentId, turn: &mut Turn<'_>) {
        self.counts.canceled += 1;
        // What is not sent yet must not come after.
        let waiting: Vec<CallId> = self
            .orders
            .iter_open()
            .filter(|(_, known)| known.instrument == instrument)
            .filter_map(|(_, known)| known.placing)
            .collect();
        for placing in waiting {
            if turn.gate.withdraw(placing) {
                self.withdrawn(placing, turn);
            }
        }
        let Some(symbol) = self.desk.symbol(instrument) else { return };
        match Wish::spot(&Request::CancelAll(symbol)) {
            Ok(wish) => {
                self.ask(Lane::Kill, 0, wish, Purpose::CancelAll(instrument), turn);
            }
            Err(error) => turn.alert(format!("not all orders can be canceled: {error}")),
        }
    }

    pub(super) fn all_canceled(
        &mut self,
        instrument: InstrumentId,
        ended: Ended,
        turn: &mut Turn<'_>,
    ) {
        let symbol = self.desk.symbol(instrument).unwrap_or_default().to_owned();
        let why = match ended {
            Ended::NeverSent(text) => text,
            Ended::Lost(cause) => cause.to_string(),
            Ended::Answered(answered) => {
                match answered.judge::<Vec<CancelAllEntry<'_>>>(turn.now) {
                    error_code::Outcome::Confirmed(entries) => {
                        return self.tell_entries(&entries, turn);
                    }
                    // There were none.
                    error_code::Outcome::Rejected(rejection) if rejection.says_no_such_order() => {
                        return;
                    }
                    error_code::Outcome::Rejected(rejection) => rejection.message,
                    _ => "nobody knows what became of it".to_owned(),
                }
            }
        };
        turn.alert(format!("to cancel all orders of {symbol} was not confirmed: {why}"));
        self.gap(turn);
    }

    fn tell_entries(&mut self, entries: &[CancelAllEntry<'_>], turn: &mut Turn<'_>) {
        for entry in entries {
            match entry {
                CancelAllEntry::List(list) => self.tell_list(list, turn),
                CancelAllEntry::Order(answer) => {
                    self.note_answer(answer);
                    match answer.to_news(&self.desk) {
                        Ok(Some(news)) => self.tell(news, turn),
                        Ok(None) => {}
                        Err(_) => self.gap(turn),
                    }
                }
            }
        }
    }

    pub(super) fn amend(&mut self, change: &Approved<AmendOrder>, turn: &mut Turn<'_>) {
        let AmendOrder { order: id, instrument, .. } = *change.get();
        let wish = self.desk.get(instrument).map_or_else(
            || Err("there is no such instrument here".to_owned()),
            |listed| {
                if !listed.rules.amend_allowed {
                    return Err("the symbol takes no changes in place".to_owned());
                }
                let amends = self.orders.get(id).map_or(0, |known| known.amends);
                if let Some(refusal) = check_amend(amends, &listed.rules) {
                    return Err(filter_words(&refusal));
                }
                request::amend(change, &listed.instrument)
                    .and_then(|request| Wish::spot(&request))
                    .map_err(|error| error.to_string())
            },
        );
        match (wish, self.closed()) {
            (_, Some(text)) => self.refuse(id, Asked::Amend, text.to_owned(), turn),
            (Err(text), None) => self.refuse(id, Asked::Amend, text, turn),
            (Ok(wish), None) => {
                self.ask(Lane::Orders, id.plugin.0, wish, Purpose::Amend(id), turn);
            }
        }
    }

    pub(super) fn amended(&mut self, id: ClientOrderId, ended: Ended, turn: &mut Turn<'_>) {
        let to = Asked::Amend;
        let answered = match ended {
            Ended::NeverSent(text) => return turn.answer_now(id, to, refused(text)),
            Ended::Lost(_) => return self.unknown(id, to, turn),
            Ended::Answered(answered) => answered,
        };
        match not_done(answered.judge::<AmendAnswer<'_>>(turn.now)) {
            Err(Outcome::Unknown) => self.unknown(id, to, turn),
            Err(outcome) => turn.answer_now(id, to, outcome),
            Ok(answer) => match answer.to_news(&self.desk) {
                Ok(Some(news)) => {
                    if let Some(known) = self.orders.get_mut(id) {
                        known.amends = known.amends.saturating_add(1);
                    }
                    turn.answer_now(id, to, Outcome::Confirmed);
                    self.tell(news, turn);
                }
                Ok(None) | Err(_) => self.unknown(id, to, turn),
            },
        }
    }
}
