//! What the driver counts, and how it is shown.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    queue::{Waiting, lock},
    shared::Shared,
    wire::Traffic,
};
use crate::gauges::{QueueGauge, Queues};

/// A name as metrics have it, what it is in words, and its value.
pub(super) type Count = (String, &'static str, u64);

/// Connections that are counted each by itself; the traffic of earlier ones is in one sum.
pub const LINKS_COUNTED_MAX: usize = 64;

/// Upper bounds of the buckets, in microseconds.
const BUCKETS_US: [u64; 18] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000, 5_000_000, 10_000_000,
];

/// How long something took, how often.
#[derive(Debug, Default)]
pub(super) struct Times {
    buckets: [AtomicU64; BUCKETS_US.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Times {
    pub(super) fn add(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(at) = BUCKETS_US.iter().position(|bound| us <= *bound) {
            one(&self.buckets[at]);
        }
        one(&self.count);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn show(&self, name: &str, what: &'static str, into: &mut Vec<Count>) {
        let mut below = 0;
        for (bound, bucket) in BUCKETS_US.iter().zip(&self.buckets) {
            below += bucket.load(Ordering::Relaxed);
            into.push((format!("{name}_bucket{{le=\"{bound}\"}}"), what, below));
        }
        let count = self.count.load(Ordering::Relaxed);
        into.push((format!("{name}_bucket{{le=\"+Inf\"}}"), what, count));
        into.push((format!("{name}_sum"), what, self.sum_us.load(Ordering::Relaxed)));
        into.push((format!("{name}_count"), what, count));
    }
}

/// One more.
pub(super) fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connects: AtomicU64,
    pub(super) reconnects: AtomicU64,
    pub(super) connects_failed: AtomicU64,
    pub(super) closed: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) sends_dropped: AtomicU64,
    pub(super) write_timeouts: AtomicU64,
    pub(super) calls: AtomicU64,
    pub(super) calls_answered: AtomicU64,
    pub(super) calls_never_sent: AtomicU64,
    pub(super) calls_timed_out: AtomicU64,
    pub(super) calls_disconnected: AtomicU64,
    pub(super) rest_connects: AtomicU64,
    pub(super) pauses: AtomicU64,
    pub(super) told_refused: AtomicU64,
    pub(super) notices_dropped: AtomicU64,
    pub(super) told_us: Times,
    pub(super) frame_us: Times,
    pub(super) call_us: Times,
    pub(super) rest: Arc<Traffic>,
    links: Mutex<Links>,
}

#[derive(Debug, Default)]
struct Links {
    each: BTreeMap<u32, Arc<Traffic>>,
    earlier: Traffic,
}

impl Counters {
    /// Where the traffic of a connection is counted. `is_open` says which numbers are in use.
    pub(super) fn traffic(&self, link: u32, is_open: impl Fn(u32) -> bool) -> Arc<Traffic> {
        let mut links = lock(&self.links);
        if let Some(traffic) = links.each.get(&link) {
            return Arc::clone(traffic);
        }
        if links.each.len() >= LINKS_COUNTED_MAX
            && let Some(old) = links.each.keys().copied().find(|link| !is_open(*link))
            && let Some(gone) = links.each.remove(&old)
        {
            links.earlier.add(&gone);
        }
        let traffic = Arc::new(Traffic::default());
        links.each.insert(link, Arc::clone(&traffic));
        traffic
    }
}

fn show_traffic(link: &str, traffic: &Traffic, into: &mut Vec<Count>) {
    const BYTES: &str = "Bytes on the wire, TLS included.";
    const FRAMES: &str = "Messages over a WebSocket.";
    for (name, what, direction, counter) in [
        ("bytes", BYTES, "in", &traffic.bytes_in),
        ("bytes", BYTES, "out", &traffic.bytes_out),
        ("frames", FRAMES, "in", &traffic.frames_in),
        ("frames", FRAMES, "out", &traffic.frames_out),
    ] {
        let value = counter.load(Ordering::Relaxed);
        let name = format!("client_{name}_total{{link=\"{link}\",direction=\"{direction}\"}}");
        into.push((name, what, value));
    }
}

fn show_queue(name: &str, queue: &dyn Waiting, into: &mut Vec<Count>) {
    for (part, what, value) in [
        ("depth", "How many wait in a queue now.", queue.waiting()),
        ("depth_most", "How many have waited in a queue at most.", queue.most()),
        ("depth_max", "From how many on a queue is full.", queue.max()),
    ] {
        into.push((format!("client_queue_{part}{{queue=\"{name}\"}}"), what, value as u64));
    }
}

/// What has one number: its name, what it is in words, and where it is counted.
type Plain = (&'static str, &'static str, fn(&Counters) -> &AtomicU64);

const CALLS: &str = "REST calls by what became of them.";

const PLAIN: [Plain; 16] = [
    ("client_connects_total", "WebSockets that were opened.", |c| &c.connects),
    ("client_reconnects_total", "Of these: to a server that was connected before.", |c| {
        &c.reconnects
    }),
    ("client_connects_failed_total", "WebSockets that could not be opened.", |c| {
        &c.connects_failed
    }),
    ("client_closed_total", "Open WebSockets that ended, for whatever reason.", |c| &c.closed),
    ("client_refused_total", "Addresses that are none of the venue's.", |c| &c.refused),
    ("client_sends_dropped_total", "Messages for a connection that was gone.", |c| {
        &c.sends_dropped
    }),
    ("client_write_timeouts_total", "Connections ended because the peer took nothing.", |c| {
        &c.write_timeouts
    }),
    ("client_calls_total", "REST calls that were wanted.", |c| &c.calls),
    ("client_calls_over_total{outcome=\"answered\"}", CALLS, |c| &c.calls_answered),
    ("client_calls_over_total{outcome=\"never_sent\"}", CALLS, |c| &c.calls_never_sent),
    ("client_calls_over_total{outcome=\"timed_out\"}", CALLS, |c| &c.calls_timed_out),
    ("client_calls_over_total{outcome=\"disconnected\"}", CALLS, |c| &c.calls_disconnected),
    ("client_rest_connects_total", "Connections tried for REST calls.", |c| &c.rest_connects),
    ("client_pauses_total", "How often sockets were not read because the host was behind.", |c| {
        &c.pauses
    }),
    ("client_told_refused_total", "What the host asked while the queue was full.", |c| {
        &c.told_refused
    }),
    ("client_notices_dropped_total", "Own alerts beyond a full queue of notices.", |c| {
        &c.notices_dropped
    }),
];

/// The queues as one picture.
pub(super) fn queues(shared: &Shared) -> Queues {
    let gauge = |queue: &dyn Waiting| QueueGauge {
        depth: queue.waiting() as u64,
        depth_most: queue.most() as u64,
        depth_max: queue.max() as u64,
    };
    Queues {
        told: gauge(&shared.told),
        messages: gauge(&shared.messages),
        market: gauge(&shared.market),
        history: gauge(&shared.history),
        notices: gauge(&shared.notices),
        quotes_conflated_total: shared.market.conflated(),
        told_refused_total: shared.counters.told_refused.load(Ordering::Relaxed),
        pauses_total: shared.counters.pauses.load(Ordering::Relaxed),
    }
}

/// Everything that the driver counts.
pub(super) fn show(shared: &Shared) -> Vec<Count> {
    let c = &shared.counters;
    let mut into: Vec<Count> = PLAIN
        .iter()
        .map(|(name, what, counter)| {
            ((*name).to_owned(), *what, counter(c).load(Ordering::Relaxed))
        })
        .collect();
    let conflated = shared.market.conflated();
    let name = "client_quotes_conflated_total".to_owned();
    into.push((name, "Quotes that took a waiting one's place.", conflated));
    show_queue("told", &shared.told, &mut into);
    show_queue("messages", &shared.messages, &mut into);
    show_queue("market", &shared.market, &mut into);
    show_queue("history", &shared.history, &mut into);
    show_queue("notices", &shared.notices, &mut into);
    let links = lock(&c.links);
    for (link, traffic) in &links.each {
        show_traffic(&link.to_string(), traffic, &mut into);
    }
    show_traffic("earlier", &links.earlier, &mut into);
    show_traffic("rest", &c.rest, &mut into);
    let told = "From the host's word until it is acted on, in microseconds.";
    c.told_us.show("client_told_us", told, &mut into);
    let frame = "From reading a frame until what follows is queued and written, in microseconds.";
    c.frame_us.show("client_frame_us", frame, &mut into);
    c.call_us.show("client_call_us", "How long REST calls took, in microseconds.", &mut into);
    into
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traffic_of_earlier_connections_is_kept_in_one_sum() {
        let counters = Counters::default();
        let links = u32::try_from(LINKS_COUNTED_MAX).unwrap();
        for link in 0..links + 10 {
            // The first two stay open.
            let traffic = counters.traffic(link, |link| link < 2);
            traffic.bytes_in.fetch_add(u64::from(link) + 1, Ordering::Relaxed);
        }
        let same = counters.traffic(0, |_| true);
        assert_eq!(same.bytes_in.load(Ordering::Relaxed), 1);
        let links = lock(&counters.links);
        assert_eq!(links.each.len(), LINKS_COUNTED_MAX);
        // Of the numbers 2 to 11.
        assert_eq!(links.earlier.bytes_in.load(Ordering::Relaxed), (3..=12).sum::<u64>());
    }

    #[test]
    fn times_are_counted_in_buckets_that_add_up() {
        let times = Times::default();
        for us in [1, 10, 11, 999, 1_000, 20_000_000] {
            times.add(Duration::from_micros(us));
        }
        let mut shown = Vec::new();
        times.show("t", "", &mut shown);
        let value = |name: &str| shown.iter().find(|count| count.0 == name).unwrap().2;
        assert_eq!(value("t_bucket{le=\"10\"}"), 2);
        assert_eq!(value("t_bucket{le=\"1000\"}"), 5);
        assert_eq!(value("t_bucket{le=\"10000000\"}"), 5);
        assert_eq!(value("t_bucket{le=\"+Inf\"}"), 6);
        assert_eq!((value("t_count"), value("t_sum")), (6, 20_002_021));
    }
}
