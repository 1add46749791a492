//! The journal: what the host decided and what became of it, in one file that only grows.
//!
//! The file is a SQLite database in WAL mode with one table of rows. Each row holds one entry as
//! JSON and a hash over itself and the row before, so that nothing can be changed, moved, left out or
//! put in unnoticed; a head file beside it holds the last row that was confirmed, so that nothing
//! can be cut off unnoticed either. Views for people are derived from the rows alone.
//!
//! ```text
//! NAME.journal           the database        NAME.journal-wal, -shm   its log while it is open
//! NAME.journal.head      last confirmed row  NAME.journal.lock        held by the one writer
//! NAME.000001.journal    archived segments of the same chain
//! ```
//!
//! **Invariant:** [`Journal::append`] and [`Journal::commit`] return after the commit and not
//! before; after an error a writer takes nothing more. So what a caller does after they return is
//! never ahead of the journal.
//!
//! What survives what, with SQLite in WAL mode ([`Durability`]): a commit is in the log when the
//! call returns. `Process` leaves it in the system's page cache (`synchronous=NORMAL`): nothing is
//! lost when the process is killed, at any moment; a loss of power or a crash of the system can
//! lose the last commits, never their order and never the file. `Power` waits for the disk at each
//! commit (`synchronous=FULL`).
//!
//! What the records mean is the core's business; what a person asks of them is the shell's.

mod backup;
mod chain;
mod codec;
mod digest;
mod entry;
mod error;
mod head;
mod lock;
mod reader;
mod rotate;
mod schema;
mod store;
mod tables;
mod verify;
mod views;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use backup::{Restored, backup, restore};
pub use chain::RawRow;
pub use codec::BODY_VERSION;
pub use digest::{Digest, ParseDigestError};
pub use entry::{Began, Entry, EntryRef, HostRecord, Row, RunMode, host_text};
pub use error::JournalError;
pub use head::{Head, head_path, read_head};
pub use reader::JournalReader;
pub use rotate::Rotated;
pub use schema::VERSION as SCHEMA_VERSION;
pub use tables::Tables;
pub use verify::{
    Broken, Chain, ChainProblem, Verdict, Verified, journals_in, segment_path, verify, verify_chain,
};
pub use walk::Entries;
pub use writer::{Journal, JournalOptions};

/// What a commit outlives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however it ends.
    #[default]
    Process,
    /// The end of the system, too: loss of power, a crash of the kernel.
    Power,
}

/// Rows of one group; at so many it is committed, whether the caller asks or not.
pub const GROUP_ROWS_MAX: usize = 1_024;
/// How long a group should be open before its caller commits it.
pub const GROUP_AGE_MAX: Duration = Duration::from_millis(2);
/// Bytes of one row's body; a larger one is refused.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of a text that the host adds; [`host_text`] cuts there.
pub const TEXT_BYTES_MAX: usize = 4_096;
/// How long the database waits for a lock that another program holds.
pub const BUSY_MAX: Duration = Duration::from_millis(500);
/// Rows that a reader holds at a time.
pub const READ_ROWS: u32 = 512;
/// Instruments of one journal.
pub const INSTRUMENTS_MAX: usize = 1_024;
/// Plugins of one journal.
pub const PLUGINS_MAX: usize = 1_024;
/// Bytes of a plugin's name.
pub const PLUGIN_NAME_BYTES_MAX: usize = 128;
/// Bytes of a currency's name.
pub const CURRENCY_BYTES_MAX: usize = 16;
/// Files of a folder that are looked at for journals.
pub const SEGMENTS_MAX: usize = 100_000;
