//! Puts the walls up around this process. For the runner alone, and irrevocable: whoever calls this
//! has one thread, and wants to be nobody.

use std::collections::BTreeSet;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, LandlockStatus, Ruleset,
    RulesetAttr as _, RulesetStatus, Scope,
};
use rustix::{
    io::Errno,
    mount::{
        MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount,
        unmount,
    },
    process::{
        DumpableBehavior, Resource, Rlimit, Signal, chdir, parent_process_death_signal, pivot_root,
        set_dumpable_behavior, set_parent_process_death_signal, setrlimit, setsid,
    },
    thread::{
        CapabilitySet, CapabilitySets, UnshareFlags, capabilities, clear_ambient_capability_set,
        no_new_privs, remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
    },
};

use super::{Wall, WallName, syscalls};
use crate::runner::sys;

/// Descriptors that a runner has: input, output and last words, and the socket to the host.
const DESCRIPTORS: u32 = 4;
/// Bytes of address space: wasmtime reserves 4 GiB with guards for each of a guest's memories, and
/// uses little of it.
const ADDRESS_SPACE_BYTES_MAX: u64 = 20 * GIB;
/// Bytes of memory that a runner may write to, its guest's apart: the host's code in it, compiled
/// code, frames.
const OWN_BYTES_MAX: u64 = 256 * MIB;
/// Where an empty file system can be mounted before it becomes the root: either is on every Linux.
const MOUNT_POINTS: [&str; 2] = ["/tmp", "/proc"];

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// What to put up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Which walls. What is not in it is missing, and that is why.
    pub walls: BTreeSet<WallName>,
    /// Bytes of all memories of the guest.
    pub memory_bytes_max: u64,
    /// Bytes of a core dump of the runner: 0 is none.
    pub core_bytes_max: u64,
}

impl Confinement {
    /// Every wall around a guest of so much memory.
    #[must_use]
    pub fn all(memory_bytes_max: u64) -> Self {
        let walls = WallName::ALL.iter().copied().collect();
        Self { walls, memory_bytes_max, core_bytes_max: 0 }
    }

    fn put_up<E: std::fmt::Display>(
        &self,
        walls: &mut Vec<Wall>,
        name: WallName,
        wall: impl FnOnce() -> Result<(), E>,
    ) {
        walls.push(if self.walls.contains(&name) {
            Wall::of(name, wall())
        } else {
            Wall::missing(name, "it was not asked for")
        });
    }
}

/// Puts up all walls that stand before any code is loaded. To be called once, by the only thread.
#[must_use]
pub fn confine(wanted: &Confinement) -> Vec<Wall> {
    let mut walls = Vec::with_capacity(WallName::ALL.len());
    let up = &mut walls;
    wanted.put_up(up, WallName::Environment, environment);
    wanted.put_up(up, WallName::Descriptors, descriptors);
    wanted.put_up(up, WallName::OwnSession, || setsid().map(|_| ()));
    wanted.put_up(up, WallName::UserNamespace, || sys::unshare(UnshareFlags::NEWUSER));
    wanted.put_up(up, WallName::MountNamespace, empty_root);
    wanted.put_up(up, WallName::NetworkNamespace, || sys::unshare(UnshareFlags::NEWNET));
    wanted.put_up(up, WallName::IpcNamespace, || sys::unshare(UnshareFlags::NEWIPC));
    wanted.put_up(up, WallName::Capabilities, no_capabilities);
    // It holds no secret, and its authors may want to look into it. New credentials turned this
    // off, and the signal below as well.
    let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
    wanted.put_up(up, WallName::ParentDeath, parent_death);
    wanted.put_up(up, WallName::NoNewPrivileges, no_new_privileges);
    wanted.put_up(up, WallName::Landlock, landlock);
    wanted.put_up(up, WallName::Seccomp, syscalls::restrict);
    walls
}

/// Puts up what stands once the code is loaded: before its first instruction runs.
#[must_use]
pub fn seal(wanted: &Confinement) -> Vec<Wall> {
    let mut walls = Vec::new();
    wanted.put_up(&mut walls, WallName::Limits, || limits(wanted));
    wanted.put_up(&mut walls, WallName::SealedCode, syscalls::seal);
    walls
}

