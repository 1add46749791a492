//! How much is sent in a time. Windows slide to the nanosecond over as many times as their limit
//! says, so the memory of a throttle is bounded by its limits.

use alloc::collections::VecDeque;

use crate::{
    risk::{Denial, Scope},
    time::{Nanos, UnixNanos},
};

/// Limits of what is sent in a time. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// New orders in a second.
    pub orders_per_second_max: Option<u32>,
    /// New orders in a minute.
    pub orders_per_minute_max: Option<u32>,
    /// Changes in a second.
    pub amends_per_second_max: Option<u32>,
    /// Changes in a minute.
    pub amends_per_minute_max: Option<u32>,
    /// Cancels in a second. Cancels pass always; above this nothing new does.
    pub cancels_per_second_max: Option<u32>,
    /// Cancels in a minute.
    pub cancels_per_minute_max: Option<u32>,
    /// Orders for each fill.
    pub order_to_fill_max: Option<OrderToFill>,
}

/// How many orders may be sent for each fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderToFill {
    /// Orders for each fill; where nothing has filled, this many in all.
    pub ratio_max: u32,
    /// So many orders are let through in a window before the ratio counts.
    pub orders_min: u32,
    /// Length of the window; it moves in steps of a sixtieth.
    pub window: Nanos,
}

impl Rates {
    /// The largest number that a rate may be: the length of its memory.
    pub const MAX: u32 = 10_000;
    /// No limit.
    pub const NONE: Self = Self {
        orders_per_second_max: None,
        orders_per_minute_max: None,
        amends_per_second_max: None,
        amends_per_minute_max: None,
        cancels_per_second_max: None,
        cancels_per_minute_max: None,
        order_to_fill_max: None,
    };
}

const MINUTE: Nanos = Nanos(60 * Nanos::SECOND.0);

/// The latest times of something, as many as make a window full.
#[derive(Clone, Debug)]
struct Window {
    /// How many are allowed.
    limit: u32,
    /// How many make it full: the limit, or one more where what is counted passes always.
    full: usize,
    length: Nanos,
    times: VecDeque<UnixNanos>,
}

impl Window {
    fn new(limit: Option<u32>, more: usize, length: Nanos) -> Option<Self> {
        let limit = limit?.min(Rates::MAX);
        let full = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(more).max(1);
        Some(Self { limit, full, length, times: VecDeque::new() })
    }

    fn note(&mut self, at: UnixNanos) {
        if self.times.len() >= self.full {
            self.times.pop_front();
        }
        self.times.push_back(at);
    }

    /// Whether as many as make it full happened within the window that ends now.
    fn is_full(&self, now: UnixNanos) -> bool {
        let full = self.times.len() >= self.full;
        full && self.times.front().is_none_or(|oldest| now.since(*oldest) < self.length)
    }
}

/// A second and a minute.
#[derive(Clone, Debug)]
struct Rate {
    second: Option<Window>,
    minute: Option<Window>,
}

impl Rate {
    /// Full where one more would be too many.
    fn up_to(second: Option<u32>, minute: Option<u32>) -> Self {
        let second = Window::new(second, 0, Nanos::SECOND);
        Self { second, minute: Window::new(minute, 0, MINUTE) }
    }

    /// Full where there have been too many.
    fn above(second: Option<u32>, minute: Option<u32>) -> Self {
        let second = Window::new(second, 1, Nanos::SECOND);
        Self { second, minute: Window::new(minute, 1, MINUTE) }
    }

    fn note(&mut self, at: UnixNanos) {
        for window in [&mut self.second, &mut self.minute].into_iter().flatten() {
            window.note(at);
        }
    }

    /// Length and limit of a window that is full.
    fn full(&self, now: UnixNanos) -> Option<(Nanos, u32)> {
        let mut windows = [&self.second, &self.minute].into_iter().flatten();
        windows.find(|window| window.is_full(now)).map(|window| (window.length, window.limit))
    }
}

/// Parts of the window of orders and fills.
const PARTS: usize = 60;

/// Orders and fills in a window that moves by its sixtieth.
#[derive(Clone, Debug)]
struct Counts {
    rule: OrderToFill,
    /// Number of a part since the epoch, orders, fills.
    parts: VecDeque<(u64, u32, u32)>,
    orders: u32,
    fills: u32,
}

impl Counts {
    fn new(rule: OrderToFill) -> Self {
        Self { rule, parts: VecDeque::new(), orders: 0, fills: 0 }
    }

    fn part_of(&self, at: UnixNanos) -> u64 {
        at.0 / (self.rule.window.0 / PARTS as u64).max(1)
    }

    fn note(&mut self, at: UnixNanos, orders: u32, fills: u32) {
        let part = self.part_of(at);
        let oldest = part.saturating_sub(PARTS as u64 - 1);
        while let Some((first, of_orders, of_fills)) = self.parts.front().copied()
            && first < oldest
        {
            self.parts.pop_front();
            self.orders -= of_orders;
            self.fills -= of_fills;
        }
        match self.parts.back_mut() {
            // Time does not go back; where a record says so, it counts as now.
            Some(last) if last.0 >= part => {
                last.1 = last.1.saturating_add(orders);
                last.2 = last.2.saturating_add(fills);
            }
            _ => self.parts.push_back((part, orders, fills)),
        }
        self.orders = self.orders.saturating_add(orders);
        self.fills = self.fills.saturating_add(fills);
    }

    /// Orders and fills in the window that ends now.
    fn within(&self, now: UnixNanos) -> (u32, u32) {
        let oldest = self.part_of(now).saturating_sub(PARTS as u64 - 1);
        let gone = self.parts.iter().take_while(|(part, ..)| *part < oldest);
        gone.fold((self.orders, self.fills), |(orders, fills), (_, o, f)| (orders - o, fills - f))
    }
}

