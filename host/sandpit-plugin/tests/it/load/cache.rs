//! Machine code on disk, and everything that may be wrong with it.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    thread,
};

use sandpit_plugin::{
    Cache, CacheError, CacheLimits, CacheStats, ComponentFile, Engine, EngineSettings, Loader,
    Mode, Origin, Policy, TrustList,
};
use tempfile::TempDir;

use crate::support::{Guest, engine};

/// A host with a folder and a key of its own.
struct Host {
    folder: TempDir,
    limits: CacheLimits,
    engine: Engine,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, limits: CacheLimits::default(), engine: engine() }
    }

    fn code(&self) -> PathBuf {
        self.folder.path().join("code")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key/host.key")
    }

    fn cache(&self) -> Cache {
        Cache::open(&self.code(), &self.key(), self.limits).unwrap()
    }

    fn loader(&self) -> Loader {
        let list = TrustList::default();
        let loader = Loader::new(self.engine.clone(), Mode::Paper, Policy::Any, list).unwrap();
        loader.with_cache(self.cache())
    }

    /// Loads with a loader that was just opened.
    fn load(&self, guest: &Guest) -> (Origin, CacheStats) {
        load(&self.loader(), guest)
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.code()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn only_file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

fn load(loader: &Loader, guest: &Guest) -> (Origin, CacheStats) {
    let loaded = loader.load(&ComponentFile::unsigned(guest.component())).unwrap();
    (loaded.origin, loader.cache_stats().unwrap())
}

const FOUND: (Origin, CacheStats) = (
    Origin::Cache,
    CacheStats { hits: 1, misses: 0, rejected: 0, stored: 0, store_failures: 0, evicted: 0 },
);
const MISSING: (Origin, CacheStats) = (
    Origin::Compiler,
    CacheStats { hits: 0, misses: 1, rejected: 0, stored: 1, store_failures: 0, evicted: 0 },
);
const REJECTED: (Origin, CacheStats) = (
    Origin::Compiler,
    CacheStats { hits: 0, misses: 1, rejected: 1, stored: 1, store_failures: 0, evicted: 0 },
);

#[test]
fn what_was_compiled_is_found_again() {
    let host = Host::new();
    assert_eq!(host.load(&Guest::idle()), MISSING);
    assert_eq!(host.load(&Guest::idle()), FOUND);
    assert_eq!(host.load(&Guest::idle().named("another")), MISSING);
    assert_eq!(host.load(&Guest::idle()), FOUND);
    // What was found runs.
    let loaded = host.loader().load(&ComponentFile::unsigned(Guest::idle().component())).unwrap();
    let limits = sandpit_plugin::Limits::default();
    let sink = Box::new(sandpit_plugin::NoLog);
    let found = sandpit_plugin::Instance::load(&loaded.artifact, "found", &limits, sink).unwrap();
    assert_eq!(found.description().name, "test-guest");
}

#[test]
fn nobody_else_may_read_the_key_or_write_the_folder() {
    let host = Host::new();
    host.load(&Guest::idle());
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&host.key()), 0o600);
    assert_eq!(mode(&host.code()), 0o700);
    assert_eq!(mode(&host.only_file()), 0o600);
    assert_eq!(fs::metadata(host.key()).unwrap().len(), 32);

    let open = || Cache::open(&host.code(), &host.key(), host.limits);
    let permit = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    permit(&host.code(), 0o770);
    assert!(matches!(open(), Err(CacheError::Shared(_))));
    permit(&host.code(), 0o700);
    permit(&host.key(), 0o640);
    assert!(matches!(open(), Err(CacheError::Key { .. })));
    permit(&host.key(), 0o602);
    assert!(matches!(open(), Err(CacheError::Shared(_))));
    permit(&host.key(), 0o600);
    open().unwrap();
    for bytes in [&[7; 31][..], &[7; 33], b""] {
        fs::write(host.key(), bytes).unwrap();
        assert!(matches!(open(), Err(CacheError::Key { .. })), "{}", bytes.len());
    }
    fs::remove_file(host.key()).unwrap();
    let elsewhere = host.folder.path().join("elsewhere");
    fs::write(&elsewhere, [7; 32]).unwrap();
    permit(&elsewhere, 0o600);
    symlink(&elsewhere, host.key()).unwrap();
    assert!(open().is_err(), "a link is not followed");
}

