//! The open orders, who they belong to, and what they could still do to a position. The only
//! owner of an order's state.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use crate::{
    engine::CarriedOrder,
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, TradeId, VenueOrderId},
    market::Side,
    num::Quantity,
    order::{IllegalTransition, Order, OrderState, Transition, next_state},
    risk::{Exposure, Purpose},
    time::UnixNanos,
};

/// Orders that are over and are remembered for reports that come late. The oldest is forgotten
/// first; a report about it is then a stranger's, and alerts.
pub const CLOSED_ORDERS_MAX: usize = 4_096;

/// An order with what has become of it.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    pub(crate) order: Order,
    pub(crate) purpose: Purpose,
    pub(crate) state: OrderState,
    pub(crate) filled: Quantity,
    pub(crate) venue_id: Option<VenueOrderId>,
    /// What had traded of the orders in whose place it came.
    pub(crate) filled_before: Quantity,
    /// When something was last asked of the venue about it.
    pub(crate) asked_at: UnixNanos,
    /// Whether somebody wants it to end; a cancel that gets lost is then sent again.
    pub(crate) cancel_wanted: bool,
    /// The quantity of a change that the venue has not answered. Whatever happens meanwhile (a
    /// cancel, a trigger, a fill), the order may still become that large.
    asked: Option<Quantity>,
    /// What counts as working.
    reserved: Quantity,
    /// Whether the venue has it, or is to have it; the host keeps it otherwise.
    at_venue: bool,
    /// Whether it counts as one that can only reduce.
    bound: bool,
    /// Executions that were booked, in ascending order, so that one told twice is booked once.
    trades: Vec<TradeId>,
}

impl Tracked {
    fn new(order: Order, purpose: Purpose, state: OrderState, at: UnixNanos) -> Self {
        Self {
            order,
            purpose,
            state,
            filled: Quantity::ZERO,
            venue_id: None,
            filled_before: Quantity::ZERO,
            asked_at: at,
            cancel_wanted: false,
            asked: None,
            reserved: Quantity::ZERO,
            at_venue: state != OrderState::Emulated,
            bound: false,
            trades: Vec::new(),
        }
    }

    /// What may still trade; zero where a venue has filled more than there was.
    pub(crate) fn remaining(&self) -> Quantity {
        (self.order.quantity - self.filled).max(Quantity::ZERO)
    }

    /// What could still trade, the larger of both where a change is under way.
    pub(crate) fn working(&self) -> Quantity {
        let quantity = self.order.quantity.max(self.asked.unwrap_or_default());
        (quantity - self.filled).max(Quantity::ZERO)
    }

    /// Total quantity that it was asked to have, while that is not answered.
    pub(crate) const fn asked(&self) -> Option<Quantity> {
        self.asked
    }

    /// Whether the venue owes an answer to a change or a cancel, or to what became of it.
    pub(crate) const fn is_changing(&self) -> bool {
        self.asked.is_some()
            || matches!(
                self.state,
                OrderState::PendingUpdate | OrderState::PendingCancel | OrderState::Unknown
            )
    }

    /// What counts as working: of the two orders of a pair one carries both.
    pub(crate) const fn reserved(&self) -> Quantity {
        self.reserved
    }

    /// Whether it counts as one that can only reduce.
    pub(crate) const fn is_bound(&self) -> bool {
        self.bound
    }

    /// Whether an execution was booked before.
    pub(crate) fn has_trade(&self, trade: TradeId) -> bool {
        self.trades.binary_search(&trade).is_ok()
    }

    pub(crate) fn note_trade(&mut self, trade: TradeId) {
        let at = self.trades.partition_point(|noted| *noted < trade);
        self.trades.insert(at, trade);
    }

    /// All that is known of it.
    pub(crate) fn carried(&self, held: bool) -> CarriedOrder {
        CarriedOrder {
            order: self.order.clone(),
            purpose: self.purpose,
            state: self.state,
            held,
            filled: self.filled,
            filled_before: self.filled_before,
            venue_id: self.venue_id,
            asked: self.asked,
            cancel_wanted: self.cancel_wanted,
            trades: self.trades.clone(),
            asked_at: self.asked_at,
        }
    }

