//! What an operator can set about how a venue is asked, one group for each theme, with bounds. What
//! is out of them is an error that names the field. The defaults are right for most.
//!
//! Not here: hosts, symbols, keys, and what orders carry.

use sandpit_core::time::Nanos;

use super::{
    KeySettings,
    gate::{Backoff, BreakerSettings, GateSettings},
    limits::Reserves,
    market,
};

/// A setting that is out of its bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is not {bounds}")]
pub struct TuningError {
    /// Which, as `group.field`.
    pub field: &'static str,
    /// What it has to be.
    pub bounds: &'static str,
}

/// How answers are waited for, and what is done without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How long an answer is waited for: 1 to 60 s. By default 10 s.
    pub answer_timeout: Nanos,
    /// How long a new order may wait to be sent before it is given back unsent: 100 ms to 60 s. By
    /// default 5 s.
    pub order_patience: Nanos,
    /// Pauses before a question is asked again: the least 10 ms, the most 10 min, in order. By
    /// default 100 ms, 400 ms, 30 s.
    pub ask: Backoff,
    /// Pauses before a connection is tried again: the same bounds. By default 250 ms, 1 s, 30 s.
    pub connect: Backoff,
}

/// How the venue's clock is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockTuning {
    /// How often it is set: 10 s to 6 h. By default 10 min.
    pub every: Nanos,
    /// Samples for one setting of it: 1 to 16. By default 4.
    pub samples: u32,
    /// From which distance to our own clock on a person is told, each time it is set: 50 ms to 1 h.
    /// What is sent goes by the venue's clock all the same. By default 1 s.
    pub offset_max: Nanos,
}

/// How connections are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// How old one gets before it is replaced; the venue cuts it at 24 h: 10 min to 23 h 50 min. By
    /// default 23 h.
    pub renew_after: Nanos,
    /// It is replaced up to so much earlier, by chance: at most half of that. By default 30 min.
    pub renew_jitter: Nanos,
    /// How long one may take to open and to be greeted: 1 to 120 s. By default 15 s.
    pub opening: Nanos,
    /// How long one may say nothing at all, pings included: longer than the venue's pause between
    /// two pings (Spot 20 s, futures 3 min), at most 15 min; `None` for what is right for the venue
    /// (45 s; 400 s for own events and 240 s for market data of futures).
    pub silence: Option<Nanos>,
    /// How long one that was replaced is still listened to: at most 60 s. By default 1 s.
    pub linger: Nanos,
}

/// Everything. Make it with [`Default`], change what is to be otherwise, and hand it to
/// [`super::spot::SpotSettings::tune`] or [`super::usdm::settings::Settings::tune`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Answers that do not come.
    pub retries: Retries,
    /// When the circuit opens before a ban: 1 to 1,000 failures within 1 s to 10 min; it stays open
    /// for 1 s to 10 min at first, and at most for an hour. By default 8 failures within 10 s, 5 s
    /// at first, at most 120 s.
    pub breaker: BreakerSettings,
    /// The venue's clock.
    pub clock: ClockTuning,
    /// Connections.
    pub connections: Connections,
    /// What each lane keeps of every limit, in thousandths: 10 to 500 each, together at most 900.
    /// By default 100, 100 and 200.
    pub reserves: Reserves,
    /// Keys: see there.
    pub keys: KeySettings,
}

const fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

const fn millis(millis: u64) -> Nanos {
    Nanos::from_millis(millis)
}

const BACKOFF: &str = "from 10 ms to 10 min, the least first and the most last";

impl Default for Tuning {
    fn default() -> Self {
        Self {
            retries: Retries {
                answer_timeout: seconds(10),
                order_patience: seconds(5),
                ask: Backoff { least: millis(100), first: millis(400), most: seconds(30) },
                connect: Backoff { least: millis(250), first: seconds(1), most: seconds(30) },
            },
            breaker: BreakerSettings {
                failures: 8,
                window: seconds(10),
                open_first: seconds(5),
                open_most: seconds(120),
            },
            clock: ClockTuning { every: seconds(600), samples: 4, offset_max: seconds(1) },
            connections: Connections {
                renew_after: seconds(23 * 3_600),
                renew_jitter: seconds(1_800),
                opening: seconds(15),
                silence: None,
                linger: seconds(1),
            },
            reserves: Reserves::default(),
            keys: KeySettings::default(),
        }
    }
}

fn backoff_fits(backoff: Backoff) -> bool {
    let Backoff { least, first, most } = backoff;
    least >= millis(10) && least <= first && first <= most && most <= seconds(600)
}