#[test]
fn a_truncated_file_is_not_loaded() {
    let host = Host::new();
    host.load(&Guest::idle());
    let path = host.only_file();
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 8, 40, 79, 80, 81, whole.len() / 2, whole.len() - 32, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(host.load(&Guest::idle()), REJECTED, "{length} bytes");
    }
    let longer = [&whole[..], b"x"].concat();
    fs::write(&path, longer).unwrap();
    assert_eq!(host.load(&Guest::idle()), REJECTED);
    assert_eq!(host.load(&Guest::idle()), FOUND);
}

#[test]
fn no_bit_of_a_file_may_change() {
    let host = Host::new();
    host.load(&Guest::idle());
    let path = host.only_file();
    let whole = fs::read(&path).unwrap();
    let cache = host.loader();
    let component = ComponentFile::unsigned(Guest::idle().component());
    // Every byte of the frame, and a bit in every 97th byte of the code.
    let edges = (0..64).chain(whole.len() - 64..whole.len());
    for at in edges.chain((64..whole.len() - 64).step_by(97)) {
        let mut touched = whole.clone();
        touched[at] ^= 1 << (at % 8);
        fs::write(&path, &touched).unwrap();
        let before = cache.cache_stats().unwrap().rejected;
        let loaded = cache.prepare(&component).unwrap();
        assert_eq!(loaded.origin, Origin::Compiler, "byte {at}");
        assert_eq!(cache.cache_stats().unwrap().rejected, before + 1, "byte {at}");
    }
    assert_eq!(cache.cache_stats().unwrap().hits, 0);
}

#[test]
fn files_that_change_places_are_not_loaded() {
    let host = Host::new();
    let (one, other) = (Guest::idle().named("one"), Guest::idle().named("other"));
    host.load(&one);
    let of_one = host.only_file();
    host.load(&other);
    let of_other = host.files().into_iter().find(|path| *path != of_one).unwrap();
    fs::copy(&of_one, &of_other).unwrap();
    assert_eq!(host.load(&other), REJECTED);
    assert_eq!(host.load(&one), FOUND);
    assert_eq!(host.load(&other), FOUND);
}

#[test]
fn another_hosts_file_is_not_loaded() {
    let (ours, theirs) = (Host::new(), Host::new());
    ours.load(&Guest::idle());
    theirs.load(&Guest::idle());
    let path = ours.only_file();
    assert_eq!(path.file_name(), theirs.only_file().file_name(), "the same component");
    fs::copy(theirs.only_file(), &path).unwrap();
    assert_eq!(ours.load(&Guest::idle()), REJECTED);
    assert_eq!(ours.load(&Guest::idle()), FOUND);
    // A new key makes all of it another host's.
    fs::remove_file(ours.key()).unwrap();
    assert_eq!(ours.load(&Guest::idle()), REJECTED);
}

#[test]
fn bare_machine_code_is_not_loaded() {
    let host = Host::new();
    host.load(&Guest::idle());
    let path = host.only_file();
    let loaded = host.loader().prepare(&ComponentFile::unsigned(Guest::idle().component()));
    fs::write(&path, loaded.unwrap().compiled.code()).unwrap();
    assert_eq!(host.load(&Guest::idle()), REJECTED);
}

