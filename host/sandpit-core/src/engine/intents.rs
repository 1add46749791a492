//! From a plugin's wish to an approved order, a change, a cancel, or a coded denial.

use alloc::vec::Vec;

use crate::{
    engine::{
        Alert, AmendOrder, CancelOrder, Effect, Engine, ExitPlan, Flaws, News, Origin, Record,
        orders::Tracked, timers::Timer,
    },
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce},
    market::Side,
    num::{Decimal, Price, Quantity},
    order::{Order, OrderKind, OrderState, Transition, next_state},
    plugin::{OrderUpdate, OrderUpdateKind, PluginEvent},
    risk::{
        Act, Approved, Denial, Purpose, approve, form, form_limit, form_quantity, form_trigger,
    },
};

/// A wish that was refused, with what is known of it.
struct Refused {
    tag: OrderTag,
    instrument: Option<InstrumentId>,
    side: Side,
    denial: Denial,
    /// Whether there is an order that works on.
    change: bool,
}

impl<F: Flaws> Engine<F> {
    pub(super) fn intent(&mut self, plugin: PluginId, intent: &Intent, effects: &mut Vec<Effect>) {
        self.commit(Record::Asked { plugin, intent: intent.clone() }, effects);
        let refused = match intent {
            Intent::Place(place) => {
                self.place(plugin, place, Purpose::Plain, effects).map(drop).map_err(|denial| {
                    refusal(self, plugin, place.tag, place.instrument, place.side, denial)
                })
            }
            Intent::Bracket(bracket) => self.bracket(plugin, bracket, effects).map_err(|denial| {
                let entry = &bracket.entry;
                refusal(self, plugin, entry.tag, entry.instrument, entry.side, denial)
            }),
            Intent::TargetPosition(target) => {
                self.target(plugin, target, effects).map_err(|denial| {
                    refusal(self, plugin, target.tag, target.instrument, Side::Buy, denial)
                })
            }
            Intent::Amend(amend) => self
                .amend(plugin, amend, effects)
                .map_err(|denial| self.refused_change(plugin, amend.tag, denial)),
            Intent::Cancel(tag) => match self.orders.by_tag(plugin, *tag) {
                Some(id) => {
                    self.cancel_by_plugin(id, effects);
                    Ok(())
                }
                None => Err(self.refused_change(plugin, *tag, Denial::UnknownOrder)),
            },
            Intent::CancelAll(instrument) => {
                self.cancel_all(plugin, *instrument, effects);
                Ok(())
            }
            Intent::SetTimer { id, at, every } => {
                let wished = Timer { plugin, id: *id, at: *at, every: *every };
                self.set_timer(wished, effects);
                Ok(())
            }
            Intent::CancelTimer(id) => {
                if self.timers.is_set(plugin, *id) {
                    self.commit(Record::TimerEnded { plugin, id: *id }, effects);
                }
                Ok(())
            }
        };
        if let Err(refused) = refused {
            self.deny(plugin, refused, effects);
        }
    }

    fn set_timer(&mut self, wished: Timer, effects: &mut Vec<Effect>) {
        let record = match self.timers.form(wished, self.now) {
            Ok(Timer { plugin, id, at, every }) => Record::TimerSet { plugin, id, at, every },
            Err(denial) => {
                let plugin = wished.plugin;
                Record::Denied { plugin, instrument: None, tag: None, denial }
            }
        };
        self.commit(record, effects);
    }

    fn place(
        &mut self,
        plugin: PluginId,
        place: &Place,
        purpose: Purpose,
        effects: &mut Vec<Effect>,
    ) -> Result<ClientOrderId, Denial> {
        let instrument = self.session_instrument(plugin, place.instrument)?;
        let rules = self.instrument(instrument);
        let market = self.market_state(instrument);
        let formed = form(place, rules, market, self.config.off_tick, self.now)?;
        // Where the host keeps stops, an order that only shrinks a position must not turn it should
        // the stop be faster.
        let exposure = self.orders.plugin_exposure(plugin, instrument);
        let shrinks = purpose == Purpose::Plain
            && exposure.is_protected()
            && formed.quantity <= exposure.reducible(place.side);
        let order = Order {
            id: self.next_id(plugin),
            tag: place.tag,
            instrument,
            side: place.side,
            quantity: formed.quantity,
            kind: formed.kind,
            time_in_force: place.time_in_force,
            post_only: place.post_only,
            reduce_only: place.reduce_only || shrinks,
        };
        self.send(order, purpose, None, effects)
    }

