//! The host as everything around the engine: it writes down what a step decided, and only then
//! carries it out. It can be killed before a commit, in it, after it, and between two effects; it
//! can run out of disk; and it starts again from what the disk has.

use std::collections::VecDeque;

use sandpit_core::{
    engine::{Command, Effect, Engine, EngineConfig, Event, Flaws, Record},
    ids::{InstrumentId, PluginId},
    num::Price,
    plugin::PluginEvent,
    time::{Nanos, UnixNanos},
};

use super::{
    Slip,
    chance::Chance,
    ledger::Around,
    players::{Player, Sight},
    queue::{Ask, Happening},
    violation::{Held, Invariant, broke},
    world::World,
};

/// Calls of plugins at one moment.
const CALLS_PER_MOMENT_MAX: u32 = 5_000;
/// Milliseconds from a death to the next start, and from a full disk to one with room.
const DEAD_MS: (u64, u64) = (10, 40_000);
/// The process.
#[derive(Debug)]
pub(super) struct Host<F: Flaws> {
    pub(super) engine: Engine<F>,
    up: bool,
    /// Whether it cannot write its journal: nothing goes out any more but cancels.
    crippled: bool,
    /// Which start of the process this is.
    life: u64,
    /// What is to be carried out, in order.
    work: VecDeque<Effect>,
    pub(super) players: Vec<Player>,
    /// Players that are not called.
    pub(super) down: Vec<bool>,
    /// After so many more effects it is killed.
    doom: Option<u64>,
    calls: (UnixNanos, u32),
    scratch: Vec<Effect>,
}

/// How a commit went.
enum Written {
    Done,
    /// Killed, and nothing of it is there.
    Gone,
    /// There is no room.
    Full,
}

impl<F: Flaws> Host<F> {
    pub(super) fn new(config: &EngineConfig, chance: &mut Chance) -> Self {
        Self {
            engine: Engine::with_flaws(config.clone()),
            up: false,
            crippled: false,
            life: 0,
            work: VecDeque::new(),
            players: config.plugins.iter().map(|_| Player::new(chance.fork())).collect(),
            down: vec![false; config.plugins.len()],
            doom: None,
            calls: (UnixNanos(0), 0),
            scratch: Vec::new(),
        }
    }

    pub(super) const fn engine(&self) -> &Engine<F> {
        &self.engine
    }

    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    pub(super) const fn is_crippled(&self) -> bool {
        self.crippled
    }

    pub(super) const fn life(&self) -> u64 {
        self.life
    }

    pub(super) fn next_wake(&self) -> Option<UnixNanos> {
        if self.up { self.engine.next_wake() } else { None }
    }
}

impl<F: Flaws> World<F> {
    /// Tells the engine of something, after what time it is, and does all that follows.
    pub(super) fn tell(&mut self, event: Event) -> Held {
        if !self.host.up {
            return Ok(());
        }
        let is_clock = matches!(event, Event::Clock(_));
        if !is_clock && self.host.engine.now() < self.now {
            self.step_engine(Event::Clock(self.now))?;
        }
        self.step_engine(event)?;
        self.work()
    }

    pub(super) fn step_engine(&mut self, event: Event) -> Held {
        if !self.host.up {
            return Ok(());
        }
        let command = match &event {
            Event::Command(command) => Some(command.clone()),
            _ => None,
        };
        if let Some(command) = &command {
            self.note(|| format!("command {command:?}"));
        }
        let was_reconciled = self.host.engine.is_reconciled();
        let mut effects = core::mem::take(&mut self.host.scratch);
        self.host.engine.step(event, &mut effects);
        let held = self.absorb(&mut effects, command.as_ref(), was_reconciled);
        effects.clear();
        self.host.scratch = effects;
        held
    }

