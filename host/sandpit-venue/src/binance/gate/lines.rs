//! Connections to the WebSocket API: one that is used, one that is to take its place, and those
//! that wait for their last answers.

use std::{collections::BTreeSet, ops::Range};

use sandpit_core::time::{Nanos, UnixNanos};

use super::{
    SocketSettings,
    chance::Chance,
    keys::{Epochs, purpose},
};
use crate::{
    keys::Purpose,
    machine::{LinkId, Output},
};

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Opening,
    /// So many steps of the greeting are done; whether the next is under way.
    Greeting(usize, bool),
    Ready,
    /// Another has taken its place. It is listened to until the first moment, and closed as soon as
    /// nothing is under way on it after that, at the second moment in any case.
    Draining(UnixNanos, UnixNanos),
}

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) link: LinkId,
    pub(super) phase: Phase,
    logged_in: bool,
    /// How often keys had been replaced when its greeting began.
    epochs: Epochs,
    since: UnixNanos,
    heard: UnixNanos,
    renew_at: UnixNanos,
}

impl Line {
    /// When anything came by it last.
    pub(super) const fn heard(&self) -> UnixNanos {
        self.heard
    }
}

/// What a change of the connections means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// One is ready; whether there was none before.
    Ready { link: LinkId, gap: bool },
    /// One is gone, with all that was under way on it; whether it was the one that was used.
    Gone { link: LinkId, used: bool },
}

/// A connection that lived so long was a good one.
const GOOD_AFTER: Nanos = Nanos(60 * Nanos::SECOND.0);

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    settings: Option<SocketSettings>,
    range: Range<u32>,
    next: u32,
    lines: Vec<Line>,
    /// Closed by us; their end has not been told.
    closing: BTreeSet<u32>,
    failures: u32,
    open_at: UnixNanos,
    url: usize,
    wanted: bool,
    epochs: Epochs,
    pub(super) reconnects: u64,
}

impl Lines {
    pub(super) const fn new(settings: Option<SocketSettings>, range: Range<u32>) -> Self {
        let next = range.start;
        Self {
            settings,
            range,
            next,
            lines: Vec::new(),
            closing: BTreeSet::new(),
            failures: 0,
            open_at: UnixNanos(0),
            url: 0,
            wanted: false,
            epochs: Epochs::NONE,
            reconnects: 0,
        }
    }

    pub(super) const fn settings(&self) -> Option<&SocketSettings> {
        self.settings.as_ref()
    }

    pub(super) const fn owns(&self, link: LinkId) -> bool {
        self.range.start <= link.0 && link.0 < self.range.end
    }

    /// Keys were replaced so often.
    pub(super) const fn set_epochs(&mut self, epochs: Epochs) {
        self.epochs = epochs;
    }

    /// Whether it was greeted with a key that has been replaced.
    fn is_stale(&self, line: &Line) -> bool {
        let Some(settings) = &self.settings else { return false };
        let used = settings.greeting.iter().filter_map(|wish| purpose(wish.endpoint()));
        let old = |purpose: Purpose| line.epochs.of(purpose) < self.epochs.of(purpose);
        line.phase != Phase::Opening && used.into_iter().any(old)
    }

    /// Whether any connection was greeted with a key that has been replaced.
    pub(super) fn has_stale(&self) -> bool {
        self.lines.iter().any(|line| self.is_stale(line))
    }

    /// Whether it is logged in, with the key that is in use.
    pub(super) fn is_logged_in(&self, link: LinkId) -> bool {
        self.get(link).is_some_and(|line| line.logged_in && !self.is_stale(line))
    }

    pub(super) const fn want(&mut self) {
        self.wanted = true;
    }

    /// The one that is used.
    pub(super) fn ready(&self) -> Option<&Line> {
        self.lines.iter().find(|line| line.phase == Phase::Ready)
    }

    pub(super) fn get(&self, link: LinkId) -> Option<&Line> {
        self.lines.iter().find(|line| line.link == link)
    }

