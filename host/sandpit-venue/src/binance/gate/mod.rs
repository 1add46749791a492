//! What everything that is asked of Binance passes through: lanes, the count of the venue's limits,
//! its clock, signatures, repetition of questions, and the circuit that opens before a ban. Of any
//! dialect: what is asked is a [`Wish`].
//!
//! **Architecture invariant:** a wish whose endpoint changes something is sent at most once, unless
//! it is certain that nothing of it left, or unless it is a cancel that the venue says it has not
//! done. Whoever asked is told its end exactly once, unless it is forgotten.
//!
//! **Architecture invariant:** nothing is sent while the venue wants to be left alone.
//!
//! Two ways lead out: the WebSocket API, for all but data, while a connection is greeted; and REST.
//!
//! What waits, waits by its lane: an order that cannot go within [`GateSettings::patience`] is given
//! back as never sent, a cancel is never given up, a question waits until it is forgotten.
//!
//! Not here: what an answer means for an order, and sockets.

mod answers;
mod breaker;
mod chance;
mod clock;
mod counts;
mod doors;
mod gauges;
mod head;
mod keys;
mod lanes;
mod lines;
mod send;
mod settings;
mod wish;

pub use settings::{
    Backoff, BreakerSettings, GateSettings, LINKS_MIN, PATIENCE_MAX, QUEUE_MAX, SocketSettings,
    TIMEOUT_MAX,
};
pub use wish::Wish;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use sandpit_core::time::{Nanos, UnixNanos};

use self::{
    chance::Chance, counts::Counts, doors::Doors, keys::Ring, lanes::Lanes, send::UnderWay,
};
use super::{
    error_code::{LossCause, Outcome, Reply, judge},
    limits::{Lane, Limit, Usage},
    request::Request,
    response::Answer,
};
pub use crate::keys::SharedSigner;
use crate::{
    keys::{KeyRole, Keys, Purpose},
    machine::{CallId, HttpReply, Input, LinkId, Output},
};

/// Asks public questions over REST, for the parts of a machine that need answers and no key.
pub trait Asks {
    /// Asks; the answer comes with this number. It waits in its lane until there is room for it,
    /// and is asked again, with growing pauses, until there is an answer or it is forgotten.
    fn ask(
        &mut self,
        lane: Lane,
        request: &Request<'_>,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) -> CallId;

    /// Nobody waits for this answer any more.
    fn forget(&mut self, call: CallId);

    /// The venue's clock.
    fn venue_time(&self, now: UnixNanos) -> UnixNanos;
}

/// An answer of the venue, whichever way it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// As of HTTP.
    pub status: u16,
    /// What was asked for, or why it was refused.
    pub body: Vec<u8>,
    /// When to come back, where it says so.
    pub retry_after: Option<String>,
    /// When it was sent, by our clock.
    pub sent: UnixNanos,
}

impl Answered {
    /// What it proves.
    pub fn judge<'a, T: Answer<'a>>(&'a self, now: UnixNanos) -> Outcome<T> {
        let retry_after = self.retry_after.as_deref();
        judge(&Reply { status: self.status, body: &self.body, retry_after }, now)
    }

    /// As if it had come over HTTP.
    #[must_use]
    pub fn as_http(&self) -> HttpReply<'_> {
        HttpReply { status: self.status, headers: &[], body: &self.body }
    }
}

/// What became of what was asked.
#[derive(Debug)]
pub enum Ended {
    /// The venue answered.
    Answered(Answered),
    /// It changes something, it may have arrived, and no answer will come.
    Lost(LossCause),
    /// Not a byte of it left us, and none will.
    NeverSent(String),
}

/// What the gate says.
#[derive(Debug)]
pub enum News {
    /// What became of what was asked. Comes once for each, but for what is forgotten.
    Ended(CallId, Ended),
    /// A connection to the WebSocket API is greeted, and used from now on. With a gap there was
    /// none before, and what it would have told meanwhile is lost; or the one before was greeted
    /// with another key, and whether both told the same is to be looked at.
    Ready {
        /// Which.
        link: LinkId,
        /// Whether something may have been missed.
        gap: bool,
    },
    /// There is no connection to the WebSocket API any more.
    Down,
    /// Something happened, as a connection tells it. A connection that is being replaced tells
    /// what its successor tells, too.
    Event(LinkId, Vec<u8>),
}