    /// Asks risk and, when it approves, records the order and sends it, or keeps it here where the
    /// venue cannot.
    pub(super) fn send(
        &mut self,
        mut order: Order,
        purpose: Purpose,
        replaces: Option<ClientOrderId>,
        effects: &mut Vec<Effect>,
    ) -> Result<ClientOrderId, Denial> {
        let (id, instrument) = (order.id, order.instrument);
        if purpose.is_told() && self.orders.by_tag(id.plugin, order.tag).is_some() {
            return Err(Denial::DuplicateTag);
        }
        if self.halted[usize::from(instrument.0)] && !purpose.is_host() {
            return Err(Denial::InstrumentHalted);
        }
        let venue = self.config.venue;
        if let Some(feature) = venue.lacks(&order).filter(|_| !purpose.is_host()) {
            return Err(Denial::VenueLacks(feature));
        }
        // A stop that there is no room for at the venue waits here.
        let room = self.room(&order);
        let conditional = order.kind.is_conditional();
        let kept = !venue.can_keep(&order)
            || (conditional && room.is_some_and(|room| order.quantity > room))
            || (purpose == Purpose::Protective
                && conditional
                && self.risk.protection.keeps(id.plugin, instrument));
        if order.reduce_only && !kept && !venue.keeps_reduce_only() {
            let most = self.held_to(&order, id);
            if !purpose.is_host() && order.quantity > most {
                return Err(Denial::NotReducing);
            }
            order.quantity = order.quantity.min(most);
            if purpose.is_host() {
                order.quantity = room.map_or(order.quantity, |room| order.quantity.min(room));
            }
            if order.quantity.is_zero() {
                return Err(Denial::NotReducing);
            }
        }
        let scopes = self.scopes(id.plugin, instrument, None)?;
        let market = self.market_view(instrument);
        let rules = self.instrument(instrument);
        let act = if replaces.is_none() { Act::New } else { Act::Resume };
        let approved = approve::<F>(order, rules, market, scopes, purpose, act)?;
        let order = approved.get().clone();
        if let Some(limit) = room.filter(|room| !kept && order.quantity > *room) {
            return Err(Denial::BalanceLocked { value: order.quantity, limit });
        }
        if self.prevent_self_trade(&order, purpose, effects)? {
            self.commit(Record::Held { order, purpose, replaces }, effects);
            self.end_held(id, effects);
        } else if kept {
            let trails = matches!(order.kind, OrderKind::TrailingStop(_));
            self.commit(Record::Held { order, purpose, replaces }, effects);
            if let Some(best) = market.mark.filter(|_| trails) {
                self.commit(Record::Trailed { order: id, best }, effects);
            }
            if replaces.is_none() {
                self.tell_order(id, OrderUpdateKind::Accepted, effects);
            }
        } else {
            self.commit(Record::Submitted { order, purpose, replaces }, effects);
            effects.push(Effect::Submit(self.for_venue(approved)));
        }
        Ok(id)
    }

    /// An order as it is sent: its time is the host's to see to where the venue has none.
    pub(super) fn for_venue(&self, approved: Approved<Order>) -> Approved<Order> {
        if self.config.venue.gtd { approved } else { approved.good_till_canceled() }
    }

    /// The id that the next order will have; it is used up when the order is sent.
    pub(super) const fn next_id(&self, plugin: PluginId) -> ClientOrderId {
        ClientOrderId { sequence: self.sequence + 1, plugin, run: self.config.run }
    }

    fn session_instrument(
        &self,
        plugin: PluginId,
        instrument: u32,
    ) -> Result<InstrumentId, Denial> {
        let known = &self.config.plugins[usize::from(plugin.0)].instruments;
        u16::try_from(instrument)
            .ok()
            .map(InstrumentId)
            .filter(|id| known.contains(id))
            .ok_or(Denial::UnknownInstrument(instrument))
    }

