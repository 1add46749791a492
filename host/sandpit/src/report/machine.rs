//! What depends on the machine and the moment; no part of the canonical result.

use serde::{Deserialize, Serialize};

use super::value::Stat;

/// What depends on the machine and the moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSection {
    /// Seconds of the run.
    pub wall_seconds: Stat,
    /// Market events per second.
    pub events_per_second: Stat,
    /// Largest resident memory of the process in bytes.
    pub memory_peak_bytes: Option<u64>,
    /// By plugin, in the order of their ids.
    pub plugins: Vec<CallLatency>,
}

/// How long the calls of one plugin took, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallLatency {
    /// Calls that were timed; a host may time a part of them.
    pub timed_calls: u64,
    /// Half of the calls took at most this.
    pub p50_ns: u64,
    /// 99 of 100 calls took at most this.
    pub p99_ns: u64,
    /// The slowest.
    pub max_ns: u64,
}
