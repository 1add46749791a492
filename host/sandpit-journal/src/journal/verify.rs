//! Proof that nothing was changed, moved, left out or cut: every row of a file, the head file beside
//! it, a head noted elsewhere, and all files of a chain.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Began, Digest, Entry, HostRecord, JournalError, SEGMENTS_MAX, codec,
    head::{Head, read_head},
    schema,
    store::Store,
    walk::Walk,
};

/// What a file proved to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it was written.
    Verified(Verified),
    /// Not as it was written.
    Broken(Broken),
}

/// A file that is as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The file.
    pub path: PathBuf,
    /// Number of the file in its chain, from 1.
    pub segment: u32,
    /// Rows in it.
    pub rows: u64,
    /// Its first row.
    pub first: u64,
    /// Its last row, which stands for all before it.
    pub head: Head,
    /// The engine's time of the last row, nanoseconds since 1970.
    pub at: i64,
    /// What the first row goes on from.
    pub previous: Digest,
    /// Whether there was a head file to compare with; without one a cut tail is not noticed.
    pub has_head_file: bool,
    /// The last segment that a row here says was removed, with the hash of its last row.
    pub pruned: Option<(u32, Digest)>,
}

/// A file that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub path: PathBuf,
    /// The first row that is not as it was written, or is missing. All before it are sound.
    pub seq: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Verifies one file: every row, its place in the chain, the head file, `against` if given, the
/// schema and the database's own structure. May run beside a writer.
///
/// # Errors
/// The file cannot be opened or is no journal. What is wrong with rows is a verdict.
pub fn verify(path: &Path, against: Option<Head>) -> Result<Verdict, JournalError> {
    // Before the rows: a writer may add some meanwhile.
    let confirmed = read_head(path)?;
    let store = Store::open_to_read(path)?;
    let found = examine(&store, confirmed, against);
    match found {
        Ok(verified) => Ok(Verdict::Verified(verified)),
        Err(JournalError::Broken { path, seq, why }) => {
            Ok(Verdict::Broken(Broken { path, seq, why }))
        }
        Err(JournalError::Cut { path, has, confirmed }) => Ok(Verdict::Broken(Broken {
            path,
            seq: has + 1,
            why: format!("it is missing: row {confirmed} had been confirmed"),
        })),
        Err(error) => Err(error),
    }
}

fn examine(
    store: &Store,
    confirmed: Option<Head>,
    against: Option<Head>,
) -> Result<Verified, JournalError> {
    // One state of the file, whatever a writer does.
    store.connection.execute_batch("BEGIN").map_err(|error| store.fail("read", error))?;
    schema::check(&store.connection, &store.path, store.version)?;
    let mut walk = Walk::new(store);
    let mut expected: Vec<Head> = confirmed.into_iter().chain(against).collect();
    let (mut first, mut at, mut rows) = (None, 0, 0);
    let mut pruned = None;
    while let Some(row) = walk.next_raw()? {
        first.get_or_insert(row.seq);
        at = row.at;
        rows += 1;
        if row.kind == "pruned"
            && let Ok(Entry::Host(HostRecord::Pruned { segments_to, hash })) = codec::decode(&row)
        {
            pruned = Some((segments_to, hash));
        }
        expect(store, &mut expected, Head { seq: row.seq, hash: row.hash })?;
    }
    let Some((head, began)) = walk.head().zip(walk.began().cloned()) else {
        let confirmed = confirmed.or(against).map_or(0, |head| head.seq);
        return Err(JournalError::Cut { path: store.path.clone(), has: 0, confirmed });
    };
    for left in expected {
        before(store, &began, head, left)?;
    }
    check_structure(store, head)?;
    Ok(Verified {
        path: store.path.clone(),
        segment: began.segment(),
        rows,
        first: first.unwrap_or(head.seq),
        head,
        at,
        previous: began.previous(),
        has_head_file: confirmed.is_some(),
        pruned,
    })
}

/// Takes from `expected` what this row answers.
fn expect(store: &Store, expected: &mut Vec<Head>, found: Head) -> Result<(), JournalError> {
    for at in (0..expected.len()).rev() {
        let Some(wanted) = expected.get(at).filter(|wanted| wanted.seq == found.seq) else {
            continue;
        };
        if wanted.hash != found.hash {
            return Err(JournalError::Broken {
                path: store.path.clone(),
                seq: found.seq,
                why: format!("its hash is not {}, which had been noted", wanted.hash),
            });
        }
        expected.swap_remove(at);
    }
    Ok(())
}

