//! What waits for a plugin that is slower than the market: bounded, in order, and with a policy.
//! Who calls the plugin, and when, is not decided here.
//!
//! | kind | when it has to wait |
//! |---|---|
//! | quotes, depth | only the latest of each instrument waits: an older one is worth nothing any more |
//! | trades, bars, history | wait, none is dropped |
//! | own orders, position, budget, timers, trading state | wait, none is dropped |
//!
//! A plugin for which too much waits, or for too long, is at fault: [`FaultCode::Lagging`]. What it
//! has to be told all the same once it is restarted is kept: see [`Queue::into_owed`].

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    ids::InstrumentId,
    market::MarketData,
    plugin::{Fault, FaultCode, PluginEvent},
    time::{Nanos, UnixNanos},
};

use crate::supervise::is_owed;

/// How far a plugin may lag behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Events that wait, once what is stale is left out.
    pub events_max: usize,
    /// Time of events between the oldest that waits and now.
    pub lag_max: Nanos,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self { events_max: 4_096, lag_max: Nanos(5 * Nanos::SECOND.0) }
    }
}

/// What makes an older event worthless when a newer one of the same comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Latest {
    Quote(InstrumentId),
    Depth(InstrumentId),
}

/// Events that wait for one plugin, oldest first.
#[derive(Clone, Debug)]
pub struct Queue {
    plugin: String,
    limits: QueueLimits,
    /// Stale ones are holes.
    events: VecDeque<Option<Waiting>>,
    /// Number of the event at the front.
    first: u64,
    /// Numbers of the quotes and depths that wait.
    latest: BTreeMap<Latest, u64>,
    waiting: usize,
    conflated: u64,
}

#[derive(Clone, Debug)]
struct Waiting {
    event: PluginEvent,
    time: UnixNanos,
}

impl Queue {
    /// Of a plugin that is not behind. `plugin` is the operator's name of it.
    #[must_use]
    pub fn new(plugin: &str, limits: QueueLimits) -> Self {
        Self {
            plugin: plugin.to_owned(),
            limits,
            events: VecDeque::new(),
            first: 0,
            latest: BTreeMap::new(),
            waiting: 0,
            conflated: 0,
        }
    }

    /// Events that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.waiting
    }

    /// Whether none waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Quotes and depths that were never told, since a newer one came first.
    #[must_use]
    pub const fn conflated(&self) -> u64 {
        self.conflated
    }

    /// Time of events between the oldest that waits and `now`.
    #[must_use]
    pub fn lag(&self, now: UnixNanos) -> Nanos {
        let oldest = self.events.iter().flatten().next();
        oldest.map_or(Nanos(0), |oldest| now.since(oldest.time))
    }

    /// Takes an event in behind all others. `now` is the time of the event, or of the host where
    /// that is later. The event is kept even where the plugin is at fault: it may be owed.
    ///
    /// # Errors
    /// The plugin lags too far behind.
    pub fn push(&mut self, event: PluginEvent, now: UnixNanos) -> Result<(), Fault> {
        let number = self.first + self.events.len() as u64;
        if let Some(latest) = latest_of(&event)
            && let Some(stale) = self.latest.insert(latest, number)
        {
            // It does not take the other's place: what happened in between must come before it.
            self.remove(stale);
            self.conflated += 1;
        }
        self.events.push_back(Some(Waiting { event, time: now }));
        self.waiting += 1;
        self.compact();
        self.check(now)
    }

    /// Takes out the oldest event.
    pub fn pop(&mut self) -> Option<PluginEvent> {
        while let Some(front) = self.events.pop_front() {
            let number = self.first;
            self.first += 1;
            if let Some(Waiting { event, .. }) = front {
                self.waiting -= 1;
                if let Some(latest) = latest_of(&event)
                    && self.latest.get(&latest) == Some(&number)
                {
                    self.latest.remove(&latest);
                }
                return Some(event);
            }
        }
        None
    }

    /// Whether the plugin is too far behind at `now`.
    ///
    /// # Errors
    /// It is.
    pub fn check(&self, now: UnixNanos) -> Result<(), Fault> {
        let lag = self.lag(now);
        let problem = if self.waiting > self.limits.events_max {
            format!("{} events wait for it, {} are allowed", self.waiting, self.limits.events_max)
        } else if lag > self.limits.lag_max {
            const NANOS_PER_MILLI: u64 = 1_000_000;
            let (lag, allowed) = (lag.0 / NANOS_PER_MILLI, self.limits.lag_max.0 / NANOS_PER_MILLI);
            format!("it is {lag} ms behind, {allowed} ms are allowed")
        } else {
            return Ok(());
        };
        let detail = format!("plugin `{}` lags: {problem}", self.plugin);
        Err(Fault { code: FaultCode::Lagging, detail })
    }

    /// What a plugin that was at fault has to be told when it runs again, oldest first: what became
    /// of its orders and what is let through. The market it missed, it missed.
    #[must_use]
    pub fn into_owed(self) -> Vec<PluginEvent> {
        let events = self.events.into_iter().flatten().map(|waiting| waiting.event);
        events.filter(is_owed).collect()
    }

    fn remove(&mut self, number: u64) {
        let index = number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(place) = index.and_then(|index| self.events.get_mut(index))
            && place.take().is_some()
        {
            self.waiting -= 1;
        }
    }

    /// Closes holes once they are more than what waits, so that memory follows what waits.
    fn compact(&mut self) {
        if self.events.len() <= 2 * self.waiting + 1 {
            return;
        }
        self.events.retain(Option::is_some);
        self.latest.clear();
        for (number, waiting) in (self.first..).zip(self.events.iter().flatten()) {
            if let Some(latest) = latest_of(&waiting.event) {
                self.latest.insert(latest, number);
            }
        }
    }
}

