//! How runners are started, and why one is not. The same on every system, so that callers are.

use std::{collections::BTreeSet, ffi::OsString, io, path::PathBuf, time::Duration};

use sandpit_core::plugin::Fault;

use super::walls::WallName;

/// How runners are started.
#[derive(Clone, Debug)]
pub struct LaunchSettings {
    /// The program that is started: with `arguments`, it has to call [`super::serve`] before
    /// anything else. `/proc/self/exe` is this very program, even once its file was replaced.
    pub executable: PathBuf,
    /// What tells it to be a runner.
    pub arguments: Vec<OsString>,
    /// Walls without which no plugin is loaded.
    pub required: BTreeSet<WallName>,
    /// Bytes of a core dump of a runner: 0 is none. There are no keys in it.
    pub core_bytes_max: u64,
    /// How long the host looks for an answer before it sleeps. Looking costs a core for so long, and
    /// pays only where cores have nothing else to do: by default it sleeps at once.
    pub host_spin: Duration,
    /// How long a runner looks for the next request before it sleeps.
    pub runner_spin: Duration,
}

impl LaunchSettings {
    /// With no wall required.
    #[must_use]
    pub fn new(executable: PathBuf, arguments: Vec<OsString>) -> Self {
        Self {
            executable,
            arguments,
            required: BTreeSet::new(),
            core_bytes_max: 0,
            host_spin: Duration::ZERO,
            runner_spin: Duration::ZERO,
        }
    }
}

/// What a runner's process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    /// Processor time since it was started.
    pub cpu: Duration,
    /// Bytes of memory that it has, shared ones counted in full.
    pub resident_bytes: u64,
}

/// Why a plugin's process does not run it.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// This system has no such processes.
    #[error("plugins in processes of their own need Linux: set `isolation = \"inline\"`")]
    Unsupported,
    /// It is not known which program a runner is.
    #[error("nothing says which program runs plugins in processes of their own")]
    NoProgram,
    /// No process can be started.
    #[error("a runner's process cannot be started")]
    Start(#[source] io::Error),
    /// A wall that is required does not stand.
    #[error("wall `{wall}` is required and does not stand: {reason}")]
    Wall {
        /// Which.
        wall: WallName,
        /// Why not.
        reason: String,
    },
    /// The component is at fault already, or its process is.
    #[error("{code}: {detail}", code = .0.code.name(), detail = .0.detail)]
    Fault(Fault),
}