/// The gate. See the head of this module.
pub struct Gate {
    settings: GateSettings,
    ring: Ring,
    doors: Doors,
    lanes: Lanes,
    under_way: BTreeMap<u64, UnderWay>,
    chance: Chance,
    next_number: u64,
    /// Which REST server is asked.
    rest_at: usize,
    asking_clock: Option<CallId>,
    news: VecDeque<News>,
    counts: Counts,
    wake: Option<UnixNanos>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("doors", &self.doors)
            .field("lanes", &self.lanes)
            .field("under_way", &self.under_way.len())
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate that has asked nothing yet; it wants to be woken at once.
    #[must_use]
    pub fn new(settings: GateSettings, keys: Option<Keys>) -> Self {
        Self {
            doors: Doors::new(&settings),
            settings,
            ring: Ring::new(keys),
            lanes: Lanes::default(),
            under_way: BTreeMap::new(),
            chance: Chance::default(),
            next_number: 1,
            rest_at: 0,
            asking_clock: None,
            news: VecDeque::new(),
            counts: Counts::default(),
            wake: Some(UnixNanos(0)),
        }
    }

    /// Takes what happened. Whether it was the gate's own: a call, or something of its connections;
    /// every call is.
    pub fn step(
        &mut self,
        input: &Input<'_>,
        now: UnixNanos,
        chance: u64,
        out: &mut Vec<Output>,
    ) -> bool {
        self.chance.stir(chance);
        let own = match input {
            Input::Reply(call, reply) => {
                self.reply(*call, reply, now, out);
                true
            }
            Input::NoReply(call, why) => {
                self.no_reply(*call, *why, now);
                true
            }
            Input::Opened(link) if self.doors.lines.owns(*link) => {
                self.doors.lines.opened(*link, now);
                true
            }
            Input::Closed(link, _) if self.doors.lines.owns(*link) => {
                let change = self.doors.lines.closed(*link, now, &mut self.chance);
                self.changed(change, now);
                true
            }
            Input::Frame(link, bytes) if self.doors.lines.owns(*link) => {
                self.frame(*link, bytes, now, out);
                true
            }
            Input::Heard(link) if self.doors.lines.owns(*link) => {
                self.doors.lines.heard(*link, now);
                true
            }
            Input::Wake => false,
            _ => return false,
        };
        self.run(now, out);
        own
    }

    /// The next that it says; to be taken after every step, and after whatever asks.
    pub fn take_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// When it wants to be woken.
    #[must_use]
    pub const fn next_wake(&self) -> Option<UnixNanos> {
        self.wake
    }

    /// Asks, or waits for room to ask. `share` is whose turn it takes among orders: the plugin.
    pub fn ask_wish(
        &mut self,
        lane: Lane,
        share: u16,
        wish: Wish,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) -> CallId {
        let id = self.queue(lane, share, wish, now);
        self.run(now, out);
        id
    }

    /// Asks with a key that is only tried. It counts as everything does that is asked.
    pub fn ask_with(
        &mut self,
        signer: &SharedSigner,
        wish: Wish,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) -> CallId {
        let tried = Some(keys::Tried(SharedSigner::clone(signer)));
        let id = self.queue_with(Lane::Reconcile, 0, wish, tried, now);
        self.run(now, out);
        id
    }

    /// Puts another key in the place of one. What is under way ends with the key that it began
    /// with; what waits, and what is asked again, is signed with this one. Connections that were
    /// greeted with the old one are replaced before they are given up.
    pub fn replace_key(
        &mut self,
        role: KeyRole,
        signer: SharedSigner,
        offer: u64,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) {
        self.ring.replace(role, signer, offer);
        self.doors.lines.set_epochs(self.ring.epochs());
        self.run(now, out);
    }

    /// Says once, of the newest offer, that nothing of a key before it is in use any more.
    pub fn take_retired(&mut self) -> Option<u64> {
        let old = |under: &UnderWay| self.is_of_old_key(under);
        let in_use = self.ring.is_retiring()
            && (self.under_way.values().any(old) || self.doors.lines.has_stale());
        if in_use { None } else { self.ring.retired() }
    }