    /// Writes down what a step decided, holds it against the truth, and puts the rest to work.
    pub(super) fn absorb(
        &mut self,
        effects: &mut Vec<Effect>,
        command: Option<&Command>,
        was_reconciled: bool,
    ) -> Held {
        if self.host.crippled {
            return self.cancel_only(effects);
        }
        if self.slip == Slip::SendsBeforeCommit {
            let mut early = Vec::new();
            effects.retain(|effect| {
                let sends = matches!(effect, Effect::Submit(_) | Effect::Amend(_));
                if sends {
                    early.push(effect.clone());
                }
                !sends
            });
            for effect in early {
                self.carry_out(effect)?;
            }
        }
        match self.write(effects) {
            Written::Done => {}
            Written::Gone => {
                self.crash();
                return Ok(());
            }
            Written::Full if self.slip == Slip::IgnoresFullDisk => {
                let others = effects.drain(..).filter(|e| !matches!(e, Effect::Record(_)));
                self.host.work.extend(others);
                return Ok(());
            }
            Written::Full => return self.lose_journal(effects),
        }
        if let Some(command) = command {
            self.operator.note(command);
        }
        let mut booked = false;
        for effect in effects.drain(..) {
            let Effect::Record(record) = effect else {
                self.host.work.push_back(effect);
                continue;
            };
            self.trace.note(self.step, self.now, || format!("  {record:?}"));
            self.count(&record);
            booked |= matches!(record, Record::Filled { .. });
            if let Record::Submitted { order, purpose, replaces: None } = &record
                && !was_reconciled
                && !purpose.is_host()
            {
                let detail = format!("{} was sent before the books were compared", order.id);
                return Err(broke(Invariant::ReconciledFirst, detail));
            }
            let around = Around {
                truth: self.venue.truth(),
                operator: &self.operator,
                under_way: &self.under_way,
            };
            self.ledger.note(&record, &around)?;
        }
        self.check_states()?;
        if booked { self.check_books() } else { Ok(()) }
    }

    fn count(&mut self, record: &Record) {
        match record {
            Record::Submitted { .. } | Record::Released { .. } => self.counts.orders += 1,
            Record::Filled { .. } => self.counts.fills += 1,
            Record::Denied { .. } => self.counts.denied += 1,
            Record::Reconciled { .. } => self.counts.reconciled += 1,
            _ => {}
        }
    }

    fn write(&mut self, effects: &[Effect]) -> Written {
        let records = || {
            effects.iter().filter_map(|effect| match effect {
                Effect::Record(record) => Some(record),
                _ => None,
            })
        };
        let count = records().count();
        if count == 0 {
            return Written::Done;
        }
        if !self.quiet && self.chance.one_in(self.faults.disk_full_one_in) {
            return Written::Full;
        }
        if !self.quiet && self.chance.one_in(self.faults.crash_one_in) {
            match self.chance.below(4) {
                0 => return Written::Gone,
                1 => {
                    let whole = self.chance.index(count);
                    self.disk.tear(self.now, records(), whole);
                    return Written::Gone;
                }
                // After the commit: before its first effect, or some later one.
                2 => self.host.doom = Some(0),
                _ => self.host.doom = Some(self.chance.below(6)),
            }
        }
        self.disk.commit(self.now, records());
        self.trace.mix(&self.disk.head());
        Written::Done
    }

    /// Carries out what waits, in order.
    pub(super) fn work(&mut self) -> Held {
        while self.host.up {
            match &mut self.host.doom {
                Some(0) => self.crash(),
                Some(left) => *left -= 1,
                None => {}
            }
            if !self.host.up {
                break;
            }
            let Some(effect) = self.host.work.pop_front() else {
                break;
            };
            self.carry_out(effect)?;
        }
        self.rotate()
    }

    fn carry_out(&mut self, effect: Effect) -> Held {
        match effect {
            Effect::Record(_) => {}
            Effect::Submit(order) => {
                let order = order.into_inner();
                self.send(Ask::Submit(order.clone()));
                return self.check_sent(order.plugin(), order.instrument, order.id);
            }
            Effect::Amend(change) => {
                let change = change.into_inner();
                let (plugin, instrument) = (change.order.plugin, change.instrument);
                let before = self.ledger.get(change.order).map(|line| line.order.quantity);
                let grows = change.quantity > before;
                self.send(Ask::Amend {
                    order: change.order,
                    instrument,
                    quantity: change.quantity,
                    price: change.price,
                });
                // One that only shrinks an order cannot exceed anything.
                if grows {
                    return self.check_sent(plugin, instrument, change.order);
                }
            }
            // The venue of these worlds has neither, and says so.
            Effect::SubmitPair { .. } | Effect::CancelAll(_) => {
                let what = "a venue was asked for what it lacks";
                return Err(broke(Invariant::NothingImpossible, what));
            }
            Effect::Cancel(cancel) => self.send(Ask::Cancel(cancel)),
            Effect::Query(query) => self.send(Ask::Query(query)),
            Effect::Reconcile(asked) => self.send(Ask::Reconcile(asked)),
            Effect::CallPlugin { plugin, event } => return self.call(plugin, &event),
        }
        Ok(())
    }

