//! A folder that changes between looks.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use tempfile::TempDir;

use super::*;

const POLL: Duration = Duration::from_secs(1);

/// A folder, and time that goes by at each look.
struct Folder {
    folder: TempDir,
    watch: Watch,
    now: Instant,
}

impl Folder {
    /// With these files in it before it is watched for `ema` and `grid`.
    fn with(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            fs::write(folder.path().join(name), "first").unwrap();
        }
        let rules = rules(folder.path());
        let watch = Watch::new(&rules, Mode::Paper, ["ema", "grid"]).unwrap().unwrap();
        let mut made = Self { folder, watch, now: Instant::now() };
        assert_eq!(made.look(), [], "what was there before");
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn look(&mut self) -> Vec<Change> {
        let changes = self.watch.look(self.now);
        self.now += POLL;
        changes
    }

    /// Looks until nothing moves, and says what was found.
    fn settle(&mut self) -> Vec<Change> {
        (0..3).flat_map(|_| self.look()).collect()
    }

    fn swap(&self, plugin: &str) -> Change {
        let component = self.path(&format!("{plugin}.wasm"));
        Change::Swap { plugin: plugin.to_owned(), component }
    }
}

fn rules(folder: &Path) -> WatchRules {
    WatchRules { folder: Some(folder.to_owned()), poll: POLL, live: false }
}

fn ignored(changes: &[Change]) -> Vec<&str> {
    changes
        .iter()
        .map(|change| match change {
            Change::Ignored(text) => text.as_str(),
            Change::Swap { .. } => panic!("{change:?}"),
        })
        .collect()
}

#[test]
fn a_change_counts_once_it_has_come_to_rest() {
    let mut folder = Folder::with(&["ema.wasm"]);
    assert_eq!(folder.settle(), []);
    folder.write("ema.wasm", "begun");
    assert_eq!(folder.look(), [], "it may still be written");
    folder.write("ema.wasm", "begun and more");
    assert_eq!(folder.look(), [], "and it was");
    assert_eq!(folder.look(), [folder.swap("ema")]);
    assert_eq!(folder.settle(), [], "once");
    // The same size at another time is another file, and so is one that was put in its place.
    let later = SystemTime::now() + Duration::from_secs(60);
    File::options().write(true).open(folder.path("ema.wasm")).unwrap().set_modified(later).unwrap();
    assert_eq!(folder.settle(), [folder.swap("ema")]);
    folder.write("next", "begun and more");
    fs::rename(folder.path("next"), folder.path("ema.wasm")).unwrap();
    assert_eq!(folder.settle(), [folder.swap("ema")]);
}

#[test]
fn a_file_that_comes_is_a_change_and_one_that_goes_is_none() {
    let mut folder = Folder::with(&["ema.wasm"]);
    folder.write("grid.wasm", "first");
    assert_eq!(folder.settle(), [folder.swap("grid")]);
    fs::remove_file(folder.path("ema.wasm")).unwrap();
    fs::remove_file(folder.path("grid.wasm")).unwrap();
    assert_eq!(folder.settle(), []);
    folder.write("ema.wasm", "back again");
    assert_eq!(folder.settle(), [folder.swap("ema")]);
}

#[test]
fn a_signature_belongs_to_its_component() {
    let mut folder = Folder::with(&["ema.wasm"]);
    folder.write("ema.wasm", "second");
    assert_eq!(folder.look(), []);
    folder.write("ema.wasm.minisig", "signed");
    assert_eq!(folder.look(), [], "the two have not come to rest");
    assert_eq!(folder.look(), [folder.swap("ema")]);
    // One that comes later can make a component be let in that was refused.
    folder.write("ema.wasm.minisig", "signed by another");
    assert_eq!(folder.settle(), [folder.swap("ema")]);
}

#[test]
fn it_looks_only_when_it_is_time() {
    let mut folder = Folder::with(&[]);
    let next = folder.watch.next_look().unwrap();
    folder.write("ema.wasm", "first");
    assert_eq!(folder.watch.look(next - Duration::from_millis(1)), []);
    assert_eq!(folder.watch.next_look(), Some(next), "it has not looked");
    assert_eq!(folder.watch.look(next), []);
    assert_eq!(folder.watch.look(next + POLL - Duration::from_millis(1)), []);
    assert_eq!(folder.watch.look(next + POLL), [folder.swap("ema")]);
}