    fn of_carried(carried: CarriedOrder) -> Self {
        Self {
            order: carried.order,
            purpose: carried.purpose,
            state: carried.state,
            filled: carried.filled,
            venue_id: carried.venue_id,
            filled_before: carried.filled_before,
            asked_at: carried.asked_at,
            cancel_wanted: carried.cancel_wanted,
            asked: carried.asked,
            reserved: Quantity::ZERO,
            at_venue: !carried.held,
            bound: false,
            trades: carried.trades,
        }
    }
}

/// Working orders of one scope.
#[derive(Clone, Debug)]
struct ScopeOrders {
    exposures: Vec<Exposure>,
    open: u32,
}

/// All orders of a run that are open or were until lately.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    open: BTreeMap<ClientOrderId, Tracked>,
    closed: BTreeMap<ClientOrderId, Tracked>,
    closed_order: VecDeque<ClientOrderId>,
    /// Orders that a plugin may speak of. The host's own protective orders have no tag here.
    tags: BTreeMap<(PluginId, OrderTag), ClientOrderId>,
    /// From either order of a pair to the other. At most one of the two trades.
    pairs: BTreeMap<ClientOrderId, ClientOrderId>,
    plugins: Vec<ScopeOrders>,
    account: ScopeOrders,
    /// Whether the venue keeps reduce-only orders to what they reduce. Where it does not, one that
    /// is there can turn a position, however fast the host is to cancel it.
    venue_reduces: bool,
}

impl Orders {
    pub(crate) fn new(plugins: usize, instruments: usize, venue_reduces: bool) -> Self {
        let scope =
            ScopeOrders { exposures: alloc::vec![Exposure::default(); instruments], open: 0 };
        Self {
            open: BTreeMap::new(),
            closed: BTreeMap::new(),
            closed_order: VecDeque::new(),
            tags: BTreeMap::new(),
            pairs: BTreeMap::new(),
            plugins: alloc::vec![scope.clone(); plugins],
            account: scope,
            venue_reduces,
        }
    }

    /// Takes in one more plugin, which has no orders.
    pub(crate) fn add_plugin(&mut self) {
        let exposures = alloc::vec![Exposure::default(); self.account.exposures.len()];
        self.plugins.push(ScopeOrders { exposures, open: 0 });
    }

    pub(crate) fn by_tag(&self, plugin: PluginId, tag: OrderTag) -> Option<ClientOrderId> {
        self.tags.get(&(plugin, tag)).copied()
    }

    pub(crate) fn get(&self, id: ClientOrderId) -> Option<&Tracked> {
        self.open.get(&id)
    }

    /// An order that is open, or over and remembered.
    pub(crate) fn get_any(&self, id: ClientOrderId) -> Option<&Tracked> {
        self.open.get(&id).or_else(|| self.closed.get(&id))
    }

    /// The same, to note something of it that does not move what it reserves.
    pub(crate) fn get_any_mut(&mut self, id: ClientOrderId) -> Option<&mut Tracked> {
        self.open.get_mut(&id).or_else(|| self.closed.get_mut(&id))
    }

