//! The mark of risk's consent.

use crate::{intent::TimeInForce, order::Order};

/// Something that passed every check of risk. The field is private and only this module's parent
/// can make one, so whoever takes an `Approved<T>` knows that risk has seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    pub(super) const fn mint(what: T) -> Self {
        Self(what)
    }

    /// What was approved.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// What was approved, no longer marked.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Approved<Order> {
    /// The same, good till canceled: for a venue that has no orders good till a time. Whoever
    /// sends it ends it at its time.
    pub(crate) fn good_till_canceled(mut self) -> Self {
        if matches!(self.0.time_in_force, TimeInForce::Gtd(_)) {
            self.0.time_in_force = TimeInForce::Gtc;
        }
        self
    }
}
