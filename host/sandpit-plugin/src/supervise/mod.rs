//! All plugins of a run: who runs, what each is told and when, and what follows when one is at
//! fault. It owns the runners and waits for none of them: a plugin that is slow, traps or floods
//! moves nobody else's events.
//!
//! ```text
//! shell ─ tell ─▶ queue of each ─ go_on ─▶ runner (one thing under way)
//!   ▲                                         │ answer, fault, silence
//!   └───────────── Outcome ◀── look ──────────┘
//! ```
//!
//! What is made elsewhere (compiling, starting a process) is wanted by [`Outcome::Make`] and handed
//! in by [`Supervisor::made`]. What an outcome leads to in the engine is the shell's.
//!
//! **Architecture invariant:** a report about an own order is told to the plugin in the end, or was
//! being told when the plugin was at fault twice.
//!
//! **Architecture invariant:** nothing here decides by the wall clock but what is about the machine:
//! a call's deadline, and shares of the processor.

mod outcome;
mod owed;
mod rules;
mod share;
mod slot;
mod steps;
#[cfg(test)]
mod tests;
mod view;
mod wait;

pub(crate) use owed::is_owed;

pub use outcome::{Cause, Consequence, Outcome, Setting, Stance, Stances, Version};
pub use rules::{FaultRules, SlotLimits, SuperviseRules, Totals};
pub use slot::Phase;
pub use view::SlotView;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use sandpit_core::{
    ids::PluginId,
    plugin::{Fault, FaultCode, PluginEvent},
    time::UnixNanos,
};

use crate::{
    describe::Argument,
    port::Runner,
    session::{SavedState, StopReason},
};
use share::{CPU_LOOK_EVERY, INTENT_WINDOW_SECONDS, IntentCount, allowance};
use slot::{Control, Slot};
use steps::Step;

/// The plugins of a run, by [`PluginId`].
#[derive(Debug)]
pub struct Supervisor<R> {
    rules: SuperviseRules,
    slots: Vec<Slot<R>>,
    /// Plugins that may have something to do; each is on it once.
    ready: VecDeque<PluginId>,
    listed: Vec<bool>,
    /// Plugins with something under way.
    busy: Vec<PluginId>,
    /// When the next plugin that is down comes back.
    restart_next: Option<UnixNanos>,
    intents: IntentCount,
    /// When a process is looked at next, and whose.
    look_next: (Instant, usize),
}

impl<R: Runner> Supervisor<R> {
    /// Of no plugins yet.
    #[must_use]
    pub fn new(rules: SuperviseRules) -> Self {
        Self {
            rules,
            slots: Vec::new(),
            ready: VecDeque::new(),
            listed: Vec::new(),
            busy: Vec::new(),
            restart_next: None,
            intents: IntentCount::default(),
            look_next: (Instant::now() + CPU_LOOK_EVERY, 0),
        }
    }

    /// A place for one more plugin; nothing runs there yet. Its id is the number of those before.
    pub fn add(&mut self, name: &str, limits: SlotLimits, setting: Setting) -> PluginId {
        let plugin = PluginId(u16::try_from(self.slots.len()).unwrap_or(u16::MAX));
        self.slots.push(Slot::new(plugin, name, limits, setting));
        self.listed.push(false);
        plugin
    }

