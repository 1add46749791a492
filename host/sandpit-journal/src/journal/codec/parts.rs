//! Row forms of what records are made of: orders, intents, fills, states.

use sandpit_core::{
    engine::{ExitPlan, Exits},
    ids::{ClientOrderId, InstrumentId, OrderTag, TimerId, TradeId},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce, WishedOffset},
    market::{BookError, Side},
    num::{Decimal, Money, Price, Quantity},
    order::{Fill, IllegalTransition, Order, OrderKind, OrderState, TrailingOffset, Transition},
    plugin::{Fault, FaultCode, TradingState},
    risk::Scope,
    time::{Nanos, UnixNanos},
};

use super::mirror::{Mirror, Unreadable, mirror_enum, mirror_struct};

mirror_enum!(Side as SideRow { Buy, Sell });
mirror_enum!(Scope as ScopeRow { Plugin, Account });
mirror_enum!(TradingState as TradingStateRow { Active, Reducing, Halted });
mirror_enum!(OrderState as OrderStateRow {
    Initialized,
    Denied,
    Emulated,
    Submitted,
    Accepted,
    Rejected,
    PendingUpdate,
    PendingCancel,
    Canceled,
    Expired,
    Triggered,
    PartiallyFilled,
    Filled,
    Unknown,
});
mirror_enum!(Transition as TransitionRow {
    Deny,
    Emulate,
    Submit,
    Accept,
    Reject,
    AskUpdate,
    AskCancel,
    Update,
    ChangeRejected,
    Cancel,
    Expire,
    Trigger,
    FillPart,
    FillAll,
    Lose,
});
mirror_enum!(FaultCode as FaultCodeRow {
    Trap,
    FuelExhausted,
    DeadlineExceeded,
    MemoryExceeded,
    StackExhausted,
    TooManyIntents,
    OutputExceeded,
    MalformedOutput,
    StartRefused,
    RunnerLost,
    Lagging,
    CpuShareExceeded,
    IntentRateExceeded,
});
mirror_struct!(Fault as FaultRow { code: FaultCode, detail: String });
mirror_struct!(IllegalTransition as IllegalTransitionRow { from: OrderState, by: Transition });
mirror_enum!(BookError as BookErrorRow { Gap { expected: u64, found: u64 }, Crossed });

// A plugin's number is hostile: its scale may be anything.
mirror_struct!(Decimal as DecimalRow { mantissa: i64, scale: u8 });

mirror_enum!(TimeInForce as TimeInForceRow { Gtc, Ioc, Fok, Gtd(until: UnixNanos) });
mirror_enum!(TrailingOffset as TrailingOffsetRow {
    Price(distance: Price),
    BasisPoints(points: u16),
});
mirror_enum!(OrderKind as OrderKindRow {
    Market,
    Limit(price: Price),
    Stop(trigger: Price),
    StopLimit { trigger: Price, limit: Price },
    TakeProfit(trigger: Price),
    TrailingStop[offset: TrailingOffset],
});
mirror_struct!(Order as OrderRow {
    id: ClientOrderId,
    tag: OrderTag,
    instrument: InstrumentId,
    side: Side,
    quantity: Quantity,
    kind: OrderKind,
    time_in_force: TimeInForce,
    post_only: bool,
    reduce_only: bool,
});
mirror_struct!(Fill as FillRow {
    trade_id: TradeId,
    price: Price,
    quantity: Quantity,
    fee: Money,
    maker: bool,
});
mirror_struct!(ExitPlan as ExitPlanRow {
    stop_loss_tag: OrderTag,
    stop_loss: Price,
    take_profit_tag: OrderTag,
    take_profit: Price,
    instrument: InstrumentId,
    side: Side,
});
mirror_struct!(Exits as ExitsRow {
    stop_loss: Option<ClientOrderId>,
    take_profit: Option<ClientOrderId>,
});

mirror_enum!(WishedOffset as WishedOffsetRow {
    Price(distance: Decimal),
    BasisPoints(points: u32),
});
mirror_enum!(PlaceKind as PlaceKindRow {
    Market,
    Limit(price: Decimal),
    Stop(trigger: Decimal),
    StopLimit { trigger: Decimal, limit: Decimal },
    TakeProfit(trigger: Decimal),
    TrailingStop[offset: WishedOffset],
});
mirror_struct!(Place as PlaceRow {
    tag: OrderTag,
    instrument: u32,
    side: Side,
    quantity: Decimal,
    kind: PlaceKind,
    time_in_force: TimeInForce,
    post_only: bool,
    reduce_only: bool,
});
mirror_struct!(Amend as AmendRow {
    tag: OrderTag,
    quantity: Option<Decimal>,
    price: Option<Decimal>,
});
mirror_struct!(TargetPosition as TargetPositionRow {
    tag: OrderTag,
    instrument: u32,
    quantity: Decimal,
    limit: Option<Decimal>,
});
mirror_struct!(Bracket as BracketRow {
    entry: Place,
    stop_loss_tag: OrderTag,
    stop_loss: Decimal,
    take_profit_tag: OrderTag,
    take_profit: Decimal,
});
mirror_enum!(Intent as IntentRow {
    Place[place: Place],
    Amend[amend: Amend],
    Cancel(tag: OrderTag),
    CancelAll(instrument: Option<u32>),
    TargetPosition[target: TargetPosition],
    Bracket[bracket: Bracket],
    SetTimer { id: TimerId, at: UnixNanos, every: Option<Nanos> },
    CancelTimer(id: TimerId),
});