    fn bracket(
        &mut self,
        plugin: PluginId,
        bracket: &Bracket,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        let entry = &bracket.entry;
        let instrument = self.session_instrument(plugin, entry.instrument)?;
        let (rules, off_tick) = (self.instrument(instrument), self.config.off_tick);
        let exit_side = entry.side.opposite();
        let long = entry.side == Side::Buy;
        let stop_loss = form_trigger(bracket.stop_loss, !long, rules, off_tick)?;
        let take_profit = form_limit(bracket.take_profit, exit_side, rules, off_tick)?;
        let market = self.market_state(instrument);
        let formed = form(entry, rules, market, off_tick, self.now)?;
        let price = formed.kind.limit().or(formed.kind.trigger()).or(market.mark());
        let price = price.ok_or(Denial::NoMarketPrice)?;
        let (below, above) = if long { (stop_loss, take_profit) } else { (take_profit, stop_loss) };
        let tags = [entry.tag, bracket.stop_loss_tag, bracket.take_profit_tag];
        if !(below < price && price < above) || entry.reduce_only {
            return Err(Denial::BracketPricesInvalid);
        }
        let distinct = tags[0] != tags[1] && tags[0] != tags[2] && tags[1] != tags[2];
        if !distinct || tags.iter().any(|tag| self.orders.by_tag(plugin, *tag).is_some()) {
            return Err(Denial::DuplicateTag);
        }
        let id = self.place(plugin, entry, Purpose::Entry, effects)?;
        let plan = ExitPlan {
            stop_loss_tag: bracket.stop_loss_tag,
            stop_loss,
            take_profit_tag: bracket.take_profit_tag,
            take_profit,
            instrument,
            side: exit_side,
        };
        self.commit(Record::Planned { entry: id, plan }, effects);
        Ok(())
    }

    fn target(
        &mut self,
        plugin: PluginId,
        target: &TargetPosition,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        let instrument = self.session_instrument(plugin, target.instrument)?;
        let rules = self.instrument(instrument);
        let wished = rules.quantity(target.quantity).ok_or(Denial::BadNumber(target.quantity))?;
        if wished.0 % rules.quantity_step().0 != 0 {
            return Err(Denial::QuantityOffStep(wished));
        }
        let exposure = self.orders.plugin_exposure(plugin, instrument);
        let coming = exposure.position + exposure.buying + exposure.reducing_buys
            - exposure.selling
            - exposure.reducing_sells;
        let difference = wished - coming;
        if difference.abs() < rules.min_quantity() || difference.is_zero() {
            return Ok(());
        }
        let side = if difference > Quantity::ZERO { Side::Buy } else { Side::Sell };
        // What only leads back to flat shrinks the position and may be smaller than the least
        // notional.
        let place = Place {
            tag: target.tag,
            instrument: target.instrument,
            side,
            quantity: rules.quantity_decimal(difference.abs()),
            kind: target.limit.map_or(PlaceKind::Market, PlaceKind::Limit),
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            reduce_only: difference.abs() <= exposure.reducible(side),
        };
        match self.place(plugin, &place, Purpose::Plain, effects) {
            Err(Denial::NotionalBelowMin(_)) => Ok(()),
            placed => placed.map(drop),
        }
    }

    fn amend(
        &mut self,
        plugin: PluginId,
        amend: &Amend,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        let id = self.orders.by_tag(plugin, amend.tag).ok_or(Denial::UnknownOrder)?;
        let tracked = self.orders.get(id).ok_or(Denial::UnknownOrder)?;
        if tracked.is_changing() {
            return Err(Denial::ChangePending);
        }
        let (order, filled) = (&tracked.order, tracked.filled);
        let rules = self.instrument(order.instrument);
        let quantity = amend.quantity.map(|wished| form_quantity(wished, rules)).transpose()?;
        if quantity.is_some_and(|quantity| quantity <= filled) {
            return Err(Denial::AmendInvalid);
        }
        let price = amend.price.map(|wished| self.amended_price(order, wished)).transpose()?;
        let change = AmendOrder {
            order: id,
            instrument: order.instrument,
            quantity: quantity.filter(|quantity| *quantity != order.quantity),
            price: price
                .filter(|price| order.kind.limit().or(order.kind.trigger()) != Some(*price)),
        };
        if change.quantity.is_none() && change.price.is_none() {
            return Err(Denial::AmendInvalid);
        }
        self.change(change, effects)
    }

    fn amended_price(&self, order: &Order, wished: Decimal) -> Result<Price, Denial> {
        let (rules, off_tick) = (self.instrument(order.instrument), self.config.off_tick);
        match order.kind {
            OrderKind::Limit(_) | OrderKind::StopLimit { .. } => {
                form_limit(wished, order.side, rules, off_tick)
            }
            OrderKind::Stop(_) => form_trigger(wished, order.side == Side::Buy, rules, off_tick),
            OrderKind::TakeProfit(_) => {
                form_trigger(wished, order.side == Side::Sell, rules, off_tick)
            }
            OrderKind::Market | OrderKind::TrailingStop(_) => Err(Denial::AmendInvalid),
        }
    }