    /// How many places there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How a plugin stands.
    #[must_use]
    pub fn view(&self, plugin: PluginId) -> Option<SlotView<'_, R>> {
        self.slots.get(usize::from(plugin.0)).map(SlotView::of)
    }

    /// What runs, for what is no call. Nothing may be asked of it past the supervisor.
    pub fn runner_mut(&mut self, plugin: PluginId) -> Option<&mut R> {
        self.slots.get_mut(usize::from(plugin.0))?.runner.as_mut()
    }

    /// Where a plugin stands.
    #[must_use]
    pub fn phase(&self, plugin: PluginId) -> Phase {
        self.slots.get(usize::from(plugin.0)).map_or(Phase::Empty, |slot| slot.phase)
    }

    /// When a plugin that is down comes back, in the engine's time.
    #[must_use]
    pub const fn next_due(&self) -> Option<UnixNanos> {
        self.restart_next
    }

    /// Whether nothing is under way and nothing waits that could be told.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.busy.is_empty() && self.ready.is_empty()
    }

    /// Starts a plugin where nothing runs, with what it saved before, if anything.
    pub fn install(
        &mut self,
        plugin: PluginId,
        runner: R,
        version: Version,
        saved: Option<SavedState>,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
    ) {
        self.with(plugin, moment, out, |slot, step| slot.install(runner, version, saved, step));
    }

    /// Hands in what [`Outcome::Make`] wanted, or why there is none.
    pub fn made(
        &mut self,
        plugin: PluginId,
        ticket: u64,
        made: Result<R, Fault>,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
    ) {
        self.with(plugin, moment, out, |slot, step| slot.made(ticket, made, step));
    }

    /// Has another version take over from the next event on; what was told before it is worked off
    /// by the old one.
    pub fn swap(
        &mut self,
        plugin: PluginId,
        runner: R,
        version: Version,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
    ) {
        self.with(plugin, moment, out, |slot, step| slot.begin_swap(runner, version, step));
    }

    /// Puts back the version before the last swap, with what it saved then. `false` where there is
    /// none.
    pub fn roll_back(
        &mut self,
        plugin: PluginId,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
    ) -> bool {
        self.with(plugin, moment, out, Slot::roll_back).unwrap_or(false)
    }

    /// Lets a plugin run again that was in quarantine. `false` where it was not.
    pub fn release(
        &mut self,
        plugin: PluginId,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
    ) -> bool {
        self.with(plugin, moment, out, Slot::release).unwrap_or(false)
    }

    /// Stops calling a plugin, or goes on. Meanwhile only what it is owed waits for it.
    pub fn pause(&mut self, plugin: PluginId, paused: bool, now: UnixNanos) {
        if let Some(slot) = self.slots.get_mut(usize::from(plugin.0)) {
            slot.pause(paused, now);
            self.list(plugin);
        }
    }

    /// Has a plugin save its state between two events.
    pub fn save(&mut self, plugin: PluginId) {
        self.control(plugin, Control::Save);
    }

    /// Hands a plugin new parameters between two events; the answer is [`Outcome::Parameters`].
    pub fn parameters(&mut self, plugin: PluginId, arguments: Vec<Argument>, now: UnixNanos) {
        self.control(plugin, Control::Parameters(arguments, now));
    }

    /// Ends a plugin after what it is being told; it saves its state where it can.
    pub fn unload(
        &mut self,
        plugin: PluginId,
        reason: StopReason,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
    ) {
        if self.phase(plugin) == Phase::Running {
            self.control(plugin, Control::Unload(reason));
        } else {
            self.with(plugin, moment, out, Slot::end);
        }
    }

    fn control(&mut self, plugin: PluginId, control: Control) {
        if let Some(slot) = self.slots.get_mut(usize::from(plugin.0)) {
            slot.control(control);
            self.list(plugin);
        }
    }

    /// Tells a plugin of an event as soon as it can be told.
    #[inline]
    pub fn tell(
        &mut self,
        plugin: PluginId,
        event: PluginEvent,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
    ) {
        let Some(slot) = self.slots.get_mut(usize::from(plugin.0)) else { return };
        match slot.tell(event, moment.now) {
            Ok(()) => self.list(plugin),
            Err(fault) => self.blame(plugin, &fault, moment, out),
        }
    }

    /// A plugin is at fault for something that only the shell sees.
    pub fn blame(
        &mut self,
        plugin: PluginId,
        fault: &Fault,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
    ) {
        self.with(plugin, moment, out, |slot, step| slot.fault(fault, step));
    }

    /// Begins what can be begun and takes the answers that are there. Never waits.
    pub fn advance(&mut self, moment: Moment<'_>, out: &mut Vec<Outcome>) {
        if self.restart_next.is_some_and(|at| at <= moment.now) {
            let all = 0..u16::try_from(self.slots.len()).unwrap_or(u16::MAX);
            all.map(PluginId).for_each(|plugin| self.list(plugin));
            self.restart_next = None;
        }
        self.look_at_processes(moment, out);
        self.take_answers(moment, out);
        for _ in 0..self.ready.len() {
            let Some(plugin) = self.ready.pop_front() else { break };
            self.listed[usize::from(plugin.0)] = false;
            self.with(plugin, moment, out, Slot::go_on);
        }
    }

    /// Works everything off, and waits for it: for sessions in which the market waits for plugins.
    /// Comes back with the first outcomes, or when nothing is under way.
    pub fn settle(&mut self, moment: Moment<'_>, out: &mut Vec<Outcome>) {
        loop {
            self.advance(moment, out);
            if !out.is_empty() || self.is_idle() {
                return;
            }
            self.wait(None, &[]);
        }
    }

    /// Has one slot do something, and keeps the lists as they must be.
    fn with<T>(
        &mut self,
        plugin: PluginId,
        moment: Moment<'_>,
        out: &mut Vec<Outcome>,
        act: impl FnOnce(&mut Slot<R>, &mut Step<'_>) -> T,
    ) -> Option<T> {
        let slot = self.slots.get_mut(usize::from(plugin.0))?;
        let before = out.len();
        let Moment { now, stances } = moment;
        let value = act(slot, &mut Step { rules: &self.rules, stances, now, out });
        slot.let_go();
        slot.end_probation(now);
        let (busy, ready, phase) = (slot.is_busy(), slot.is_ready(), slot.phase);
        if busy && !self.busy.contains(&plugin) {
            self.busy.push(plugin);
        }
        if let Phase::Down { restart_at } = phase {
            self.restart_next = Some(self.restart_next.map_or(restart_at, |at| at.min(restart_at)));
        }
        if ready {
            self.list(plugin);
        }
        self.count_intents(before, moment, out);
        Some(value)
    }

    /// Counts what has been asked for; where it is too much in all, whoever asked for most of it is
    /// at fault.
    fn count_intents(&mut self, from: usize, moment: Moment<'_>, out: &mut Vec<Outcome>) {
        let count: usize = out[from..]
            .iter()
            .map(|outcome| match outcome {
                Outcome::Intents { intents, .. } => intents.len(),
                _ => 0,
            })
            .sum();
        if count == 0 {
            return;
        }
        self.intents.add(moment.now, count);
        let allowed = u64::from(self.rules.totals.intents_per_second_max) * INTENT_WINDOW_SECONDS;
        let all = self.intents.within(moment.now);
        if all <= allowed {
            return;
        }
        let now = moment.now;
        let counted = self.slots.iter_mut().map(|slot| (slot.intents.within(now), slot));
        let Some((own, worst)) = counted.max_by_key(|(own, _)| *own) else { return };
        let plugin = worst.plugin;
        worst.intents = IntentCount::default();
        self.intents = IntentCount::default();
        let detail = format!(
            "plugin `{}` asked for most: {own} of the {all} intents of all plugins in {INTENT_WINDOW_SECONDS} s, {allowed} are allowed",
            worst.name,
        );
        // What was asked for before the fault counts; what comes of the fault is told after it.
        self.blame(plugin, &Fault { code: FaultCode::IntentRateExceeded, detail }, moment, out);
    }

    fn list(&mut self, plugin: PluginId) {
        let listed = &mut self.listed[usize::from(plugin.0)];
        if !*listed {
            *listed = true;
            self.ready.push_back(plugin);
        }
    }

    /// Looks at what one process after the other uses, each about once a second.
    fn look_at_processes(&mut self, moment: Moment<'_>, out: &mut Vec<Outcome>) {
        let now = Instant::now();
        if now < self.look_next.0 || self.slots.is_empty() {
            return;
        }
        let index = self.look_next.1 % self.slots.len();
        let every = CPU_LOOK_EVERY / u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.look_next = (now + every, index + 1);
        let slot = &mut self.slots[index];
        // One that was replaced goes in its time even where its plugin is told nothing.
        slot.let_go();
        let Some(usage) = slot.runner.as_ref().and_then(Runner::usage) else { return };
        slot.cpu.look(now, usage.cpu);
        let (used, allowed) = (slot.cpu.used(), allowance(slot.limits.cpu_share_percent_max));
        if used > allowed {
            let (plugin, detail) = (slot.plugin, too_much(&slot.name, used, allowed));
            self.blame(plugin, &Fault { code: FaultCode::CpuShareExceeded, detail }, moment, out);
            return;
        }
        let all: Duration = self.slots.iter().map(|slot| slot.cpu.used()).sum();
        let allowed = allowance(self.rules.totals.cpu_share_percent_max);
        if all > allowed
            && let Some(worst) = self.slots.iter().max_by_key(|slot| slot.cpu.used())
        {
            let (plugin, own) = (worst.plugin, worst.cpu.used());
            let detail = format!(
                "plugin `{}` used most, {own:.1?}, of the {all:.1?} that all plugins used in a minute; {allowed:.0?} are allowed",
                worst.name,
            );
            self.blame(plugin, &Fault { code: FaultCode::CpuShareExceeded, detail }, moment, out);
        }
    }
}

/// When something is done, and how plugins stand then.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The engine's time.
    pub now: UnixNanos,
    /// How plugins stand.
    pub stances: &'a dyn Stances,
}

impl std::fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moment").field("now", &self.now).finish_non_exhaustive()
    }
}

fn too_much(name: &str, used: Duration, allowed: Duration) -> String {
    format!(
        "plugin `{name}` used {used:.1?} of processor time in a minute; {allowed:.1?} are allowed"
    )
}
