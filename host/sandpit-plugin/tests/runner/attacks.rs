//! A runner that was taken over: native code behind the walls that tries to get out. Each attack is
//! tried behind all walls, where the first that it meets ends the process, and behind single walls,
//! to see that none of them is made of paper. `docs/security.md` has the table.

#![expect(unsafe_code, reason = "attackers do not use safe wrappers")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::{Command, ExitCode, Stdio},
};

use sandpit_plugin::{Confinement, WallName, confine, confine_compiler, seal};

use crate::harness::{ATTACKER, Test, say};

pub(crate) const TESTS: &[Test] = &[
    ("attacks::each_meets_its_walls", each_meets_its_walls),
    ("attacks::each_meets_the_compilers_walls", each_meets_the_compilers_walls),
    ("attacks::without_walls_they_would_work", without_walls_they_would_work),
    ("attacks::the_document_has_this_table", the_document_has_this_table),
];

/// Bytes of memory for the guests of attackers.
const MEMORY_BYTES: u64 = 64 << 20;
/// Exit code of an attacker that had to say something.
const SAID: u8 = 0;

/// How an attack ends behind some walls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// The process is ended by the kernel.
    Killed,
    /// The call fails with this.
    Fails(&'static str),
}

impl Ends {
    fn told(self) -> String {
        match self {
            Self::Killed => "SIGSYS".to_owned(),
            Self::Fails(error) => error.to_owned(),
        }
    }
}

/// One attack: what it is, how it is done, and single walls that stop it too.
struct Attack {
    name: &'static str,
    what: &'static str,
    run: fn(host: libc::pid_t) -> libc::c_long,
    /// Behind one wall alone.
    alone: &'static [(WallName, Ends)],
    /// Whether it works where there is no wall; some need more than a plain user has.
    works: bool,
}

use Ends::{Fails, Killed};
use WallName::{
    Capabilities, Descriptors, IpcNamespace, Landlock, Limits, MountNamespace, NetworkNamespace,
    SealedCode, Seccomp,
};

