//! From a lane to a way out: time and signature are added at the moment of sending.

use sandpit_core::time::{Nanos, UnixNanos};

use super::{
    Ended, Gate, News, Wish,
    doors::{Permit, Way},
    keys::{Tried, purpose},
    lanes::Pending,
    lines::Change,
};
use crate::{
    binance::{
        limits::{Lane, Settled, Ticket},
        request::{
            Identity, Pool, RequestError, RestCall, Security, Timing, encode_rest, encode_websocket,
        },
    },
    keys::{KeyName, Purpose, Signer},
    machine::{Call, CallId, LinkId, Output},
};

/// One that was sent and not answered.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) pending: Pending,
    pub(super) ticket: Ticket,
    pub(super) way: Way,
    pub(super) sent: UnixNanos,
    pub(super) deadline: UnixNanos,
    pub(super) forgotten: bool,
    /// Whether it is a step of a connection's greeting.
    pub(super) greeting: bool,
    /// With which key, by purpose and how often that had been replaced; `None` where it was signed
    /// with none, or with one that is only tried.
    pub(super) signed: Option<(Purpose, u64)>,
}

/// How much later than its timeout a REST call is given up if nothing is heard of it at all.
const CALL_GRACE: Nanos = Nanos(2 * Nanos::SECOND.0);
/// How long a connection is kept waiting for room for its greeting before it is looked at again.
const GREET_EVERY: Nanos = Nanos::from_millis(250);

impl Gate {
    pub(super) const fn number(&mut self) -> CallId {
        let number = self.next_number;
        self.next_number += 1;
        CallId(number)
    }

    /// Puts something into its lane, or gives it back.
    pub(super) fn queue(&mut self, lane: Lane, share: u16, wish: Wish, now: UnixNanos) -> CallId {
        self.queue_with(lane, share, wish, None, now)
    }

    /// The same, to be signed with a key that is only tried.
    pub(super) fn queue_with(
        &mut self,
        lane: Lane,
        share: u16,
        wish: Wish,
        tried: Option<Tried>,
        now: UnixNanos,
    ) -> CallId {
        let id = self.number();
        let name = wish.endpoint().name;
        let full = match lane {
            Lane::Kill => false,
            Lane::Orders => self.lanes.len(lane) >= self.settings.orders_max,
            Lane::Reconcile | Lane::Data => self.lanes.len(lane) >= self.settings.queue_max,
        };
        let refused = if wish.endpoint().security != Security::Public && self.ring.is_empty() {
            Some(RequestError::NoKey { name }.to_string())
        } else if full {
            Some(format!("too much waits to be sent already; {name} was not sent"))
        } else {
            None
        };
        if let Some(text) = refused {
            self.counts.never(lane);
            self.news.push_back(News::Ended(id, Ended::NeverSent(text)));
            return id;
        }
        let (asked, not_before, attempts) = (now, now, 0);
        let pending = Pending { id, lane, share, wish, tried, asked, not_before, attempts };
        self.lanes.push(pending);
        id
    }

    /// Does what is due, and sends what may go.
    pub(super) fn run(&mut self, now: UnixNanos, out: &mut Vec<Output>) {
        self.expire(now, out);
        if now >= self.doors.clock.due() && now >= self.doors.quiet_until {
            self.doors.clock.asked();
            let time = self.settings.time.clone();
            self.asking_clock = Some(self.queue(Lane::Reconcile, 0, time, now));
        }
        if self.doors.may_open(now) {
            self.doors.lines.open(now, &mut self.chance, out);
            self.greet(now, out);
        }
        while let Some(change) = self.doors.lines.settle(now) {
            self.changed(Some(change), now);
        }
        self.close_overdue(now, out);
        self.doors.look_again = None;
        for lane in Lane::ALL {
            while let Some((pending, permit)) =
                self.lanes.take(lane, |pending| self.doors.permit(pending, now))
            {
                match permit {
                    Permit::Send(way, ticket) => self.send(pending, way, ticket, now, out),
                    Permit::Never(text) => self.never(&pending, text, now),
                }
            }
        }
        self.plan_wake(now);
    }

