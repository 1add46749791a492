//! The two closed sets between the engine and the world.

use alloc::vec::Vec;

use crate::{
    engine::{LockReason, Record, VenueEvent},
    ids::{ClientOrderId, InstrumentId, PluginId},
    intent::Intent,
    market::{BookError, MarketEvent},
    num::{Money, Price, Quantity},
    order::{IllegalTransition, Order, Report},
    plugin::{Fault, PluginEvent, TradingState},
    risk::{Approved, Scope},
    time::UnixNanos,
};

/// All that can happen to the engine. Time never goes back from one to the next; where it would,
/// the engine's clock stays.
#[derive(Clone, Debug)]
pub enum Event {
    /// The market moved.
    Market(MarketEvent),
    /// The market had moved before the session: told to plugins as history.
    History(MarketEvent),
    /// Time has come to this.
    Clock(UnixNanos),
    /// A plugin asks.
    Intents {
        /// Who.
        plugin: PluginId,
        /// What, oldest first.
        intents: Vec<Intent>,
    },
    /// A venue speaks about an order.
    Report(Report),
    /// A venue speaks about the account, or answers a question.
    Venue(VenueEvent),
    /// The operator, or the host on its own account, decides.
    Command(Command),
}

/// Decisions that are not a plugin's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Sets what is let through for one plugin.
    SetPluginState(PluginId, TradingState),
    /// Sets what is let through for the account.
    SetAccountState(TradingState),
    /// A plugin is at fault and does not run for now: until it does, nothing of it passes that
    /// grows a position. What it has working stays.
    Fault(PluginId, Fault),
    /// A plugin that was at fault runs again: the lock of its fault ends. Means nothing where there
    /// is no such lock; one that an older host set until a person ends it stays.
    Restarted(PluginId),
    /// A plugin is not trusted any more: it is halted until a person ends the lock
    /// [`LockReason::Quarantine`], and its orders are canceled, but for the exits and stops that
    /// the host placed. The end of that lock ends the lock of its fault as well.
    Quarantine {
        /// Which.
        plugin: PluginId,
        /// Whether its positions are closed, too.
        flatten: bool,
    },
    /// Halts the account and cancels every order. It stays so, over restarts, until a person
    /// unlocks it.
    Kill {
        /// Whether all positions are closed, too.
        flatten: bool,
    },
    /// Locks the account because the host cannot write its journal; cancels every order.
    LoseJournal,
    /// Ends a lock: of a plugin, or of the account.
    Unlock(Option<PluginId>, LockReason),
    /// Cancels a plugin's orders; the exits that the host placed stay.
    CancelOrders(PluginId),
    /// Cancels a plugin's orders, or everybody's, and closes the positions.
    Flatten(Option<PluginId>),
    /// Lets an instrument trade again that was halted.
    ResumeInstrument(InstrumentId),
}

/// All that the engine asks of the world, in the order in which it is to be done: what is to be
/// recorded stands before what follows from it.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Write this down.
    Record(Record),
    /// Send an order.
    Submit(Approved<Order>),
    /// Send two orders of one position of which one ends the other: both or none. Only where the
    /// venue has [`super::VenueCapabilities::oco`].
    SubmitPair {
        /// The stop.
        stop: Approved<Order>,
        /// The take-profit.
        profit: Approved<Order>,
    },
    /// Cancel an order. One of a pair takes the other with it.
    Cancel(CancelOrder),
    /// Cancel all orders of an instrument, those of others on the account among them. Comes beside
    /// the cancels of our own, and only where the venue has
    /// [`super::VenueCapabilities::cancel_all`].
    CancelAll(InstrumentId),
    /// Change an order.
    Amend(Approved<AmendOrder>),
    /// Ask the venue about an order, at every place that could know it; the answer is
    /// [`VenueEvent::Status`]. An error is no answer.
    Query(QueryOrder),
    /// Ask the venue for its books; the answer is [`VenueEvent::Snapshot`].
    Reconcile(Reconcile),
    /// Tell a plugin.
    CallPlugin {
        /// Whom.
        plugin: PluginId,
        /// What.
        event: PluginEvent,
    },
}

/// The end of an order. Needs no approval: a cancel always passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    /// Which.
    pub order: ClientOrderId,
    /// Of what.
    pub instrument: InstrumentId,
}

/// A question about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryOrder {
    /// Which.
    pub order: ClientOrderId,
    /// Of what.
    pub instrument: InstrumentId,
}

/// A question about the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// Executions from here on are to be in the answer.
    pub since: UnixNanos,
}

/// A change of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmendOrder {
    /// Which.
    pub order: ClientOrderId,
    /// Of what.
    pub instrument: InstrumentId,
    /// New total quantity.
    pub quantity: Option<Quantity>,
    /// New limit price, or trigger where there is no limit.
    pub price: Option<Price>,
}

/// What a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alert {
    /// A report that the order's life does not allow; the instrument is halted.
    ImpossibleReport(ClientOrderId, InstrumentId, IllegalTransition),
    /// A fill of more than the order had left; it is booked, and the instrument is halted.
    Overfilled(ClientOrderId, InstrumentId),
    /// A report about an order that is not ours, or is long over.
    StrangeReport(ClientOrderId),
    /// The book lost its thread and waits for a snapshot.
    BookLost(InstrumentId, BookError),
    /// A number left its bounds; the scope's instrument is halted.
    NumberOverflow(InstrumentId),
    /// The kill switch was pulled.
    Killed(Scope),
    /// The venue closed a position for want of margin.
    Liquidated(PluginId, InstrumentId),
    /// A plugin is in quarantine until a person lets it go.
    Quarantined(PluginId),
    /// An order that the venue once had is not known there any more; it counts as canceled.
    OrderVanished(ClientOrderId),
    /// What the account holds beyond what we do has changed.
    ExternalPosition(InstrumentId, Quantity),
    /// A position could not be closed yet; it is tried again.
    CannotFlatten(PluginId),
    /// A guard's bound was reached; the scope is locked.
    LimitBreached {
        /// Whose: a plugin's, or the account's.
        plugin: Option<PluginId>,
        /// Which guard.
        reason: LockReason,
        /// What was lost: an amount, or a number of round trips.
        value: Money,
        /// What may be lost.
        limit: Money,
    },
    /// Cancels are too many; they go on passing, and nothing new does until they are fewer.
    CancelsAboveRate {
        /// Whose: a plugin's, or the account's.
        plugin: Option<PluginId>,
    },
    /// The same was bought and sold again and again, by one plugin or between two.
    SelfTradePattern {
        /// Of what.
        instrument: InstrumentId,
        /// Between whom; twice the same where it was one alone.
        plugins: [PluginId; 2],
        /// So many fills.
        trades: u32,
    },
    /// A position has no stop of the host's yet; it is tried again.
    Unprotected {
        /// Whose.
        plugin: PluginId,
        /// Of what.
        instrument: InstrumentId,
    },
}
