//! The account's books, put together from many answers. They are of different moments, so positions
//! are asked for first and last: where they are the same, nothing traded in between, and what was
//! asked meanwhile fits them. Where they are not, all of it is asked again.

use std::collections::{BTreeMap, BTreeSet};

use sandpit_core::{
    engine::VenueEvent,
    ids::ClientOrderId,
    order::OrderKind,
    time::{Nanos, UnixNanos},
    venue::VenueMessage,
};

use super::{
    desk::{Rules, Step, judged},
    orders::Orders,
};
use crate::{
    binance::{
        client_id,
        error_code::Outcome,
        gate::{Answered, Ended},
        limits::Lane,
        response::{Answer, ConvertError, Desk},
        usdm::{
            convert::algo_kind,
            error_code::says_no_such_order,
            request::{OrderRef, ROWS_MAX, Request, UserTrades},
            response::{AlgoRecord, OrderRecord, PositionRecord, UserTrade},
        },
    },
    machine::{CallId, Output},
};

mod snapshot;

/// How far back own trades can be asked for: three months, by the change log of 2026-08-26.
const BACK_MAX: Nanos = Nanos(89 * 86_400 * Nanos::SECOND.0);
/// The longest time of one question for own trades.
const WINDOW: Nanos = Nanos(7 * 86_400 * Nanos::SECOND.0);
/// Pages of one symbol's own trades.
const PAGES_MAX: usize = 200;
/// Orders whose names are asked for in one comparison.
const NAMES_MAX: usize = 500;
/// How often everything is asked again before a person is told.
const ROUNDS_MAX: u32 = 6;

/// One answer that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    First,
    Last,
    Open,
    Algos,
    Trades(String),
    /// The name of an order, by symbol and number.
    Name(String, u64),
    /// What an order of ours waited for.
    Waited(ClientOrderId),
    /// The trades of one open order, those from before `since` among them.
    Of,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Middle,
    Names,
    Last,
}

/// A comparison that is under way.
#[derive(Debug)]
struct Round {
    since: UnixNanos,
    stage: Stage,
    /// The venue's time when positions were asked for last.
    time: UnixNanos,
    rounds: u32,
    calls: BTreeMap<CallId, Part>,
    first: Vec<u8>,
    last: Vec<u8>,
    open: Vec<Vec<u8>>,
    algos: Vec<Vec<u8>>,
    trades: Vec<Vec<u8>>,
    pages: usize,
    /// What orders waited for that are in the matching engine now.
    waited: BTreeMap<ClientOrderId, OrderKind>,
}

/// Comparisons of the books.
#[derive(Debug, Default)]
pub(super) struct Books {
    round: Option<Round>,
    /// Since when the next is wanted.
    wanted: Option<UnixNanos>,
    at: Option<UnixNanos>,
    failed: u32,
    pub(super) told: u64,
    pub(super) repeated: u64,
}

const fn millis(time: UnixNanos) -> u64 {
    time.0 / 1_000_000
}

impl Books {
    pub(super) fn owns_call(&self, call: CallId) -> bool {
        self.round.as_ref().is_some_and(|round| round.calls.contains_key(&call))
    }

    /// The books are wanted, with all that was executed since then.
    pub(super) fn want(&mut self, since: UnixNanos, step: &mut Step<'_>) {
        let before = self.wanted.unwrap_or(since);
        self.wanted = Some(before.min(since));
        self.on_time(step);
    }

    pub(super) const fn next_wake(&self) -> Option<UnixNanos> {
        match (self.wanted, &self.round) {
            (Some(_), None) => self.at,
            _ => None,
        }
    }

    pub(super) fn on_time(&mut self, step: &mut Step<'_>) {
        if self.round.is_some() || self.at.is_some_and(|at| at > step.now) {
            return;
        }
        if let Some(since) = self.wanted.take() {
            self.at = None;
            self.begin(since, 0, step);
        }
    }

    fn begin(&mut self, since: UnixNanos, rounds: u32, step: &mut Step<'_>) {
        let mut round = Round {
            since,
            stage: Stage::First,
            time: step.venue_now(),
            rounds,
            calls: BTreeMap::new(),
            first: Vec::new(),
            last: Vec::new(),
            open: Vec::new(),
            algos: Vec::new(),
            trades: Vec::new(),
            pages: 0,
            waited: BTreeMap::new(),
        };
        round.ask(Part::First, &Request::Positions(None), step);
        self.round = Some(round);
    }

    /// Gives up this round, and asks again after a pause.
    fn again(&mut self, why: &str, step: &mut Step<'_>) {
        let Some(round) = self.round.take() else { return };
        for call in round.calls.keys() {
            crate::binance::gate::Asks::forget(step.gate, *call);
        }
        self.repeated += 1;
        self.failed = self.failed.saturating_add(1);
        if round.rounds.max(self.failed) % ROUNDS_MAX == ROUNDS_MAX - 1 {
            step.alert(format!("the account's books cannot be compared: {why}"));
        }
        let before = self.wanted.unwrap_or(round.since);
        self.wanted = Some(before.min(round.since));
        self.at = Some(step.now.plus(step.gate.pause(self.failed)));
    }

