//! The mark of risk's consent.

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