    fn is_of_old_key(&self, under: &UnderWay) -> bool {
        under.signed.is_some_and(|(purpose, epoch)| epoch < self.ring.epochs().of(purpose))
    }

    /// The key for a purpose, where there is one.
    #[must_use]
    pub fn key(&self, purpose: Purpose) -> Option<&SharedSigner> {
        self.ring.get(purpose)
    }

    /// Whether one key trades and another reads.
    #[must_use]
    pub const fn has_two_keys(&self) -> bool {
        self.ring.are_two()
    }

    /// Takes back what has not been sent. Nothing more is said of it. `false` where it was sent.
    pub fn withdraw(&mut self, call: CallId) -> bool {
        self.lanes.remove(call).is_some()
    }

    /// Whether it waits or is under way.
    #[must_use]
    pub fn is_asked(&self, call: CallId) -> bool {
        self.under_way.values().any(|under| under.pending.id == call) || self.lanes.has(call)
    }

    /// Keeps a connection to the WebSocket API from now on, where one is set.
    pub fn want_socket(&mut self, now: UnixNanos, out: &mut Vec<Output>) {
        self.doors.lines.want();
        self.run(now, out);
    }

    /// Whether a connection to the WebSocket API is greeted.
    #[must_use]
    pub fn has_socket(&self) -> bool {
        self.doors.lines.ready().is_some()
    }

    /// Replaces a connection that will end, before it does.
    pub fn renew_socket(&mut self, link: LinkId, now: UnixNanos, out: &mut Vec<Output>) {
        self.doors.lines.renew(link, now);
        self.run(now, out);
    }

    /// Gives up a connection that cannot be believed any more.
    pub fn drop_socket(&mut self, link: LinkId, now: UnixNanos, out: &mut Vec<Output>) {
        let change = self.doors.lines.close(link, now, &mut self.chance, out);
        self.changed(change, now);
        self.run(now, out);
    }

    /// Whether new orders wait.
    pub fn hold_orders(&mut self, hold: bool, now: UnixNanos, out: &mut Vec<Output>) {
        if std::mem::replace(&mut self.doors.orders_held, hold) && !hold {
            self.run(now, out);
        }
    }

    /// Takes in limits that the venue tells.
    pub fn set_limits(&mut self, limits: &[Limit], now: UnixNanos) {
        let venue_now = self.doors.clock.venue_time(now);
        for Limit { kind, window, most } in limits {
            let usage = Usage { kind: *kind, window: *window, used: 0, most: Some(*most) };
            self.doors.ledger.hear(&usage, venue_now);
        }
    }

    /// The venue's clock less ours, in nanoseconds; `None` while that is not known.
    #[must_use]
    pub fn clock_offset_nanos(&self) -> Option<i64> {
        self.doors.clock.is_known().then(|| self.doors.clock.offset())
    }

    /// How long a signed request may travel after it was sent.
    #[must_use]
    pub const fn travel_max(&self) -> Nanos {
        Nanos::from_millis(self.settings.recv_window_ms as u64)
    }

    /// The venue's clock.
    #[must_use]
    pub const fn venue_now(&self, now: UnixNanos) -> UnixNanos {
        self.doors.clock.venue_time(now)
    }

    /// How long to wait after so many failures in a row.
    pub fn pause(&mut self, failures: u32) -> Nanos {
        self.chance.pause(failures, self.settings.retry)
    }

    /// Counts for people and for metrics.
    #[must_use]
    pub fn counts(&self, now: UnixNanos) -> Vec<(String, &'static str, u64)> {
        self.counts.list(self, now)
    }
}

impl Asks for Gate {
    fn ask(
        &mut self,
        lane: Lane,
        request: &Request<'_>,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) -> CallId {
        match Wish::spot(request) {
            Ok(wish) => self.ask_wish(lane, 0, wish, now, out),
            Err(error) => {
                let id = self.number();
                self.news.push_back(News::Ended(id, Ended::NeverSent(error.to_string())));
                id
            }
        }
    }

    fn forget(&mut self, call: CallId) {
        self.lanes.remove(call);
        for under in self.under_way.values_mut() {
            under.forgotten |= under.pending.id == call;
        }
    }

    fn venue_time(&self, now: UnixNanos) -> UnixNanos {
        self.venue_now(now)
    }
}