    fn plan_wake(&mut self, now: UnixNanos) {
        let waits = Lane::ALL.iter().any(|lane| self.lanes.len(*lane) > 0);
        let quiet = self.doors.quiet_until;
        let clock = self.doors.clock.due();
        let times = [
            (quiet > now && (waits || clock <= now)).then_some(quiet),
            (clock < UnixNanos(u64::MAX) && clock > now).then_some(clock),
            self.doors.look_again,
            self.lanes.next_not_before(now),
            self.lanes.oldest_order().map(|asked| asked.plus(self.settings.patience)),
            self.under_way.values().map(|under| under.deadline).min(),
            self.doors.lines.next(now, self.doors.may_open(now)),
            (quiet > now && self.doors.clock.is_known()).then_some(quiet),
            (self.doors.may_open(now) && self.doors.lines.to_greet().is_some())
                .then(|| now.plus(GREET_EVERY)),
        ];
        // What is due was done just now; whatever is left of it is done a moment later.
        self.wake = times.into_iter().flatten().min().map(|at| at.max(now.plus(Nanos(1))));
    }

    /// Ends what has waited for too long.
    fn expire(&mut self, now: UnixNanos, out: &mut Vec<Output>) {
        let since = UnixNanos(now.0.saturating_sub(self.settings.patience.0));
        for pending in self.lanes.take_stale_orders(since) {
            let text =
                format!("{} was not sent: no way to send it in time", pending.wish.endpoint().name);
            self.never(&pending, text, now);
        }
        let late: Vec<u64> = self
            .under_way
            .iter()
            .filter(|(_, under)| under.deadline <= now)
            .map(|(number, _)| *number)
            .collect();
        for number in late {
            let Some(way) = self.under_way.get(&number).map(|under| under.way) else { continue };
            self.unanswered(number, true, now);
            // A connection that does not answer is given up with all that is under way on it.
            if let Way::Socket(link) = way {
                let change = self.doors.lines.close(link, now, &mut self.chance, out);
                self.changed(change, now);
            }
        }
    }

    fn close_overdue(&mut self, now: UnixNanos, out: &mut Vec<Output>) {
        let under_way = &self.under_way;
        let busy = |link| under_way.values().any(|under| under.way == Way::Socket(link));
        for link in self.doors.lines.overdue(now, busy) {
            let change = self.doors.lines.close(link, now, &mut self.chance, out);
            self.changed(change, now);
        }
    }

    /// It will never be sent.
    pub(super) fn never(&mut self, pending: &Pending, text: String, now: UnixNanos) {
        self.counts.never(pending.lane);
        if self.asking_clock == Some(pending.id) {
            self.asking_clock = None;
            let pause = self.chance.pause(pending.attempts + 1, self.settings.retry);
            return self.doors.clock.missed(now.plus(pause));
        }
        self.news.push_back(News::Ended(pending.id, Ended::NeverSent(text)));
    }

    fn timing(&self, now: UnixNanos) -> Timing {
        Timing {
            timestamp_ms: self.doors.clock.venue_time(now).0 / 1_000_000,
            recv_window_ms: self.settings.recv_window_ms,
        }
    }

    fn send(
        &mut self,
        pending: Pending,
        way: Way,
        ticket: Ticket,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) {
        let number = self.next_number;
        self.next_number += 1;
        let wire = match way {
            Way::Rest => self.rest_call(number, &pending, now),
            Way::Socket(link) => self.socket_text(number, &pending, link, now),
        };
        let of = purpose(pending.wish.endpoint()).filter(|_| pending.tried.is_none());
        let signed = of.map(|purpose| (purpose, self.ring.epochs().of(purpose)));
        let output = match wire {
            Ok(output) => output,
            Err(error) => {
                let venue_now = self.venue_now(now);
                self.doors.ledger.settle(ticket, Settled::NotSent, venue_now);
                return self.never(&pending, error.to_string(), now);
            }
        };
        out.push(output);
        let (grace, circuit) = match way {
            Way::Rest => (CALL_GRACE, &mut self.doors.rest),
            Way::Socket(_) => (Nanos(0), &mut self.doors.socket),
        };
        circuit.passed(number, now);
        let deadline = now.plus(self.settings.timeout).plus(grace);
        self.counts.sent(pending.lane, way);
        let under = UnderWay {
            pending,
            ticket,
            way,
            sent: now,
            deadline,
            forgotten: false,
            greeting: false,
            signed,
        };
        self.under_way.insert(number, under);
    }

