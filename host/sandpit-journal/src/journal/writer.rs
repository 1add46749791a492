//! The writer. One step of the engine is one group of rows; a commit holds one group or several.
//! After the first error nothing more is taken in, whatever the error was: what the database did
//! with a half-written commit is found out by the next start, not guessed by this one.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use rusqlite::{Connection, TransactionBehavior, params};
use sandpit_core::{engine::Record, time::UnixNanos};

use super::{
    BODY_BYTES_MAX, Began, Digest, Durability, Entries, Entry, EntryRef, GROUP_AGE_MAX,
    GROUP_ROWS_MAX, HostRecord, JournalError, RawRow, Tables,
    chain::Link,
    codec,
    entry::PluginTable,
    head::{Head, HeadFile, read_head, sync_folder},
    host_text,
    lock::WriterLock,
    rotate,
    store::Store,
    tables::{may_come, plugins_of},
};

/// How a journal is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalOptions {
    /// What a commit outlives.
    pub durability: Durability,
    /// The file may not grow beyond so many bytes; then [`JournalError::Full`]. The log beside it
    /// comes on top.
    pub bytes_max: Option<u64>,
}

/// A journal that this process writes; no other can meanwhile.
#[derive(Debug)]
pub struct Journal {
    pub(super) store: Store,
    pub(super) head_file: HeadFile,
    pub(super) options: JournalOptions,
    pub(super) began: Began,
    /// The plugins that have come by now.
    pub(super) plugins: Vec<PluginTable>,
    /// The last row that was committed.
    pub(super) head: Head,
    /// The last row that was staged.
    tip: Head,
    step: u64,
    staged: Vec<RawRow>,
    staged_since: Option<Instant>,
    poisoned: Option<UnixNanos>,
    is_new: bool,
    _lock: WriterLock,
}

impl Journal {
    /// Opens a journal, or begins one where there is none. `tables` say what ids mean; those of an
    /// existing journal must be the same, but that plugins may stand at the end which it does not
    /// have yet: a row [`Record::PluginAdded`] is to add each before anything else is said of it.
    ///
    /// Compares the last row with the head file, and reads no other: recovery walks
    /// [`Self::entries`], which verifies them all.
    ///
    /// # Errors
    /// Another writer, a file that cannot be written or is something else, a newer version, other
    /// tables, or rows that had been confirmed and are gone.
    pub fn open(
        path: impl Into<PathBuf>,
        tables: &Tables,
        options: &JournalOptions,
    ) -> Result<Self, JournalError> {
        let (mut journal, confirmed) = Self::open_unchecked(path.into(), tables, options)?;
        if let Some(confirmed) = confirmed {
            journal.compare(confirmed)?;
        }
        // It is a commit behind after a kill, and not there for a new journal.
        if confirmed != Some(journal.head) {
            journal.head_file.write(journal.head)?;
        }
        Ok(journal)
    }

