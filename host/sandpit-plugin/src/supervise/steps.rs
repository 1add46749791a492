//! How a plugin moves on: what is begun when it is idle, what an answer means, what a fault leads
//! to. Nothing here waits.

use std::time::{Duration, Instant};

use sandpit_core::{
    intent::Intent,
    plugin::{Fault, PluginEvent},
    time::UnixNanos,
};

use super::{
    outcome::{Cause, Consequence, Outcome, Stance, Stances, Version},
    owed::{Owed, is_owed},
    rules::{SuperviseRules, Verdict},
    slot::{Control, Phase, Previous, Purpose, Slot, Swap, SwapRunners, UnderWay},
};
use crate::{
    port::{Ask, Reply, Runner},
    queue::Queue,
    session::{SavedState, StopReason},
};

/// What a step is taken with.
pub(super) struct Step<'a> {
    pub(super) rules: &'a SuperviseRules,
    pub(super) stances: &'a dyn Stances,
    /// The engine's time.
    pub(super) now: UnixNanos,
    pub(super) out: &'a mut Vec<Outcome>,
}

impl<R: Runner> Slot<R> {
    /// Takes a runner in, for the first time or after an unload. What was owed comes first.
    pub(super) fn install(
        &mut self,
        runner: R,
        version: Version,
        saved: Option<SavedState>,
        step: &mut Step<'_>,
    ) {
        self.saved = saved;
        self.version = Some(version);
        let stance = step.stances.stance(self.plugin);
        self.begin_start(runner, Cause::Load, stance, step);
    }

    /// The runner that was wanted. One that was wanted for something that is over is let go.
    pub(super) fn made(&mut self, ticket: u64, made: Result<R, Fault>, step: &mut Step<'_>) {
        if self.phase != Phase::Making || ticket != self.ticket {
            return;
        }
        match made {
            Ok(runner) => {
                let stance = step.stances.stance(self.plugin);
                self.begin_start(runner, self.made_for, stance, step);
            }
            Err(fault) => self.fault(&fault, step),
        }
    }

    /// Has another version take over, between what was told before and what is told from now on.
    /// Where nothing runs, the version is only another one for the next start.
    pub(super) fn begin_swap(&mut self, runner: R, version: Version, step: &mut Step<'_>) {
        let stance = step.stances.stance(self.plugin);
        if self.phase == Phase::Running {
            let candidate = self.swap.as_mut().map(|swap| (&mut swap.runners, &mut swap.version));
            if let Some((SwapRunners::Next(next), its)) = candidate {
                // That one never had its turn. What has been told since is its successor's.
                (*next, *its) = (runner, version);
                return;
            }
            let queue = Queue::new(&self.name, self.limits.queue);
            let runners = SwapRunners::Next(runner);
            self.swap = Some(Swap { version, stance, queue, runners });
            return;
        }
        let quarantined = self.phase == Phase::Quarantined;
        self.replace_version(version, step);
        if !quarantined {
            self.begin_start(runner, Cause::Swap, stance, step);
        }
    }

    /// The version before comes back, with what it saved when it was replaced.
    pub(super) fn roll_back(&mut self, step: &mut Step<'_>) -> bool {
        let Some(previous) = self.previous.take() else { return false };
        let under_way = self.drop_runner();
        let waiting = self.renew_queue();
        let mut owed = previous.told;
        owed.extend(under_way.and_then(event_of));
        owed.extend(self.owed.take());
        owed.extend(waiting);
        self.owed = owed;
        self.since_saved = Owed::default();
        self.saved = previous.state;
        self.from = self.version.replace(previous.version).map(|version| version.sha256);
        self.make(Cause::RollBack, step);
        true
    }

    /// A person lets it run again.
    pub(super) fn release(&mut self, step: &mut Step<'_>) -> bool {
        if self.phase != Phase::Quarantined {
            return false;
        }
        self.faults.forgive();
        self.make(Cause::Restart, step);
        true
    }