/// All of them. Behind all walls each ends with [`Killed`].
const ATTACKS: &[Attack] = &[
    Attack {
        name: "open-file",
        what: "opens a file to read it",
        run: |_| open(c"/etc/passwd", libc::O_RDONLY),
        alone: &[
            (Seccomp, Killed),
            (Landlock, Fails("EACCES")),
            (MountNamespace, Fails("ENOENT")),
            (Limits, Fails("EMFILE")),
        ],
        works: true,
    },
    Attack {
        name: "create-file",
        what: "creates a file",
        run: |_| open(c"/sandpit-attack", libc::O_CREAT | libc::O_WRONLY),
        alone: &[(Seccomp, Killed), (Landlock, Fails("EACCES")), (MountNamespace, Fails("EROFS"))],
        works: false,
    },
    Attack {
        name: "list-files",
        what: "lists a folder",
        run: |_| open(c"/", libc::O_RDONLY | libc::O_DIRECTORY),
        alone: &[(Seccomp, Killed), (Landlock, Fails("EACCES")), (Limits, Fails("EMFILE"))],
        works: true,
    },
    Attack {
        name: "host-environment",
        what: "reads the host's environment",
        run: |host| open_of(host, "environ"),
        alone: &[(Seccomp, Killed), (Landlock, Fails("EACCES")), (MountNamespace, Fails("ENOENT"))],
        works: true,
    },
    Attack {
        name: "host-memory",
        what: "reads the host's memory through a file",
        run: |host| open_of(host, "mem"),
        alone: &[(Seccomp, Killed), (Landlock, Fails("EACCES")), (MountNamespace, Fails("ENOENT"))],
        works: true,
    },
    Attack {
        name: "host-memory-direct",
        what: "reads the host's memory with `process_vm_readv`",
        run: read_memory,
        alone: &[(Seccomp, Killed), (Landlock, Fails("EPERM"))],
        works: false,
    },
    Attack {
        name: "ptrace",
        what: "attaches to the host as a debugger",
        // SAFETY: takes numbers only.
        run: |host| unsafe { libc::syscall(libc::SYS_ptrace, libc::PTRACE_SEIZE, host, 0, 0) },
        alone: &[(Seccomp, Killed), (Landlock, Fails("EPERM"))],
        works: false,
    },
    Attack {
        name: "host-descriptor",
        what: "takes a descriptor of the host",
        // SAFETY: takes numbers only.
        run: |host| unsafe { libc::syscall(libc::SYS_pidfd_open, host, 0) },
        alone: &[(Seccomp, Killed), (Limits, Fails("EMFILE"))],
        works: true,
    },
    Attack {
        name: "signal",
        what: "sends the host a signal",
        // SAFETY: takes numbers only. Zero asks for the permission and sends nothing.
        run: |host| unsafe { libc::syscall(libc::SYS_kill, host, 0) },
        alone: &[(Seccomp, Killed), (Landlock, Fails("EPERM"))],
        works: true,
    },
    Attack {
        name: "connect",
        what: "connects to an address on the network",
        run: |_| connect(),
        alone: &[
            (Seccomp, Killed),
            (NetworkNamespace, Fails("ENETUNREACH")),
            (Landlock, Fails("EACCES")),
            (Limits, Fails("EMFILE")),
        ],
        works: false,
    },
    Attack {
        name: "socket",
        what: "makes a socket",
        // SAFETY: takes numbers only.
        run: |_| unsafe { libc::syscall(libc::SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0) },
        alone: &[(Seccomp, Killed), (Limits, Fails("EMFILE"))],
        works: true,
    },
    Attack {
        name: "inherited-descriptor",
        what: "uses a descriptor that the host left open",
        // SAFETY: takes a number; that nothing is there is what is tested.
        run: |_| unsafe { libc::syscall(libc::SYS_dup, LEFT_OPEN) },
        alone: &[(Seccomp, Killed), (Descriptors, Fails("EBADF"))],
        works: true,
    },
    Attack {
        name: "fork",
        what: "starts a process",
        // SAFETY: the child of this test's own process ends at once.
        run: |_| unsafe { fork() },
        alone: &[(Seccomp, Killed)],
        works: true,
    },
    Attack {
        name: "exec",
        what: "becomes another program",
        run: |_| exec(),
        alone: &[(Seccomp, Killed), (Landlock, Fails("EACCES")), (MountNamespace, Fails("ENOENT"))],
        works: false,
    },
    Attack {
        name: "code-mapped",
        what: "maps memory that can be written and run",
        run: |_| map(4_096, libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC),
        alone: &[(SealedCode, Killed)],
        works: true,
    },
    Attack {
        name: "code-protected",
        what: "makes memory that it wrote to executable",
        run: |_| protect(),
        alone: &[(SealedCode, Killed)],
        works: true,
    },
    Attack {
        name: "code-file",
        what: "makes a file in memory, to run it",
        // SAFETY: the name is a constant text.
        run: |_| unsafe { libc::syscall(libc::SYS_memfd_create, c"x".as_ptr(), 0) },
        alone: &[(SealedCode, Killed), (Limits, Fails("EMFILE"))],
        works: true,
    },
    Attack {
        name: "memory",
        what: "takes more memory than its plugin may",
        run: |_| map(1 << 30, libc::PROT_READ | libc::PROT_WRITE),
        // The one that is no crime: the allocator asks for it, and is refused.
        alone: &[(Limits, Fails("ENOMEM"))],
        works: true,
    },
    Attack {
        name: "raise-limits",
        what: "raises its own limits",
        run: |_| raise_limits(),
        alone: &[(SealedCode, Killed), (Limits, Fails("EPERM"))],
        works: false,
    },
    Attack {
        name: "namespace",
        what: "makes a namespace of its own, in which it is root",
        // SAFETY: takes a number.
        run: |_| unsafe { libc::syscall(libc::SYS_unshare, libc::CLONE_NEWUSER) },
        alone: &[(Seccomp, Killed)],
        works: false,
    },
    Attack {
        name: "become-root",
        what: "becomes root",
        // SAFETY: takes a number.
        run: |_| unsafe { libc::syscall(libc::SYS_setuid, 0) },
        alone: &[(Seccomp, Killed)],
        works: false,
    },
    Attack {
        name: "mount",
        what: "mounts a file system",
        run: |_| mount(),
        alone: &[(Seccomp, Killed), (Landlock, Fails("EPERM")), (Capabilities, Fails("EPERM"))],
        works: false,
    },
    Attack {
        name: "kernel-ring",
        what: "has the kernel make its calls through `io_uring`",
        // SAFETY: the structure that is asked for is this array, larger than it needs.
        run: |_| unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, [0u64; 64].as_mut_ptr()) },
        alone: &[(Seccomp, Killed)],
        works: false,
    },
    Attack {
        name: "kernel-program",
        what: "loads a program into the kernel",
        // SAFETY: the structure is this array.
        run: |_| unsafe { libc::syscall(libc::SYS_bpf, 0, [0u64; 16].as_mut_ptr(), 72) },
        alone: &[(Seccomp, Killed)],
        works: false,
    },
    Attack {
        name: "kernel-keys",
        what: "looks for keys that the kernel keeps",
        // SAFETY: takes numbers only.
        run: |_| unsafe { libc::syscall(libc::SYS_keyctl, 0, -3, 1) },
        alone: &[(Seccomp, Killed)],
        works: false,
    },
    Attack {
        name: "shared-memory",
        what: "makes memory that others can attach",
        // SAFETY: takes numbers only.
        run: |_| unsafe { libc::syscall(libc::SYS_shmget, 0x5a5d_9170, 4_096, 0o600) },
        alone: &[(Seccomp, Killed), (IpcNamespace, Fails("ENOENT"))],
        works: false,
    },
    Attack {
        name: "set-clock",
        what: "sets the clock",
        // SAFETY: the time is a whole structure; it is the epoch, and is refused.
        run: |_| unsafe { libc::syscall(libc::SYS_clock_settime, 0, [u64::MAX; 2].as_ptr()) },
        alone: &[(Seccomp, Killed)],
        works: false,
    },
    Attack {
        name: "undo-walls",
        what: "changes the settings of its own process",
        // SAFETY: takes numbers only.
        run: |_| unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, 0, 0, 0, 0) },
        alone: &[(SealedCode, Killed)],
        works: true,
    },
];

