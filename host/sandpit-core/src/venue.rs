//! A venue as the host deals with it: paper, simulated and real ones alike. It is told, it is asked,
//! and what it says is taken from it. Nothing here waits.
//!
//! **Architecture invariant:** whatever becomes of a request is one of three outcomes: the venue did
//! it, the venue refused it, or nobody knows. There is no fourth, and none is guessed.

use alloc::{format, string::String};

use crate::{
    engine::{AmendOrder, CancelOrder, QueryOrder, Reconcile, VenueCapabilities, VenueEvent},
    ids::{ClientOrderId, InstrumentId, TradeId},
    market::MarketEvent,
    order::{Order, Report, ReportKind},
    risk::Approved,
    time::UnixNanos,
};

/// All that is asked of a venue.
#[derive(Clone, Debug)]
pub enum VenueRequest {
    /// A new order.
    Submit(Approved<Order>),
    /// Two orders of one position of which one ends the other: only where the venue has
    /// [`VenueCapabilities::oco`].
    SubmitPair {
        /// The stop.
        stop: Approved<Order>,
        /// The take-profit.
        profit: Approved<Order>,
    },
    /// The end of an order.
    Cancel(CancelOrder),
    /// The end of all orders of an instrument, those of others on the account among them: only
    /// where the venue has [`VenueCapabilities::cancel_all`].
    CancelAll(InstrumentId),
    /// A change of an order.
    Amend(Approved<AmendOrder>),
    /// What became of an order. The answer is [`VenueEvent::Status`]; silence is none.
    Query(QueryOrder),
    /// The books of the account. The answer is [`VenueEvent::Snapshot`]; silence is none.
    Reconcile(Reconcile),
}

/// What a venue says, apart from its market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueMessage {
    /// What became of a request about an order.
    Answer(Answer),
    /// Something happened to an order.
    Report(Report),
    /// Something about the account, or the answer to a question.
    News(VenueEvent),
    /// What was really paid for a fill, where that was in an asset other than the quote asset.
    FeePaid(FeePaid),
}

/// A fee as the venue took it, beside the fill's own in the account's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeePaid {
    /// For which order.
    pub order: ClientOrderId,
    /// For which execution.
    pub trade_id: TradeId,
    /// In which asset.
    pub asset: String,
    /// How much of it, as the venue writes it.
    pub amount: String,
}

/// What an answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asked {
    /// A new order.
    Submit,
    /// The end of one.
    Cancel,
    /// A change of one.
    Amend,
}

/// What became of a request, by the venue's word or for want of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The venue did it. What follows is told by reports.
    Confirmed,
    /// The venue did not do it, and says so; or it never left us.
    Rejected(Refusal),
    /// It may have happened or not: a timeout, a lost line, an answer that cannot be read, or the
    /// venue's own word that it does not know.
    Unknown,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The venue's code; `None` where the request never left us.
    pub code: Option<i32>,
    /// In its words, or in ours; at most 256 bytes.
    pub message: String,
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.code {
            Some(code) => write!(f, "{} ({code})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// An outcome, and what of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which order.
    pub order: ClientOrderId,
    /// What was asked.
    pub to: Asked,
    /// The venue's time of it; ours where it did not answer.
    pub time: UnixNanos,
    /// What became of it.
    pub outcome: Outcome,
}

impl Answer {
    /// What the engine is told of it. Nothing, where it was done: what follows is told by reports.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        let kind = match (&self.outcome, self.to) {
            (Outcome::Confirmed, _) => return None,
            (Outcome::Rejected(refusal), Asked::Submit) => {
                ReportKind::Rejected(format!("{refusal}"))
            }
            (Outcome::Rejected(refusal), Asked::Cancel) => {
                ReportKind::CancelRejected(format!("{refusal}"))
            }
            (Outcome::Rejected(refusal), Asked::Amend) => {
                ReportKind::AmendRejected(format!("{refusal}"))
            }
            (Outcome::Unknown, _) => ReportKind::Lost,
        };
        Some(Report { order: self.order, time: self.time, kind })
    }
}

/// A venue.
///
/// Two lines come from it: what it says to the account, and its market. On each, what is said first
/// is taken first; where both have something, the host takes the account's first.
pub trait Venue {
    /// Why it cannot go on.
    type Error;

    /// What it can keep and do by itself; the engine does the rest, or denies.
    fn capabilities(&self) -> VenueCapabilities;

    /// Takes a request. What becomes of it is said later; a request about an order is answered or
    /// reported in every case, be it by [`Outcome::Unknown`].
    ///
    /// # Errors
    /// The venue cannot go on.
    fn ask(&mut self, request: VenueRequest, now: UnixNanos) -> Result<(), Self::Error>;

    /// When the next message can be taken; `None` where that is not known. What can be taken at
    /// once has a time that is over.
    fn next_message(&self) -> Option<UnixNanos>;

    /// The next message, if it can be taken by `now`.
    ///
    /// # Errors
    /// The venue cannot go on.
    fn take_message(&mut self, now: UnixNanos) -> Result<Option<VenueMessage>, Self::Error>;

    /// When the market's next event can be taken; `None` where that is not known.
    fn next_market(&self) -> Option<UnixNanos>;

    /// The market's next event, if it can be taken by `now`.
    ///
    /// # Errors
    /// The venue cannot go on.
    fn take_market(&mut self, now: UnixNanos) -> Result<Option<MarketEvent>, Self::Error>;
}
