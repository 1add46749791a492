//! The account's books of one moment: what it has, which orders are open, and every execution since
//! a time.
//!
//! The venue shows them by several answers. So the account is asked first and last: where both say
//! the same, nothing has happened between, and all that was asked meanwhile is of that moment. Where
//! they differ everything is asked again, a bounded number of times.

use std::collections::{BTreeMap, BTreeSet};

use sandpit_core::{
    engine::Reconcile,
    ids::InstrumentId,
    time::{Nanos, UnixNanos},
};

use super::{Purpose, Trading, Turn, trades};
use crate::binance::{
    error_code::Outcome,
    gate::{Answered, Ended},
    request::{MyTrades, OrderRef, Request, TRADES_MAX},
    response::{AccountAnswer, OrderRecord, TradeRecord},
    time::time,
};

mod assemble;

/// Details (orders by their number, executions of one order) that are asked about for one showing.
const DETAILS_MAX: usize = 512;
/// How far back own trades are looked at.
const SINCE_MAX: Nanos = Nanos(400 * 86_400 * Nanos::SECOND.0);
/// The longest time that own trades can be asked about at once.
const WINDOW: Nanos = Nanos(86_400 * Nanos::SECOND.0 - 1_000_000);

/// One question of a showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Of which showing.
    run: u64,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    First,
    Open(InstrumentId),
    /// Own trades from this stamp on (ns), or from this number on.
    Since(InstrumentId, UnixNanos),
    From(InstrumentId, u64),
    /// Whose an order is, by its number.
    Whose(InstrumentId, u64),
    /// Executions of one order.
    OfOrder(InstrumentId, u64),
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Lists,
    Details,
    Last,
}

/// One showing.
#[derive(Debug)]
struct Run {
    since: UnixNanos,
    stage: Stage,
    /// Answers that are waited for.
    pending: usize,
    /// A moment at which nothing happened, by the venue's clock.
    time: UnixNanos,
    first: Vec<u8>,
    last: Vec<u8>,
    open: BTreeMap<InstrumentId, Vec<u8>>,
    trades: BTreeMap<InstrumentId, Vec<Vec<u8>>>,
    of_order: BTreeMap<(InstrumentId, u64), Vec<Vec<u8>>>,
}

/// The books.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// From when on they are wanted.
    wanted: Option<UnixNanos>,
    at: Option<UnixNanos>,
    tries: u32,
    number: u64,
    run: Option<Run>,
}

impl Books {
    pub(super) fn next(&self) -> Option<UnixNanos> {
        self.at.filter(|_| self.wanted.is_some() && self.run.is_none())
    }
}

impl Trading {
    pub(super) fn reconcile(&mut self, asked: Reconcile, turn: &mut Turn<'_>) {
        let books = &mut self.books;
        books.wanted = Some(books.wanted.map_or(asked.since, |before| before.min(asked.since)));
        if books.run.is_none() {
            books.at.get_or_insert(turn.now);
        }
        self.books_due(turn);
    }

    pub(super) fn books_due(&mut self, turn: &mut Turn<'_>) {
        // What happens between the books and the first own event would be missed.
        let waits = self.begun && !self.live;
        if waits || self.books.next().is_none_or(|at| at > turn.now) {
            return;
        }
        let Some(mut since) = self.books.wanted.take() else { return };
        let oldest = UnixNanos(turn.gate.venue_now(turn.now).0.saturating_sub(SINCE_MAX.0));
        if since < oldest {
            turn.alert("own trades of more than 400 days ago are not looked at".to_owned());
            since = oldest;
        }
        self.books.at = None;
        self.books.number += 1;
        self.books.run = Some(Run {
            since,
            stage: Stage::First,
            pending: 0,
            time: UnixNanos(0),
            first: Vec::new(),
            last: Vec::new(),
            open: BTreeMap::new(),
            trades: BTreeMap::new(),
            of_order: BTreeMap::new(),
        });
        self.ask_part(Part::First, &Request::Account { omit_zero_balances: true }, turn);
    }

    fn ask_part(&mut self, part: Part, request: &Request<'_>, turn: &mut Turn<'_>) {
        let step = Step { run: self.books.number, part };
        if self.find_out(request, Purpose::Books(step), turn) {
            if let Some(run) = &mut self.books.run {
                run.pending += 1;
            }
        } else {
            self.books_fail(turn);
        }
    }

