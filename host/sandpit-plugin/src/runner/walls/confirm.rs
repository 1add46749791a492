//! What the host sees of a runner's walls from outside. A runner says itself which walls stand;
//! where the kernel says otherwise, they do not.

use std::fs;

use super::{State, Wall, WallName};

/// Bytes of a process's status that are looked at.
const STATUS_BYTES_MAX: usize = 16 * 1024;
/// `Seccomp:` of a process with a filter.
const SECCOMP_FILTERED: &str = "2";

/// Holds a runner's word against the kernel's. Where the kernel does not tell (no `/proc`), the
/// word stands: the runner gave it before it knew any foreign code.
pub(crate) fn confirm(process: u32, walls: &mut [Wall]) {
    let mut status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.truncate(status.floor_char_boundary(STATUS_BYTES_MAX));
    for wall in walls {
        if wall.state == State::Standing && denied(process, &status, wall.name) {
            *wall = Wall::missing(wall.name, "the runner says so, the kernel does not");
        }
    }
}

fn denied(process: u32, status: &str, wall: WallName) -> bool {
    let differs = |key: &str, expected: &str| {
        field(status, key).is_some_and(|value| value.trim_start_matches('0') != expected)
    };
    match wall {
        WallName::NoNewPrivileges => differs("NoNewPrivs:", "1"),
        WallName::Seccomp => differs("Seccomp:", SECCOMP_FILTERED),
        WallName::Capabilities => differs("CapEff:", "") || differs("CapPrm:", ""),
        WallName::Environment => {
            fs::read(format!("/proc/{process}/environ")).is_ok_and(|bytes| !bytes.is_empty())
        }
        WallName::UserNamespace => same_namespace(process, "user"),
        WallName::MountNamespace => same_namespace(process, "mnt"),
        WallName::NetworkNamespace => same_namespace(process, "net"),
        WallName::IpcNamespace => same_namespace(process, "ipc"),
        WallName::HostMemory
        | WallName::Descriptors
        | WallName::OwnSession
        | WallName::ParentDeath
        | WallName::Landlock
        | WallName::Limits
        | WallName::SealedCode => false,
    }
}

fn field<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

fn same_namespace(process: u32, kind: &str) -> bool {
    let theirs = fs::read_link(format!("/proc/{process}/ns/{kind}"));
    let ours = fs::read_link(format!("/proc/self/ns/{kind}"));
    matches!((theirs, ours), (Ok(theirs), Ok(ours)) if theirs == ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
                          NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

    #[test]
    fn what_the_kernel_denies_is_missing() {
        let confined = [WallName::NoNewPrivileges, WallName::Seccomp, WallName::Capabilities];
        for wall in confined {
            assert!(!denied(0, STATUS, wall), "{wall}");
        }
        let open =
            STATUS.replace("\t1\n", "\t0\n").replace("\t2\n", "\t0\n").replace("00\n", "01\n");
        for wall in confined {
            assert!(denied(0, &open, wall), "{wall}");
        }
        // Where nothing is known nothing is denied.
        assert!(!denied(0, "", WallName::Seccomp));
    }

    #[test]
    fn this_process_shares_its_own_namespaces() {
        let mut walls = [Wall::standing(WallName::NetworkNamespace)];
        confirm(std::process::id(), &mut walls);
        assert!(!walls[0].stands());
    }
}