    /// Begins what can be begun.
    pub(super) fn go_on(&mut self, step: &mut Step<'_>) {
        if let Phase::Down { restart_at } = self.phase
            && restart_at <= step.now
        {
            self.make(Cause::Restart, step);
        }
        while self.is_ready() {
            let Some(runner) = &mut self.runner else { return };
            let (under_way, begun) = match self.controls.pop_front() {
                Some(Control::Save) => (UnderWay::Save(Purpose::Keep), runner.begin(&Ask::Save)),
                Some(Control::Parameters(arguments, time)) => {
                    let begun = runner.begin(&Ask::Parameters { arguments: &arguments, time });
                    (UnderWay::Parameters(arguments), begun)
                }
                Some(Control::Unload(reason)) => {
                    (UnderWay::Save(Purpose::Unload(reason)), runner.begin(&Ask::Save))
                }
                None => match if self.paused { None } else { self.queue.pop() } {
                    Some(event) => {
                        let begun = runner.begin(&Ask::Event(&event));
                        (UnderWay::Event(event), begun)
                    }
                    // All that came before the swap is worked off.
                    None => (UnderWay::Save(Purpose::Swap), runner.begin(&Ask::Save)),
                },
            };
            self.under_way = Some(under_way);
            self.begun(begun, step);
        }
    }

    /// Something was asked: where there is nothing to wait for, the answer is there.
    fn begun(&mut self, begun: Result<(), Fault>, step: &mut Step<'_>) {
        match begun {
            // It runs in the host's own process.
            Ok(()) if self.runner.as_ref().is_some_and(|it| it.deadline().is_none()) => {
                self.look(step);
            }
            Ok(()) => {}
            Err(fault) => self.fault(&fault, step),
        }
    }

    /// Takes the answer to what is under way, where it is there.
    pub(super) fn look(&mut self, step: &mut Step<'_>) {
        if self.under_way.is_none() {
            return;
        }
        let Some(runner) = &mut self.runner else { return };
        let mut intents = Vec::new();
        let Some(answer) = runner.poll(&mut intents) else { return };
        match answer {
            Ok(reply) => self.answered(reply, intents, step),
            Err(fault) => self.fault(&fault, step),
        }
    }

    /// Lets a replaced runner go, once it has said its last or may say no more.
    pub(super) fn let_go(&mut self) {
        if let Some(leaving) = &mut self.leaving
            && leaving.poll(&mut Vec::new()).is_some()
        {
            self.leaving = None;
        }
    }

    fn begin_start(&mut self, mut runner: R, cause: Cause, stance: Stance, step: &mut Step<'_>) {
        let now = stance.time;
        self.phase = Phase::Starting;
        self.cpu.end_process();
        self.cpu.look(Instant::now(), Duration::ZERO);
        if !self.paused {
            for event in self.owed.take() {
                // They are bounded by themselves, and are no lag of this runner.
                let _ = self.queue.push(event, now);
            }
        }
        let arguments = self.version.as_ref().map(|version| version.arguments.as_slice());
        let session =
            self.setting.session(stance, arguments.unwrap_or_default(), self.saved.clone());
        let begun = runner.begin(&Ask::Start(&session));
        self.runner = Some(runner);
        self.under_way = Some(UnderWay::Start { cause });
        self.begun(begun, step);
    }

    /// Wants a runner of the present version.
    fn make(&mut self, cause: Cause, step: &mut Step<'_>) {
        let Some(version) = self.version.clone() else { return };
        self.phase = Phase::Making;
        self.made_for = cause;
        self.ticket += 1;
        step.out.push(Outcome::Make { plugin: self.plugin, ticket: self.ticket, version });
    }

    fn answered(&mut self, reply: Reply, intents: Vec<Intent>, step: &mut Step<'_>) {
        let Some(under_way) = self.under_way.take() else { return };
        let plugin = self.plugin;
        match (under_way, reply) {
            (UnderWay::Start { cause }, _) => self.started(cause, step),
            (UnderWay::Event(event), _) => {
                if self.told_again.as_ref() == Some(&event) {
                    self.told_again = None;
                }
                if is_owed(&event) {
                    if let Some(previous) = &mut self.previous
                        && previous.probation_until.is_some()
                    {
                        previous.told.push(event.clone());
                    }
                    self.since_saved.push(event);
                }
            }
            (UnderWay::Save(purpose), Reply::Saved(data)) => self.state_saved(purpose, data, step),
            (UnderWay::Parameters(arguments), reply) => {
                let answer = match reply {
                    Reply::Refused(reason) => Err(reason),
                    Reply::Done(_) | Reply::Saved(_) => {
                        if let Some(version) = &mut self.version {
                            version.arguments = arguments;
                        }
                        Ok(())
                    }
                };
                step.out.push(Outcome::Parameters { plugin, answer });
            }
            (UnderWay::Stop, _) => self.unloaded(step),
            // A runner answers what it was asked: the wire holds it to that.
            (UnderWay::Save(_), Reply::Done(_) | Reply::Refused(_)) => {}
        }
        if !intents.is_empty() {
            self.intents.add(step.now, intents.len());
            step.out.push(Outcome::Intents { plugin, intents });
        }
    }

