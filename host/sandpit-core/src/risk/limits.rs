//! What the operator allows. Configured per plugin and for the account; the tighter wins. A plugin
//! can neither read nor change a limit.

use alloc::collections::BTreeMap;

use crate::{
    ids::InstrumentId,
    num::{Money, Quantity},
};

/// Limits of one scope. `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Notional of one order, at its own price or, for one without, at the mark.
    pub order_notional_max: Option<Money>,
    /// Notional of the position in one instrument, with all working orders of a side filled.
    pub position_notional_max: Option<Money>,
    /// Sum of the position notionals of all instruments, each in its worst case.
    pub gross_notional_max: Option<Money>,
    /// Number of open orders.
    pub open_orders_max: u32,
    /// Whether a position may be negative.
    pub short_allowed: bool,
    /// Limits in units of one instrument.
    pub instruments: BTreeMap<InstrumentId, InstrumentLimits>,
}

/// Limits in units of one instrument. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstrumentLimits {
    /// Quantity of one order.
    pub order_quantity_max: Option<Quantity>,
    /// Quantity of the position, with all working orders of a side filled.
    pub position_quantity_max: Option<Quantity>,
}

impl Limits {
    /// Open orders of one scope where the operator says nothing.
    pub const OPEN_ORDERS_DEFAULT: u32 = 200;

    /// No limit but the number of open orders.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            order_notional_max: None,
            position_notional_max: None,
            gross_notional_max: None,
            open_orders_max: Self::OPEN_ORDERS_DEFAULT,
            short_allowed: true,
            instruments: BTreeMap::new(),
        }
    }

    /// The limits of one instrument.
    #[must_use]
    pub fn of(&self, instrument: InstrumentId) -> InstrumentLimits {
        self.instruments.get(&instrument).copied().unwrap_or_default()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::unlimited()
    }
}
