//! What became of an order: its record, and its executions where it has some. That there is none is
//! told only when neither its record nor the open orders show it, both asked for after the last
//! moment at which it could still have arrived.

use std::collections::BTreeMap;

use sandpit_core::{
    engine::{OrderStatus, QueryOrder, VenueEvent},
    ids::{ClientOrderId, InstrumentId},
    time::{Nanos, UnixNanos},
    venue::VenueMessage,
};

use super::{Purpose, Trading, Turn, trades};
use crate::binance::{
    client_id,
    error_code::Outcome,
    gate::{Answered, Ended},
    request::{MyTrades, OrderRef, Request, TRADES_MAX},
    response::{Answer as _, ConvertError, OrderRecord, TradeRecord, venue_order},
};

/// Orders that are asked about at a time. One more is not; the engine asks again.
const QUERIES_MAX: usize = 1_024;
/// How often an answer is put together anew because its parts were of different moments.
const ROUNDS_MAX: u32 = 8;
/// How long the request that places an order is waited for before it is looked at again.
const LOOK_EVERY: Nanos = Nanos::from_millis(250);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Status,
    Open,
    Trades,
}

#[derive(Debug)]
struct Query {
    instrument: InstrumentId,
    /// When it begins; `None` while an answer is waited for.
    at: Option<UnixNanos>,
    started: UnixNanos,
    rounds: u32,
    /// The record, or the list in which it is.
    record: Vec<u8>,
    trades: Vec<Vec<u8>>,
}

/// The orders that are asked about.
#[derive(Debug, Default)]
pub(super) struct Queries(BTreeMap<ClientOrderId, Query>);

impl Queries {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn next(&self) -> Option<UnixNanos> {
        self.0.values().filter_map(|query| query.at).min()
    }
}

/// The record of an order in an answer: alone, or among others.
fn find_record(body: &[u8], id: ClientOrderId) -> Option<OrderRecord<'_>> {
    if let Ok(record) = OrderRecord::decode(body) {
        return Some(record).filter(|one| client_id::parse(&one.client_order_id) == Some(id));
    }
    let list = Vec::<OrderRecord<'_>>::decode(body).ok()?;
    list.into_iter().find(|one| client_id::parse(&one.client_order_id) == Some(id))
}

impl Trading {
    pub(super) fn query(&mut self, asked: QueryOrder, turn: &mut Turn<'_>) {
        let QueryOrder { order, instrument } = asked;
        self.counts.queries += 1;
        // One that is asked about already is answered once.
        if self.queries.0.contains_key(&order) || self.queries.0.len() >= QUERIES_MAX {
            return;
        }
        let query = Query {
            instrument,
            at: Some(turn.now),
            started: turn.now,
            rounds: 0,
            record: Vec::new(),
            trades: Vec::new(),
        };
        self.queries.0.insert(order, query);
        self.queries_due(turn);
    }

    pub(super) fn queries_due(&mut self, turn: &mut Turn<'_>) {
        let due = self.queries.0.iter().filter(|(_, one)| one.at.is_some_and(|at| at <= turn.now));
        let due: Vec<ClientOrderId> = due.map(|(id, _)| *id).collect();
        for id in due {
            self.ask_status(id, turn);
        }
    }

    fn ask_status(&mut self, id: ClientOrderId, turn: &mut Turn<'_>) {
        let Some(query) = self.queries.0.get_mut(&id) else { return };
        if self.orders.get(id).is_some_and(|known| known.placing.is_some()) {
            // Its own answer is still to come.
            query.at = Some(turn.now.plus(LOOK_EVERY));
            return;
        }
        query.at = None;
        query.started = turn.now;
        query.trades.clear();
        query.record.clear();
        let Some(symbol) = self.desk.symbol(query.instrument).map(str::to_owned) else {
            self.queries.0.remove(&id);
            return turn.alert(format!("{id} was asked about, of an instrument that is not here"));
        };
        let request = Request::OrderStatus(&symbol, OrderRef::Client(id));
        if !self.find_out(&request, Purpose::Query(id, Step::Status), turn) {
            self.queries.0.remove(&id);
        }
    }

    /// Begins anew after a pause, or gives up: the engine asks again.
    fn query_again(&mut self, id: ClientOrderId, turn: &mut Turn<'_>) {
        let Some(query) = self.queries.0.get_mut(&id) else { return };
        query.rounds += 1;
        if query.rounds > ROUNDS_MAX {
            self.queries.0.remove(&id);
            return;
        }
        query.at = Some(turn.now.plus(turn.gate.pause(query.rounds)));
    }

    pub(super) fn queried(
        &mut self,
        id: ClientOrderId,
        step: Step,
        ended: Ended,
        turn: &mut Turn<'_>,
    ) {
        let Ended::Answered(answered) = ended else {
            // It was not asked at all.
            self.queries.0.remove(&id);
            return;
        };
        match step {
            Step::Status => self.status_told(id, answered, turn),
            Step::Open => self.open_told(id, answered, turn),
            Step::Trades => self.trades_told(id, answered, turn),
        }
    }

