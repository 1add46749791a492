//! USDⓈ-M futures as a [`Machine`]: opening, own events, orders, comparisons of the books, market
//! data, the dead-man's switch. Everything that is asked passes the gate; what becomes of it comes
//! back from there.
//!
//! **Architecture invariant:** no order is sent twice; one whose fate is not known is asked about.
//! While own events are not heard no order is sent, and cancels still are.

mod books;
mod deadman;
mod desk;
mod events;
mod opening;
mod orders;
mod own;
mod queries;

use std::collections::VecDeque;

use sandpit_core::{
    engine::VenueEvent,
    ids::InstrumentId,
    time::{Nanos, UnixNanos},
    venue::{Asked, VenueMessage, VenueRequest},
};

use self::{
    books::Books,
    deadman::Deadman,
    desk::{Rules, Step, Translated},
    opening::{Became, Opening},
    orders::{Orders, refuse},
    own::{Change, LINKS_FROM, Own},
    queries::Queries,
};
use super::{request::Request, settings::Settings};
use crate::{
    binance::{
        error_code::Codes,
        gate::{Ended, Gate, GateSettings, News, SharedSigner, SocketSettings},
        limits::{Limit, LimitKind},
        market::{self, Market, Turn},
    },
    machine::{CallId, Input, LinkId, Machine, NoReply, Notice, Opened, Output, Told, Wanted},
};

/// Numbers of the gate's connections.
const GATE_LINKS: std::ops::Range<u32> = 0..64;
/// Numbers of connections to market data.
const MARKET_LINKS: std::ops::Range<u32> = 1_000..2_000;
/// How far back the books are asked for after something that the venue did by itself.
const CLOSED_BACK: Nanos = Nanos(60 * Nanos::SECOND.0);

const fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

/// USDⓈ-M futures. See the head of this module.
pub struct Usdm {
    settings: Settings,
    has_key: bool,
    gate: Gate,
    rules: Rules,
    opening: Opening,
    own: Own,
    orders: Orders,
    queries: Queries,
    books: Books,
    deadman: Deadman,
    market: Option<Market>,
    /// Events that wait for what a fee's asset is worth.
    waiting: VecDeque<Vec<u8>>,
    /// Which asset's worth in which quote asset is asked for, and when it is asked for again.
    worth: Option<(CallId, String, String)>,
    worth_at: Option<UnixNanos>,
    began: bool,
    live: bool,
    stopped: bool,
    failed: bool,
    hedged: bool,
    said: String,
    events: u64,
    events_bad: u64,
    closed_by_the_venue: u64,
}

impl std::fmt::Debug for Usdm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Usdm")
            .field("gate", &self.gate)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

/// The gate for futures.
fn gate_settings(settings: &Settings, has_key: bool) -> Result<GateSettings, String> {
    let time = Request::Time.wish().map_err(|error| error.to_string())?;
    let mut gate = GateSettings::new(settings.hosts.rest.clone(), GATE_LINKS, time);
    gate.codes = Codes::Usdm;
    gate.wallet.clone_from(&settings.hosts.wallet);
    // Of the document "Exchange Information"; the venue tells its own when it is asked.
    let limit = |kind, window, most| Limit { kind, window: seconds(window), most };
    gate.limits = vec![
        limit(LimitKind::Weight, 60, 2_400),
        limit(LimitKind::Orders, 60, 1_200),
        limit(LimitKind::Orders, 10, 300),
    ];
    if settings.websocket_api && has_key {
        let logon = Request::Logon.wish().map_err(|error| error.to_string())?;
        let greeting = if settings.ed25519 { vec![logon] } else { Vec::new() };
        let mut socket = SocketSettings::new(vec![settings.hosts.socket.clone()], greeting);
        // The venue pings every 3 minutes.
        socket.silence = settings.silence;
        gate.socket = Some(socket);
    }
    Ok(gate)
}

impl Usdm {
    /// A machine that has asked nothing yet. Without a signer it tells market data and takes no
    /// order.
    ///
    /// # Errors
    /// Settings that cannot be, in words.
    pub fn new(settings: Settings, signer: Option<SharedSigner>) -> Result<Self, String> {
        if let Some(problem) = settings.problem() {
            return Err(problem);
        }
        let has_key = signer.is_some();
        let gate = gate_settings(&settings, has_key)?;
        if let Some(problem) = gate.problem() {
            return Err(problem.to_owned());
        }
        Ok(Self {
            opening: Opening::new(&settings),
            settings,
            has_key,
            gate: Gate::new(gate, signer),
            rules: Rules::default(),
            own: Own::default(),
            orders: Orders::default(),
            queries: Queries::default(),
            books: Books::default(),
            deadman: Deadman::default(),
            market: None,
            waiting: VecDeque::new(),
            worth: None,
            worth_at: None,
            began: false,
            live: false,
            stopped: false,
            failed: false,
            hedged: false,
            said: String::new(),
            events: 0,
            events_bad: 0,
            closed_by_the_venue: 0,
        })
    }