    fn call(&mut self, plugin: PluginId, event: &PluginEvent) -> Held {
        let is_down = self.host.down[usize::from(plugin.0)];
        if self.quiet || is_down || !self.host.engine.is_reconciled() {
            return Ok(());
        }
        if self.host.calls.0 != self.now {
            self.host.calls = (self.now, 0);
        }
        self.host.calls.1 += 1;
        if self.host.calls.1 > CALLS_PER_MOMENT_MAX {
            return Err(broke(Invariant::TimeGoesOn, "plugins are called without end"));
        }
        let marks = self.marks();
        let sight = Sight {
            now: self.now,
            session: &self.config.plugins[usize::from(plugin.0)].instruments,
            rules: &self.config.instruments,
            marks: &marks,
        };
        let mut intents = Vec::new();
        let player = &mut self.host.players[usize::from(plugin.0)];
        match player.answer(event, &sight, self.faults.plugin_fault, &mut intents) {
            Ok(()) if intents.is_empty() => Ok(()),
            Ok(()) => {
                self.counts.intents += u64::try_from(intents.len()).unwrap_or(0);
                self.step_engine(Event::Intents { plugin, intents })
            }
            Err(fault) => self.fault(plugin, fault),
        }
    }

    pub(super) fn marks(&self) -> Vec<Option<Price>> {
        let all = (0u16..).take(self.config.instruments.len()).map(InstrumentId);
        all.map(|instrument| self.host.engine.market_of(instrument).mark()).collect()
    }

    /// The process is gone, and all that only it knew.
    pub(super) fn crash(&mut self) {
        self.note(|| "the host is killed".into());
        self.counts.crashes += 1;
        self.host.up = false;
        self.host.crippled = false;
        self.host.doom = None;
        self.host.life += 1;
        self.host.work.clear();
        let pause = self.chance.pause_ms(DEAD_MS.0, DEAD_MS.1);
        self.queue.at(self.now.plus(pause), Happening::Start);
    }

    /// There is no room for what was decided: it is as if it had not been. Cancels still go out,
    /// and in time somebody starts the host anew on a disk with room.
    fn lose_journal(&mut self, effects: &mut Vec<Effect>) -> Held {
        self.note(|| "the disk is full".into());
        self.counts.full_disks += 1;
        self.host.crippled = true;
        self.host.work.retain(|effect| matches!(effect, Effect::Cancel(_)));
        self.cancel_only(effects)?;
        let pause = self.chance.pause_ms(DEAD_MS.0, DEAD_MS.1);
        self.queue.at(self.now.plus(pause), Happening::Start);
        self.step_engine(Event::Command(Command::LoseJournal))
    }

    fn cancel_only(&mut self, effects: &mut Vec<Effect>) -> Held {
        for effect in effects.drain(..) {
            if matches!(effect, Effect::Cancel(_)) {
                self.carry_out(effect)?;
            }
        }
        Ok(())
    }

    /// The host starts: the journal, then the venue, then the plugins.
    pub(super) fn start(&mut self) -> Held {
        if self.host.up && !self.host.crippled {
            return Ok(());
        }
        let rows = self.disk.rows();
        self.note(|| format!("the host starts with {rows} rows"));
        self.host.life += 1;
        self.host.doom = None;
        self.host.crippled = false;
        self.host.work.clear();
        if let Err(broken) = self.disk.open() {
            return Err(broke(Invariant::JournalChain, format!("row {}", broken.row)));
        }
        self.host.engine = self.replayed()?;
        self.host.up = true;
        for player in &mut self.host.players {
            *player = Player::new(self.chance.fork());
        }
        self.host.down.fill(false);
        self.check_books()?;
        for plugin in self.plugin_ids() {
            if self.operator.is_faulted(plugin) {
                self.say_restarted(plugin, self.now);
            }
        }
        let mut effects = Vec::new();
        self.host.engine.resume(self.now, &mut effects);
        self.absorb(&mut effects, None, false)?;
        self.work()
    }

    /// An engine that knows what the journal knows.
    pub(super) fn replayed(&self) -> Result<Engine<F>, super::violation::Broke> {
        let mut engine = Engine::begun_with(self.config.clone(), self.began);
        for (at, record) in self.disk.records() {
            if let Err(error) = engine.replay(at, record) {
                let detail = format!("{record:?} cannot be applied: {error}");
                return Err(broke(Invariant::ReplayEqualsLive, detail));
            }
        }
        Ok(engine)
    }

    /// Begins another journal once this one is long.
    fn rotate(&mut self) -> Held {
        let is_calm = self.host.up && !self.host.crippled && self.host.work.is_empty();
        if !is_calm || !self.disk.is_long() {
            return Ok(());
        }
        let carried = self.host.engine.carry();
        self.disk.rotate(self.now, &carried);
        self.began = self.config.plugins.len();
        self.counts.rotations += 1;
        self.check_journal()
    }

    /// How long a world may take to settle, from now.
    pub(super) fn settled_at(&self) -> UnixNanos {
        self.now.plus(Nanos(self.settling.0))
    }
}
