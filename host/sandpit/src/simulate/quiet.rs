//! The end of a world: the faults are over, the plugins are silent, and in bounded time everything
//! must come to rest. Then the operator closes everything, and that must come to rest, too.

use sandpit_core::{
    engine::{Command, Event, Flaws},
    num::Quantity,
    order::OrderState,
    time::{Nanos, UnixNanos},
};

use super::{
    scenario::Faults,
    truth::STRANGER,
    violation::{Held, Invariant, broke},
    world::World,
};

/// How long the reports of what the market does at the end may take.
const LAST_REPORT: Nanos = Nanos::from_millis(5_000);

impl<F: Flaws> World<F> {
    /// Lets the world come to rest and looks at what it has come to.
    pub(super) fn settle(&mut self) -> Held {
        self.note(|| "the faults are over".into());
        self.faults = Faults::default();
        self.quiet = true;
        self.venue.set_up(true);
        self.venue.end_lag();
        if !self.link.is_up() {
            self.join()?;
        }
        self.start()?;
        self.venue.end_strangers(self.now);
        self.come_to_rest(Self::check_cancels)?;
        self.tell(Event::Command(Command::Kill { flatten: true }))?;
        self.come_to_rest(Self::check_flat)?;
        self.check_all()?;
        self.check_journal()
    }

    /// Gives the world the time that it may take. The market goes on, so at any moment a report may
    /// be under way: at some moment soon after, none is.
    fn come_to_rest(&mut self, also: fn(&Self) -> Held) -> Held {
        self.run_until(self.settled_at())?;
        let last = self.now.plus(LAST_REPORT);
        loop {
            let rest = self
                .check_settled()
                .and_then(|()| self.check_agreement())
                .and_then(|()| also(self));
            if rest.is_ok() || self.now > last {
                return rest;
            }
            self.step()?;
        }
    }

    fn run_until(&mut self, until: UnixNanos) -> Held {
        while self.now < until {
            self.step()?;
        }
        Ok(())
    }

    /// Nothing is in doubt or half done.
    fn check_settled(&self) -> Held {
        let engine = self.host.engine();
        if !engine.is_reconciled() {
            return Err(broke(Invariant::Settles, "the books were never compared"));
        }
        if engine.orders_in_doubt() > 0 {
            let detail = format!("{} orders are in doubt", engine.orders_in_doubt());
            return Err(broke(Invariant::Settles, detail));
        }
        let hangs = |state| {
            matches!(
                state,
                OrderState::Submitted
                    | OrderState::PendingUpdate
                    | OrderState::PendingCancel
                    | OrderState::Unknown
            )
        };
        match engine.orders().find(|(_, state, _)| hangs(*state)) {
            Some((order, state, _)) => {
                Err(broke(Invariant::Settles, format!("{} is {state} for ever", order.id)))
            }
            None => Ok(()),
        }
    }

    /// The host's books are the venue's.
    fn check_agreement(&self) -> Held {
        let truth = self.venue.truth();
        for instrument in self.instrument_ids() {
            for plugin in self.plugin_ids() {
                let (ours, theirs) =
                    (self.ledger.holding(plugin, instrument), truth.holding(plugin, instrument));
                if ours != theirs {
                    let detail = format!(
                        "plugin {}, instrument {}: {ours:?}, the venue has {theirs:?}",
                        plugin.0, instrument.0
                    );
                    return Err(broke(Invariant::BooksAgree, detail));
                }
            }
            let (ours, theirs) = (
                self.host.engine().external_position(instrument),
                truth.holding(STRANGER, instrument).quantity,
            );
            if ours != theirs {
                let detail = format!(
                    "instrument {}: {} of others, the venue has {}",
                    instrument.0, ours.0, theirs.0
                );
                return Err(broke(Invariant::BooksAgree, detail));
            }
        }
        let at_venue = truth.open_of_ours().map(|known| known.order.id);
        let with_us = self.ledger.open().filter(|line| !line.held);
        if !at_venue.eq(with_us.map(|line| line.order.id)) {
            let books: Vec<_> = self.instrument_ids().map(|id| self.both_books(id)).collect();
            let detail = format!("open orders differ: {}", books.join("; "));
            return Err(broke(Invariant::BooksAgree, detail));
        }
        for known in truth.open_of_ours() {
            let ours = self.ledger.get(known.order.id);
            let form = ours.map(|line| (line.order.quantity, line.order.kind, line.filled));
            if form != Some((known.order.quantity, known.order.kind, known.filled)) {
                let detail = format!("{}: {form:?}, the venue has {known:?}", known.order.id);
                return Err(broke(Invariant::BooksAgree, detail));
            }
        }
        Ok(())
    }

    /// What was to end has ended.
    fn check_cancels(&self) -> Held {
        let killed = self.operator.is_killed();
        for line in self.ledger.open() {
            let is_exit = line.purpose.is_host();
            let stopped = killed || self.operator.is_quarantined(line.order.plugin());
            if line.cancel_wanted || (stopped && !is_exit) {
                let detail = format!("{} was to be canceled and is {}", line.order.id, line.state);
                return Err(broke(Invariant::CancelsHappen, detail));
            }
        }
        Ok(())
    }

    /// Nothing works and nothing is held.
    fn check_flat(&self) -> Held {
        if let Some(line) = self.ledger.open().next() {
            let detail = format!("{} outlived the kill switch", line.order.id);
            return Err(broke(Invariant::CancelsHappen, detail));
        }
        for plugin in self.plugin_ids() {
            for instrument in self.instrument_ids() {
                let held = self.venue.truth().holding(plugin, instrument).quantity;
                if held != Quantity::ZERO {
                    let detail =
                        format!("plugin {} still has {} of {}", plugin.0, held.0, instrument.0);
                    return Err(broke(Invariant::FlattenFlattens, detail));
                }
            }
        }
        Ok(())
    }
}
