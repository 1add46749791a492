//! Whether something may go, and which way.

use sandpit_core::time::{Nanos, UnixNanos};

use super::{
    GateSettings,
    breaker::Breaker,
    clock::VenueClock,
    lanes::{Pending, Verdict},
    lines::Lines,
};
use crate::{
    binance::{
        limits::{Lane, Ledger, NoRoom, Ticket},
        request::{Pool, Security},
    },
    machine::LinkId,
};

/// How often room is looked for that the venue's next window may bring.
const ROOM_EVERY: Nanos = Nanos::from_millis(250);

/// Which way something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Rest,
    Socket(LinkId),
}

/// What becomes of one that may go.
pub(super) enum Permit {
    Send(Way, Ticket),
    /// It can never go.
    Never(String),
}

/// Everything that decides.
#[derive(Debug)]
pub(super) struct Doors {
    pub(super) clock: VenueClock,
    pub(super) ledger: Ledger,
    pub(super) lines: Lines,
    pub(super) rest: Breaker,
    pub(super) socket: Breaker,
    /// The venue wants to be left alone until then, by our clock.
    pub(super) quiet_until: UnixNanos,
    pub(super) orders_held: bool,
    /// When room is looked for again.
    pub(super) look_again: Option<UnixNanos>,
    has_wallet: bool,
}

impl Doors {
    pub(super) fn new(settings: &GateSettings) -> Self {
        Self {
            clock: VenueClock::new(settings.clock_samples, settings.clock_every),
            ledger: Ledger::new(&settings.limits, settings.reserves),
            lines: Lines::new(settings.socket.clone(), settings.links.clone()),
            rest: Breaker::new(settings.breaker),
            socket: Breaker::new(settings.breaker),
            quiet_until: UnixNanos(0),
            orders_held: false,
            look_again: None,
            has_wallet: settings.wallet.is_some(),
        }
    }

    /// Whether a new connection to the WebSocket API may be opened.
    pub(super) fn may_open(&self, now: UnixNanos) -> bool {
        now >= self.quiet_until && self.clock.is_known()
    }

    /// Looks for a way. Data goes over REST, so that a large answer keeps no order waiting; all
    /// else prefers the WebSocket API. A question that failed tries the other way next.
    fn way(&self, pending: &Pending, now: UnixNanos) -> Option<Way> {
        let endpoint = pending.wish.endpoint();
        let lane = pending.lane;
        let socket = self
            .lines
            .ready()
            .filter(|_| endpoint.websocket.is_some() && lane != Lane::Data)
            .filter(|_| self.socket.passes(lane, now))
            .map(|line| Way::Socket(line.link));
        let rest = (endpoint.rest.is_some() && self.rest.passes(lane, now)).then_some(Way::Rest);
        let other = !endpoint.changes && pending.attempts % 2 == 1;
        if other { rest.or(socket) } else { socket.or(rest) }
    }

    pub(super) fn permit(&mut self, pending: &Pending, now: UnixNanos) -> Verdict<Permit> {
        let endpoint = pending.wish.endpoint();
        if now < self.quiet_until || (pending.lane == Lane::Orders && self.orders_held) {
            return Verdict::Stop;
        }
        if now < pending.not_before {
            return Verdict::Skip;
        }
        if pending.wish.cost().pool == Pool::Sapi && !self.has_wallet {
            let text = "the wallet's endpoints are not here".to_owned();
            return Verdict::Go(Permit::Never(text));
        }
        let timed = !matches!(endpoint.security, Security::Public | Security::Keyed);
        if timed && !self.clock.is_known() {
            return Verdict::Skip;
        }
        let Some(way) = self.way(pending, now) else {
            self.look_again(now.plus(ROOM_EVERY));
            return Verdict::Skip;
        };
        let venue_now = self.clock.venue_time(now);
        match self.ledger.take(pending.lane, pending.wish.cost(), venue_now) {
            Ok(ticket) => Verdict::Go(Permit::Send(way, ticket)),
            Err(never @ NoRoom::Never { .. }) => Verdict::Go(Permit::Never(never.to_string())),
            Err(NoRoom::Share { .. } | NoRoom::Closed { .. }) => {
                self.look_again(now.plus(ROOM_EVERY));
                Verdict::Stop
            }
        }
    }

    fn look_again(&mut self, at: UnixNanos) {
        self.look_again = Some(self.look_again.map_or(at, |before| before.min(at)));
    }
}
