//! Lists of orders: a pair of which one ends the other (OCO), and an entry that places such a pair
//! once it is filled (OTOCO).

use sandpit_core::{ids::ClientOrderId, market::Side, num::Decimal};

use super::{
    NewOrderKind, OrderOptions, RequestError,
    order::{Names, positive, push_kind, side_word},
};
use crate::binance::{
    client_id,
    sign::{Params, Value},
};

const ABOVE: Names = Names {
    kind: "aboveType",
    client_id: "aboveClientOrderId",
    price: "abovePrice",
    stop_price: "aboveStopPrice",
    trailing_delta: "aboveTrailingDelta",
    time_in_force: "aboveTimeInForce",
};

const BELOW: Names = Names {
    kind: "belowType",
    client_id: "belowClientOrderId",
    price: "belowPrice",
    stop_price: "belowStopPrice",
    trailing_delta: "belowTrailingDelta",
    time_in_force: "belowTimeInForce",
};

const WORKING: Names = Names {
    kind: "workingType",
    client_id: "workingClientOrderId",
    price: "workingPrice",
    stop_price: "workingStopPrice",
    trailing_delta: "workingTrailingDelta",
    time_in_force: "workingTimeInForce",
};

const PENDING_ABOVE: Names = Names {
    kind: "pendingAboveType",
    client_id: "pendingAboveClientOrderId",
    price: "pendingAbovePrice",
    stop_price: "pendingAboveStopPrice",
    trailing_delta: "pendingAboveTrailingDelta",
    time_in_force: "pendingAboveTimeInForce",
};

const PENDING_BELOW: Names = Names {
    kind: "pendingBelowType",
    client_id: "pendingBelowClientOrderId",
    price: "pendingBelowPrice",
    stop_price: "pendingBelowStopPrice",
    trailing_delta: "pendingBelowTrailingDelta",
    time_in_force: "pendingBelowTimeInForce",
};

/// Two orders of one side and quantity: one above the market and one below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Side of both.
    pub side: Side,
    /// Quantity of both.
    pub quantity: Decimal,
    /// The one above, and our name of it.
    pub above: (NewOrderKind, ClientOrderId),
    /// The one below, and our name of it.
    pub below: (NewOrderKind, ClientOrderId),
}

impl Pair {
    /// One must take a profit and the other stop a loss, each on its side of the market.
    fn check(&self) -> Result<(), RequestError> {
        use NewOrderKind as K;
        let takes_profit = |kind| {
            matches!(kind, K::LimitMaker { .. } | K::TakeProfit { .. } | K::TakeProfitLimit { .. })
        };
        let stops_loss = |kind| matches!(kind, K::StopLoss { .. } | K::StopLossLimit { .. });
        let (profit, loss) = match self.side {
            Side::Sell => (self.above.0, self.below.0),
            Side::Buy => (self.below.0, self.above.0),
        };
        if takes_profit(profit) && stops_loss(loss) {
            Ok(())
        } else {
            let what = "of a pair one order takes a profit and the other stops a loss";
            Err(RequestError::Unsupported { what })
        }
    }

    fn push(
        &self,
        params: &mut Params<'_>,
        above: &Names,
        below: &Names,
    ) -> Result<(), RequestError> {
        self.check()?;
        push_kind(params, above, self.above.0, self.above.1)?;
        push_kind(params, below, self.below.0, self.below.1)
    }
}

fn list_id(id: ClientOrderId) -> Result<Value<'static>, RequestError> {
    if client_id::fits(id) { Ok(Value::Id(id)) } else { Err(RequestError::LongClientId(id)) }
}

/// A pair of which one ends the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOco<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Our name of the list; names of lists and of orders do not meet.
    pub list_id: ClientOrderId,
    /// The orders.
    pub pair: Pair,
    /// What does not change what they are.
    pub options: OrderOptions,
}

impl<'a> NewOco<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("symbol", Value::Text(self.symbol));
        params.push("listClientOrderId", list_id(self.list_id)?);
        params.push("side", Value::Word(side_word(self.pair.side)));
        params.push("quantity", Value::Decimal(positive("quantity", self.pair.quantity)?));
        self.pair.push(params, &ABOVE, &BELOW)?;
        self.options.push(params);
        Ok(())
    }
}

/// An entry that places a pair once it is filled whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOtoco<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Our name of the list.
    pub list_id: ClientOrderId,
    /// Side of the entry.
    pub side: Side,
    /// Quantity of the entry.
    pub quantity: Decimal,
    /// The entry, a limit order, and our name of it.
    pub working: (NewOrderKind, ClientOrderId),
    /// What comes then.
    pub pending: Pair,
    /// What does not change what they are.
    pub options: OrderOptions,
}

impl<'a> NewOtoco<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        if !matches!(self.working.0, NewOrderKind::Limit { .. } | NewOrderKind::LimitMaker { .. }) {
            let what = "the entry of a list must be a limit order";
            return Err(RequestError::Unsupported { what });
        }
        params.push("symbol", Value::Text(self.symbol));
        params.push("listClientOrderId", list_id(self.list_id)?);
        params.push("workingSide", Value::Word(side_word(self.side)));
        params.push("workingQuantity", Value::Decimal(positive("quantity", self.quantity)?));
        push_kind(params, &WORKING, self.working.0, self.working.1)?;
        params.push("pendingSide", Value::Word(side_word(self.pending.side)));
        let quantity = positive("quantity", self.pending.quantity)?;
        params.push("pendingQuantity", Value::Decimal(quantity));
        self.pending.push(params, &PENDING_ABOVE, &PENDING_BELOW)?;
        self.options.push(params);
        Ok(())
    }
}

/// Which list is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListRef {
    /// By the venue's number.
    Venue(u64),
    /// By our own name.
    Client(ClientOrderId),
}

impl ListRef {
    pub(super) fn push(self, params: &mut Params<'_>, venue: &'static str, client: &'static str) {
        match self {
            Self::Venue(id) => params.push(venue, Value::Number(id)),
            Self::Client(id) => params.push(client, Value::Id(id)),
        }
    }
}

/// The end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelList<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Which.
    pub list: ListRef,
}

impl<'a> CancelList<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) {
        params.push("symbol", Value::Text(self.symbol));
        self.list.push(params, "orderListId", "listClientOrderId");
    }
}
