//! What a venue says about an order: along the table, into the books, on to the plugin.

use alloc::vec::Vec;

use crate::{
    engine::{
        Alert, AmendOrder, Effect, Engine, Flaws, News, Origin, Record,
        brackets::{ExitPlan, Exits},
        orders::Tracked,
    },
    ids::{ClientOrderId, InstrumentId, PluginId},
    instrument::Instrument,
    market::Side,
    num::Quantity,
    order::{Fill, Order, OrderKind, OrderState, Report, ReportKind, Transition, next_state},
    plugin::{OrderUpdate, OrderUpdateKind, PluginEvent},
    risk::Purpose,
    time::UnixNanos,
};

/// A report in terms of the table: what moves the order, what is new, what its plugin is told.
struct Reading {
    by: Transition,
    news: News,
    told: OrderUpdateKind,
}

impl<F: Flaws> Engine<F> {
    pub(super) fn report(&mut self, report: Report, effects: &mut Vec<Effect>) {
        self.now = self.now.max(report.time);
        self.apply_report(report.order, report.kind, report.time, Origin::Venue, effects);
    }

    /// Takes in what is said of an order. Reports come late, twice and in the wrong order: what is
    /// known already changes nothing and is told to nobody.
    pub(super) fn apply_report(
        &mut self,
        id: ClientOrderId,
        kind: ReportKind,
        time: UnixNanos,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        if self.orders.get_any(id).is_none() {
            return self.commit(Record::Alert(Alert::StrangeReport(id)), effects);
        }
        if let ReportKind::Filled(fill) = kind {
            return self.filled(id, fill, time, origin, effects);
        }
        // A pair is refused, or lost, as one.
        let unheard = self.unheard_partner(id);
        if let Some(stop) = unheard.filter(|_| self.stop_goes_first(id, &kind)) {
            return self.apply_report(stop, kind, time, origin, effects);
        }
        let shared =
            matches!(kind, ReportKind::Rejected(_) | ReportKind::Lost).then(|| kind.clone());
        self.apply_own_report(id, kind, time, origin, effects);
        if let Some((partner, kind)) = unheard.zip(shared) {
            self.foresee_refusal(partner, &kind, effects);
            self.apply_own_report(partner, kind, time, origin, effects);
        }
    }

    /// The same of one order, whatever it is paired with.
    fn apply_own_report(
        &mut self,
        id: ClientOrderId,
        kind: ReportKind,
        time: UnixNanos,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let Some(tracked) = self.orders.get_any(id) else {
            return;
        };
        let instrument = tracked.order.instrument;
        // Not the answer to what was asked last: an earlier answer told twice (it may even say the
        // same quantity), or the venue's own doing. Which of them is for the venue to say.
        if let ReportKind::Amended { quantity, .. } = &kind
            && origin == Origin::Venue
            && self.config.recovery.is_some()
            && (tracked.asked() != Some(*quantity) || time < tracked.asked_at)
        {
            return self.doubt(id, effects);
        }
        // The end of an order that the host has canceled because its time is over.
        let kind = match kind {
            ReportKind::Canceled if self.must_expire(id) => ReportKind::Expired,
            kind => kind,
        };
        let Some(Reading { by, news, told }) = read(tracked, kind) else {
            return;
        };
        let from = tracked.state;
        let to = match next_state(from, by) {
            Ok(to) => to,
            Err(illegal) => {
                let alert = Alert::ImpossibleReport(id, instrument, illegal);
                return self.halt_instrument(instrument, alert, effects);
            }
        };
        if to == from && news == News::Nothing {
            return;
        }
        let was_open = self.orders.is_open(id);
        let sibling = self.brackets.sibling_of(id);
        self.foresee_end(id, to, effects);
        self.commit(Record::Moved { order: id, by, to, news, origin }, effects);
        // A change to what had been filled already leaves nothing; the plugin is told of
        // both at once.
        let emptied =
            self.orders.get(id).is_some_and(|t| t.remaining().is_zero() && t.asked().is_none());
        if emptied && let Some(to) = self.state_after(id, Transition::FillAll) {
            let (by, news) = (Transition::FillAll, News::Nothing);
            self.commit(Record::Moved { order: id, by, to, news, origin }, effects);
        }
        let replaced = was_open && to.is_closed() && self.replacing.contains_key(&id);
        if !replaced && (was_open || by != Transition::ChangeRejected) {
            self.tell_order(id, told, effects);
        }
        if by == Transition::Lose {
            self.doubt(id, effects);
        } else if origin == Origin::Venue && by != Transition::ChangeRejected {
            self.settle(id);
        }
        if by == Transition::ChangeRejected {
            // A cancel that overtook its order, and that of an exit, is sent again: what was to
            // follow still is.
            let is_sent_again = self.orders.get(id).is_some_and(|t| {
                let overtook = t.venue_id.is_none() && t.filled.is_zero();
                t.cancel_wanted && (overtook || t.purpose == Purpose::Exit)
            });
            if !is_sent_again {
                self.forget_replacement(id, effects);
            }
            self.ask_later(id);
        }
        if by == Transition::Accept {
            self.cancel_again(id, effects);
        }
        self.follow_up(id, was_open, sibling, effects);
    }

