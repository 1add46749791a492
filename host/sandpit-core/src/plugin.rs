//! How the engine and a plugin meet: what a call carries and what comes back. How the call is
//! made (native code, a component inline, a runner process) is [`PluginPort`]'s business.

use alloc::{boxed::Box, string::String, vec::Vec};

use crate::{
    ids::{InstrumentId, OrderTag, PluginId, TimerId},
    instrument::Instrument,
    intent::Intent,
    market::{DataKind, MarketEvent, Side},
    num::{Decimal, Money, Price, Quantity},
    order::{Fill, OrderKind},
    risk::DenialCode,
    time::UnixNanos,
};

/// What a plugin is told.
#[derive(Clone, Debug, PartialEq)]
pub enum PluginEvent {
    /// Trade, quote or bar. Depth arrives as [`Self::Depth`].
    Market {
        /// The event.
        event: MarketEvent,
        /// Warm-up: the intents of this call are ignored.
        history: bool,
    },
    /// The best levels of a book after a change.
    Depth(Box<DepthView>),
    /// An own order.
    Order(OrderUpdate),
    /// The own position changed.
    Position(PositionView),
    /// The own balance changed.
    Budget(BudgetView),
    /// A timer.
    Timer {
        /// Which.
        id: TimerId,
        /// Now.
        time: UnixNanos,
    },
    /// What is let through has changed.
    TradingState {
        /// Now.
        state: TradingState,
        /// Since.
        time: UnixNanos,
    },
}

/// The best levels of a book, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthView {
    /// Of what.
    pub instrument: InstrumentId,
    /// When.
    pub time: UnixNanos,
    /// Bids.
    pub bids: Vec<(Price, Quantity)>,
    /// Asks.
    pub asks: Vec<(Price, Quantity)>,
}

/// What happened to an own order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderUpdate {
    /// When.
    pub time: UnixNanos,
    /// The plugin's name of it.
    pub tag: OrderTag,
    /// Instrument.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// What.
    pub kind: OrderUpdateKind,
    /// Total.
    pub quantity: Quantity,
    /// Filled so far.
    pub filled: Quantity,
    /// Whether it is over.
    pub closed: bool,
}

/// The kinds of order updates; see the contract for their meaning.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderUpdateKind {
    /// The venue has it.
    Accepted,
    /// The host refused the intent.
    Denied(DenialCode),
    /// The venue refused the order.
    Rejected(String),
    /// The trigger was reached.
    Triggered,
    /// Changed as asked.
    Amended,
    /// A change or cancel was refused by the host.
    ChangeDenied(DenialCode),
    /// A change or cancel was refused by the venue.
    ChangeRejected(String),
    /// It traded.
    Filled(Fill),
    /// Canceled.
    Canceled,
    /// Its time was over.
    Expired,
    /// Its fate is not known.
    Unknown,
}

/// The own position in one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionView {
    /// Instrument.
    pub instrument: InstrumentId,
    /// When.
    pub time: UnixNanos,
    /// Signed.
    pub quantity: Quantity,
    /// What the open part cost: signed notional at entry.
    pub cost: Money,
    /// Realized PnL, without fees.
    pub realized_pnl: Money,
}

impl PositionView {
    /// Average entry price as a plugin is told.
    #[must_use]
    pub fn entry_price(&self, instrument: &Instrument) -> Decimal {
        instrument.average_price(self.cost, self.quantity)
    }
}

/// The own share of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetView {
    /// When.
    pub time: UnixNanos,
    /// Given plus realized minus fees.
    pub balance: Money,
    /// Balance plus unrealized.
    pub equity: Money,
    /// Fees paid.
    pub fees: Money,
}

/// What the host lets through, per plugin and account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TradingState {
    /// Everything within limits.
    Active,
    /// Only what shrinks a position, and cancels.
    Reducing,
    /// Only cancels.
    Halted,
}

/// An own order that is open at the start of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOrderView {
    /// The plugin's name of it.
    pub tag: OrderTag,
    /// Instrument.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// Kind.
    pub kind: OrderKind,
    /// Total.
    pub quantity: Quantity,
    /// Filled so far.
    pub filled: Quantity,
    /// Only to shrink.
    pub reduce_only: bool,
}

/// What one call cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCost {
    /// Deterministic instruction count; zero for native code.
    pub fuel: u64,
}

/// Why a plugin is no longer to be called. A value that ends in a risk outcome, not in a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it did.
    pub code: FaultCode,
    /// For people: at most 4 KiB, with the guest's back-trace where there is one.
    pub detail: String,
}

/// What a plugin can do wrong, with stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultCode {
    /// It trapped: panic, division by zero, out-of-bounds access.
    Trap,
    /// It used the fuel of one call.
    FuelExhausted,
    /// It was not back in time.
    DeadlineExceeded,
    /// It wanted more memory than allowed.
    MemoryExceeded,
    /// It went too deep.
    StackExhausted,
    /// It handed back more intents than one call may.
    TooManyIntents,
    /// It handed back more bytes than allowed.
    OutputExceeded,
    /// What it handed back breaks the contract: scale over 18, name too long, bad text.
    MalformedOutput,
    /// It refused the session.
    StartRefused,
    /// Its process is gone.
    RunnerLost,
    /// It is too far behind the market.
    Lagging,
    /// It used more than its share of a processor.
    CpuShareExceeded,
    /// It asked for more, over some seconds, than it may.
    IntentRateExceeded,
}

impl FaultCode {
    /// Stable name, as documented and journalled.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::FuelExhausted => "fuel-exhausted",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::MemoryExceeded => "memory-exceeded",
            Self::StackExhausted => "stack-exhausted",
            Self::TooManyIntents => "too-many-intents",
            Self::OutputExceeded => "output-exceeded",
            Self::MalformedOutput => "malformed-output",
            Self::StartRefused => "start-refused",
            Self::RunnerLost => "runner-lost",
            Self::Lagging => "lagging",
            Self::CpuShareExceeded => "cpu-share-exceeded",
            Self::IntentRateExceeded => "intent-rate-exceeded",
        }
    }
}

/// What a plugin said it wants, as far as the engine cares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// Kinds of data, for every instrument of the plugin.
    pub kinds: Vec<DataKind>,
}

/// The way to the plugins of a run. One call runs at a time.
pub trait PluginPort {
    /// Tells `plugin` of `event` and appends what it asks for, oldest first, to `intents`.
    ///
    /// # Errors
    /// The plugin is at fault: `intents` is as it was, and the plugin will not be called again
    /// unless it is restarted.
    fn call(
        &mut self,
        plugin: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault>;
}
