//! Orders on Binance Spot: they are placed, canceled and asked about, own events are told, and the
//! account's books are shown. Pure, as everything here; what is asked goes through the gate.
//!
//! **Architecture invariant:** every request about an order is answered or reported, once: done,
//! refused, or unknown. Only the venue's word is a refusal, or the certainty that nothing left us.
//!
//! **Architecture invariant:** no client order id is placed twice. An order is placed only while own
//! events are listened to.
//!
//! **Architecture invariant:** that the venue has no such order is told only when it can no longer
//! arrive: its time to travel is over, and the venue's time to take it in.
//!
//! Not here: what the engine makes of it, market data, how requests are sent.

mod books;
mod desk;
mod events;
mod known;
mod orders;
mod placed;
mod queries;
mod state;
mod trades;
mod watch;
mod worth;

pub use desk::Listed;

use std::collections::BTreeMap;

use sandpit_core::{
    engine::VenueEvent,
    ids::{ClientOrderId, InstrumentId},
    time::{Nanos, UnixNanos},
    venue::{Answer, Asked, FeePaid, Outcome, Refusal, VenueMessage, VenueRequest},
};

use self::{
    books::Books, desk::Book, events::Seen, known::Orders, queries::Queries, state::State,
    watch::Suspects, worth::Held,
};
use super::{
    error_code::{self, Rejection},
    filters::Filter,
    gate::{Ended, Gate, Wish},
    limits::Lane,
    request::{OrderOptions, Request},
    response,
};
use crate::{
    gauges::{BookGauges, Gauges, OrderGauges, OwnEvents},
    machine::{CallId, LinkId, Notice, Output},
};

/// What is set about orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What goes with every order.
    pub options: OrderOptions,
    /// How long the venue may take to show an order after its time to travel is over. Only then is
    /// it believed that there is none. Together with that time and [`super::gate::GateSettings::patience`]
    /// it should be below the engine's grace, or the engine asks once more than it must.
    pub settle: Nanos,
    /// How long a cancel waits for the answer to the order that it is to cancel, so that it does
    /// not overtake it.
    pub cancel_wait: Nanos,
    /// How often the open orders are compared with what own events have said, also while nothing
    /// seems wrong; `None` for never.
    pub watch_every: Option<Nanos>,
    /// How often books are put together anew because something happened meanwhile, before the
    /// question is given up; the engine asks again.
    pub books_tries: u32,
    /// How often the venue's average price is asked for, of symbols with a filter that compares with
    /// it; `None` for never: the venue then decides. By default 30 s.
    pub average_every: Option<Nanos>,
    /// How old a worth of an asset may be in which fees are paid.
    pub worth_age: Nanos,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            options: OrderOptions::default(),
            settle: Nanos::from_millis(4_000),
            cancel_wait: Nanos::from_millis(1_000),
            watch_every: Some(Nanos::from_millis(30_000)),
            books_tries: 8,
            average_every: Some(Nanos::from_millis(30_000)),
            worth_age: Nanos::from_millis(60_000),
        }
    }
}

/// One call of the machine.
pub struct Turn<'a> {
    /// Our wall clock.
    pub now: UnixNanos,
    /// The way out.
    pub gate: &'a mut Gate,
    /// What is wanted.
    pub out: &'a mut Vec<Output>,
}

impl Turn<'_> {
    fn say(&mut self, message: VenueMessage) {
        self.out.push(Output::Say(message));
    }

    fn alert(&mut self, text: String) {
        self.out.push(Output::Notice(Notice::Alert(text)));
    }

    fn answer(&mut self, order: ClientOrderId, to: Asked, time: UnixNanos, outcome: Outcome) {
        self.say(VenueMessage::Answer(Answer { order, to, time, outcome }));
    }

    /// An answer of ours, for want of the venue's.
    fn answer_now(&mut self, order: ClientOrderId, to: Asked, outcome: Outcome) {
        let time = self.gate.venue_now(self.now);
        self.answer(order, to, time, outcome);
    }
}

