//! What a venue says about an order: along the table, into the books, on to the plugin.

use alloc::vec::Vec;

use crate::{
    engine::{
        Alert, AmendOrder, Effect, Engine, Record,
        brackets::{ExitPlan, Exits},
    },
    ids::{ClientOrderId, PluginId},
    instrument::Instrument,
    intent::TimeInForce,
    num::{Money, Quantity},
    order::{Fill, Order, OrderKind, OrderState, Report, ReportKind, Transition},
    plugin::{OrderUpdate, OrderUpdateKind, PluginEvent},
    risk::Purpose,
};

impl Engine {
    pub(super) fn report(&mut self, report: Report, effects: &mut Vec<Effect>) {
        self.now = self.now.max(report.time);
        let id = report.order;
        let Some(tracked) = self.orders.get_any_mut(id) else {
            effects.push(Effect::Record(Record::Alert(Alert::StrangeReport(id))));
            return;
        };
        let instrument = tracked.order.instrument;
        let answers_change =
            matches!(report.kind, ReportKind::Amended { .. } | ReportKind::AmendRejected(_));
        let (transition, told) = match report.kind {
            ReportKind::Filled(fill) => return self.filled(id, fill, effects),
            ReportKind::Accepted(venue_id) => {
                tracked.venue_id = Some(venue_id);
                (Transition::Accept, OrderUpdateKind::Accepted)
            }
            ReportKind::Rejected(reason) => (Transition::Reject, OrderUpdateKind::Rejected(reason)),
            ReportKind::Triggered => (Transition::Trigger, OrderUpdateKind::Triggered),
            ReportKind::Amended { quantity, kind } => {
                tracked.order.quantity = quantity;
                tracked.order.kind = kind;
                (Transition::Update, OrderUpdateKind::Amended)
            }
            ReportKind::AmendRejected(reason) | ReportKind::CancelRejected(reason) => {
                (Transition::ChangeRejected, OrderUpdateKind::ChangeRejected(reason))
            }
            ReportKind::Canceled => (Transition::Cancel, OrderUpdateKind::Canceled),
            ReportKind::Expired => (Transition::Expire, OrderUpdateKind::Expired),
            ReportKind::Lost => {
                effects.push(Effect::Record(Record::Unknown(id)));
                (Transition::Lose, OrderUpdateKind::Unknown)
            }
        };
        let was_open = self.orders.is_open(id);
        match self.orders.transition(id, transition) {
            Some(Ok(state)) => {
                if answers_change {
                    self.orders.ask_quantity(id, None);
                }
                if was_open || transition != Transition::ChangeRejected {
                    self.tell_order(id, told, effects);
                }
                self.follow_up(id, was_open, state, effects);
            }
            Some(Err(illegal)) => {
                self.halt_instrument(
                    instrument,
                    Alert::ImpossibleReport(id, instrument, illegal),
                    effects,
                );
            }
            None => {}
        }
    }

    fn filled(&mut self, id: ClientOrderId, fill: Fill, effects: &mut Vec<Effect>) {
        let was_open = self.orders.is_open(id);
        let Some(tracked) = self.orders.get_any_mut(id) else {
            return;
        };
        let instrument = tracked.order.instrument;
        if !(Quantity(1)..=Quantity(Instrument::QUANTITY_MAX)).contains(&fill.quantity) {
            return self.halt_instrument(instrument, Alert::NumberOverflow(instrument), effects);
        }
        if !tracked.note_trade(fill.trade_id) {
            return;
        }
        let overfilled = fill.quantity > tracked.remaining();
        tracked.filled += fill.quantity;
        let order = tracked.order.clone();
        let left = tracked.remaining();
        if overfilled {
            self.halt_instrument(instrument, Alert::Overfilled(id, instrument), effects);
        }
        self.book(&order, &fill, effects);
        self.orders.refresh(id);
        effects.push(Effect::Record(Record::Filled(order, fill)));
        let transition =
            if left > Quantity::ZERO { Transition::FillPart } else { Transition::FillAll };
        let state = match self.orders.transition(id, transition) {
            Some(Ok(state)) => state,
            Some(Err(illegal)) => {
                self.halt_instrument(
                    instrument,
                    Alert::ImpossibleReport(id, instrument, illegal),
                    effects,
                );
                return;
            }
            None => return,
        };
        let plugin = id.plugin;
        self.tell_order(id, OrderUpdateKind::Filled(fill), effects);
        let position = self.position_view(plugin, instrument);
        effects.push(Effect::CallPlugin { plugin, event: PluginEvent::Position(position) });
        let budget = self.budget_of(plugin);
        effects.push(Effect::CallPlugin { plugin, event: PluginEvent::Budget(budget) });
        self.protect(id, fill.quantity, effects);
        self.follow_up(id, was_open, state, effects);
    }

    /// Books a fill into account and exposure, and values the position anew.
    fn book(&mut self, order: &Order, fill: &Fill, effects: &mut Vec<Effect>) {
        let (plugin, instrument) = (order.plugin(), order.instrument);
        let quantity = order.side.signed(fill.quantity);
        let Some(notional) = self.instrument(instrument).notional(fill.price, quantity) else {
            return self.halt_instrument(instrument, Alert::NumberOverflow(instrument), effects);
        };
        self.account.fill(plugin, instrument, quantity, notional, fill.fee);
        self.orders.move_position(plugin, instrument, quantity);
        let held = self.account.sub_account(plugin).position(instrument).quantity;
        assert_eq!(
            held,
            self.orders.plugin_exposure(plugin, instrument).position,
            "risk and account see one position"
        );
        let holders = &mut self.holders[usize::from(instrument.0)];
        match (holders.binary_search(&plugin), held.is_zero()) {
            (Err(at), false) => holders.insert(at, plugin),
            (Ok(at), true) => {
                holders.remove(at);
                self.account.mark(plugin, instrument, Money::ZERO);
            }
            _ => {}
        }
        self.mark(instrument, effects);
    }

