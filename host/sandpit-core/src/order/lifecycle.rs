//! The life of an order as one table. Everything that can be said about an order passes through
//! [`next_state`]; a pair that is not in the table is impossible and halts the instrument.

use core::fmt;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderState {
    /// Made by risk, not yet sent.
    Initialized,
    /// Refused by us. Terminal.
    Denied,
    /// Held by the host until its trigger is reached.
    Emulated,
    /// Sent; the venue has not answered.
    Submitted,
    /// The venue has it.
    Accepted,
    /// Refused by the venue. Terminal.
    Rejected,
    /// A change is under way.
    PendingUpdate,
    /// A cancel is under way.
    PendingCancel,
    /// Canceled. Terminal, but a fill that was under way may still arrive.
    Canceled,
    /// Its time was over. Terminal, but a fill that was under way may still arrive.
    Expired,
    /// Its trigger was reached; it works at the venue.
    Triggered,
    /// Partly filled, and working.
    PartiallyFilled,
    /// Filled. Terminal.
    Filled,
    /// Its fate was lost. It counts as working until the venue has answered.
    Unknown,
}

impl OrderState {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Initialized,
        Self::Denied,
        Self::Emulated,
        Self::Submitted,
        Self::Accepted,
        Self::Rejected,
        Self::PendingUpdate,
        Self::PendingCancel,
        Self::Canceled,
        Self::Expired,
        Self::Triggered,
        Self::PartiallyFilled,
        Self::Filled,
        Self::Unknown,
    ];

    /// Whether no exposure is left to it.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(
            self,
            Self::Denied | Self::Rejected | Self::Canceled | Self::Expired | Self::Filled
        )
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What moves an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transition {
    /// Risk refuses it.
    Deny,
    /// The host holds it.
    Emulate,
    /// It is handed to the venue client.
    Submit,
    /// The venue has it.
    Accept,
    /// The venue refuses it.
    Reject,
    /// A change is asked for.
    AskUpdate,
    /// A cancel is asked for.
    AskCancel,
    /// The change is done.
    Update,
    /// A change or cancel was refused; it works on.
    ChangeRejected,
    /// The venue ended it.
    Cancel,
    /// Its time was over.
    Expire,
    /// Its trigger was reached.
    Trigger,
    /// It traded and something remains.
    FillPart,
    /// It traded and nothing remains.
    FillAll,
    /// Its fate was lost.
    Lose,
}

impl Transition {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Deny,
        Self::Emulate,
        Self::Submit,
        Self::Accept,
        Self::Reject,
        Self::AskUpdate,
        Self::AskCancel,
        Self::Update,
        Self::ChangeRejected,
        Self::Cancel,
        Self::Expire,
        Self::Trigger,
        Self::FillPart,
        Self::FillAll,
        Self::Lose,
    ];
}

/// A pair that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot {by:?}")]
pub struct IllegalTransition {
    /// Where it stood.
    pub from: OrderState,
    /// What was said.
    pub by: Transition,
}

