//! Counts of the gate, for people and for metrics.

use sandpit_core::time::UnixNanos;

use super::{Gate, breaker::State, doors::Way};
use crate::{
    binance::{
        error_code::Outcome,
        limits::{Lane, LimitKind},
    },
    gauges::LaneGauges,
};

/// What is counted as it happens.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// By lane.
    lanes: [LaneGauges; 4],
    pub(super) by_socket: u64,
    pub(super) retries: u64,
    pub(super) never_sent: u64,
    pub(super) lost: u64,
    pub(super) late: u64,
    pub(super) limited: u64,
    pub(super) banned: u64,
    pub(super) frames_bad: u64,
    pub(super) clock_refused: u64,
    pub(super) greetings_refused: u64,
}

const fn index(lane: Lane) -> usize {
    match lane {
        Lane::Kill => 0,
        Lane::Reconcile => 1,
        Lane::Orders => 2,
        Lane::Data => 3,
    }
}

const fn word(lane: Lane) -> &'static str {
    match lane {
        Lane::Kill => "kill",
        Lane::Reconcile => "reconcile",
        Lane::Orders => "orders",
        Lane::Data => "data",
    }
}

impl Counts {
    pub(super) const fn of(&self, lane: Lane) -> LaneGauges {
        self.lanes[index(lane)]
    }

    /// How a request of this lane ended.
    pub(super) const fn ended<T>(&mut self, lane: Lane, outcome: &Outcome<T>) {
        let lane = &mut self.lanes[index(lane)];
        match outcome {
            Outcome::Confirmed(_) => lane.confirmed_total += 1,
            Outcome::Rejected(_) => lane.rejected_total += 1,
            Outcome::Unknown(_) => lane.unknown_total += 1,
            Outcome::RateLimited { .. } | Outcome::Banned { .. } => lane.limited_total += 1,
        }
    }

    /// A request of this lane got no answer.
    pub(super) const fn unanswered(&mut self, lane: Lane) {
        self.lanes[index(lane)].unknown_total += 1;
    }

    /// One of this lane was given back unsent.
    pub(super) const fn never(&mut self, lane: Lane) {
        self.never_sent += 1;
        self.lanes[index(lane)].never_sent_total += 1;
    }

    pub(super) const fn sent(&mut self, lane: Lane, way: Way) {
        self.lanes[index(lane)].sent_total += 1;
        if let Way::Socket(_) = way {
            self.by_socket += 1;
        }
    }

    pub(super) fn list(&self, gate: &Gate, now: UnixNanos) -> Vec<(String, &'static str, u64)> {
        let (doors, lanes, under_way) = (&gate.doors, &gate.lanes, gate.under_way.len());
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let mut list = Vec::new();
        for lane in Lane::ALL {
            let word = word(lane);
            let sent = format!("requests_total{{lane=\"{word}\"}}");
            list.push((sent, "requests that were sent", self.lanes[index(lane)].sent_total));
            let waits = format!("requests_waiting{{lane=\"{word}\"}}");
            list.push((waits, "requests that wait to be sent", wide(lanes.len(lane))));
        }
        let mut ledger = doors.ledger.clone();
        for (limit, used) in ledger.usage(doors.clock.venue_time(now)) {
            let kind = match limit.kind {
                LimitKind::Weight => "weight",
                LimitKind::Orders => "orders",
                LimitKind::Requests => "requests",
            };
            let labels =
                format!("{{kind=\"{kind}\",seconds=\"{}\"}}", limit.window.0 / 1_000_000_000);
            list.push((format!("limit_used{labels}"), "used of a limit now", used.into()));
            list.push((format!("limit_most{labels}"), "a limit of the venue", limit.most.into()));
        }
        let state = |state| match state {
            State::Closed => 0,
            State::HalfOpen => 1,
            State::Open(_) => 2,
        };
        let offset = doors.clock.offset();
        let quiet = doors.quiet_until.since(now).0.div_ceil(1_000_000_000);
        let plain: [(&str, &'static str, u64); 19] = [
            ("requests_by_socket_total", "of them by the WebSocket API", self.by_socket),
            ("requests_under_way", "requests that are not answered", wide(under_way)),
            ("requests_again_total", "questions that were asked again", self.retries),
            ("requests_never_sent_total", "what was given back unsent", self.never_sent),
            ("requests_lost_total", "changes whose answer was lost", self.lost),
            ("answers_late_total", "answers that came after they were given up", self.late),
            ("limited_total", "answers that too much was asked", self.limited),
            ("banned_total", "answers that the address is banned", self.banned),
            ("left_alone_seconds", "how long the venue is left alone from now", quiet),
            ("circuit_rest", "0 closed, 1 half open, 2 open", state(doors.rest.state(now))),
            ("circuit_rest_opened_total", "how often it opened", doors.rest.opened),
            ("circuit_socket", "0 closed, 1 half open, 2 open", state(doors.socket.state(now))),
            ("circuit_socket_opened_total", "how often it opened", doors.socket.opened),
            (
                "clock_offset_nanos",
                "distance of the venue's clock from ours",
                offset.unsigned_abs(),
            ),
            ("clock_behind", "1 where the venue's clock is behind ours", u64::from(offset < 0)),
            ("clock_round_trip_nanos", "of its best sample", doors.clock.round_trip().0),
            ("clock_refused_total", "times that the venue refused", self.clock_refused),
            ("socket_reconnects_total", "connections that were lost", doors.lines.reconnects),
            ("frames_bad_total", "frames that could not be read", self.frames_bad),
        ];
        list.extend(plain.into_iter().map(|(name, words, value)| (name.to_owned(), words, value)));
        let refused = self.greetings_refused;
        list.push(("greetings_refused_total".into(), "greetings that failed", refused));
        let set = doors.clock.settings_done;
        list.push(("clock_set_total".into(), "how often the clock was set", set));
        let changes = gate.ring.changes;
        list.push(("key_changes_total".into(), "keys that took another's place", changes));
        list
    }
}