    /// What the end of an order means for others.
    fn follow_up(
        &mut self,
        id: ClientOrderId,
        was_open: bool,
        state: OrderState,
        effects: &mut Vec<Effect>,
    ) {
        if !(was_open && state.is_closed()) {
            // A bracket's exits may have grown while a change of them was under way.
            if was_open && self.brackets.is_exit(id) {
                self.resize_exits_of(id, effects);
            }
            return;
        }
        let Some(tracked) = self.orders.get_any_mut(id) else {
            return;
        };
        let (order, filled) = (tracked.order.clone(), tracked.filled);
        let instrument = order.instrument;
        effects.push(Effect::Record(Record::Closed { order, state, filled }));
        let ended = self.brackets.entry_closed(id);
        self.forget_plan(id.plugin, ended);
        let Some(entry) = self.brackets.entry_of(id) else {
            return;
        };
        let entry_open = self.orders.is_open(entry);
        let (other, ended) = self.brackets.exit_closed(id, entry, entry_open);
        self.forget_plan(id.plugin, ended);
        // An exit that a plugin canceled leaves the other one; one that did its work does not.
        let flat = self.orders.plugin_exposure(id.plugin, instrument).position.is_zero();
        if let Some(other) = other.filter(|_| flat || state == OrderState::Filled) {
            self.cancel(other, effects);
        }
    }

    fn forget_plan(&mut self, plugin: PluginId, plan: Option<ExitPlan>) {
        if let Some(plan) = plan {
            self.orders.plan_exits(plugin, plan.instrument, plan.side, false);
        }
    }

    /// Places the exits of a bracket's entry after a fill of `quantity`, or lets them grow to what
    /// is filled by now.
    fn protect(&mut self, entry: ClientOrderId, quantity: Quantity, effects: &mut Vec<Effect>) {
        let Some(plan) = self.brackets.plan_of(entry) else {
            return;
        };
        let Some(tracked) = self.orders.get_any_mut(entry) else {
            return;
        };
        let filled = tracked.filled;
        let order = tracked.order.clone();
        if let Some(exits) = self.brackets.exits_of(entry) {
            for exit in exits.ids() {
                self.resize_exit(exit, filled, effects);
            }
            return;
        }
        let mut place = |tag, kind| {
            let exit = Order {
                id: self.next_id(order.plugin()),
                tag,
                instrument: order.instrument,
                side: order.side.opposite(),
                quantity,
                kind,
                time_in_force: TimeInForce::Gtc,
                post_only: false,
                reduce_only: true,
            };
            match self.send(exit, Purpose::Exit, effects) {
                Ok(id) => Some(id),
                Err(denial) => {
                    self.deny_exit(&order, tag, denial, effects);
                    None
                }
            }
        };
        let stop_loss = place(plan.stop_loss_tag, OrderKind::Stop(plan.stop_loss));
        let take_profit = place(plan.take_profit_tag, OrderKind::Limit(plan.take_profit));
        self.brackets.placed(entry, Exits { stop_loss, take_profit });
    }

    fn resize_exits_of(&mut self, exit: ClientOrderId, effects: &mut Vec<Effect>) {
        let Some(entry) = self.brackets.entry_of(exit) else {
            return;
        };
        let Some(filled) = self.orders.get_any_mut(entry).map(|tracked| tracked.filled) else {
            return;
        };
        self.resize_exit(exit, filled, effects);
    }

    /// Lets an exit grow to `quantity`. While a change is under way it is left alone; the answer
    /// brings it back here.
    fn resize_exit(&mut self, exit: ClientOrderId, quantity: Quantity, effects: &mut Vec<Effect>) {
        let Some(tracked) = self.orders.get(exit) else {
            return;
        };
        if tracked.is_changing() || tracked.order.quantity >= quantity {
            return;
        }
        let instrument = tracked.order.instrument;
        let change = AmendOrder { order: exit, instrument, quantity: Some(quantity), price: None };
        let sent =
            self.approve_amend(change).and_then(|approved| self.send_amend(approved, effects));
        if let Err(denial) = sent {
            let (plugin, instrument) = (exit.plugin, Some(instrument));
            effects.push(Effect::Record(Record::Denied { plugin, instrument, denial }));
        }
    }

    fn tell_order(&mut self, id: ClientOrderId, kind: OrderUpdateKind, effects: &mut Vec<Effect>) {
        let time = self.now;
        let Some(tracked) = self.orders.get_any_mut(id) else {
            return;
        };
        let update = OrderUpdate {
            time,
            tag: tracked.order.tag,
            instrument: tracked.order.instrument,
            side: tracked.order.side,
            kind,
            quantity: tracked.order.quantity,
            filled: tracked.filled,
            closed: tracked.state.is_closed(),
        };
        effects.push(Effect::CallPlugin { plugin: id.plugin, event: PluginEvent::Order(update) });
    }
}