    /// Takes what the gate says until it says nothing more.
    fn hear_gate(&mut self, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        while let Some(news) = self.gate.take_news() {
            match news {
                News::Ended(call, ended) => self.ended(call, &ended, now, chance, out),
                // Own events come on a stream of their own.
                News::Ready { .. } | News::Down | News::Event(..) => {}
            }
        }
    }

    fn ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        now: UnixNanos,
        chance: u64,
        out: &mut Vec<Output>,
    ) {
        let mut step = Step { now, gate: &mut self.gate, out };
        if self.orders.owns_call(call) {
            self.orders.ended(call, ended, &self.rules, &mut step);
        } else if self.queries.owns_call(call) {
            self.queries.ended(call, ended, &self.rules, &mut self.orders, &mut step);
        } else if self.books.owns_call(call) {
            self.books.ended(call, ended, &self.rules, &mut self.orders, &mut step);
        } else if self.deadman.owns_call(call) {
            self.deadman.ended(call, ended, &mut step);
        } else if self.own.owns_call(call) {
            self.own.ended(call, ended, &self.settings, &mut step);
        } else if self.opening.owns_call(call) {
            let became = self.opening.ended(call, ended, &self.settings, self.has_key, &mut step);
            self.opening_became(became, out);
        } else if self.worth.as_ref().is_some_and(|(worth, ..)| *worth == call) {
            self.worth_ended(ended, now, out);
        } else {
            self.market_ended(call, ended, now, chance, out);
        }
    }

    fn market_ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        now: UnixNanos,
        chance: u64,
        out: &mut Vec<Output>,
    ) {
        let Some(market) = &mut self.market else { return };
        let asks = &mut Translated(&mut self.gate);
        let mut turn = Turn { now, chance, asks, out };
        match ended {
            Ended::Answered(answered) => market.reply(call, answered.as_http(), &mut turn),
            Ended::Lost(_) => market.no_reply(call, NoReply::Disconnected, &mut turn),
            Ended::NeverSent(_) => market.no_reply(call, NoReply::NeverSent, &mut turn),
        }
    }

    fn opening_became(&mut self, became: Became, out: &mut Vec<Output>) {
        match became {
            Became::Waits => {}
            Became::Cannot(why) => {
                self.failed = true;
                out.push(Output::Notice(Notice::CannotOpen(why)));
            }
            Became::Opened(instruments, key) => {
                let specs = instruments.iter().map(|one| one.spec().clone()).collect();
                self.rules.set(instruments);
                let opened = Opened {
                    instruments: specs,
                    clock_offset_nanos: self.gate.clock_offset_nanos().unwrap_or_default(),
                    key,
                };
                out.push(Output::Notice(Notice::Opened(Box::new(opened))));
            }
        }
    }

    fn begin(&mut self, wanted: &Wanted, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        if std::mem::replace(&mut self.began, true) {
            return;
        }
        if self.has_key {
            self.gate.hold_orders(true, now, out);
            self.gate.want_socket(now, out);
            let mut step = Step { now, gate: &mut self.gate, out };
            self.own.want(&mut step);
            let symbols = self.settings.symbols.iter().map(|one| one.symbol.clone());
            self.deadman.begin(self.settings.countdown, symbols, &mut step);
        }
        let hosts = &self.settings.hosts;
        let mut settings = market::Settings::usdm(&hosts.public, &hosts.market, MARKET_LINKS);
        // Fundings are what holders pay, and the account's own events do not say at which rate.
        settings.funding = true;
        let instruments = self.rules.all().map(|(id, one)| (id, one.clone())).collect();
        let mut market = Market::new(settings, instruments);
        let asks = &mut Translated(&mut self.gate);
        market.begin(wanted, &mut Turn { now, chance, asks, out });
        self.market = Some(market);
    }

    fn request(&mut self, request: VenueRequest, now: UnixNanos, out: &mut Vec<Output>) {
        let mut step = Step { now, gate: &mut self.gate, out };
        let closed = if !self.has_key {
            Some("there is no key")
        } else if self.stopped {
            Some("the host stops")
        } else if self.hedged {
            Some(opening::HEDGED)
        } else {
            None
        };
        match request {
            VenueRequest::Submit(order) => match closed {
                Some(why) => refuse(&mut step, order.get().id, Asked::Submit, why),
                None => self.orders.submit(order.get(), &self.rules, &mut step),
            },
            VenueRequest::SubmitPair { stop, profit } => {
                for order in [stop, profit] {
                    let why = "Binance's futures have no pairs of which one ends the other";
                    refuse(&mut step, order.get().id, Asked::Submit, why);
                }
            }
            VenueRequest::Amend(change) => match closed {
                Some(why) => refuse(&mut step, change.get().order, Asked::Amend, why),
                None => self.orders.amend(change.get(), &self.rules, &mut step),
            },
            VenueRequest::Cancel(cancel) => self.orders.cancel(&cancel, &self.rules, &mut step),
            VenueRequest::CancelAll(id) => self.orders.cancel_all(id, &self.rules, &mut step),
            VenueRequest::Query(query) => self.queries.begin(query, &self.rules, &mut step),
            VenueRequest::Reconcile(reconcile) => {
                if self.has_key {
                    self.books.want(reconcile.since, &mut step);
                }
            }
        }
    }

    fn own_changed(&mut self, change: Option<Change>, now: UnixNanos, out: &mut Vec<Output>) {
        match change {
            None => {}
            Some(Change::Up { gap }) => {
                self.gate.hold_orders(false, now, out);
                out.push(Output::Notice(Notice::Orders(true)));
                if gap {
                    let news = VenueEvent::Reconnected(self.gate.venue_now(now));
                    out.push(Output::Say(VenueMessage::News(news)));
                }
            }
            Some(Change::Down) => {
                self.gate.hold_orders(true, now, out);
                out.push(Output::Notice(Notice::Orders(false)));
            }
        }
    }

    fn told(&mut self, told: Told, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        match told {
            Told::Request(request) => self.request(request, now, out),
            Told::Begin(wanted) => self.begin(&wanted, now, chance, out),
            Told::Stop => {
                self.stopped = true;
                let mut step = Step { now, gate: &mut self.gate, out };
                self.deadman.end(&mut step);
                let asks = &mut Translated(&mut self.gate);
                if let Some(market) = &mut self.market {
                    market.end(&mut Turn { now, chance, asks, out });
                }
            }
        }
    }

    /// What the parts are to do by now.
    fn on_time(&mut self, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        let mut step = Step { now, gate: &mut self.gate, out };
        if !self.failed {
            self.opening.begin(&mut step);
        }
        self.deadman.on_time(&mut step);
        self.books.on_time(&mut step);
        let change = self.own.on_time(&self.settings, &mut step);
        self.own_changed(change, now, out);
        self.ask_worth(now, out);
        if let Some(market) = &mut self.market {
            let asks = &mut Translated(&mut self.gate);
            market.wake(&mut Turn { now, chance, asks, out });
        }
    }

    fn link(&mut self, input: &Input<'_>, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        let own = |link: LinkId| Own::owns(link);
        let mut step = Step { now, gate: &mut self.gate, out };
        match input {
            Input::Opened(link) if own(*link) => {
                let change = self.own.opened(*link, &mut step);
                self.own_changed(change, now, out);
            }
            Input::Closed(link, _) if own(*link) => {
                let change = self.own.closed(*link, &mut step);
                self.own_changed(change, now, out);
            }
            Input::Heard(link) if own(*link) => self.own.heard(*link, now),
            Input::Frame(link, bytes) if own(*link) => {
                self.own.heard(*link, now);
                if self.own.listens(*link) {
                    self.event(bytes, now, out);
                }
            }
            _ => {
                let Some(market) = &mut self.market else { return };
                let asks = &mut Translated(&mut self.gate);
                let mut turn = Turn { now, chance, asks, out };
                match input {
                    Input::Opened(link) => market.opened(*link, &mut turn),
                    Input::Closed(link, why) => market.closed(*link, why, &mut turn),
                    Input::Heard(link) => market.heard(*link, now),
                    Input::Frame(link, bytes) => market.frame(*link, bytes, &mut turn),
                    _ => {}
                }
            }
        }
    }

    fn say_what_is_so(&mut self, out: &mut Vec<Output>) {
        let ready = self.began
            && (!self.has_key || (self.own.up && !self.hedged))
            && self.market.as_ref().is_some_and(Market::is_live);
        if ready && !std::mem::replace(&mut self.live, true) {
            out.push(Output::Notice(Notice::Live));
        }
        let waiting = match self.opening.waiting() {
            Some(words) => words,
            None if self.began && self.has_key && !self.own.up => "waiting for own events",
            None => "",
        };
        if waiting != self.said {
            waiting.clone_into(&mut self.said);
            if !waiting.is_empty() || !self.began {
                out.push(Output::Notice(Notice::Waiting(self.said.clone())));
            }
        }
    }
}

impl Machine for Usdm {
    fn step(&mut self, input: Input<'_>, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        let gates = self.gate.step(&input, now, chance, out);
        match input {
            Input::Told(told) => self.told(told, now, chance, out),
            Input::Wake => {}
            other if !gates => self.link(&other, now, chance, out),
            _ => {}
        }
        self.hear_gate(now, chance, out);
        self.on_time(now, chance, out);
        self.hear_gate(now, chance, out);
        self.say_what_is_so(out);
    }

    fn next_wake(&self) -> Option<UnixNanos> {
        [
            self.gate.next_wake(),
            self.deadman.next_wake(),
            self.own.next_wake(&self.settings),
            self.books.next_wake(),
            self.worth_at,
            self.market.as_ref().and_then(Market::next_wake),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn counts(&self) -> Vec<(String, &'static str, u64)> {
        let mut counts = self.gate.counts(UnixNanos(0));
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

/// Whether a number belongs to an instrument of the run.
fn id_of(rules: &Rules, symbol: &str) -> Option<InstrumentId> {
    crate::binance::response::Desk::instrument(rules, symbol).map(|(id, _)| id)
}

const _: () = assert!(MARKET_LINKS.end < LINKS_FROM && GATE_LINKS.end <= MARKET_LINKS.start);
