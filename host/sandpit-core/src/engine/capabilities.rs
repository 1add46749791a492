//! What a venue has. The engine asks here before it sends anything: what is missing it does itself,
//! or denies with a code. Nothing is left out in silence. `docs/decisions/0009-what-a-venue-lacks.md`
//! tells which is which.

use crate::{
    engine::AmendOrder,
    intent::TimeInForce,
    market::Side,
    num::Quantity,
    order::{Order, OrderKind, TrailingOffset},
};

/// What of a working order the venue changes in place. Any other change is a cancel and, once that
/// is confirmed, a new order: at no moment may both trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amends {
    /// Nothing.
    None,
    /// Its quantity, to a smaller one; the order keeps its place in the queue.
    SmallerQuantity,
    /// Its quantity and its price.
    PriceAndQuantity,
}

/// Which trailing stops the venue keeps. The host watches the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailingStops {
    /// None.
    None,
    /// Those at a share of the best price, in hundredths of a percent.
    BasisPoints {
        /// The smallest.
        min: u16,
        /// The largest.
        max: u16,
        /// From one to the next; zero counts as one.
        step: u16,
    },
    /// All, those at a distance in price among them.
    Any,
}

impl TrailingStops {
    /// Whether the venue keeps one at this offset.
    #[must_use]
    pub const fn can_keep(self, offset: TrailingOffset) -> bool {
        match (self, offset) {
            (Self::None, _) | (Self::BasisPoints { .. }, TrailingOffset::Price(_)) => false,
            (Self::Any, _) => true,
            (Self::BasisPoints { min, max, step }, TrailingOffset::BasisPoints(points)) => {
                let step = if step == 0 { 1 } else { step };
                min <= points && points <= max && points.is_multiple_of(step)
            }
        }
    }
}

/// Something that the host cannot do in a venue's stead, with stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VenueFeature {
    /// Limit orders that trade at once and end.
    Ioc,
    /// Limit orders that trade whole and at once, or not at all.
    Fok,
    /// Market orders that trade whole, or not at all.
    MarketFok,
    /// Orders that only make.
    PostOnly,
    /// Two orders of different size of which one ends the other.
    UnevenPair,
}

impl VenueFeature {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Ioc, Self::Fok, Self::MarketFok, Self::PostOnly, Self::UnevenPair];

    /// Stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ioc => "ioc",
            Self::Fok => "fok",
            Self::MarketFok => "market-fok",
            Self::PostOnly => "post-only",
            Self::UnevenPair => "uneven-pair",
        }
    }
}

impl core::fmt::Display for VenueFeature {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a venue can keep and do by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a venue has or lacks")]
pub struct VenueCapabilities {
    /// Stops that become market orders.
    pub stop: bool,
    /// Stops that become limit orders.
    pub stop_limit: bool,
    /// Take-profits with a trigger.
    pub take_profit: bool,
    /// Trailing stops.
    pub trailing_stop: TrailingStops,
    /// Changes of a working order in place.
    pub amend: Amends,
    /// Reduce-only. Without it the host holds an order to its plugin's position.
    pub reduce_only: bool,
    /// Orders good till a time. Without them the host sends the order good till canceled, and
    /// cancels it at its time.
    pub gtd: bool,
    /// Limit orders that are immediate or canceled. Without them they are denied. A market order
    /// is immediate everywhere.
    pub ioc: bool,
    /// Limit orders that are filled whole or killed. Without them they are denied.
    pub fok: bool,
    /// Market orders that are filled whole or killed. Without them they are denied.
    pub market_fok: bool,
    /// Orders that only make. Without them they are denied.
    pub post_only: bool,
    /// Pairs of a stop and a limit of which one ends the other. With them both exits of a bracket
    /// are at the venue, as one pair.
    pub oco: bool,
    /// A working sell locks what it would sell: a spot account without margin. The host then lets
    /// no more be for sale at the venue than there is; see [`Self::keeps_reduce_only`] and
    /// `engine/balance.rs`.
    pub locks_balance: bool,
    /// The end of all orders of an instrument by one request. Used where
    /// [`crate::risk::RiskRules::cancel_all_on_kill`] says so.
    pub cancel_all: bool,
    /// The venue itself keeps orders of one account from trading with each other. For readers: the
    /// host's own prevention stays on.
    pub self_trade_prevention: bool,
    /// The venue cancels everything when it does not hear of us. For readers: the venue's client
    /// keeps it armed.
    pub dead_man_switch: bool,
}

impl VenueCapabilities {
    /// A venue that can do everything for a margin account with one order at a time, as the
    /// simulated one: no pairs and no locked balances, so that runs on it stay what they were.
    pub const ALL: Self = Self {
        stop: true,
        stop_limit: true,
        take_profit: true,
        trailing_stop: TrailingStops::Any,
        amend: Amends::PriceAndQuantity,
        reduce_only: true,
        gtd: true,
        ioc: true,
        fok: true,
        market_fok: true,
        post_only: true,
        oco: false,
        locks_balance: false,
        cancel_all: true,
        self_trade_prevention: false,
        dead_man_switch: false,
    };

