//! A start is a recovery: the journal's records are applied, what was under way when the host
//! ended is in doubt, and the venue is asked before any plugin is called.

use alloc::vec::Vec;

use crate::{
    engine::{Effect, Engine, Flaws, News, Origin, Reconcile, Record},
    ids::{ClientOrderId, InstrumentId, PluginId},
    order::{IllegalTransition, OrderState, Transition},
    time::{Nanos, UnixNanos},
};

/// How the engine finds out what it does not know. Without one (backtests: the venue answers
/// always and at once) it never asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryConfig {
    /// The longest time that a request may be under way, or the venue may not know of what it has
    /// accepted. Only after that is its word believed that it does not know an order.
    pub grace: Nanos,
    /// Pause before an order of unknown fate is asked about again; it doubles each time.
    pub query_every: Nanos,
    /// Longest such pause.
    pub query_every_max: Nanos,
    /// Between two comparisons of our books with the venue's while nothing seems wrong.
    pub reconcile_every: Nanos,
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        Self {
            grace: Nanos::from_millis(10_000),
            query_every: Nanos::from_millis(500),
            query_every_max: Nanos::from_millis(30_000),
            reconcile_every: Nanos::from_millis(60_000),
        }
    }
}

/// A record that does not fit what was before it. The journal is of another configuration, or of
/// another version; nothing is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// An order that no record before it opened.
    #[error("order {0} was never opened")]
    UnknownOrder(ClientOrderId),
    /// A plugin that this run does not have.
    #[error("plugin {} is not in this run", .0.0)]
    UnknownPlugin(PluginId),
    /// A plugin that came while the host ran, and that has not the next number.
    #[error("plugin {} was added, and is not the next one", .0.0)]
    NotTheNext(PluginId),
    /// An instrument that this run does not have.
    #[error("instrument {} is not in this run", .0.0)]
    UnknownInstrument(InstrumentId),
    /// A move that the table does not have.
    #[error("order {order}")]
    Illegal {
        /// Which.
        order: ClientOrderId,
        /// The pair.
        #[source]
        source: IllegalTransition,
    },
    /// A move that ends elsewhere than it did.
    #[error("order {order} becomes {found}, where it became {expected}")]
    Diverged {
        /// Which.
        order: ClientOrderId,
        /// Where it ended.
        expected: OrderState,
        /// Where it ends now.
        found: OrderState,
    },
    /// A number that leaves its bounds.
    #[error("a number exceeds what the host can hold")]
    Overflow,
}

impl<F: Flaws> Engine<F> {
    /// Applies a record of an earlier life, written at `at`.
    ///
    /// # Errors
    /// The record does not fit; the engine is then of no further use.
    pub fn replay(&mut self, at: UnixNanos, record: &Record) -> Result<(), RecordError> {
        self.check_names(record)?;
        self.now = self.now.max(at);
        match record {
            Record::Locked { .. } if F::FORGETS_LOCKS => return Ok(()),
            _ => self.apply(at, record)?,
        }
        if F::FORGETS_SEQUENCE {
            self.sequence = 0;
        }
        Ok(())
    }

    fn check_names(&self, record: &Record) -> Result<(), RecordError> {
        let plugins = self.config.plugins.len();
        let adds = matches!(record, Record::PluginAdded { .. });
        let unknown = |id: &PluginId| usize::from(id.0) >= plugins && !adds;
        if let Some(plugin) = record.plugin().filter(unknown) {
            return Err(RecordError::UnknownPlugin(plugin));
        }
        let instruments = self.config.instruments.len();
        let unknown = |id: &InstrumentId| usize::from(id.0) >= instruments;
        record
            .instrument()
            .filter(unknown)
            .map_or(Ok(()), |id| Err(RecordError::UnknownInstrument(id)))
    }

    /// Begins a new life after the last record of the one before: orders whose fate the journal
    /// does not tell are in doubt, and the venue is asked for its books.
    pub fn resume(&mut self, now: UnixNanos, effects: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        self.reconciled = self.config.recovery.is_none();
        if self.reconciled {
            return self.guard_all(effects);
        }
        let in_flight = |state| {
            matches!(
                state,
                OrderState::Submitted | OrderState::PendingUpdate | OrderState::PendingCancel
            )
        };
        let open: Vec<_> = self.orders.iter().map(|t| (t.order.id, t.state)).collect();
        for (id, state) in open {
            if in_flight(state) {
                let (by, to) = (Transition::Lose, OrderState::Unknown);
                let (news, origin) = (News::Nothing, Origin::Host);
                self.commit(Record::Moved { order: id, by, to, news, origin }, effects);
            }
            if in_flight(state) || state == OrderState::Unknown {
                self.doubt(id, effects);
            }
        }
        self.flatten_next = (!self.flattening.is_empty()).then_some(self.now);
        self.ask_reconcile(effects);
    }

