//! One line to Binance: a group of streams, the connection that tells them, and the one that takes
//! its place. Says when to open and close, what to send, and when the line is up or down.
//!
//! A connection is replaced before Binance cuts it, when the server says that it goes away, and
//! when a stream is quiet for too long: the new one joins all streams, both are listened to for
//! [`OVERLAP`], then the old one is closed. What both tell is told once, by its numbers.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
};

use sandpit_core::time::{Nanos, UnixNanos};

use super::{
    control,
    links::Links,
    listed::{KINDS_WATCHED, Kind},
    settings::{QUIET_MAX, Settings},
    step::{Backoff, Step, earliest},
};
use crate::machine::{LinkId, Output};

/// Streams in one request.
const BATCH_STREAMS_MAX: usize = 50;
/// How long a connection may take to open.
const OPEN_TIMEOUT: Nanos = Nanos(20 * Nanos::SECOND.0);
/// How long Binance may take to answer a request.
const ANSWER_TIMEOUT: Nanos = Nanos(10 * Nanos::SECOND.0);
/// After a refusal, the same is asked again.
const REFUSED_PAUSE: Nanos = Nanos(30 * Nanos::SECOND.0);
/// How long an old and a new connection are both listened to.
const OVERLAP: Nanos = Nanos(2 * Nanos::SECOND.0);
/// Where the new connection's server goes away as well, the next one is tried so much later: the
/// warning comes ten minutes before.
const SHUTDOWN_PAUSE: Nanos = Nanos(30 * Nanos::SECOND.0);
/// A connection that held so long was a good one: the next attempt is a first one.
const STABLE: Nanos = Nanos(60 * Nanos::SECOND.0);
/// Malformed messages of one connection within [`BAD_WINDOW`]; with more it is opened anew.
const BAD_MAX: u32 = 32;
/// Window of [`BAD_MAX`].
const BAD_WINDOW: Nanos = Nanos(60 * Nanos::SECOND.0);
/// Between attempts to connect. Binance counts 300 of them in 5 minutes from one address.
const CONNECT_BACKOFF: Backoff = Backoff {
    least: Nanos::from_millis(200),
    first: Nanos::from_millis(1_000),
    most: Nanos::from_millis(60_000),
};

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) instrument: usize,
    pub(super) kind: Kind,
    quiet: Option<Silence>,
}

/// How long a stream says nothing.
#[derive(Debug)]
struct Silence {
    /// As set.
    set: Nanos,
    /// As given now: longer after false alarms.
    given: Nanos,
    heard: UnixNanos,
    suspected: Option<UnixNanos>,
}

impl Stream {
    pub(super) fn new(name: String, instrument: usize, kind: Kind, quiet: Option<Nanos>) -> Self {
        let silence = |set| Silence { set, given: set, heard: UnixNanos(0), suspected: None };
        Self { name, instrument, kind, quiet: quiet.map(silence) }
    }

    fn heard(&mut self, now: UnixNanos) {
        let Some(silence) = &mut self.quiet else { return };
        silence.heard = now;
        if let Some(suspected) = silence.suspected.take()
            && now.since(suspected) <= silence.set
        {
            // The new connection brought it back, so the suspicion was right.
            silence.given = silence.set;
        }
    }

    /// Whether it has been quiet for too long; the next time it is given twice as long.
    fn is_quiet(&mut self, now: UnixNanos) -> bool {
        let Some(silence) = &mut self.quiet else { return false };
        if now.since(silence.heard) < silence.given {
            return false;
        }
        silence.given = Nanos(silence.given.0.saturating_mul(2)).min(QUIET_MAX.max(silence.set));
        (silence.heard, silence.suspected) = (now, Some(now));
        true
    }
}

type Batch = Range<usize>;

#[derive(Debug)]
struct Connection {
    link: LinkId,
    begun: UnixNanos,
    opened: Option<UnixNanos>,
    heard: UnixNanos,
    /// What is still to be asked, and from when on.
    todo: VecDeque<(UnixNanos, Batch)>,
    /// When something may be sent again.
    free_at: UnixNanos,
    /// What was asked, by its number, and until when an answer is waited for.
    asked: BTreeMap<u64, (UnixNanos, Batch)>,
    bad: (UnixNanos, u32),
    /// The server said that it goes away.
    leaving: bool,
}

