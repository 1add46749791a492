//! What is set about the gate, and the bounds of it.

use std::ops::Range;

use sandpit_core::time::Nanos;

use super::Wish;
use crate::binance::{
    error_code::Codes,
    limits::{Limit, LimitKind, Reserves},
    request::RECV_WINDOW_MS_MAX,
};

/// Fewest numbers of connections that a gate needs: those that are closing keep theirs.
pub const LINKS_MIN: u32 = 8;
/// The most that may wait in each of the lanes for cancels, finding out, and data.
pub const QUEUE_MAX: usize = 4_096;
/// The longest that an order may wait before it is given back as never sent.
pub const PATIENCE_MAX: Nanos = seconds(60);
/// The longest that an answer may be waited for.
pub const TIMEOUT_MAX: Nanos = seconds(60);

const fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

/// How pauses between attempts grow: each is a random part of a bound that doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Every pause is at least so long.
    pub least: Nanos,
    /// The bound after the first failure.
    pub first: Nanos,
    /// The bound after many.
    pub most: Nanos,
}

/// When the circuit opens by itself, before the venue bans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures (5xx, no answer, no connection) …
    pub failures: u32,
    /// … within this time open it.
    pub window: Nanos,
    /// How long it stays open the first time; doubled each time that the probe fails.
    pub open_first: Nanos,
    /// The longest that it stays open.
    pub open_most: Nanos,
}

/// The WebSocket API, where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSettings {
    /// Full URLs; the next is taken where one fails.
    pub urls: Vec<String>,
    /// What is asked on a new connection, one after the other, before it is used for anything
    /// else: to log in, and to subscribe to own events. A refusal ends the connection.
    pub greeting: Vec<Wish>,
    /// Whether own events come by it, so that new orders wait from the moment it is lost until
    /// [`super::Gate::hold_orders`] lets them go.
    pub orders_need_it: bool,
    /// How long a connection may say nothing at all, pings included.
    pub silence: Nanos,
    /// How long a connection may take to open and to answer its greeting.
    pub opening: Nanos,
    /// How old a connection gets before it is replaced; the venue cuts it at 24 hours.
    pub renew_after: Nanos,
    /// It is replaced up to so much earlier, by chance.
    pub renew_jitter: Nanos,
    /// How long a connection that was replaced is still listened to, since what its successor does
    /// not tell may still be on its way.
    pub linger: Nanos,
    /// How long a connection that was replaced waits for its last answers.
    pub drain: Nanos,
    /// Pauses between attempts to connect.
    pub reconnect: Backoff,
}

/// Everything that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// Scheme and host of each REST server, first choice first; the next is taken where one fails.
    pub rest: Vec<String>,
    /// Scheme and host for the wallet's endpoints; `None` where there are none.
    pub wallet: Option<String>,
    /// The WebSocket API, where it is used.
    pub socket: Option<SocketSettings>,
    /// Numbers for its connections, nobody else's; at least [`LINKS_MIN`] of them.
    pub links: Range<u32>,
    /// Where the venue's clock is asked for.
    pub time: Wish,
    /// Whose codes its answers have.
    pub codes: Codes,
    /// Limits until the venue tells its own.
    pub limits: Vec<Limit>,
    /// What each lane keeps of every limit.
    pub reserves: Reserves,
    /// How long a signed request may travel, in milliseconds, 1 to [`RECV_WINDOW_MS_MAX`].
    pub recv_window_ms: u32,
    /// How long an order may wait for room, a clock or a connection, at most [`PATIENCE_MAX`].
    /// After that it is given back as never sent.
    pub patience: Nanos,
    /// The most orders that may wait, 1 to [`QUEUE_MAX`]; one more is given back as never sent.
    pub orders_max: usize,
    /// The most that may wait in each other lane, 1 to [`QUEUE_MAX`]. One more question is given
    /// back as never sent; one more cancel never is: it takes the place of nothing and waits, too.
    pub queue_max: usize,
    /// How long an answer is waited for, at most [`TIMEOUT_MAX`].
    pub timeout: Nanos,
    /// Pauses between attempts of a question.
    pub retry: Backoff,
    /// Samples of the venue's clock for one setting of it, at least 1.
    pub clock_samples: u32,
    /// How often the clock is set.
    pub clock_every: Nanos,
    /// From which distance to our own clock on a person is told when it is set.
    pub clock_offset_max: Nanos,
    /// When the circuit opens by itself.
    pub breaker: BreakerSettings,
}