    fn status_told(&mut self, id: ClientOrderId, answered: Answered, turn: &mut Turn<'_>) {
        match answered.judge::<OrderRecord<'_>>(turn.now) {
            Outcome::Confirmed(_) => self.record_told(id, answered.body, turn),
            Outcome::Rejected(no) if no.says_no_such_order() || no.is_archived() => {
                let instrument = self.queries.0.get(&id).map(|query| query.instrument);
                let symbol = instrument.and_then(|id| self.desk.symbol(id)).map(str::to_owned);
                let request = Request::OpenOrders(symbol.as_deref());
                if symbol.is_none()
                    || !self.find_out(&request, Purpose::Query(id, Step::Open), turn)
                {
                    self.queries.0.remove(&id);
                }
            }
            Outcome::Rejected(no) => {
                turn.alert(format!("{id} cannot be asked about: {} ({})", no.message, no.code));
                self.query_again(id, turn);
            }
            _ => self.query_again(id, turn),
        }
    }

    fn open_told(&mut self, id: ClientOrderId, answered: Answered, turn: &mut Turn<'_>) {
        if find_record(&answered.body, id).is_some() {
            return self.record_told(id, answered.body, turn);
        }
        let Outcome::Confirmed(_) = answered.judge::<Vec<OrderRecord<'_>>>(turn.now) else {
            return self.query_again(id, turn);
        };
        // It must have been asked when nothing could be under way any more.
        let born = self.born.unwrap_or(turn.now);
        let sent = self.orders.get(id).map_or(born, |known| known.sent.max(born));
        let last = sent.plus(turn.gate.travel_max()).plus(self.settings.settle);
        let Some(query) = self.queries.0.get_mut(&id) else { return };
        if query.started < last {
            query.at = Some(last);
            return;
        }
        self.queries.0.remove(&id);
        self.orders.close(id);
        let time = turn.gate.venue_now(turn.now);
        let status = OrderStatus { order: id, time, found: None };
        turn.say(VenueMessage::News(VenueEvent::Status(status)));
    }

    fn record_told(&mut self, id: ClientOrderId, body: Vec<u8>, turn: &mut Turn<'_>) {
        let Some(record) = find_record(&body, id) else {
            turn.alert(format!("the venue answers about another order than {id}"));
            return self.query_again(id, turn);
        };
        let (number, symbol) = (record.order_id, record.symbol.to_string());
        let none = record.executed_qty.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        self.note_record(&record);
        let Some(query) = self.queries.0.get_mut(&id) else { return };
        query.record = body;
        if none {
            return self.query_done(id, turn);
        }
        self.ask_trades(id, &symbol, number, None, turn);
    }

    fn ask_trades(
        &mut self,
        id: ClientOrderId,
        symbol: &str,
        number: u64,
        from_trade: Option<u64>,
        turn: &mut Turn<'_>,
    ) {
        let limit = Some(TRADES_MAX);
        let order = Some(number);
        let trades = MyTrades { symbol, order, from_trade, limit, ..MyTrades::default() };
        let request = Request::MyTrades(trades);
        if !self.find_out(&request, Purpose::Query(id, Step::Trades), turn) {
            self.queries.0.remove(&id);
        }
    }

    fn trades_told(&mut self, id: ClientOrderId, answered: Answered, turn: &mut Turn<'_>) {
        let page = match answered.judge::<Vec<TradeRecord<'_>>>(turn.now) {
            Outcome::Confirmed(page) => page,
            _ => return self.query_again(id, turn),
        };
        let next = trades::next_page(&page);
        let of = page.first().map(|trade| (trade.symbol.to_string(), trade.order_id));
        let Some(query) = self.queries.0.get_mut(&id) else { return };
        query.trades.push(answered.body);
        match (next, of) {
            (Some(from), Some((symbol, number))) if query.trades.len() < trades::PAGES_MAX => {
                self.ask_trades(id, &symbol, number, Some(from), turn);
            }
            _ => self.query_done(id, turn),
        }
    }

    /// Puts the answer together.
    fn query_done(&mut self, id: ClientOrderId, turn: &mut Turn<'_>) {
        let Some(query) = self.queries.0.get(&id) else { return };
        let Some(record) = find_record(&query.record, id) else {
            return self.query_again(id, turn);
        };
        let trades = trades::read_all(&query.trades);
        match venue_order(&record, &trades, &self.desk) {
            Ok(Some((found, fees))) => {
                self.queries.0.remove(&id);
                let time = turn.gate.venue_now(turn.now);
                let status = OrderStatus { order: id, time, found: Some(found) };
                turn.say(VenueMessage::News(VenueEvent::Status(status)));
                self.tell_fees(id, fees, turn);
            }
            Ok(None) => self.query_again(id, turn),
            Err(ConvertError::FeeRate { asset, quote }) => {
                self.want_worth(&asset, &quote, turn);
                self.query_again(id, turn);
            }
            // They were of different moments.
            Err(ConvertError::Fills { .. }) => self.query_again(id, turn),
            Err(error) => {
                turn.alert(format!("what the venue says of {id} cannot be taken: {error}"));
                self.query_again(id, turn);
            }
        }
    }
}