    /// Where a move would lead, if the table has it.
    pub(super) fn state_after(&self, id: ClientOrderId, by: Transition) -> Option<OrderState> {
        self.orders.get_any(id).and_then(|tracked| next_state(tracked.state, by).ok())
    }

    fn filled(
        &mut self,
        id: ClientOrderId,
        fill: Fill,
        time: UnixNanos,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let Some(tracked) = self.orders.get_any(id) else {
            return;
        };
        if tracked.has_trade(fill.trade_id) || (F::IGNORES_LATE_FILLS && tracked.state.is_closed())
        {
            return;
        }
        let order = tracked.order.clone();
        let (instrument, left, from) = (order.instrument, self.left_of(tracked), tracked.state);
        let notional = self.instrument(instrument).notional(fill.price, fill.quantity);
        let possible = Quantity(1)..=Quantity(Instrument::QUANTITY_MAX);
        if !possible.contains(&fill.quantity) || fill.price.0 <= 0 || notional.is_none() {
            return self.halt_instrument(instrument, Alert::NumberOverflow(instrument), effects);
        }
        let was_open = self.orders.is_open(id);
        let sibling = self.brackets.sibling_of(id);
        self.commit(Record::Filled { order, fill, time, origin }, effects);
        if fill.quantity > left {
            self.halt_instrument(instrument, Alert::Overfilled(id, instrument), effects);
        }
        let by = if fill.quantity < left { Transition::FillPart } else { Transition::FillAll };
        if let Err(illegal) = next_state(from, by) {
            let alert = Alert::ImpossibleReport(id, instrument, illegal);
            self.halt_instrument(instrument, alert, effects);
        }
        if origin == Origin::Venue {
            self.settle(id);
        }
        self.tell_order(id, OrderUpdateKind::Filled(fill), effects);
        self.tell_position(id.plugin, instrument, effects);
        self.protect(id, effects);
        self.guard_position(id.plugin, instrument, effects);
        self.follow_up(id, was_open, sibling, effects);
        self.clip_to_position(id, instrument, effects);
        self.mark(instrument, effects);
        self.watch_fill(id.plugin, effects);
        if let Some(seen) = self.risk.seen.take() {
            let (plugins, trades) = (seen.plugins, seen.trades);
            let alert = Alert::SelfTradePattern { instrument, plugins, trades };
            self.commit(Record::Alert(alert), effects);
        }
    }

    /// What an order may still trade at the venue: with a change that is under way there, but not
    /// what will only come with another order in its stead.
    pub(super) fn left_of(&self, tracked: &Tracked) -> Quantity {
        let is_replaced = self.replacing.contains_key(&tracked.order.id);
        if is_replaced { tracked.remaining() } else { tracked.working() }
    }

    /// The venue closed a position; the plugin is told of what it has now.
    pub(super) fn liquidated(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        (side, fill, time): (Side, Fill, UnixNanos),
        effects: &mut Vec<Effect>,
    ) {
        let known = usize::from(plugin.0) < self.plugin_states.len()
            && usize::from(instrument.0) < self.markets.len();
        if !known || fill.price.0 <= 0 || fill.quantity <= Quantity::ZERO {
            return;
        }
        if self.instrument(instrument).notional(fill.price, fill.quantity).is_none() {
            return self.halt_instrument(instrument, Alert::NumberOverflow(instrument), effects);
        }
        self.commit(Record::Liquidated { plugin, instrument, side, fill, time }, effects);
        self.commit(Record::Alert(Alert::Liquidated(plugin, instrument)), effects);
        self.tell_position(plugin, instrument, effects);
        self.guard_position(plugin, instrument, effects);
        self.mark(instrument, effects);
        self.watch_fill(plugin, effects);
    }