    /// Opens, and says what the head file says.
    fn open_unchecked(
        path: PathBuf,
        tables: &Tables,
        options: &JournalOptions,
    ) -> Result<(Self, Option<Head>), JournalError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)
                .map_err(|source| JournalError::io("make the folder", folder, source))?;
        }
        let lock = WriterLock::take(&path)?;
        rotate::mend(&path)?;
        let confirmed = read_head(&path)?;
        let mut store = Store::open_to_write(&path, options)?;
        let last = match store.last_row()? {
            Some(last) => last,
            None if confirmed.is_some_and(|head| head.seq > 0) => {
                let confirmed = confirmed.map_or(0, |head| head.seq);
                return Err(JournalError::Cut { path, has: 0, confirmed });
            }
            None => {
                let began = tables.began(&path, 1, Head::NONE)?;
                let row = begin(&mut store, began, UnixNanos(0), Head::NONE, 0, &[])?;
                sync_folder(&path)?;
                row
            }
        };
        let began = first(&store)?;
        let plugins = plugins_of(&store, &began)?;
        if let Some(what) = tables.differs(&began, &plugins, false) {
            return Err(JournalError::OtherTables { path, what });
        }
        let head = Head { seq: last.seq, hash: last.hash };
        let journal = Self {
            head_file: HeadFile::open(&path)?,
            options: *options,
            is_new: last.seq == began.rows_before + 1 && began.segment == 1,
            began,
            plugins,
            head,
            tip: head,
            step: last.step,
            staged: Vec::new(),
            staged_since: None,
            poisoned: None,
            store,
            _lock: lock,
        };
        Ok((journal, confirmed))
    }

    /// Goes on without rows that had been confirmed and are lost, and writes down that it does.
    /// Does nothing to a journal that has them all.
    ///
    /// # Errors
    /// As [`Self::open`], but for [`JournalError::Cut`].
    pub fn accept_cut(
        path: impl Into<PathBuf>,
        tables: &Tables,
        note: &str,
    ) -> Result<Option<HostRecord>, JournalError> {
        let options = JournalOptions { durability: Durability::Power, bytes_max: None };
        let (mut journal, confirmed) = Self::open_unchecked(path.into(), tables, &options)?;
        let accepted = match confirmed {
            Some(confirmed) if confirmed.seq > journal.head.seq => HostRecord::CutAccepted {
                lost_from: journal.head.seq + 1,
                lost_to: confirmed.seq,
                lost_hash: confirmed.hash,
                note: host_text(note),
            },
            _ => return Ok(None),
        };
        let at = journal.store.last_row()?.map_or(0, |row| row.at);
        journal.append(UnixNanos(u64::try_from(at).unwrap_or(0)), [&accepted])?;
        journal.close()?;
        Ok(Some(accepted))
    }

    /// What was confirmed must be there.
    fn compare(&self, confirmed: Head) -> Result<(), JournalError> {
        let path = || self.store.path.clone();
        if confirmed.seq > self.head.seq {
            return Err(JournalError::Cut {
                path: path(),
                has: self.head.seq,
                confirmed: confirmed.seq,
            });
        }
        let found = match confirmed.seq {
            0 => Some(Digest::ZERO),
            // In the file before, when the host was killed right after a rotation.
            seq if seq == self.began.rows_before => Some(self.began.previous),
            seq => self.store.hash_of(seq)?,
        };
        if found == Some(confirmed.hash) {
            return Ok(());
        }
        let why = "its hash is not the one that had been confirmed".to_owned();
        Err(JournalError::Broken { path: path(), seq: confirmed.seq, why })
    }

    /// Whether nothing was written before: there is nothing to recover.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Every committed row of this file, oldest first, with the chain verified as it goes.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        Entries::new(&self.store)
    }

    /// Writes one step and returns once it is committed. A step without entries is nothing.
    ///
    /// # Errors
    /// It is not committed, and the journal takes nothing more.
    pub fn append<'a, E: Into<EntryRef<'a>>>(
        &mut self,
        at: UnixNanos,
        entries: impl IntoIterator<Item = E>,
    ) -> Result<Head, JournalError> {
        self.stage(at, entries)?;
        self.commit()
    }

    /// Adds one step to the open group. What follows from it must wait for [`Self::commit`]. A
    /// group of [`GROUP_ROWS_MAX`] rows is committed at once.
    ///
    /// # Errors
    /// The group is not committed, and the journal takes nothing more.
    pub fn stage<'a, E: Into<EntryRef<'a>>>(
        &mut self,
        at: UnixNanos,
        entries: impl IntoIterator<Item = E>,
    ) -> Result<(), JournalError> {
        self.check_sound()?;
        let before = self.staged.len();
        for entry in entries {
            let entry = entry.into();
            let row = self
                .know(entry)
                .and_then(|()| link(&self.store.path, self.tip, self.step + 1, at, entry))
                .inspect_err(|_| self.poisoned = Some(at))?;
            self.tip = Head { seq: row.seq, hash: row.hash };
            self.staged.push(row);
        }
        if self.staged.len() > before {
            self.step += 1;
            self.staged_since.get_or_insert_with(Instant::now);
        }
        if self.staged.len() >= GROUP_ROWS_MAX {
            self.commit()?;
        }
        Ok(())
    }

    /// A row names no plugin that no row has named before: its number would mean nothing.
    fn know(&mut self, entry: EntryRef<'_>) -> Result<(), JournalError> {
        let refuse = |problem| JournalError::Refused { path: self.store.path.clone(), problem };
        if let EntryRef::Core(Record::PluginAdded { plugin, name, budget }) = entry {
            may_come(&self.plugins, *plugin, name).map_err(refuse)?;
            self.plugins.push(PluginTable { name: name.clone(), budget: *budget });
            return Ok(());
        }
        let plugin = match entry {
            EntryRef::Core(record) => record.plugin(),
            EntryRef::Host(record) => record.plugin(),
        };
        if plugin.is_some_and(|plugin| usize::from(plugin.0) >= self.plugins.len()) {
            return Err(refuse("it is about a plugin that no row has added"));
        }
        Ok(())
    }

    /// Whether the open group has waited for [`GROUP_AGE_MAX`].
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.staged_since.is_some_and(|since| since.elapsed() >= GROUP_AGE_MAX)
    }

    /// Commits the open group; returns the last committed row.
    ///
    /// # Errors
    /// It is not committed, and the journal takes nothing more.
    pub fn commit(&mut self) -> Result<Head, JournalError> {
        self.check_sound()?;
        let Some(last) = self.staged.last() else { return Ok(self.head) };
        let at = UnixNanos(u64::try_from(last.at).unwrap_or(0));
        let path = &self.store.path;
        let written = insert(&mut self.store.connection, &self.staged)
            .map_err(|error| JournalError::database("write", path, error))
            .and_then(|()| self.head_file.write(self.tip));
        if let Err(error) = written {
            self.poisoned = Some(at);
            return Err(error);
        }
        self.staged.clear();
        self.staged_since = None;
        self.head = self.tip;
        self.is_new = false;
        Ok(self.head)
    }

    /// The last row that was committed.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// The first row of the file.
    #[must_use]
    pub const fn began(&self) -> &Began {
        &self.began
    }

    /// How many plugins have come by now: those of the first row, and those with a row of their own.
    #[must_use]
    pub const fn plugins(&self) -> usize {
        self.plugins.len()
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.store.path
    }

    /// Whether an error has ended it.
    #[must_use]
    pub const fn is_poisoned(&self) -> bool {
        self.poisoned.is_some()
    }

    /// Bytes of the file, without its log.
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn size_bytes(&self) -> Result<u64, JournalError> {
        fs::metadata(&self.store.path)
            .map(|file| file.len())
            .map_err(|source| JournalError::io("look at", &self.store.path, source))
    }

    /// Commits what is open and closes the file in good order: its log is in it, and the head file
    /// is on the disk. A journal that is dropped instead does the same but for what is open.
    ///
    /// # Errors
    /// Something was not written; what was committed before is there.
    pub fn close(mut self) -> Result<Head, JournalError> {
        self.commit()?;
        self.settle()?;
        Ok(self.head)
    }

    /// Brings the log into the file and the head file to the disk.
    pub(super) fn settle(&self) -> Result<(), JournalError> {
        checkpoint(&self.store)?;
        self.head_file.sync()
    }

    pub(super) fn check_sound(&self) -> Result<(), JournalError> {
        match self.poisoned {
            Some(at) => Err(JournalError::Poisoned { path: self.store.path.clone(), at }),
            None => Ok(()),
        }
    }

    pub(super) const fn step(&self) -> u64 {
        self.step
    }

    pub(super) const fn poison(&mut self, at: UnixNanos) {
        self.poisoned = Some(at);
    }

    /// Goes on as another file of the same chain.
    pub(super) fn go_on(&mut self, store: Store, began: Began, last: &RawRow) {
        self.plugins.clone_from(&began.plugins);
        self.store = store;
        self.began = began;
        self.head = Head { seq: last.seq, hash: last.hash };
        self.tip = self.head;
        self.step = last.step;
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if !self.is_poisoned() {
            // What is committed is safe without it; a start takes a little longer.
            let _ = self.settle();
        }
    }
}

