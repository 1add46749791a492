//! How a plugin stands, for those who look.

use std::{collections::BTreeMap, time::Duration};

use sandpit_core::{
    plugin::{Fault, FaultCode},
    time::{Nanos, UnixNanos},
};

use super::{
    outcome::Version,
    rules::SlotLimits,
    slot::{Phase, Slot},
};
use crate::{
    port::{Runner, Stats},
    session::SavedState,
};

/// One plugin as its supervisor sees it.
#[derive(Debug)]
pub struct SlotView<'a, R> {
    /// The operator's name of it.
    pub name: &'a str,
    /// Where it stands.
    pub phase: Phase,
    /// Whether it is not called on the operator's wish.
    pub paused: bool,
    /// Whether another version is about to take over.
    pub swapping: bool,
    /// Until when a fault puts the version before back, in the engine's time.
    pub probation_until: Option<UnixNanos>,
    /// What it runs.
    pub version: Option<&'a Version>,
    /// What a rollback puts back.
    pub previous: Option<&'a Version>,
    /// Its runner.
    pub runner: Option<&'a R>,
    /// What it has used since it was last started.
    pub stats: Option<Stats>,
    /// Its bounds that the supervisor keeps.
    pub limits: SlotLimits,
    /// Events that wait.
    pub waiting: usize,
    /// Quotes and depths that a newer one replaced.
    pub conflated: u64,
    /// Reports that wait until it runs again.
    pub owed: usize,
    /// Reports that were too many to wait.
    pub owed_lost: u64,
    /// Faults since the session began.
    pub faults: u64,
    /// Faults within the window.
    pub faults_recent: u32,
    /// Restarts after faults.
    pub restarts: u64,
    /// Faults by what they were, those that only another component had among them.
    pub faults_by_code: &'a BTreeMap<FaultCode, u64>,
    /// Its last fault, and when that was in the engine's time.
    pub last_fault: Option<&'a (UnixNanos, Fault)>,
    /// Processor time over the last minute.
    pub cpu_used: Duration,
    /// What it saved last.
    pub saved: Option<&'a SavedState>,
    slot: &'a Slot<R>,
}

impl<'a, R: Runner> SlotView<'a, R> {
    /// Time of events between the oldest that waits and `now`.
    #[must_use]
    pub fn lag(&self, now: UnixNanos) -> Nanos {
        self.slot.lag(now)
    }

    pub(super) fn of(slot: &'a Slot<R>) -> Self {
        let (owed, owed_lost) = slot.owed();
        Self {
            name: &slot.name,
            phase: slot.phase,
            paused: slot.paused,
            swapping: slot.is_swapping(),
            probation_until: slot.probation_until(),
            version: slot.version.as_ref(),
            previous: slot.previous(),
            runner: slot.runner.as_ref(),
            stats: slot.runner.as_ref().map(Runner::stats),
            limits: slot.limits,
            waiting: slot.waiting(),
            conflated: slot.conflated(),
            owed,
            owed_lost,
            faults: slot.faults.total(),
            faults_recent: slot.faults.recent(),
            restarts: slot.restarts,
            faults_by_code: &slot.by_code,
            last_fault: slot.last_fault.as_ref(),
            slot,
            cpu_used: slot.cpu.used(),
            saved: slot.saved.as_ref(),
        }
    }
}