/// Puts up the walls around a compiler, which needs nothing but its three pipes and memory: it
/// makes machine code and runs none. How much memory and time it has is `compile`'s. To be called
/// once, by the only thread, before it reads a byte of a component.
#[must_use]
pub fn confine_compiler() -> Vec<Wall> {
    let mut wanted = Confinement::all(0);
    // Its host has put it into a group of its own, and ends all of it at once.
    let not_here = [WallName::HostMemory, WallName::OwnSession, WallName::Seccomp];
    wanted.walls.retain(|wall| !not_here.contains(wall));
    let mut walls = confine(&wanted);
    walls.retain(|wall| !not_here.contains(&wall.name));
    // Nobody debugs it, and it holds what its author may not want to show.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    walls.push(Wall::of(WallName::Limits, compiler_limits()));
    walls.push(Wall::of(WallName::Seccomp, syscalls::restrict_compiler()));
    walls
}

fn compiler_limits() -> Result<(), Errno> {
    for resource in [Resource::Nofile, Resource::Nproc, Resource::Memlock, Resource::Msgqueue] {
        setrlimit(resource, Rlimit { current: Some(0), maximum: Some(0) })?;
    }
    Ok(())
}

fn environment() -> Result<(), &'static str> {
    if std::env::vars_os().next().is_some() { Err("it is not empty") } else { Ok(()) }
}

fn descriptors() -> Result<(), String> {
    sys::close_from(DESCRIPTORS).map_err(|error| error.to_string())
}

fn parent_death() -> Result<(), Errno> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if parent_process_death_signal()? == Some(Signal::KILL) { Ok(()) } else { Err(Errno::INVAL) }
}

fn no_new_privileges() -> Result<(), Errno> {
    set_no_new_privs(true)?;
    if no_new_privs()? { Ok(()) } else { Err(Errno::INVAL) }
}

/// A root with nothing in it, in which nothing can be made.
fn empty_root() -> Result<(), Errno> {
    sys::unshare(UnshareFlags::NEWNS)?;
    // What is mounted here must not show outside.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let mut at = Err(Errno::NOENT);
    for point in MOUNT_POINTS {
        at = mount("none", point, "tmpfs", flags, c"size=4k,nr_inodes=1,mode=0555").map(|()| point);
        if at.is_ok() {
            break;
        }
    }
    chdir(at?)?;
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    chdir("/")?;
    mount_remount("/", flags | MountFlags::RDONLY, "")
}

fn no_capabilities() -> Result<(), Errno> {
    for capability in CapabilitySet::all().iter() {
        // Without privileges, nothing can be dropped from here and nothing gained from it either.
        let _ = remove_capability_from_bounding_set(capability);
    }
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    let empty = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, empty)?;
    if capabilities(None)? == empty { Ok(()) } else { Err(Errno::PERM) }
}

/// Files are always refused; ports from Linux 6.7 on, signals and abstract sockets from 6.12 on.
fn landlock() -> Result<(), String> {
    let restrict = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V6))?
            .handle_access(AccessNet::from_all(ABI::V6))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .restrict_self()
    };
    let status = restrict().map_err(|error: landlock::RulesetError| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced, _) => Ok(()),
        (_, LandlockStatus::NotEnabled) => Err("it is not enabled in this kernel".to_owned()),
        (_, LandlockStatus::NotImplemented) => Err("this kernel does not have it".to_owned()),
        (_, _) => Err("this kernel does not enforce it".to_owned()),
    }
}

fn limits(wanted: &Confinement) -> Result<(), Errno> {
    let data = OWN_BYTES_MAX.saturating_add(wanted.memory_bytes_max);
    for (resource, limit) in [
        (Resource::As, ADDRESS_SPACE_BYTES_MAX.saturating_add(wanted.memory_bytes_max)),
        (Resource::Data, data),
        (Resource::Core, wanted.core_bytes_max),
        (Resource::Fsize, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Nproc, 0),
        // Those that are open stay open.
        (Resource::Nofile, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}
