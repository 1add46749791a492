//! What the process as a whole does about its memory: parts of a key pass through buffers that are
//! not ours, so none of it may end in a file or before the eyes of another process.

use std::io;

/// What stands after [`guard_process`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessGuard {
    /// The kernel writes no core of this process, and lets no other process of the user look into
    /// it.
    pub is_not_dumpable: bool,
    /// The limit of a core's size is zero.
    pub has_no_core: bool,
    /// Bytes of memory that may be kept out of swap; `None` where there is no limit.
    pub locked_bytes_max: Option<u64>,
}

/// Keeps this process's memory out of core dumps and away from other processes. It is called before
/// the first key is read. A program that is started from here begins without it: what runs
/// strategies may dump, since no key ever is in it.
///
/// # Errors
/// The system does not do it.
#[cfg(target_os = "linux")]
pub fn guard_process() -> io::Result<ProcessGuard> {
    use rustix::process::{
        DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
    };

    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // The hard limit stays as it is, so that a runner can raise its own.
    let maximum = getrlimit(Resource::Core).maximum;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum })?;
    Ok(process_guard())
}

/// What stands now.
#[cfg(target_os = "linux")]
#[must_use]
pub fn process_guard() -> ProcessGuard {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    let behavior = dumpable_behavior();
    ProcessGuard {
        is_not_dumpable: behavior.is_ok_and(|found| found != DumpableBehavior::Dumpable),
        has_no_core: getrlimit(Resource::Core).current == Some(0),
        locked_bytes_max: getrlimit(Resource::Memlock).current,
    }
}

/// Keeps this process's memory out of core dumps.
///
/// # Errors
/// The system does not do it.
#[cfg(not(target_os = "linux"))]
pub fn guard_process() -> io::Result<ProcessGuard> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Core).maximum;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum })?;
    Ok(process_guard())
}

/// What stands now.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn process_guard() -> ProcessGuard {
    use rustix::process::{Resource, getrlimit};

    ProcessGuard {
        is_not_dumpable: false,
        has_no_core: getrlimit(Resource::Core).current == Some(0),
        locked_bytes_max: getrlimit(Resource::Memlock).current,
    }
}