/// A noted head that no row answered: it is of the file before, or rows are missing.
fn before(store: &Store, began: &Began, head: Head, noted: Head) -> Result<(), JournalError> {
    let path = || store.path.clone();
    if noted.seq > head.seq {
        return Err(JournalError::Cut { path: path(), has: head.seq, confirmed: noted.seq });
    }
    if noted.seq == began.rows_before() && noted.hash == began.previous() {
        return Ok(());
    }
    let why = "it is in a file before this one; verify the folder".to_owned();
    Err(JournalError::Broken { path: path(), seq: noted.seq, why })
}

/// Every row is as it was, but the pages that lead to them could be damaged.
fn check_structure(store: &Store, head: Head) -> Result<(), JournalError> {
    let broken = |why: String| JournalError::Broken {
        path: store.path.clone(),
        seq: head.seq,
        why: format!("all rows are as written, but the file around them is damaged: {why}"),
    };
    let said: Result<String, _> =
        store.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    match said {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(broken(said)),
        Err(error) => Err(broken(error.to_string())),
    }
}

/// All files of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The files, oldest first, as far as they are sound.
    pub segments: Vec<Verified>,
    /// What is wrong, if something is.
    pub problem: Option<ChainProblem>,
    /// Segments that were removed by the operator's retention: the last of them.
    pub pruned_to: u32,
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainProblem {
    /// A file is not as it was written.
    Broken(Broken),
    /// A file is not there.
    Missing {
        /// Number of the file in the chain.
        segment: u32,
        /// The name it had.
        path: PathBuf,
    },
    /// A file does not go on from the one before.
    Gap {
        /// The file.
        path: PathBuf,
        /// Row and hash that it goes on from.
        from: Head,
        /// Last row of the file before.
        before: Head,
    },
}

/// Verifies the journal at `path` and all archived files of its chain beside it.
///
/// # Errors
/// A file cannot be opened or is no journal.
pub fn verify_chain(path: &Path) -> Result<Chain, JournalError> {
    let mut chain = Chain { segments: Vec::new(), problem: None, pruned_to: 0 };
    let newest = match verify(path, None)? {
        Verdict::Verified(verified) => verified,
        Verdict::Broken(broken) => {
            chain.problem = Some(ChainProblem::Broken(broken));
            return Ok(chain);
        }
    };
    let mut pruned = newest.pruned;
    let mut next = newest;
    // From the newest to the oldest: each names the hash that the one before must end with.
    while next.segment > 1 {
        let segment = next.segment - 1;
        let archived = segment_path(path, segment);
        let from = Head { seq: next.first - 1, hash: next.previous };
        chain.segments.push(next);
        if !archived.exists() {
            if pruned.is_some_and(|(to, _)| segment <= to) {
                chain.pruned_to = segment;
            } else {
                chain.problem = Some(ChainProblem::Missing { segment, path: archived });
            }
            chain.segments.reverse();
            return Ok(chain);
        }
        match verify(&archived, None)? {
            Verdict::Verified(verified) if verified.head == from && verified.segment == segment => {
                pruned = pruned.or(verified.pruned);
                next = verified;
            }
            Verdict::Verified(verified) => {
                let before = verified.head;
                chain.problem = Some(ChainProblem::Gap { path: archived, from, before });
                chain.segments.reverse();
                return Ok(chain);
            }
            Verdict::Broken(broken) => {
                chain.problem = Some(ChainProblem::Broken(broken));
                chain.segments.reverse();
                return Ok(chain);
            }
        }
    }
    chain.segments.push(next);
    chain.segments.reverse();
    Ok(chain)
}

/// The journals of a folder: files named `*.journal` that are no archived segment.
///
/// # Errors
/// The folder cannot be read.
pub fn journals_in(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let fail = |source| JournalError::io("read", folder, source);
    let mut journals = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)?.take(SEGMENTS_MAX) {
        let path = entry.map_err(fail)?.path();
        let is_journal = path.extension().is_some_and(|extension| extension == "journal");
        if is_journal && segment_of(&path).is_none() {
            journals.push(path);
        }
    }
    journals.sort();
    Ok(journals)
}

/// Digits of a segment's number in its name.
const SEGMENT_DIGITS: usize = 6;

/// The name of an archived segment: `NAME.000001.journal` beside `NAME.journal`.
#[must_use]
pub fn segment_path(journal: &Path, segment: u32) -> PathBuf {
    let stem = journal.file_stem().unwrap_or_default().to_string_lossy();
    let extension = journal
        .extension()
        .map_or_else(String::new, |extension| format!(".{}", extension.to_string_lossy()));
    journal.with_file_name(format!("{stem}.{segment:0SEGMENT_DIGITS$}{extension}"))
}

/// The number of an archived segment, by its name.
fn segment_of(path: &Path) -> Option<u32> {
    let stem = Path::new(path.file_stem()?);
    let digits = stem.extension()?.to_str()?;
    (digits.len() >= SEGMENT_DIGITS).then(|| digits.parse().ok()).flatten()
}