/// What an answer is waited for.
#[derive(Clone, Debug)]
enum Purpose {
    Place(ClientOrderId),
    /// The stop, then the take-profit.
    PlacePair(ClientOrderId, ClientOrderId),
    Cancel(ClientOrderId),
    CancelAll(InstrumentId),
    Amend(ClientOrderId),
    Query(ClientOrderId, queries::Step),
    Books(books::Step),
    Watch(InstrumentId),
    Worth(worth::Pair),
    Average(InstrumentId),
}

/// What is counted as it happens.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    placed: u64,
    refused: u64,
    refused_by_filters: u64,
    unknown: u64,
    canceled: u64,
    queries: u64,
    books: u64,
    books_again: u64,
    books_given_up: u64,
    events: u64,
    events_again: u64,
    events_bad: u64,
    held_for_worth: u64,
    gaps: u64,
    watch_found: u64,
}

/// Orders. See the head of this module.
#[derive(Debug)]
pub struct Trading {
    settings: Settings,
    desk: Book,
    orders: Orders,
    queries: Queries,
    books: Books,
    held: Held,
    state: State,
    seen: Seen,
    calls: BTreeMap<CallId, Purpose>,
    /// What was in doubt before now may still be under way until then.
    born: Option<UnixNanos>,
    live: bool,
    begun: bool,
    stopped: bool,
    watch_at: Option<UnixNanos>,
    suspects: Suspects,
    /// The connection that tells own events.
    link: Option<LinkId>,
    event_at: Option<UnixNanos>,
    counts: Counts,
}

impl Trading {
    /// Knows its instruments and listens to nothing yet.
    #[must_use]
    pub fn new(settings: Settings, listed: Vec<Listed>, exchange_filters: Vec<Filter>) -> Self {
        Self {
            settings,
            desk: Book::new(listed, exchange_filters),
            orders: Orders::default(),
            queries: Queries::default(),
            books: Books::default(),
            held: Held::default(),
            state: State::default(),
            seen: Seen::default(),
            calls: BTreeMap::new(),
            born: None,
            live: false,
            begun: false,
            stopped: false,
            watch_at: None,
            suspects: Suspects::new(),
            link: None,
            event_at: None,
            counts: Counts::default(),
        }
    }

    /// Begins to listen to own events.
    pub fn begin(&mut self, turn: &mut Turn<'_>) {
        self.begun = true;
        turn.gate.hold_orders(!self.live, turn.now, turn.out);
        turn.gate.want_socket(turn.now, turn.out);
    }

    /// Takes what is asked of the venue.
    pub fn request(&mut self, request: VenueRequest, turn: &mut Turn<'_>) {
        self.born.get_or_insert(turn.now);
        match request {
            VenueRequest::Submit(order) => self.place(&order, turn),
            VenueRequest::SubmitPair { stop, profit } => self.place_pair(&stop, &profit, turn),
            VenueRequest::Cancel(cancel) => self.cancel(cancel, turn),
            VenueRequest::CancelAll(instrument) => self.cancel_all(instrument, turn),
            VenueRequest::Amend(change) => self.amend(&change, turn),
            VenueRequest::Query(query) => self.query(query, turn),
            VenueRequest::Reconcile(asked) => self.reconcile(asked, turn),
        }
    }

    /// No more orders are placed.
    pub const fn stop(&mut self) {
        self.stopped = true;
    }

    /// Takes what became of a question; `false` where it is not one of these.
    pub fn ended(&mut self, call: CallId, ended: Ended, turn: &mut Turn<'_>) -> bool {
        let Some(purpose) = self.calls.remove(&call) else {
            return false;
        };
        match purpose {
            Purpose::Place(id) => self.placed(id, ended, turn),
            Purpose::PlacePair(stop, profit) => self.pair_placed(stop, profit, ended, turn),
            Purpose::Cancel(id) => self.canceled(id, ended, turn),
            Purpose::CancelAll(instrument) => self.all_canceled(instrument, ended, turn),
            Purpose::Amend(id) => self.amended(id, ended, turn),
            Purpose::Query(id, step) => self.queried(id, step, ended, turn),
            Purpose::Books(step) => self.booked(step, ended, turn),
            Purpose::Watch(instrument) => self.watched(instrument, ended, turn),
            Purpose::Worth(pair) => self.worth_found(pair, &ended, turn),
            Purpose::Average(instrument) => self.average_told(instrument, &ended, turn),
        }
        true
    }