/// A descriptor that an attacker's parent left open.
const LEFT_OPEN: libc::c_int = 9;

fn open(path: &std::ffi::CStr, flags: libc::c_int) -> libc::c_long {
    // SAFETY: the path ends with a zero.
    unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0o600) }
}

fn open_of(host: libc::pid_t, file: &str) -> libc::c_long {
    let path = std::ffi::CString::new(format!("/proc/{host}/{file}")).unwrap();
    open(&path, libc::O_RDONLY)
}

fn read_memory(host: libc::pid_t) -> libc::c_long {
    let mut here = [0u8; 8];
    let local = libc::iovec { iov_base: here.as_mut_ptr().cast(), iov_len: here.len() };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(4_096), iov_len: 8 };
    // SAFETY: `local` is the array above, `remote` is in another process.
    unsafe {
        let (local, remote) = (&raw const local, &raw const remote);
        libc::syscall(libc::SYS_process_vm_readv, host, local, 1usize, remote, 1usize, 0usize)
    }
}

fn connect() -> libc::c_long {
    // SAFETY: takes numbers only.
    let socket = unsafe { libc::syscall(libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0) };
    if socket < 0 {
        return socket;
    }
    // 192.0.2.1, which is nobody's.
    let mut address = [0u8; 16];
    address[..8].copy_from_slice(&[2, 0, 0x1f, 0x90, 192, 0, 2, 1]);
    // SAFETY: the address is an array of its size.
    unsafe { libc::syscall(libc::SYS_connect, socket, address.as_ptr(), address.len()) }
}

