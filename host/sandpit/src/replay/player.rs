//! One plugin's calls, made again and compared.

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    intent::Intent,
    plugin::{FaultCode, PluginEvent},
};
use sandpit_journal::journal::Digest;
use sandpit_plugin::{Answered, AnyRunner, CallRecord, Life, RecordedAsk, Runner as _, digest_of};

use super::{
    ReplayError,
    code::{Code, Found},
    decided::{Asked, Decided},
    outcome::{Counts, Difference},
    told::{Told, describe},
};

/// Answers with intents that wait to be found in the journal; with more, something else is wrong.
const WAITING_MAX: usize = 10_000;

/// Faults that a clock of the host decides, or its queue: the same calls do not lead to them again.
const BY_CLOCK: [FaultCode; 4] = [
    FaultCode::DeadlineExceeded,
    FaultCode::RunnerLost,
    FaultCode::Lagging,
    FaultCode::CpuShareExceeded,
];

/// Makes the calls of one plugin again.
pub(super) struct Player<'a> {
    pub(super) name: &'a str,
    pub(super) code: Code<'a>,
    pub(super) decided: Decided<'a>,
    pub(super) told: Option<Told<'a>>,
    pub(super) counts: Counts,
    pub(super) notes: Vec<String>,
    lives: BTreeMap<u32, Alive>,
    waiting: VecDeque<Group>,
}

/// One life.
struct Alive {
    /// `None` where it cannot be run again.
    runner: Option<AnyRunner>,
    ended: bool,
}

/// The intents of one answer, to be found in the journal.
struct Group {
    life: u32,
    call: u64,
    asked: String,
    count: usize,
    digest: [u8; 32],
    /// Those that came now, to be shown.
    came: Vec<Intent>,
    /// Whether it is known that the host did not drop them.
    ready: bool,
    /// Whether they need not be there: the plugin was at fault before they were used.
    excused: bool,
}

type Step = Result<Option<Difference>, ReplayError>;

impl<'a> Player<'a> {
    pub(super) fn new(
        name: &'a str,
        code: Code<'a>,
        decided: Decided<'a>,
        told: Option<Told<'a>>,
    ) -> Self {
        let (counts, notes, lives, waiting) = Default::default();
        Self { name, code, decided, told, counts, notes, lives, waiting }
    }

    /// One record of the log.
    pub(super) fn record(&mut self, record: CallRecord) -> Step {
        match record {
            CallRecord::Begin { life, what } => self.begin(life, &what),
            CallRecord::Call { life, ask, answer } => self.call(life, &ask, &answer),
            CallRecord::Untaken { life } => Ok(self.untaken(life)),
            CallRecord::Gap { .. } => {
                self.told.iter_mut().for_each(Told::pause);
                Ok(None)
            }
        }
    }

    fn begin(&mut self, life: u32, what: &Life) -> Step {
        if self.decided.run().is_none_or(|run| run.number != what.run)
            && let Some(difference) = self.begin_run(what.run)?
        {
            return Ok(Some(difference));
        }
        self.counts.lives += 1;
        let component = Digest(what.component);
        let journaled = self.decided.run().and_then(|run| run.component);
        if self.lives.is_empty()
            && let Some(journaled) = journaled.filter(|journaled| *journaled != component)
        {
            return Ok(Some(Difference {
                call: 0,
                asked: String::new(),
                what: "component",
                expected: format!("{journaled}, as the journal says of the run's start"),
                came: format!("{component}, as the call log says"),
            }));
        }
        let runner = match self.code.load(self.name, what)? {
            Found::Runs(runner) => Some(*runner),
            Found::Missing => {
                self.note(format!(
                    "component {component} is not there: what was asked of it was not asked again"
                ));
                None
            }
        };
        self.lives.insert(life, Alive { runner, ended: false });
        Ok(None)
    }

    /// Goes on to a run of the host, in the journal as well.
    fn begin_run(&mut self, number: u64) -> Step {
        if self.decided.run().is_some()
            && let Some(difference) = self.end_run()?
        {
            return Ok(Some(difference));
        }
        while self.decided.next_run()? {
            if self.decided.run().is_some_and(|run| run.number == number) {
                self.counts.runs += 1;
                self.lives.clear();
                self.told.iter_mut().for_each(Told::begin_run);
                return Ok(None);
            }
            self.counts.without_call += self.decided.drain()?;
        }
        Ok(Some(Difference {
            call: 0,
            asked: String::new(),
            what: "journal",
            expected: format!("run {number}, as the call log says"),
            came: "no such run in the journal, after those before it".to_owned(),
        }))
    }