    pub(super) fn ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        rules: &Rules,
        orders: &mut Orders,
        step: &mut Step<'_>,
    ) {
        let Some(part) = self.round.as_mut().and_then(|round| round.calls.remove(&call)) else {
            return;
        };
        let Ended::Answered(answered) = ended else {
            return self.again("a question was not sent", step);
        };
        let Some(round) = &mut self.round else { return };
        if let Err(why) = round.take(part, answered, rules, orders, step) {
            return self.again(&why, step);
        }
        while self.round.as_ref().is_some_and(|round| round.calls.is_empty()) {
            if self.advance(rules, orders, step) {
                return;
            }
        }
    }

    /// The next stage; `true` where there is none any more.
    fn advance(&mut self, rules: &Rules, orders: &mut Orders, step: &mut Step<'_>) -> bool {
        let Some(round) = &mut self.round else { return true };
        match round.stage {
            Stage::First => {
                round.stage = Stage::Middle;
                round.ask_middle(rules, step);
            }
            Stage::Middle => {
                round.stage = Stage::Names;
                if let Err(why) = round.ask_names(rules, orders, step) {
                    self.again(&why.to_string(), step);
                    return true;
                }
            }
            Stage::Names => {
                round.stage = Stage::Last;
                round.time = step.venue_now();
                round.ask(Part::Last, &Request::Positions(None), step);
            }
            Stage::Last => {
                match round.snapshot(rules, orders) {
                    Ok(Some(snapshot)) => {
                        self.told += 1;
                        self.failed = 0;
                        self.round = None;
                        let news = VenueEvent::Snapshot(snapshot);
                        step.out.push(Output::Say(VenueMessage::News(news)));
                        self.on_time(step);
                    }
                    Ok(None) => self.again("positions change while they are asked for", step),
                    Err(error) => self.again(&error.to_string(), step),
                }
                return true;
            }
        }
        false
    }
}

fn decoded<'a, T: Answer<'a>>(bytes: &'a [u8]) -> Result<T, ConvertError> {
    T::decode(bytes).map_err(|_| ConvertError::Contradiction { what: "an answer cannot be read" })
}

impl Round {
    fn ask(&mut self, part: Part, request: &Request<'_>, step: &mut Step<'_>) {
        if let Ok(call) = step.ask(Lane::Reconcile, 0, request) {
            self.calls.insert(call, part);
        }
    }

    fn ask_middle(&mut self, rules: &Rules, step: &mut Step<'_>) {
        let now = step.venue_now();
        let earliest = UnixNanos(now.0.saturating_sub(BACK_MAX.0));
        for (_, instrument) in rules.all() {
            let symbol = instrument.spec().symbol.as_str();
            self.ask(Part::Open, &Request::OpenOrders(Some(symbol)), step);
            self.ask(Part::Algos, &Request::OpenAlgos(Some(symbol)), step);
            let mut from = self.since.max(earliest);
            loop {
                let last = now.since(from) <= WINDOW;
                let trades = UserTrades {
                    symbol,
                    start_ms: Some(millis(from)),
                    end_ms: (!last).then(|| millis(from.plus(WINDOW))),
                    limit: Some(ROWS_MAX),
                    ..UserTrades::default()
                };
                let part = Part::Trades(symbol.to_owned());
                self.ask(part, &Request::UserTrades(trades), step);
                if last {
                    break;
                }
                from = from.plus(WINDOW);
            }
        }
    }