const fn latest_of(event: &PluginEvent) -> Option<Latest> {
    match event {
        PluginEvent::Market { event, history: false } => match event.data {
            MarketData::Quote(_) => Some(Latest::Quote(event.instrument)),
            _ => None,
        },
        PluginEvent::Depth(view) => Some(Latest::Depth(view.instrument)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sandpit_core::{
        ids::TimerId,
        market::{MarketEvent, Quote, Trade},
        num::{Price, Quantity},
        plugin::DepthView,
    };

    use super::*;

    fn market(instrument: u16, time: u64, data: MarketData) -> PluginEvent {
        let (instrument, time) = (InstrumentId(instrument), UnixNanos(time));
        let event = MarketEvent { instrument, time, venue_time: time, data };
        PluginEvent::Market { event, history: false }
    }

    fn trade(instrument: u16, time: u64) -> PluginEvent {
        let (price, quantity) = (Price(1), Quantity(1));
        market(
            instrument,
            time,
            MarketData::Trade(Trade { price, quantity, aggressor: None, id: time }),
        )
    }

    fn quote(instrument: u16, time: u64) -> PluginEvent {
        let (price, quantity) = (Price(1), Quantity(1));
        let quote = Quote {
            bid_price: price,
            bid_quantity: quantity,
            ask_price: price,
            ask_quantity: quantity,
        };
        market(instrument, time, MarketData::Quote(quote))
    }

    fn depth(instrument: u16, time: u64) -> PluginEvent {
        let (instrument, time) = (InstrumentId(instrument), UnixNanos(time));
        let (bids, asks) = (Vec::new(), Vec::new());
        PluginEvent::Depth(Box::new(DepthView { instrument, time, bids, asks }))
    }

    fn timer(time: u64) -> PluginEvent {
        PluginEvent::Timer { id: TimerId(1), time: UnixNanos(time) }
    }

    fn time_of(event: &PluginEvent) -> u64 {
        match event {
            PluginEvent::Market { event, .. } => event.time.0,
            PluginEvent::Depth(view) => view.time.0,
            PluginEvent::Timer { time, .. } => time.0,
            other => panic!("{other:?}"),
        }
    }

    fn drain(queue: &mut Queue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop()).map(|event| time_of(&event)).collect()
    }

    #[test]
    fn quotes_and_depth_conflate_and_nothing_else() {
        let mut queue = Queue::new("p", QueueLimits::default());
        let events = [
            quote(0, 1),
            trade(0, 2),
            quote(1, 3),
            depth(0, 4),
            quote(0, 5),
            depth(0, 6),
            trade(0, 7),
        ];
        for event in events {
            let now = UnixNanos(time_of(&event));
            queue.push(event, now).unwrap();
        }
        assert_eq!((queue.len(), queue.conflated()), (5, 2));
        assert_eq!(drain(&mut queue), [2, 3, 5, 6, 7]);
        // What was told is no longer there to be conflated.
        queue.push(quote(0, 8), UnixNanos(8)).unwrap();
        assert_eq!((queue.len(), queue.conflated()), (1, 2));
    }

    #[test]
    fn history_is_never_conflated() {
        let mut queue = Queue::new("p", QueueLimits::default());
        for time in 0..3 {
            let PluginEvent::Market { event, .. } = quote(0, time) else { unreachable!() };
            let event = PluginEvent::Market { event, history: true };
            queue.push(event, UnixNanos(time)).unwrap();
        }
        assert_eq!(drain(&mut queue), [0, 1, 2]);
    }

    #[test]
    fn too_many_or_too_old_is_a_fault_and_what_is_owed_is_kept() {
        let limits = QueueLimits { events_max: 2, lag_max: Nanos(100) };
        let mut queue = Queue::new("p", limits);
        queue.push(trade(0, 1), UnixNanos(1)).unwrap();
        queue.push(timer(2), UnixNanos(2)).unwrap();
        let fault = queue.push(timer(3), UnixNanos(3)).unwrap_err();
        assert_eq!(fault.code, FaultCode::Lagging);
        assert_eq!(fault.detail, "plugin `p` lags: 3 events wait for it, 2 are allowed");
        assert_eq!(queue.pop().map(|event| time_of(&event)), Some(1));
        assert_eq!(queue.check(UnixNanos(102)), Ok(()));
        assert_eq!(queue.check(UnixNanos(103)).unwrap_err().code, FaultCode::Lagging);
        queue.push(quote(0, 4), UnixNanos(4)).unwrap_err();
        let owed: Vec<_> = queue.into_owed().iter().map(time_of).collect();
        assert_eq!(owed, [2, 3]);
    }

    /// By chance from a seed, against a list that does the same the slow way.
    #[test]
    fn is_what_a_plain_list_would_be() {
        let mut state = 88_172_645_463_325_252u64;
        let mut chance = move |end: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) % end
        };
        for _ in 0..200 {
            let limits = QueueLimits { events_max: usize::MAX, lag_max: Nanos(u64::MAX) };
            let mut queue = Queue::new("p", limits);
            let mut plain: Vec<PluginEvent> = Vec::new();
            let (mut told, mut kept) = (BTreeSet::new(), BTreeSet::new());
            for time in 0..400 {
                let instrument = u16::try_from(chance(3)).unwrap();
                let event = match chance(6) {
                    0 => trade(instrument, time),
                    1 | 2 => quote(instrument, time),
                    3 => depth(instrument, time),
                    4 => timer(time),
                    _ => {
                        let popped = queue.pop();
                        let expected = (!plain.is_empty()).then(|| plain.remove(0));
                        assert_eq!(popped, expected);
                        told.extend(popped.as_ref().map(time_of));
                        continue;
                    }
                };
                match latest_of(&event) {
                    Some(latest) => plain.retain(|other| latest_of(other) != Some(latest)),
                    None => {
                        kept.insert(time);
                    }
                }
                plain.push(event.clone());
                queue.push(event, UnixNanos(time)).unwrap();
                assert_eq!(queue.len(), plain.len());
                // Memory follows what waits, and no more.
                assert!(queue.events.len() <= 2 * queue.len() + 1, "{}", queue.events.len());
            }
            let rest = drain(&mut queue);
            assert!(rest.is_sorted(), "time goes back");
            assert_eq!(rest, plain.iter().map(time_of).collect::<Vec<_>>());
            told.extend(rest);
            assert!(kept.is_subset(&told), "something was dropped that must not be");
        }
    }
}