    /// What the journal and the log have of a run has to be the same by now.
    fn end_run(&mut self) -> Step {
        self.waiting.iter_mut().for_each(|group| group.ready = true);
        self.settle()?;
        let next = self.decided.peek(1)?.first().cloned();
        let left = self.decided.drain()?;
        let stopped = self.decided.run().is_some_and(|run| run.stopped);
        let mut waiting = std::mem::take(&mut self.waiting);
        if !stopped && left == 0 {
            // Killed between an answer and the journal.
            waiting.pop_back();
        }
        waiting.retain(|group| !group.excused);
        let first = waiting.pop_front();
        if first.is_none() && (left == 0 || !stopped || self.counts.dropped > 0) {
            self.counts.without_call += left;
            return Ok(None);
        }
        let expected =
            next.as_ref().map_or_else(|| "no more intents in the journal".to_owned(), row);
        Ok(Some(match first {
            Some(group) => Difference {
                call: group.call,
                asked: group.asked,
                what: "intents",
                expected,
                came: shown(&group.came, group.count),
            },
            None => Difference {
                call: 0,
                asked: String::new(),
                what: "journal",
                expected,
                came: "no call that asked for it".to_owned(),
            },
        }))
    }

    /// After the last record.
    pub(super) fn finish(&mut self) -> Step {
        if self.decided.run().is_some()
            && let Some(difference) = self.end_run()?
        {
            return Ok(Some(difference));
        }
        while self.decided.next_run()? {
            self.counts.without_call += self.decided.drain()?;
        }
        let given = self.code.given();
        Ok(given.map(|(expected, came)| Difference {
            call: 0,
            asked: String::new(),
            what: "component",
            expected: format!("{expected}, which ran then"),
            came: format!("{came}, and all that could be compared came out the same"),
        }))
    }

    fn call(&mut self, life: u32, ask: &RecordedAsk, answer: &Answered) -> Step {
        self.counts.calls += 1;
        for group in self.waiting.iter_mut().filter(|group| group.life == life) {
            group.ready = true;
        }
        self.settle()?;
        let Some(alive) = self.lives.get_mut(&life) else {
            // Its beginning was dropped with the oldest segments.
            self.counts.not_again += 1;
            if let RecordedAsk::Event(PluginEvent::Market { .. } | PluginEvent::Depth(_)) = ask {
                self.counts.uncompared += 1;
            }
            return Ok(None);
        };
        if let Some(told) = &mut self.told
            && let Some(misfit) = see(told, alive, ask, &mut self.counts)?
        {
            let (expected, came) = (misfit.expected, misfit.came);
            return Ok(Some(self.difference(ask, "event", expected, came)));
        }
        let mut intents = Vec::new();
        let clock = matches!(answer, Answered::Fault(code)
            if BY_CLOCK.iter().any(|known| known.name() == code));
        match &mut alive.runner {
            Some(_) if clock => self.counts.by_clock += 1,
            Some(runner) => {
                let came = ask.put_to(runner, &mut intents);
                self.counts.again += 1;
                let found = Answered::of(&came, &intents);
                if found != *answer {
                    return self.other_answer(ask, answer, &found, &intents).map(Some);
                }
                self.counts.states += u64::from(matches!(answer, Answered::Saved { .. }));
            }
            None => self.counts.not_again += 1,
        }
        self.take(life, ask, answer, intents)
    }

    /// Takes note of an answer that was given again.
    fn take(&mut self, life: u32, ask: &RecordedAsk, answer: &Answered, came: Vec<Intent>) -> Step {
        if let Answered::Done { intents: count @ 1.., digest, .. } = answer {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            let (call, asked) = (self.counts.calls, words(ask));
            let (digest, ready, excused) = (*digest, false, false);
            self.waiting.push_back(Group {
                life,
                call,
                asked,
                count,
                digest,
                came,
                ready,
                excused,
            });
        }
        let fault = matches!(answer, Answered::Fault(_));
        if fault || matches!(ask, RecordedAsk::Stop(_)) {
            if let Some(alive) = self.lives.get_mut(&life) {
                alive.runner = None;
                alive.ended = true;
            }
            if self.lives.values().all(|alive| alive.ended) {
                self.told.iter_mut().for_each(Told::pause);
            }
        }
        if fault {
            for group in self.waiting.iter_mut().filter(|group| group.life == life) {
                group.excused = true;
            }
        }
        if self.waiting.len() > WAITING_MAX {
            return self.end_run();
        }
        Ok(None)
    }