    pub(super) fn tell_position(
        &self,
        plugin: PluginId,
        instrument: InstrumentId,
        effects: &mut Vec<Effect>,
    ) {
        let position = PluginEvent::Position(self.position_view(plugin, instrument));
        effects.push(Effect::CallPlugin { plugin, event: position });
        let budget = PluginEvent::Budget(self.budget_of(plugin));
        effects.push(Effect::CallPlugin { plugin, event: budget });
    }

    /// What the end of an order means for others.
    fn follow_up(
        &mut self,
        id: ClientOrderId,
        was_open: bool,
        sibling: Option<ClientOrderId>,
        effects: &mut Vec<Effect>,
    ) {
        if !was_open {
            return;
        }
        let Some(tracked) = self.orders.get_any(id) else {
            return;
        };
        let (state, filled, purpose) = (tracked.state, tracked.filled, tracked.purpose);
        let (plugin, instrument) = (id.plugin, tracked.order.instrument);
        if !state.is_closed() {
            if purpose == Purpose::Protective {
                self.guard_changed(id, instrument, effects);
            }
            // A bracket's exits may have grown while a change of them was under way.
            if self.brackets.is_exit(id) {
                self.resize_exits_of(id, effects);
            }
            return;
        }
        let order = tracked.order.clone();
        effects.push(Effect::Record(Record::Closed { order, state, filled }));
        if self.replace(id, effects) {
            return;
        }
        if purpose == Purpose::Protective {
            self.guard_position(plugin, instrument, effects);
        }
        // An exit that a plugin canceled leaves the other one; one that did its work does not.
        let flat = self.orders.plugin_exposure(plugin, instrument).position.is_zero();
        // The venue itself ends the other one of a pair.
        let other = sibling.filter(|other| {
            (flat || state == OrderState::Filled)
                && !(self.orders.partner(id) == Some(*other) && self.ends_with_partner(*other))
        });
        if let Some(other) = other {
            self.cancel(other, effects);
        }
        self.release_latched(plugin, effects);
        // A closing order that came to nothing is followed by another after a pause, not at once.
        let in_vain = purpose == Purpose::Flatten && filled.is_zero();
        if state != OrderState::Rejected && !in_vain {
            self.go_on_flattening(plugin, effects);
        }
    }

    /// Places the exits of a bracket's entry after a fill, or lets them grow to what is filled by
    /// now. An entry that was over already, and whose fill came late, gets them all the same.
    fn protect(&mut self, entry: ClientOrderId, effects: &mut Vec<Effect>) {
        if self.brackets.plan_of(entry).is_none()
            && let Some(plan) = self.brackets.late_plan_of(entry)
        {
            self.commit(Record::Planned { entry, plan }, effects);
        }
        let Some(plan) = self.brackets.plan_of(entry) else {
            return;
        };
        let Some((order, filled)) = self.orders.get_any(entry).map(filled_in_all) else {
            return;
        };
        if let Some(exits) = self.brackets.exits_of(entry) {
            for exit in exits.ids() {
                self.resize_exit(exit, filled, effects);
            }
            return;
        }
        if let Some(exits) = self.place_pair(&order, &plan, filled, effects) {
            return self.commit(Record::ExitsPlaced { entry, exits }, effects);
        }
        let stop = OrderKind::Stop(plan.stop_loss);
        let stop_loss = self.place_exit(&order, &plan, (plan.stop_loss_tag, stop), filled, effects);
        let limit = OrderKind::Limit(plan.take_profit);
        let take_profit =
            self.place_exit(&order, &plan, (plan.take_profit_tag, limit), filled, effects);
        let exits = Exits { stop_loss, take_profit };
        self.commit(Record::ExitsPlaced { entry, exits }, effects);
    }

    fn place_exit(
        &mut self,
        entry: &Order,
        plan: &ExitPlan,
        (tag, kind): (crate::ids::OrderTag, OrderKind),
        quantity: Quantity,
        effects: &mut Vec<Effect>,
    ) -> Option<ClientOrderId> {
        let exit = plan.exit(self.next_id(entry.plugin()), tag, kind, quantity);
        match self.send(exit, Purpose::Exit, None, effects) {
            Ok(id) => Some(id),
            Err(denial) => {
                self.deny_exit(entry, tag, denial, effects);
                None
            }
        }
    }

    fn resize_exits_of(&mut self, exit: ClientOrderId, effects: &mut Vec<Effect>) {
        let entry = self.brackets.entry_of(exit).and_then(|entry| self.orders.get_any(entry));
        if let Some((_, filled)) = entry.map(filled_in_all) {
            self.resize_exit(exit, filled, effects);
        }
    }