    fn started(&mut self, cause: Cause, step: &mut Step<'_>) {
        self.phase = Phase::Running;
        let to = self.version.as_ref().map_or([0; 32], |version| version.sha256);
        let mut from = self.from.take();
        if let Some(Swap { queue, runners: SwapRunners::Before(mut old, version), .. }) =
            self.swap.take()
        {
            from = Some(version.sha256);
            // A fault in its last call changes nothing any more.
            if old.begin(&Ask::Stop(StopReason::Swapped)).is_ok() {
                self.leaving = Some(old);
            }
            self.conflated_before += self.queue.conflated();
            self.queue = queue;
            self.let_go();
            self.previous = Some(Previous {
                version,
                state: self.saved.clone(),
                told: Owed::default(),
                probation_until: Some(step.now.plus(step.rules.probation)),
            });
        }
        if cause == Cause::Restart {
            self.restarts += 1;
        }
        step.out.push(Outcome::Started { plugin: self.plugin, cause, from, to });
    }

    fn state_saved(&mut self, purpose: Purpose, data: Vec<u8>, step: &mut Step<'_>) {
        let Some(version) = &self.version else { return };
        let state = SavedState { version: version.version.clone(), schema: version.schema, data };
        self.saved = Some(state.clone());
        self.since_saved = Owed::default();
        step.out.push(Outcome::Saved { plugin: self.plugin, state });
        match purpose {
            Purpose::Keep => {}
            Purpose::Unload(reason) => {
                if let Some(runner) = &mut self.runner {
                    let begun = runner.begin(&Ask::Stop(reason));
                    self.under_way = Some(UnderWay::Stop);
                    self.begun(begun, step);
                }
            }
            Purpose::Swap => self.hand_over(step),
        }
    }

    /// The old version has saved its state: the new one is told of its session with it.
    fn hand_over(&mut self, step: &mut Step<'_>) {
        let Some(Swap { version, stance, queue, runners }) = self.swap.take() else { return };
        let (SwapRunners::Next(candidate), Some(old), Some(before)) =
            (runners, self.runner.take(), self.version.replace(version.clone()))
        else {
            return;
        };
        let runners = SwapRunners::Before(old, before);
        self.swap = Some(Swap { version, stance: stance.clone(), queue, runners });
        self.begin_start(candidate, Cause::Swap, stance, step);
    }

    /// Ends it where it is not running, and has nothing to save.
    pub(super) fn end(&mut self, step: &mut Step<'_>) {
        self.unloaded(step);
    }

    fn unloaded(&mut self, step: &mut Step<'_>) {
        self.drop_runner();
        let waiting = self.renew_queue();
        self.owed.extend(waiting);
        self.controls.clear();
        self.swap = None;
        self.phase = Phase::Empty;
        step.out.push(Outcome::Unloaded { plugin: self.plugin });
    }

