//! The walls of a runner process: which there are, which stand, and what each is for. Putting them
//! up is the business of the modules below; what a plugin may do inside of them is wasmtime's.
//!
//! The order matters and is this: identity (session, namespaces, capabilities), then what cannot be
//! undone (no new privileges, Landlock, system calls), and after the code is loaded the last two
//! (no new descriptors, files or processes; no new executable memory). A wall that cannot be put up
//! is a value with a reason, never a silence.

#[cfg(target_os = "linux")]
mod confine;
#[cfg(target_os = "linux")]
mod confirm;
#[cfg(target_os = "linux")]
mod syscalls;

use std::{collections::BTreeSet, fmt, str::FromStr};

#[cfg(target_os = "linux")]
pub use confine::{Confinement, confine, confine_compiler, seal};
#[cfg(target_os = "linux")]
pub(crate) use confirm::confirm;

/// Bytes of a reason for a missing wall.
pub(crate) const REASON_BYTES_MAX: usize = 160;

macro_rules! walls {
    ($($variant:ident = $number:literal, $name:literal, $stops:literal;)*) => {
        /// A wall between a plugin's process and everything else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum WallName {
            $(#[doc = $stops] $variant = $number,)*
        }

        impl WallName {
            /// All of them, in the order in which they are put up.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Stable name, as configuration and documents have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is for.
            #[must_use]
            pub const fn stops(self) -> &'static str {
                match self { $(Self::$variant => $stops,)* }
            }

            pub(crate) const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

walls! {
    HostMemory = 1, "host-memory", "the host's memory cannot be read by others and is in no core dump";
    Environment = 2, "environment", "the runner inherits no variable of the host's environment";
    Descriptors = 3, "descriptors", "the runner has one socket to the host, `/dev/null`, and a pipe for its last words";
    OwnSession = 4, "session", "the runner has no terminal and gets no signal that is meant for the host";
    UserNamespace = 5, "user-namespace", "the runner is nobody: it owns no file and no process outside";
    MountNamespace = 6, "mount-namespace", "the runner's file system is one empty, read-only folder";
    NetworkNamespace = 7, "network-namespace", "the runner has no network, not even loopback";
    IpcNamespace = 8, "ipc-namespace", "the runner sees no shared memory and no message queue of others";
    Capabilities = 9, "capabilities", "the runner has no privilege, even if the host runs as root";
    ParentDeath = 10, "parent-death", "the runner ends when the host does";
    NoNewPrivileges = 11, "no-new-privileges", "nothing that the runner starts gains privileges";
    Landlock = 12, "landlock", "the kernel refuses every file, every port, and signals to others";
    Seccomp = 13, "seccomp", "any system call that is not on a short list ends the runner";
    Limits = 14, "limits", "the kernel bounds its memory; no new descriptor, file or process";
    SealedCode = 15, "sealed-code", "after loading, no memory can be made executable";
}

impl fmt::Display for WallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no wall's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no wall `{name}`; there are: {known}", known = known())]
pub struct UnknownWall {
    /// What was said.
    pub name: String,
}

fn known() -> String {
    WallName::ALL.iter().map(|wall| wall.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for WallName {
    type Err = UnknownWall;

    fn from_str(text: &str) -> Result<Self, UnknownWall> {
        let found = Self::ALL.iter().find(|wall| wall.name() == text).copied();
        found.ok_or_else(|| UnknownWall { name: text.chars().take(64).collect() })
    }
}

/// Whether a wall stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Standing,
    /// It does not, for this reason.
    Missing(String),
}

/// One wall and whether it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wall {
    /// Which.
    pub name: WallName,
    /// Whether.
    pub state: State,
}

impl Wall {
    pub(crate) const fn standing(name: WallName) -> Self {
        Self { name, state: State::Standing }
    }

    pub(crate) fn missing(name: WallName, reason: impl fmt::Display) -> Self {
        let mut reason = reason.to_string();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        Self { name, state: State::Missing(reason) }
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is put up there"))]
    pub(crate) fn of<E: fmt::Display>(name: WallName, done: Result<(), E>) -> Self {
        match done {
            Ok(()) => Self::standing(name),
            Err(error) => Self::missing(name, error),
        }
    }

    /// Whether it stands.
    #[must_use]
    pub const fn stands(&self) -> bool {
        matches!(self.state, State::Standing)
    }
}

/// The first wall that is required and does not stand, with the reason.
#[must_use]
pub fn breach(required: &BTreeSet<WallName>, walls: &[Wall]) -> Option<(WallName, String)> {
    required.iter().find_map(|name| match walls.iter().find(|wall| wall.name == *name) {
        Some(Wall { state: State::Standing, .. }) => None,
        Some(Wall { state: State::Missing(reason), .. }) => Some((*name, reason.clone())),
        None => Some((*name, "nothing is known of it".to_owned())),
    })
}

/// Keeps this process's memory out of core dumps and other processes' reach. To be called once, at
/// the start of whatever holds keys.
#[must_use]
pub fn protect_host_memory() -> Wall {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        Wall::of(WallName::HostMemory, set_dumpable_behavior(DumpableBehavior::NotDumpable))
    }
    #[cfg(not(target_os = "linux"))]
    {
        Wall::missing(WallName::HostMemory, "only Linux has it")
    }
}

/// Whether this process's memory is protected now.
pub(crate) fn host_memory() -> Wall {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        match dumpable_behavior() {
            Ok(DumpableBehavior::NotDumpable | DumpableBehavior::DumpableReadableOnlyByRoot) => {
                Wall::standing(WallName::HostMemory)
            }
            Ok(_) => Wall::missing(WallName::HostMemory, "the host has not asked for it"),
            Err(error) => Wall::missing(WallName::HostMemory, error),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        Wall::missing(WallName::HostMemory, "only Linux has it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for wall in WallName::ALL {
            assert_eq!(wall.name().parse(), Ok(*wall));
            #[cfg(target_os = "linux")]
            assert_eq!(WallName::from_number(*wall as u8), Some(*wall));
        }
        let error = "moat".parse::<WallName>().unwrap_err().to_string();
        assert!(error.contains("no wall `moat`; there are: host-memory, "), "{error}");
    }

    #[test]
    fn what_is_required_must_stand() {
        let walls = [
            Wall::standing(WallName::Seccomp),
            Wall::missing(WallName::Landlock, "this kernel has none"),
        ];
        let required = |names: &[WallName]| names.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(breach(&required(&[WallName::Seccomp]), &walls), None);
        assert_eq!(
            breach(&required(&[WallName::Seccomp, WallName::Landlock]), &walls),
            Some((WallName::Landlock, "this kernel has none".to_owned()))
        );
        assert_eq!(
            breach(&required(&[WallName::Limits]), &walls),
            Some((WallName::Limits, "nothing is known of it".to_owned()))
        );
    }
}