    /// Own events are listened to; whether there was a time without.
    pub fn ready(&mut self, link: LinkId, gap: bool, turn: &mut Turn<'_>) {
        self.link = Some(link);
        if !std::mem::replace(&mut self.live, true) {
            turn.gate.hold_orders(false, turn.now, turn.out);
            turn.out.push(Output::Notice(Notice::Orders(true)));
            self.watch_at = self.settings.watch_every.map(|every| turn.now.plus(every));
        }
        if gap {
            self.gap(turn);
        }
        self.wake(turn);
    }

    /// Own events are not listened to any more.
    pub fn down(&mut self, turn: &mut Turn<'_>) {
        self.balances_lost();
        if std::mem::replace(&mut self.live, false) {
            turn.gate.hold_orders(true, turn.now, turn.out);
            turn.out.push(Output::Notice(Notice::Orders(false)));
        }
    }

    /// Something may have been missed: the engine is to compare its books.
    fn gap(&mut self, turn: &mut Turn<'_>) {
        self.counts.gaps += 1;
        let time = turn.gate.venue_now(turn.now);
        turn.say(VenueMessage::News(VenueEvent::Reconnected(time)));
    }

    /// Does what is due.
    pub fn wake(&mut self, turn: &mut Turn<'_>) {
        for id in self.orders.due_cancels(turn.now) {
            self.send_cancel(id, turn);
        }
        self.queries_due(turn);
        self.books_due(turn);
        self.watch_due(turn);
        self.worths_due(turn);
        self.averages_due(turn);
    }

    /// When it wants [`Self::wake`].
    #[must_use]
    pub fn next_wake(&self) -> Option<UnixNanos> {
        let times = [
            self.orders.next_cancel(),
            self.queries.next(),
            self.books.next().filter(|_| !self.begun || self.live),
            self.watch_at.filter(|_| self.live),
            self.held.next(),
            self.state.ask_at.filter(|_| self.live),
        ];
        times.into_iter().flatten().min()
    }