/// # Safety
/// Nothing is shared with the child, which ends at once.
unsafe fn fork() -> libc::c_long {
    // SAFETY: as above.
    let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    if child == 0 {
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(0) }
    }
    child
}

fn exec() -> libc::c_long {
    let arguments = [c"/bin/true".as_ptr(), std::ptr::null()];
    // SAFETY: the arguments end with a null, and there is no environment.
    unsafe {
        libc::syscall(libc::SYS_execve, arguments[0], arguments.as_ptr(), arguments[1..].as_ptr())
    }
}

fn map(bytes: usize, protection: libc::c_int) -> libc::c_long {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, anywhere.
    unsafe { libc::syscall(libc::SYS_mmap, 0usize, bytes, protection, flags, -1isize, 0usize) }
}

fn protect() -> libc::c_long {
    let at = map(4_096, libc::PROT_READ | libc::PROT_WRITE);
    let protection = libc::PROT_READ | libc::PROT_EXEC;
    // SAFETY: the mapping was made above and nobody uses it.
    unsafe { libc::syscall(libc::SYS_mprotect, at, 4_096, protection) }
}

fn raise_limits() -> libc::c_long {
    let limit = [1_024u64, 1_024];
    // SAFETY: the limit is a whole structure.
    unsafe {
        libc::syscall(
            libc::SYS_prlimit64,
            0,
            libc::RLIMIT_NOFILE,
            limit.as_ptr(),
            std::ptr::null::<u64>(),
        )
    }
}

fn mount() -> libc::c_long {
    // SAFETY: all texts end with zeros.
    unsafe {
        libc::syscall(libc::SYS_mount, c"none".as_ptr(), c"/".as_ptr(), c"tmpfs".as_ptr(), 0, 0)
    }
}

/// Is an attacker: puts up the walls that it is told to, runs one attack, and says what came of it.
pub(crate) fn attack(mut words: impl Iterator<Item = String>) -> ExitCode {
    let (name, names) = (words.next().unwrap(), words.next().unwrap());
    let is_compiler = names == COMPILER;
    let attack = ATTACKS.iter().find(|attack| attack.name == name).unwrap();
    let walls: BTreeSet<WallName> = match is_compiler {
        true => [Seccomp, Limits, Capabilities, Descriptors].into(),
        false => names.split_terminator(',').map(|wall| wall.parse().unwrap()).collect(),
    };
    // SAFETY: asks for a number.
    let host = unsafe { libc::getppid() };
    // SAFETY: copies the error output, for the host's careless descriptor.
    unsafe { libc::dup2(2, LEFT_OPEN) };
    let wanted = Confinement { walls: walls.clone(), ..Confinement::all(MEMORY_BYTES) };
    let stand = if is_compiler {
        confine_compiler()
    } else {
        let mut stand = confine(&wanted);
        stand.extend(seal(&wanted));
        stand
    };
    for wall in &stand {
        if walls.contains(&wall.name) && !wall.stands() {
            let _ = write!(std::io::stdout(), "missing {wall:?}");
            return ExitCode::from(SAID);
        }
    }
    // SAFETY: the place of the last error, which is this thread's.
    let error = unsafe { libc::__errno_location() };
    let done = (attack.run)(host);
    let mut said = String::new();
    if done < 0 {
        // SAFETY: read right after the call that set it.
        let _ = write!(said, "{}", error_name(unsafe { *error }));
    } else {
        said.push_str("done");
    }
    let _ = std::io::stdout().write_all(said.as_bytes());
    let _ = std::io::stdout().flush();
    ExitCode::from(SAID)
}

