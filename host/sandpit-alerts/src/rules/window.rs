//! Counts within the last so many seconds, in a fixed number of slots: exact to a 32nd of the window.

use std::collections::VecDeque;

use sandpit_core::time::{Nanos, UnixNanos};

/// Parts of a window.
const SLOTS: u64 = 32;

#[derive(Clone, Debug)]
pub(super) struct Window {
    slot: u64,
    /// Number of the slot, all, bad ones; at most [`SLOTS`] + 1.
    slots: VecDeque<(u64, u64, u64)>,
}

impl Window {
    pub(super) fn new(width: Nanos) -> Self {
        Self { slot: (width.0 / SLOTS).max(1), slots: VecDeque::new() }
    }

    pub(super) fn add(&mut self, now: UnixNanos, all: u64, bad: u64) {
        // A clock that went back counts where it was.
        let newest = self.slots.back().map_or(0, |slot| slot.0);
        let number = (now.0 / self.slot).max(newest);
        self.forget(number);
        match self.slots.back_mut() {
            Some(slot) if slot.0 == number => {
                slot.1 = slot.1.saturating_add(all);
                slot.2 = slot.2.saturating_add(bad);
            }
            _ => self.slots.push_back((number, all, bad)),
        }
    }

    /// All, and the bad ones of them.
    pub(super) fn sums(&mut self, now: UnixNanos) -> (u64, u64) {
        self.forget(now.0 / self.slot);
        self.slots.iter().fold((0, 0), |(all, bad), slot| {
            (slot.1.saturating_add(all), slot.2.saturating_add(bad))
        })
    }

    fn forget(&mut self, number: u64) {
        while self.slots.front().is_some_and(|slot| slot.0.saturating_add(SLOTS) < number) {
            self.slots.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut window = Window::new(Nanos(3_200));
        for at in 0..100 {
            window.add(UnixNanos(at * 100), 2, 1);
        }
        let (all, bad) = window.sums(UnixNanos(9_900));
        assert_eq!((all, bad), (66, 33));
        assert!(window.slots.len() <= 33);
        assert_eq!(window.sums(UnixNanos(20_000)), (0, 0));
        // A clock that goes back neither panics nor loses anything.
        window.add(UnixNanos(20_000), 1, 0);
        window.add(UnixNanos(5), 1, 1);
        assert_eq!(window.sums(UnixNanos(5)), (2, 1));
    }
}