    fn cancel_all(&mut self, plugin: PluginId, instrument: Option<u32>, effects: &mut Vec<Effect>) {
        let wanted = |id: InstrumentId| instrument.is_none_or(|wish| wish == u32::from(id.0));
        let own: Vec<_> = self
            .orders
            .of_plugin(plugin)
            .filter(|tracked| wanted(tracked.order.instrument))
            .map(|tracked| tracked.order.id)
            .collect();
        self.cancel_each(&own, effects);
    }

    /// Ends an order, and whatever was to come in its place.
    pub(super) fn cancel(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        self.forget_replacement(id, effects);
        self.ask_cancel(id, effects);
    }

    /// Asks the venue to end an order; an order that is being canceled already is left alone.
    pub(super) fn ask_cancel(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        let Some(tracked) = self.orders.get(id) else {
            return;
        };
        let instrument = tracked.order.instrument;
        if self.held.contains(id) {
            return self.end_held(id, effects);
        }
        // One cancel ends both orders of a pair.
        let partner = self.open_partner(id).and_then(|partner| self.orders.get(partner));
        let ends = |tracked: &Tracked| tracked.state == OrderState::PendingCancel;
        if ends(tracked) || partner.is_some_and(ends) {
            return;
        }
        let by = Transition::AskCancel;
        match next_state(tracked.state, by) {
            Ok(to) => {
                let (news, origin) = (News::Nothing, Origin::Host);
                self.commit(Record::Moved { order: id, by, to, news, origin }, effects);
                effects.push(Effect::Cancel(CancelOrder { order: id, instrument }));
                self.alert_of_cancels(id.plugin, effects);
            }
            Err(illegal) => {
                let alert = Alert::ImpossibleReport(id, instrument, illegal);
                self.halt_instrument(instrument, alert, effects);
            }
        }
    }

    fn refused_change(&self, plugin: PluginId, tag: OrderTag, denial: Denial) -> Refused {
        let order =
            self.orders.by_tag(plugin, tag).and_then(|id| self.orders.get(id)).map(|t| &t.order);
        Refused {
            tag,
            instrument: order.map(|order| order.instrument),
            side: order.map_or(Side::Buy, |order| order.side),
            denial,
            change: true,
        }
    }

    fn deny(&mut self, plugin: PluginId, refused: Refused, effects: &mut Vec<Effect>) {
        let Refused { tag, instrument, side, denial, change } = refused;
        let code = denial.code();
        let named = Some(tag);
        self.commit(Record::Denied { plugin, instrument, tag: named, denial }, effects);
        let open = self.orders.by_tag(plugin, tag).and_then(|id| self.orders.get(id));
        let (quantity, filled) =
            open.filter(|_| change).map_or_else(Default::default, |t| (t.order.quantity, t.filled));
        let update = OrderUpdate {
            time: self.now,
            tag,
            // A plugin that named no instrument of its session is told of its first.
            instrument: instrument.unwrap_or_else(|| self.first_instrument(plugin)),
            side,
            kind: if change {
                OrderUpdateKind::ChangeDenied(code)
            } else {
                OrderUpdateKind::Denied(code)
            },
            quantity,
            filled,
            closed: !change || open.is_none(),
        };
        effects.push(Effect::CallPlugin { plugin, event: PluginEvent::Order(update) });
    }

    /// Tells of an exit that the host could not place.
    pub(super) fn deny_exit(
        &mut self,
        entry: &Order,
        tag: OrderTag,
        denial: Denial,
        effects: &mut Vec<Effect>,
    ) {
        let (instrument, side) = (Some(entry.instrument), entry.side.opposite());
        self.deny(
            entry.plugin(),
            Refused { tag, instrument, side, denial, change: false },
            effects,
        );
    }

    fn first_instrument(&self, plugin: PluginId) -> InstrumentId {
        let known = &self.config.plugins[usize::from(plugin.0)].instruments;
        known.first().copied().unwrap_or(InstrumentId(0))
    }
}

fn refusal<F: Flaws>(
    engine: &Engine<F>,
    plugin: PluginId,
    tag: OrderTag,
    instrument: u32,
    side: Side,
    denial: Denial,
) -> Refused {
    let instrument = engine.session_instrument(plugin, instrument).ok();
    Refused { tag, instrument, side, denial, change: false }
}