#[test]
fn what_another_engine_compiled_is_not_looked_at() {
    let mut host = Host::new();
    host.load(&Guest::idle());
    host.engine = Engine::new(EngineSettings { debug_lines: true, ..Default::default() }).unwrap();
    assert_eq!(host.load(&Guest::idle()), MISSING);
    assert_eq!(host.files().len(), 2);
    // Under the name of the other one it is not believed.
    let files = host.files();
    let (first, second) = (fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap());
    fs::write(&files[0], second).unwrap();
    fs::write(&files[1], first).unwrap();
    assert_eq!(host.load(&Guest::idle()), REJECTED);
}

#[test]
fn what_is_no_file_is_not_loaded() {
    let host = Host::new();
    host.load(&Guest::idle());
    let path = host.only_file();
    let kept = host.folder.path().join("kept");
    fs::rename(&path, &kept).unwrap();
    // A link to what would be right.
    symlink(&kept, &path).unwrap();
    let (origin, stats) = host.load(&Guest::idle());
    assert_eq!((origin, stats.rejected), (Origin::Compiler, 1));
    assert!(!host.only_file().is_symlink(), "it was replaced");
    // A folder cannot be replaced; the component is loaded all the same.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let (origin, stats) = host.load(&Guest::idle());
    assert_eq!((origin, stats.rejected, stats.store_failures), (Origin::Compiler, 1, 1));
    fs::remove_dir(&path).unwrap();
    // A pipe that nobody writes to.
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let (origin, stats) = host.load(&Guest::idle());
    assert_eq!((origin, stats.rejected), (Origin::Compiler, 1));
    // One that is too large to be anything, and takes no room.
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let (origin, stats) = host.load(&Guest::idle());
    assert_eq!((origin, stats.rejected), (Origin::Compiler, 1));
    assert_eq!(host.load(&Guest::idle()), FOUND);
}

#[test]
fn the_oldest_make_room() {
    let mut host = Host::new();
    host.limits.entries_max = 3;
    let guests: Vec<_> = (0..5).map(|n| Guest::idle().named(&format!("guest-{n}"))).collect();
    let loader = host.loader();
    for guest in &guests {
        load(&loader, guest);
        assert!(host.files().len() <= 3);
    }
    assert_eq!(loader.cache_stats().unwrap().evicted, 2);
    for (guest, origin) in guests.iter().zip([
        Origin::Compiler,
        Origin::Compiler,
        Origin::Cache,
        Origin::Cache,
        Origin::Cache,
    ]) {
        let mut looking = Host { folder: host.folder, limits: host.limits, engine: engine() };
        // Looking alone: nothing is stored.
        looking.limits.entries_max = 0;
        assert_eq!(looking.load(guest).0, origin);
        host.folder = looking.folder;
    }

    let mut host = Host::new();
    host.load(&guests[0]);
    let one = fs::metadata(host.only_file()).unwrap().len();
    host.limits.bytes_max = one * 2 + one / 2;
    for guest in &guests {
        host.load(guest);
        let total: u64 = host.files().iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        assert!(total <= host.limits.bytes_max, "{total}");
    }
    // What alone is too large is not kept, and runs.
    host.limits.bytes_max = one - 1;
    let (origin, stats) = host.load(&guests[0]);
    assert_eq!((origin, stats.store_failures), (Origin::Compiler, 1));
}

#[test]
fn parts_that_a_killed_process_left_are_cleared_away() {
    let mut host = Host::new();
    host.limits.entries_max = 2;
    host.load(&Guest::idle());
    fs::write(host.code().join("0123.77-0.part"), [0; 100]).unwrap();
    host.load(&Guest::idle().named("second"));
    host.load(&Guest::idle().named("third"));
    assert!(!host.code().join("0123.77-0.part").exists());
}

#[test]
fn many_may_share_a_folder() {
    let host = Host::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..10 {
                    host.load(&Guest::idle().named(&format!("guest-{n}")));
                }
            });
        }
    });
    assert_eq!(host.files().len(), 10);
    for n in 0..10 {
        assert_eq!(host.load(&Guest::idle().named(&format!("guest-{n}"))), FOUND);
    }
}