    fn take(
        &mut self,
        part: Part,
        answered: &Answered,
        rules: &Rules,
        orders: &mut Orders,
        step: &mut Step<'_>,
    ) -> Result<(), String> {
        let now = step.now;
        let body = || answered.body.clone();
        let check = |outcome: Outcome<()>| match outcome {
            Outcome::Confirmed(()) => Ok(()),
            Outcome::Rejected(refusal) => Err(format!("{} ({})", refusal.message, refusal.code)),
            _ => Err("an answer cannot be read".to_owned()),
        };
        match part {
            Part::First => {
                check(only(judged::<Vec<PositionRecord<'_>>>(answered, now)))?;
                self.first = body();
            }
            Part::Last => {
                check(only(judged::<Vec<PositionRecord<'_>>>(answered, now)))?;
                self.last = body();
            }
            Part::Open => {
                check(only(judged::<Vec<OrderRecord<'_>>>(answered, now)))?;
                self.open.push(body());
            }
            Part::Algos => {
                check(only(judged::<Vec<AlgoRecord<'_>>>(answered, now)))?;
                self.algos.push(body());
            }
            Part::Of => {
                check(only(judged::<Vec<UserTrade<'_>>>(answered, now)))?;
                self.trades.push(body());
            }
            Part::Trades(symbol) => {
                check(only(judged::<Vec<UserTrade<'_>>>(answered, now)))?;
                self.next_page(&symbol, &answered.body, step)?;
                self.trades.push(body());
            }
            Part::Name(symbol, number) => match judged::<OrderRecord<'_>>(answered, now) {
                Outcome::Confirmed(record) => {
                    orders.number(&symbol, number, client_id::parse(&record.client_order_id));
                }
                // So old that it is put away: nobody's of this run.
                Outcome::Rejected(refusal) if says_no_such_order(refusal.code) => {
                    orders.number(&symbol, number, None);
                }
                other => check(only(other))?,
            },
            Part::Waited(order) => match judged::<AlgoRecord<'_>>(answered, now) {
                Outcome::Confirmed(record) => {
                    let (_, instrument) = rules
                        .instrument(&record.symbol)
                        .ok_or_else(|| "a symbol that is not traded here".to_owned())?;
                    let kind = algo_kind(&record, instrument).map_err(|e| e.to_string())?;
                    self.waited.insert(order, kind);
                }
                Outcome::Rejected(refusal) if says_no_such_order(refusal.code) => {}
                other => check(only(other))?,
            },
        }
        Ok(())
    }

    /// A full page of trades has another behind it.
    fn next_page(&mut self, symbol: &str, body: &[u8], step: &mut Step<'_>) -> Result<(), String> {
        let rows: Vec<UserTrade<'_>> = decoded(body).map_err(|error| error.to_string())?;
        let full = u32::try_from(rows.len()).is_ok_and(|rows| rows >= ROWS_MAX);
        let Some(last) = rows.iter().map(|row| row.id).max().filter(|_| full) else {
            return Ok(());
        };
        self.pages += 1;
        if self.pages > PAGES_MAX {
            return Err(format!("more trades than {PAGES_MAX} pages hold"));
        }
        let trades = UserTrades {
            symbol,
            from_trade: u64::try_from(last).ok().map(|last| last + 1),
            limit: Some(ROWS_MAX),
            ..UserTrades::default()
        };
        self.ask(Part::Trades(symbol.to_owned()), &Request::UserTrades(trades), step);
        Ok(())
    }

    /// Asks whose trades those are that are not known, and for what is missing of open orders.
    fn ask_names(
        &mut self,
        rules: &Rules,
        orders: &mut Orders,
        step: &mut Step<'_>,
    ) -> Result<(), ConvertError> {
        let (open, trades) = (std::mem::take(&mut self.open), std::mem::take(&mut self.trades));
        let result = self.ask_names_of(&open, &trades, rules, orders, step);
        (self.open, self.trades) = (open, trades);
        result
    }

    fn ask_names_of(
        &mut self,
        open: &[Vec<u8>],
        trades: &[Vec<u8>],
        rules: &Rules,
        orders: &mut Orders,
        step: &mut Step<'_>,
    ) -> Result<(), ConvertError> {
        for body in open {
            for record in decoded::<Vec<OrderRecord<'_>>>(body)? {
                let order = client_id::parse(&record.client_order_id);
                orders.number(&record.symbol, record.order_id, order);
                let Some(order) = order else { continue };
                match orders.get(order) {
                    Some(known) if known.is_conditional() => {
                        self.waited.insert(order, known.order.kind);
                    }
                    Some(_) => {}
                    None => {
                        let request = Request::AlgoStatus(OrderRef::Client(order));
                        self.ask(Part::Waited(order), &request, step);
                    }
                }
                let executed = !crate::binance::response::is_zero(Some(record.executed_qty));
                if executed {
                    let of = UserTrades {
                        symbol: &record.symbol,
                        order: Some(record.order_id),
                        limit: Some(ROWS_MAX),
                        ..UserTrades::default()
                    };
                    self.ask(Part::Of, &Request::UserTrades(of), step);
                }
            }
        }
        let mut asked = BTreeSet::new();
        for body in trades {
            for trade in decoded::<Vec<UserTrade<'_>>>(body)? {
                let unknown = orders.by_number(&trade.symbol, trade.order_id).is_none();
                let here = rules.instrument(&trade.symbol).is_some();
                if unknown && here && asked.len() < NAMES_MAX {
                    asked.insert((trade.symbol.to_string(), trade.order_id));
                }
            }
        }
        for (symbol, number) in asked {
            let request = Request::OrderStatus(&symbol, OrderRef::Venue(number));
            self.ask(Part::Name(symbol.clone(), number), &request, step);
        }
        Ok(())
    }
}

fn only<T>(outcome: Outcome<T>) -> Outcome<()> {
    match outcome {
        Outcome::Confirmed(_) => Outcome::Confirmed(()),
        Outcome::Rejected(refusal) => Outcome::Rejected(refusal),
        Outcome::Unknown(cause) => Outcome::Unknown(cause),
        Outcome::RateLimited { until, orders_only } => Outcome::RateLimited { until, orders_only },
        Outcome::Banned { until } => Outcome::Banned { until },
    }
}
