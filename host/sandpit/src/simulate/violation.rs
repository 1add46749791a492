//! What must hold in every world, by name, and how it is said that something did not.

use std::fmt;

use sandpit_core::time::UnixNanos;

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No code of the host panics; the core's own assertions are among this.
    NoPanic,
    /// A client order id reaches the venue at most once, and is journalled at most once.
    OneOrderPerId,
    /// Nothing is sent before the decision is in the journal.
    JournalBeforeEffects,
    /// An order that the host calls over cannot trade any more.
    NoOrderLost,
    /// An execution is booked at most once.
    FillBookedOnce,
    /// What is booked happened at the venue, exactly so.
    FillIsTrue,
    /// An execution that was told is booked.
    ToldFillIsBooked,
    /// The engine's positions are the sum of what was booked.
    Positions,
    /// The engine's cash is the sum of what was booked, to the last digit.
    Cash,
    /// With all that works at the venue or is under way filled, no limit is exceeded.
    Limits,
    /// What was halted sends nothing but cancels and the host's own exits.
    HaltedSendsNothing,
    /// What may only reduce sends nothing that grows or turns a position.
    ReducingOnlyShrinks,
    /// What the operator and the kill switch decided holds, over restarts too.
    StateHolds,
    /// The journal's chain is whole.
    JournalChain,
    /// The journal alone leads to the state that the engine is in.
    ReplayEqualsLive,
    /// Nothing that the venue can say is impossible to the engine.
    NothingImpossible,
    /// No plugin's wish is carried out before the books have been compared.
    ReconciledFirst,
    /// Without faults everything in doubt is settled in bounded time.
    Settles,
    /// Without faults the host's books become the venue's in bounded time.
    BooksAgree,
    /// An order that somebody wanted to end has ended, in bounded time without faults.
    CancelsHappen,
    /// A position that was to be closed is closed, in bounded time without faults.
    FlattenFlattens,
    /// Time goes on: no storm of calls or events at one moment.
    TimeGoesOn,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::NoPanic,
        Self::OneOrderPerId,
        Self::JournalBeforeEffects,
        Self::NoOrderLost,
        Self::FillBookedOnce,
        Self::FillIsTrue,
        Self::ToldFillIsBooked,
        Self::Positions,
        Self::Cash,
        Self::Limits,
        Self::HaltedSendsNothing,
        Self::ReducingOnlyShrinks,
        Self::StateHolds,
        Self::JournalChain,
        Self::ReplayEqualsLive,
        Self::NothingImpossible,
        Self::ReconciledFirst,
        Self::Settles,
        Self::BooksAgree,
        Self::CancelsHappen,
        Self::FlattenFlattens,
        Self::TimeGoesOn,
    ];

    /// Stable name, as printed and documented.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoPanic => "no-panic",
            Self::OneOrderPerId => "one-order-per-id",
            Self::JournalBeforeEffects => "journal-before-effects",
            Self::NoOrderLost => "no-order-lost",
            Self::FillBookedOnce => "fill-booked-once",
            Self::FillIsTrue => "fill-is-true",
            Self::ToldFillIsBooked => "told-fill-is-booked",
            Self::Positions => "positions",
            Self::Cash => "cash",
            Self::Limits => "limits",
            Self::HaltedSendsNothing => "halted-sends-nothing",
            Self::ReducingOnlyShrinks => "reducing-only-shrinks",
            Self::StateHolds => "state-holds",
            Self::JournalChain => "journal-chain",
            Self::ReplayEqualsLive => "replay-equals-live",
            Self::NothingImpossible => "nothing-impossible",
            Self::ReconciledFirst => "reconciled-first",
            Self::Settles => "settles",
            Self::BooksAgree => "books-agree",
            Self::CancelsHappen => "cancels-happen",
            Self::FlattenFlattens => "flatten-flattens",
            Self::TimeGoesOn => "time-goes-on",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that must hold did not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}, step {step}: {invariant}: {detail}")]
pub struct Violation {
    /// Of which world.
    pub seed: u64,
    /// How many steps that world was to have.
    pub steps: u64,
    /// After how many steps.
    pub step: u64,
    /// When, in the world's time.
    pub time: UnixNanos,
    /// What did not hold.
    pub invariant: Invariant,
    /// How it showed.
    pub detail: String,
    /// What happened before, the latest last.
    pub trace: Vec<String>,
}

/// What did not hold, before it is known where.
#[derive(Debug)]
pub(super) struct Broke {
    pub(super) invariant: Invariant,
    pub(super) detail: String,
}

/// What a check comes to.
pub(super) type Held = Result<(), Broke>;

pub(super) fn broke(invariant: Invariant, detail: impl Into<String>) -> Broke {
    Broke { invariant, detail: detail.into() }
}
