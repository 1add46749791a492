//! What is compared while a world runs: the engine with the reader of its journal, the host with
//! the truth, and the journal with itself.

use std::fmt::Write as _;

use sandpit_core::{
    engine::{Engine, Flaws, LockReason, Record},
    ids::{ClientOrderId, InstrumentId, PluginId},
    num::Quantity,
    order::{Order, OrderState},
    risk::Scope,
};

use super::{
    operator::plugin_id,
    violation::{Broke, Held, Invariant, broke},
    world::World,
    worst::{self, Worst},
};

impl<F: Flaws> World<F> {
    pub(super) fn plugin_ids(&self) -> impl Iterator<Item = PluginId> + use<F> {
        (0..self.config.plugins.len()).map(plugin_id)
    }

    pub(super) fn instrument_ids(&self) -> impl Iterator<Item = InstrumentId> + use<F> {
        (0u16..).take(self.config.instruments.len()).map(InstrumentId)
    }

    /// What the operator decided holds.
    pub(super) fn check_states(&self) -> Held {
        for plugin in self.plugin_ids() {
            let (found, most) =
                (self.host.engine().trading_state(plugin), self.operator.allows(plugin));
            if found < most {
                let detail = format!("plugin {} is {found:?}, it was to be {most:?}", plugin.0);
                return Err(broke(Invariant::StateHolds, detail));
            }
            let (faulted, quarantined) =
                (self.operator.is_faulted(plugin), self.operator.is_quarantined(plugin));
            for (reason, is) in
                [(LockReason::Fault, faulted), (LockReason::Quarantine, quarantined)]
            {
                let has = self.host.engine().locks(Some(plugin)).any(|l| l.reason == reason);
                if has != is {
                    let detail = format!("plugin {}: lock {}: {has}", plugin.0, reason.name());
                    return Err(broke(Invariant::StateHolds, detail));
                }
            }
        }
        Ok(())
    }

    /// The engine's positions and cash are what was booked, to the last digit.
    pub(super) fn check_books(&self) -> Held {
        for plugin in self.plugin_ids() {
            for instrument in self.instrument_ids() {
                let booked = self.ledger.holding(plugin, instrument);
                let share = self.host.engine().account().sub_account(plugin);
                let position = share.position(instrument);
                if position.quantity != booked.quantity {
                    let detail = format!(
                        "plugin {}, instrument {}: {} of {} booked",
                        plugin.0, instrument.0, position.quantity.0, booked.quantity.0
                    );
                    return Err(broke(Invariant::Positions, detail));
                }
                let cash = (position.realized - position.cost, position.fees);
                if cash != (-booked.paid, booked.fees) {
                    let detail = format!(
                        "plugin {}, instrument {}: cash {} and fees {}, booked {} and {}",
                        plugin.0, instrument.0, cash.0, cash.1, -booked.paid, booked.fees
                    );
                    return Err(broke(Invariant::Cash, detail));
                }
            }
        }
        Ok(())
    }

    fn worst(&self) -> Worst {
        Worst::of(
            self.venue.truth(),
            &self.under_way,
            self.config.plugins.len(),
            self.config.instruments.len(),
            self.config.venue.reduce_only,
        )
    }

    fn untold(&self, plugin: PluginId, instrument: InstrumentId) -> Quantity {
        self.ledger.untold(self.venue.truth(), plugin, instrument)
    }

    /// An order or a change has just been sent: no limit is exceeded on its side even so. What
    /// was exceeded before by executions that nobody had told the host of stays as it is.
    pub(super) fn check_sent(
        &self,
        plugin: PluginId,
        instrument: InstrumentId,
        id: ClientOrderId,
    ) -> Held {
        self.check_limits(plugin, instrument, id).map_err(|broke| Broke {
            detail: format!("{id} was sent: {}; {}", broke.detail, self.both_books(instrument)),
            ..broke
        })
    }

