//! A folder in which components are put for strategies that run: `NAME.wasm` is for the plugin
//! `NAME`. It is looked at now and then, by whoever asks; what is done about a change is the
//! session's. Nothing is read of a file but its size and its times: reading, checking and compiling
//! are the loader's.
//!
//! What is there at the first look was there before. A file that goes away changes nothing.
//!
//! **Architecture invariant:** a look takes a bounded time: it asks once for each plugin, and reads
//! a bounded part of the folder to tell of names that mean nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sandpit_plugin::{Mode, SIGNATURE_EXTENSION};

use crate::config::{ConfigError, WatchRules};

/// Names of a folder that are read at a look.
const ENTRIES_MAX: usize = 1_024;
/// Things that are told of, each once. Beyond them nothing is told.
const NOTES_MAX: usize = 64;
/// Characters of a name that are told.
const NAME_CHARS_MAX: usize = 64;
/// How a component's name ends.
const EXTENSION: &str = "wasm";
/// Bits of a folder's mode that let others put files in it.
const FOLDER_OTHERS_WRITE: u32 = 0o022;
/// Bits of a file's mode that let everybody write it.
const FILE_OTHERS_WRITE: u32 = 0o002;
/// The user who may do everything.
const ROOT: u32 = 0;

/// Something that a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another component is there for a plugin, and has come to rest.
    Swap {
        /// Which.
        plugin: String,
        /// The file, no link. Its signature is beside it, if it has one.
        component: PathBuf,
    },
    /// Something that is passed over, in a sentence; each is told once.
    Ignored(String),
}

/// What a file is known by from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    file: FileStamp,
    signature: Option<FileStamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    number: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl FileStamp {
    fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            number: found.ino(),
            bytes: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
        }
    }
}

/// A plugin's file.
#[derive(Clone, Debug, Default)]
struct Known {
    /// As it was acted upon, or was at the first look.
    settled: Option<Stamp>,
    /// As it was at the last look, where that is something else.
    moving: Option<Stamp>,
}

/// A folder that is watched.
#[derive(Debug)]
pub struct Watch {
    /// Without links in it.
    folder: PathBuf,
    poll: Duration,
    plugins: BTreeMap<String, Known>,
    next: Option<Instant>,
    /// What was told of.
    noted: BTreeSet<String>,
}

impl Watch {
    /// Watches the folder of the rules for `plugins`; `None` where they name none.
    ///
    /// # Errors
    /// There is no such folder, others may put files in it, or there is money in the session and
    /// the operator did not say that he wants it there.
    pub fn new<N: Into<String>>(
        rules: &WatchRules,
        mode: Mode,
        plugins: impl IntoIterator<Item = N>,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(said) = &rules.folder else { return Ok(None) };
        if mode == Mode::Live && !rules.live {
            return Err(ConfigError::new(
                "a live session does not swap in whatever is put in a folder",
            )
            .help("use `sandpit plugin swap`, or say `live = true` under [watch]"));
        }
        let wrong = |why: String| {
            ConfigError::new(format!("cannot watch `{}`: {why}", said.display()))
                .help("`folder` under [watch] is a folder of yours that nobody else may write")
        };
        let folder = said.canonicalize().map_err(|error| wrong(error.to_string()))?;
        own_folder(&folder).map_err(wrong)?;
        Ok(Some(Self {
            folder,
            poll: rules.poll,
            plugins: plugins.into_iter().map(|name| (name.into(), Known::default())).collect(),
            next: None,
            noted: BTreeSet::new(),
        }))
    }

    /// One plugin more to look for; what is there for it now was there before.
    pub fn add(&mut self, plugin: &str) {
        let settled = self.stamp(plugin).ok().flatten();
        self.plugins.entry(plugin.to_owned()).or_insert(Known { settled, moving: None });
    }

    /// When there is something to do next; at once where nothing was done yet.
    #[must_use]
    pub const fn next_look(&self) -> Option<Instant> {
        self.next
    }