    /// This showing is given up, and another begins after a pause, unless there were too many.
    fn books_fail(&mut self, turn: &mut Turn<'_>) {
        let Some(run) = self.books.run.take() else { return };
        self.books.tries += 1;
        self.counts.books_again += 1;
        if self.books.tries >= self.settings.books_tries {
            self.counts.books_given_up += 1;
            self.books.tries = 0;
            // Whoever asked meanwhile is still to be answered.
            if self.books.wanted.is_some() {
                self.books.at = Some(turn.now.plus(turn.gate.pause(self.settings.books_tries)));
            }
            return;
        }
        let since = self.books.wanted.map_or(run.since, |wanted| wanted.min(run.since));
        self.books.wanted = Some(since);
        self.books.at = Some(turn.now.plus(turn.gate.pause(self.books.tries)));
    }

    pub(super) fn booked(&mut self, step: Step, ended: Ended, turn: &mut Turn<'_>) {
        let Some(run) = self.books.run.as_mut().filter(|_| step.run == self.books.number) else {
            return;
        };
        run.pending = run.pending.saturating_sub(1);
        let Ended::Answered(answered) = ended else {
            return self.books_fail(turn);
        };
        let taken = match step.part {
            Part::First => self.first_told(answered, turn),
            Part::Last => self.last_told(answered, turn),
            Part::Open(instrument) => self.open_orders_told(instrument, answered, turn),
            Part::Since(instrument, from) => {
                self.window_told(instrument, Some(from), answered, turn)
            }
            Part::From(instrument, _) => self.window_told(instrument, None, answered, turn),
            Part::Whose(instrument, number) => self.whose_told(instrument, number, &answered, turn),
            Part::OfOrder(instrument, number) => {
                self.of_order_told(instrument, number, answered, turn)
            }
        };
        if !taken {
            return self.books_fail(turn);
        }
        self.next_stage(turn);
    }

