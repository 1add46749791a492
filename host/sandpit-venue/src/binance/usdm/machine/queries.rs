//! What became of one order: asked of the algo service and of the matching engine, by our name. That
//! there is none is said only where both say so.

use std::collections::BTreeMap;

use sandpit_core::{
    engine::{OrderStatus, QueryOrder, VenueEvent, VenueOrder},
    ids::ClientOrderId,
    time::UnixNanos,
    venue::{FeePaid, VenueMessage},
};

use super::{
    super::{
        convert::{algo_kind, algo_order, engine_order},
        error_code::says_no_such_order,
        request::{OrderRef, ROWS_MAX, Request, UserTrades},
        response::{AlgoRecord, OrderRecord, UserTrade},
    },
    desk::{Rules, Step, judged},
    orders::Orders,
};
use crate::{
    binance::{
        client_id,
        error_code::Outcome,
        gate::{Answered, Ended},
        limits::Lane,
        response::{Answer, ConvertError, is_zero},
    },
    machine::{CallId, Output},
};

/// One answer that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Algo,
    Engine,
    Trades,
}

/// What one place said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    NoSuchOrder,
    There(Vec<u8>),
}

#[derive(Debug)]
struct Query {
    asked: QueryOrder,
    /// The venue's time when the older question but that for trades was sent.
    time: UnixNanos,
    algo: Said,
    engine: Said,
    trades: Said,
    /// Whether the engine was asked by its own number, too.
    by_number: bool,
}

/// Questions that are under way.
#[derive(Debug, Default)]
pub(super) struct Queries {
    queries: BTreeMap<ClientOrderId, Query>,
    calls: BTreeMap<CallId, (ClientOrderId, Part)>,
    pub(super) told: u64,
}

impl Queries {
    pub(super) fn owns_call(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    fn ask(
        &mut self,
        order: ClientOrderId,
        part: Part,
        request: &Request<'_>,
        step: &mut Step<'_>,
    ) {
        if let Ok(call) = step.ask(Lane::Reconcile, 0, request) {
            self.calls.insert(call, (order, part));
        }
    }

    pub(super) fn begin(&mut self, asked: QueryOrder, rules: &Rules, step: &mut Step<'_>) {
        let Some(instrument) = rules.get(asked.instrument) else { return };
        if self.queries.contains_key(&asked.order) {
            return;
        }
        let query = Query {
            asked,
            time: UnixNanos(u64::MAX),
            algo: Said::Nothing,
            engine: Said::Nothing,
            trades: Said::Nothing,
            by_number: false,
        };
        self.queries.insert(asked.order, query);
        let name = OrderRef::Client(asked.order);
        let symbol = instrument.spec().symbol.as_str();
        self.ask(asked.order, Part::Algo, &Request::AlgoStatus(name), step);
        self.ask(asked.order, Part::Engine, &Request::OrderStatus(symbol, name), step);
    }

    pub(super) fn ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        rules: &Rules,
        orders: &mut Orders,
        step: &mut Step<'_>,
    ) {
        let Some((order, part)) = self.calls.remove(&call) else { return };
        let Some(query) = self.queries.get_mut(&order) else { return };
        let Ended::Answered(answered) = ended else {
            // Silence is no answer; the host asks again.
            self.queries.remove(&order);
            return;
        };
        let said = match part {
            Part::Algo => said::<AlgoRecord<'_>>(answered, step),
            Part::Engine => said::<OrderRecord<'_>>(answered, step),
            Part::Trades => said::<Vec<UserTrade<'_>>>(answered, step),
        };
        let Some(said) = said else {
            self.queries.remove(&order);
            return;
        };
        match part {
            Part::Algo => query.algo = said,
            Part::Engine => query.engine = said,
            Part::Trades => query.trades = said,
        }
        if part != Part::Trades {
            // What the older of the two said is as old as that.
            query.time = query.time.min(step.gate.venue_now(answered.sent));
        }
        if !self.calls.values().any(|(waiting, _)| *waiting == order) {
            self.go_on(order, rules, orders, step);
        }
    }