impl Connection {
    fn has_joined(&self) -> bool {
        self.opened.is_some() && self.todo.is_empty() && self.asked.is_empty()
    }

    /// Why it is no use any more.
    fn fault(&self, now: UnixNanos, silence: Nanos) -> Option<&'static str> {
        if self.opened.is_none() {
            return (now.since(self.begun) >= OPEN_TIMEOUT).then_some("it does not open");
        }
        if self.asked.values().any(|(until, _)| *until <= now) {
            return Some("a subscription is not answered");
        }
        (now.since(self.heard) >= silence).then_some("nothing is heard")
    }

    fn deadline(&self, silence: Nanos) -> Option<UnixNanos> {
        if self.opened.is_none() {
            return Some(self.begun.plus(OPEN_TIMEOUT));
        }
        let send = self.todo.front().map(|(from, _)| self.free_at.max(*from));
        let answers = self.asked.values().map(|(until, _)| Some(*until));
        earliest(answers.chain([send, Some(self.heard.plus(silence))]))
    }
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Every stream is joined, after the line was down.
    Joined,
    /// It is down.
    Lost,
}

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    url: String,
    pub(super) streams: Vec<Stream>,
    /// Places of an instrument's streams whose silence would be noticed.
    watched: BTreeMap<usize, [Option<usize>; KINDS_WATCHED]>,
    current: Option<Connection>,
    next: Option<Connection>,
    up: bool,
    open_at: Option<UnixNanos>,
    renew_at: Option<UnixNanos>,
    swap_at: Option<UnixNanos>,
    failures: u32,
}

impl Line {
    pub(super) fn new(url: String, streams: Vec<Stream>, now: UnixNanos) -> Self {
        let mut watched = BTreeMap::<usize, [Option<usize>; KINDS_WATCHED]>::new();
        for (place, stream) in streams.iter().enumerate() {
            if let Some(slot) = stream.kind.watched() {
                watched.entry(stream.instrument).or_default()[slot] = Some(place);
            }
        }
        Self {
            url,
            streams,
            watched,
            current: None,
            next: None,
            up: false,
            open_at: Some(now),
            renew_at: None,
            swap_at: None,
            failures: 0,
        }
    }

    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    /// When anything came by it last; `None` while it is down.
    pub(super) fn heard_at(&self) -> Option<UnixNanos> {
        self.current.as_ref().map(|connection| connection.heard)
    }

    fn connection(&mut self, link: LinkId) -> Option<&mut Connection> {
        [&mut self.current, &mut self.next]
            .into_iter()
            .flatten()
            .find(|connection| connection.link == link)
    }

    pub(super) fn has(&self, link: LinkId) -> bool {
        [&self.current, &self.next].into_iter().flatten().any(|one| one.link == link)
    }

    pub(super) fn deadline(&self, settings: &Settings) -> Option<UnixNanos> {
        let silence = settings.link_silence;
        let connection = |one: &Option<Connection>| one.as_ref()?.deadline(silence);
        let may_renew = self.up && self.next.is_none();
        let renew = self.renew_at.filter(|_| may_renew);
        let quiet =
            self.streams.iter().filter(|_| may_renew).map(|stream| {
                stream.quiet.as_ref().map(|silence| silence.heard.plus(silence.given))
            });
        let open = self.open_at.filter(|_| self.current.is_none());
        let own = [open, renew, self.swap_at];
        earliest(quiet.chain(own).chain([connection(&self.current), connection(&self.next)]))
    }

    fn open(&self, links: &mut Links, step: &mut Step<'_>) -> Option<Connection> {
        let link = links.take()?;
        step.shared.counts.connects += 1;
        step.put(Output::Open { link, url: self.url.clone() });
        let batches = (0..self.streams.len())
            .step_by(BATCH_STREAMS_MAX)
            .map(|from| (step.now, from..self.streams.len().min(from + BATCH_STREAMS_MAX)));
        Some(Connection {
            link,
            begun: step.now,
            opened: None,
            heard: step.now,
            todo: batches.collect(),
            free_at: step.now,
            asked: BTreeMap::new(),
            bad: (step.now, 0),
            leaving: false,
        })
    }

    pub(super) fn opened(&mut self, link: LinkId, settings: &Settings, step: &mut Step<'_>) {
        let early = step.random(settings.renew_jitter);
        let is_current = self.current.as_ref().is_some_and(|one| one.link == link);
        let Some(connection) = self.connection(link) else { return };
        connection.opened = Some(step.now);
        connection.heard = step.now;
        if is_current {
            self.renew_at = Some(renewal(step.now, early, settings));
        }
    }

