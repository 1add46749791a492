//! The one way in which lasting state changes. A live step decides, writes a [`Record`] of the
//! decision and applies it here; a restart applies the same records from the journal. What is not
//! in here is not remembered: market prices, and scratch that follows from the clock.

use alloc::vec::Vec;

use crate::{
    engine::{
        CarriedOrder, Effect, Engine, Flaws, News, Record, RecordError, locks::ScopeState,
        timers::Timer,
    },
    ids::{ClientOrderId, InstrumentId, PluginId},
    market::Side,
    num::{Money, Quantity},
    order::{Fill, Order, OrderState, Transition},
    risk::{Purpose, RampState, Trade},
    time::UnixNanos,
};

impl<F: Flaws> Engine<F> {
    /// Does what was decided and has it written down.
    pub(super) fn commit(&mut self, record: Record, effects: &mut Vec<Effect>) {
        let applied = self.apply(self.now, &record);
        assert!(applied.is_ok(), "what the engine decides, it can do: {applied:?} of {record:?}");
        effects.push(Effect::Record(record));
    }

    /// Applies one record of `at`. A record that does not fit changes nothing.
    pub(super) fn apply(&mut self, at: UnixNanos, record: &Record) -> Result<(), RecordError> {
        match record {
            Record::Submitted { order, purpose, replaces } => {
                self.take_in(order, *replaces);
                self.orders.open(order.clone(), *purpose, OrderState::Submitted, at);
                self.follow_replaced(order.id, *replaces);
                self.note_deadline(order.id);
                self.note_order(order, *purpose, replaces.is_none(), at);
            }
            Record::Held { order, purpose, replaces } => {
                self.take_in(order, *replaces);
                self.orders.open(order.clone(), *purpose, OrderState::Emulated, at);
                self.held.insert(order, None);
                self.follow_replaced(order.id, *replaces);
                self.note_order(order, *purpose, replaces.is_none(), at);
            }
            Record::Paired { stop, profit } => self.orders.pair(*stop, *profit),
            Record::Released { order, kind, quantity } => {
                self.held.remove(*order);
                let tracked = self.orders.get_any_mut(*order);
                let tracked = tracked.ok_or(RecordError::UnknownOrder(*order))?;
                tracked.order.kind = *kind;
                tracked.order.quantity = *quantity;
                tracked.asked_at = at;
                self.move_order(*order, Transition::Submit, OrderState::Submitted)?;
                self.orders.release(*order);
                self.note_deadline(*order);
                self.note_resting(*order);
            }
            Record::Moved { order, by, to, news, .. } => self.moved(at, *order, *by, *to, news)?,
            Record::Filled { order, fill, time, .. } => self.fill(*time, order, fill)?,
            Record::Replacing { order, quantity, kind } => {
                self.replacing.insert(*order, (*quantity, *kind));
            }
            Record::ReplacementEnded(order) => {
                self.replacing.remove(order);
                self.orders.ask_quantity(*order, None);
                if !self.orders.is_open(*order) {
                    self.end_bracket_order(*order);
                }
                self.end_pair(*order);
            }
            Record::Planned { entry, plan } => {
                self.orders.plan_exits(entry.plugin, plan.instrument, plan.side, true);
                self.brackets.plan(*entry, *plan);
            }
            Record::ExitsPlaced { entry, exits } => {
                let Self { brackets, orders, replacing, .. } = self;
                let goes_on = |id| orders.is_open(id) || replacing.contains_key(&id);
                brackets.placed(*entry, *exits, goes_on);
            }
            Record::Trailed { order, best } => self.held.set_best(*order, *best),
            Record::Liquidated { plugin, instrument, side, fill, time } => {
                self.book(*time, *plugin, *instrument, *side, fill)?;
            }
            Record::PluginAdded { plugin, .. } => self.plugin_added(*plugin)?,
            Record::Carried(carried) => self.carry_order(carried),
            _ => self.apply_scope(record),
        }
        Ok(())
    }