    /// Whether own events are listened to.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.live
    }

    fn ask(
        &mut self,
        lane: Lane,
        share: u16,
        wish: Wish,
        purpose: Purpose,
        turn: &mut Turn<'_>,
    ) -> CallId {
        let call = turn.gate.ask_wish(lane, share, wish, turn.now, turn.out);
        self.calls.insert(call, purpose);
        call
    }

    /// Asks a question of ours; `false` where it cannot be asked at all.
    fn find_out(&mut self, request: &Request<'_>, purpose: Purpose, turn: &mut Turn<'_>) -> bool {
        match Wish::spot(request) {
            Ok(wish) => {
                self.ask(Lane::Reconcile, 0, wish, purpose, turn);
                true
            }
            Err(error) => {
                turn.alert(format!("a question cannot be asked: {error}"));
                false
            }
        }
    }

    /// Tells what a message said of an order.
    fn tell(&mut self, news: response::News, turn: &mut Turn<'_>) {
        let order = news.reports.first().map(|report| report.order);
        for report in news.reports {
            turn.say(VenueMessage::Report(report));
        }
        if let Some(order) = order {
            self.tell_fees(order, news.fees_paid, turn);
        }
    }

    /// Tells fees that were paid in another asset than the quote.
    fn tell_fees(
        &mut self,
        order: ClientOrderId,
        fees: Vec<response::FeePaid>,
        turn: &mut Turn<'_>,
    ) {
        let listed = self.orders.get(order).and_then(|known| self.desk.get(known.instrument));
        let quote = listed.map(|listed| listed.instrument.spec().quote.clone());
        for response::FeePaid { trade_id, asset, amount } in fees {
            if Some(&asset) == quote.as_ref() || !self.seen.fee(order, trade_id) {
                continue;
            }
            let amount = amount.to_string();
            turn.say(VenueMessage::FeePaid(FeePaid { order, trade_id, asset, amount }));
        }
    }

    /// Adds what is known of orders and own events.
    pub fn gauge(&self, now: UnixNanos, gauges: &mut Gauges) {
        let counts = &self.counts;
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        gauges.own_events = OwnEvents {
            live: self.live,
            heard_total: counts.events,
            again_total: counts.events_again,
            bad_total: counts.events_bad,
            gaps_total: counts.gaps,
            found_by_looking_total: counts.watch_found,
            last_age_nanos: self.event_at.map(|at| now.since(at).0),
        };
        gauges.orders = OrderGauges {
            placed_total: counts.placed,
            refused_total: counts.refused,
            refused_by_filters_total: counts.refused_by_filters,
            unknown_total: counts.unknown,
            canceled_total: counts.canceled,
            open: wide(self.orders.iter_open().count()),
            queries_total: counts.queries,
            queries_open: wide(self.queries.len()),
        };
        gauges.books = BookGauges {
            shown_total: counts.books,
            again_total: counts.books_again,
            given_up_total: counts.books_given_up,
        };
    }

    /// Counts for people and for metrics.
    #[must_use]
    pub fn counts(&self) -> Vec<(String, &'static str, u64)> {
        let counts = &self.counts;
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let list: [(&str, &'static str, u64); 19] = [
            ("orders_placed_total", "orders that were asked for", counts.placed),
            ("orders_refused_total", "orders that were refused, or never sent", counts.refused),
            ("orders_refused_by_filters_total", "of them here", counts.refused_by_filters),
            ("orders_unknown_total", "requests whose fate was not known", counts.unknown),
            ("orders_canceled_total", "cancels that were asked for", counts.canceled),
            ("orders_open", "orders that are not over", wide(self.orders.iter_open().count())),
            ("queries_total", "orders that were asked about", counts.queries),
            ("queries_open", "orders that are asked about", wide(self.queries.len())),
            ("books_total", "books that were shown", counts.books),
            ("books_again_total", "books that moved while they were read", counts.books_again),
            ("books_given_up_total", "books that moved too often", counts.books_given_up),
            ("own_events_total", "own events", counts.events),
            ("own_events_again_total", "own events that were told twice", counts.events_again),
            ("own_events_bad_total", "own events that could not be taken", counts.events_bad),
            ("fees_without_worth_total", "messages that waited for it", counts.held_for_worth),
            ("fees_waiting", "messages that wait for it", wide(self.held.len())),
            ("gaps_total", "times at which something may have been missed", counts.gaps),
            ("watch_found_total", "of them found by looking", counts.watch_found),
            ("own_events_live", "1 while they are listened to", u64::from(self.live)),
        ];
        list.into_iter().map(|(name, words, value)| (name.to_owned(), words, value)).collect()
    }
}

/// A refusal of ours.
fn refused(message: impl Into<String>) -> Outcome {
    Outcome::Rejected(Refusal { code: None, message: message.into() })
}

fn refused_by_venue(rejection: Rejection) -> Outcome {
    Outcome::Rejected(Refusal { code: Some(rejection.code), message: rejection.message })
}

/// What an outcome that is not done is for an order; the inner value where it is done.
fn not_done<T>(outcome: error_code::Outcome<T>) -> Result<T, Outcome> {
    Err(match outcome {
        error_code::Outcome::Confirmed(answer) => return Ok(answer),
        error_code::Outcome::Rejected(rejection) if rejection.proves_open_order() => {
            Outcome::Unknown
        }
        error_code::Outcome::Rejected(rejection) => refused_by_venue(rejection),
        error_code::Outcome::Unknown(_) => Outcome::Unknown,
        error_code::Outcome::RateLimited { orders_only: true, .. } => {
            refused("the venue takes no more orders for now")
        }
        error_code::Outcome::RateLimited { .. } => refused("the venue says that too much is asked"),
        error_code::Outcome::Banned { .. } => refused("the venue has banned this address"),
    })
}
