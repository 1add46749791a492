//! When a venue is closed. It then refuses orders, changes and cancels and matches nothing; orders
//! that rest there stay, unless it cancels them when it closes. Orders whose time ends meanwhile
//! end when it opens again.

use alloc::vec::Vec;

use crate::time::UnixNanos;

/// One closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// First moment of it.
    pub from: UnixNanos,
    /// First moment after it.
    pub to: UnixNanos,
}

/// All closings of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    closings: Vec<Closing>,
    cancels: bool,
}

/// Why closings make no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaintenanceError {
    /// More than [`Maintenance::CLOSINGS_MAX`].
    #[error("a venue has at most 10,000 closings")]
    Count,
    /// One that ends before it begins, or begins before the one before has ended.
    #[error("closings must end after they begin, and be in order without overlap")]
    Order,
}

impl Maintenance {
    /// Closings of a run.
    pub const CLOSINGS_MAX: usize = 10_000;
    /// Always open.
    pub const NONE: Self = Self { closings: Vec::new(), cancels: false };

    /// Checks the closings; `cancels` ends all orders when one begins.
    ///
    /// # Errors
    /// See [`MaintenanceError`].
    pub fn new(closings: Vec<Closing>, cancels: bool) -> Result<Self, MaintenanceError> {
        if closings.len() > Self::CLOSINGS_MAX {
            return Err(MaintenanceError::Count);
        }
        let ordered = closings.iter().all(|closing| closing.from < closing.to)
            && closings.windows(2).all(|pair| pair[0].to <= pair[1].from);
        if ordered { Ok(Self { closings, cancels }) } else { Err(MaintenanceError::Order) }
    }

    /// The closings, earliest first.
    #[must_use]
    pub fn closings(&self) -> &[Closing] {
        &self.closings
    }

    /// Whether orders end when the venue closes.
    #[must_use]
    pub const fn cancels(&self) -> bool {
        self.cancels
    }

    /// The closing that `time` is in.
    #[must_use]
    pub fn at(&self, time: UnixNanos) -> Option<&Closing> {
        let begun = self.closings.partition_point(|closing| closing.from <= time);
        self.closings.get(begun.checked_sub(1)?).filter(|closing| time < closing.to)
    }

    /// When what is due at `time` happens: then, or when the venue opens again.
    pub(super) fn opens(&self, time: UnixNanos) -> UnixNanos {
        // One that follows another at once is waited for as well.
        let mut time = time;
        while let Some(closing) = self.at(time) {
            time = closing.to;
        }
        time
    }

    /// The first closing after the first `done` ones that cancels orders.
    pub(super) fn next_cancel(&self, done: usize) -> Option<UnixNanos> {
        if !self.cancels {
            return None;
        }
        self.closings.get(done).map(|closing| closing.from)
    }

    /// How many closings have begun by `time`.
    pub(super) fn begun(&self, time: UnixNanos) -> usize {
        self.closings.partition_point(|closing| closing.from <= time)
    }
}