/// What is sent of a scope.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    orders: Rate,
    amends: Rate,
    cancels: Rate,
    counts: Option<Counts>,
    /// Until when an alert about cancels stands.
    alerted_until: UnixNanos,
}

impl Throttle {
    pub(crate) fn new(rates: &Rates) -> Self {
        Self {
            orders: Rate::up_to(rates.orders_per_second_max, rates.orders_per_minute_max),
            amends: Rate::up_to(rates.amends_per_second_max, rates.amends_per_minute_max),
            cancels: Rate::above(rates.cancels_per_second_max, rates.cancels_per_minute_max),
            counts: rates.order_to_fill_max.map(Counts::new),
            alerted_until: UnixNanos(0),
        }
    }

    pub(crate) fn note_order(&mut self, at: UnixNanos) {
        self.orders.note(at);
        if let Some(counts) = &mut self.counts {
            counts.note(at, 1, 0);
        }
    }

    pub(crate) fn note_fill(&mut self, at: UnixNanos) {
        if let Some(counts) = &mut self.counts {
            counts.note(at, 0, 1);
        }
    }

    pub(crate) fn note_amend(&mut self, at: UnixNanos) {
        self.amends.note(at);
    }

    pub(crate) fn note_cancel(&mut self, at: UnixNanos) {
        self.cancels.note(at);
    }

    /// Whether one more order may be sent. One that only shrinks a position is held back by the
    /// number of orders alone.
    pub(crate) fn check_order(
        &self,
        scope: Scope,
        now: UnixNanos,
        shrinks: bool,
    ) -> Result<(), Denial> {
        if let Some((window, limit)) = self.orders.full(now) {
            return Err(Denial::OrderRateAboveMax { scope, window, limit });
        }
        if shrinks {
            return Ok(());
        }
        self.check_cancels(scope, now)?;
        let Some(counts) = &self.counts else {
            return Ok(());
        };
        let (sent, fills) = counts.within(now);
        let (orders, limit) = (sent.saturating_add(1), counts.rule.ratio_max);
        if sent >= counts.rule.orders_min && orders > limit.saturating_mul(fills.max(1)) {
            return Err(Denial::OrderToFillAboveMax { scope, orders, fills, limit });
        }
        Ok(())
    }

    /// Whether one more change may be sent.
    pub(crate) fn check_amend(
        &self,
        scope: Scope,
        now: UnixNanos,
        shrinks: bool,
    ) -> Result<(), Denial> {
        if let Some((window, limit)) = self.amends.full(now) {
            return Err(Denial::AmendRateAboveMax { scope, window, limit });
        }
        if shrinks { Ok(()) } else { self.check_cancels(scope, now) }
    }

    fn check_cancels(&self, scope: Scope, now: UnixNanos) -> Result<(), Denial> {
        self.cancels.full(now).map_or(Ok(()), |(window, limit)| {
            Err(Denial::CancelRateAboveMax { scope, window, limit })
        })
    }

    /// Whether cancels have become too many since that was last said.
    pub(crate) fn alerts(&mut self, now: UnixNanos) -> bool {
        match self.cancels.full(now) {
            Some((window, _)) if self.alerted_until <= now => {
                self.alerted_until = now.plus(window);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000 * 1_000_000_000;

    #[test]
    fn a_window_slides_to_the_nanosecond() {
        let mut window = Window::new(Some(2), 0, Nanos(100)).unwrap();
        for (at, full) in [(1_000, false), (1_050, true), (1_099, true)] {
            if at != 1_099 {
                window.note(UnixNanos(at));
            }
            assert_eq!(window.is_full(UnixNanos(at)), full, "{at}");
        }
        assert!(!window.is_full(UnixNanos(1_100)));
        window.note(UnixNanos(1_100));
        assert!(window.is_full(UnixNanos(1_149)));
        assert!(!window.is_full(UnixNanos(1_150)));
        assert_eq!(window.times.len(), 2);
    }

    #[test]
    fn orders_for_each_fill() {
        let rule = OrderToFill { ratio_max: 2, orders_min: 3, window: MINUTE };
        let rates = Rates { order_to_fill_max: Some(rule), ..Rates::NONE };
        let mut throttle = Throttle::new(&rates);
        let now = UnixNanos(NOW);
        for _ in 0..3 {
            assert!(throttle.check_order(Scope::Plugin, now, false).is_ok());
            throttle.note_order(now);
        }
        let denied = throttle.check_order(Scope::Plugin, now, false);
        let (scope, orders, fills, limit) = (Scope::Plugin, 4, 0, 2);
        assert_eq!(denied, Err(Denial::OrderToFillAboveMax { scope, orders, fills, limit }));
        assert!(throttle.check_order(Scope::Plugin, now, true).is_ok());
        throttle.note_fill(now);
        throttle.note_fill(now);
        assert!(throttle.check_order(Scope::Plugin, now, false).is_ok(), "4 orders for 2 fills");
        throttle.note_order(now);
        assert!(throttle.check_order(Scope::Plugin, now, false).is_err());
        let later = now.plus(MINUTE);
        assert!(throttle.check_order(Scope::Plugin, later, false).is_ok(), "all forgotten");
    }

    #[test]
    fn memory_is_bounded() {
        let rule = OrderToFill { ratio_max: 1, orders_min: 1, window: MINUTE };
        let mut counts = Counts::new(rule);
        for second in 0..10_000 {
            counts.note(UnixNanos(NOW + second * 1_000_000_000), 1, 1);
        }
        assert!(counts.parts.len() <= PARTS);
        assert_eq!(counts.orders as usize, PARTS);
    }
}
