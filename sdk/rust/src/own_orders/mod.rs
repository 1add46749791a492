//! The own orders that are on their way or working, kept from what was asked for and what was
//! told. The host's word always wins.

use crate::{
    Decimal, InstrumentId, Order, OrderEvent, OrderKind, OrderTag, OrderUpdate, Side, wire,
};

/// Where an own order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Asked for; neither host nor venue has spoken.
    Pending,
    /// The venue has it.
    Working,
    /// Its trigger was reached and it works at the venue.
    Triggered,
    /// Its fate is not known. It may be working or filled; do not place it again.
    Unknown,
}

/// An own order that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnOrder {
    /// Own name.
    pub tag: OrderTag,
    /// Of what.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// Kind with its prices. `None` where the host made the order: an exit of a bracket, or the
    /// order of a target position.
    pub kind: Option<OrderKind>,
    /// Total.
    pub quantity: Decimal,
    /// Filled so far.
    pub filled: Decimal,
    /// Only to shrink the position.
    pub reduce_only: bool,
    /// Where it stands.
    pub state: OrderState,
    /// An amendment was asked for and not answered yet.
    pub amending: bool,
    /// A cancel was asked for and not answered yet.
    pub canceling: bool,
    /// The price that the amendment under way asks for.
    amended_price: Option<Decimal>,
}

impl OwnOrder {
    const fn pending(
        tag: OrderTag,
        instrument: InstrumentId,
        side: Side,
        quantity: Decimal,
    ) -> Self {
        Self {
            tag,
            instrument,
            side,
            kind: None,
            quantity,
            filled: Decimal::ZERO,
            reduce_only: false,
            state: OrderState::Pending,
            amending: false,
            canceling: false,
            amended_price: None,
        }
    }

    /// What has not traded yet.
    #[must_use]
    pub fn remaining(&self) -> Decimal {
        self.quantity - self.filled
    }

    /// The limit price, or the trigger where there is no limit.
    #[must_use]
    pub fn price(&self) -> Option<Decimal> {
        self.kind.and_then(OrderKind::price)
    }

    /// Whether it may be amended now: the venue has it, and no change is under way. A cancel always
    /// may be asked for.
    #[must_use]
    pub const fn is_changeable(&self) -> bool {
        matches!(self.state, OrderState::Working | OrderState::Triggered)
            && !self.amending
            && !self.canceling
    }
}

/// Code of a refusal because another change is under way: that one is still to be answered.
const CHANGE_PENDING: u16 = 118;

/// The open orders in the order of their tags. A sorted list: there are few, and new tags come
/// last.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnOrders {
    orders: Vec<OwnOrder>,
}

impl OwnOrders {
    pub(crate) fn restore(open: Vec<wire::OpenOrder>) -> Self {
        let mut restored = Self::default();
        for order in open {
            restored.insert(OwnOrder {
                kind: Some(order.kind.into()),
                filled: order.filled.into(),
                reduce_only: order.reduce_only,
                state: OrderState::Working,
                ..OwnOrder::pending(
                    OrderTag(order.tag),
                    InstrumentId(order.instrument),
                    order.side,
                    order.quantity.into(),
                )
            });
        }
        restored
    }

    /// Takes an order in where its tag is free. (One by one also at the start: there are few, and
    /// a sort is 6 KB of code.)
    fn insert(&mut self, order: OwnOrder) {
        if let Err(at) = self.find(order.tag) {
            self.orders.insert(at, order);
        }
    }

    pub(crate) fn as_slice(&self) -> &[OwnOrder] {
        &self.orders
    }

    pub(crate) fn get(&self, tag: OrderTag) -> Option<&OwnOrder> {
        self.find(tag).ok().map(|at| &self.orders[at])
    }

    fn find(&self, tag: OrderTag) -> Result<usize, usize> {
        self.orders.binary_search_by_key(&tag, |order| order.tag)
    }

    /// Notes an order that is being asked for.
    pub(crate) fn ask(&mut self, tag: OrderTag, order: &Order) {
        let own = OwnOrder {
            kind: Some(order.kind),
            reduce_only: order.reduce_only,
            ..OwnOrder::pending(tag, order.instrument, order.side, order.quantity)
        };
        // A tag in use: the host will deny the new order, the old one works on.
        self.insert(own);
    }

    /// Notes an amendment that is being asked for. While another change is under way it will be
    /// refused, so it does not count.
    pub(crate) fn ask_amend(&mut self, tag: OrderTag, price: Option<Decimal>) {
        let Ok(at) = self.find(tag) else { return };
        let order = &mut self.orders[at];
        if !order.amending && !order.canceling {
            order.amending = true;
            order.amended_price = price;
        }
    }

    /// Notes a cancel that is being asked for.
    pub(crate) fn ask_cancel(&mut self, tag: OrderTag) {
        if let Ok(at) = self.find(tag) {
            self.orders[at].canceling = true;
        }
    }

    /// Notes a cancel of all orders of one instrument, or of all.
    pub(crate) fn ask_cancel_all(&mut self, instrument: Option<InstrumentId>) {
        for order in &mut self.orders {
            if instrument.is_none_or(|instrument| instrument == order.instrument) {
                order.canceling = true;
            }
        }
    }

    /// Takes in what the host says of an order.
    pub(crate) fn update(&mut self, update: &OrderUpdate) {
        let at = match (self.find(update.tag), update.closed) {
            (Ok(at), true) => {
                self.orders.remove(at);
                return;
            }
            (Err(_), true) => return,
            (Ok(at), false) => at,
            (Err(at), false) => {
                self.orders.insert(at, made_by_host(update));
                at
            }
        };
        let order = &mut self.orders[at];
        order.quantity = update.quantity;
        order.filled = update.filled;
        match &update.event {
            // The venue spoke of it, so it has it.
            OrderEvent::Accepted | OrderEvent::Filled(_) => {
                if order.state != OrderState::Triggered {
                    order.state = OrderState::Working;
                }
            }
            OrderEvent::Triggered => order.state = OrderState::Triggered,
            OrderEvent::Amended => {
                order.amending = false;
                if let Some(price) = order.amended_price.take() {
                    order.kind = order.kind.map(|kind| kind.with_price(price));
                }
            }
            OrderEvent::ChangeRefused(denial) if denial.code == CHANGE_PENDING => {}
            // Answers come in the order of the asking, and an amendment is never asked for after
            // a cancel.
            OrderEvent::ChangeRefused(_) if order.amending => order.amending = false,
            OrderEvent::ChangeRefused(_) => order.canceling = false,
            OrderEvent::Unknown => order.state = OrderState::Unknown,
            OrderEvent::Denied(_)
            | OrderEvent::Rejected(_)
            | OrderEvent::Canceled
            | OrderEvent::Expired => {}
        }
    }
}

fn made_by_host(update: &OrderUpdate) -> OwnOrder {
    OwnOrder::pending(update.tag, update.instrument, update.side, update.quantity)
}

#[cfg(test)]
mod tests;
