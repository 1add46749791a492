//! Where components become runners: on a thread of its own, since checking, compiling and starting
//! a process take their time, and the market does not wait for that.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use sandpit_core::{
    ids::PluginId,
    plugin::{Fault, FaultCode},
};
use sandpit_plugin::{ComponentFile, Limits};

use crate::sandbox::{self, Loaded, Loading, Sandbox, SandboxError};

/// The longest that a session in lockstep waits for a runner: compiling is bounded, and so is a
/// component's start.
const MADE_WITHIN: Duration = Duration::from_secs(120);

/// A component, read or to be read.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// As it was read.
    File(Arc<ComponentFile>),
    /// To be read.
    Path(PathBuf),
}

/// What a runner is made for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// The supervisor wants it.
    Wanted {
        /// Its ticket.
        ticket: u64,
    },
    /// It takes over from what runs.
    Swap,
    /// It runs where nothing does.
    Load {
        /// Without what was saved.
        cold: bool,
    },
}

/// A runner to be made.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) plugin: PluginId,
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) limits: Limits,
    pub(super) purpose: Purpose,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) plugin: PluginId,
    pub(super) source: Source,
    pub(super) purpose: Purpose,
    pub(super) result: Result<(Loaded, Arc<ComponentFile>), SandboxError>,
}

/// The thread, and the ways to it and back. It ends when this does, after what it is at.
#[derive(Debug)]
pub(super) struct Workshop {
    orders: Sender<Order>,
    made: Receiver<Made>,
    under_way: usize,
}

impl Workshop {
    /// Begins to take orders.
    ///
    /// # Errors
    /// There is no thread for it.
    pub(super) fn new(loading: Loading, sandbox: Sandbox) -> std::io::Result<Self> {
        let (orders, ordered) = mpsc::channel::<Order>();
        let (finished, made) = mpsc::channel();
        thread::Builder::new().name("workshop".to_owned()).spawn(move || {
            for order in ordered {
                // Nobody waits for it any more: the session is over.
                if finished.send(make(&loading, &sandbox, order)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { orders, made, under_way: 0 })
    }

    /// Has a runner made. Orders are few: one for each plugin that is down, and what operators ask.
    pub(super) fn order(&mut self, order: Order) {
        if self.orders.send(order).is_ok() {
            self.under_way += 1;
        }
    }

    /// What is through, if anything is.
    pub(super) fn take(&mut self) -> Option<Made> {
        if self.under_way == 0 {
            return None;
        }
        let made = self.made.try_recv().ok()?;
        self.under_way -= 1;
        Some(made)
    }

    /// Waits for what is through next, if something is under way.
    pub(super) fn wait(&mut self) -> Option<Made> {
        if self.under_way == 0 {
            return None;
        }
        self.under_way -= 1;
        self.made.recv_timeout(MADE_WITHIN).ok()
    }
}

fn make(loading: &Loading, sandbox: &Sandbox, order: Order) -> Made {
    let Order { plugin, name, source, limits, purpose } = order;
    let result = load(loading, sandbox, &name, &source, &limits);
    Made { plugin, source, purpose, result }
}

/// The whole way, by whom the operator trusts now: a list that was changed counts at once.
fn load(
    loading: &Loading,
    sandbox: &Sandbox,
    name: &str,
    source: &Source,
    limits: &Limits,
) -> Result<(Loaded, Arc<ComponentFile>), SandboxError> {
    let file = match source {
        Source::File(file) => Arc::clone(file),
        Source::Path(path) => Arc::new(sandbox::read_component(path)?),
    };
    let loaded = sandbox.renewed(loading)?.load(name, &file, limits)?;
    Ok((loaded, file))
}

/// Why there is no runner, as a fault of the plugin.
pub(super) fn fault_of(name: &str, error: SandboxError) -> Fault {
    match error {
        SandboxError::Fault(fault) => fault,
        error => Fault {
            code: FaultCode::RunnerLost,
            detail: format!("plugin `{name}` cannot be started again: {error}"),
        },
    }
}