    /// Whether our books have been compared with the venue's since the start. No plugin is to be
    /// called before.
    #[must_use]
    pub const fn is_reconciled(&self) -> bool {
        self.reconciled
    }

    /// When our books and the venue's were compared last.
    #[must_use]
    pub const fn reconciled_at(&self) -> Option<UnixNanos> {
        self.reconciled_at
    }

    pub(super) fn ask_reconcile(&mut self, effects: &mut Vec<Effect>) {
        let Some(recovery) = self.config.recovery else {
            return;
        };
        let since = self.reconciled_at.unwrap_or(self.now);
        let since = UnixNanos(since.0.saturating_sub(recovery.grace.0.saturating_mul(2)));
        self.reconcile_next = Some(self.now.plus(if self.reconciled {
            recovery.reconcile_every
        } else {
            recovery.query_every
        }));
        effects.push(Effect::Reconcile(Reconcile { since }));
    }

    /// Records that rebuild the present state in an engine that has nothing: with what a journal
    /// begins that follows on another.
    #[must_use]
    pub fn carry(&self) -> Vec<Record> {
        let mut records = alloc::vec![Record::CarriedSequence(self.sequence)];
        for plugin in self.plugin_ids() {
            Self::carry_scope(Some(plugin), self.scope_state(Some(plugin)), &mut records);
            self.carry_positions(plugin, &mut records);
            self.carry_guards(Some(plugin), &mut records);
        }
        Self::carry_scope(None, &self.account_state, &mut records);
        self.carry_guards(None, &mut records);
        records.extend(self.risk.rounds.iter().map(|((plugin, instrument), opened_at)| {
            Record::CarriedRound { plugin, instrument, opened_at }
        }));
        let orders = self.orders.iter_closed().chain(self.orders.iter());
        records.extend(
            orders.map(|tracked| {
                Record::Carried(tracked.carried(self.held.contains(tracked.order.id)))
            }),
        );
        for (order, (quantity, kind)) in &self.replacing {
            records.push(Record::Replacing { order: *order, quantity: *quantity, kind: *kind });
        }
        let pairs = self.orders.pairs();
        records.extend(pairs.map(|(stop, profit)| Record::Paired { stop, profit }));
        for (entry, plan, exits) in self.brackets.iter() {
            records.push(Record::Planned { entry, plan });
            records.extend(exits.map(|exits| Record::ExitsPlaced { entry, exits }));
        }
        records.extend(self.held.bests().map(|(order, best)| Record::Trailed { order, best }));
        records.extend(self.timers.iter().map(|timer| Record::TimerSet {
            plugin: timer.plugin,
            id: timer.id,
            at: timer.at,
            every: timer.every,
        }));
        for (index, external) in (0u16..).zip(&self.external) {
            let [position, buying, selling] = *external;
            if *external != [crate::num::Quantity::ZERO; 3] {
                let instrument = InstrumentId(index);
                records.push(Record::External { instrument, position, buying, selling });
            }
        }
        let halted = (0u16..).zip(&self.halted).filter(|(_, halted)| **halted);
        records.extend(halted.map(|(index, _)| Record::InstrumentHalted(InstrumentId(index))));
        let flattening = self.flattening.iter();
        records.extend(flattening.map(|p| Record::Flattening { plugin: *p, wanted: true }));
        records.extend(self.reconciled_at.map(|at| Record::Reconciled { at, mended: 0 }));
        records
    }

    fn carry_positions(&self, plugin: PluginId, records: &mut Vec<Record>) {
        let positions = self.account.sub_account(plugin).positions();
        for (index, position) in (0u16..).zip(positions) {
            let clean = crate::account::Position { value: crate::num::Money::ZERO, ..*position };
            if clean != crate::account::Position::default() {
                records.push(Record::CarriedPosition {
                    plugin,
                    instrument: InstrumentId(index),
                    quantity: position.quantity,
                    cost: position.cost,
                    realized: position.realized,
                    fees: position.fees,
                    funding: position.funding,
                });
            }
        }
    }
}