#[test]
fn names_that_mean_nothing_are_told_of_once() {
    let mut folder = Folder::with(&[]);
    for name in [
        ".ema.wasm",
        "ema.wasm~",
        "~ema.wasm",
        "#ema.wasm",
        "ema.tmp.wasm",
        "ema.part.wasm",
        "ema.wasm.part",
        "ema.cwasm",
        "readme.txt",
        "wasm",
        ".wasm",
    ] {
        folder.write(name, "x");
    }
    assert_eq!(folder.settle(), [], "hidden and half-written ones are nobody's business");
    folder.write("emma.wasm", "x");
    folder.write("bad\u{1b}[2J.wasm", "x");
    let changes = folder.settle();
    let told = ignored(&changes);
    assert_eq!(
        told,
        [
            "`bad\\u{1b}[2J.wasm` is passed over: no plugin is called so",
            "`emma.wasm` is passed over: no plugin is called so",
        ]
    );
    // A plugin that comes later is known.
    folder.watch.add("emma");
    assert_eq!(folder.settle(), [], "what is there for it was there before");
    folder.write("emma.wasm", "another");
    assert_eq!(folder.settle(), [folder.swap("emma")]);
}

#[test]
fn a_folder_full_of_strangers_costs_a_few_lines() {
    let mut folder = Folder::with(&[]);
    for number in 0..ENTRIES_MAX + 100 {
        folder.write(&format!("stranger-{number}.wasm"), "");
    }
    folder.write("ema.wasm", "first");
    let changes = folder.settle();
    assert!(changes.contains(&folder.swap("ema")), "it is found among them");
    assert_eq!(changes.len(), NOTES_MAX + 2, "with the word that there are more");
    assert_eq!(folder.settle(), []);
}

#[test]
fn links_are_followed_within_the_folder_alone() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("ema.wasm");
    fs::write(&target, "from elsewhere").unwrap();
    let mut folder = Folder::with(&[]);
    symlink(&target, folder.path("ema.wasm")).unwrap();
    let changes = folder.settle();
    assert_eq!(ignored(&changes), ["`ema.wasm` is passed over: it is a link out of the folder"]);
    symlink("../../../../etc/passwd", folder.path("grid.wasm")).unwrap();
    let changes = folder.settle();
    assert_eq!(ignored(&changes), ["`grid.wasm` is passed over: it is a link out of the folder"]);
    // As releases are put beside each other.
    fs::remove_file(folder.path("ema.wasm")).unwrap();
    fs::create_dir(folder.path("releases")).unwrap();
    folder.write("releases/ema-2.wasm", "second");
    symlink("releases/ema-2.wasm", folder.path("ema.wasm")).unwrap();
    let component = folder.path("releases/ema-2.wasm");
    assert_eq!(folder.settle(), [Change::Swap { plugin: "ema".to_owned(), component }]);
    // One that points at itself or nowhere is no component.
    fs::remove_file(folder.path("ema.wasm")).unwrap();
    symlink("ema.wasm", folder.path("ema.wasm")).unwrap();
    let changes = folder.settle();
    assert!(ignored(&changes)[0].starts_with("`ema.wasm` is passed over: "), "{changes:?}");
}

#[test]
fn what_others_can_write_is_not_taken() {
    let mut folder = Folder::with(&[]);
    folder.write("ema.wasm", "anybody's");
    fs::set_permissions(folder.path("ema.wasm"), Permissions::from_mode(0o666)).unwrap();
    let changes = folder.settle();
    assert_eq!(ignored(&changes), ["`ema.wasm` is passed over: everybody may write it"]);
    fs::create_dir(folder.path("grid.wasm")).unwrap();
    let changes = folder.settle();
    assert_eq!(ignored(&changes), ["`grid.wasm` is passed over: it is no file"]);
    // A folder that was opened meanwhile is not believed.
    fs::set_permissions(folder.path(""), Permissions::from_mode(0o777)).unwrap();
    folder.write("ema.wasm", "anybody's again");
    let changes = folder.settle();
    assert_eq!(
        ignored(&changes),
        ["nothing is swapped in from the watched folder: others may write it"]
    );
    let error = Watch::new(&rules(folder.folder.path()), Mode::Paper, ["ema"]).unwrap_err();
    assert!(error.message.ends_with("others may write it"), "{error}");
}

#[test]
fn it_is_off_unless_asked_for_and_off_where_there_is_money() {
    assert!(Watch::new(&WatchRules::default(), Mode::Live, ["ema"]).unwrap().is_none());
    let folder = tempfile::tempdir().unwrap();
    let mut rules = rules(folder.path());
    let error = Watch::new(&rules, Mode::Live, ["ema"]).unwrap_err();
    assert!(error.message.starts_with("a live session does not swap in"), "{error}");
    for mode in [Mode::Paper, Mode::Testnet] {
        assert!(Watch::new(&rules, mode, ["ema"]).unwrap().is_some());
    }
    rules.live = true;
    assert!(Watch::new(&rules, Mode::Live, ["ema"]).unwrap().is_some());
    rules.folder = Some(folder.path().join("nowhere"));
    assert!(Watch::new(&rules, Mode::Paper, ["ema"]).is_err());
}
