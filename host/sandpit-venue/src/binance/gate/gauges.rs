//! The gate's part of a connection's picture.

use sandpit_core::time::UnixNanos;

use super::{Gate, breaker::State};
use crate::{
    binance::limits::{Lane, LimitKind},
    gauges::{
        Circuits, ClockGauges, ConnectionGauges, Gauges, LaneGauges, LimitGauge, Pauses, Requests,
    },
};

const fn state(state: State) -> u64 {
    match state {
        State::Closed => 0,
        State::HalfOpen => 1,
        State::Open(_) => 2,
    }
}

impl Gate {
    /// Adds what the gate knows.
    pub fn gauge(&self, now: UnixNanos, gauges: &mut Gauges) {
        let counts = &self.counts;
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let lane = |lane| LaneGauges { waiting: wide(self.lanes.len(lane)), ..counts.of(lane) };
        gauges.requests = Requests {
            kill: lane(Lane::Kill),
            reconcile: lane(Lane::Reconcile),
            orders: lane(Lane::Orders),
            data: lane(Lane::Data),
            by_socket_total: counts.by_socket,
            under_way: wide(self.under_way.len()),
            retries_total: counts.retries,
            late_total: counts.late,
        };
        let doors = &self.doors;
        let mut ledger = doors.ledger.clone();
        let limits = ledger.usage(doors.clock.venue_time(now)).map(|(limit, used)| LimitGauge {
            kind: match limit.kind {
                LimitKind::Weight => "weight",
                LimitKind::Orders => "orders",
                LimitKind::Requests => "requests",
            },
            window_seconds: limit.window.0 / 1_000_000_000,
            used: used.into(),
            left: limit.most.saturating_sub(used).into(),
            most: limit.most.into(),
        });
        gauges.limits = limits.collect();
        gauges.pauses = Pauses {
            limited_total: counts.limited,
            banned_total: counts.banned,
            left_seconds: doors.quiet_until.since(now).0.div_ceil(1_000_000_000),
        };
        gauges.circuits = Circuits {
            rest: state(doors.rest.state(now)),
            rest_opened_total: doors.rest.opened,
            socket: state(doors.socket.state(now)),
            socket_opened_total: doors.socket.opened,
        };
        gauges.clock = ClockGauges {
            known: doors.clock.is_known(),
            offset_nanos: doors.clock.offset(),
            uncertainty_nanos: doors.clock.uncertainty().0,
            set_total: doors.clock.settings_done,
            refused_total: counts.clock_refused,
        };
        gauges.connection = ConnectionGauges {
            up: self.has_socket(),
            reconnects_total: doors.lines.reconnects,
            greetings_refused_total: counts.greetings_refused,
            frames_bad_total: counts.frames_bad,
            heard_age_nanos: doors.lines.ready().map(|line| now.since(line.heard()).0),
        };
        gauges.keys.changes_total = self.ring.changes;
    }
}