    fn first_told(&mut self, answered: Answered, turn: &mut Turn<'_>) -> bool {
        let Outcome::Confirmed(account) = answered.judge::<AccountAnswer<'_>>(turn.now) else {
            return false;
        };
        self.note_account(&account);
        let Some(run) = &mut self.books.run else { return false };
        run.first = answered.body;
        run.time = turn.gate.venue_now(turn.now);
        run.stage = Stage::Lists;
        let since = run.since;
        let symbols: Vec<(InstrumentId, String)> = self
            .desk
            .all()
            .map(|(id, instrument)| (id, instrument.spec().symbol.clone()))
            .collect();
        for (instrument, symbol) in symbols {
            self.ask_part(Part::Open(instrument), &Request::OpenOrders(Some(&symbol)), turn);
            self.ask_window(instrument, since, turn);
        }
        true
    }

    fn ask_window(&mut self, instrument: InstrumentId, from: UnixNanos, turn: &mut Turn<'_>) {
        let Some(symbol) = self.desk.symbol(instrument).map(str::to_owned) else { return };
        let trades = MyTrades {
            symbol: &symbol,
            start_ms: Some(from.0 / 1_000_000),
            end_ms: Some(from.plus(WINDOW).0 / 1_000_000),
            limit: Some(TRADES_MAX),
            ..MyTrades::default()
        };
        self.ask_part(Part::Since(instrument, from), &Request::MyTrades(trades), turn);
    }

    fn ask_from(&mut self, instrument: InstrumentId, number: u64, turn: &mut Turn<'_>) {
        let Some(symbol) = self.desk.symbol(instrument).map(str::to_owned) else { return };
        let trades = MyTrades {
            symbol: &symbol,
            from_trade: Some(number),
            limit: Some(TRADES_MAX),
            ..MyTrades::default()
        };
        self.ask_part(Part::From(instrument, number), &Request::MyTrades(trades), turn);
    }

    fn open_orders_told(
        &mut self,
        instrument: InstrumentId,
        answered: Answered,
        turn: &mut Turn<'_>,
    ) -> bool {
        let Outcome::Confirmed(shown) = answered.judge::<Vec<OrderRecord<'_>>>(turn.now) else {
            return false;
        };
        for record in &shown {
            self.note_record(record);
        }
        let Some(run) = &mut self.books.run else { return false };
        run.open.insert(instrument, answered.body);
        true
    }

    /// A page of own trades: of a time that begins with `from`, or from a number on.
    fn window_told(
        &mut self,
        instrument: InstrumentId,
        from: Option<UnixNanos>,
        answered: Answered,
        turn: &mut Turn<'_>,
    ) -> bool {
        let Outcome::Confirmed(page) = answered.judge::<Vec<TradeRecord<'_>>>(turn.now) else {
            return false;
        };
        let (next, full) = (trades::after(&page), trades::is_full(&page));
        let end = from.map(|from| from.plus(WINDOW));
        let covers_now = end.is_none_or(|end| end > turn.gate.venue_now(turn.now));
        let Some(run) = &mut self.books.run else { return false };
        let pages = run.trades.entry(instrument).or_default();
        if next.is_some() {
            pages.push(answered.body);
        }
        if pages.len() > trades::PAGES_MAX {
            turn.alert("there are too many own trades to show the books".to_owned());
            return false;
        }
        match (next, end) {
            // From a number on, the venue shows all there are.
            (Some(next), _) if full || !covers_now => self.ask_from(instrument, next, turn),
            (None, Some(end)) if !covers_now => self.ask_window(instrument, end, turn),
            _ => {}
        }
        true
    }

    fn whose_told(
        &mut self,
        instrument: InstrumentId,
        number: u64,
        answered: &Answered,
        turn: &mut Turn<'_>,
    ) -> bool {
        match answered.judge::<OrderRecord<'_>>(turn.now) {
            Outcome::Confirmed(record) if record.order_id == number => {
                self.note_record(&record);
                true
            }
            // It has traded, and the venue does not show it: nobody of this run.
            Outcome::Rejected(no) if no.says_no_such_order() || no.is_archived() => {
                self.desk.note_number(instrument, number, None);
                true
            }
            _ => false,
        }
    }

    fn of_order_told(
        &mut self,
        instrument: InstrumentId,
        number: u64,
        answered: Answered,
        turn: &mut Turn<'_>,
    ) -> bool {
        let Outcome::Confirmed(page) = answered.judge::<Vec<TradeRecord<'_>>>(turn.now) else {
            return false;
        };
        let next = trades::next_page(&page);
        let Some(run) = &mut self.books.run else { return false };
        let pages = run.of_order.entry((instrument, number)).or_default();
        pages.push(answered.body);
        if pages.len() > trades::PAGES_MAX {
            return false;
        }
        if let Some(next) = next {
            self.ask_of_order(instrument, number, Some(next), turn);
        }
        true
    }

    fn ask_of_order(
        &mut self,
        instrument: InstrumentId,
        number: u64,
        from_trade: Option<u64>,
        turn: &mut Turn<'_>,
    ) {
        let Some(symbol) = self.desk.symbol(instrument).map(str::to_owned) else { return };
        let trades = MyTrades {
            symbol: &symbol,
            order: Some(number),
            from_trade,
            limit: Some(TRADES_MAX),
            ..MyTrades::default()
        };
        self.ask_part(Part::OfOrder(instrument, number), &Request::MyTrades(trades), turn);
    }

    fn last_told(&mut self, answered: Answered, turn: &mut Turn<'_>) -> bool {
        if !matches!(answered.judge::<AccountAnswer<'_>>(turn.now), Outcome::Confirmed(_)) {
            return false;
        }
        let Some(run) = &mut self.books.run else { return false };
        run.last = answered.body;
        true
    }

    /// Goes on where everything of a stage is there.
    fn next_stage(&mut self, turn: &mut Turn<'_>) {
        let Some(run) = &mut self.books.run else { return };
        if run.pending > 0 {
            return;
        }
        if run.stage == Stage::Lists {
            run.stage = Stage::Details;
            if !self.ask_details(turn) {
                return self.books_fail(turn);
            }
        }
        let Some(run) = &mut self.books.run else { return };
        if run.stage == Stage::Details && run.pending == 0 {
            run.stage = Stage::Last;
            return self.ask_part(Part::Last, &Request::Account { omit_zero_balances: true }, turn);
        }
        if run.stage == Stage::Last && run.pending == 0 {
            self.show_books(turn);
        }
    }

    /// Asks what the lists leave open: whose a number is, and executions before the time that was
    /// asked for.
    fn ask_details(&mut self, turn: &mut Turn<'_>) -> bool {
        let Some(run) = &self.books.run else { return false };
        let (mut whose, mut of_order) = (BTreeSet::new(), BTreeSet::new());
        for (instrument, pages) in &run.trades {
            for trade in trades::read_all(pages) {
                if self.desk.whose(*instrument, trade.order_id).is_none() {
                    whose.insert((*instrument, trade.order_id));
                }
            }
        }
        for (instrument, body) in &run.open {
            for record in assemble::records(body) {
                let own = self.desk.whose(*instrument, record.order_id).flatten().is_some();
                let before = time(record.time).is_none_or(|at| at < run.since);
                if own && before {
                    of_order.insert((*instrument, record.order_id));
                }
            }
        }
        if whose.len() + of_order.len() > DETAILS_MAX {
            turn.alert("there are too many orders to show the books".to_owned());
            return false;
        }
        for (instrument, number) in whose {
            let Some(symbol) = self.desk.symbol(instrument).map(str::to_owned) else { continue };
            let request = Request::OrderStatus(&symbol, OrderRef::Venue(number));
            self.ask_part(Part::Whose(instrument, number), &request, turn);
        }
        for (instrument, number) in of_order {
            self.ask_of_order(instrument, number, None, turn);
        }
        self.books.run.is_some()
    }
}
