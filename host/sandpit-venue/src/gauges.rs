//! One picture of a connection to a venue, for metrics, a status page, and people. Counts begin with
//! the connection and only grow (`_total`); everything else is so now. Units are in the names.

use serde::Serialize;

/// See the head of this module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gauges {
    /// What was asked, by lane.
    pub requests: Requests,
    /// The venue's limits.
    pub limits: Vec<LimitGauge>,
    /// How often and how long the venue wanted to be left alone.
    pub pauses: Pauses,
    /// The circuits that open before a ban.
    pub circuits: Circuits,
    /// The venue's clock.
    pub clock: ClockGauges,
    /// The connection for orders and own events.
    pub connection: ConnectionGauges,
    /// Own events.
    pub own_events: OwnEvents,
    /// Orders.
    pub orders: OrderGauges,
    /// Comparisons of the books.
    pub books: BookGauges,
    /// Market data.
    pub market: MarketGauges,
    /// Keys.
    pub keys: KeyGauges,
    /// Queues between the venue's thread and the host's.
    pub queues: Queues,
}

/// By lane, most urgent first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// Cancels.
    pub kill: LaneGauges,
    /// Finding out what is so.
    pub reconcile: LaneGauges,
    /// New orders and changes.
    pub orders: LaneGauges,
    /// Market data.
    pub data: LaneGauges,
    /// Of all sent ones: by the WebSocket API.
    pub by_socket_total: u64,
    /// Sent and not answered now.
    pub under_way: u64,
    /// Asked again after no answer.
    pub retries_total: u64,
    /// Answers that came after they were given up.
    pub late_total: u64,
}

/// Of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LaneGauges {
    /// Wait to be sent now.
    pub waiting: u64,
    /// Sent.
    pub sent_total: u64,
    /// Answered: done.
    pub confirmed_total: u64,
    /// Answered: refused.
    pub rejected_total: u64,
    /// Answered, and what became of it is not known; or not answered.
    pub unknown_total: u64,
    /// Answered: too much is asked, or a ban.
    pub limited_total: u64,
    /// Given back unsent.
    pub never_sent_total: u64,
}

/// One limit of the venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitGauge {
    /// `weight`, `orders` or `requests`.
    pub kind: &'static str,
    /// Length of its window.
    pub window_seconds: u64,
    /// Used in this window.
    pub used: u64,
    /// Left in it.
    pub left: u64,
    /// Most within a window.
    pub most: u64,
}

/// How often and how long the venue wanted to be left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pauses {
    /// Answers that too much is asked: 429, and orders over their count.
    pub limited_total: u64,
    /// Answers that the address is banned: 418 and 403.
    pub banned_total: u64,
    /// How long nothing is asked from now on.
    pub left_seconds: u64,
}

/// The circuits that open before a ban.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Circuits {
    /// Of REST: 0 closed, 1 half open, 2 open.
    pub rest: u64,
    /// How often it opened.
    pub rest_opened_total: u64,
    /// Of the WebSocket API: 0 closed, 1 half open, 2 open.
    pub socket: u64,
    /// How often it opened.
    pub socket_opened_total: u64,
}

/// The venue's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClockGauges {
    /// Whether it is known well enough to sign by it.
    pub known: bool,
    /// The venue's less ours.
    pub offset_nanos: i64,
    /// How far the offset can be wrong: half of the way there and back, and half a millisecond.
    pub uncertainty_nanos: u64,
    /// How often it was set.
    pub set_total: u64,
    /// Times that the venue refused.
    pub refused_total: u64,
}

/// The connection for orders and own events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionGauges {
    /// Whether one is used now.
    pub up: bool,
    /// Connections that were lost, or could not be made.
    pub reconnects_total: u64,
    /// Greetings (log-in, subscription) that were refused.
    pub greetings_refused_total: u64,
    /// Messages that could not be read.
    pub frames_bad_total: u64,
    /// Since anything came by it, pings among it; `None` without one.
    pub heard_age_nanos: Option<u64>,
}

/// Own events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OwnEvents {
    /// Whether they are listened to now.
    pub live: bool,
    /// Heard.
    pub heard_total: u64,
    /// Told twice, and passed over.
    pub again_total: u64,
    /// Could not be used.
    pub bad_total: u64,
    /// Times at which something may have been missed.
    pub gaps_total: u64,
    /// Of them found by looking at the open orders.
    pub found_by_looking_total: u64,
    /// Since the last one; `None` before it.
    pub last_age_nanos: Option<u64>,
}

/// Orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OrderGauges {
    /// Asked for.
    pub placed_total: u64,
    /// Refused, or never sent.
    pub refused_total: u64,
    /// Of them by the venue's filters, here.
    pub refused_by_filters_total: u64,
    /// Requests whose fate was not known.
    pub unknown_total: u64,
    /// Cancels that were asked for.
    pub canceled_total: u64,
    /// Open now.
    pub open: u64,
    /// Asked about.
    pub queries_total: u64,
    /// Asked about now.
    pub queries_open: u64,
}

/// Comparisons of the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BookGauges {
    /// Books that were shown to the engine, which finds what differs.
    pub shown_total: u64,
    /// Books that moved while they were read, and were read again.
    pub again_total: u64,
    /// Books that moved too often.
    pub given_up_total: u64,
}

/// Market data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MarketGauges {
    /// Whether all its connections have joined their streams.
    pub up: bool,
    /// Connections that were begun.
    pub connects_total: u64,
    /// Connections that failed or were lost.
    pub disconnects_total: u64,
    /// Connections that were replaced without a break.
    pub renewals_total: u64,
    /// Messages.
    pub frames_total: u64,
    /// Messages that were malformed.
    pub decode_errors_total: u64,
    /// Events that had been told already.
    pub duplicates_total: u64,
    /// Changes of a book that were missing.
    pub gaps_total: u64,
    /// Snapshots that a book was begun with.
    pub snapshots_total: u64,
    /// Missed trades that were asked for and told.
    pub trades_recovered_total: u64,
    /// Trades that were missed and never told.
    pub trades_lost_total: u64,
    /// Times that a connection or a stream was silent for too long.
    pub silences_total: u64,
    /// Since anything came by the connection that has been silent longest; `None` without one.
    pub heard_age_nanos: Option<u64>,
}

/// Keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyGauges {
    /// Keys that took another's place.
    pub changes_total: u64,
    /// Offered and proven.
    pub proven_total: u64,
    /// Offered and refused.
    pub refused_total: u64,
    /// Looks at what the keys may do.
    pub rights_read_total: u64,
}

/// One queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueGauge {
    /// Wait now.
    pub depth: u64,
    /// Have waited at most.
    pub depth_most: u64,
    /// From so many on it is full.
    pub depth_max: u64,
}

/// Queues between the venue's thread and the host's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Queues {
    /// What the host wants.
    pub told: QueueGauge,
    /// About the account.
    pub messages: QueueGauge,
    /// The market.
    pub market: QueueGauge,
    /// Bars from before.
    pub history: QueueGauge,
    /// About the connection.
    pub notices: QueueGauge,
    /// Quotes that took the place of one that waited.
    pub quotes_conflated_total: u64,
    /// What the host wanted while the queue was full.
    pub told_refused_total: u64,
    /// How often sockets were not read because the host was behind.
    pub pauses_total: u64,
}
