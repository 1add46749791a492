//! What comes back: counted, judged as far as the gate is concerned, asked again or handed on.

use std::borrow::Cow;

use sandpit_core::time::{Nanos, UnixNanos};

use super::{
    Answered, Ended, Gate, News, Wish,
    breaker::Breaker,
    doors::Way,
    head::{self, Head},
    lanes::Pending,
    send::UnderWay,
};
use crate::{
    binance::{
        error_code::{Class, LossCause, Outcome, Rejection, Reply, RetryAfter, judge_by},
        limits::{Lane, Settled, Usage},
        response::{Answer, DecodeError, ServerTime},
        time::time,
    },
    machine::{CallId, HttpReply, LinkId, NoReply, Notice, Output},
};

/// The longest that the venue is left alone because of an error that is no limit of its own.
const ERROR_WAIT_MAX: Nanos = Nanos(120 * Nanos::SECOND.0);

/// An answer of which only the outside is looked at.
struct Anything;

impl Answer<'_> for Anything {
    const WHAT: &'static str = "an answer";

    fn decode(_: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

impl Gate {
    /// A REST call was answered.
    pub(super) fn reply(
        &mut self,
        call: CallId,
        reply: &HttpReply<'_>,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) {
        let venue_now = self.venue_now(now);
        let mut retry_after = None;
        for (name, value) in reply.headers {
            if let Some(usage) = Usage::from_header(name, value) {
                self.doors.ledger.hear(&usage, venue_now);
            } else if name.eq_ignore_ascii_case("retry-after") {
                retry_after = Some(Cow::Borrowed(value.as_str()));
            }
        }
        self.answered(call.0, reply.status, reply.body, retry_after, now, out);
    }

    /// A REST call was not answered.
    pub(super) fn no_reply(&mut self, call: CallId, why: NoReply, now: UnixNanos) {
        match why {
            NoReply::NeverSent => self.not_sent(call.0, now),
            NoReply::TimedOut => self.unanswered(call.0, true, now),
            NoReply::Disconnected => self.unanswered(call.0, false, now),
        }
    }

    /// A frame came.
    pub(super) fn frame(
        &mut self,
        link: LinkId,
        bytes: &[u8],
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) {
        let given_up = self.doors.lines.get(link).is_none();
        self.doors.lines.heard(link, now);
        match head::read(bytes) {
            // Of a connection that was given up nothing counts but that the venue wants to be left
            // alone, which an answer may say.
            Some(Head::Event) | None if given_up => {}
            Some(Head::Event) => self.news.push_back(News::Event(link, bytes.to_vec())),
            Some(Head::Answer { id, status, body, retry_after, limits }) => {
                let venue_now = self.venue_now(now);
                for usage in limits.iter().filter_map(Usage::from_entry) {
                    self.doors.ledger.hear(&usage, venue_now);
                }
                let retry_after = retry_after.map(|after| Cow::Owned(after.to_string()));
                // Without a number it answers nothing that is known; that it is left alone may
                // still be said.
                self.answered(id.unwrap_or(0), status, body, retry_after, now, out);
            }
            None => {
                // It may have been an answer or an event: whatever it was, it is lost.
                self.counts.frames_bad += 1;
                let change = self.doors.lines.close(link, now, &mut self.chance, out);
                self.changed(change, now);
            }
        }
    }

    fn answered(
        &mut self,
        number: u64,
        status: u16,
        body: &[u8],
        retry_after: Option<Cow<'_, str>>,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) {
        let venue_now = self.venue_now(now);
        let reply = Reply { status, body, retry_after: retry_after.as_deref() };
        let outcome = judge_by::<Anything>(self.settings.codes, &reply, venue_now);
        if let Outcome::Banned { until } | Outcome::RateLimited { until, orders_only: false } =
            outcome
        {
            let banned = matches!(outcome, Outcome::Banned { .. });
            self.leave_alone(now.plus(until.since(venue_now)), banned, now, out);
        }
        if let (Outcome::Unknown(_), Some(after)) =
            (&outcome, retry_after.as_deref().and_then(RetryAfter::header))
        {
            // An error that asks for time is given it; nobody but the venue's limits gets days.
            let until = now.plus(after.until(venue_now).since(venue_now).min(ERROR_WAIT_MAX));
            self.leave_alone(until, false, now, out);
        }
        if let Outcome::RateLimited { until, orders_only: true } = outcome {
            self.counts.limited += 1;
            self.doors.ledger.close_orders(until);
        }
        let Some(under) = self.under_way.remove(&number) else {
            self.counts.late += 1;
            return;
        };
        let old_key = self.is_of_old_key(&under);
        let UnderWay { pending, ticket, way, sent, forgotten, greeting, .. } = under;
        let done = matches!(outcome, Outcome::Confirmed(_));
        let how = if done { Settled::Confirmed } else { Settled::Counted };
        self.doors.ledger.settle(ticket, how, venue_now);
        self.counts.ended(pending.lane, &outcome);
        self.counted(number, way, &outcome, now);
        if greeting {
            return self.greeting_answered(way, &pending.wish, &outcome, now, out);
        }
        let is_clock = self.asking_clock == Some(pending.id);
        if is_clock && done {
            return self.take_time(sent, body, now, out);
        }
        if !forgotten && goes_again(&pending, old_key, &outcome) {
            return self.again(pending, now);
        }
        if is_clock {
            return self.never(&pending, String::new(), now);
        }
        if !forgotten {
            let retry_after = retry_after.map(Cow::into_owned);
            let answered = Answered { status, body: body.to_vec(), retry_after, sent };
            self.news.push_back(News::Ended(pending.id, Ended::Answered(answered)));
        }
    }

    /// Tells the way's circuit what came of a request, and the clock where its time was refused.
    fn counted(&mut self, number: u64, way: Way, outcome: &Outcome<Anything>, now: UnixNanos) {
        match outcome {
            Outcome::Confirmed(_) | Outcome::Rejected(_) => {
                self.circuit(way).succeeded(number, now);
            }
            Outcome::Unknown(_) => self.failed(number, way, now),
            // What follows from these is done already.
            Outcome::RateLimited { .. } | Outcome::Banned { .. } => {
                self.circuit(way).ended(number);
            }
        }
        if let Outcome::Rejected(Rejection { class: Class::ClockSkew, .. }) = outcome {
            self.counts.clock_refused += 1;
            self.doors.clock.distrust(now);
        }
    }

    const fn circuit(&mut self, way: Way) -> &mut Breaker {
        match way {
            Way::Rest => &mut self.doors.rest,
            Way::Socket(_) => &mut self.doors.socket,
        }
    }

    fn failed(&mut self, number: u64, way: Way, now: UnixNanos) {
        self.circuit(way).failed(number, now);
        if way == Way::Rest {
            self.rest_at = self.rest_at.wrapping_add(1);
        }
    }

    /// Nothing of it left.
    fn not_sent(&mut self, number: u64, now: UnixNanos) {
        let Some(under) = self.under_way.remove(&number) else {
            self.counts.late += 1;
            return;
        };
        let venue_now = self.venue_now(now);
        self.doors.ledger.settle(under.ticket, Settled::NotSent, venue_now);
        self.failed(number, under.way, now);
        if !under.forgotten {
            // An order goes back, too: it is given back once it has waited too long.
            self.again(under.pending, now);
        }
    }

    /// It may have arrived, and no answer will come.
    pub(super) fn unanswered(&mut self, number: u64, in_time: bool, now: UnixNanos) {
        let Some(under) = self.under_way.remove(&number) else {
            self.counts.late += 1;
            return;
        };
        let venue_now = self.venue_now(now);
        self.doors.ledger.settle(under.ticket, Settled::Counted, venue_now);
        self.counts.unanswered(under.pending.lane);
        if in_time || under.way == Way::Rest {
            self.failed(number, under.way, now);
        } else {
            // That the connection is gone says all; it is not one failure for each request.
            self.circuit(under.way).ended(number);
        }
        if under.forgotten || under.greeting {
            return;
        }
        if !under.pending.wish.endpoint().changes {
            return self.again(under.pending, now);
        }
        self.counts.lost += 1;
        let cause = if in_time { LossCause::Timeout } else { LossCause::Disconnected };
        self.news.push_back(News::Ended(under.pending.id, Ended::Lost(cause)));
    }

    /// Puts something back into its lane, to be sent after a pause.
    fn again(&mut self, mut pending: Pending, now: UnixNanos) {
        /// Cancels do not wait longer than after so many failures.
        const URGENT_FAILURES: u32 = 2;
        self.counts.retries += 1;
        pending.attempts = pending.attempts.saturating_add(1);
        let failures = match pending.lane {
            Lane::Kill | Lane::Orders => pending.attempts.min(URGENT_FAILURES),
            Lane::Reconcile | Lane::Data => pending.attempts,
        };
        pending.not_before = now.plus(self.chance.pause(failures, self.settings.retry));
        self.lanes.push_front(pending);
    }

    fn take_time(&mut self, sent: UnixNanos, body: &[u8], now: UnixNanos, out: &mut Vec<Output>) {
        let done = self.doors.clock.settings_done;
        self.asking_clock = None;
        let server = ServerTime::decode(body).ok().and_then(|answer| time(answer.server_time));
        match server {
            Some(server) => self.doors.clock.take(sent, server, now),
            None => self.doors.clock.missed(now.plus(self.chance.pause(1, self.settings.retry))),
        }
        let offset = self.doors.clock.offset();
        if self.doors.clock.settings_done > done
            && offset.unsigned_abs() > self.settings.clock_offset_max.0
        {
            let text = format!(
                "our clock is {} ms from Binance's; is it kept in time?",
                offset.unsigned_abs() / 1_000_000
            );
            out.push(Output::Notice(Notice::Alert(text)));
        }
    }

    fn leave_alone(
        &mut self,
        until: UnixNanos,
        banned: bool,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) {
        let new = self.doors.quiet_until <= now;
        self.doors.quiet_until = self.doors.quiet_until.max(until);
        self.doors.rest.open(until);
        self.doors.socket.open(until);
        if banned {
            self.counts.banned += 1;
        } else {
            self.counts.limited += 1;
        }
        if new {
            let why =
                if banned { "has banned this address" } else { "says that too much is asked" };
            let seconds = until.since(now).0.div_ceil(Nanos::SECOND.0);
            let text = format!("Binance {why}: nothing is asked for {seconds} s");
            out.push(Output::Notice(Notice::Alert(text)));
        }
    }

    fn greeting_answered(
        &mut self,
        way: Way,
        wish: &Wish,
        outcome: &Outcome<Anything>,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) {
        const LOGON: Option<&str> = Some("session.logon");
        let Way::Socket(link) = way else { return };
        if let Outcome::Confirmed(_) = outcome {
            return self.doors.lines.welcomed(link, wish.endpoint().websocket == LOGON);
        }
        self.counts.greetings_refused += 1;
        if let Outcome::Rejected(Rejection { class, code, message, .. }) = outcome
            && *class != Class::ClockSkew
        {
            let name = wish.endpoint().name;
            let text = format!("Binance refuses {name} on a new connection: {message} ({code})");
            out.push(Output::Notice(Notice::Alert(text)));
        }
        let change = self.doors.lines.close(link, now, &mut self.chance, out);
        self.changed(change, now);
    }
}

/// Whether it is asked again by itself: a question that has no answer, and a cancel of which the
/// venue says that it has not done it.
/// And both where the venue does not take the key that has been replaced meanwhile.
fn goes_again(pending: &Pending, old_key: bool, outcome: &Outcome<Anything>) -> bool {
    let not_done = match outcome {
        Outcome::Confirmed(_) => return false,
        Outcome::RateLimited { .. } | Outcome::Banned { .. } => true,
        Outcome::Rejected(rejection) => {
            rejection.class == Class::ClockSkew || (old_key && rejection.class == Class::KeyProblem)
        }
        Outcome::Unknown(_) => return !pending.wish.endpoint().changes,
    };
    not_done && (!pending.wish.endpoint().changes || pending.lane == Lane::Kill)
}