    pub(super) fn heard(&mut self, link: LinkId, now: UnixNanos) {
        if let Some(connection) = self.connection(link) {
            connection.heard = now;
        }
    }

    /// A stream of this line said something.
    pub(super) fn told(&mut self, instrument: usize, kind: Kind, now: UnixNanos) {
        let place = kind.watched().and_then(|slot| Some(self.watched.get(&instrument)?[slot]));
        if let Some(stream) = place.flatten().and_then(|place| self.streams.get_mut(place)) {
            stream.heard(now);
        }
    }

    /// A message was malformed.
    pub(super) fn bad(&mut self, link: LinkId, step: &mut Step<'_>) -> Option<News> {
        let connection = self.connection(link)?;
        let (since, bad) = &mut connection.bad;
        if step.now.since(*since) >= BAD_WINDOW {
            (*since, *bad) = (step.now, 0);
        }
        *bad += 1;
        if *bad <= BAD_MAX {
            return None;
        }
        step.alert("a market stream sends malformed messages; it is connected anew".to_owned());
        self.drop_link(link, step)
    }

    /// Binance did what was asked.
    pub(super) fn done(&mut self, link: LinkId, number: u64) {
        if let Some(connection) = self.connection(link) {
            connection.asked.remove(&number);
        }
    }

    /// Binance refused what was asked.
    pub(super) fn refused(
        &mut self,
        link: LinkId,
        number: Option<u64>,
        words: &str,
        step: &mut Step<'_>,
    ) {
        step.shared.counts.refused += 1;
        step.alert(format!("Binance refuses market streams: {words}"));
        let again_at = step.now.plus(REFUSED_PAUSE);
        let Some(connection) = self.connection(link) else { return };
        // Without a number it can only be the oldest that waits.
        let number = number.or_else(|| connection.asked.keys().next().copied());
        if let Some((_, batch)) = number.and_then(|number| connection.asked.remove(&number)) {
            connection.todo.push_back((again_at, batch));
        }
    }

    /// The server goes away, minutes from now: the connection is replaced. One that is to take
    /// another's place does so first.
    pub(super) fn shutdown(&mut self, link: LinkId, step: &Step<'_>) {
        let is_current = self.current.as_ref().is_some_and(|one| one.link == link);
        let Some(connection) = self.connection(link) else { return };
        if !std::mem::replace(&mut connection.leaving, true) && is_current {
            self.renew_at = Some(step.now);
        }
    }

    /// Closes a connection that is no use.
    fn drop_link(&mut self, link: LinkId, step: &mut Step<'_>) -> Option<News> {
        step.put(Output::Close(link));
        self.closed(link, step)
    }

    /// A connection is gone.
    pub(super) fn closed(&mut self, link: LinkId, step: &mut Step<'_>) -> Option<News> {
        if self.next.as_ref().is_some_and(|next| next.link == link) {
            step.shared.counts.connects_failed += 1;
            self.failures = self.failures.saturating_add(1);
            (self.next, self.swap_at) = (None, None);
            self.renew_at = Some(step.now.plus(step.pause(self.failures, CONNECT_BACKOFF)));
            return None;
        }
        let gone = self.current.take_if(|current| current.link == link)?;
        step.shared.counts.connects_failed += 1;
        self.swap_at = None;
        if gone.opened.is_some_and(|opened| step.now.since(opened) >= STABLE) {
            self.failures = 0;
        }
        if let Some(next) = self.next.take() {
            // It takes over, joined or not.
            let joined = next.has_joined();
            self.current = Some(next);
            self.renewed(step);
            if joined {
                return None;
            }
        } else {
            self.failures = self.failures.saturating_add(1);
            self.open_at = Some(step.now.plus(step.pause(self.failures, CONNECT_BACKOFF)));
            self.renew_at = None;
        }
        std::mem::take(&mut self.up).then_some(News::Lost)
    }

    /// The new connection is the one.
    fn renewed(&mut self, step: &mut Step<'_>) {
        step.shared.counts.renewals += 1;
        // Else `on_time` sets when it is replaced in its turn, with a chance of its own.
        let leaving = self.current.as_ref().is_some_and(|current| current.leaving);
        self.renew_at = leaving.then(|| step.now.plus(SHUTDOWN_PAUSE));
    }