    /// What the host and the venue have of an instrument, for people.
    pub(super) fn both_books(&self, instrument: InstrumentId) -> String {
        let mut text = String::from("journal:");
        for plugin in self.plugin_ids() {
            let held = self.ledger.holding(plugin, instrument).quantity.0;
            let _ = write!(text, " plugin {} holds {held},", plugin.0);
        }
        let one = |order: &Order, filled: Quantity| {
            let (side, reduces) = (order.side, if order.reduce_only { " reduce-only" } else { "" });
            format!(" {} {side:?} {} filled {}{reduces}", order.id, order.quantity.0, filled.0)
        };
        for line in self.ledger.open().filter(|line| line.order.instrument == instrument) {
            let _ = write!(text, "{} {},", one(&line.order, line.filled), line.state);
        }
        text.push_str(" venue:");
        for plugin in self.plugin_ids() {
            let held = self.venue.truth().holding(plugin, instrument).quantity.0;
            let _ = write!(text, " plugin {} holds {held},", plugin.0);
        }
        let open = self.venue.truth().open().filter(|k| k.order.instrument == instrument);
        for known in open {
            let _ = write!(text, "{},", one(&known.order, known.filled));
        }
        let _ = write!(text, " under way: {:?}", self.under_way.values().collect::<Vec<_>>());
        text
    }

    fn check_limits(&self, plugin: PluginId, instrument: InstrumentId, id: ClientOrderId) -> Held {
        // What the host sends on its own account shrinks a position and never waits for room.
        let Some(line) = self.ledger.get(id).filter(|line| !line.purpose.is_host()) else {
            return Ok(());
        };
        let side = line.order.side;
        let worst = self.worst();
        let limits = &self.config.plugins[usize::from(plugin.0)].limits;
        let untold = self.untold(plugin, instrument);
        let could = worst.get(plugin, instrument);
        worst::within(Scope::Plugin, limits, instrument, (side, could.reach(side)), untold)?;
        // What others do on the account is not ours to bound.
        if !self.has_strangers {
            let untold = self.plugin_ids().map(|plugin| self.untold(plugin, instrument).0).sum();
            let (limits, reach) = (&self.config.account_limits, worst.of_account(instrument, side));
            worst::within(Scope::Account, limits, instrument, (side, reach), Quantity(untold))?;
        }
        // What only shrinks a position, or an order, passes limits of value: the market may have
        // moved the rest of it beyond them.
        let is_new = line.state == OrderState::Submitted;
        let grows = is_new && could.reducible(side) < 0;
        let all_told = self.instrument_ids().all(|of| self.untold(plugin, of).is_zero());
        if !grows || !all_told {
            return Ok(());
        }
        let (rules, marks) = (&self.config.instruments, self.marks());
        worst::worth(&worst, limits, plugin, (instrument, side), rules, &marks)
    }

    /// Everything that takes a look at everything.
    pub(super) fn check_all(&self) -> Held {
        if !self.host.is_up() || self.host.is_crippled() {
            return Ok(());
        }
        self.check_books()?;
        self.check_states()?;
        let engine: Vec<_> = self.host.engine().orders().map(|(order, ..)| order.id).collect();
        if !engine.iter().eq(self.ledger.open_ids()) {
            let detail = format!(
                "the engine has {} orders open, the journal {}",
                engine.len(),
                self.ledger.open_ids().len()
            );
            return Err(broke(Invariant::ReplayEqualsLive, detail));
        }
        Ok(())
    }

    /// The chain is whole, and leads to where the engine is.
    pub(super) fn check_journal(&self) -> Held {
        if let Err(broken) = self.disk.verify() {
            return Err(broke(Invariant::JournalChain, format!("row {}", broken.row)));
        }
        if !self.host.is_up() || self.host.is_crippled() {
            return Ok(());
        }
        let (live, again) = (lasting(self.host.engine()), lasting(&self.replayed()?));
        match live.iter().zip(&again).find(|(live, again)| live != again) {
            Some((live, again)) => {
                let detail = format!("live {live:?}, replayed {again:?}");
                Err(broke(Invariant::ReplayEqualsLive, detail))
            }
            None if live.len() != again.len() => {
                let detail = format!("{} records live, {} replayed", live.len(), again.len());
                Err(broke(Invariant::ReplayEqualsLive, detail))
            }
            None => Ok(()),
        }
    }
}

/// What an engine will remember. How a scope stands and the last steps of a trailing stop follow
/// from the market, and when a repeating timer comes next from the clock: all are left out.
fn lasting<F: Flaws>(engine: &Engine<F>) -> Vec<Record> {
    let mut records = engine.carry();
    let follows =
        |record: &Record| matches!(record, Record::Equity { .. } | Record::Trailed { .. });
    records.retain(|record| !follows(record));
    for record in &mut records {
        if let Record::TimerSet { at, every: Some(every), .. } = record {
            at.0 %= every.0.max(1);
        }
    }
    records
}