/// Copies the log into the file and empties it.
pub(super) fn checkpoint(store: &Store) -> Result<(), JournalError> {
    let busy: i64 = store
        .connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(|error| store.fail("write", error))?;
    if busy == 0 {
        return Ok(());
    }
    let source = "a reader holds on to an older state".into();
    Err(JournalError::Locked { path: store.path.clone(), source })
}

/// The row that follows `after`.
fn link(
    path: &Path,
    after: Head,
    step: u64,
    at: UnixNanos,
    entry: EntryRef<'_>,
) -> Result<RawRow, JournalError> {
    let refuse = |problem| JournalError::Refused { path: path.to_owned(), problem };
    let encoded = codec::encode(entry).map_err(refuse)?;
    if encoded.body.len() > BODY_BYTES_MAX {
        return Err(refuse("it has more than 1 MiB"));
    }
    let at = i64::try_from(at.0).map_err(|_| refuse("its time is after the year 2262"))?;
    let seq = after.seq + 1;
    let hash = Link {
        seq,
        step,
        at,
        kind: &encoded.kind,
        plugin: encoded.plugin,
        instrument: encoded.instrument,
        order_id: encoded.order_id.as_deref(),
        body: &encoded.body,
    }
    .hash(&after.hash);
    Ok(RawRow {
        seq,
        step,
        at,
        kind: encoded.kind,
        plugin: encoded.plugin,
        instrument: encoded.instrument,
        order_id: encoded.order_id,
        body: encoded.body,
        hash,
    })
}