    /// Does what is due: opens, sends, closes, replaces.
    pub(super) fn on_time(
        &mut self,
        settings: &Settings,
        links: &mut Links,
        step: &mut Step<'_>,
    ) -> Option<News> {
        let mut news = self.drop_faulty(settings, step);
        if self.open_at.is_some_and(|at| at <= step.now) && self.current.is_none() {
            self.current = self.open(links, step);
            // Where no number is free, lines are closing: soon there is one.
            self.open_at = self.current.is_none().then(|| step.now.plus(CONNECT_BACKOFF.first));
        }
        self.replace_quiet(step);
        if self.renew_at.is_none()
            && let Some(opened) = self.current.as_ref().and_then(|current| current.opened)
        {
            let early = step.random(settings.renew_jitter);
            self.renew_at = Some(renewal(opened, early, settings));
        }
        if self.up && self.next.is_none() && self.renew_at.is_some_and(|at| at <= step.now) {
            self.next = self.open(links, step);
            if self.next.is_none() {
                self.renew_at = Some(step.now.plus(CONNECT_BACKOFF.first));
            }
        }
        self.send(settings, step);
        if !self.up && self.current.as_ref().is_some_and(Connection::has_joined) {
            self.up = true;
            for silence in self.streams.iter_mut().filter_map(|stream| stream.quiet.as_mut()) {
                silence.heard = step.now;
            }
            news = Some(News::Joined);
        }
        self.swap(step);
        news
    }

    fn drop_faulty(&mut self, settings: &Settings, step: &mut Step<'_>) -> Option<News> {
        let mut news = None;
        for which in 0..2 {
            let one = if which == 0 { &self.next } else { &self.current };
            let Some(connection) = one else { continue };
            if let Some(why) = connection.fault(step.now, settings.link_silence) {
                let link = connection.link;
                if why == "nothing is heard" {
                    step.shared.counts.silences += 1;
                }
                news = self.drop_link(link, step).or(news);
            }
        }
        news
    }

    /// A stream that is quiet for too long: perhaps the market, perhaps the connection.
    fn replace_quiet(&mut self, step: &mut Step<'_>) {
        if !self.up || self.next.is_some() {
            return;
        }
        for stream in &mut self.streams {
            if stream.is_quiet(step.now) {
                step.shared.counts.quiet += 1;
                self.renew_at = Some(step.now);
            }
        }
    }

    fn send(&mut self, settings: &Settings, step: &mut Step<'_>) {
        for connection in [&mut self.current, &mut self.next].into_iter().flatten() {
            if connection.opened.is_none() || connection.free_at > step.now {
                continue;
            }
            let due = connection.todo.front().is_some_and(|(from, _)| *from <= step.now);
            let next = if due { connection.todo.pop_front() } else { None };
            let Some((_, batch)) = next else { continue };
            let number = step.message_number();
            let names = self.streams[batch.clone()].iter().map(|stream| stream.name.as_str());
            let text = control::subscribe(names, number);
            connection.free_at = step.now.plus(settings.send_pause);
            connection.asked.insert(number, (step.now.plus(ANSWER_TIMEOUT), batch));
            step.put(Output::Send { link: connection.link, text });
        }
    }

    fn swap(&mut self, step: &mut Step<'_>) {
        let joined = self.next.as_ref().is_some_and(Connection::has_joined);
        match self.swap_at {
            None if joined => self.swap_at = Some(step.now.plus(OVERLAP)),
            Some(at) if joined && at <= step.now => {
                if let Some(old) = std::mem::replace(&mut self.current, self.next.take()) {
                    step.put(Output::Close(old.link));
                }
                (self.swap_at, self.failures) = (None, 0);
                self.renewed(step);
            }
            _ => {}
        }
    }

    /// Closes all connections.
    pub(super) fn end(&mut self, step: &mut Step<'_>) {
        for connection in [self.current.take(), self.next.take()].into_iter().flatten() {
            step.put(Output::Close(connection.link));
        }
        (self.open_at, self.renew_at, self.swap_at, self.up) = (None, None, None, false);
    }
}

/// When a connection is replaced that was opened at this time.
const fn renewal(opened: UnixNanos, early: Nanos, settings: &Settings) -> UnixNanos {
    opened.plus(Nanos(settings.renew_after.0.saturating_sub(early.0)))
}
