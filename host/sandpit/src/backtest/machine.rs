//! What a run cost on this machine: never part of a result.

use std::{fs, time::Duration};

use sandpit_plugin::Stats;

use crate::report::{CallLatency, MachineSection, Stat};

/// Of 1,000 calls.
const MEDIAN: u32 = 500;
/// Of 1,000 calls.
const NINETY_NINE: u32 = 990;

pub(super) fn section(wall: Duration, events: u64, plugins: &[Stats]) -> MachineSection {
    let seconds = wall.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = (seconds > 0.0).then(|| events as f64 / seconds);
    MachineSection {
        wall_seconds: Stat::new(Some(seconds)),
        events_per_second: Stat::new(rate),
        memory_peak_bytes: memory_peak_bytes(),
        plugins: plugins
            .iter()
            .map(|stats| CallLatency {
                timed_calls: stats.latency.samples(),
                p50_ns: stats.latency.quantile_ns(MEDIAN),
                p99_ns: stats.latency.quantile_ns(NINETY_NINE),
                max_ns: stats.latency.max_ns(),
            })
            .collect(),
    }
}

/// Largest resident memory of this process, where the system says it.
fn memory_peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