    /// Who signs it: looked up at the moment of sending.
    fn signer<'s>(&'s self, pending: &'s Pending) -> Option<&'s dyn Signer> {
        let tried = pending.tried.as_ref().map(|tried| &tried.0);
        let purpose = purpose(pending.wish.endpoint()).unwrap_or(Purpose::Read);
        let signer = tried.or_else(|| self.ring.get(purpose))?;
        Some(&**signer as &dyn Signer)
    }

    fn rest_call(
        &self,
        number: u64,
        pending: &Pending,
        now: UnixNanos,
    ) -> Result<Output, RequestError> {
        let timing = self.timing(now);
        let (wish, signer) = (&pending.wish, self.signer(pending));
        let call: RestCall =
            wish.with_params(|params| encode_rest(wish.endpoint(), params, timing, signer))?;
        let rest = &self.settings.rest;
        let base = match wish.cost().pool {
            Pool::Api => rest.get(self.rest_at % rest.len().max(1)),
            Pool::Sapi => self.settings.wallet.as_ref(),
        };
        let name = wish.endpoint().name;
        let base = base.ok_or(RequestError::NoSuchDoor { name, side: "REST API" })?.clone();
        Ok(Output::Call(Call {
            id: CallId(number),
            method: call.method.as_str(),
            base,
            path: call.target(),
            body: call.body,
            key: signer.filter(|_| call.with_key).map(|one| KeyName::new(one.api_key())),
            timeout: self.settings.timeout,
        }))
    }

    fn socket_text(
        &self,
        number: u64,
        pending: &Pending,
        link: LinkId,
        now: UnixNanos,
    ) -> Result<Output, RequestError> {
        let timing = self.timing(now);
        let wish = &pending.wish;
        let endpoint = wish.endpoint();
        // A connection is logged in with the key that trades, as it was then.
        let trades = !self.ring.are_two() || purpose(endpoint) == Some(Purpose::Trade);
        let logged_in = pending.tried.is_none()
            && (trades && self.doors.lines.is_logged_in(link)
                || endpoint.security == Security::Session);
        let identity = match self.signer(pending) {
            None => Identity::Nobody,
            Some(signer) if logged_in => Identity::LoggedIn(signer),
            Some(signer) => Identity::Key(signer),
        };
        let text = wish
            .with_params(|params| encode_websocket(endpoint, params, number, timing, identity))?;
        Ok(Output::Send { link, text })
    }

    /// Sends the next step of a greeting.
    fn greet(&mut self, now: UnixNanos, out: &mut Vec<Output>) {
        while let Some((link, step)) = self.doors.lines.to_greet() {
            let settings = self.doors.lines.settings();
            let Some(wish) = settings.and_then(|settings| settings.greeting.get(step)).cloned()
            else {
                return;
            };
            let venue_now = self.venue_now(now);
            // What every order waits for may use what reconciling may.
            let Ok(ticket) = self.doors.ledger.take(Lane::Reconcile, wish.cost(), venue_now) else {
                return;
            };
            let id = self.number();
            let pending = Pending {
                id,
                lane: Lane::Reconcile,
                share: 0,
                wish,
                tried: None,
                asked: now,
                not_before: now,
                attempts: 0,
            };
            self.doors.lines.greeted(link);
            let number = self.next_number;
            self.send(pending, Way::Socket(link), ticket, now, out);
            match self.under_way.get_mut(&number) {
                Some(under) => under.greeting = true,
                // It cannot be made at all; the connection ends when it takes too long.
                None => self.counts.greetings_refused += 1,
            }
        }
    }

    /// What a change of the connections means for what is under way.
    pub(super) fn changed(&mut self, change: Option<Change>, now: UnixNanos) {
        match change {
            None => {}
            Some(Change::Ready { link, gap }) => self.news.push_back(News::Ready { link, gap }),
            Some(Change::Gone { link, used }) => {
                let lost: Vec<u64> = self
                    .under_way
                    .iter()
                    .filter(|(_, under)| under.way == Way::Socket(link))
                    .map(|(number, _)| *number)
                    .collect();
                for number in lost {
                    self.unanswered(number, false, now);
                }
                if used {
                    let settings = self.doors.lines.settings();
                    self.doors.orders_held |= settings.is_some_and(|one| one.orders_need_it);
                    self.news.push_back(News::Down);
                }
            }
        }
    }
}
