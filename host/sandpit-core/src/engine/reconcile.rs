//! Our books against the venue's. Executions that were never reported are booked, orders that the
//! venue does not show are asked about, and what is left between its positions and ours is
//! somebody else's: it counts in the account's limits and belongs to no plugin.

use alloc::{
    collections::{BTreeSet, VecDeque},
    vec::Vec,
};

use crate::{
    engine::{Alert, Effect, Engine, Flaws, Origin, Record, VenueSnapshot},
    ids::{InstrumentId, TradeId},
    market::Side,
    num::Quantity,
    order::ReportKind,
    time::UnixNanos,
};

/// Executions that are remembered to compare with books that are a little older.
const RECENT_FILLS_MAX: usize = 1_024;

/// One execution, as far as books are compared.
#[derive(Clone, Copy, Debug)]
struct RecentFill {
    time: UnixNanos,
    instrument: InstrumentId,
    trade: TradeId,
    /// Signed.
    quantity: Quantity,
}

/// The latest executions; the oldest falls out first.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentFills {
    fills: VecDeque<RecentFill>,
    /// The latest time of one that fell out.
    forgotten: UnixNanos,
}

impl RecentFills {
    /// Takes in an execution; `quantity` is signed.
    pub(crate) fn note(
        &mut self,
        time: UnixNanos,
        instrument: InstrumentId,
        trade: TradeId,
        quantity: Quantity,
    ) {
        if self.fills.len() == RECENT_FILLS_MAX
            && let Some(oldest) = self.fills.pop_front()
        {
            self.forgotten = self.forgotten.max(oldest.time);
        }
        self.fills.push_back(RecentFill { time, instrument, trade, quantity });
    }

    /// What was executed until now was forgotten.
    pub(crate) fn forget(&mut self, now: UnixNanos) {
        self.fills.clear();
        self.forgotten = self.forgotten.max(now);
    }

    /// Signed quantity that was executed after these books were shown; `None` where that was too
    /// long ago. At the very time of the books only what they list was before them, and what they
    /// list was before them even where we have heard of it later.
    fn after(&self, books: &VenueSnapshot, instrument: InstrumentId) -> Option<Quantity> {
        let is_listed = |own: &RecentFill| {
            books.fills.iter().any(|listed| {
                listed.instrument == instrument
                    && listed.fill.trade_id == own.trade
                    && listed.side.signed(listed.fill.quantity) == own.quantity
            })
        };
        let own = self.fills.iter().filter(|own| own.instrument == instrument);
        let later = own.filter(|own| own.time >= books.time && !is_listed(own));
        (self.forgotten <= books.time).then(|| Quantity(later.map(|own| own.quantity.0).sum()))
    }
}

impl<F: Flaws> Engine<F> {
    pub(super) fn snapshot(&mut self, snapshot: &VenueSnapshot, effects: &mut Vec<Effect>) {
        self.now = self.now.max(snapshot.time);
        let mut mended = 0u32;
        for fill in &snapshot.fills {
            let Some(id) = fill.order else { continue };
            let missing = self.orders.get_any(id).map(|t| !t.has_trade(fill.fill.trade_id));
            match missing {
                Some(true) => {
                    mended = mended.saturating_add(1);
                    let kind = ReportKind::Filled(fill.fill);
                    self.apply_report(id, kind, fill.time, Origin::Reconciliation, effects);
                    self.settle(id);
                }
                Some(false) => {}
                None => self.commit(Record::Alert(Alert::StrangeReport(id)), effects),
            }
        }
        for order in &snapshot.open {
            mended = mended.saturating_add(self.align(order, snapshot.time, effects));
        }
        self.miss_orders(snapshot, effects);
        for index in 0..self.external.len() {
            if let Ok(index) = u16::try_from(index) {
                self.compare_position(InstrumentId(index), snapshot, effects);
            }
        }
        self.commit(Record::Reconciled { at: snapshot.time, mended }, effects);
        self.compared = true;
        self.end_first_reconcile(effects);
    }

    /// Orders of ours that the venue should show and does not.
    fn miss_orders(&mut self, snapshot: &VenueSnapshot, effects: &mut Vec<Effect>) {
        let shown: BTreeSet<_> = snapshot.open.iter().map(|order| order.order).collect();
        let missed: Vec<_> = self
            .orders
            .iter()
            .filter(|t| !self.held.contains(t.order.id) && t.asked_at < snapshot.time)
            .map(|tracked| tracked.order.id)
            .filter(|id| !shown.contains(id))
            .collect();
        for id in missed {
            self.doubt(id, effects);
        }
    }

    /// What the venue holds of an instrument beyond what we do. Said only when nothing is in
    /// doubt: an execution that we have not heard of would look like somebody else's.
    fn compare_position(
        &mut self,
        instrument: InstrumentId,
        snapshot: &VenueSnapshot,
        effects: &mut Vec<Effect>,
    ) {
        let of = |id| self.orders.get(id).map(|tracked| tracked.order.instrument);
        if self.doubts.ids().any(|id| of(id) == Some(instrument)) {
            return;
        }
        let Some(later) = self.recent_fills.after(snapshot, instrument) else {
            return;
        };
        let mut held = snapshot.positions.iter().filter(|(of, _)| *of == instrument);
        let held = held.next().map_or(Quantity::ZERO, |(_, quantity)| *quantity);
        let ours = self.account.net_quantity(instrument) - later;
        let working = |side: Side| {
            let all = snapshot.external_orders.iter();
            let own = all.filter(|order| order.instrument == instrument && order.side == side);
            Quantity(own.map(|order| order.remaining.0).fold(0, i64::saturating_add))
        };
        let position = Quantity(held.0.saturating_sub(ours.0));
        let [buying, selling] = [working(Side::Buy), working(Side::Sell)];
        let before = self.external[usize::from(instrument.0)];
        if before == [position, buying, selling] {
            return;
        }
        let largest = position.abs().max(buying).max(selling);
        if largest > Quantity(crate::instrument::Instrument::QUANTITY_MAX) {
            return self.halt_instrument(instrument, Alert::NumberOverflow(instrument), effects);
        }
        self.commit(Record::External { instrument, position, buying, selling }, effects);
        if before[0] != position {
            self.commit(Record::Alert(Alert::ExternalPosition(instrument, position)), effects);
        }
    }

    /// The first comparison is over when the venue has shown its books and nothing is in doubt.
    pub(super) fn end_first_reconcile(&mut self, effects: &mut Vec<Effect>) {
        if self.reconciled || !self.compared || self.doubts.next().is_some() {
            return;
        }
        self.reconciled = true;
        // Books that were shown while something was in doubt said nothing about positions.
        self.ask_reconcile(effects);
        // What has been waiting for a price may have been passed meanwhile.
        for index in 0..self.external.len() {
            if let Ok(index) = u16::try_from(index) {
                self.mark(InstrumentId(index), effects);
            }
        }
        self.guard_all(effects);
    }
}
