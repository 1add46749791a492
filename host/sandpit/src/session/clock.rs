//! Wall time, which only paces: how long to wait until a moment of the market is due. Nothing that
//! is decided depends on it, so a run at any speed decides the same.

use std::{
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sandpit_core::time::{Nanos, UnixNanos};

/// The longest wait between two looks at whether to stop.
const SLICE: Duration = Duration::from_millis(50);

/// A clock that only goes forward, and a way to let it go.
pub trait Clock {
    /// Since some fixed moment.
    fn now(&self) -> Duration;

    /// Comes back after `length`, or a little later.
    fn wait(&self, length: Duration);

    /// The date and time that it shows.
    fn date(&self) -> UnixNanos;
}

/// The machine's.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// One that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wait(&self, length: Duration) {
        thread::sleep(length);
    }

    fn date(&self) -> UnixNanos {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// How fast market time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// As fast as it can be worked off; nothing waits.
    Max,
    /// So many thousandths of real time.
    Thousandths(u32),
}

impl Speed {
    /// Real time.
    pub const REAL: Self = Self::Thousandths(1_000);

    /// Whether a recorded market that is played so fast waits for the plugins: it does where it is
    /// faster than it was. At the pace that it had, plugins have the time that they had.
    #[must_use]
    pub const fn is_lockstep(self) -> bool {
        match self {
            Self::Max => true,
            Self::Thousandths(thousandths) => thousandths > 1_000,
        }
    }
    /// The fastest that is paced: a million times real time.
    const THOUSANDTHS_MAX: u32 = 1_000_000_000;
}

/// A speed that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no speed: write `max`, or how many times real time, from 0.001 to 1000000")]
pub struct SpeedError(String);

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let refused = || SpeedError(text.chars().take(64).collect());
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.is_empty() || part.len() > 3 {
            return Err(refused());
        }
        let whole: u32 = whole.parse().map_err(|_| refused())?;
        let part: u32 = format!("{part:0<3}").parse().map_err(|_| refused())?;
        whole
            .checked_mul(1_000)
            .and_then(|thousandths| thousandths.checked_add(part))
            .filter(|thousandths| (1..=Self::THOUSANDTHS_MAX).contains(thousandths))
            .map(Self::Thousandths)
            .ok_or_else(refused)
    }
}

/// How the time of a session goes.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// A recorded market's. It begins with the first moment that is waited for.
    Recorded { speed: Speed, origin: Option<(UnixNanos, Duration)> },
    /// A venue's, which differs from our clock by this many nanoseconds.
    Live { offset_nanos: i64 },
}

/// Lets the time of a session go.
#[derive(Debug)]
pub(super) struct Pacer<'a, C> {
    clock: &'a C,
    pace: Pace,
}

impl<'a, C: Clock> Pacer<'a, C> {
    /// A recorded market's time, at a speed.
    pub(super) const fn new(clock: &'a C, speed: Speed) -> Self {
        Self { clock, pace: Pace::Recorded { speed, origin: None } }
    }

    /// A venue's time.
    pub(super) const fn live(clock: &'a C, offset_nanos: i64) -> Self {
        Self { clock, pace: Pace::Live { offset_nanos } }
    }

    /// Waits until `at` is due. `false` where it was stopped before.
    #[inline]
    pub(super) fn wait_until(&mut self, at: UnixNanos, stop: &AtomicBool) -> bool {
        while !stop.load(Ordering::Relaxed) {
            let (Some(left), _) = self.look(at) else {
                return true;
            };
            self.clock.wait(left);
        }
        false
    }

