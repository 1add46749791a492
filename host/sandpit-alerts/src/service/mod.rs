//! The one thread that takes in what is observed, keeps the alerts, and sends. Whoever observes hands
//! over and goes on: nothing here is waited for but an answer that a person asked for.
//!
//! Bounds: what is observed waits in two queues, [`URGENT_MAX`] for changes of state and [`FLOW_MAX`]
//! for what comes with every order and fill. What finds no room is counted, and that is an alert. Each
//! list of channels sends one notice at a time, so that an end never overtakes its beginning.

mod backoff;
mod core;
mod handle;
mod health;
mod run;
mod sender;

use std::{
    sync::{Arc, mpsc as wait},
    thread::{self, JoinHandle},
    time::Duration,
};

use sandpit_secrets::{Clock, Mask};
use serde::Serialize;
use tokio::sync::mpsc;

pub use backoff::{Backoff, Chance};
pub use handle::{AlertsHandle, HandleError};
pub use health::ChannelView;
pub use run::Snapshot;

use crate::{
    AlertsConfig, ConfigError, Name,
    channels::{Channel, ChannelError, Sending},
    desk::{Desk, DeskState, Notice, Plan, StateError},
    secret::Secrets,
};
use core::Core;
use handle::{Command, Seen, Shared};
use health::Station;

/// Changes of state that wait to be looked at.
pub const URGENT_MAX: usize = 4_096;
/// Fills, orders, volumes, equities and beats that wait to be looked at.
pub const FLOW_MAX: usize = 16_384;
/// Commands that wait.
const COMMANDS_MAX: usize = 32;
/// How long a thread may take to end beyond what it was given.
const END_MARGIN: Duration = Duration::from_secs(5);

/// What a service is started with.
pub struct ServiceOptions {
    /// What time it is.
    pub clock: Clock,
    /// The alerts of before.
    pub state: Option<DeskState>,
    /// When to try again.
    pub backoff: Backoff,
    /// What spreads attempts.
    pub chance: Chance,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            state: None,
            backoff: Backoff::default(),
            chance: Chance::random(),
        }
    }
}

/// Why alerts cannot be looked after.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is not right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A channel cannot be set up.
    #[error("the channel `{channel}`: {problem}")]
    Channel {
        /// Which.
        channel: String,
        /// Why.
        #[source]
        problem: ChannelError,
    },
    /// What was kept cannot be taken over.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no thread, or no runtime.
    #[error("cannot start a thread for alerts")]
    Thread(#[source] std::io::Error),
}

/// The running service.
#[derive(Debug)]
pub struct Service {
    handle: AlertsHandle,
    ended: wait::Receiver<DeskState>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// Sets the channels up and starts the thread.
    ///
    /// # Errors
    /// Something of the configuration, a secret, or what was kept cannot be used.
    pub fn start(
        config: &AlertsConfig,
        secrets: &dyn Secrets,
        mask: &Mask,
        options: ServiceOptions,
    ) -> Result<Self, StartError> {
        config.check()?;
        let plan = Plan::new(config).map_err(ConfigError::from)?;
        let mut stations = Vec::new();
        for (name, channel) in &config.channels {
            let channel = Channel::open(name, &config.source, channel, secrets, mask);
            let wrong = |problem| StartError::Channel { channel: name.clone(), problem };
            stations.push(Arc::new(Station::new(channel.map_err(wrong)?)));
        }
        let now = options.clock.now();
        let desk = match options.state {
            None => Desk::new(plan),
            Some(state) => Desk::restore(plan, now, state)?,
        };
        let core = Core::new(config, desk, stations, mask.clone(), options.clock, now);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let (urgent, urgent_in) = mpsc::channel::<Seen>(URGENT_MAX);
        let (flow, flow_in) = mpsc::channel::<Seen>(FLOW_MAX);
        let (commands, commands_in) = mpsc::channel::<Command>(COMMANDS_MAX);
        let shared = Arc::new(Shared::new(core.publish(now)));
        let handle = AlertsHandle { urgent, flow, commands, shared: Arc::clone(&shared) };
        let inbox = run::Inbox { urgent: urgent_in, flow: flow_in, commands: commands_in };
        let (end, ended) = wait::sync_channel(1);
        let (backoff, chance) = (options.backoff, options.chance);
        let thread = thread::Builder::new()
            .name("alerts".to_owned())
            .spawn(move || {
                let state = runtime.block_on(run::run(core, inbox, shared, backoff, chance));
                // A name that is being looked up is not waited for.
                runtime.shutdown_background();
                // Nobody may be waiting any more.
                let _ = end.send(state);
            })
            .map_err(StartError::Thread)?;
        Ok(Self { handle, ended, thread: Some(thread) })
    }

    /// What is handed to those who observe and ask.
    #[must_use]
    pub fn handle(&self) -> AlertsHandle {
        self.handle.clone()
    }

    /// Sends what waits, for so long at most, and ends. Gives what is to be kept.
    #[must_use]
    pub fn stop(mut self, within: Duration) -> DeskState {
        self.end(within)
    }

    fn end(&mut self, within: Duration) -> DeskState {
        self.handle.stop(within);
        let state = self.ended.recv_timeout(within.saturating_add(END_MARGIN));
        if let (Ok(_), Some(thread)) = (&state, self.thread.take()) {
            // It has said its last word.
            let _ = thread.join();
        }
        self.thread = None;
        state.unwrap_or_else(|_| self.handle.state())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.end(Duration::ZERO);
        }
    }
}

/// What became of a test alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// Which channel.
    pub channel: Name,
    /// What kind it is.
    pub kind: &'static str,
    /// How long it took.
    pub took_ms: u64,
    /// Why it did not arrive; `None` where the service took it.
    pub problem: Option<String>,
}

/// Sends a test alert once through every channel of a configuration, without a service, and says what
/// became of each. A channel that cannot be set up is one that failed.
///
/// # Errors
/// The configuration is not right, or there is no runtime.
pub fn test_channels(
    config: &AlertsConfig,
    secrets: &dyn Secrets,
    mask: &Mask,
    clock: &Clock,
) -> Result<Vec<TestResult>, StartError> {
    config.check()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::Thread)?;
    let mut stations = Vec::new();
    let mut results = Vec::new();
    for (name, channel) in &config.channels {
        match Channel::open(name, &config.source, channel, secrets, mask) {
            Ok(channel) => stations.push(Arc::new(Station::new(channel))),
            Err(problem) => results.push(TestResult {
                channel: Name::from(name.as_str()),
                kind: channel.kind(),
                took_ms: 0,
                problem: Some(problem.to_string()),
            }),
        }
    }
    results.extend(runtime.block_on(try_all(stations, clock.clone())));
    runtime.shutdown_background();
    results.sort_by(|left, right| left.channel.cmp(&right.channel));
    Ok(results)
}

/// All at once, each once.
async fn try_all(stations: Vec<Arc<Station>>, clock: Clock) -> Vec<TestResult> {
    let mut tasks = tokio::task::JoinSet::new();
    for station in stations {
        let clock = clock.clone();
        tasks.spawn(async move {
            let begun = std::time::Instant::now();
            let notice = Notice::test(clock.now());
            let sending = Sending { notice: &notice, now: clock.now(), instead_of: &[] };
            let sent = station.channel.send(sending).await;
            TestResult {
                channel: station.channel.name().clone(),
                kind: station.channel.kind(),
                took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                problem: sent.err().map(|error| error.to_string()),
            }
        });
    }
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        // A task that ended in a panic has nothing to say.
        results.extend(result.ok());
    }
    results.sort_by(|left, right| left.channel.cmp(&right.channel));
    results
}
