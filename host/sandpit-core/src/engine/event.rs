//! The two closed sets between the engine and the world.

use alloc::vec::Vec;

use crate::{
    ids::{ClientOrderId, InstrumentId, PluginId},
    intent::Intent,
    market::{BookError, MarketEvent},
    num::{Price, Quantity},
    order::{Fill, IllegalTransition, Order, OrderState, Report},
    plugin::{Fault, PluginEvent, TradingState},
    risk::{Approved, Denial, Scope},
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
    /// The operator, or the host on its own account, decides.
    Command(Command),
}

/// Decisions that are not a plugin's.
#[derive(Clone, Debug)]
pub enum Command {
    /// Sets what is let through for one plugin.
    SetPluginState(PluginId, TradingState),
    /// Sets what is let through for the account.
    SetAccountState(TradingState),
    /// A plugin is at fault: it is halted and its orders are canceled.
    Fault(PluginId, Fault),
    /// Halts the account and cancels every order. It stays so until the state is set again.
    Kill,
}

/// All that the engine asks of the world, in the order in which it is to be done: what is to be
/// recorded stands before what follows from it.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Write this down.
    Record(Record),
    /// Send an order.
    Submit(Approved<Order>),
    /// Cancel an order.
    Cancel(CancelOrder),
    /// Change an order.
    Amend(Approved<AmendOrder>),
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

/// What the journal is to remember.
#[derive(Clone, Debug)]
pub enum Record {
    /// An intent was denied.
    Denied {
        /// Whose.
        plugin: PluginId,
        /// Of what, where it is known.
        instrument: Option<InstrumentId>,
        /// Why.
        denial: Denial,
    },
    /// An order was approved; it is sent next.
    Submitted(Order),
    /// An order traded.
    Filled(Order, Fill),
    /// An order ended.
    Closed {
        /// Which.
        order: Order,
        /// How.
        state: OrderState,
        /// How much of it traded.
        filled: Quantity,
    },
    /// The fate of an order was lost.
    Unknown(ClientOrderId),
    /// What is let through has changed.
    TradingState {
        /// For whom: a plugin, or the account.
        plugin: Option<PluginId>,
        /// What.
        state: TradingState,
    },
    /// A plugin is at fault.
    Faulted(PluginId, Fault),
    /// Something that a person must look at.
    Alert(Alert),
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
    /// A state change was asked for by the kill switch.
    Killed(Scope),
}
