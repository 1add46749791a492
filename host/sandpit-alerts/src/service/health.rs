//! How each channel does: what it took, what not, and whether it rests.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sandpit_core::time::UnixNanos;
use serde::Serialize;

use crate::{
    Name,
    channels::{Channel, SendError},
    stamp,
};

/// A channel, and how it does.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) channel: Channel,
    health: Mutex<Health>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    taken: u64,
    failed: u64,
    pub(super) failures_in_a_row: u32,
    last_taken: Option<UnixNanos>,
    last_failed: Option<UnixNanos>,
    problem: Option<String>,
    /// Until when it is left alone.
    rest: Option<(UnixNanos, Why)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It asked for it.
    Asked,
    /// It takes nothing.
    Dead,
}

/// How a channel does, for a dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelView {
    /// Which.
    pub name: Name,
    /// What kind it is.
    pub kind: &'static str,
    /// Whether it is left alone for a while because it takes nothing.
    pub is_dead: bool,
    /// Notices that it took.
    pub taken: u64,
    /// Notices that it did not.
    pub failed: u64,
    /// Of those the ones since it last took one.
    pub failures_in_a_row: u32,
    /// When it last took one.
    #[serde(with = "stamp::optional")]
    pub last_taken: Option<UnixNanos>,
    /// When it last did not.
    #[serde(with = "stamp::optional")]
    pub last_failed: Option<UnixNanos>,
    /// Why not.
    pub problem: Option<String>,
    /// Until when it is left alone.
    #[serde(with = "stamp::optional")]
    pub rests_until: Option<UnixNanos>,
}

impl Station {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, health: Mutex::default() }
    }

    /// Nothing can fail while it is held, so nothing is half done in it.
    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn rest(&self, now: UnixNanos) -> Option<Why> {
        self.health().rest.filter(|(until, _)| now < *until).map(|(_, why)| why)
    }

    pub(super) fn took(&self, now: UnixNanos) {
        let mut health = self.health();
        health.taken = health.taken.saturating_add(1);
        health.last_taken = Some(now);
        health.failures_in_a_row = 0;
        (health.problem, health.rest) = (None, None);
    }

    /// It did not take a notice. Says how often in a row.
    pub(super) fn failed(&self, now: UnixNanos, error: &SendError) -> u32 {
        let mut health = self.health();
        health.failed = health.failed.saturating_add(1);
        health.last_failed = Some(now);
        health.failures_in_a_row = health.failures_in_a_row.saturating_add(1);
        health.problem = Some(error.to_string());
        health.failures_in_a_row
    }

    pub(super) fn let_rest(&self, until: UnixNanos, why: Why) {
        self.health().rest = Some((until, why));
    }

    pub(super) fn failures_in_a_row(&self) -> u32 {
        self.health().failures_in_a_row
    }

    pub(super) fn view(&self, now: UnixNanos) -> ChannelView {
        let health = self.health().clone();
        let rest = health.rest.filter(|(until, _)| now < *until);
        ChannelView {
            name: self.channel.name().clone(),
            kind: self.channel.kind(),
            is_dead: rest.is_some_and(|(_, why)| why == Why::Dead),
            taken: health.taken,
            failed: health.failed,
            failures_in_a_row: health.failures_in_a_row,
            last_taken: health.last_taken,
            last_failed: health.last_failed,
            problem: health.problem,
            rests_until: rest.map(|(until, _)| until),
        }
    }
}
