//! What a venue says about the account as a whole, and its answers to our questions.

use alloc::vec::Vec;

use crate::{
    ids::{ClientOrderId, InstrumentId, PluginId, VenueOrderId},
    market::Side,
    num::Quantity,
    order::{Fill, OrderKind},
    time::UnixNanos,
};

/// News that are not a report about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueEvent {
    /// The answer to [`super::Effect::Query`].
    Status(OrderStatus),
    /// The answer to [`super::Effect::Reconcile`].
    Snapshot(VenueSnapshot),
    /// The line to the venue was down and is up again; what it said meanwhile is lost.
    Reconnected(UnixNanos),
    /// A position was closed for want of margin.
    Liquidated {
        /// Whose.
        plugin: PluginId,
        /// Of what.
        instrument: InstrumentId,
        /// Side of the closing trade.
        side: Side,
        /// The closing trade.
        fill: Fill,
        /// When.
        time: UnixNanos,
    },
}

/// What a venue knows of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderStatus {
    /// Which was asked about.
    pub order: ClientOrderId,
    /// The venue's time of the answer.
    pub time: UnixNanos,
    /// The order; `None` where every place that could know it says that there is none. A network
    /// error is no answer and makes no `OrderStatus`.
    pub found: Option<VenueOrder>,
}

/// One of our orders as the venue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueOrder {
    /// Our name of it.
    pub order: ClientOrderId,
    /// Of what.
    pub instrument: InstrumentId,
    /// The venue's number of it.
    pub venue_id: VenueOrderId,
    /// Where it stands.
    pub state: VenueOrderState,
    /// Total quantity.
    pub quantity: Quantity,
    /// Kind with its prices.
    pub kind: OrderKind,
    /// All its executions, each with the venue's time of it.
    pub fills: Vec<(Fill, UnixNanos)>,
}

/// Where an order stands at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VenueOrderState {
    /// It works.
    Working,
    /// It works, and its trigger was reached.
    Triggered,
    /// Nothing is left of it.
    Filled,
    /// Canceled.
    Canceled,
    /// Its time was over.
    Expired,
    /// It was refused.
    Rejected,
}

impl VenueOrderState {
    /// Whether it may still trade.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Working | Self::Triggered)
    }
}

/// The venue's books of the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VenueSnapshot {
    /// The venue's time: all that happened by then is in it, and nothing later.
    pub time: UnixNanos,
    /// Our orders that are open, each with all its executions.
    pub open: Vec<VenueOrder>,
    /// Every execution of the account since the time that was asked for.
    pub fills: Vec<AccountFill>,
    /// Open orders that are not ours.
    pub external_orders: Vec<ExternalOrder>,
    /// Net positions; an instrument that is absent is flat.
    pub positions: Vec<(InstrumentId, Quantity)>,
}

/// An execution as the account's books have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFill {
    /// Our order; `None` where it was none of ours.
    pub order: Option<ClientOrderId>,
    /// Of what.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// The execution.
    pub fill: Fill,
    /// The venue's time of it.
    pub time: UnixNanos,
}

/// An open order that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternalOrder {
    /// Of what.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// What may still trade.
    pub remaining: Quantity,
}