    /// Lets an exit grow to `quantity`. While a change is under way it is left alone; the answer
    /// brings it back here.
    fn resize_exit(&mut self, exit: ClientOrderId, quantity: Quantity, effects: &mut Vec<Effect>) {
        if let Some(partner) = self.open_partner(exit) {
            return self.resize_pair(exit, partner, quantity, effects);
        }
        let Some(tracked) = self.orders.get(exit) else {
            return;
        };
        let mut quantity = Quantity(quantity.0.saturating_sub(tracked.filled_before.0));
        if !self.config.venue.keeps_reduce_only() && !self.held.contains(exit) {
            // The host keeps it to the position; asking for more would come to the same again.
            let order = &tracked.order;
            let most = self.held_to(order, exit);
            let most = self.room(order).map_or(most, |room| most.min(room));
            quantity = quantity.min(tracked.filled + most);
        }
        let comes_anew = self.replacing.contains_key(&exit);
        if comes_anew || tracked.is_changing() || tracked.order.quantity >= quantity {
            return;
        }
        let (tag, instrument) = (tracked.order.tag, tracked.order.instrument);
        let change = AmendOrder { order: exit, instrument, quantity: Some(quantity), price: None };
        if let Err(denial) = self.change(change, effects) {
            let (plugin, instrument, tag) = (exit.plugin, Some(instrument), Some(tag));
            self.commit(Record::Denied { plugin, instrument, tag, denial }, effects);
        }
    }

    pub(super) fn tell_order(
        &self,
        id: ClientOrderId,
        kind: OrderUpdateKind,
        effects: &mut Vec<Effect>,
    ) {
        let Some(tracked) = self.orders.get_any(id).filter(|t| t.purpose.is_told()) else {
            return;
        };
        let update = OrderUpdate {
            time: self.now,
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

/// An order, and what traded of it and of those in whose place it came.
fn filled_in_all(tracked: &Tracked) -> (Order, Quantity) {
    (tracked.order.clone(), tracked.filled + tracked.filled_before)
}

/// What a report means for an order as it stands; `None` where it says nothing new.
fn read(tracked: &Tracked, kind: ReportKind) -> Option<Reading> {
    use OrderUpdateKind as Told;
    let closed = tracked.state.is_closed();
    let reading = |by, news, told| Some(Reading { by, news, told });
    match kind {
        ReportKind::Filled(_) => None,
        ReportKind::Accepted(venue_id) => {
            let known = tracked.venue_id == Some(venue_id);
            let news = if known { News::Nothing } else { News::VenueId(venue_id) };
            // Unknown and Submitted are the only states that an acceptance moves.
            let told = tracked.state == OrderState::Unknown;
            if known && !told { None } else { reading(Transition::Accept, news, Told::Accepted) }
        }
        ReportKind::Rejected(reason) => {
            let news = News::Reason(reason.clone());
            let known = tracked.state == OrderState::Rejected;
            if known { None } else { reading(Transition::Reject, news, Told::Rejected(reason)) }
        }
        ReportKind::Triggered => reading(Transition::Trigger, News::Nothing, Told::Triggered),
        ReportKind::Amended { quantity, kind } => {
            let same = tracked.order.quantity == quantity && tracked.order.kind == kind;
            let late = closed || (same && tracked.asked().is_none());
            let news = News::Became { quantity, kind };
            if late { None } else { reading(Transition::Update, news, Told::Amended) }
        }
        ReportKind::AmendRejected(reason) => {
            let told = Told::ChangeRejected(reason.clone());
            if tracked.state == OrderState::PendingCancel {
                let (quantity, kind) = (tracked.order.quantity, tracked.order.kind);
                return reading(Transition::Update, News::Became { quantity, kind }, told);
            }
            reading(Transition::ChangeRejected, News::Reason(reason), told)
        }
        ReportKind::CancelRejected(reason) => {
            let told = Told::ChangeRejected(reason.clone());
            if closed {
                return None;
            }
            // A cancel that overtook its order: whoever wanted the end still does.
            let unheard = tracked.venue_id.is_none() && tracked.filled.is_zero();
            let news = if unheard { News::Nothing } else { News::CancelRefused(reason) };
            reading(Transition::ChangeRejected, news, told)
        }
        ReportKind::Canceled => reading(Transition::Cancel, News::Nothing, Told::Canceled),
        ReportKind::Expired => reading(Transition::Expire, News::Nothing, Told::Expired),
        ReportKind::Lost => reading(Transition::Lose, News::Nothing, Told::Unknown),
    }
}
