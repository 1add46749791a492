//! One answer, judged.

use sandpit_core::time::{Nanos, UnixNanos};

use super::{Class, Codes, ErrorCode, Reason};
use crate::binance::{
    response::{Answer, DecodeError, ErrorBody, Frame},
    text::cut,
};

/// How long to wait after a 429 that does not say: the window of weights.
pub const WEIGHT_WAIT: Nanos = Nanos(60 * Nanos::SECOND.0);
/// How long to wait where the count of orders is used up, which comes without `Retry-After`: the
/// shortest window of orders.
pub const ORDERS_WAIT: Nanos = Nanos(10 * Nanos::SECOND.0);
/// How long to wait after a 418 that does not say: the shortest ban.
pub const BAN_WAIT: Nanos = Nanos(120 * Nanos::SECOND.0);
/// How long to wait after a 403 of the firewall, which never says. A guess on the safe side.
pub const FIREWALL_WAIT: Nanos = Nanos(300 * Nanos::SECOND.0);
/// The longest wait that is believed: the longest ban, three days, and a day.
pub const WAIT_MAX: Nanos = Nanos(4 * 86_400 * Nanos::SECOND.0);

/// Bytes of a refusal's text that are kept, as [`sandpit_core::order::ReportKind`] wants it.
const MESSAGE_BYTES_MAX: usize = 256;
/// From here on a waiting time is a moment in milliseconds, below it is a number of seconds.
const EPOCH_MS_FROM: u64 = 1_000_000_000_000;

/// The status that says that the venue waited in vain for its own backend.
const TIMED_OUT: u16 = 408;

/// What became of a request.
#[derive(Debug)]
pub enum Outcome<T> {
    /// The venue did it, and says so.
    Confirmed(T),
    /// The venue did not do it, and says so.
    Rejected(Rejection),
    /// Nobody knows. For a request that changes nothing: there is no answer.
    Unknown(LossCause),
    /// Not done; nothing more may be asked before this time.
    RateLimited {
        /// Until when.
        until: UnixNanos,
        /// Whether only new orders are meant: the account's count of orders, not the weight.
        orders_only: bool,
    },
    /// Not done; the address is banned until this time.
    Banned {
        /// Until when.
        until: UnixNanos,
    },
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The venue's code.
    pub code: i32,
    /// The code, where it is one of Spot's that is known.
    pub known: Option<ErrorCode>,
    /// What the code means.
    pub class: Class,
    /// What the message means, where it is known.
    pub reason: Option<Reason>,
    /// The message, at most 256 bytes.
    pub message: String,
}

impl Rejection {
    fn of(codes: Codes, error: &ErrorBody<'_>) -> Self {
        let is_spot = codes == Codes::Spot;
        Self {
            code: error.code,
            known: ErrorCode::of(error.code).filter(|_| is_spot),
            class: codes.class(error.code),
            reason: Reason::of(&error.message),
            message: cut(&error.message, MESSAGE_BYTES_MAX).to_owned(),
        }
    }

    /// Whether it proves that an order with this name is open: an earlier request with it has
    /// arrived. The venue keeps names unique among open orders only, so nothing is proven about
    /// one that has been filled.
    #[must_use]
    pub fn proves_open_order(&self) -> bool {
        self.code == ErrorCode::NewOrderRejected.code()
            && self.reason == Some(Reason::DuplicateOrder)
    }

    /// Whether it says that the order which was to be canceled, amended or asked about is not
    /// there: over, or never arrived.
    #[must_use]
    pub fn says_no_such_order(&self) -> bool {
        self.known == Some(ErrorCode::NoSuchOrder) || self.reason == Some(Reason::UnknownOrder)
    }

    /// Whether it says that the order ended without a fill, so long ago that the venue has put it
    /// away.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.known == Some(ErrorCode::OrderArchived)
    }
}

/// Why the fate of a request is not known.
#[derive(Debug, thiserror::Error)]
pub enum LossCause {
    /// A status of 500 and above, or one that no request should get.
    #[error("the venue answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// An error that the venue itself calls unknown.
    #[error("the venue answered {code}: {message}")]
    Code {
        /// The code.
        code: i32,
        /// The message, cut short.
        message: String,
    },
    /// An answer that cannot be read.
    #[error("the venue's answer cannot be read")]
    Unreadable(#[source] DecodeError),
    /// No answer in time.
    #[error("no answer came in time")]
    Timeout,
    /// The connection went away.
    #[error("the connection was lost before an answer came")]
    Disconnected,
}

/// An answer of the REST API.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: &'a [u8],
    /// The header `Retry-After`, if there is one.
    pub retry_after: Option<&'a str>,
}

