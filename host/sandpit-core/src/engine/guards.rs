//! Losses that lock a scope, and the samples of equity by which the guards remember.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    account::Position,
    engine::{Alert, Effect, Engine, EquitySample, Flaws, Lock, LockReason, Record},
    ids::{InstrumentId, PluginId},
    num::Money,
    risk::{Breach, GuardKind, Unlock},
    time::UnixNanos,
};

/// Round trips under way: what a position had earned when it was last opened.
#[derive(Clone, Debug)]
pub(crate) struct Rounds {
    /// Whether a guard asks for them.
    counts: bool,
    opened_at: BTreeMap<(PluginId, InstrumentId), Money>,
}

fn net(position: &Position) -> Money {
    position.realized - position.fees - position.funding
}

impl Rounds {
    pub(crate) const fn new(counts: bool) -> Self {
        Self { counts, opened_at: BTreeMap::new() }
    }

    /// From now on a guard asks for them.
    pub(crate) const fn count(&mut self) {
        self.counts = true;
    }

    /// A position has changed by a fill; the result of the round trip that ended with it, if one
    /// did. A fill through zero ends one and begins another.
    pub(crate) fn note(
        &mut self,
        key: (PluginId, InstrumentId),
        before: &Position,
        after: &Position,
    ) -> Option<Money> {
        if !self.counts {
            return None;
        }
        let was_flat = before.quantity.is_zero();
        let turned = after.quantity.is_zero() || (before.quantity.0 > 0) != (after.quantity.0 > 0);
        if was_flat {
            self.opened_at.insert(key, net(before));
            return None;
        }
        if !turned {
            return None;
        }
        let opened = self.opened_at.remove(&key).unwrap_or_else(|| net(before));
        if !after.quantity.is_zero() {
            self.opened_at.insert(key, net(after));
        }
        Some(net(after) - opened)
    }

    pub(crate) fn set(&mut self, key: (PluginId, InstrumentId), opened_at: Money) {
        self.opened_at.insert(key, opened_at);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ((PluginId, InstrumentId), Money)> {
        self.opened_at.iter().map(|(key, opened_at)| (*key, *opened_at))
    }
}

/// The guard that locks for this reason, where it is one.
const fn guard_of(reason: LockReason) -> Option<GuardKind> {
    match reason {
        LockReason::DailyLoss => Some(GuardKind::DailyLoss),
        LockReason::Drawdown => Some(GuardKind::Drawdown),
        LockReason::LosingStreak => Some(GuardKind::LosingStreak),
        LockReason::PnlVelocity => Some(GuardKind::PnlVelocity),
        LockReason::KillSwitch
        | LockReason::Fault
        | LockReason::Quarantine
        | LockReason::Journal => None,
    }
}

const fn reason_of(kind: GuardKind) -> LockReason {
    match kind {
        GuardKind::DailyLoss => LockReason::DailyLoss,
        GuardKind::Drawdown => LockReason::Drawdown,
        GuardKind::LosingStreak => LockReason::LosingStreak,
        GuardKind::PnlVelocity => LockReason::PnlVelocity,
    }
}

const MINUTE: u64 = 60 * 1_000_000_000;

impl<F: Flaws> Engine<F> {
    fn equity_of(&self, plugin: Option<PluginId>) -> (Money, Money) {
        match plugin {
            Some(plugin) => {
                let share = self.account.sub_account(plugin);
                (share.equity(), share.balance())
            }
            None => (self.account.equity(), self.account.balance()),
        }
    }

    /// Takes the samples of a minute or a day that has begun.
    pub(super) fn watch_time(&mut self, effects: &mut Vec<Effect>) {
        if self.now < self.risk.sample_next || self.risk.sampled.is_empty() || !self.is_marked() {
            return;
        }
        let minute = UnixNanos((self.now.0 / MINUTE).saturating_add(1).saturating_mul(MINUTE));
        let day = self.config.risk.days.next_after(self.now).unwrap_or(UnixNanos::MAX);
        self.risk.sample_next = minute.min(day);
        for index in 0..self.risk.sampled.len() {
            let plugin = self.risk.sampled[index];
            self.begin_day(plugin, effects);
            self.sample(plugin, effects);
        }
    }

    /// Whether what is held has a price. After a start it has none until the market has spoken,
    /// and an equity without it says nothing.
    fn is_marked(&mut self) -> bool {
        if !self.risk.marked {
            let mut held = self.markets.iter().zip(&self.holders);
            self.risk.marked = held.all(|(market, of)| of.is_empty() || market.mark().is_some());
        }
        self.risk.marked
    }

    /// Writes down how a scope stands. Where a guard's lock has ended, what it measures begins
    /// anew from here.
    fn sample(&mut self, plugin: Option<PluginId>, effects: &mut Vec<Effect>) {
        let (equity, balance) = self.equity_of(plugin);
        let watch = &self.risk.scope(plugin).watch;
        let new_day = watch.day() != Some(self.config.risk.days.start_of(self.now));
        let daily = new_day || watch.measures_anew(GuardKind::DailyLoss);
        let day_start = if daily { equity } else { watch.day_start() };
        let fresh = watch.measures_anew(GuardKind::Drawdown);
        let peak = if fresh { equity } else { watch.peak().max(equity) };
        let sample = EquitySample { time: self.now, equity, balance, peak, day_start };
        self.commit(Record::Equity { plugin, sample }, effects);
    }

    /// Applies a sample.
    pub(super) fn sampled(&mut self, plugin: Option<PluginId>, sample: &EquitySample) {
        let day = self.config.risk.days.start_of(sample.time);
        let held = (sample.peak, sample.day_start);
        self.risk.scope_mut(plugin).watch.sample(sample.time, day, sample.equity, held);
    }

