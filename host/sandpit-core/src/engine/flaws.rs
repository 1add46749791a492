//! Deliberate bugs, as types. The fault simulator has to show that it finds what it is there to
//! find, so its tests build an engine with a flaw. [`Sound`] has none, and there is no way to give
//! an engine one at run time: a flaw is another type, which no host code names.

/// One set of flaws. Each is `false` unless a type says otherwise.
pub trait Flaws: Clone + core::fmt::Debug + Default + 'static {
    /// An execution that is told twice is booked twice.
    const COUNTS_DUPLICATE_FILLS: bool = false;
    /// A reducing scope looks at the side of an order and not at its size.
    const REDUCES_BY_SIDE_ONLY: bool = false;
    /// An order whose fate is unknown reserves nothing.
    const FORGETS_UNKNOWN_EXPOSURE: bool = false;
    /// The venue's first word that it does not know an order is believed.
    const BELIEVES_NOT_FOUND_AT_ONCE: bool = false;
    /// The end of an order is the end of its fills.
    const IGNORES_LATE_FILLS: bool = false;
    /// A change reserves the new quantity only, as if the venue had agreed.
    const TRUSTS_PENDING_CHANGES: bool = false;
    /// Client order ids begin anew at a restart.
    const FORGETS_SEQUENCE: bool = false;
    /// Locks end with the process.
    const FORGETS_LOCKS: bool = false;
}

/// No flaw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sound;

impl Flaws for Sound {}
