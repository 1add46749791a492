//! What is left of a key outside the process: in a core dump, in a child. Each is tried in a process
//! of its own, which is this program again.

use std::{
    env, fs,
    hint::black_box,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sandpit_secrets::{
    Care, Credential, Environment, SecretText, SigningKey, guard_process, process_guard,
};

use crate::support::{Hands, PROOF, open, show};

/// What a process of its own is to do; without it the tests of that name do nothing.
const ROLE: &str = "SANDPIT_TEST_ROLE";
/// RFC 8032, section 7.1, second test: the seed of a key.
const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

/// This program again, for one test, in a folder.
fn again(test: &str, role: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(ROLE, role).current_dir(folder);
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    command
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// What ring keeps of an Ed25519 key: the two halves of the seed's SHA-512, of which the first is
/// changed in a few bits at its ends.
fn kept_halves() -> (Vec<u8>, Vec<u8>) {
    let hash = ring::digest::digest(&ring::digest::SHA512, &bytes(SEED));
    let (scalar, prefix) = hash.as_ref().split_at(32);
    (scalar[1..31].to_vec(), prefix.to_vec())
}

fn holds(image: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(image, wanted).is_some()
}

/// Dies with a key in its memory, and with a text in plain memory beside it.
#[test]
fn crashes() {
    let Ok(role) = env::var(ROLE) else { return };
    let seed = SecretText::new(SEED.to_owned());
    let key = SigningKey::new(Credential::ed25519("name", &seed).unwrap()).unwrap();
    drop(seed);
    let mut signature = String::new();
    key.sign_into(b"payload", &mut signature);
    // Upside down, so that it stands in no program's text.
    let careless: Vec<u8> = PROOF.bytes().rev().collect();
    let maximum = getrlimit(Resource::Core).maximum;
    setrlimit(Resource::Core, Rlimit { current: maximum, maximum }).unwrap();
    if role == "guarded" {
        assert!(guard_process().unwrap().is_not_dumpable);
    }
    black_box((&key, &careless));
    std::process::abort();
}

/// The image of a process that crashed so; `None` where there is none.
fn image(role: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let ended = again("process::crashes", role, folder.path()).output().unwrap();
    assert_eq!(ended.status.signal(), Some(6), "{ended:?}");
    let found = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let images: Vec<_> = found.collect();
    assert_eq!(ended.status.core_dumped(), !images.is_empty(), "cores go elsewhere");
    images.first().map(|path| fs::read(path).unwrap())
}

#[test]
fn a_key_is_in_no_core_dump() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if pattern.starts_with(['/', '|']) || pattern.is_empty() {
        eprintln!("not checked: core dumps of this machine go to `{}`", pattern.trim());
        return;
    }
    // Without the guard there is one, and it shows what is in plain memory; but not the key.
    let Some(image) = image("plain") else {
        eprintln!("not checked: this machine writes no core dumps");
        return;
    };
    let careless: Vec<u8> = PROOF.bytes().rev().collect();
    assert!(holds(&image, &careless), "the dump is none, or not of everything");
    let (scalar, prefix) = kept_halves();
    assert!(!holds(&image, &prefix) && !holds(&image, &scalar), "the key is in the dump");
    assert!(!holds(&image, SEED.as_bytes()) && !holds(&image, &bytes(SEED)), "its seed is");
    drop(image);
    assert!(self::image("guarded").is_none(), "a guarded process was dumped");
}

/// Says what stands.
#[test]
fn guards_itself() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    let before = process_guard();
    let after = guard_process().unwrap();
    assert!(!before.is_not_dumpable && after.is_not_dumpable && after.has_no_core);
    assert_eq!(process_guard(), after);
    // The limit of those that are started from here can be raised again.
    assert_eq!(getrlimit(Resource::Core).current, Some(0));
}

#[test]
fn a_guard_stands_when_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let ended = again("process::guards_itself", "x", folder.path()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}

/// A child has neither the variables of `.env` nor an open file of ours.
#[test]
fn children_get_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    let (api_key, secret) = ("canary0name0for0children", "canary0secret0for0children");
    let content =
        format!("SANDPIT_MAIN_LIVE_API_KEY={api_key}\nSANDPIT_MAIN_LIVE_SECRET={secret}\n");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let environment = Environment::process().with_file(path.clone(), Care::Refuse);
    let mut source = open("env://main/live", &environment, &Hands::new());
    let fetched = show(source.fetch().unwrap());
    assert_eq!(fetched.0, api_key);
    let child = |what: &str| {
        let script = format!("env; {what}");
        let answer = Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8_lossy(&answer.stdout).into_owned()
    };
    let shown = child("for f in /proc/self/fd/*; do readlink $f; done");
    assert!(shown.contains("PATH="), "{shown}");
    let path = path.to_str().unwrap();
    assert!(!shown.contains(secret) && !shown.contains(api_key) && !shown.contains(path));
    // What looks finds what there is.
    assert!(child("echo canary0secret0for0children").contains(secret));
}
