//! The host of a paper session between two events: engine, journal, the wire to the venue, and
//! plugins, in the order that must hold. The records of a step are in the journal before anything
//! else of the step is done; the venue's memory is as far as ours before that.
//!
//! What happens at one time happens in the order of a backtest's: what is due, then the venue sees
//! the market event, then the engine and the plugins do, then what follows from it at no latency.

use std::collections::VecDeque;

use sandpit_core::{
    engine::{AddPluginError, Command, Effect, Engine, Event, PluginConfig, VenueEvent},
    ids::PluginId,
    intent::Intent,
    matching::Liquidation,
    order::{Report, ReportKind},
    simulation::Line,
    time::UnixNanos,
};
use sandpit_journal::journal::{HostRecord, Journal, JournalError};
use sandpit_plugin::{Outcome, Supervisor};

use super::{
    PaperError,
    dumps::Dumps,
    folder::StateFolder,
    plugins::{Calls, Told},
    roster::{Roster, Running},
    tally::Tally,
    venue::PaperVenue,
    wire::{Message, Wire},
    workshop::Workshop,
};
use crate::config::OnQuarantine;

/// Messages that are waited for when the journal is lost; a venue answers each cancel with one.
const LAST_MESSAGES_MAX: u32 = 100_000;

/// What plugins are allowed at this stage of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// They are not called: they have not been started, or have been stopped.
    Quiet,
    /// They are told of the past; what they wish as they start waits.
    Starting,
    /// They are told, and their wishes are taken.
    Trading,
    /// They are told what is still to come, and their wishes are ignored.
    Closing,
}

/// What a host is made of.
pub(super) struct Parts {
    pub(super) engine: Engine,
    pub(super) journal: Journal,
    pub(super) venue: PaperVenue,
    pub(super) plugins: Supervisor<Running>,
    pub(super) roster: Roster,
    pub(super) workshop: Workshop,
    pub(super) folder: StateFolder,
    pub(super) dumps: Dumps,
    pub(super) tally: Tally,
    /// To the venue, and from it.
    pub(super) lines: (Line, Line),
    /// Whether the market waits for the plugins.
    pub(super) lockstep: bool,
    pub(super) on_quarantine: OnQuarantine,
    pub(super) currency: String,
}

/// The host.
pub(super) struct Host {
    pub(super) engine: Engine,
    pub(super) venue: PaperVenue,
    pub(super) plugins: Supervisor<Running>,
    pub(super) roster: Roster,
    pub(super) workshop: Workshop,
    pub(super) folder: StateFolder,
    pub(super) dumps: Dumps,
    pub(super) tally: Tally,
    pub(super) stage: Stage,
    pub(super) lockstep: bool,
    pub(super) on_quarantine: OnQuarantine,
    pub(super) currency: String,
    journal: Journal,
    wire: Wire,
    lines: (Line, Line),
    pub(super) now: UnixNanos,
    /// What is to be done, in order; all of it follows from what is in the journal.
    work: VecDeque<Effect>,
    /// What plugins wished as they started.
    pub(super) first_wishes: Vec<(PluginId, Vec<Intent>)>,
    /// What happened to plugins, oldest first.
    pub(super) told: VecDeque<(PluginId, Told)>,
    /// Scratch, kept for its memory.
    effects: Vec<Effect>,
    reports: Vec<Report>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) calls: Vec<Calls>,
}

impl Host {
    pub(super) fn new(parts: Parts, now: UnixNanos) -> Self {
        let Parts { engine, journal, venue, plugins, roster, workshop, folder, dumps, .. } = parts;
        Self {
            calls: vec![Calls::default(); plugins.len()],
            engine,
            venue,
            plugins,
            roster,
            workshop,
            folder,
            dumps,
            tally: parts.tally,
            stage: Stage::Quiet,
            lockstep: parts.lockstep,
            on_quarantine: parts.on_quarantine,
            currency: parts.currency,
            journal,
            wire: Wire::default(),
            lines: parts.lines,
            now,
            work: VecDeque::new(),
            first_wishes: Vec::new(),
            told: VecDeque::new(),
            effects: Vec::new(),
            reports: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// The session's time.
    pub(super) const fn now(&self) -> UnixNanos {
        self.now
    }

    /// The end of the journal.
    pub(super) fn journal_rows(&self) -> u64 {
        self.journal.head().seq
    }

    /// Closes the journal, and says what went wrong with that.
    pub(super) fn close(self) -> Result<(), PaperError> {
        for member in self.roster.members() {
            member.recorder.flush();
        }
        self.roster.say_problems();
        self.journal.close().map(|_| ()).map_err(PaperError::Journal)
    }

    /// Asks the venue what there is to know, before anything else.
    pub(super) fn resume(&mut self) -> Result<(), PaperError> {
        self.engine.resume(self.now, &mut self.effects);
        self.commit()?;
        self.settle()
    }

    /// Writes what only the host knows.
    pub(super) fn note(&mut self, record: &HostRecord) -> Result<(), PaperError> {
        self.venue.remember()?;
        match self.journal.append(self.engine.now(), [record]) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.lose_journal(error)),
        }
    }