/// The table.
///
/// # Errors
/// The pair is impossible.
#[expect(clippy::too_many_lines, reason = "one table is read at one glance")]
pub const fn next_state(from: OrderState, by: Transition) -> Result<OrderState, IllegalTransition> {
    use OrderState as S;
    use Transition as T;
    let to = match (from, by) {
        (S::Initialized, T::Deny) => S::Denied,
        (S::Initialized, T::Emulate) => S::Emulated,
        // A held order whose trigger was reached may have to wait until another has made way.
        (S::Initialized | S::Emulated | S::Triggered, T::Submit) => S::Submitted,

        // The first answer, which may come after a change was asked for or the fate was lost.
        (S::Submitted | S::Unknown | S::Accepted, T::Accept) => S::Accepted,
        // A cancel that overtook its order was refused and left it Accepted.
        (
            S::Submitted | S::Unknown | S::Accepted | S::PendingUpdate | S::PendingCancel,
            T::Reject,
        ) => S::Rejected,
        // Late news: it changes nothing.
        (S::PendingUpdate, T::Accept) => S::PendingUpdate,
        (S::PendingCancel, T::Accept) => S::PendingCancel,
        (S::PartiallyFilled, T::Accept) => S::PartiallyFilled,
        (S::Triggered, T::Accept) => S::Triggered,

        // Asked for by us, at any time while it may work. A cancel overrules a change.
        (S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled, T::AskUpdate) => {
            S::PendingUpdate
        }
        (
            S::Submitted
            | S::Accepted
            | S::Triggered
            | S::PartiallyFilled
            | S::PendingUpdate
            | S::PendingCancel,
            T::AskCancel,
        ) => S::PendingCancel,
        (S::Unknown, T::AskCancel) => S::Unknown,
        (S::Emulated, T::AskUpdate) => S::Emulated,

        // Answered. A working order that had fills is still Accepted after a change: what is filled
        // is a number beside the state.
        (
            S::PendingUpdate | S::Accepted | S::PartiallyFilled | S::Triggered | S::Unknown,
            T::Update,
        ) => S::Accepted,
        (S::PendingCancel, T::Update) => S::PendingCancel,
        (S::PendingUpdate | S::PendingCancel, T::ChangeRejected) => S::Accepted,
        // The refusal of a cancel or change that crossed with the order's end.
        (S::Accepted | S::PartiallyFilled | S::Triggered | S::Unknown, T::ChangeRejected) => from,
        (S::Filled | S::Canceled | S::Expired | S::Rejected, T::ChangeRejected) => from,

        // Ended by the venue, by us, or by time.
        (
            S::Emulated
            | S::Submitted
            | S::Accepted
            | S::Triggered
            | S::PartiallyFilled
            | S::PendingUpdate
            | S::PendingCancel
            | S::Unknown
            | S::Canceled,
            T::Cancel,
        ) => S::Canceled,
        (
            S::Emulated
            | S::Submitted
            | S::Accepted
            | S::Triggered
            | S::PartiallyFilled
            | S::PendingUpdate
            | S::PendingCancel
            | S::Unknown
            | S::Expired,
            T::Expire,
        ) => S::Expired,

        (S::Emulated | S::Submitted | S::Accepted | S::Unknown, T::Trigger) => S::Triggered,
        // Told twice, or after what came of it.
        (S::Triggered | S::PartiallyFilled, T::Trigger) => from,
        (S::PendingUpdate, T::Trigger) => S::PendingUpdate,
        (S::PendingCancel, T::Trigger) => S::PendingCancel,

        // Fills, which overtake everything: before Accepted, after Canceled.
        (
            S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled | S::Unknown,
            T::FillPart,
        ) => S::PartiallyFilled,
        (S::PendingUpdate, T::FillPart) => S::PendingUpdate,
        (S::PendingCancel, T::FillPart) => S::PendingCancel,
        (S::Canceled, T::FillPart) => S::Canceled,
        (S::Expired, T::FillPart) => S::Expired,
        (
            S::Submitted
            | S::Accepted
            | S::Triggered
            | S::PartiallyFilled
            | S::PendingUpdate
            | S::PendingCancel
            | S::Unknown
            | S::Canceled
            | S::Expired,
            T::FillAll,
        ) => S::Filled,
        // Late news about an order that is over.
        (S::Filled | S::Canceled | S::Expired, T::Accept | T::Trigger | T::Update | T::Lose) => {
            from
        }
        (S::Filled, T::Cancel | T::Expire) => S::Filled,
        (S::Canceled, T::Expire) => S::Canceled,
        (S::Expired, T::Cancel) => S::Expired,
        (S::Rejected, T::Lose | T::Reject) => S::Rejected,

        // A lost answer to a submit, change or cancel.
        (
            S::Submitted
            | S::Accepted
            | S::Triggered
            | S::PartiallyFilled
            | S::PendingUpdate
            | S::PendingCancel
            | S::Unknown,
            T::Lose,
        ) => S::Unknown,

        _ => return Err(IllegalTransition { from, by }),
    };
    Ok(to)
}
