//! What can go wrong with a journal: what happened, to which file and row, and what to do next.

use std::{error::Error, io, path::PathBuf};

use sandpit_core::time::UnixNanos;

use super::{Digest, schema};

/// Any error below the journal.
type Cause = Box<dyn Error + Send + Sync + 'static>;

/// Why a journal could not be written or read. After an error of a writer its handle takes nothing
/// more: what was confirmed before is on disk, what the failed call had to say is not.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No room: on the disk, or within the size that was allowed.
    #[error("there is no room left for `{}`", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What was said.
        #[source]
        source: Cause,
    },
    /// The file or its folder must not be written.
    #[error("`{}` cannot be written: it or its folder is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What was said.
        #[source]
        source: Cause,
    },
    /// Another program holds the database for longer than the writer waits.
    #[error("`{}` is locked by another program", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// What was said.
        #[source]
        source: Cause,
    },
    /// Another host writes this journal.
    #[error("`{}` is in use by another sandpit{}", path.display(), process.map(|id| format!(" (process {id})")).unwrap_or_default())]
    InUse {
        /// The file.
        path: PathBuf,
        /// Who, where it is known.
        process: Option<u32>,
    },
    /// Pages of the file contradict themselves.
    #[error("`{}` is damaged", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was said.
        #[source]
        source: Cause,
    },
    /// The file system or the database said no in another way.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What was said.
        #[source]
        source: Cause,
    },
    /// The file is not there.
    #[error("there is no journal `{}`", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{}` is not a journal", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// A version that this program does not know.
    #[error("`{}` is a journal of version {found}; this program knows up to {}", path.display(), schema::VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// The file's tables, triggers or views are not those of its version.
    #[error("the schema of `{}` was changed: {what}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Which object, and how.
        what: String,
    },
    /// The journal speaks of other instruments or plugins.
    #[error("`{}` was written for other tables: {what}", path.display())]
    OtherTables {
        /// The file.
        path: PathBuf,
        /// What differs first.
        what: String,
    },
    /// Rows that had been confirmed are gone.
    #[error("`{}` ends at row {has}, but row {confirmed} had been confirmed", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// Its last row.
        has: u64,
        /// The last row that was confirmed.
        confirmed: u64,
    },
    /// A row is not as it was written, or is missing.
    #[error("row {seq} of `{}` is not as it was written: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The first such row.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A row is as it was written, but says nothing that this program understands.
    #[error("row {seq} of `{}` cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Which row.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A record beyond [`super::BODY_BYTES_MAX`], a time beyond the year 2262, or tables beyond
    /// their bounds.
    #[error("`{}` takes no such row: {problem}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An earlier error of this handle.
    #[error("`{}` takes nothing more after an error of {at}", path.display())]
    Poisoned {
        /// The file.
        path: PathBuf,
        /// The engine's time of the call that failed.
        at: UnixNanos,
    },
    /// Segments of one chain are not all there.
    #[error("segment {segment} is missing in `{}`: it is named `{name}`", path.display())]
    SegmentMissing {
        /// The folder.
        path: PathBuf,
        /// Which.
        segment: u32,
        /// The name it had.
        name: String,
    },
    /// A file of that name must not be replaced.
    #[error("`{}` exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What would be replaced knows more than what would replace it.
    #[error("`{}` is newer than the backup: its last row is {has}, the backup's is {backup}", path.display())]
    NewerThanBackup {
        /// The file that would be replaced.
        path: PathBuf,
        /// Its last row.
        has: u64,
        /// The backup's last row.
        backup: u64,
    },
    /// What would be replaced is not the continuation of the backup.
    #[error("`{}` is another journal than the backup: row {seq} has hash {has} there and {backup} in the backup", path.display())]
    OtherJournal {
        /// The file that would be replaced.
        path: PathBuf,
        /// Row that differs.
        seq: u64,
        /// Its hash there.
        has: Digest,
        /// Its hash in the backup.
        backup: Digest,
    },
}

impl JournalError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { path, source: source.into() }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, source: source.into() }
            }
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Io { action, path, source: source.into() },
        }
    }

    /// What the database said, in our words.
    pub(super) fn database(
        action: &'static str,
        path: impl Into<PathBuf>,
        source: rusqlite::Error,
    ) -> Self {
        use rusqlite::ErrorCode as Code;
        let path = path.into();
        match source.sqlite_error_code() {
            Some(Code::DiskFull) => Self::Full { path, source: source.into() },
            Some(Code::ReadOnly | Code::PermissionDenied) => {
                Self::ReadOnly { path, source: source.into() }
            }
            Some(Code::DatabaseBusy | Code::DatabaseLocked | Code::FileLockingProtocolFailed) => {
                Self::Locked { path, source: source.into() }
            }
            Some(Code::NotADatabase) => Self::NotAJournal { path },
            Some(Code::DatabaseCorrupt) => Self::Corrupt { path, source: source.into() },
            _ => Self::Io { action, path, source: source.into() },
        }
    }

    /// What to do next, for the person who runs the host.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Full { .. } => {
                "make room on the disk or allow the journal more bytes, then start again: it recovers from the last confirmed row"
            }
            Self::ReadOnly { .. } => {
                "give this user write access to the journal and its folder, then start again"
            }
            Self::Locked { .. } => {
                "end the other program (a database shell?), then start again; reading is possible at any time with `sandpit audit`"
            }
            Self::InUse { .. } => "stop that host first, or give this one a journal of its own",
            Self::Corrupt { .. } => {
                "keep the file, run `sandpit audit verify` on it, and put back a backup with `sandpit audit restore`"
            }
            Self::Io { .. } => {
                "look at the disk; then start again: it recovers from the last confirmed row"
            }
            Self::Missing { .. } => "name the journal's file",
            Self::NotAJournal { .. } => "name a file that sandpit wrote",
            Self::Newer { .. } => "use the sandpit that wrote it, or a newer one",
            Self::Schema { .. } => {
                "somebody changed the file by hand; put back a backup with `sandpit audit restore`"
            }
            Self::OtherTables { .. } => {
                "instruments and plugins keep their places while a journal is used: add new ones at the end, or name another journal"
            }
            Self::Cut { .. } => {
                "put back a newer backup; or, if the rows are lost for good, go on without them by `sandpit audit accept-cut`, and compare with the venue"
            }
            Self::Broken { .. } | Self::Unreadable { .. } => {
                "nothing was replayed beyond that row; keep the file and put back a backup with `sandpit audit restore`"
            }
            Self::Refused { .. } => "report it: the host must not make such rows",
            Self::Poisoned { .. } => {
                "stop the host, mend what the first error names, and start again"
            }
            Self::SegmentMissing { .. } => "put the segment back beside the others",
            Self::Exists { .. } => "name another file, or remove this one",
            Self::NewerThanBackup { .. } | Self::OtherJournal { .. } => {
                "with --overwrite it is set aside under another name and the backup takes its place"
            }
        }
    }
}
