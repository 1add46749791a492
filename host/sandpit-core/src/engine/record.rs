//! What the journal remembers. The engine's lasting state changes only by applying a record, live
//! and at a restart alike, so a journal that holds every record is a memory that misses nothing.

use alloc::{string::String, vec::Vec};

use crate::{
    engine::{Alert, Command, ExitPlan, Exits, Lock, LockReason},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, TimerId, TradeId, VenueOrderId},
    intent::Intent,
    market::Side,
    num::{Money, Price, Quantity},
    order::{Fill, Order, OrderKind, OrderState, Transition},
    plugin::{Fault, TradingState},
    risk::{Denial, Purpose},
    time::{Nanos, UnixNanos},
};

/// One thing that happened, complete enough to happen again.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A plugin asked for something; what became of it follows.
    Asked {
        /// Who.
        plugin: PluginId,
        /// For what.
        intent: Intent,
    },
    /// An intent was denied.
    Denied {
        /// Whose.
        plugin: PluginId,
        /// Of what, where it is known.
        instrument: Option<InstrumentId>,
        /// The order it was about, where it named one.
        tag: Option<OrderTag>,
        /// Why.
        denial: Denial,
    },
    /// An order was approved; it is sent next.
    Submitted {
        /// The order.
        order: Order,
        /// What it is for.
        purpose: Purpose,
        /// The order in whose place it comes, where the venue cannot change one.
        replaces: Option<ClientOrderId>,
    },
    /// An order was approved; the host keeps it until its trigger is reached.
    Held {
        /// The order.
        order: Order,
        /// What it is for.
        purpose: Purpose,
        /// The order in whose place it comes, where one was at the venue and cannot stay there.
        replaces: Option<ClientOrderId>,
    },
    /// Two orders were submitted as a pair of which one ends the other; follows their records.
    Paired {
        /// The stop.
        stop: ClientOrderId,
        /// The take-profit.
        profit: ClientOrderId,
    },
    /// A held order is sent next, in another form than it had.
    Released {
        /// Which.
        order: ClientOrderId,
        /// As what.
        kind: OrderKind,
        /// How much of it.
        quantity: Quantity,
    },
    /// An order moved along the table of its life.
    Moved {
        /// Which.
        order: ClientOrderId,
        /// By what.
        by: Transition,
        /// To where.
        to: OrderState,
        /// What else is known.
        news: News,
        /// Who says so.
        origin: Origin,
    },
    /// An order traded.
    Filled {
        /// The order as it was.
        order: Order,
        /// The execution.
        fill: Fill,
        /// The venue's time of it.
        time: UnixNanos,
        /// Who says so.
        origin: Origin,
    },
    /// An order ended; follows from the record before it.
    Closed {
        /// Which.
        order: Order,
        /// How.
        state: OrderState,
        /// How much of it traded.
        filled: Quantity,
    },
    /// An order is to be canceled and, once that is confirmed, placed anew in another form, since
    /// the venue cannot change it.
    Replacing {
        /// Which.
        order: ClientOrderId,
        /// New total quantity, what has filled included.
        quantity: Quantity,
        /// New form.
        kind: OrderKind,
    },
    /// An order that was to be replaced will not be.
    ReplacementEnded(ClientOrderId),
    /// Exits of an entry, to be placed as it fills.
    Planned {
        /// The entry.
        entry: ClientOrderId,
        /// Its exits.
        plan: ExitPlan,
    },
    /// The exits of an entry are placed.
    ExitsPlaced {
        /// The entry.
        entry: ClientOrderId,
        /// Its exits.
        exits: Exits,
    },
    /// A plugin wants to be woken.
    TimerSet {
        /// Whom.
        plugin: PluginId,
        /// Its name of it.
        id: TimerId,
        /// When.
        at: UnixNanos,
        /// How often after that.
        every: Option<Nanos>,
    },
    /// A timer is no more: it fired for the last time, or was canceled.
    TimerEnded {
        /// Whose.
        plugin: PluginId,
        /// Its name of it.
        id: TimerId,
    },
    /// What is let through has changed; follows from the record before it.
    TradingState {
        /// For whom: a plugin, or the account.
        plugin: Option<PluginId>,
        /// What.
        state: TradingState,
    },
    /// The operator says what is let through.
    StateSet {
        /// For whom: a plugin, or the account.
        plugin: Option<PluginId>,
        /// What.
        state: TradingState,
    },
    /// A scope is locked.
    Locked {
        /// Whom: a plugin, or the account.
        plugin: Option<PluginId>,
        /// How, why and until when.
        lock: Lock,
    },
    /// A lock has ended, by time or by a person.
    Unlocked {
        /// Whose: a plugin's, or the account's.
        plugin: Option<PluginId>,
        /// Which.
        reason: LockReason,
    },
    /// How a scope stood. Written about once a minute, and when its peak has grown by 0.1 %.
    Equity {
        /// Whose: a plugin's, or the account's.
        plugin: Option<PluginId>,
        /// How.
        sample: EquitySample,
    },
    /// A scope stands elsewhere on its ramp.
    Ramp {
        /// Whose: a plugin's, or the account's.
        plugin: Option<PluginId>,
        /// Which stage, from 0.
        stage: u8,
        /// Days on it without a breach.
        clean_days: u16,
    },
    /// A scope's positions are to be closed, or are no longer.
    Flattening {
        /// Whose.
        plugin: PluginId,
        /// Whether they are to be.
        wanted: bool,
    },
    /// Funding of a perpetual was paid (positive) or received.
    Funded {
        /// By whom.
        plugin: PluginId,
        /// Of what.
        instrument: InstrumentId,
        /// How much.
        amount: Money,
    },
    /// The venue closed a position for want of margin.
    Liquidated {
        /// Whose.
        plugin: PluginId,
        /// Of what.
        instrument: InstrumentId,
        /// Side of the closing trade.
        side: Side,
        /// The closing trade.
        fill: Fill,
        /// The venue's time of it.
        time: UnixNanos,
    },
    /// What of the account is not ours.
    External {
        /// Of what.
        instrument: InstrumentId,
        /// Signed position.
        position: Quantity,
        /// Remaining quantity of buys.
        buying: Quantity,
        /// Remaining quantity of sells.
        selling: Quantity,
    },
    /// Our books and the venue's were compared.
    Reconciled {
        /// The venue's time of its books.
        at: UnixNanos,
        /// How many things had to be mended.
        mended: u32,
    },
    /// The trigger of a held trailing stop has followed the market. Written about ten times in
    /// the offset's length, so after a restart the trigger is at most a tenth of it behind.
    Trailed {
        /// Which.
        order: ClientOrderId,
        /// Best price since it was placed.
        best: Price,
    },
    /// Something impossible was reported of an instrument; only cancels pass.
    InstrumentHalted(InstrumentId),
    /// A person let an instrument trade again.
    InstrumentResumed(InstrumentId),
    /// A plugin has come while the host ran, or since it last did. What it was given is neither a
    /// profit nor a loss of the account.
    PluginAdded {
        /// Its number: the next one.
        plugin: PluginId,
        /// Its name, for readers.
        name: String,
        /// What it is given. At a restart the configuration says it anew, as of all plugins.
        budget: Money,
    },
    /// A plugin is at fault.
    Faulted(PluginId, Fault),
    /// Somebody other than a plugin decided.
    Commanded(Command),
    /// Something that a person must look at.
    Alert(Alert),
    /// An order as it stands, where a journal begins in the middle of a run.
    Carried(CarriedOrder),
    /// A position as it stands, where a journal begins in the middle of a run.
    CarriedPosition {
        /// Whose.
        plugin: PluginId,
        /// Of what.
        instrument: InstrumentId,
        /// Signed quantity.
        quantity: Quantity,
        /// Signed notional at which the open part was entered.
        cost: Money,
        /// Realized PnL, without fees.
        realized: Money,
        /// Fees paid.
        fees: Money,
        /// Funding paid.
        funding: Money,
    },
    /// The last sequence number of a client order id that was used.
    CarriedSequence(u64),
    /// Losing round trips in a row, where a journal begins in the middle of a run.
    CarriedStreak {
        /// Whose: a plugin's, or the account's.
        plugin: Option<PluginId>,
        /// How many.
        losses: u32,
    },
    /// A round trip under way, where a journal begins in the middle of a run.
    CarriedRound {
        /// Whose.
        plugin: PluginId,
        /// Of what.
        instrument: InstrumentId,
        /// What the position had earned when it was opened.
        opened_at: Money,
    },
}