impl GateSettings {
    /// As is right for Spot, with the limits of its documents.
    #[must_use]
    pub fn new(rest: Vec<String>, links: Range<u32>, time: Wish) -> Self {
        let limit = |kind, window, most| Limit { kind, window: seconds(window), most };
        Self {
            rest,
            wallet: None,
            socket: None,
            links,
            time,
            codes: Codes::Spot,
            limits: vec![
                limit(LimitKind::Weight, 60, 6_000),
                limit(LimitKind::Orders, 10, 100),
                limit(LimitKind::Orders, 86_400, 200_000),
                limit(LimitKind::Requests, 300, 300_000),
            ],
            reserves: Reserves::default(),
            recv_window_ms: 5_000,
            patience: seconds(5),
            orders_max: 256,
            queue_max: 1_024,
            timeout: seconds(10),
            retry: Backoff {
                least: Nanos::from_millis(100),
                first: Nanos::from_millis(400),
                most: seconds(30),
            },
            clock_samples: 4,
            clock_every: seconds(600),
            clock_offset_max: seconds(1),
            breaker: BreakerSettings {
                failures: 8,
                window: seconds(10),
                open_first: seconds(5),
                open_most: seconds(120),
            },
        }
    }

    /// What is wrong with it; `None` where nothing is.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let checks = [
            (self.rest.is_empty(), "no REST server is named"),
            (
                self.links.end.saturating_sub(self.links.start) < LINKS_MIN,
                "there are too few numbers for connections",
            ),
            (
                self.recv_window_ms == 0 || self.recv_window_ms > RECV_WINDOW_MS_MAX,
                "the receive window is not from 1 to 60000 ms",
            ),
            (
                self.patience.0 == 0 || self.patience > PATIENCE_MAX,
                "the patience of orders is not from 1 ns to 60 s",
            ),
            (
                !(1..=QUEUE_MAX).contains(&self.orders_max),
                "the queue of orders does not hold 1 to 4096",
            ),
            (
                !(1..=QUEUE_MAX).contains(&self.queue_max),
                "the queue of questions does not hold 1 to 4096",
            ),
            (
                self.timeout.0 == 0 || self.timeout > TIMEOUT_MAX,
                "the timeout of answers is not from 1 ns to 60 s",
            ),
            (self.clock_samples == 0, "the clock needs at least one sample"),
            (self.clock_every.0 == 0, "the clock is set without a pause"),
            (self.breaker.failures == 0, "the circuit opens without a failure"),
            (
                self.socket.as_ref().is_some_and(|socket| socket.urls.is_empty()),
                "no WebSocket server is named",
            ),
        ];
        checks.iter().find(|(wrong, _)| *wrong).map(|(_, words)| *words)
    }
}

/// As is right for a connection to Spot's WebSocket API, whose server pings every 20 seconds.
impl SocketSettings {
    /// With the greeting that a connection begins with.
    #[must_use]
    pub fn new(urls: Vec<String>, greeting: Vec<Wish>) -> Self {
        Self {
            urls,
            greeting,
            orders_need_it: false,
            silence: seconds(45),
            opening: seconds(15),
            renew_after: seconds(23 * 3_600),
            renew_jitter: seconds(1_800),
            linger: seconds(1),
            drain: seconds(10),
            reconnect: Backoff {
                least: Nanos::from_millis(250),
                first: seconds(1),
                most: seconds(30),
            },
        }
    }
}
