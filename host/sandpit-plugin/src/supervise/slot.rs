//! One plugin as its supervisor sees it: what runs, what is under way, what waits, and what a fault
//! leads to. At most one thing is under way; nothing here waits for it.
//!
//! ```text
//! Empty ─ install ─▶ Starting ─▶ Running ─ fault ─▶ Down ─ time ─▶ Making ─ made ─▶ Starting
//!                                   │  ▲              └─ too many ─▶ Quarantined ─ release ─▶ Making
//!                                   └──┘ swap: drain, save, start the other one
//! ```

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    ids::PluginId,
    plugin::{Fault, FaultCode, PluginEvent},
    time::{Nanos, UnixNanos},
};

use super::{
    outcome::{Cause, Setting, Stance, Version},
    owed::Owed,
    rules::{Faults, SlotLimits},
    share::{CpuShare, IntentCount},
};
use crate::{
    describe::Argument,
    port::Runner,
    queue::Queue,
    session::{SavedState, StopReason},
};

/// Where a plugin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing runs.
    Empty,
    /// A runner is being made.
    Making,
    /// It is being told of its session.
    Starting,
    /// It takes events.
    Running,
    /// It was at fault and comes back.
    Down {
        /// The engine's time of that.
        restart_at: UnixNanos,
    },
    /// It was at fault too often; a person has to release it.
    Quarantined,
}

/// What is under way.
#[derive(Debug)]
pub(super) enum UnderWay {
    Start { cause: Cause },
    Event(PluginEvent),
    Save(Purpose),
    Parameters(Vec<Argument>),
    Stop,
}

/// What a state is saved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Keep,
    Swap,
    Unload(StopReason),
}

/// What is done between two events.
#[derive(Debug)]
pub(super) enum Control {
    Save,
    Parameters(Vec<Argument>, UnixNanos),
    Unload(StopReason),
}

/// Another version that takes over.
#[derive(Debug)]
pub(super) struct Swap<R> {
    pub(super) version: Version,
    /// How the plugin stood when the swap was asked for. What comes after that is the candidate's.
    pub(super) stance: Stance,
    /// Its events from then on.
    pub(super) queue: Queue,
    pub(super) runners: SwapRunners<R>,
}

/// The other runner of a swap.
#[derive(Debug)]
pub(super) enum SwapRunners<R> {
    /// The old one works off what came before; this one comes next.
    Next(R),
    /// The new one is being told of its session; this one goes on where that fails.
    Before(R, Version),
}

/// What a rollback puts back.
#[derive(Debug)]
pub(super) struct Previous {
    pub(super) version: Version,
    /// What it saved when it was replaced.
    pub(super) state: Option<SavedState>,
    /// What its successor was told since that it has to know as well.
    pub(super) told: Owed,
    /// Until then a fault puts it back; `None` once that is over.
    pub(super) probation_until: Option<UnixNanos>,
}

/// One plugin.
#[derive(Debug)]
pub(super) struct Slot<R> {
    pub(super) plugin: PluginId,
    pub(super) name: String,
    pub(super) limits: SlotLimits,
    pub(super) phase: Phase,
    pub(super) paused: bool,
    pub(super) runner: Option<R>,
    pub(super) version: Option<Version>,
    pub(super) faults: Faults,
    /// Faults by what they were.
    pub(super) by_code: BTreeMap<FaultCode, u64>,
    pub(super) last_fault: Option<(UnixNanos, Fault)>,
    pub(super) cpu: CpuShare,
    pub(super) intents: IntentCount,
    pub(super) restarts: u64,
    pub(super) saved: Option<SavedState>,
    pub(super) setting: Setting,
    pub(super) queue: Queue,
    pub(super) conflated_before: u64,
    pub(super) owed: Owed,
    /// What it was told since it saved, and has to know again where it starts with that.
    pub(super) since_saved: Owed,
    /// A report in whose call the plugin was at fault: it is told once more, and not twice.
    pub(super) told_again: Option<PluginEvent>,
    pub(super) under_way: Option<UnderWay>,
    pub(super) controls: VecDeque<Control>,
    pub(super) swap: Option<Swap<R>>,
    pub(super) previous: Option<Previous>,
    /// The runner that was replaced, on its way out.
    pub(super) leaving: Option<R>,
    pub(super) ticket: u64,
    pub(super) made_for: Cause,
    /// The component whose place the one that is being started takes.
    pub(super) from: Option<[u8; 32]>,
}