impl Tuning {
    /// Checks every bound. `silence_min` is the venue's pause between two pings.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check(&self, silence_min: Nanos) -> Result<(), TuningError> {
        let Self { retries, breaker, clock, connections, reserves, keys } = self;
        let within = |value: Nanos, least, most| (least..=most).contains(&value);
        let permilles =
            [reserves.kill_permille, reserves.reconcile_permille, reserves.orders_permille];
        let silence = connections.silence;
        let rules = [
            (
                within(retries.answer_timeout, seconds(1), seconds(60)),
                "retries.answer_timeout",
                "from 1 to 60 s",
            ),
            (
                within(retries.order_patience, millis(100), seconds(60)),
                "retries.order_patience",
                "from 100 ms to 60 s",
            ),
            (backoff_fits(retries.ask), "retries.ask", BACKOFF),
            (backoff_fits(retries.connect), "retries.connect", BACKOFF),
            ((1..=1_000).contains(&breaker.failures), "breaker.failures", "from 1 to 1000"),
            (
                within(breaker.window, seconds(1), seconds(600)),
                "breaker.window",
                "from 1 s to 10 min",
            ),
            (
                within(breaker.open_first, seconds(1), seconds(600)),
                "breaker.open_first",
                "from 1 s to 10 min",
            ),
            (
                within(breaker.open_most, breaker.open_first, seconds(3_600)),
                "breaker.open_most",
                "from `breaker.open_first` to 1 h",
            ),
            (within(clock.every, seconds(10), seconds(21_600)), "clock.every", "from 10 s to 6 h"),
            ((1..=16).contains(&clock.samples), "clock.samples", "from 1 to 16"),
            (
                within(clock.offset_max, millis(50), seconds(3_600)),
                "clock.offset_max",
                "from 50 ms to 1 h",
            ),
            (
                within(connections.renew_after, seconds(600), seconds(85_800)),
                "connections.renew_after",
                "from 10 min to 23 h 50 min",
            ),
            (
                connections.renew_jitter.0 <= connections.renew_after.0 / 2,
                "connections.renew_jitter",
                "at most half of `connections.renew_after`",
            ),
            (
                within(connections.opening, seconds(1), seconds(120)),
                "connections.opening",
                "from 1 to 120 s",
            ),
            (
                silence.is_none_or(|silence| silence > silence_min && silence <= seconds(900)),
                "connections.silence",
                "longer than the venue's pause between two pings, and at most 15 min",
            ),
            (connections.linger <= seconds(60), "connections.linger", "at most 60 s"),
            (
                permilles.iter().all(|one| (10..=500).contains(one))
                    && permilles.iter().sum::<u16>() <= 900,
                "reserves",
                "from 10 to 500 thousandths each, and together at most 900",
            ),
            (
                keys.problem().is_none(),
                "keys",
                "a proof of at most 120 s, rights at least 60 s apart",
            ),
        ];
        match rules.into_iter().find(|(fits, ..)| !fits) {
            Some((_, field, bounds)) => Err(TuningError { field, bounds }),
            None => Ok(()),
        }
    }

    /// Puts it into the settings of a gate.
    pub(super) fn apply_to_gate(&self, gate: &mut GateSettings) {
        gate.timeout = self.retries.answer_timeout;
        gate.patience = self.retries.order_patience;
        gate.retry = self.retries.ask;
        gate.breaker = self.breaker;
        gate.clock_every = self.clock.every;
        gate.clock_samples = self.clock.samples;
        gate.clock_offset_max = self.clock.offset_max;
        gate.reserves = self.reserves;
        if let Some(socket) = &mut gate.socket {
            let Connections { renew_after, renew_jitter, opening, silence, linger } =
                self.connections;
            socket.renew_after = renew_after;
            socket.renew_jitter = renew_jitter;
            socket.opening = opening;
            socket.linger = linger;
            socket.silence = silence.unwrap_or(socket.silence);
            socket.reconnect = self.retries.connect;
        }
    }

    /// Puts it into the settings of market data.
    pub(super) fn apply_to_market(&self, market: &mut market::Settings) {
        market.renew_after = self.connections.renew_after;
        market.renew_jitter = self.connections.renew_jitter;
        market.link_silence = self.connections.silence.unwrap_or(market.link_silence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_its_bounds_is_named() {
        let least = seconds(20);
        assert_eq!(Tuning::default().check(least), Ok(()));
        type Change = fn(&mut Tuning);
        let cases: [(&str, Change); 17] = [
            ("retries.answer_timeout", |t| t.retries.answer_timeout = seconds(61)),
            ("retries.order_patience", |t| t.retries.order_patience = Nanos(1)),
            ("retries.ask", |t| t.retries.ask.least = seconds(1)),
            ("retries.connect", |t| t.retries.connect.most = seconds(601)),
            ("breaker.failures", |t| t.breaker.failures = 0),
            ("breaker.window", |t| t.breaker.window = Nanos(0)),
            ("breaker.open_first", |t| t.breaker.open_first = Nanos(0)),
            ("breaker.open_most", |t| t.breaker.open_most = seconds(4)),
            ("clock.every", |t| t.clock.every = seconds(9)),
            ("clock.samples", |t| t.clock.samples = 17),
            ("clock.offset_max", |t| t.clock.offset_max = Nanos(1)),
            ("connections.renew_after", |t| t.connections.renew_after = seconds(86_400)),
            ("connections.renew_jitter", |t| t.connections.renew_jitter = seconds(43_000)),
            ("connections.opening", |t| t.connections.opening = Nanos(0)),
            ("connections.silence", |t| t.connections.silence = Some(seconds(20))),
            ("reserves", |t| t.reserves.kill_permille = 501),
            ("keys", |t| t.keys.proof_timeout = Nanos(0)),
        ];
        for (field, change) in cases {
            let mut tuning = Tuning::default();
            change(&mut tuning);
            let error = tuning.check(least).unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.to_string().starts_with(&format!("`{field}` is not ")), "{error}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_settings() {
        let names = vec!["https://a.example".to_owned()];
        let time = crate::binance::gate::Wish::spot(&crate::binance::request::Request::Time);
        let mut gate = GateSettings::new(names.clone(), 0..16, time.unwrap());
        gate.socket = Some(crate::binance::gate::SocketSettings::new(names, Vec::new()));
        let before = gate.clone();
        Tuning::default().apply_to_gate(&mut gate);
        assert_eq!(gate, before);
        let mut market = market::Settings::spot("wss://a.example", 16..64);
        let before = market.clone();
        Tuning::default().apply_to_market(&mut market);
        assert_eq!(market, before);
    }
}
