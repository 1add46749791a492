//! The host of a session between two events: engine, journal, the venue, and plugins, in the order
//! that must hold. The records of a step are in the journal before anything else of the step is
//! done; a simulated venue's memory is as far as ours before that.
//!
//! What happens at one time happens in the order of a backtest's: what is due, then the venue sees
//! the market event, then the engine and the plugins do, then what follows from it at no latency.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use sandpit_core::{
    engine::{AddPluginError, Command, Effect, Engine, Event, PluginConfig, VenueEvent},
    ids::PluginId,
    intent::Intent,
    market::MarketEvent,
    order::{OrderState, Report, ReportKind},
    time::UnixNanos,
    venue::{VenueMessage, VenueRequest},
};
use sandpit_journal::journal::{HostRecord, Journal, JournalError};
use sandpit_plugin::{Mode, Outcome, Supervisor};
use sandpit_venue::{keys::KeyNews, machine::Notice};

use super::{
    SessionError,
    dumps::Dumps,
    folder::StateFolder,
    plugins::{Calls, Told},
    roster::{Roster, Running},
    tally::Tally,
    venue::{SessionVenue, VenueError},
    workshop::Workshop,
};
use crate::{admin::KeyView, backtest::Watch, config::OnQuarantine};

/// Messages that are waited for when the journal is lost; a venue answers each cancel with one.
const LAST_MESSAGES_MAX: u32 = 100_000;
/// How long a real venue's answers are waited for then.
const LAST_WAIT: Duration = Duration::from_secs(10);
const LAST_WAIT_SLICE: Duration = Duration::from_millis(100);

/// Lines for people that wait, what is beyond is in the journal alone; and words about keys, of which
/// the oldest are dropped beyond.
const LINES_MAX: usize = 1_024;

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

/// How the line to an exchange is; nothing where there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct LineState {
    /// Everything runs that was asked for.
    pub(super) live: bool,
    /// Own events come.
    pub(super) orders: bool,
    /// The markets come.
    pub(super) markets: bool,
    /// What it waits for.
    pub(super) waiting: Option<String>,
}

/// What a host is made of.
pub(super) struct Parts {
    pub(super) engine: Engine,
    pub(super) journal: Journal,
    pub(super) venue: Box<dyn SessionVenue>,
    pub(super) plugins: Supervisor<Running>,
    pub(super) roster: Roster,
    pub(super) workshop: Workshop,
    pub(super) folder: StateFolder,
    pub(super) dumps: Dumps,
    pub(super) tally: Tally,
    /// Whether the market waits for the plugins.
    pub(super) lockstep: bool,
    /// What the orders are.
    pub(super) mode: Mode,
    pub(super) on_quarantine: OnQuarantine,
    pub(super) currency: String,
}

/// The host.
pub(super) struct Host {
    pub(super) engine: Engine,
    pub(super) venue: Box<dyn SessionVenue>,
    pub(super) plugins: Supervisor<Running>,
    pub(super) roster: Roster,
    pub(super) workshop: Workshop,
    pub(super) folder: StateFolder,
    pub(super) dumps: Dumps,
    pub(super) tally: Tally,
    pub(super) stage: Stage,
    pub(super) lockstep: bool,
    pub(super) mode: Mode,
    pub(super) line: LineState,
    pub(super) on_quarantine: OnQuarantine,
    pub(super) currency: String,
    /// What the venue said of keys, oldest first; the desk takes it at its next look.
    pub(super) key_news: VecDeque<KeyNews>,
    /// The keys as operators see them.
    pub(super) keys: Vec<KeyView>,
    /// What people are still to be told.
    lines: Vec<String>,
    journal: Journal,
    pub(super) now: UnixNanos,
    /// What is to be done, in order; all of it follows from what is in the journal.
    work: VecDeque<Effect>,
    /// What plugins wished as they started.
    pub(super) first_wishes: Vec<(PluginId, Vec<Intent>)>,
    /// What happened to plugins, oldest first.
    pub(super) told: VecDeque<(PluginId, Told)>,
    /// Scratch, kept for its memory.
    effects: Vec<Effect>,
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
            mode: parts.mode,
            line: LineState::default(),
            on_quarantine: parts.on_quarantine,
            currency: parts.currency,
            key_news: VecDeque::new(),
            keys: Vec::new(),
            lines: Vec::new(),
            journal,
            now,
            work: VecDeque::new(),
            first_wishes: Vec::new(),
            told: VecDeque::new(),
            effects: Vec::new(),
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
    pub(super) fn close(self) -> Result<(), SessionError> {
        for member in self.roster.members() {
            member.recorder.flush();
        }
        self.roster.say_problems();
        self.journal.close().map(|_| ()).map_err(SessionError::Journal)
    }

    /// Asks the venue what there is to know, before anything else.
    pub(super) fn resume(&mut self) -> Result<(), SessionError> {
        self.engine.resume(self.now, &mut self.effects);
        self.commit()?;
        self.settle()
    }

