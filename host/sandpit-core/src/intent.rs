//! What a plugin can ask for. An intent is a wish in the plugin's own terms and hostile: nothing
//! here has been checked, not even that its numbers have a sensible scale.

use crate::{
    ids::{OrderTag, TimerId},
    market::Side,
    num::Decimal,
    time::{Nanos, UnixNanos},
};

/// All that a plugin can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// One order.
    Place(Place),
    /// A change of a working order.
    Amend(Amend),
    /// The end of an order.
    Cancel(OrderTag),
    /// The end of all own orders, or of those of one instrument.
    CancelAll(Option<u32>),
    /// A position.
    TargetPosition(TargetPosition),
    /// An entry with its exits.
    Bracket(Bracket),
    /// A wake-up.
    SetTimer {
        /// Own name; setting it again replaces it.
        id: TimerId,
        /// When.
        at: UnixNanos,
        /// Again after each such time.
        every: Option<Nanos>,
    },
    /// No wake-up.
    CancelTimer(TimerId),
}

/// Wish for one order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Own name of it.
    pub tag: OrderTag,
    /// Index into the session's instruments; unchecked.
    pub instrument: u32,
    /// Side.
    pub side: Side,
    /// How much; unchecked.
    pub quantity: Decimal,
    /// What kind of order, with its unchecked prices.
    pub kind: PlaceKind,
    /// How long.
    pub time_in_force: TimeInForce,
    /// Only as maker.
    pub post_only: bool,
    /// Only to shrink the position.
    pub reduce_only: bool,
}

/// Kind of a wished order, with unchecked prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlaceKind {
    /// At once at any price.
    Market,
    /// At this price or better.
    Limit(Decimal),
    /// Market once the last price reaches the trigger from the losing side.
    Stop(Decimal),
    /// Limit once the last price reaches the trigger.
    StopLimit {
        /// Trigger.
        trigger: Decimal,
        /// Limit.
        limit: Decimal,
    },
    /// Market once the last price reaches the trigger from the winning side.
    TakeProfit(Decimal),
    /// A stop whose trigger follows the market at this distance.
    TrailingStop(WishedOffset),
}

/// Unchecked distance of a trailing stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WishedOffset {
    /// In price.
    Price(Decimal),
    /// In hundredths of a percent.
    BasisPoints(u32),
}

/// How long an order works (FIX 59).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// Until canceled.
    Gtc,
    /// At once; the rest is canceled.
    Ioc,
    /// At once and whole, or not at all.
    Fok,
    /// Until this time.
    Gtd(UnixNanos),
}

/// Wish for a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amend {
    /// Which order.
    pub tag: OrderTag,
    /// New total quantity.
    pub quantity: Option<Decimal>,
    /// New limit price, or trigger where there is no limit.
    pub price: Option<Decimal>,
}

/// Wish for a position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetPosition {
    /// Name of the order that may come of it.
    pub tag: OrderTag,
    /// Index into the session's instruments; unchecked.
    pub instrument: u32,
    /// Signed; unchecked.
    pub quantity: Decimal,
    /// Limit price of the order; market where there is none.
    pub limit: Option<Decimal>,
}

/// Wish for an entry with exits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bracket {
    /// The entry.
    pub entry: Place,
    /// Name of the stop.
    pub stop_loss_tag: OrderTag,
    /// Trigger of the stop.
    pub stop_loss: Decimal,
    /// Name of the take-profit.
    pub take_profit_tag: OrderTag,
    /// Price of the take-profit, a limit order.
    pub take_profit: Decimal,
}
