//! Row forms of the engine's records.

use sandpit_core::{
    engine::{
        Alert, CarriedOrder, Command, EquitySample, ExitPlan, Exits, Lock, LockReason, News,
        Origin, Record,
    },
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, TimerId, TradeId, VenueOrderId},
    intent::Intent,
    market::{BookError, Side},
    num::{Money, Price, Quantity},
    order::{Fill, IllegalTransition, Order, OrderKind, OrderState, Transition},
    plugin::{Fault, TradingState},
    risk::{Denial, Purpose, Scope},
    time::{Nanos, UnixNanos},
};

use super::mirror::{Mirror, Unreadable, mirror_enum, mirror_struct};

mirror_enum!(Origin as OriginRow { Venue, Reconciliation, Host });
mirror_enum!(Purpose as PurposeRow { Plain, Entry, Exit, Protective, Flatten });
mirror_enum!(LockReason as LockReasonRow {
    KillSwitch,
    Fault,
    DailyLoss,
    Drawdown,
    LosingStreak,
    PnlVelocity,
    Journal,
});
mirror_struct!(Lock as LockRow {
    reason: LockReason,
    state: TradingState,
    since: UnixNanos,
    unlock_at: Option<UnixNanos>,
});
mirror_struct!(EquitySample as EquitySampleRow {
    time: UnixNanos,
    equity: Money,
    balance: Money,
    peak: Money,
    day_start: Money,
});
mirror_enum!(News as NewsRow {
    Nothing,
    VenueId(id: VenueOrderId),
    Asked { quantity: Option<Quantity>, price: Option<Price> },
    Became { quantity: Quantity, kind: OrderKind },
    Reason(text: String),
    CancelRefused(text: String),
});
mirror_struct!(CarriedOrder as CarriedOrderRow {
    order: Order,
    purpose: Purpose,
    state: OrderState,
    held: bool,
    filled: Quantity,
    filled_before: Quantity,
    venue_id: Option<VenueOrderId>,
    asked: Option<Quantity>,
    cancel_wanted: bool,
    trades: Vec<TradeId>,
    asked_at: UnixNanos,
});
mirror_enum!(Command as CommandRow {
    SetPluginState(plugin: PluginId, state: TradingState),
    SetAccountState(state: TradingState),
    Fault(plugin: PluginId, fault: Fault),
    Kill { flatten: bool },
    LoseJournal,
    Unlock(plugin: Option<PluginId>, reason: LockReason),
    Flatten(plugin: Option<PluginId>),
    ResumeInstrument(instrument: InstrumentId),
});
mirror_enum!(Alert as AlertRow {
    ImpossibleReport(order: ClientOrderId, instrument: InstrumentId, transition: IllegalTransition),
    Overfilled(order: ClientOrderId, instrument: InstrumentId),
    StrangeReport(order: ClientOrderId),
    BookLost(instrument: InstrumentId, error: BookError),
    NumberOverflow(instrument: InstrumentId),
    Killed(scope: Scope),
    Liquidated(plugin: PluginId, instrument: InstrumentId),
    OrderVanished(order: ClientOrderId),
    ExternalPosition(instrument: InstrumentId, quantity: Quantity),
    CannotFlatten(plugin: PluginId),
    LimitBreached { plugin: Option<PluginId>, reason: LockReason, value: Money, limit: Money },
    CancelsAboveRate { plugin: Option<PluginId> },
    SelfTradePattern { instrument: InstrumentId, plugins: [PluginId; 2], trades: u32 },
    Unprotected { plugin: PluginId, instrument: InstrumentId },
});
mirror_enum!(Record as RecordRow {
    Asked { plugin: PluginId, intent: Intent },
    Denied {
        plugin: PluginId,
        instrument: Option<InstrumentId>,
        tag: Option<OrderTag>,
        denial: Denial,
    },
    Submitted { order: Order, purpose: Purpose, replaces: Option<ClientOrderId> },
    Held { order: Order, purpose: Purpose },
    Released { order: ClientOrderId, kind: OrderKind, quantity: Quantity },
    Moved {
        order: ClientOrderId,
        by: Transition,
        to: OrderState,
        news: News,
        origin: Origin,
    },
    Filled { order: Order, fill: Fill, time: UnixNanos, origin: Origin },
    Closed { order: Order, state: OrderState, filled: Quantity },
    Replacing { order: ClientOrderId, quantity: Quantity, kind: OrderKind },
    ReplacementEnded(order: ClientOrderId),
    Planned { entry: ClientOrderId, plan: ExitPlan },
    ExitsPlaced { entry: ClientOrderId, exits: Exits },
    TimerSet { plugin: PluginId, id: TimerId, at: UnixNanos, every: Option<Nanos> },
    TimerEnded { plugin: PluginId, id: TimerId },
    TradingState { plugin: Option<PluginId>, state: TradingState },
    StateSet { plugin: Option<PluginId>, state: TradingState },
    Locked { plugin: Option<PluginId>, lock: Lock },
    Unlocked { plugin: Option<PluginId>, reason: LockReason },
    Equity { plugin: Option<PluginId>, sample: EquitySample },
    Ramp { plugin: Option<PluginId>, stage: u8, clean_days: u16 },
    Flattening { plugin: PluginId, wanted: bool },
    Funded { plugin: PluginId, instrument: InstrumentId, amount: Money },
    Liquidated {
        plugin: PluginId,
        instrument: InstrumentId,
        side: Side,
        fill: Fill,
        time: UnixNanos,
    },
    External {
        instrument: InstrumentId,
        position: Quantity,
        buying: Quantity,
        selling: Quantity,
    },
    Reconciled { at: UnixNanos, mended: u32 },
    Trailed { order: ClientOrderId, best: Price },
    InstrumentHalted(instrument: InstrumentId),
    InstrumentResumed(instrument: InstrumentId),
    Faulted(plugin: PluginId, fault: Fault),
    Commanded[command: Command],
    Alert[alert: Alert],
    Carried[carried: CarriedOrder],
    CarriedPosition {
        plugin: PluginId,
        instrument: InstrumentId,
        quantity: Quantity,
        cost: Money,
        realized: Money,
        fees: Money,
        funding: Money,
    },
    CarriedSequence(sequence: u64),
    CarriedStreak { plugin: Option<PluginId>, losses: u32 },
    CarriedRound { plugin: PluginId, instrument: InstrumentId, opened_at: Money },
});