    pub(crate) fn is_open(&self, id: ClientOrderId) -> bool {
        self.open.contains_key(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tracked> {
        self.open.values()
    }

    /// The remembered ones that are over, oldest end first.
    pub(crate) fn iter_closed(&self) -> impl Iterator<Item = &Tracked> {
        self.closed_order.iter().filter_map(|id| self.closed.get(id))
    }

    /// Own open orders of a plugin, by tag; the host's protective ones are not among them.
    pub(crate) fn of_plugin(&self, plugin: PluginId) -> impl Iterator<Item = &Tracked> {
        self.tags
            .range((plugin, OrderTag(0))..=(plugin, OrderTag(u64::MAX)))
            .filter_map(|(_, id)| self.open.get(id))
    }

    pub(crate) fn plugin_exposure(&self, plugin: PluginId, instrument: InstrumentId) -> Exposure {
        self.plugins[usize::from(plugin.0)].exposures[usize::from(instrument.0)]
    }

    pub(crate) fn plugin_exposures(&self, plugin: PluginId) -> &[Exposure] {
        &self.plugins[usize::from(plugin.0)].exposures
    }

    pub(crate) fn account_exposures(&self) -> &[Exposure] {
        &self.account.exposures
    }

    pub(crate) fn plugin_open(&self, plugin: PluginId) -> u32 {
        self.plugins[usize::from(plugin.0)].open
    }

    pub(crate) const fn account_open(&self) -> u32 {
        self.account.open
    }

    /// Takes in a new order.
    pub(crate) fn open(
        &mut self,
        order: Order,
        purpose: Purpose,
        state: OrderState,
        at: UnixNanos,
    ) {
        self.insert(Tracked::new(order, purpose, state, at));
    }

    /// Takes in an order as a journal carried it over.
    pub(crate) fn carry(&mut self, carried: CarriedOrder) {
        let tracked = Tracked::of_carried(carried);
        if tracked.state.is_closed() {
            self.remember(tracked);
        } else {
            self.insert(tracked);
        }
    }

    fn insert(&mut self, tracked: Tracked) {
        let (id, plugin) = (tracked.order.id, tracked.order.plugin());
        if tracked.purpose.is_told() {
            self.tags.insert((plugin, tracked.order.tag), id);
        }
        self.count_open(&tracked, true);
        self.open.insert(id, tracked);
        self.refresh(id);
    }

    /// Notes a change to `quantity` that was asked for, or, with `None`, the answer to it.
    pub(crate) fn ask_quantity(&mut self, id: ClientOrderId, quantity: Option<Quantity>) {
        if let Some(tracked) = self.open.get_mut(&id) {
            tracked.asked = quantity;
        }
        self.refresh(id);
    }

    /// Counts anew what works of an order that has changed. Of a pair the larger counts, once.
    pub(crate) fn refresh(&mut self, id: ClientOrderId) {
        let Some(working) = self.open.get(&id).map(Tracked::working) else {
            return;
        };
        let partner = self.partner(id).and_then(|other| Some((other, self.open.get(&other)?)));
        match partner.map(|(other, tracked)| (other, tracked.working())) {
            Some((other, theirs)) => {
                self.reserve(id.max(other), Quantity::ZERO);
                self.reserve(id.min(other), working.max(theirs));
            }
            None => self.reserve(id, working),
        }
    }

    /// The other order of a pair, open or not.
    pub(crate) fn partner(&self, id: ClientOrderId) -> Option<ClientOrderId> {
        self.pairs.get(&id).copied()
    }

    /// Of these two one trades at most.
    pub(crate) fn pair(&mut self, one: ClientOrderId, other: ClientOrderId) {
        self.pairs.insert(one, other);
        self.pairs.insert(other, one);
        self.refresh(one);
        self.refresh(other);
    }

    /// A pair of which nothing is left.
    pub(crate) fn unpair(&mut self, id: ClientOrderId) {
        if let Some(other) = self.pairs.remove(&id) {
            self.pairs.remove(&other);
        }
    }

    /// All pairs, the elder order of each first.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (ClientOrderId, ClientOrderId)> {
        self.pairs.iter().filter(|(one, other)| one < other).map(|(one, other)| (*one, *other))
    }

    /// A held order goes to the venue.
    pub(crate) fn release(&mut self, id: ClientOrderId) {
        if let Some(tracked) = self.open.get_mut(&id) {
            tracked.at_venue = true;
        }
        self.refresh(id);
    }

    /// Counts so much of an order as working.
    pub(crate) fn reserve(&mut self, id: ClientOrderId, quantity: Quantity) {
        let Some(tracked) = self.open.get_mut(&id) else {
            return;
        };
        let before = (tracked.bound, tracked.reserved);
        tracked.bound = tracked.order.reduce_only && (self.venue_reduces || !tracked.at_venue);
        tracked.reserved = quantity;
        assert!(tracked.reserved >= Quantity::ZERO, "reserved exposure is never negative");
        // A stop of the host's own that can only reduce counts as the whole position, whether it
        // stands or not.
        let protective = tracked.purpose == Purpose::Protective;
        let counts = |bound, quantity| if protective && bound { Quantity::ZERO } else { quantity };
        let (side, bound, instrument) =
            (tracked.order.side, tracked.bound, tracked.order.instrument);
        self.expose(id.plugin, instrument, |exposure| {
            exposure.work(side, before.0, -counts(before.0, before.1));
            exposure.work(side, bound, counts(bound, quantity));
        });
    }

    /// Changes what a plugin is exposed to, and the account with it.
    fn expose(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        change: impl FnOnce(&mut Exposure),
    ) {
        let at = usize::from(instrument.0);
        let own = &mut self.plugins[usize::from(plugin.0)].exposures[at];
        let before = *own;
        change(own);
        self.account.exposures[at].follow(&before, own);
    }

    /// Counts what is not ours as the account's.
    pub(crate) fn expose_account(
        &mut self,
        instrument: InstrumentId,
        change: impl FnOnce(&mut Exposure),
    ) {
        change(&mut self.account.exposures[usize::from(instrument.0)]);
    }

    /// Notes a bracket whose exits are on `side`, or the end of one.
    pub(crate) fn plan_exits(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        side: Side,
        planned: bool,
    ) {
        self.expose(plugin, instrument, |exposure| exposure.plan_exits(side, planned));
    }

    /// Books a fill of signed `quantity` into the positions that risk looks at.
    pub(crate) fn move_position(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        quantity: Quantity,
    ) {
        self.expose(plugin, instrument, |exposure| exposure.position += quantity);
    }

    /// Moves an order along the table.
    pub(crate) fn transition(
        &mut self,
        id: ClientOrderId,
        by: Transition,
    ) -> Option<Result<OrderState, IllegalTransition>> {
        let tracked = self.get_any_mut(id)?;
        let to = match next_state(tracked.state, by) {
            Ok(to) => to,
            Err(illegal) => return Some(Err(illegal)),
        };
        tracked.state = to;
        if to.is_closed() {
            self.close(id);
        }
        Some(Ok(to))
    }

    fn close(&mut self, id: ClientOrderId) {
        self.reserve(id, Quantity::ZERO);
        let Some(mut tracked) = self.open.remove(&id) else {
            return;
        };
        // What was asked of it stays: it may have been done before the end.
        tracked.cancel_wanted = false;
        let plugin = id.plugin;
        if self.by_tag(plugin, tracked.order.tag) == Some(id) {
            self.tags.remove(&(plugin, tracked.order.tag));
        }
        self.count_open(&tracked, false);
        self.remember(tracked);
        // What is left of a pair counts for itself.
        if let Some(other) = self.partner(id) {
            self.refresh(other);
        }
    }

    /// Counts an order that begins or ends. A stop of the host's own is none of the plugin's.
    fn count_open(&mut self, tracked: &Tracked, begins: bool) {
        let count = |open: &mut u32| *open = if begins { *open + 1 } else { *open - 1 };
        count(&mut self.account.open);
        if tracked.purpose != Purpose::Protective {
            count(&mut self.plugins[usize::from(tracked.order.plugin().0)].open);
        }
    }

    /// The host keeps stops for a plugin's positions. One may come, and fill, at any moment, so the
    /// worst case reckons with it whether it stands or not.
    pub(crate) fn protect(&mut self, plugin: PluginId) {
        for index in 0..self.account.exposures.len() {
            let Ok(instrument) = u16::try_from(index).map(InstrumentId) else { continue };
            self.expose(plugin, instrument, Exposure::protect);
        }
    }

    fn remember(&mut self, tracked: Tracked) {
        if self.closed_order.len() == CLOSED_ORDERS_MAX
            && let Some(oldest) = self.closed_order.pop_front()
        {
            self.closed.remove(&oldest);
        }
        let id = tracked.order.id;
        self.closed_order.push_back(id);
        self.closed.insert(id, tracked);
    }
}