    /// What the line to the venue says of itself; people are told, and the journal of what matters.
    pub(super) fn line_news(&mut self, watch: &mut dyn Watch) -> Result<(), SessionError> {
        self.lines.drain(..).for_each(|line| watch.note(&line));
        while let Some(notice) = self.venue.notice()? {
            let note = match notice {
                Notice::Waiting(what) => {
                    if !what.is_empty() {
                        watch.note(&what);
                    }
                    self.line.waiting = Some(what).filter(|what| !what.is_empty());
                    continue;
                }
                Notice::Live => {
                    self.line.live = true;
                    self.line.waiting = None;
                    "the line to the venue is live".to_owned()
                }
                Notice::Orders(up) => {
                    self.line.orders = up;
                    format!("the account's events are {}", up_or_down(up))
                }
                Notice::Markets(up) => {
                    self.line.markets = up;
                    format!("the markets are {}", up_or_down(up))
                }
                Notice::Key(news) => {
                    if self.key_news.len() >= LINES_MAX {
                        self.key_news.pop_front();
                    }
                    self.key_news.push_back(news);
                    continue;
                }
                Notice::Alert(what) => format!("alert: {what}"),
                Notice::CannotOpen(why) => return Err(VenueError::CannotOpen { why }.into()),
                Notice::Opened(_) => continue,
            };
            watch.note(&note);
            self.note(&HostRecord::Note(note))?;
        }
        Ok(())
    }

    /// Has people told something at the next opportunity.
    pub(super) fn say(&mut self, line: String) {
        if self.lines.len() < LINES_MAX {
            self.lines.push(line);
        }
    }

    /// Writes what only the host knows.
    pub(super) fn note(&mut self, record: &HostRecord) -> Result<(), SessionError> {
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
    ) -> Result<Result<PluginId, AddPluginError>, SessionError> {
        let added = self.engine.add_plugin(name, share, &mut self.effects);
        self.commit()?;
        Ok(added)
    }

    /// The market of the past: prices, and which bars the venue tells itself. Plugins are told of it
    /// later, each of what it wants.
    pub(super) fn see_past(&mut self, event: &MarketEvent) {
        self.engine.step(Event::History(event.clone()), &mut self.effects);
        self.effects.clear();
    }

    /// One event and everything that follows from it at once.
    pub(super) fn event(&mut self, event: Event) -> Result<(), SessionError> {
        self.step(event)?;
        self.settle()
    }

    /// When something happens next that is not the market's.
    #[inline]
    pub(super) fn next_due(&self) -> Option<UnixNanos> {
        let host = [self.engine.next_wake(), self.plugins.next_due()];
        host.into_iter().chain([self.venue.next_message()]).flatten().min()
    }

    /// Does what is due first, at or before `until`.
    pub(super) fn do_due(&mut self, until: UnixNanos) -> Result<bool, SessionError> {
        let wake = self.engine.next_wake().filter(|at| *at <= until);
        let message = self.venue.next_message().filter(|at| *at <= until);
        let restart = self.plugins.next_due().filter(|at| *at <= until);
        let Some(next) = [message, wake, restart].into_iter().flatten().min() else {
            return Ok(false);
        };
        self.now = self.now.max(next);
        if message == Some(next) {
            self.hear()?;
        } else if wake == Some(next) {
            self.step(Event::Clock(self.now))?;
        } else {
            self.look_after()?;
        }
        self.work_off()?;
        Ok(true)
    }

    /// The market moves by one event, which has come by `now`. `false` where there is none.
    pub(super) fn market(&mut self, now: UnixNanos) -> Result<bool, SessionError> {
        let Some(event) = self.venue.take_market(now)? else {
            return Ok(false);
        };
        self.now = self.now.max(event.time);
        self.event(Event::Market(event))?;
        Ok(true)
    }

    pub(super) fn settle(&mut self) -> Result<(), SessionError> {
        self.work_off()?;
        while self.do_due(self.now)? {}
        Ok(())
    }

    pub(super) fn step(&mut self, event: Event) -> Result<(), SessionError> {
        self.engine.step(event, &mut self.effects);
        self.commit()
    }