    /// Finds what waits in the journal: each life's answers in their order.
    fn settle(&mut self) -> Result<(), ReplayError> {
        let mut at = 0;
        let mut seen: Vec<u32> = Vec::new();
        while let Some(group) = self.waiting.get(at) {
            let is_next = group.ready && !seen.contains(&group.life);
            if is_next {
                let rows = self.decided.peek(group.count)?;
                let there: Vec<_> = rows.iter().map(|row| row.intent.clone()).collect();
                if there.len() == group.count && digest_of(&there) == group.digest {
                    self.counts.intents += group.count as u64;
                    self.decided.take(group.count);
                    self.waiting.remove(at);
                    (at, seen) = (0, Vec::new());
                    continue;
                }
            }
            if !seen.contains(&group.life) {
                seen.push(group.life);
            }
            at += 1;
        }
        Ok(())
    }

    fn untaken(&mut self, life: u32) -> Option<Difference> {
        let at = self.waiting.iter().rposition(|group| group.life == life && !group.ready);
        // The last answer asked for nothing.
        let group = self.waiting.remove(at?)?;
        self.counts.untaken += group.count as u64;
        None
    }

    fn other_answer(
        &mut self,
        ask: &RecordedAsk,
        answer: &Answered,
        found: &Answered,
        came: &[Intent],
    ) -> Result<Difference, ReplayError> {
        let count = |answer: &Answered| match answer {
            Answered::Done { intents, .. } => usize::try_from(*intents).unwrap_or(usize::MAX),
            _ => 0,
        };
        Ok(match (answer, found) {
            (
                Answered::Done { digest: then, fuel: fuel_then, .. },
                Answered::Done { digest: now, fuel: fuel_now, .. },
            ) => {
                if then == now {
                    let (then, now) = (fuel_then.to_string(), fuel_now.to_string());
                    return Ok(self.difference(ask, "fuel", then, now));
                }
                let rows = self.decided.peek(count(answer))?;
                let rows: Vec<_> = rows.iter().map(|row| row.intent.clone()).collect();
                let rows = if digest_of(&rows) == *then { rows } else { Vec::new() };
                let expected = shown(&rows, count(answer));
                self.difference(ask, "intents", expected, shown(came, count(found)))
            }
            (Answered::Saved { .. }, Answered::Saved { .. }) => {
                self.difference(ask, "state", short(answer), short(found))
            }
            (Answered::Fault(_), _) | (_, Answered::Fault(_)) => {
                self.difference(ask, "fault", short(answer), short(found))
            }
            _ => self.difference(ask, "answer", short(answer), short(found)),
        })
    }

    fn difference(
        &self,
        ask: &RecordedAsk,
        what: &'static str,
        expected: String,
        came: String,
    ) -> Difference {
        Difference { call: self.counts.calls, asked: words(ask), what, expected, came }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Holds what was told against the tapes.
fn see(
    told: &mut Told<'_>,
    alive: &Alive,
    ask: &RecordedAsk,
    counts: &mut Counts,
) -> Result<Option<super::told::Misfit>, ReplayError> {
    match ask {
        RecordedAsk::Start { instruments, session } => {
            // Without its code it is not known what it wants to be told.
            if let Some(runner) = &alive.runner {
                let ids = instruments.iter().map(|(id, _)| *id).collect();
                let wants = runner.description().subscriptions();
                told.begin_life(session.time, ids, wants)?;
            }
            Ok(None)
        }
        RecordedAsk::Event(event) => Ok(told.see(event, counts)?),
        _ => Ok(None),
    }
}

/// What was asked, for people.
fn words(ask: &RecordedAsk) -> String {
    match ask {
        RecordedAsk::Start { session, .. } => {
            let how = if session.restored.is_some() { "with" } else { "without" };
            format!("start at {} {how} a saved state", session.time)
        }
        RecordedAsk::Event(event) => describe(event),
        RecordedAsk::Parameters { time, .. } => format!("new parameters at {time}"),
        RecordedAsk::Save => "save".to_owned(),
        RecordedAsk::Stop(reason) => format!("stop ({reason:?})"),
    }
}

fn row(asked: &Asked) -> String {
    format!("{:?}, in row {} of the journal, at {}", asked.intent, asked.seq, asked.at)
}

/// Intents, or how many there were where they are not known.
fn shown(intents: &[Intent], count: usize) -> String {
    match (intents, count) {
        (_, 0) => "no intents".to_owned(),
        ([], count) => format!("{count} intents"),
        (intents, _) => format!("{intents:?}"),
    }
}

fn short(answer: &Answered) -> String {
    match answer {
        Answered::Done { fuel, intents, .. } => format!("done, {fuel} fuel, {intents} intents"),
        Answered::Saved { bytes, digest } => {
            format!("a state of {bytes} bytes, sha256 {}", Digest(*digest))
        }
        Answered::Refused(reason) => format!("refused: {reason}"),
        Answered::Fault(code) => format!("fault `{code}`"),
    }
}
