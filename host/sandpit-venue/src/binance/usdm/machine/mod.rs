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
mod show;
mod way;

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    engine::VenueEvent,
    ids::InstrumentId,
    market::{MarketData, MarketEvent},
    num::Price,
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
    way::gate_settings,
};
use super::settings::Settings;
use crate::{
    binance::{
        gate::{Ended, Gate, News, SharedSigner},
        market::{self, Dialect, Market, Turn},
        proof::{self, Proofs},
    },
    gauges::Gauges,
    keys::{KeyRole, Keys},
    machine::{CallId, Input, LinkId, Machine, NoReply, Notice, Opened, Output, Told, Wanted},
};

/// Numbers of the gate's connections.
const GATE_LINKS: std::ops::Range<u32> = 0..64;
/// Numbers of connections to market data.
const MARKET_LINKS: std::ops::Range<u32> = 1_000..2_000;
/// How far back the books are asked for after something that the venue did by itself.
const CLOSED_BACK: Nanos = Nanos(60 * Nanos::SECOND.0);

/// USDⓈ-M futures. See the head of this module.
pub struct Usdm {
    settings: Settings,
    has_key: bool,
    gate: Gate,
    proofs: Proofs,
    /// Mark prices, while the market is heard.
    marks: BTreeMap<InstrumentId, Price>,
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
    /// When it was stepped last.
    now: UnixNanos,
    event_at: Option<UnixNanos>,
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

impl Usdm {
    /// A machine that has asked nothing yet. Without a signer it tells market data and takes no
    /// order.
    ///
    /// # Errors
    /// Settings that cannot be, in words.
    pub fn new(settings: Settings, signer: Option<SharedSigner>) -> Result<Self, String> {
        Self::with_keys(settings, signer.map(Keys::one))
    }

    /// The same, with one key for everything, or one that trades and another that reads.
    ///
    /// # Errors
    /// Settings that cannot be, in words.
    pub fn with_keys(settings: Settings, keys: Option<Keys>) -> Result<Self, String> {
        if let Some(problem) = settings.problem() {
            return Err(problem);
        }
        let has_key = keys.is_some();
        let gate = gate_settings(&settings, has_key)?;
        if let Some(problem) = gate.problem() {
            return Err(problem.to_owned());
        }
        Ok(Self {
            opening: Opening::new(&settings),
            has_key,
            gate: Gate::new(gate, keys),
            proofs: Proofs::new(Dialect::Usdm, settings.keys, settings.hosts.wallet.is_some()),
            marks: BTreeMap::new(),
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
            now: UnixNanos(0),
            event_at: None,
            events: 0,
            events_bad: 0,
            closed_by_the_venue: 0,
            settings,
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
        if self.proofs.owns(call) {
            return self.key_answered(call, ended, now, out);
        }
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
            self.opening_became(became, now, out);
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

    fn opening_became(&mut self, became: Became, now: UnixNanos, out: &mut Vec<Output>) {
        match became {
            Became::Waits => {}
            Became::Cannot(why) => {
                self.failed = true;
                out.push(Output::Notice(Notice::CannotOpen(why)));
            }
            Became::Opened { instruments, key, account } => {
                if self.has_key {
                    self.proofs.set_account(account, now);
                }
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

    fn key_answered(&mut self, call: CallId, ended: &Ended, now: UnixNanos, out: &mut Vec<Output>) {
        let mut turn = proof::Turn { now, gate: &mut self.gate, out };
        let Some(offer) = self.proofs.ended(call, ended, &mut turn) else { return };
        if self.began && offer.role != KeyRole::Trade {
            self.own.rekey(&mut Step { now, gate: &mut self.gate, out });
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
        self.settings.tuning.apply_to_market(&mut settings);
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
                None => match self.opening.too_far(order.get(), &self.rules, &self.marks) {
                    Some(why) => refuse(&mut step, order.get().id, Asked::Submit, why),
                    None => self.orders.submit(order.get(), &self.rules, &mut step),
                },
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
            Some(Change::Rekeyed) => {
                let news = VenueEvent::Reconnected(self.gate.venue_now(now));
                out.push(Output::Say(VenueMessage::News(news)));
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
            Told::ProveKey(offer) => {
                let mut turn = proof::Turn { now, gate: &mut self.gate, out };
                self.proofs.offer(*offer, false, &mut turn);
            }
            Told::NewKey(offer) => {
                let mut turn = proof::Turn { now, gate: &mut self.gate, out };
                self.proofs.offer(*offer, true, &mut turn);
            }
            Told::ReadRights => {
                self.proofs.read_rights(&mut proof::Turn { now, gate: &mut self.gate, out });
            }
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
        let still_heard = self.own.is_stale();
        self.proofs.on_time(still_heard, &mut proof::Turn { now, gate: &mut self.gate, out });
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

    /// What the market does is what orders are compared with before they are sent.
    fn note_market(&mut self, said: &[Output]) {
        for output in said {
            match output {
                Output::Market(MarketEvent {
                    instrument, data: MarketData::Mark(price), ..
                }) => {
                    self.marks.insert(*instrument, *price);
                }
                Output::Notice(Notice::Markets(false)) => self.marks.clear(),
                _ => {}
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
        self.now = now;
        let before = out.len();
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
        self.note_market(out.get(before..).unwrap_or_default());
        self.say_what_is_so(out);
    }

    fn next_wake(&self) -> Option<UnixNanos> {
        [
            self.gate.next_wake(),
            self.proofs.next_wake(),
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
        self.count()
    }

    fn gauges(&self) -> Gauges {
        self.picture()
    }
}

/// Whether a number belongs to an instrument of the run.
fn id_of(rules: &Rules, symbol: &str) -> Option<InstrumentId> {
    crate::binance::response::Desk::instrument(rules, symbol).map(|(id, _)| id)
}

const _: () = assert!(MARKET_LINKS.end < LINKS_FROM && GATE_LINKS.end <= MARKET_LINKS.start);