    /// A venue that knows market and limit orders, and cancels. The host does the rest, or denies.
    pub const NONE: Self = Self {
        stop: false,
        stop_limit: false,
        take_profit: false,
        trailing_stop: TrailingStops::None,
        amend: Amends::None,
        reduce_only: false,
        gtd: false,
        ioc: false,
        fok: false,
        market_fok: false,
        post_only: false,
        oco: false,
        locks_balance: false,
        cancel_all: false,
        self_trade_prevention: false,
        dead_man_switch: false,
    };

    /// Whether an order can go to the venue as it is, alone.
    #[must_use]
    pub const fn can_keep(&self, order: &Order) -> bool {
        let kind = match order.kind {
            OrderKind::Market | OrderKind::Limit(_) => return true,
            OrderKind::Stop(_) => self.stop,
            OrderKind::StopLimit { .. } => self.stop_limit,
            OrderKind::TakeProfit(_) => self.take_profit,
            OrderKind::TrailingStop(offset) => self.trailing_stop.can_keep(offset),
        };
        kind && (self.keeps_reduce_only() || !order.reduce_only)
    }

    /// Whether the venue keeps a reduce-only order to what it reduces. Where working sells lock
    /// what they would sell, one that waits at the venue would keep everything else from being
    /// sold, so nothing counts as reduce-only there.
    #[must_use]
    pub const fn keeps_reduce_only(&self) -> bool {
        self.reduce_only && !self.locks_balance
    }

    /// Whether the two exits of a bracket go to the venue as one pair.
    #[must_use]
    pub const fn pairs_exits(&self) -> bool {
        self.oco && self.stop
    }

    /// Whether orders of `side` lock what they would trade away.
    #[must_use]
    pub const fn locks(&self, side: Side) -> bool {
        self.locks_balance && matches!(side, Side::Sell)
    }

    /// Whether the venue makes a change of an order of this total quantity in place.
    #[must_use]
    pub fn can_amend(&self, quantity: Quantity, change: &AmendOrder) -> bool {
        match self.amend {
            Amends::None => false,
            Amends::SmallerQuantity => {
                change.price.is_none() && change.quantity.is_some_and(|wished| wished < quantity)
            }
            Amends::PriceAndQuantity => true,
        }
    }

    /// What of an order neither the venue can keep nor the host in its stead.
    #[must_use]
    pub const fn lacks(&self, order: &Order) -> Option<VenueFeature> {
        let market = matches!(order.kind, OrderKind::Market);
        match order.time_in_force {
            _ if order.post_only && !self.post_only => Some(VenueFeature::PostOnly),
            TimeInForce::Ioc if !market && !self.ioc => Some(VenueFeature::Ioc),
            TimeInForce::Fok if market && !self.market_fok => Some(VenueFeature::MarketFok),
            TimeInForce::Fok if !market && !self.fok => Some(VenueFeature::Fok),
            _ => None,
        }
    }
}

impl Default for VenueCapabilities {
    fn default() -> Self {
        Self::ALL
    }
}