    /// Something came.
    pub(super) fn heard(&mut self, link: LinkId, now: UnixNanos) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.link == link) {
            line.heard = now;
        }
    }

    /// One is open.
    pub(super) fn opened(&mut self, link: LinkId, now: UnixNanos) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.link == link) {
            line.heard = now;
            line.epochs = self.epochs;
            line.phase = Phase::Greeting(0, false);
        }
    }

    /// The connection and the step of the greeting that is to be sent next.
    pub(super) fn to_greet(&self) -> Option<(LinkId, usize)> {
        self.lines.iter().find_map(|line| match line.phase {
            Phase::Greeting(step, false) => Some((line.link, step)),
            _ => None,
        })
    }

    /// The next step was sent.
    pub(super) fn greeted(&mut self, link: LinkId) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.link == link)
            && let Phase::Greeting(step, false) = line.phase
        {
            line.phase = Phase::Greeting(step, true);
            if step == 0 {
                line.epochs = self.epochs;
            }
        }
    }

    /// The step under way was done.
    pub(super) fn welcomed(&mut self, link: LinkId, logged_in: bool) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.link == link)
            && let Phase::Greeting(step, true) = line.phase
        {
            line.logged_in |= logged_in;
            line.phase = Phase::Greeting(step + 1, false);
        }
    }

    /// Whose greeting is over is used from now on.
    pub(super) fn settle(&mut self, now: UnixNanos) -> Option<Change> {
        let settings = self.settings.as_ref()?;
        let steps = settings.greeting.len();
        let done = self
            .lines
            .iter()
            .position(|line| matches!(line.phase, Phase::Greeting(step, false) if step >= steps))?;
        let used = self.lines.iter().position(|line| line.phase == Phase::Ready);
        let gap = used.is_none_or(|at| self.is_stale(&self.lines[at]));
        let settings = self.settings.as_ref()?;
        let (linger, drain) = (now.plus(settings.linger), now.plus(settings.drain));
        if let Some(at) = used {
            self.lines[at].phase = Phase::Draining(linger.min(drain), drain);
        }
        self.lines[done].phase = Phase::Ready;
        Some(Change::Ready { link: self.lines[done].link, gap })
    }

    /// The end of one was told.
    pub(super) fn closed(
        &mut self,
        link: LinkId,
        now: UnixNanos,
        chance: &mut Chance,
    ) -> Option<Change> {
        if self.closing.remove(&link.0) {
            return None;
        }
        self.end(link, now, chance)
    }

    /// Closes one.
    pub(super) fn close(
        &mut self,
        link: LinkId,
        now: UnixNanos,
        chance: &mut Chance,
        out: &mut Vec<Output>,
    ) -> Option<Change> {
        let change = self.end(link, now, chance)?;
        self.closing.insert(link.0);
        out.push(Output::Close(link));
        Some(change)
    }

    fn end(&mut self, link: LinkId, now: UnixNanos, chance: &mut Chance) -> Option<Change> {
        let at = self.lines.iter().position(|line| line.link == link)?;
        let line = self.lines.remove(at);
        let used = line.phase == Phase::Ready;
        if !matches!(line.phase, Phase::Draining(..)) {
            self.reconnects += 1;
            let good = used && now.since(line.since) >= GOOD_AFTER;
            self.failures = if good { 0 } else { self.failures.saturating_add(1) };
            if let Some(settings) = &self.settings {
                if !used {
                    self.url = (self.url + 1) % settings.urls.len().max(1);
                }
                self.open_at = now.plus(chance.pause(self.failures.max(1), settings.reconnect));
            }
        }
        Some(Change::Gone { link, used })
    }

    /// One is to be replaced before it ends.
    pub(super) fn renew(&mut self, link: LinkId, now: UnixNanos) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.link == link) {
            line.renew_at = now;
        }
    }

    /// Those that have to be closed: silent, slow to open, or drained.
    pub(super) fn overdue(&self, now: UnixNanos, busy: impl Fn(LinkId) -> bool) -> Vec<LinkId> {
        let due = |line: &&Line| match line.phase {
            Phase::Draining(linger, _) if linger <= now && !busy(line.link) => true,
            _ => self.deadline(line).is_some_and(|at| at <= now),
        };
        self.lines.iter().filter(due).map(|line| line.link).collect()
    }

    fn deadline(&self, line: &Line) -> Option<UnixNanos> {
        let settings = self.settings.as_ref()?;
        let silent = line.heard.plus(settings.silence);
        Some(match line.phase {
            Phase::Opening | Phase::Greeting(..) => line.since.plus(settings.opening),
            Phase::Ready => silent,
            Phase::Draining(_, until) => until.min(silent),
        })
    }

    fn wants_one(&self, now: UnixNanos) -> bool {
        let coming = |line: &Line| matches!(line.phase, Phase::Opening | Phase::Greeting(..));
        self.wanted
            && self.settings.is_some()
            && !self.lines.iter().any(coming)
            && self.ready().is_none_or(|line| line.renew_at <= now || self.is_stale(line))
    }

    /// Opens one where one is wanted and the time has come.
    pub(super) fn open(&mut self, now: UnixNanos, chance: &mut Chance, out: &mut Vec<Output>) {
        if !self.wants_one(now) || now < self.open_at {
            return;
        }
        let busy = |number: &u32| {
            self.closing.contains(number) || self.lines.iter().any(|line| line.link.0 == *number)
        };
        let free = (self.next..self.range.end)
            .chain(self.range.start..self.next)
            .find(|number| !busy(number));
        let (Some(number), Some(settings)) = (free, &self.settings) else {
            // All are still closing.
            self.open_at = now.plus(Nanos(Nanos::SECOND.0));
            return;
        };
        self.next = if number + 1 < self.range.end { number + 1 } else { self.range.start };
        let Some(url) = settings.urls.get(self.url % settings.urls.len().max(1)) else {
            return;
        };
        let early = chance.up_to(settings.renew_jitter);
        let age = Nanos(settings.renew_after.0.saturating_sub(early.0));
        let link = LinkId(number);
        out.push(Output::Open { link, url: url.clone() });
        self.lines.push(Line {
            link,
            phase: Phase::Opening,
            logged_in: false,
            epochs: self.epochs,
            since: now,
            heard: now,
            renew_at: now.plus(age),
        });
    }

    /// When something is due.
    pub(super) fn next(&self, now: UnixNanos, may_open: bool) -> Option<UnixNanos> {
        let deadlines = self.lines.iter().filter_map(|line| match line.phase {
            Phase::Draining(linger, _) if linger > now => Some(linger),
            _ => self.deadline(line),
        });
        let renewals = self
            .lines
            .iter()
            .filter(|line| line.phase == Phase::Ready)
            .map(|line| line.renew_at.max(self.open_at));
        let opening = (may_open && self.wants_one(now)).then_some(self.open_at);
        // A renewal that is due and cannot begin waits for something else.
        deadlines.chain(renewals.filter(|at| *at > now)).chain(opening).min()
    }
}
