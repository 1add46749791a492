//! All limits together: room is asked for, taken, settled, and closed when the venue says so.

use sandpit_core::time::UnixNanos;

use super::{Lane, Limit, LimitKind, Reserves, Usage, window::Window};
use crate::binance::request::{Cost, Pool};

/// Limits that are kept; the venue has about five. More are not taken in.
pub const LIMITS_MAX: usize = 16;

/// Room that was taken for one request. It has to be settled, or counts as under way.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a request that is never settled counts as under way for ever"]
pub struct Ticket {
    cost: Cost,
    asked: UnixNanos,
}

/// How a request ended, as far as its cost is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The venue did it.
    Confirmed,
    /// The venue refused it, or it may have arrived: it counts in full.
    Counted,
    /// It never left this machine.
    NotSent,
}

/// Why everything is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The venue said that too much was asked.
    Limited,
    /// The address is banned.
    Banned,
}

/// There is no room for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The lane's share of a limit is used up.
    #[error("the share of this lane is used up: {used} of {share} are counted until {until}")]
    Share {
        /// Counted, over all lanes.
        used: u32,
        /// What the lane may use.
        share: u32,
        /// When the window is over.
        until: UnixNanos,
    },
    /// The venue does not want to be asked.
    #[error("the venue does not want to be asked until {until}: {why:?}")]
    Closed {
        /// Why.
        why: Closed,
        /// When that is over.
        until: UnixNanos,
    },
    /// It costs more than the lane may ever use.
    #[error("a cost of {cost} is more than this lane's share of {share}")]
    Never {
        /// Its cost.
        cost: u32,
        /// What the lane may use.
        share: u32,
    },
}

/// The count of everything that is asked of one venue from one address with one account.
#[derive(Clone, Debug)]
pub struct Ledger {
    windows: Vec<Window>,
    reserves: Reserves,
    closed: Option<(Closed, UnixNanos)>,
    /// New orders alone are closed until then.
    orders_closed: Option<UnixNanos>,
}

impl Ledger {
    /// Keeps the first [`LIMITS_MAX`] limits.
    #[must_use]
    pub fn new(limits: &[Limit], reserves: Reserves) -> Self {
        let windows = limits
            .iter()
            .filter(|limit| limit.window.0 > 0)
            .take(LIMITS_MAX)
            .map(|limit| Window::new(*limit))
            .collect();
        Self { windows, reserves, closed: None, orders_closed: None }
    }

    /// What a request counts in a window.
    const fn counts(cost: &Cost, kind: LimitKind) -> u32 {
        match (kind, cost.pool) {
            (LimitKind::Weight, Pool::Api) => cost.weight,
            (LimitKind::Requests, Pool::Api) => 1,
            (LimitKind::Orders, Pool::Api) => cost.orders,
            // The wallet's limits are its own, and far above what is asked of it.
            (_, Pool::Sapi) => 0,
        }
    }

    /// Takes room for a request, in all windows or in none.
    ///
    /// # Errors
    /// There is no room for this lane, or the venue does not want to be asked.
    pub fn take(&mut self, lane: Lane, cost: Cost, now: UnixNanos) -> Result<Ticket, NoRoom> {
        if let Some((why, until)) = self.closed.filter(|(_, until)| *until > now) {
            return Err(NoRoom::Closed { why, until });
        }
        if let Some(until) = self.orders_closed.filter(|until| cost.orders > 0 && *until > now) {
            return Err(NoRoom::Closed { why: Closed::Limited, until });
        }
        for window in &mut self.windows {
            window.roll(now);
            let counts = Self::counts(&cost, window.limit.kind);
            let share = self.reserves.share(lane, window.limit.most);
            if counts > share {
                return Err(NoRoom::Never { cost: counts, share });
            }
            if counts > 0 && !window.has_room(counts, share, now) {
                let (used, until) = (window.used_at(now), window.end(now));
                return Err(NoRoom::Share { used, share, until });
            }
        }
        for window in &mut self.windows {
            window.take(Self::counts(&cost, window.limit.kind), now);
        }
        Ok(Ticket { cost, asked: now })
    }

    /// Ends a request.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket can be used once only")]
    pub fn settle(&mut self, ticket: Ticket, how: Settled, now: UnixNanos) {
        let Ticket { cost, asked } = ticket;
        for window in &mut self.windows {
            window.roll(now);
            let counts = Self::counts(&cost, window.limit.kind);
            let back = match how {
                Settled::Counted => 0,
                Settled::NotSent => counts,
                Settled::Confirmed => match window.limit.kind {
                    LimitKind::Weight => counts.saturating_sub(cost.weight_confirmed),
                    LimitKind::Orders | LimitKind::Requests => 0,
                },
            };
            window.settle(counts, back, asked);
        }
    }

    /// Takes in what the venue says about usage, as of `at` by its clock. A limit that it names
    /// and that was not known is taken in, too.
    pub fn hear(&mut self, usage: &Usage, at: UnixNanos) {
        let known = self.windows.iter().any(|window| window.is(usage.kind, usage.window));
        if let (false, Some(most)) = (known || self.windows.len() >= LIMITS_MAX, usage.most) {
            let limit = Limit { kind: usage.kind, window: usage.window, most };
            self.windows.push(Window::new(limit));
        }
        for window in &mut self.windows {
            window.roll(at);
            if window.is(usage.kind, usage.window) {
                window.hear(usage, at);
            }
        }
    }

    /// The venue does not want to be asked until then; a later end stays.
    pub fn close(&mut self, why: Closed, until: UnixNanos) {
        if self.closed.is_none_or(|(_, before)| before < until) {
            self.closed = Some((why, until));
        }
    }

    /// The venue takes no new orders until then; a later end stays.
    pub fn close_orders(&mut self, until: UnixNanos) {
        self.orders_closed = self.orders_closed.max(Some(until));
    }

    /// What is counted in each window at `now`.
    pub fn usage(&mut self, now: UnixNanos) -> impl Iterator<Item = (Limit, u32)> {
        self.windows.iter_mut().map(move |window| {
            window.roll(now);
            (window.limit, window.used())
        })
    }
}
