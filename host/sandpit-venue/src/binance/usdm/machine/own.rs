//! Own events: a listen key that is kept alive, and the connections that it opens. A new connection
//! is open before an old one is closed, so that nothing is missed where it can be had.

use sandpit_core::time::UnixNanos;

use super::{
    super::{
        request::Request,
        response::{ListenKey, Whole},
        settings::Settings,
    },
    desk::{Step, judged},
};
use crate::{
    binance::{
        error_code::{Class, Outcome},
        gate::Ended,
        limits::Lane,
    },
    machine::{CallId, LinkId, Output},
};

/// Numbers of connections of own events begin here; none is used twice.
pub(super) const LINKS_FROM: u32 = 1_000_000;
/// Bytes of a listen key; it has 64.
const KEY_BYTES_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Up,
    /// Closed by us; its end has not been told.
    Closing,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    link: LinkId,
    phase: Phase,
    since: UnixNanos,
    heard: UnixNanos,
    renewing: bool,
    /// The key that it was opened with has been replaced.
    stale: bool,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Own events are heard; whether something may have been missed.
    Up { gap: bool },
    /// They are heard with another key; whether both heard the same is to be looked at.
    Rekeyed,
    /// They are not.
    Down,
}

/// The line of own events.
#[derive(Debug, Default)]
pub(super) struct Own {
    wanted: bool,
    key: Option<String>,
    asking: Option<CallId>,
    keeping: Option<CallId>,
    keep_at: UnixNanos,
    ask_at: Option<UnixNanos>,
    failures: u32,
    lines: Vec<Line>,
    links: u32,
    pub(super) up: bool,
    pub(super) opened: u64,
    pub(super) kept: u64,
}

impl Own {
    pub(super) fn want(&mut self, step: &mut Step<'_>) {
        self.wanted = true;
        self.ask_key(step);
    }

    pub(super) const fn owns(link: LinkId) -> bool {
        link.0 >= LINKS_FROM
    }

    pub(super) fn owns_call(&self, call: CallId) -> bool {
        self.asking == Some(call) || self.keeping == Some(call)
    }

    fn ask_key(&mut self, step: &mut Step<'_>) {
        if self.wanted && self.asking.is_none() {
            self.ask_at = None;
            self.asking = step.ask(Lane::Reconcile, 0, &Request::StartListen).ok();
        }
    }

    /// Another key reads from now on: own events are asked for with it before those of the old one
    /// are given up.
    pub(super) fn rekey(&mut self, step: &mut Step<'_>) {
        for line in &mut self.lines {
            line.stale = true;
            line.renewing = true;
            // One that is only being opened would keep the new one waiting.
            if line.phase == Phase::Opening {
                line.phase = Phase::Closing;
                step.out.push(Output::Close(line.link));
            }
        }
        // An answer to the old key would not be one to this.
        if let Some(call) = self.asking.take() {
            use crate::binance::gate::Asks as _;
            step.gate.forget(call);
        }
        self.ask_key(step);
    }

    /// Whether own events come by a key that has been replaced.
    pub(super) fn is_stale(&self) -> bool {
        self.lines.iter().any(|line| line.stale)
    }

    fn ask_later(&mut self, step: &mut Step<'_>) {
        self.failures = self.failures.saturating_add(1);
        self.ask_at = Some(step.now.plus(step.gate.pause(self.failures)));
    }

