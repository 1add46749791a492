//! What the compiler may use, and the process that it runs in made small.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Bytes of the machine code of one component.
pub(crate) const ARTIFACT_BYTES_MAX: usize = 256 * MIB;
/// Descriptors of the compiler's process: the three that it is given, and some for the system.
const DESCRIPTORS_MAX: u64 = 16;
/// Seconds of processor time between the request to end and the end.
const CPU_GRACE_S: u64 = 1;
/// How far the compiler steps back for others.
const NICENESS: i32 = 10;

const MIB: usize = 1024 * 1024;

/// What compiling one component may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of address space of the compiler's process.
    pub memory_bytes_max: u64,
    /// Processor time, all threads together; whole seconds.
    pub cpu_seconds_max: u64,
    /// Time on the clock.
    pub wall_max: Duration,
    /// Bytes of machine code.
    pub artifact_bytes_max: usize,
}

impl Default for CompileLimits {
    /// Enough for an interpreter of 40 MB on a slow machine.
    fn default() -> Self {
        Self {
            memory_bytes_max: 4 << 30,
            cpu_seconds_max: 60,
            wall_max: Duration::from_secs(90),
            artifact_bytes_max: ARTIFACT_BYTES_MAX,
        }
    }
}

/// Makes this process one that can do nothing but compile, and not for long. Before it reads a
/// byte.
pub(super) fn confine(memory_bytes: u64, cpu_seconds: u64) -> rustix::io::Result<()> {
    let bound = |resource, soft: u64, hard: u64| {
        setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })
    };
    bound(Resource::Core, 0, 0)?;
    bound(Resource::Fsize, 0, 0)?;
    bound(Resource::Nofile, DESCRIPTORS_MAX, DESCRIPTORS_MAX)?;
    bound(Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(CPU_GRACE_S))?;
    // Elsewhere the system refuses this bound below what a process has mapped at its start.
    #[cfg(target_os = "linux")]
    bound(Resource::As, memory_bytes, memory_bytes)?;
    #[cfg(not(target_os = "linux"))]
    let _ = memory_bytes;
    // It must not slow down who trades meanwhile.
    rustix::process::nice(NICENESS)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior};
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        rustix::thread::set_no_new_privs(true)?;
    }
    Ok(())
}
