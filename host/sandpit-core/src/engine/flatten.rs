//! Closing a plugin's positions for the operator or a guard. Its working orders end first; what is
//! left is closed by orders that can only shrink the position, never by more than nothing else is
//! about to.

use alloc::vec::Vec;

use crate::{
    engine::{Alert, Effect, Engine, Flaws, Record},
    ids::{InstrumentId, OrderTag, PluginId},
    intent::TimeInForce,
    market::Side,
    num::Quantity,
    order::{Order, OrderKind},
    risk::Purpose,
    time::{Nanos, UnixNanos},
};

/// Pause before a closing order that came to nothing is followed by another.
const FLATTEN_PAUSE: Nanos = Nanos::from_millis(1_000);

impl<F: Flaws> Engine<F> {
    /// Begins to close all positions of a plugin.
    pub(super) fn flatten(&mut self, plugin: PluginId, effects: &mut Vec<Effect>) {
        if !self.flattening.contains(&plugin) {
            self.commit(Record::Flattening { plugin, wanted: true }, effects);
        }
        let own: Vec<_> = self
            .orders
            .iter()
            .filter(|tracked| tracked.order.plugin() == plugin)
            .filter(|tracked| !matches!(tracked.purpose, Purpose::Flatten | Purpose::Protective))
            .map(|tracked| tracked.order.id)
            .collect();
        self.cancel_each(&own, effects);
        self.go_on_flattening(plugin, effects);
    }

    /// Goes on with all plugins that are being flattened, when it is time.
    pub(super) fn flatten_again(&mut self, effects: &mut Vec<Effect>) {
        if !self.reconciled || self.flatten_next.is_none_or(|at| at > self.now) {
            return;
        }
        self.flatten_next = None;
        let plugins: Vec<_> = self.flattening.iter().copied().collect();
        for plugin in plugins {
            self.go_on_flattening(plugin, effects);
        }
    }

    /// Sends what is missing to close a plugin's positions; ends when they are closed.
    pub(super) fn go_on_flattening(&mut self, plugin: PluginId, effects: &mut Vec<Effect>) {
        if !self.flattening.contains(&plugin) {
            return;
        }
        let mut done = true;
        for index in 0..self.halted.len() {
            let Ok(index) = u16::try_from(index) else { continue };
            let instrument = InstrumentId(index);
            let position = self.orders.plugin_exposure(plugin, instrument).position;
            if position.is_zero() {
                continue;
            }
            done = false;
            self.close_position(plugin, instrument, position, effects);
        }
        if done {
            self.commit(Record::Flattening { plugin, wanted: false }, effects);
        } else {
            let next = self.now.plus(FLATTEN_PAUSE);
            self.flatten_next = Some(self.flatten_next.map_or(next, |at: UnixNanos| at.min(next)));
        }
    }

    fn close_position(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        position: Quantity,
        effects: &mut Vec<Effect>,
    ) {
        let side = if position > Quantity::ZERO { Side::Sell } else { Side::Buy };
        let missing = self.orders.plugin_exposure(plugin, instrument).reducible(side);
        if missing.is_zero() {
            return;
        }
        let quantity = missing.min(self.instrument(instrument).max_quantity());
        let order = Order {
            id: self.next_id(plugin),
            tag: OrderTag(0),
            instrument,
            side,
            quantity,
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Ioc,
            post_only: false,
            reduce_only: true,
        };
        if let Err(denial) = self.send(order, Purpose::Flatten, None, effects) {
            let (instrument, tag) = (Some(instrument), None);
            self.commit(Record::Denied { plugin, instrument, tag, denial }, effects);
            self.commit(Record::Alert(Alert::CannotFlatten(plugin)), effects);
        }
    }
}