    /// Has the records of a step in the journal, and puts what else it wants on the list.
    fn commit(&mut self) -> Result<(), SessionError> {
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

    fn work_off(&mut self) -> Result<(), SessionError> {
        while let Some(effect) = self.work.pop_front() {
            match effect {
                Effect::CallPlugin { plugin, event } => self.call(plugin, event)?,
                Effect::Submit(order) => self.ask(VenueRequest::Submit(order))?,
                Effect::SubmitPair { stop, profit } => {
                    self.ask(VenueRequest::SubmitPair { stop, profit })?;
                }
                Effect::Cancel(cancel) => self.ask(VenueRequest::Cancel(cancel))?,
                Effect::CancelAll(instrument) => self.ask(VenueRequest::CancelAll(instrument))?,
                Effect::Amend(amend) => self.ask(VenueRequest::Amend(amend))?,
                Effect::Query(query) => self.ask(VenueRequest::Query(query))?,
                Effect::Reconcile(asked) => self.ask(VenueRequest::Reconcile(asked))?,
                Effect::Record(_) => {}
            }
        }
        Ok(())
    }

    fn ask(&mut self, request: VenueRequest) -> Result<(), SessionError> {
        Ok(self.venue.ask(request, self.now)?)
    }

    /// The venue's next message, if it is there by now.
    fn hear(&mut self) -> Result<(), SessionError> {
        let Some(message) = self.venue.take_message(self.now)? else {
            return Ok(());
        };
        match self.event_of(message) {
            Said::Event(event) => self.step(event),
            Said::Note(note) => self.note(&note),
            Said::Nothing => Ok(()),
        }
    }

    /// What a message is to the engine, or to the journal alone. The engine's time is when we hear
    /// of it.
    fn event_of(&self, message: VenueMessage) -> Said {
        match message {
            VenueMessage::Answer(answer) => match answer.report() {
                Some(report) => Said::Event(Event::Report(Report { time: self.now, ..report })),
                None => Said::Nothing,
            },
            VenueMessage::Report(report) => {
                Said::Event(Event::Report(Report { time: self.now, ..report }))
            }
            VenueMessage::News(news) if self.is_known(&news) => Said::Nothing,
            VenueMessage::News(news) => Said::Event(Event::Venue(news)),
            VenueMessage::FeePaid(paid) => Said::Note(HostRecord::FeePaid {
                order: paid.order,
                trade: paid.trade_id,
                asset: paid.asset,
                amount: paid.amount,
            }),
        }
    }

    /// Whether the venue has still to answer something about an order.
    pub(super) fn is_anything_unanswered(&self) -> bool {
        let waits = |state| {
            matches!(
                state,
                OrderState::Submitted
                    | OrderState::PendingUpdate
                    | OrderState::PendingCancel
                    | OrderState::Unknown
            )
        };
        self.engine.orders().any(|(_, state, _)| waits(state))
    }

    /// Whether it is a closing that is booked already.
    fn is_known(&self, news: &VenueEvent) -> bool {
        matches!(news, VenueEvent::Liquidated { instrument, fill, .. }
            if self.tally.liquidations.contains(&(*instrument, fill.trade_id)))
    }

    /// Nothing can be remembered any more, so nothing new is done. What could only reduce risk
    /// still goes out: every open order is canceled.
    fn lose_journal(&mut self, source: JournalError) -> SessionError {
        self.stage = Stage::Quiet;
        // Cancels that wait already, those of the step that could not be written among them.
        self.work.extend(self.effects.drain(..));
        self.work.retain(|effect| matches!(effect, Effect::Cancel(_) | Effect::CancelAll(_)));
        self.engine.step(Event::Command(Command::LoseJournal), &mut self.effects);
        match self.end_orders() {
            Ok(canceled) => {
                let left = self.engine.open_orders();
                SessionError::JournalLost { source, canceled, left }
            }
            Err(error) => error,
        }
    }

    /// Sends cancels, and nothing else, until every answer is in or has been waited for. Says how
    /// many orders ended.
    fn end_orders(&mut self) -> Result<u32, SessionError> {
        let (mut canceled, begin) = (0, Instant::now());
        for _ in 0..LAST_MESSAGES_MAX {
            self.work.extend(self.effects.drain(..));
            while let Some(effect) = self.work.pop_front() {
                match effect {
                    Effect::Cancel(cancel) => self.ask(VenueRequest::Cancel(cancel))?,
                    Effect::CancelAll(instrument) => {
                        self.ask(VenueRequest::CancelAll(instrument))?;
                    }
                    _ => {}
                }
            }
            let Some(at) = self.venue.next_message() else {
                let waits = self.engine.open_orders() > 0 && begin.elapsed() < LAST_WAIT;
                if waits && self.venue.wait(LAST_WAIT_SLICE) {
                    continue;
                }
                break;
            };
            self.now = self.now.max(at);
            // What was sent is sent: an order that arrives now is canceled by the next cancel.
            let Some(message) = self.venue.take_message(self.now)? else {
                continue;
            };
            if let Said::Event(event @ Event::Report(_)) = self.event_of(message) {
                let ended = matches!(&event, Event::Report(report)
                    if matches!(report.kind, ReportKind::Canceled));
                canceled += u32::from(ended);
                self.engine.step(event, &mut self.effects);
            }
        }
        Ok(canceled)
    }
}

const fn up_or_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

/// What a message of the venue is.
enum Said {
    Event(Event),
    Note(HostRecord),
    Nothing,
}