    /// Applies a lock: a guard that set it has done its work.
    pub(super) fn guard_locked(&mut self, plugin: Option<PluginId>, lock: &Lock) {
        if let Some(kind) = guard_of(lock.reason) {
            let scope = self.risk.scope_mut(plugin);
            scope.watch.lock(kind);
            scope.breached_at = Some(lock.since);
        }
    }

    /// Applies the end of a lock.
    pub(super) fn guard_unlocked(&mut self, plugin: Option<PluginId>, reason: LockReason) {
        if let Some(kind) = guard_of(reason) {
            self.risk.scope_mut(plugin).watch.unlock(kind);
        }
    }

    /// A position has changed by a fill.
    pub(super) fn note_round_trip(&mut self, key: (PluginId, InstrumentId), before: &Position) {
        let after = *self.account.sub_account(key.0).position(key.1);
        if let Some(result) = self.risk.rounds.note(key, before, &after) {
            for scope in self.risk.both(key.0) {
                scope.watch.note_round_trip(result);
            }
        }
    }

    /// Looks at the equity of everybody who holds an instrument that has a new mark.
    pub(super) fn watch_holders(&mut self, instrument: InstrumentId, effects: &mut Vec<Effect>) {
        if self.risk.sampled.is_empty() {
            return;
        }
        let at = usize::from(instrument.0);
        let mut index = 0;
        // A breach may close orders and never a position: nobody leaves the list meanwhile.
        while let Some(plugin) = self.holders[at].get(index).copied() {
            self.watch(Some(plugin), effects);
            index += 1;
        }
        if index > 0 {
            self.watch(None, effects);
        }
    }

    /// Looks at both scopes of a plugin whose fill was booked.
    pub(super) fn watch_fill(&mut self, plugin: PluginId, effects: &mut Vec<Effect>) {
        for scope in [Some(plugin), None] {
            if let Some(breach) = self.risk.scope(scope).watch.streak() {
                self.breach(scope, breach, effects);
            }
            if !self.risk.sampled.is_empty() {
                self.watch(scope, effects);
            }
        }
    }

    fn watch(&mut self, plugin: Option<PluginId>, effects: &mut Vec<Effect>) {
        if !self.is_marked() {
            return;
        }
        let (equity, _) = self.equity_of(plugin);
        let watch = &mut self.risk.scope_mut(plugin).watch;
        let breach = watch.observe(equity);
        if let Some(breach) = breach {
            self.breach(plugin, breach, effects);
        } else if watch.has_new_peak() && self.risk.sampled.contains(&plugin) {
            self.sample(plugin, effects);
        }
    }

    /// A bound was reached: the scope is locked and its working orders end.
    fn breach(&mut self, plugin: Option<PluginId>, breach: Breach, effects: &mut Vec<Effect>) {
        let Some(policy) = self.risk.scope(plugin).watch.guards().policy(breach.kind) else {
            return;
        };
        let reason = reason_of(breach.kind);
        let (value, limit) = (breach.value, breach.limit);
        self.commit(Record::Alert(Alert::LimitBreached { plugin, reason, value, limit }), effects);
        let unlock_at = match policy.unlock {
            Unlock::Person => None,
            Unlock::NextSession => self.config.risk.days.next_after(self.now),
            Unlock::After(time) => Some(self.now.plus(time)),
        };
        self.lock(plugin, reason, policy.state, unlock_at, effects);
        self.step_down(plugin, effects);
        match plugin {
            Some(plugin) => self.cancel_own(plugin, effects),
            None => {
                for plugin in self.plugin_ids() {
                    self.cancel_own(plugin, effects);
                }
            }
        }
        match plugin {
            _ if !policy.flatten => {}
            Some(plugin) => self.flatten(plugin, effects),
            None => self.flatten_all(effects),
        }
    }

    /// A lock has ended: where a guard had set it, what that guard measures begins anew.
    pub(super) fn measure_anew(
        &mut self,
        plugin: Option<PluginId>,
        reason: LockReason,
        effects: &mut Vec<Effect>,
    ) {
        if guard_of(reason).is_none_or(|kind| kind == GuardKind::LosingStreak) {
            return;
        }
        self.sample_now(plugin, effects);
    }

    /// Takes a sample of a scope, or, where what is held has no price, has one taken of everybody
    /// as soon as it has one.
    pub(super) fn sample_now(&mut self, plugin: Option<PluginId>, effects: &mut Vec<Effect>) {
        if self.is_marked() {
            self.sample(plugin, effects);
        } else {
            self.risk.sample_next = self.now;
        }
    }

    /// Records that rebuild what the guards know.
    pub(super) fn carry_guards(&self, plugin: Option<PluginId>, records: &mut Vec<Record>) {
        let scope = self.risk.scope(plugin);
        let watch = &scope.watch;
        if watch.day().is_some() {
            let (samples, peak) = watch.samples();
            let (day_start, (_, balance)) = (watch.day_start(), self.equity_of(plugin));
            records.extend(samples.map(|(time, equity)| {
                let sample = EquitySample { time, equity, balance, peak, day_start };
                Record::Equity { plugin, sample }
            }));
        }
        if watch.losses() > 0 {
            records.push(Record::CarriedStreak { plugin, losses: watch.losses() });
        }
        let state = scope.ramp;
        if state != crate::risk::RampState::default() {
            let (stage, clean_days) = (state.stage, state.clean_days);
            records.push(Record::Ramp { plugin, stage, clean_days });
        }
    }
}