/// How long the venue wants to be left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(u64);

impl RetryAfter {
    /// Reads a header; what is no number says nothing.
    #[must_use]
    pub fn header(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Self)
    }

    /// When it is over. REST says seconds, the WebSocket API a moment in milliseconds; they are
    /// told apart by their size, and a wait of more than [`WAIT_MAX`] is cut to it.
    #[must_use]
    pub fn until(self, now: UnixNanos) -> UnixNanos {
        let moment = if self.0 >= EPOCH_MS_FROM {
            UnixNanos(self.0.saturating_mul(1_000_000))
        } else {
            now.plus(Nanos(self.0.saturating_mul(Nanos::SECOND.0)))
        };
        moment.clamp(now, now.plus(WAIT_MAX))
    }
}

/// Judges an answer of the REST API of Spot.
pub fn judge<'a, T: Answer<'a>>(reply: &Reply<'a>, now: UnixNanos) -> Outcome<T> {
    judge_by(Codes::Spot, reply, now)
}

/// Judges an answer of a REST API.
pub fn judge_by<'a, T: Answer<'a>>(codes: Codes, reply: &Reply<'a>, now: UnixNanos) -> Outcome<T> {
    let retry_after = reply.retry_after.and_then(RetryAfter::header);
    match reply.status {
        200..=299 => match T::decode(reply.body) {
            Ok(answer) => Outcome::Confirmed(answer),
            Err(error) => Outcome::Unknown(LossCause::Unreadable(error)),
        },
        status => {
            let error = ErrorBody::decode(reply.body).ok();
            judge_error(codes, status, error.as_ref(), retry_after, now)
        }
    }
}

/// Judges an answer of the WebSocket API of Spot.
pub fn judge_frame<'a, T: Answer<'a>>(frame: &Frame<'a>, now: UnixNanos) -> Outcome<T> {
    match (frame.status, frame.result) {
        (200..=299, Some(result)) => match T::decode(result.get().as_bytes()) {
            Ok(answer) => Outcome::Confirmed(answer),
            Err(error) => Outcome::Unknown(LossCause::Unreadable(error)),
        },
        (status, _) => {
            let retry_after = frame.error.as_ref().and_then(ErrorBody::retry_after).map(RetryAfter);
            judge_error(Codes::Spot, status, frame.error.as_ref(), retry_after, now)
        }
    }
}

fn judge_error<'a, T: Answer<'a>>(
    codes: Codes,
    status: u16,
    error: Option<&ErrorBody<'a>>,
    retry_after: Option<RetryAfter>,
    now: UnixNanos,
) -> Outcome<T> {
    let until = |wait| retry_after.map_or(now.plus(wait), |after| after.until(now));
    // The status first: whatever the body says of an internal error, it is no proof, unless the
    // documents say that it is one.
    if status == TIMED_OUT || !(400..=499).contains(&status) {
        return match error {
            Some(error) if codes.says_not_done(status, error.code, &error.message) => {
                Outcome::Rejected(Rejection::of(codes, error))
            }
            _ => Outcome::Unknown(LossCause::Status { status }),
        };
    }
    if status == 418 {
        return Outcome::Banned { until: until(BAN_WAIT) };
    }
    // Both halves have an outcome of their own, whatever the status.
    if let Some(answer) = error.and_then(T::from_error) {
        return Outcome::Confirmed(answer);
    }
    let code = error.map(|error| error.code);
    let class = code.map(|code| codes.class(code));
    if status == 429 || class == Some(Class::RateLimited) {
        let orders_only = code == Some(ErrorCode::TooManyOrders.code());
        let wait = if orders_only { ORDERS_WAIT } else { WEIGHT_WAIT };
        return Outcome::RateLimited { until: until(wait), orders_only };
    }
    match error {
        // Halves that cannot be read: one of them may have happened.
        Some(error) if matches!(class, Some(Class::Unknown | Class::Halves)) => {
            Outcome::Unknown(LossCause::Code {
                code: error.code,
                message: cut(&error.message, MESSAGE_BYTES_MAX).to_owned(),
            })
        }
        Some(error) => Outcome::Rejected(Rejection::of(codes, error)),
        // The firewall answers with a page of its own and lets nothing through.
        None if status == 403 => Outcome::Banned { until: until(FIREWALL_WAIT) },
        // Not the venue's form: some proxy's word, and no proof.
        None => Outcome::Unknown(LossCause::Status { status }),
    }
}