impl Record {
    /// The plugin that it is about, where there is one.
    #[must_use]
    pub const fn plugin(&self) -> Option<PluginId> {
        match self {
            Self::Asked { plugin, .. }
            | Self::Denied { plugin, .. }
            | Self::TimerSet { plugin, .. }
            | Self::TimerEnded { plugin, .. }
            | Self::Flattening { plugin, .. }
            | Self::Funded { plugin, .. }
            | Self::Liquidated { plugin, .. }
            | Self::PluginAdded { plugin, .. }
            | Self::Faulted(plugin, _)
            | Self::CarriedRound { plugin, .. }
            | Self::CarriedPosition { plugin, .. } => Some(*plugin),
            Self::Ramp { plugin, .. }
            | Self::CarriedStreak { plugin, .. }
            | Self::TradingState { plugin, .. }
            | Self::StateSet { plugin, .. }
            | Self::Locked { plugin, .. }
            | Self::Unlocked { plugin, .. }
            | Self::Equity { plugin, .. } => *plugin,
            _ => match self.order() {
                Some(order) => Some(order.plugin),
                None => None,
            },
        }
    }

    /// The order that it is about, where there is one.
    #[must_use]
    pub const fn order(&self) -> Option<ClientOrderId> {
        match self {
            Self::Submitted { order, .. }
            | Self::Held { order, .. }
            | Self::Filled { order, .. }
            | Self::Closed { order, .. } => Some(order.id),
            Self::Carried(carried) => Some(carried.order.id),
            Self::Released { order, .. }
            | Self::Moved { order, .. }
            | Self::Replacing { order, .. }
            | Self::Trailed { order, .. }
            | Self::ReplacementEnded(order) => Some(*order),
            Self::Planned { entry, .. } | Self::ExitsPlaced { entry, .. } => Some(*entry),
            Self::Paired { stop, .. } => Some(*stop),
            _ => None,
        }
    }