    /// How long it is until `at` is due, or until the next look; `None` where it is due. And the time
    /// of the session now, which for a recorded market is never beyond `at`.
    #[inline]
    pub(super) fn look(&mut self, at: UnixNanos) -> (Option<Duration>, UnixNanos) {
        match &mut self.pace {
            Pace::Live { offset_nanos } => {
                let here = UnixNanos(self.clock.date().0.saturating_add_signed(*offset_nanos));
                if here >= at {
                    return (None, here);
                }
                (Some(Duration::from_nanos(at.since(here).0).min(SLICE)), here)
            }
            Pace::Recorded { speed: Speed::Max, .. } => (None, at),
            Pace::Recorded { speed: Speed::Thousandths(thousandths), origin } => {
                let (now, speed) = (self.clock.now(), u128::from(*thousandths));
                let (market, wall) = *origin.get_or_insert((at, now));
                let passed = now.saturating_sub(wall).as_nanos() * speed / 1_000;
                let here = market.plus(Nanos(u64::try_from(passed).unwrap_or(u64::MAX)));
                if here >= at {
                    return (None, at);
                }
                // Rounded up, so that it is due once that has passed.
                let left = (u128::from(at.since(here).0) * 1_000).div_ceil(speed);
                let left = Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX));
                (Some(left.min(SLICE)), here)
            }
        }
    }

    /// Lets so much time pass.
    pub(super) fn pause(&self, length: Duration) {
        self.clock.wait(length.min(SLICE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Time goes on only by waiting.
    #[derive(Default)]
    struct Hands(Cell<Duration>);

    impl Clock for Hands {
        fn now(&self) -> Duration {
            self.0.get()
        }

        fn wait(&self, length: Duration) {
            assert!(length <= SLICE, "{length:?} without a look at the stop flag");
            self.0.set(self.0.get() + length);
        }

        fn date(&self) -> UnixNanos {
            let nanos = u64::try_from(self.0.get().as_nanos()).unwrap();
            UnixNanos(2_000_000_000_000_000_000 + nanos)
        }
    }

    #[test]
    fn market_time_goes_at_the_speed_that_is_said() {
        let go = AtomicBool::new(false);
        for (speed, waited_ms) in [("1", 10_000), ("2.5", 4_000), ("0.5", 20_000), ("max", 0)] {
            let clock = Hands::default();
            let mut pacer = Pacer::new(&clock, speed.parse().unwrap());
            for second in [100, 100, 103, 110] {
                assert!(pacer.wait_until(UnixNanos(second * 1_000_000_000), &go));
            }
            assert_eq!(clock.now(), Duration::from_millis(waited_ms), "{speed}");
        }
    }

    #[test]
    fn a_look_says_how_long_it_is_and_where_the_market_is() {
        let clock = Hands::default();
        let mut pacer = Pacer::new(&clock, "2".parse().unwrap());
        let at = |ms: u64| UnixNanos(1_000_000_000_000 + ms * 1_000_000);
        assert_eq!(pacer.look(at(0)), (None, at(0)));
        assert_eq!(pacer.look(at(40)), (Some(Duration::from_millis(20)), at(0)));
        pacer.pause(Duration::from_millis(15));
        assert_eq!(pacer.look(at(40)), (Some(Duration::from_millis(5)), at(30)));
        pacer.pause(Duration::from_millis(6));
        assert_eq!(pacer.look(at(40)), (None, at(40)), "never beyond what was asked for");
        let mut pacer = Pacer::new(&clock, Speed::Max);
        assert_eq!(pacer.look(at(99)), (None, at(99)));
    }

    #[test]
    fn only_what_is_faster_than_it_was_waits_for_plugins() {
        let lockstep = |text: &str| text.parse::<Speed>().unwrap().is_lockstep();
        assert!(lockstep("max") && lockstep("1.001") && lockstep("100"));
        assert!(!lockstep("1") && !lockstep("0.5"));
    }

    #[test]
    fn a_live_session_has_the_venue_s_time() {
        let clock = Hands::default();
        let at = |ms: u64| UnixNanos(2_000_000_000_000_000_000 + ms * 1_000_000);
        for offset_ms in [-7, 0, 7] {
            let now = at(0).0.saturating_add_signed(offset_ms * 1_000_000);
            let mut pacer = Pacer::live(&clock, offset_ms * 1_000_000);
            assert_eq!(pacer.look(UnixNanos(0)), (None, UnixNanos(now)), "over long ago");
            let soon = UnixNanos(now + 3_000_000);
            assert_eq!(pacer.look(soon), (Some(Duration::from_millis(3)), UnixNanos(now)));
        }
        let mut pacer = Pacer::live(&clock, 0);
        assert!(pacer.wait_until(at(120), &AtomicBool::new(false)));
        assert_eq!(clock.now(), Duration::from_millis(120));
    }

    #[test]
    fn a_wait_is_stopped() {
        let clock = Hands::default();
        let mut pacer = Pacer::new(&clock, Speed::REAL);
        assert!(pacer.wait_until(UnixNanos(0), &AtomicBool::new(false)));
        let stop = AtomicBool::new(true);
        assert!(!pacer.wait_until(UnixNanos(u64::MAX), &stop));
        assert_eq!(clock.now(), Duration::ZERO);
    }

    #[test]
    fn what_is_no_speed_is_refused() {
        assert_eq!("0.001".parse(), Ok(Speed::Thousandths(1)));
        assert_eq!("1000000".parse(), Ok(Speed::Thousandths(1_000_000_000)));
        for text in ["", "0", "-1", "fast", "1.", "1.2345", "1000001", "+1", "1e3", "99999999999"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