impl<R: Runner> Slot<R> {
    pub(super) fn new(plugin: PluginId, name: &str, limits: SlotLimits, setting: Setting) -> Self {
        Self {
            plugin,
            name: name.to_owned(),
            limits,
            phase: Phase::Empty,
            paused: false,
            runner: None,
            version: None,
            faults: Faults::default(),
            by_code: BTreeMap::new(),
            last_fault: None,
            cpu: CpuShare::default(),
            intents: IntentCount::default(),
            restarts: 0,
            saved: None,
            setting,
            queue: Queue::new(name, limits.queue),
            conflated_before: 0,
            owed: Owed::default(),
            since_saved: Owed::default(),
            told_again: None,
            under_way: None,
            controls: VecDeque::new(),
            swap: None,
            previous: None,
            leaving: None,
            ticket: 0,
            made_for: Cause::Load,
            from: None,
        }
    }

    /// Events that wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len() + self.swap.as_ref().map_or(0, |swap| swap.queue.len())
    }

    /// Time of events between the oldest that waits and `now`.
    pub(super) fn lag(&self, now: UnixNanos) -> Nanos {
        let swap = self.swap.as_ref().map(|swap| swap.queue.lag(now));
        self.queue.lag(now).max(swap.unwrap_or(Nanos(0)))
    }

    /// Quotes and depths that a newer one replaced.
    pub(super) fn conflated(&self) -> u64 {
        self.conflated_before + self.queue.conflated()
    }

    /// Reports that wait for it to run again, and those beyond their bound.
    pub(super) fn owed(&self) -> (usize, u64) {
        (self.owed.len(), self.owed.lost())
    }

    /// Until when a fault puts the old version back.
    pub(super) fn probation_until(&self) -> Option<UnixNanos> {
        self.previous.as_ref()?.probation_until
    }

    pub(super) const fn is_swapping(&self) -> bool {
        self.swap.is_some()
    }

    pub(super) fn previous(&self) -> Option<&Version> {
        self.previous.as_ref().map(|previous| &previous.version)
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether it could do something now.
    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Running
            && self.under_way.is_none()
            && (!self.controls.is_empty()
                || self.swap.is_some()
                || (!self.paused && !self.queue.is_empty()))
    }

    /// Takes in an event for it.
    pub(super) fn tell(&mut self, event: PluginEvent, now: UnixNanos) -> Result<(), Fault> {
        let takes = matches!(self.phase, Phase::Running | Phase::Starting) && !self.paused;
        match &mut self.swap {
            // What comes after the swap was asked for is the candidate's.
            Some(swap) if takes => swap.queue.push(event, now),
            None if takes => self.queue.push(event, now),
            _ => {
                self.owed.push(event);
                Ok(())
            }
        }
    }

    /// Stops or goes on calling it. Meanwhile only what it is owed waits.
    pub(super) fn pause(&mut self, paused: bool, now: UnixNanos) {
        if self.paused == paused {
            return;
        }
        self.paused = paused;
        if paused {
            let waiting = self.renew_queue();
            self.owed.extend(waiting);
        } else if matches!(self.phase, Phase::Running | Phase::Starting) {
            for event in self.owed.take() {
                let _ = self.queue.push(event, now);
            }
        }
    }

    /// Asks for something that is done between two events.
    pub(super) fn control(&mut self, control: Control) {
        self.controls.push_back(control);
    }

    /// A new queue; what waited in the old one and is owed.
    pub(super) fn renew_queue(&mut self) -> Vec<PluginEvent> {
        let fresh = Queue::new(&self.name, self.limits.queue);
        let old = std::mem::replace(&mut self.queue, fresh);
        self.conflated_before += old.conflated();
        old.into_owed()
    }
}