    /// Looks, where it is time to. A change is told once the file is the same at two looks in a
    /// row, so that nothing is taken that is still being written.
    pub fn look(&mut self, now: Instant) -> Vec<Change> {
        if self.next.is_some_and(|next| now < next) {
            return Vec::new();
        }
        let is_first = self.next.is_none();
        self.next = Some(now + self.poll);
        let mut changes = Vec::new();
        if let Err(why) = own_folder(&self.folder) {
            self.note(
                format!("nothing is swapped in from the watched folder: {why}"),
                &mut changes,
            );
            return changes;
        }
        let names: Vec<_> = self.plugins.keys().cloned().collect();
        for plugin in names {
            let found = match self.stamp(&plugin) {
                Ok(found) => found,
                Err(why) => {
                    self.note(
                        format!("`{plugin}.{EXTENSION}` is passed over: {why}"),
                        &mut changes,
                    );
                    None
                }
            };
            let Some(known) = self.plugins.get_mut(&plugin) else { continue };
            match found {
                // What goes away unloads nothing.
                None => known.moving = None,
                Some(stamp) if is_first || known.settled.as_ref() == Some(&stamp) => {
                    *known = Known { settled: Some(stamp), moving: None };
                }
                Some(stamp) if known.moving.as_ref() == Some(&stamp) => {
                    let component = stamp.path.clone();
                    *known = Known { settled: Some(stamp), moving: None };
                    changes.push(Change::Swap { plugin, component });
                }
                Some(stamp) => known.moving = Some(stamp),
            }
        }
        self.name_strangers(&mut changes);
        changes
    }

    /// A plugin's file as it is now. It is in the folder, wherever a link points.
    fn stamp(&self, plugin: &str) -> Result<Option<Stamp>, String> {
        let name = self.folder.join(format!("{plugin}.{EXTENSION}"));
        let absent = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let path = match name.canonicalize() {
            Ok(path) => path,
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        if !path.starts_with(&self.folder) {
            return Err("it is a link out of the folder".to_owned());
        }
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        if !found.is_file() {
            return Err("it is no file".to_owned());
        }
        if found.mode() & FILE_OTHERS_WRITE != 0 {
            return Err("everybody may write it".to_owned());
        }
        let mut beside = path.clone().into_os_string();
        beside.push(SIGNATURE_EXTENSION);
        let signature = fs::symlink_metadata(beside).ok().map(|found| FileStamp::of(&found));
        Ok(Some(Stamp { file: FileStamp::of(&found), signature, path }))
    }

    /// Tells of components that are nobody's.
    fn name_strangers(&mut self, changes: &mut Vec<Change>) {
        if self.noted.len() > NOTES_MAX {
            return;
        }
        // That it cannot be read was found above, by its owner or by its files.
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut strangers = Vec::new();
        for (index, entry) in entries.flatten().enumerate() {
            if index == ENTRIES_MAX {
                let note = format!("the watched folder has more than {ENTRIES_MAX} names");
                self.note(format!("{note}: not all that mean nothing are told of"), changes);
                break;
            }
            let name = entry.file_name();
            let Some(stem) = component_name(Path::new(&name)) else { continue };
            if !self.plugins.contains_key(&stem) {
                strangers.push(stem);
            }
        }
        strangers.sort_unstable();
        for stem in strangers {
            let shown: String =
                stem.chars().take(NAME_CHARS_MAX).flat_map(char::escape_debug).collect();
            self.note(
                format!("`{shown}.{EXTENSION}` is passed over: no plugin is called so"),
                changes,
            );
        }
    }

    /// Tells of something once.
    fn note(&mut self, text: String, changes: &mut Vec<Change>) {
        if self.noted.len() < NOTES_MAX && self.noted.insert(text.clone()) {
            changes.push(Change::Ignored(text));
        } else if self.noted.len() == NOTES_MAX && !self.noted.contains(&text) {
            let last = "more is passed over in the watched folder than is told of".to_owned();
            self.noted.insert(last.clone());
            changes.push(Change::Ignored(last));
        }
    }
}

/// The name of the plugin that a file would be for. Hidden names and those of half-written files
/// are for nobody.
fn component_name(name: &Path) -> Option<String> {
    if name.extension()? != EXTENSION {
        return None;
    }
    let stem = name.file_stem()?.to_string_lossy().into_owned();
    let is_temporary = stem.starts_with(['.', '~', '#']) || stem.contains(['~', '#']);
    let is_partial = [".tmp", ".part", ".swp", ".new"].iter().any(|end| stem.ends_with(end));
    (!is_temporary && !is_partial).then_some(stem)
}

/// Says why a folder is not ours alone.
fn own_folder(folder: &Path) -> Result<(), String> {
    let found = fs::metadata(folder).map_err(|error| error.to_string())?;
    if !found.is_dir() {
        return Err("it is no folder".to_owned());
    }
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own && found.uid() != ROOT {
        return Err("it belongs to somebody else".to_owned());
    }
    if found.mode() & FOLDER_OTHERS_WRITE != 0 {
        return Err("others may write it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