    /// The plugin is at fault: by its answer, by its silence, or by what it uses.
    pub(super) fn fault(&mut self, fault: &Fault, step: &mut Step<'_>) {
        let plugin = self.plugin;
        if let Some(bytes) = self.runner.as_mut().and_then(Runner::take_core_dump) {
            step.out.push(Outcome::CoreDump { plugin, bytes });
        }
        let component = self.version.as_ref().map_or([0; 32], |version| version.sha256);
        self.last_fault = Some((step.now, fault.clone()));
        *self.by_code.entry(fault.code).or_default() += 1;
        let faulted = |then, out: &mut Vec<Outcome>| {
            out.push(Outcome::Faulted { plugin, fault: fault.clone(), component, then })
        };
        match self.swap.take() {
            // The candidate does not start: the one before goes on, as if nothing had been.
            Some(Swap { queue, runners: SwapRunners::Before(old, version), .. }) => {
                faulted(Consequence::KeepOld, step.out);
                self.keep_old(old, version, queue);
                return;
            }
            // The old one falls before its turn: the candidate starts with what was saved last.
            Some(Swap { version, queue, runners: SwapRunners::Next(candidate), .. }) => {
                faulted(Consequence::Restart { at: step.now }, step.out);
                self.keep_owed();
                self.owed.extend(queue.into_owed());
                self.replace_version(version, step);
                let stance = step.stances.stance(plugin);
                self.begin_start(candidate, Cause::Swap, stance, step);
                return;
            }
            None => {}
        }
        if self.probation_until().is_some_and(|until| step.now <= until) {
            faulted(Consequence::RollBack, step.out);
            if self.refuse_controls(step) {
                self.unloaded(step);
            } else {
                self.roll_back(step);
            }
            return;
        }
        self.keep_owed();
        let unload = self.refuse_controls(step);
        match self.faults.take(&step.rules.faults, step.now, step.rules.seed, plugin) {
            Verdict::Restart { at } => {
                self.phase = Phase::Down { restart_at: at };
                faulted(Consequence::Restart { at }, step.out);
            }
            Verdict::Quarantine => {
                self.phase = Phase::Quarantined;
                faulted(Consequence::Quarantine, step.out);
            }
        }
        if unload {
            self.unloaded(step);
        }
    }

    fn keep_old(&mut self, old: R, version: Version, queue: Queue) {
        self.drop_runner();
        self.runner = Some(old);
        self.version = Some(version);
        self.phase = Phase::Running;
        // All that came before was worked off, so what waits is what came since.
        self.conflated_before += self.queue.conflated();
        self.queue = queue;
    }

    /// What the plugin has not been told and has to be. A report in whose call it was at fault is
    /// told once more and not a third time, so that it cannot keep the plugin down.
    fn keep_owed(&mut self) {
        let under_way = self.drop_runner().and_then(event_of);
        let waiting = self.renew_queue();
        let mut owed = std::mem::take(&mut self.owed);
        // It starts with what it saved, so what it was told since is news to it again.
        self.owed = std::mem::take(&mut self.since_saved);
        if let Some(event) = under_way.filter(|it| self.told_again.as_ref() != Some(it)) {
            self.told_again = is_owed(&event).then(|| event.clone());
            self.owed.push(event);
        }
        self.owed.extend(waiting);
        self.owed.extend(owed.take());
    }

    /// What was asked for between two events will not be. Says whether it was to end anyhow.
    fn refuse_controls(&mut self, step: &mut Step<'_>) -> bool {
        let plugin = self.plugin;
        let mut unload = false;
        for control in std::mem::take(&mut self.controls) {
            match control {
                Control::Save => {}
                Control::Parameters(..) => {
                    let answer = Err("it was at fault before it was asked".to_owned());
                    step.out.push(Outcome::Parameters { plugin, answer });
                }
                Control::Unload(_) => unload = true,
            }
        }
        unload
    }

    /// Another version from now on; the one before is what a fault within the probation puts back.
    fn replace_version(&mut self, version: Version, step: &Step<'_>) {
        if let Some(before) = self.version.replace(version) {
            self.from = Some(before.sha256);
            self.previous = Some(Previous {
                version: before,
                state: self.saved.clone(),
                told: Owed::default(),
                probation_until: Some(step.now.plus(step.rules.probation)),
            });
        }
    }

    /// Ends the runner; says what was under way.
    fn drop_runner(&mut self) -> Option<UnderWay> {
        self.runner = None;
        self.cpu.end_process();
        self.under_way.take()
    }

    /// The version before need not be kept ready for a fault any more.
    pub(super) fn end_probation(&mut self, now: UnixNanos) {
        if let Some(previous) = &mut self.previous
            && previous.probation_until.is_some_and(|until| until < now)
        {
            // It can still be put back by hand, and then starts as things stand.
            previous.told = Owed::default();
            previous.probation_until = None;
        }
    }
}

fn event_of(under_way: UnderWay) -> Option<PluginEvent> {
    match under_way {
        UnderWay::Event(event) => Some(event),
        _ => None,
    }
}