    /// One plugin more, in the books from now on.
    pub(super) fn add_plugin(
        &mut self,
        name: &str,
        share: PluginConfig,
    ) -> Result<Result<PluginId, AddPluginError>, PaperError> {
        let added = self.engine.add_plugin(name, share, &mut self.effects);
        self.commit()?;
        Ok(added)
    }

    /// One event and everything that follows from it at once.
    pub(super) fn event(&mut self, event: Event) -> Result<(), PaperError> {
        self.step(event)?;
        self.settle()
    }

    /// When something happens next that is not the market's.
    #[inline]
    pub(super) fn next_due(&self) -> Option<UnixNanos> {
        let host = [self.engine.next_wake(), self.plugins.next_due()];
        let venue = [self.wire.next_time(), self.venue.next_expiry()];
        host.into_iter().chain(venue).flatten().min()
    }

    /// When the next message arrives.
    pub(super) fn next_message(&self) -> Option<UnixNanos> {
        self.wire.next_time()
    }

    /// Does what is due first, at or before `until`.
    pub(super) fn do_due(&mut self, until: UnixNanos) -> Result<bool, PaperError> {
        let wake = self.engine.next_wake().filter(|at| *at <= until);
        let message = self.wire.next_time().filter(|at| *at <= until);
        let expiry = self.venue.next_expiry().filter(|at| *at <= until);
        let restart = self.plugins.next_due().filter(|at| *at <= until);
        let Some(next) = [message, expiry, wake, restart].into_iter().flatten().min() else {
            return Ok(false);
        };
        self.now = self.now.max(next);
        if expiry == Some(next) {
            self.venue.expire(self.now, &mut self.reports)?;
            self.take_reports();
        } else if message == Some(next) {
            self.land()?;
        } else if wake == Some(next) {
            self.step(Event::Clock(self.now))?;
        } else {
            self.look_after()?;
        }
        self.work_off()?;
        Ok(true)
    }

    /// The market moves by one event. `false` where it is over.
    pub(super) fn market(&mut self) -> Result<bool, PaperError> {
        let Some(event) = self.venue.publish(&mut self.reports)? else {
            return Ok(false);
        };
        self.now = self.now.max(event.time);
        self.lines.0.see(&event);
        self.lines.1.see(&event);
        self.take_reports();
        self.event(Event::Market(event))?;
        Ok(true)
    }

    pub(super) fn settle(&mut self) -> Result<(), PaperError> {
        self.work_off()?;
        while self.do_due(self.now)? {}
        Ok(())
    }

    pub(super) fn step(&mut self, event: Event) -> Result<(), PaperError> {
        self.engine.step(event, &mut self.effects);
        self.commit()
    }

