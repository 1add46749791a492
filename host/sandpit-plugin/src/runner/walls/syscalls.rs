//! The system calls that a runner may make, in two stages: until its code is loaded, and after.
//! Anything else ends it at once: an honest runner makes no other call, so one that does was taken
//! over.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// What fails to be a filter is an error of ours, told like any wall that is missing.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    #[error("the filter cannot be made: {0}")]
    Made(#[from] seccompiler::BackendError),
    #[error("the filter cannot be installed: {0}")]
    Installed(#[from] seccompiler::Error),
    #[error("there is no list of system calls for this processor")]
    Architecture,
}

/// Memory that is asked for executable.
const PROTECTION_EXECUTE: u64 = libc::PROT_EXEC as u64;
/// Argument of `mmap` and `mprotect` that says how memory is protected.
const PROTECTION_ARGUMENT: u8 = 2;

/// Calls that wasmtime, the allocator and the loop make while a plugin runs.
const RUNNING: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    // For large reallocations. It moves pages as they are: what could not be run still cannot.
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Where the clock or randomness is not read without a call; neither gives anything away.
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Calls that it makes on top of those until the code is there: an image of the guest's memory, and
/// the last walls.
const LOADING: &[libc::c_long] = &[
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_fcntl,
    libc::SYS_prlimit64,
    libc::SYS_seccomp,
    libc::SYS_prctl,
];

/// Calls that a compiler makes.
const COMPILING: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    // To abort, where it has no memory.
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
/// Argument of `tgkill` that says whom.
const WHOM_ARGUMENT: u8 = 0;

/// Installs the list of a compiler: no executable memory from the start, and no signal to others.
pub(super) fn restrict_compiler() -> Result<(), FilterError> {
    let mut rules = allowed(COMPILING);
    not_executable(&mut rules)?;
    let itself = SeccompCondition::new(
        WHOM_ARGUMENT,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        u64::from(std::process::id()),
    )?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![itself])?]);
    install(rules)
}

/// Installs the list for the time until the code is loaded.
pub(super) fn restrict() -> Result<(), FilterError> {
    let mut rules = allowed(RUNNING);
    rules.append(&mut allowed(LOADING));
    rules.append(&mut allowed(&[libc::SYS_mmap, libc::SYS_mprotect]));
    install(rules)
}

/// Installs the list for the time after: no executable memory, no more lists.
pub(super) fn seal() -> Result<(), FilterError> {
    let mut rules = allowed(RUNNING);
    not_executable(&mut rules)?;
    install(rules)
}

/// Memory, as long as nobody wants to run what is in it.
fn not_executable(rules: &mut BTreeMap<i64, Vec<SeccompRule>>) -> Result<(), FilterError> {
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let not_executable = SeccompCondition::new(
            PROTECTION_ARGUMENT,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(PROTECTION_EXECUTE),
            0,
        )?;
        rules.insert(call, vec![SeccompRule::new(vec![not_executable])?]);
    }
    Ok(())
}

fn allowed(calls: &[libc::c_long]) -> BTreeMap<i64, Vec<SeccompRule>> {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn install(rules: BTreeMap<i64, Vec<SeccompRule>>) -> Result<(), FilterError> {
    let architecture = if cfg!(target_arch = "x86_64") {
        TargetArch::x86_64
    } else if cfg!(target_arch = "aarch64") {
        TargetArch::aarch64
    } else {
        return Err(FilterError::Architecture);
    };
    let program: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)?
            .try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}