    pub(super) fn ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        settings: &Settings,
        step: &mut Step<'_>,
    ) {
        if self.keeping == Some(call) {
            self.keeping = None;
            return self.kept(ended, settings, step);
        }
        self.asking = None;
        let key = match ended {
            Ended::Answered(answered) => match judged::<ListenKey<'_>>(answered, step.now) {
                Outcome::Confirmed(answer) => well_formed(&answer.listen_key),
                Outcome::Rejected(refusal) => {
                    step.alert(format!(
                        "Binance gives no key to own events: {} ({})",
                        refusal.message, refusal.code
                    ));
                    None
                }
                _ => None,
            },
            Ended::Lost(_) | Ended::NeverSent(_) => None,
        };
        let Some(key) = key else { return self.ask_later(step) };
        self.keep_at = step.now.plus(settings.keep_every);
        self.key = Some(key);
        self.open(settings, step);
    }

    fn kept(&mut self, ended: &Ended, settings: &Settings, step: &mut Step<'_>) {
        self.keep_at = step.now.plus(settings.keep_every);
        let Ended::Answered(answered) = ended else {
            self.keep_at = step.now.plus(step.gate.pause(1));
            return;
        };
        match judged::<Whole>(answered, step.now) {
            Outcome::Confirmed(_) => self.kept += 1,
            // It does not exist any more: another one.
            Outcome::Rejected(refusal) if refusal.class == Class::Session => {
                self.key = None;
                self.ask_key(step);
            }
            _ => self.keep_at = step.now.plus(step.gate.pause(1)),
        }
    }

    fn open(&mut self, settings: &Settings, step: &mut Step<'_>) {
        let Some(key) = &self.key else { return };
        if self.lines.iter().any(|line| line.phase == Phase::Opening) {
            return;
        }
        let link = LinkId(LINKS_FROM.saturating_add(self.links));
        self.links = self.links.saturating_add(1);
        let url = [settings.hosts.private.as_str(), key].concat();
        step.out.push(Output::Open { link, url });
        let (since, heard) = (step.now, step.now);
        self.lines.push(Line {
            link,
            phase: Phase::Opening,
            since,
            heard,
            renewing: false,
            stale: false,
        });
    }

    pub(super) fn opened(&mut self, link: LinkId, step: &mut Step<'_>) -> Option<Change> {
        let line = self.lines.iter_mut().find(|line| line.link == link)?;
        if line.phase != Phase::Opening {
            return None;
        }
        line.phase = Phase::Up;
        line.heard = step.now;
        self.failures = 0;
        self.opened += 1;
        let (mut gap, mut rekeyed) = (true, false);
        for other in &mut self.lines {
            if other.link != link && other.phase == Phase::Up {
                gap = false;
                rekeyed |= other.stale;
                other.phase = Phase::Closing;
                step.out.push(Output::Close(other.link));
            }
        }
        self.up = true;
        if rekeyed {
            return Some(Change::Rekeyed);
        }
        gap.then_some(Change::Up { gap: self.opened > 1 })
    }

    pub(super) fn closed(&mut self, link: LinkId, step: &mut Step<'_>) -> Option<Change> {
        let at = self.lines.iter().position(|line| line.link == link)?;
        let line = self.lines.remove(at);
        if line.phase == Phase::Closing {
            return None;
        }
        self.ask_later(step);
        self.look_whether_up()
    }

    fn look_whether_up(&mut self) -> Option<Change> {
        let up = self.lines.iter().any(|line| line.phase == Phase::Up);
        let was = std::mem::replace(&mut self.up, up);
        (was && !up).then_some(Change::Down)
    }

    pub(super) fn heard(&mut self, link: LinkId, now: UnixNanos) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.link == link) {
            line.heard = now;
        }
    }

    /// Whether what a connection says is listened to.
    pub(super) fn listens(&self, link: LinkId) -> bool {
        self.lines.iter().any(|line| line.link == link && line.phase == Phase::Up)
    }

    /// The key is over, or a message cannot be read: no connection can be believed any more.
    pub(super) fn drop_lines(&mut self, step: &mut Step<'_>) -> Option<Change> {
        self.key = None;
        for line in &mut self.lines {
            if line.phase != Phase::Closing {
                line.phase = Phase::Closing;
                step.out.push(Output::Close(line.link));
            }
        }
        self.ask_later(step);
        self.look_whether_up()
    }

    fn overdue(line: &Line, settings: &Settings) -> Option<UnixNanos> {
        match line.phase {
            Phase::Opening => Some(line.since.plus(settings.opening)),
            Phase::Up => Some(line.heard.plus(settings.silence)),
            Phase::Closing => None,
        }
    }

    pub(super) fn on_time(&mut self, settings: &Settings, step: &mut Step<'_>) -> Option<Change> {
        let now = step.now;
        for line in &mut self.lines {
            if Self::overdue(line, settings).is_some_and(|at| at <= now) {
                line.phase = Phase::Closing;
                step.out.push(Output::Close(line.link));
                self.ask_at.get_or_insert(now);
            }
            let age = line.since.plus(settings.renew_after);
            if line.phase == Phase::Up && !line.renewing && age <= now {
                line.renewing = true;
                self.ask_at.get_or_insert(now);
            }
        }
        if self.ask_at.is_some_and(|at| at <= now) {
            self.ask_key(step);
        }
        if self.up && self.keeping.is_none() && self.key.is_some() && self.keep_at <= now {
            self.keeping = step.ask(Lane::Reconcile, 0, &Request::KeepListen).ok();
        }
        self.look_whether_up()
    }

    pub(super) fn next_wake(&self, settings: &Settings) -> Option<UnixNanos> {
        let lines = self.lines.iter().flat_map(|line| {
            let renewal = (line.phase == Phase::Up && !line.renewing)
                .then(|| line.since.plus(settings.renew_after));
            [Self::overdue(line, settings), renewal]
        });
        let keep = (self.up && self.keeping.is_none()).then_some(self.keep_at);
        let ask = self.ask_at.filter(|_| self.wanted && self.asking.is_none());
        lines.chain([keep, ask]).flatten().min().filter(|_| self.wanted)
    }
}

/// A key becomes part of an address: letters and digits only.
fn well_formed(key: &str) -> Option<String> {
    let fits = (1..=KEY_BYTES_MAX).contains(&key.len());
    (fits && key.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| key.to_owned())
}
