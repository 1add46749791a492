//! Orders, order lists and what happens to them.

use sandpit_core::market::Side;

use crate::{
    amount::Amount,
    words::{Execution, Expiry, Kind, Status, Stp, Tif},
};

/// Index of an account.
pub(crate) type AccountId = usize;
/// Index of a symbol.
pub(crate) type SymbolId = usize;
/// The exchange's number of an order.
pub(crate) type OrderId = u64;

pub(crate) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// A wish, its form checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewOrder {
    pub(crate) symbol: SymbolId,
    pub(crate) client_id: String,
    pub(crate) side: Side,
    pub(crate) kind: Kind,
    pub(crate) tif: Tif,
    /// Of the base asset; zero where the size is said in the quote asset.
    pub(crate) quantity: Amount,
    pub(crate) quote_quantity: Amount,
    /// Zero for those without a limit.
    pub(crate) price: Amount,
    /// Zero for those without a trigger price.
    pub(crate) stop: Amount,
    /// Hundredths of a percent.
    pub(crate) trailing_delta: Option<u32>,
    pub(crate) iceberg: Option<Amount>,
    pub(crate) stp: Option<Stp>,
    pub(crate) strategy: (Option<i64>, Option<i64>),
}

/// An order that the exchange has taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) account: AccountId,
    pub(crate) list: Option<u64>,
    pub(crate) new: NewOrder,
    pub(crate) stp: Stp,
    pub(crate) status: Status,
    pub(crate) executed: Amount,
    pub(crate) quote_executed: Amount,
    pub(crate) prevented: Amount,
    pub(crate) prevented_match: Option<u64>,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
    /// When it began to work; `None` while it waits.
    pub(crate) working_ms: Option<u64>,
    pub(crate) amends: u32,
    /// What is locked for it: of the quote asset for a buyer, of the base asset for a seller.
    pub(crate) locked: Amount,
    /// What others see of it.
    pub(crate) shown: Amount,
    /// What stood before it at its price and is not ours.
    pub(crate) ahead: Amount,
    /// The best price since a trailing order follows, and when it began to.
    pub(crate) trail: Option<(Amount, u64)>,
    /// The last price when it was placed: tells from where its trigger is reached.
    pub(crate) placed_at: Option<Amount>,
}

impl Order {
    /// What may still be traded.
    pub(crate) fn remaining(&self) -> Amount {
        self.new.quantity - self.executed - self.prevented
    }

    /// By what it is found by name.
    pub(crate) fn name_key(&self) -> (AccountId, SymbolId, String, OrderId) {
        (self.account, self.new.symbol, self.new.client_id.clone(), self.id)
    }

    /// Whether it stands in the book or has stood there.
    pub(crate) const fn is_working(&self) -> bool {
        self.working_ms.is_some()
    }

    /// Whether it waits for its trigger.
    pub(crate) const fn waits(&self) -> bool {
        self.new.kind.is_conditional() && !self.is_working() && matches!(self.status, Status::New)
    }

    /// What must be locked for what it may still trade.
    pub(crate) fn lock(&self) -> Amount {
        match self.new.side {
            Side::Sell => self.remaining(),
            Side::Buy if self.new.price.is_zero() => self.remaining().times(self.new.stop),
            Side::Buy => self.remaining().times(self.new.price),
        }
    }
}

/// One execution against another order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fill {
    pub(crate) trade: u64,
    pub(crate) order: OrderId,
    pub(crate) list: Option<u64>,
    pub(crate) symbol: SymbolId,
    pub(crate) price: Amount,
    pub(crate) quantity: Amount,
    pub(crate) commission: Amount,
    pub(crate) commission_asset: usize,
    pub(crate) buyer: bool,
    pub(crate) maker: bool,
    pub(crate) time_ms: u64,
}

/// A trade with oneself that was prevented.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prevented {
    pub(crate) id: u64,
    pub(crate) symbol: SymbolId,
    pub(crate) taker: OrderId,
    pub(crate) maker: OrderId,
    pub(crate) mode: Stp,
    pub(crate) price: Amount,
    pub(crate) taker_quantity: Option<Amount>,
    pub(crate) maker_quantity: Option<Amount>,
    pub(crate) time_ms: u64,
}

/// What an owner hears of an order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    /// As it is afterwards.
    pub(crate) order: Order,
    pub(crate) kind: Execution,
    /// The number of this report.
    pub(crate) execution: u64,
    pub(crate) time_ms: u64,
    /// The name of the request that ended or changed it; the order's own is then the original.
    pub(crate) request_name: Option<String>,
    pub(crate) fill: Option<Fill>,
    pub(crate) expiry: Option<Expiry>,
    /// Taken by self-trade prevention, by the other order's id.
    pub(crate) prevented: Option<(Amount, OrderId)>,
    /// A refusal's word.
    pub(crate) reject: &'static str,
}

/// What binds the orders of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contingency {
    /// One cancels the other.
    Oco,
    /// The first one places the others.
    Oto,
}

/// Orders that belong together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List {
    pub(crate) id: u64,
    pub(crate) account: AccountId,
    pub(crate) symbol: SymbolId,
    pub(crate) client_id: String,
    pub(crate) contingency: Contingency,
    /// The working order first, where there is one; the pair's upper order before its lower one.
    pub(crate) orders: Vec<OrderId>,
    pub(crate) done: bool,
    pub(crate) time_ms: u64,
}

/// What happened, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// To an order.
    Report(Box<Report>),
    /// To balances of an account: asset, free, locked.
    Balances { account: AccountId, time_ms: u64, assets: Vec<(usize, Amount, Amount)> },
    /// Somebody paid in or out.
    Transfer { account: AccountId, time_ms: u64, asset: usize, delta: Amount },
    /// To a list: as it is, with the orders' names.
    List { list: List, names: Vec<(OrderId, String)>, time_ms: u64, updated: bool },
    /// A public trade.
    Trade { symbol: SymbolId, trade: Trade },
    /// Public trades of one taker at one price.
    Aggregate { symbol: SymbolId, aggregate: Aggregate },
    /// The best prices changed.
    Best { symbol: SymbolId },
}

/// A public trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trade {
    pub(crate) id: u64,
    pub(crate) price: Amount,
    pub(crate) quantity: Amount,
    pub(crate) time_ms: u64,
    pub(crate) buyer_is_maker: bool,
}

/// Public trades of one taker at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aggregate {
    pub(crate) id: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) price: Amount,
    pub(crate) quantity: Amount,
    pub(crate) time_ms: u64,
    pub(crate) buyer_is_maker: bool,
}