fn error_name(error: libc::c_int) -> String {
    match error {
        libc::EPERM => "EPERM".to_owned(),
        libc::ENOENT => "ENOENT".to_owned(),
        libc::EBADF => "EBADF".to_owned(),
        libc::EAGAIN => "EAGAIN".to_owned(),
        libc::ENOMEM => "ENOMEM".to_owned(),
        libc::EACCES => "EACCES".to_owned(),
        libc::EROFS => "EROFS".to_owned(),
        libc::EMFILE => "EMFILE".to_owned(),
        libc::ENETUNREACH => "ENETUNREACH".to_owned(),
        other => format!("error {other}"),
    }
}

/// Instead of walls' names: all that a compiler has.
const COMPILER: &str = "compiler";

/// Runs an attack behind walls; `None` where one of them cannot be put up here.
fn tried(attack: &Attack, walls: &[WallName]) -> Option<String> {
    let names: Vec<_> = walls.iter().map(|wall| wall.name()).collect();
    tried_behind(attack, &names.join(","))
}

fn tried_behind(attack: &Attack, names: &str) -> Option<String> {
    let output = Command::new("/proc/self/exe")
        .args([ATTACKER, attack.name, names])
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    if output.status.signal() == Some(libc::SIGSYS) {
        return Some("SIGSYS".to_owned());
    }
    assert_eq!(output.status.code(), Some(SAID.into()), "{}: {:?}", attack.name, output.status);
    let said = String::from_utf8(output.stdout).unwrap();
    if said.starts_with("missing") {
        say(&format!("skipped: {} behind {names}: {said}", attack.name));
        return None;
    }
    Some(said)
}

fn each_meets_its_walls() {
    let mut problems = Vec::new();
    let all: Vec<_> =
        WallName::ALL.iter().copied().filter(|wall| *wall != WallName::HostMemory).collect();
    for attack in ATTACKS {
        let behind_all = if attack.name == "memory" { Fails("ENOMEM") } else { Killed };
        let alone = attack.alone.iter().map(|(wall, ends)| (vec![*wall], *ends));
        for (walls, ends) in alone.chain([(all.clone(), behind_all)]) {
            let Some(found) = tried(attack, &walls) else { continue };
            if found != ends.told() {
                problems.push(format!(
                    "{} behind {walls:?}: {found}, not {}",
                    attack.name,
                    ends.told()
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// A compiler that was taken over gets no further than a runner. Its memory is bounded with its
/// time, before there are walls.
fn each_meets_the_compilers_walls() {
    for attack in ATTACKS.iter().filter(|attack| attack.name != "memory") {
        let Some(found) = tried_behind(attack, COMPILER) else { continue };
        assert_eq!(found, "SIGSYS", "{}", attack.name);
    }
}

/// The attacks are real: with no wall, those that need no privilege succeed.
fn without_walls_they_would_work() {
    for attack in ATTACKS.iter().filter(|attack| attack.works) {
        assert_eq!(tried(attack, &[]).as_deref(), Some("done"), "{}", attack.name);
    }
}

/// The table of the document.
fn table() -> String {
    let mut table =
        String::from("| attack | behind all walls | behind one wall alone |\n|---|---|---|\n");
    for attack in ATTACKS {
        let behind_all = if attack.name == "memory" { Fails("ENOMEM") } else { Killed };
        let alone: Vec<_> =
            attack.alone.iter().map(|(wall, ends)| format!("{wall}: {}", ends.told())).collect();
        let _ =
            writeln!(table, "| {} | {} | {} |", attack.what, behind_all.told(), alone.join(", "));
    }
    table
}

fn the_document_has_this_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md");
    let document = std::fs::read_to_string(path).unwrap();
    assert!(document.contains(&table()), "docs/security.md should have\n{}", table());
}
