//! What a plugin has to be told although it cannot be told now: what became of its orders, and how
//! it stands. The market that it misses, it misses.

use std::collections::VecDeque;

use sandpit_core::plugin::PluginEvent;

/// Order reports that wait at most. Beyond, the oldest are left out and counted: a start tells the
/// plugin all that is open anyhow.
pub(super) const OWED_MAX: usize = 65_536;

/// Events that wait for a plugin to run again, oldest first. What is said in whole (a position, the
/// budget, the trading state, a timer) is kept once, as it was said last.
#[derive(Clone, Debug, Default)]
pub(super) struct Owed {
    events: VecDeque<PluginEvent>,
    lost: u64,
}

impl Owed {
    /// Takes in an event, or leaves it out where it is the market's.
    pub(super) fn push(&mut self, event: PluginEvent) {
        if !is_owed(&event) {
            return;
        }
        // Order reports replace nothing, and are most of them. What replaces replaces something recent.
        let stale = match event {
            PluginEvent::Order(_) => None,
            _ => self.events.iter().rposition(|other| is_replaced(other, &event)),
        };
        if let Some(stale) = stale {
            self.events.remove(stale);
        }
        if self.events.len() == OWED_MAX {
            self.events.pop_front();
            self.lost += 1;
        }
        self.events.push_back(event);
    }

    pub(super) fn extend(&mut self, events: impl IntoIterator<Item = PluginEvent>) {
        for event in events {
            self.push(event);
        }
    }

    /// All of them.
    pub(super) fn take(&mut self) -> VecDeque<PluginEvent> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Reports beyond the bound.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }
}

/// Whether a plugin is told of it later if it cannot be told now.
pub(crate) const fn is_owed(event: &PluginEvent) -> bool {
    match event {
        PluginEvent::Market { .. } | PluginEvent::Depth(_) => false,
        PluginEvent::Order(_)
        | PluginEvent::Position(_)
        | PluginEvent::Budget(_)
        | PluginEvent::Timer { .. }
        | PluginEvent::TradingState { .. } => true,
    }
}

/// Whether the later event says all that the earlier one said.
fn is_replaced(earlier: &PluginEvent, later: &PluginEvent) -> bool {
    match (earlier, later) {
        (PluginEvent::Position(earlier), PluginEvent::Position(later)) => {
            earlier.instrument == later.instrument
        }
        (PluginEvent::Timer { id: earlier, .. }, PluginEvent::Timer { id: later, .. }) => {
            earlier == later
        }
        (PluginEvent::Budget(_), PluginEvent::Budget(_))
        | (PluginEvent::TradingState { .. }, PluginEvent::TradingState { .. }) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use sandpit_core::{
        ids::{InstrumentId, OrderTag, TimerId},
        market::Side,
        num::{Money, Quantity},
        plugin::{BudgetView, OrderUpdate, OrderUpdateKind, PositionView},
        time::UnixNanos,
    };

    use super::*;

    fn order(tag: u64) -> PluginEvent {
        PluginEvent::Order(OrderUpdate {
            time: UnixNanos(tag),
            tag: OrderTag(tag),
            instrument: InstrumentId(0),
            side: Side::Buy,
            kind: OrderUpdateKind::Accepted,
            quantity: Quantity(1),
            filled: Quantity(0),
            closed: false,
        })
    }

    fn position(instrument: u16, time: u64) -> PluginEvent {
        PluginEvent::Position(PositionView {
            instrument: InstrumentId(instrument),
            time: UnixNanos(time),
            quantity: Quantity(1),
            cost: Money(0),
            realized_pnl: Money(0),
        })
    }

    fn timer(id: u32, time: u64) -> PluginEvent {
        PluginEvent::Timer { id: TimerId(id), time: UnixNanos(time) }
    }

    #[test]
    fn every_order_report_waits_and_of_the_rest_the_latest() {
        let budget = |time| {
            let (balance, equity, fees) = (Money(1), Money(1), Money(0));
            PluginEvent::Budget(BudgetView { time: UnixNanos(time), balance, equity, fees })
        };
        let mut owed = Owed::default();
        owed.extend([order(1), position(0, 2), timer(7, 3), position(1, 4), order(5)]);
        owed.extend([position(0, 6), budget(7), timer(8, 8), timer(7, 9), budget(10)]);
        let expected = [
            order(1),
            position(1, 4),
            order(5),
            position(0, 6),
            timer(8, 8),
            timer(7, 9),
            budget(10),
        ];
        assert_eq!(Vec::from(owed.take()), expected);
        assert_eq!(owed.len(), 0);
    }

    #[test]
    fn the_oldest_beyond_the_bound_are_counted() {
        let mut owed = Owed::default();
        for tag in 0..=OWED_MAX as u64 {
            owed.push(order(tag));
        }
        assert_eq!((owed.len(), owed.lost()), (OWED_MAX, 1));
        assert_eq!(owed.take().front(), Some(&order(1)));
    }
}