    /// Records that are not about one order.
    fn apply_scope(&mut self, record: &Record) {
        match record {
            Record::TimerSet { plugin, id, at, every } => {
                self.timers.set(Timer { plugin: *plugin, id: *id, at: *at, every: *every });
            }
            Record::TimerEnded { plugin, id } => self.timers.end(*plugin, *id),
            Record::StateSet { plugin, state } => self.scope_state_mut(*plugin).set(*state),
            Record::Locked { plugin, lock } => {
                self.scope_state_mut(*plugin).lock(*lock);
                self.lock_end = self.find_lock_end();
                self.guard_locked(*plugin, lock);
            }
            Record::Unlocked { plugin, reason } => {
                self.scope_state_mut(*plugin).unlock(*reason);
                self.lock_end = self.find_lock_end();
                self.guard_unlocked(*plugin, *reason);
            }
            Record::Equity { plugin, sample } => self.sampled(*plugin, sample),
            Record::Ramp { plugin, stage, clean_days } => {
                self.ramped(*plugin, RampState { stage: *stage, clean_days: *clean_days });
            }
            Record::CarriedStreak { plugin, losses } => {
                self.risk.scope_mut(*plugin).watch.set_losses(*losses);
            }
            Record::CarriedRound { plugin, instrument, opened_at } => {
                self.risk.rounds.set((*plugin, *instrument), *opened_at);
            }
            Record::Flattening { plugin, wanted } => {
                if *wanted {
                    self.flattening.insert(*plugin);
                } else {
                    self.flattening.remove(plugin);
                }
            }
            Record::Funded { plugin, instrument, amount } => {
                self.account.fund(*plugin, *instrument, *amount);
            }
            Record::External { instrument, position, buying, selling } => {
                self.note_external(*instrument, [*position, *buying, *selling]);
            }
            Record::Reconciled { at, .. } => self.reconciled_at = Some(*at),
            Record::InstrumentHalted(instrument) => self.halted[usize::from(instrument.0)] = true,
            Record::InstrumentResumed(instrument) => self.halted[usize::from(instrument.0)] = false,
            Record::CarriedPosition { plugin, instrument, .. } => {
                self.carry_position(*plugin, *instrument, record);
            }
            Record::CarriedSequence(sequence) => {
                self.sequence = self.sequence.max(*sequence);
                self.recent_fills.forget(self.now);
            }
            // For readers alone, or applied above.
            _ => {}
        }
    }

    fn take_in(&mut self, order: &Order, replaces: Option<ClientOrderId>) {
        self.sequence = self.sequence.max(order.id.sequence);
        if let Some(old) = replaces {
            self.replacing.remove(&old);
        }
    }

    fn follow_replaced(&mut self, new: ClientOrderId, replaces: Option<ClientOrderId>) {
        let Some(old) = replaces else {
            return;
        };
        let before = self.orders.get_any(old).map(|old| old.filled + old.filled_before);
        if let (Some(before), Some(tracked)) = (before, self.orders.get_any_mut(new)) {
            tracked.filled_before = before;
        }
        self.brackets.replaced(old, new);
        self.end_pair(old);
    }

    fn move_order(
        &mut self,
        id: ClientOrderId,
        by: Transition,
        expected: OrderState,
    ) -> Result<(), RecordError> {
        let was_open = self.orders.is_open(id);
        let moved = self.orders.transition(id, by).ok_or(RecordError::UnknownOrder(id))?;
        let to = moved.map_err(|source| RecordError::Illegal { order: id, source })?;
        if to != expected {
            return Err(RecordError::Diverged { order: id, expected, found: to });
        }
        if was_open && to.is_closed() {
            self.held.remove(id);
            self.deadlines.remove(id);
            self.end_pair(id);
            if !self.replacing.contains_key(&id) {
                self.end_bracket_order(id);
            }
        }
        Ok(())
    }

    fn moved(
        &mut self,
        at: UnixNanos,
        id: ClientOrderId,
        by: Transition,
        to: OrderState,
        news: &News,
    ) -> Result<(), RecordError> {
        self.note_request(id, by, at);
        let tracked = self.orders.get_any_mut(id).ok_or(RecordError::UnknownOrder(id))?;
        let total = tracked.order.quantity;
        match by {
            Transition::AskUpdate | Transition::Lose => tracked.asked_at = at,
            Transition::AskCancel => {
                tracked.asked_at = at;
                tracked.cancel_wanted = true;
            }
            _ => {}
        }
        match news {
            News::Nothing | News::Reason(_) | News::Asked { .. } => {}
            // A plugin may ask again. What the host wanted to end still has to.
            News::CancelRefused(_) => tracked.cancel_wanted &= tracked.purpose.is_host(),
            News::VenueId(venue_id) => tracked.venue_id = Some(*venue_id),
            News::Became { quantity, kind } => {
                tracked.order.quantity = *quantity;
                tracked.order.kind = *kind;
                if self.held.contains(id) {
                    self.held.insert(&tracked.order, None);
                }
            }
        }
        self.move_order(id, by, to)?;
        if by == Transition::Trigger {
            self.held.latch(id);
        }
        match (by, news) {
            (Transition::AskUpdate, News::Asked { quantity, .. })
                if !self.held.contains(id) && !F::TRUSTS_PENDING_CHANGES =>
            {
                self.orders.ask_quantity(id, Some(quantity.unwrap_or(total)));
            }
            (Transition::Update, _) | (Transition::ChangeRejected, News::Reason(_)) => {
                self.orders.ask_quantity(id, None);
            }
            (Transition::Lose, _) if F::FORGETS_UNKNOWN_EXPOSURE => {
                self.orders.reserve(id, Quantity::ZERO);
            }
            _ => self.orders.refresh(id),
        }
        self.follow_resting(id, by, news);
        Ok(())
    }

