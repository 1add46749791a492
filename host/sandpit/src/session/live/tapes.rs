//! What a session's live market did, one tape for each run of the host, in the session's folder. They
//! are what a simulated venue remembers its market by, what `sandpit replay` compares with, and what
//! a backtest can be run on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sandpit_core::{ids::RunId, instrument::Instrument, time::UnixNanos};
use sandpit_journal::tape::{
    MergedTapes, TapeClock, TapeError, TapeHeader, TapeReader, TapeWriter,
};

use crate::session::SessionError;

const FOLDER: &str = "tapes";
const EXTENSION: &str = "tape";
/// What a tape is called until it is finished.
const PARTIAL: &str = "tape.partial";
/// What a mended one is called until it is whole.
const MENDED: &str = "mended";
const SOURCE: &str = "recorded by a session";

/// The tapes of a session.
#[derive(Debug)]
pub(in crate::session) struct Tapes {
    folder: PathBuf,
    /// In the order of their runs.
    finished: Vec<PathBuf>,
}

impl Tapes {
    /// Looks for the tapes of earlier runs. One that was cut off by a crash is finished with all
    /// that is whole of it.
    pub(in crate::session) fn open(state: &Path) -> Result<Self, SessionError> {
        let folder = state.join(FOLDER);
        let failed = |source: io::Error| SessionError::Folder { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut finished = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(stem) = name.strip_suffix(&format!(".{PARTIAL}")) {
                let whole = folder.join(format!("{stem}.{EXTENSION}"));
                if mend(&path, &whole)? {
                    finished.push(whole);
                }
            } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
                finished.push(path);
            }
        }
        finished.sort();
        finished.dedup();
        Ok(Self { folder, finished })
    }

    /// The tapes of earlier runs as one market; `None` where there are none.
    pub(in crate::session) fn recorded(&self) -> Result<Option<MergedTapes>, TapeError> {
        if self.finished.is_empty() {
            Ok(None)
        } else {
            MergedTapes::open(&self.finished).map(Some)
        }
    }

    /// The latest time on any of them.
    pub(in crate::session) fn last(&self) -> Result<UnixNanos, TapeError> {
        let mut last = UnixNanos(0);
        for path in &self.finished {
            last = last.max(TapeReader::info(path)?.last);
        }
        Ok(last)
    }

    /// Begins the tape of a run.
    pub(in crate::session) fn begin(
        &self,
        run: RunId,
        instruments: &[Instrument],
    ) -> Result<TapeWriter, TapeError> {
        let header = TapeHeader {
            instruments: instruments.to_vec(),
            clock: TapeClock::Host,
            source: SOURCE.to_owned(),
        };
        // Runs have 48 bits, and names in their order.
        TapeWriter::create(self.folder.join(format!("{:012x}.{EXTENSION}", run.0)), &header)
    }
}

/// The finished tapes in a session's folder, in the order of their runs.
pub(crate) fn recorded_tapes(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state.join(FOLDER)).into_iter().flatten().flatten();
    let is_tape = |path: &PathBuf| path.extension().is_some_and(|it| it == EXTENSION);
    let mut tapes: Vec<_> = entries.map(|entry| entry.path()).filter(is_tape).collect();
    tapes.sort();
    tapes
}

/// Finishes a tape that was cut off. `false` where nothing is whole of it.
fn mend(partial: &Path, whole: &Path) -> Result<bool, SessionError> {
    let remove = || {
        fs::remove_file(partial)
            .map_err(|source| SessionError::Folder { path: partial.to_owned(), source })
    };
    let Ok(mut reader) = TapeReader::open(partial) else {
        remove()?;
        return Ok(false);
    };
    let mended = partial.with_extension(MENDED);
    let mut writer = TapeWriter::create(&mended, reader.header())?;
    let mut events = 0u64;
    loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                writer.append(&event)?;
                events += 1;
            }
            Ok(None) => break,
            // The rest was being written.
            Err(error) => {
                tracing::warn!(%error, "the tape was cut off after {events} events");
                break;
            }
        }
    }
    writer.finish()?;
    fs::rename(&mended, whole)
        .map_err(|source| SessionError::Folder { path: whole.to_owned(), source })?;
    remove()?;
    Ok(true)
}