    /// The instrument that it names, where it names one.
    #[must_use]
    pub const fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Self::Submitted { order, .. }
            | Self::Held { order, .. }
            | Self::Filled { order, .. }
            | Self::Closed { order, .. } => Some(order.instrument),
            Self::Carried(carried) => Some(carried.order.instrument),
            Self::Planned { plan, .. } => Some(plan.instrument),
            Self::Denied { instrument, .. } => *instrument,
            Self::Funded { instrument, .. }
            | Self::Liquidated { instrument, .. }
            | Self::External { instrument, .. }
            | Self::CarriedRound { instrument, .. }
            | Self::InstrumentHalted(instrument)
            | Self::InstrumentResumed(instrument)
            | Self::CarriedPosition { instrument, .. } => Some(*instrument),
            _ => None,
        }
    }
}

/// Who says that something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The venue, as it happened.
    Venue,
    /// Our reconciliation with the venue's books: a report was lost, and this stands for it.
    Reconciliation,
    /// The host.
    Host,
}

/// What a move of an order brings with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    Nothing,
    /// The venue's number of the order.
    VenueId(VenueOrderId),
    /// What it is asked to become.
    Asked {
        /// Total quantity.
        quantity: Option<Quantity>,
        /// Limit price, or trigger where there is no limit.
        price: Option<Price>,
    },
    /// What it has become.
    Became {
        /// Total quantity.
        quantity: Quantity,
        /// Kind with its prices.
        kind: OrderKind,
    },
    /// Why not, in the venue's words (at most 256 bytes).
    Reason(String),
    /// Why a cancel was refused. A change that was asked for before it is still unanswered.
    CancelRefused(String),
}

/// An order with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedOrder {
    /// The order.
    pub order: Order,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: OrderState,
    /// Whether the host keeps it.
    pub held: bool,
    /// How much has traded.
    pub filled: Quantity,
    /// What had traded of the orders in whose place it came.
    pub filled_before: Quantity,
    /// The venue's number of it.
    pub venue_id: Option<VenueOrderId>,
    /// Total quantity that was asked for and not answered.
    pub asked: Option<Quantity>,
    /// Whether somebody wants it to end.
    pub cancel_wanted: bool,
    /// Executions that were booked, ascending.
    pub trades: Vec<TradeId>,
    /// When something was last asked of the venue about it.
    pub asked_at: UnixNanos,
}

/// How a scope stood at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EquitySample {
    /// When. A journal that begins in the middle of a run tells of samples from before it.
    pub time: UnixNanos,
    /// Balance plus unrealized PnL.
    pub equity: Money,
    /// Budget plus realized PnL minus fees.
    pub balance: Money,
    /// Highest equity so far.
    pub peak: Money,
    /// Equity at the start of the session's day.
    pub day_start: Money,
}
