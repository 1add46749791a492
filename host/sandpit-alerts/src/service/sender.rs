//! One notice on its way along a list of channels: each is tried a few times, and where it does not
//! take the notice, the next one is.

use std::{sync::Arc, time::Duration};

use sandpit_core::time::{Nanos, UnixNanos};
use sandpit_secrets::Clock;

use super::{
    Backoff, Chance,
    health::{Station, Why},
};
use crate::{
    Name,
    channels::{SendError, Sending},
    desk::Notice,
};

/// The longest pause that a service can ask for.
const ASKED_MAX: Duration = Duration::from_secs(3_600);

/// What all that is under way shares.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    pub(super) clock: Clock,
    pub(super) backoff: Backoff,
    pub(super) chance: Chance,
}

impl Sender {
    /// Sends along a list. Gives the channel that took it, if any did.
    pub(super) async fn send(&self, list: &[Arc<Station>], notice: &Notice) -> Option<Name> {
        let mut tried: Vec<Name> = Vec::new();
        let now = self.clock.now();
        // What is dead is tried when nothing else is left; who asked for a pause has it.
        let alive = list.iter().filter(|station| station.rest(now).is_none());
        let dead = list.iter().filter(|station| station.rest(now) == Some(Why::Dead));
        for station in alive.chain(dead) {
            if self.try_one(station, notice, &tried).await {
                return Some(station.channel.name().clone());
            }
            tried.push(station.channel.name().clone());
        }
        None
    }

    async fn try_one(&self, station: &Station, notice: &Notice, instead_of: &[Name]) -> bool {
        let attempts = self.backoff.attempts(notice.severity);
        let mut attempt = 1;
        loop {
            let sending = Sending { notice, now: self.clock.now(), instead_of };
            let Err(error) = station.channel.send(sending).await else {
                station.took(self.clock.now());
                return true;
            };
            let pause = self.backoff.pause(attempt, self.chance.throw());
            let asked = match &error {
                SendError::Limited { pause: asked } => Some(asked.unwrap_or(pause).min(ASKED_MAX)),
                _ => None,
            };
            let is_short = asked.is_none_or(|asked| asked <= self.backoff.max);
            if !error.is_temporary() || attempt >= attempts || !is_short {
                self.give_up(station, &error, asked);
                return false;
            }
            tokio::time::sleep(asked.map_or(pause, |asked| asked.max(pause))).await;
            attempt += 1;
        }
    }

    fn give_up(&self, station: &Station, error: &SendError, asked: Option<Duration>) {
        let now = self.clock.now();
        let name = station.channel.name();
        let failures = station.failed(now, error);
        tracing::warn!(channel = %name, failures, "an alert did not get through: it {error}");
        if let Some(asked) = asked {
            station.let_rest(later(now, asked), Why::Asked);
        } else if failures >= self.backoff.dead_after {
            station.let_rest(later(now, self.backoff.rest(failures)), Why::Dead);
        }
    }
}

fn later(now: UnixNanos, by: Duration) -> UnixNanos {
    now.plus(Nanos(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
}