    /// Has the records of a step in the journal, and puts what else it wants on the list.
    fn commit(&mut self) -> Result<(), PaperError> {
        let is_record = |effect: &Effect| matches!(effect, Effect::Record(_));
        if self.effects.iter().any(is_record) {
            self.venue.remember()?;
            let records = self.effects.iter().filter_map(|effect| match effect {
                Effect::Record(record) => Some(record),
                _ => None,
            });
            if let Err(error) = self.journal.append(self.engine.now(), records) {
                return Err(self.lose_journal(error));
            }
        }
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Record(record) => self.tally.count(&record),
                other => self.work.push_back(other),
            }
        }
        Ok(())
    }

    fn work_off(&mut self) -> Result<(), PaperError> {
        while let Some(effect) = self.work.pop_front() {
            match effect {
                Effect::CallPlugin { plugin, event } => self.call(plugin, event)?,
                Effect::Submit(order) => self.send(Message::Submit(order)),
                Effect::Cancel(cancel) => self.send(Message::Cancel(cancel)),
                Effect::Amend(amend) => self.send(Message::Amend(amend)),
                Effect::Query(query) => self.send(Message::Query(query)),
                Effect::Reconcile(asked) => self.send(Message::Reconcile(asked)),
                Effect::Record(_) => {}
            }
        }
        Ok(())
    }

    fn send(&mut self, message: Message) {
        self.wire.depart(self.lines.0.arrival(self.now), message);
    }

    fn take_reports(&mut self) {
        for report in self.reports.drain(..) {
            self.wire.depart(self.lines.1.arrival(self.now), Message::Report(report));
        }
        for told in self.venue.take_liquidations() {
            self.tell(liquidated(told));
        }
    }

    /// The venue says something that is no report.
    fn tell(&mut self, news: VenueEvent) {
        self.wire.depart(self.lines.1.arrival(self.now), Message::News(news));
    }

    /// One message arrives.
    fn land(&mut self) -> Result<(), PaperError> {
        let Some(message) = self.wire.take() else {
            return Ok(());
        };
        match message {
            Message::Report(mut report) => {
                // The engine's time is when we hear of it.
                report.time = self.now;
                self.step(Event::Report(report))
            }
            Message::News(news) if self.is_known(&news) => Ok(()),
            Message::News(news) => self.step(Event::Venue(news)),
            request => self.receive(request),
        }
    }

    /// The venue receives a message.
    fn receive(&mut self, message: Message) -> Result<(), PaperError> {
        let (now, out) = (self.now, &mut self.reports);
        let answer = match message {
            Message::Submit(order) => self.venue.submit(order, now, out).map(|()| None),
            Message::Cancel(cancel) => self.venue.cancel(cancel, now, out).map(|()| None),
            Message::Amend(amend) => self.venue.amend(amend, now, out).map(|()| None),
            Message::Query(query) => {
                self.venue.query(query, now, out).map(VenueEvent::Status).map(Some)
            }
            Message::Reconcile(asked) => {
                // What was closed while nobody listened.
                for told in self.venue.liquidations_since(asked.since) {
                    let arrives = self.lines.1.arrival(now);
                    self.wire.depart(arrives, Message::News(liquidated(told)));
                }
                self.venue.snapshot(asked, now, out).map(VenueEvent::Snapshot).map(Some)
            }
            Message::Report(_) | Message::News(_) => Ok(None),
        }?;
        self.take_reports();
        if let Some(news) = answer {
            self.tell(news);
        }
        Ok(())
    }

    /// Whether it is a closing that is booked already.
    fn is_known(&self, news: &VenueEvent) -> bool {
        matches!(news, VenueEvent::Liquidated { instrument, fill, .. }
            if self.tally.liquidations.contains(&(*instrument, fill.trade_id)))
    }

    /// Nothing can be remembered any more, so nothing new is done. What could only reduce risk
    /// still goes out: every open order is canceled.
    fn lose_journal(&mut self, source: JournalError) -> PaperError {
        self.stage = Stage::Quiet;
        // Cancels that wait already, those of the step that could not be written among them.
        self.work.extend(self.effects.drain(..));
        self.work.retain(|effect| matches!(effect, Effect::Cancel(_)));
        self.engine.step(Event::Command(Command::LoseJournal), &mut self.effects);
        match self.end_orders() {
            Ok(canceled) => {
                let left = self.engine.open_orders();
                PaperError::JournalLost { source, canceled, left }
            }
            Err(error) => error,
        }
    }

    /// Sends cancels, and nothing else, until every answer is in. Says how many orders ended.
    fn end_orders(&mut self) -> Result<u32, PaperError> {
        let mut canceled = 0;
        for _ in 0..LAST_MESSAGES_MAX {
            self.work.extend(self.effects.drain(..));
            while let Some(effect) = self.work.pop_front() {
                if let Effect::Cancel(cancel) = effect {
                    self.send(Message::Cancel(cancel));
                }
            }
            let Some(at) = self.wire.next_time() else {
                break;
            };
            self.now = self.now.max(at);
            match self.wire.take() {
                Some(Message::Report(report)) => {
                    canceled += u32::from(matches!(report.kind, ReportKind::Canceled));
                    self.engine.step(Event::Report(report), &mut self.effects);
                }
                Some(Message::News(_)) | None => {}
                // What was sent is sent: an order that arrives now is canceled by the next cancel.
                Some(request) => self.receive(request)?,
            }
        }
        Ok(canceled)
    }
}

const fn liquidated(told: Liquidation) -> VenueEvent {
    let Liquidation { plugin, instrument, side, fill, time } = told;
    VenueEvent::Liquidated { plugin, instrument, side, fill, time }
}