    fn fill(&mut self, time: UnixNanos, order: &Order, fill: &Fill) -> Result<(), RecordError> {
        let id = order.id;
        self.book(time, order.plugin(), order.instrument, order.side, fill)?;
        let tracked = self.orders.get_any_mut(id).ok_or(RecordError::UnknownOrder(id))?;
        if !F::COUNTS_DUPLICATE_FILLS {
            tracked.note_trade(fill.trade_id);
        }
        tracked.filled += fill.quantity;
        let left = self.orders.get_any(id).map_or(Quantity::ZERO, |tracked| self.left_of(tracked));
        let by = if left > Quantity::ZERO { Transition::FillPart } else { Transition::FillAll };
        self.orders.refresh(id);
        // A fill that the order's life does not allow is booked all the same: it happened.
        if let Some(expected) = self.state_after(id, by) {
            self.move_order(id, by, expected)?;
        }
        self.note_resting(id);
        self.note_fill(id, time);
        Ok(())
    }

    /// Books an execution into account and exposure, and values the position anew: at the mark, or
    /// at the execution's price while none is known.
    fn book(
        &mut self,
        time: UnixNanos,
        plugin: PluginId,
        instrument: InstrumentId,
        side: Side,
        fill: &Fill,
    ) -> Result<(), RecordError> {
        let quantity = side.signed(fill.quantity);
        let rules = self.instrument(instrument);
        let notional = rules.notional(fill.price, quantity).ok_or(RecordError::Overflow)?;
        let before = *self.account.sub_account(plugin).position(instrument);
        self.account.fill(plugin, instrument, quantity, notional, fill.fee);
        self.note_round_trip((plugin, instrument), &before);
        if let Some(pattern) = &mut self.risk.pattern {
            let (price, quantity) = (fill.price, fill.quantity);
            self.risk.seen =
                pattern.note(Trade { time, plugin, instrument, side, price, quantity });
        }
        self.orders.move_position(plugin, instrument, quantity);
        self.recent_fills.note(time, instrument, fill.trade_id, quantity);
        let held = self.account.sub_account(plugin).position(instrument).quantity;
        assert_eq!(
            held,
            self.orders.plugin_exposure(plugin, instrument).position,
            "risk and account see one position"
        );
        self.note_holder(plugin, instrument, held);
        let price = self.market_state(instrument).mark().unwrap_or(fill.price);
        let value = self.instrument(instrument).notional(price, held);
        self.account.mark(plugin, instrument, value.unwrap_or(Money::ZERO));
        Ok(())
    }

    fn note_holder(&mut self, plugin: PluginId, instrument: InstrumentId, held: Quantity) {
        let holders = &mut self.holders[usize::from(instrument.0)];
        match (holders.binary_search(&plugin), held.is_zero()) {
            (Err(at), false) => {
                holders.insert(at, plugin);
                self.risk.marked = false;
            }
            (Ok(at), true) => {
                holders.remove(at);
            }
            _ => {}
        }
    }

    /// What the end of an order means for the bracket that it was part of.
    fn end_bracket_order(&mut self, id: ClientOrderId) {
        let Self { brackets, orders, .. } = self;
        let ended =
            [brackets.entry_closed(id), brackets.exit_closed(id, |entry| orders.is_open(entry))];
        for plan in ended.into_iter().flatten() {
            orders.plan_exits(id.plugin, plan.instrument, plan.side, false);
        }
    }

    fn note_external(&mut self, instrument: InstrumentId, now: [Quantity; 3]) {
        let before = core::mem::replace(&mut self.external[usize::from(instrument.0)], now);
        self.orders.expose_account(instrument, |exposure| {
            exposure.position += now[0] - before[0];
            exposure.buying += now[1] - before[1];
            exposure.selling += now[2] - before[2];
        });
    }

    fn carry_order(&mut self, carried: &CarriedOrder) {
        self.sequence = self.sequence.max(carried.order.id.sequence);
        if carried.held {
            self.held.insert(&carried.order, None);
        }
        if carried.held && carried.state == OrderState::Triggered {
            self.held.latch(carried.order.id);
        }
        self.orders.carry(carried.clone());
        self.note_deadline(carried.order.id);
        self.note_resting(carried.order.id);
        if carried.purpose == Purpose::Protective && !carried.state.is_closed() {
            self.risk.protection.opened(&carried.order, carried.asked_at);
        }
    }

    fn carry_position(&mut self, plugin: PluginId, instrument: InstrumentId, record: &Record) {
        let Record::CarriedPosition { quantity, cost, realized, fees, funding, .. } = record else {
            return;
        };
        self.account.carry(plugin, instrument, (*quantity, *cost), [*realized, *fees, *funding]);
        self.orders.move_position(plugin, instrument, *quantity);
        self.note_holder(plugin, instrument, *quantity);
    }

    pub(super) fn plugin_ids(&self) -> impl Iterator<Item = PluginId> + use<F> {
        let count = u16::try_from(self.plugin_states.len()).unwrap_or(u16::MAX);
        (0..count).map(PluginId)
    }

    /// The state of all scopes as records.
    pub(super) fn carry_scope(
        plugin: Option<PluginId>,
        scope: &ScopeState,
        records: &mut Vec<Record>,
    ) {
        records.push(Record::StateSet { plugin, state: scope.set_by_operator() });
        records.extend(scope.locks().map(|lock| Record::Locked { plugin, lock: *lock }));
    }
}