    /// All that was asked is there: asks for what is missing, or tells.
    fn go_on(
        &mut self,
        order: ClientOrderId,
        rules: &Rules,
        orders: &mut Orders,
        step: &mut Step<'_>,
    ) {
        let Some(query) = self.queries.get_mut(&order) else { return };
        let Some(instrument) = rules.get(query.asked.instrument) else { return };
        let symbol = instrument.spec().symbol.clone();
        match query.missing() {
            Ok(Some(Missing::ByNumber(number))) => {
                query.by_number = true;
                query.engine = Said::Nothing;
                let request = Request::OrderStatus(&symbol, OrderRef::Venue(number));
                self.ask(order, Part::Engine, &request, step);
            }
            Ok(Some(Missing::Trades(number))) => {
                let trades = UserTrades {
                    symbol: &symbol,
                    order: Some(number),
                    limit: Some(ROWS_MAX),
                    ..UserTrades::default()
                };
                self.ask(order, Part::Trades, &Request::UserTrades(trades), step);
            }
            Ok(None) => {
                let Some(query) = self.queries.remove(&order) else { return };
                match query.result(rules, orders) {
                    Ok((found, fees)) => {
                        self.told += 1;
                        for fee in fees {
                            step.out.push(Output::Say(VenueMessage::FeePaid(fee)));
                        }
                        let status = OrderStatus { order, time: query.time, found };
                        let news = VenueEvent::Status(status);
                        step.out.push(Output::Say(VenueMessage::News(news)));
                    }
                    // The two answers are of different moments; the host asks again.
                    Err(ConvertError::Fills { .. }) => {}
                    Err(error) => {
                        step.alert(format!("what became of {order} cannot be read: {error}"))
                    }
                }
            }
            Err(error) => {
                self.queries.remove(&order);
                step.alert(format!("what became of {order} cannot be read: {error}"));
            }
        }
    }
}

enum Missing {
    /// The engine does not know the name, and the algo service says its number.
    ByNumber(u64),
    Trades(u64),
}

fn decoded<'a, T: Answer<'a>>(bytes: &'a [u8]) -> Result<T, ConvertError> {
    T::decode(bytes).map_err(|_| ConvertError::Contradiction { what: "an answer cannot be read" })
}

impl Query {
    fn algo_record(&self) -> Result<Option<AlgoRecord<'_>>, ConvertError> {
        match &self.algo {
            Said::There(body) => decoded(body).map(Some),
            Said::Nothing | Said::NoSuchOrder => Ok(None),
        }
    }

    fn engine_record(&self) -> Result<Option<OrderRecord<'_>>, ConvertError> {
        match &self.engine {
            Said::There(body) => decoded(body).map(Some),
            Said::Nothing | Said::NoSuchOrder => Ok(None),
        }
    }

    fn missing(&self) -> Result<Option<Missing>, ConvertError> {
        if let Some(record) = self.engine_record()? {
            let filled = !is_zero(Some(record.executed_qty));
            return Ok((filled && self.trades == Said::Nothing)
                .then_some(Missing::Trades(record.order_id)));
        }
        let number = self.algo_record()?.and_then(|record| record.engine_id());
        Ok(number.filter(|_| !self.by_number).map(Missing::ByNumber))
    }

    fn result(
        &self,
        rules: &Rules,
        orders: &mut Orders,
    ) -> Result<(Option<VenueOrder>, Vec<FeePaid>), ConvertError> {
        let order = self.asked.order;
        let algo = self.algo_record()?;
        let Some(record) = self.engine_record()? else {
            let Some(algo) = algo else { return Ok((None, Vec::new())) };
            // Where the engine has put it away, by name and by number, it ended without a fill.
            check_name(&algo.client_algo_id, order)?;
            return Ok((Some(algo_order(order, &algo, rules)?), Vec::new()));
        };
        let waited = match (&algo, rules.get(self.asked.instrument)) {
            (Some(algo), Some(instrument)) => Some(algo_kind(algo, instrument)?),
            _ => None,
        };
        if waited.is_none() {
            check_name(&record.client_order_id, order)?;
        }
        orders.number(&record.symbol, record.order_id, Some(order));
        let trades = match &self.trades {
            Said::There(body) => decoded::<Vec<UserTrade<'_>>>(body)?,
            Said::Nothing | Said::NoSuchOrder => Vec::new(),
        };
        let (found, fees) = engine_order(order, &record, waited, &trades, rules)?;
        Ok((Some(found), fees))
    }
}

fn check_name(name: &str, order: ClientOrderId) -> Result<(), ConvertError> {
    if client_id::parse(name) == Some(order) {
        Ok(())
    } else {
        Err(ConvertError::Contradiction { what: "the answer is about another order" })
    }
}

/// What an answer says; `None` where it says nothing that can be believed.
fn said<'a, T: Answer<'a>>(answered: &'a Answered, step: &Step<'_>) -> Option<Said> {
    match judged::<T>(answered, step.now) {
        Outcome::Confirmed(_) => Some(Said::There(answered.body.clone())),
        Outcome::Rejected(refusal) if says_no_such_order(refusal.code) => Some(Said::NoSuchOrder),
        _ => None,
    }
}
