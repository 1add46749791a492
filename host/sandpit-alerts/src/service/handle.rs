//! What those hold who observe, and those who ask. Observing never waits.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
        mpsc as wait,
    },
    time::Duration,
};

use sandpit_core::time::UnixNanos;
use tokio::sync::mpsc;

use super::{
    TestResult,
    run::{Published, Snapshot},
};
use crate::{
    Name,
    desk::{AcknowledgeError, DeskState},
    rules::Observation,
};

/// How long a person waits for an answer of the thread.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// And for the channels to be tried.
const TEST_MAX: Duration = Duration::from_secs(60);

/// Something that was seen, and when.
pub(super) type Seen = (UnixNanos, Observation);

pub(super) enum Command {
    Acknowledge(u64, Name, wait::SyncSender<Result<(), AcknowledgeError>>),
    AcknowledgeAll(Name, wait::SyncSender<usize>),
    Test(wait::SyncSender<Vec<TestResult>>),
    Stop(Duration),
}

/// What the thread shows others.
#[derive(Debug)]
pub(super) struct Shared {
    published: RwLock<Arc<Published>>,
    pub(super) lost_urgent: AtomicU64,
    pub(super) lost_flow: AtomicU64,
}

impl Shared {
    pub(super) fn new(published: Published) -> Self {
        Self {
            published: RwLock::new(Arc::new(published)),
            lost_urgent: AtomicU64::new(0),
            lost_flow: AtomicU64::new(0),
        }
    }

    pub(super) fn publish(&self, published: Published) {
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(published);
    }

    fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// The thread has ended, or is too busy.
    #[error("the alerts are not looked after any more, or their thread does not answer")]
    Silent,
    /// It cannot be done.
    #[error(transparent)]
    Acknowledge(#[from] AcknowledgeError),
}

/// For those who observe and ask.
#[derive(Clone, Debug)]
pub struct AlertsHandle {
    pub(super) urgent: mpsc::Sender<Seen>,
    pub(super) flow: mpsc::Sender<Seen>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) shared: Arc<Shared>,
}

impl AlertsHandle {
    /// Hands something over, without waiting. `at` is by the clock that the service was started with:
    /// silence is measured by both. Says whether there was room for it; where there was
    /// not, it is counted, and people are told that something was missed.
    pub fn observe(&self, at: UnixNanos, seen: Observation) -> bool {
        let (queue, lost) = if is_flow(&seen) {
            (&self.flow, &self.shared.lost_flow)
        } else {
            (&self.urgent, &self.shared.lost_urgent)
        };
        let has_room = queue.try_send((at, seen)).is_ok();
        if !has_room {
            lost.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    /// A person has seen an alert.
    ///
    /// # Errors
    /// There is no such alert, or nobody answers.
    pub fn acknowledge(&self, id: u64, by: &Name) -> Result<(), HandleError> {
        let command = |answer| Command::Acknowledge(id, by.clone(), answer);
        Ok(self.ask(command, ANSWER_MAX)??)
    }

    /// A person has seen all alerts. Says how many that were.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn acknowledge_all(&self, by: &Name) -> Result<usize, HandleError> {
        self.ask(|answer| Command::AcknowledgeAll(by.clone(), answer), ANSWER_MAX)
    }

    /// Sends a test alert through every channel, and waits for what becomes of it.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn test(&self) -> Result<Vec<TestResult>, HandleError> {
        self.ask(Command::Test, TEST_MAX)
    }

    fn ask<T>(
        &self,
        command: impl FnOnce(wait::SyncSender<T>) -> Command,
        within: Duration,
    ) -> Result<T, HandleError> {
        let (answer, answered) = wait::sync_channel(1);
        self.commands.try_send(command(answer)).map_err(|_| HandleError::Silent)?;
        answered.recv_timeout(within).map_err(|_| HandleError::Silent)
    }

    /// What is on, what was, and how the channels do.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.shared.published().snapshot)
    }

    /// What the host keeps for the next start.
    #[must_use]
    pub fn state(&self) -> DeskState {
        self.shared.published().state.clone()
    }

    pub(super) fn stop(&self, within: Duration) {
        // Where even that has no room, the thread hears it when the last handle goes.
        let _ = self.commands.try_send(Command::Stop(within));
    }
}

/// What comes so often that losing some of it means little.
const fn is_flow(seen: &Observation) -> bool {
    matches!(
        seen,
        Observation::Fill { .. }
            | Observation::Volume { .. }
            | Observation::Order { .. }
            | Observation::Equity { .. }
            | Observation::Beat { .. }
            | Observation::ClockOffset { .. }
            | Observation::Gap { .. }
    )
}