/// One transaction.
fn insert(connection: &mut Connection, rows: &[RawRow]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO journal (seq, step, at, kind, plugin, instrument, order_id, body, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        for row in rows {
            statement.execute(params![
                i64::try_from(row.seq).unwrap_or(i64::MAX),
                i64::try_from(row.step).unwrap_or(i64::MAX),
                row.at,
                row.kind,
                row.plugin,
                row.instrument,
                row.order_id,
                row.body,
                row.hash.0,
            ])?;
        }
    }
    transaction.commit()
}

/// Writes the first rows of a file; returns the last of them.
pub(super) fn begin(
    store: &mut Store,
    began: Began,
    at: UnixNanos,
    after: Head,
    step: u64,
    carry: &[EntryRef<'_>],
) -> Result<RawRow, JournalError> {
    let began = HostRecord::Began(began);
    let mut rows: Vec<RawRow> = Vec::with_capacity(carry.len() + 1);
    let mut tip = after;
    for entry in std::iter::once(EntryRef::Host(&began)).chain(carry.iter().copied()) {
        let row = link(&store.path, tip, step + 1, at, entry)?;
        tip = Head { seq: row.seq, hash: row.hash };
        rows.push(row);
    }
    insert(&mut store.connection, &rows).map_err(|error| store.fail("write", error))?;
    rows.pop().ok_or_else(|| JournalError::NotAJournal { path: store.path.clone() })
}

/// What the first row of a file says.
pub(super) fn first(store: &Store) -> Result<Began, JournalError> {
    let path = || store.path.clone();
    let row = store.first_row()?.ok_or_else(|| JournalError::NotAJournal { path: path() })?;
    let why = match codec::decode(&row) {
        Ok(Entry::Host(HostRecord::Began(began))) => return Ok(began),
        Ok(_) => "it is not the first of its file: rows before it are missing",
        Err(why) => why,
    };
    Err(JournalError::Broken { path: path(), seq: row.seq, why: why.to_owned() })
}
