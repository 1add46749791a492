//! Events in the order of time, however many: sorted runs go to tapes of their own, which are then
//! read together. Events of one time keep the order in which they came.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use sandpit_core::{
    market::{MarketData, MarketEvent},
    time::UnixNanos,
};
use sandpit_journal::tape::{MergedTapes, TapeError, TapeHeader, TapeWriter};

use super::DataError;

/// Events that are sorted in memory.
const RUN_EVENTS_MAX: usize = 524_288;
/// Levels of books among them.
const RUN_LEVELS_MAX: usize = 4_194_304;
/// Runs, which are all open when they are read together: a segment of each in memory.
const RUNS_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Sorter {
    /// The tape that is made in the end; the runs lie beside it.
    target: PathBuf,
    header: TapeHeader,
    run: Vec<MarketEvent>,
    run_levels: usize,
    runs: Runs,
    latest: UnixNanos,
    /// Events that were earlier than one before them.
    pub(super) moved: u64,
}

/// Files that are removed whatever happens.
#[derive(Debug, Default)]
struct Runs(Vec<PathBuf>);

impl Drop for Runs {
    fn drop(&mut self) {
        for path in &self.0 {
            // A file that stays is a nuisance, no error.
            let _ = fs::remove_file(path);
        }
    }
}

impl Sorter {
    pub(super) fn new(target: &Path, header: TapeHeader) -> Self {
        Self {
            target: target.to_owned(),
            header,
            run: Vec::new(),
            run_levels: 0,
            runs: Runs::default(),
            latest: UnixNanos(0),
            moved: 0,
        }
    }

    pub(super) fn push(&mut self, event: MarketEvent) -> Result<(), DataError> {
        if event.time < self.latest {
            self.moved += 1;
        }
        self.latest = self.latest.max(event.time);
        if let MarketData::Depth(update) = &event.data {
            self.run_levels += update.bids.len() + update.asks.len();
        }
        self.run.push(event);
        if self.run.len() >= RUN_EVENTS_MAX || self.run_levels >= RUN_LEVELS_MAX {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), DataError> {
        if self.runs.0.len() >= RUNS_MAX {
            let problem =
                format!("more than {RUNS_MAX} runs are needed to sort; import fewer files at once");
            return Err(DataError::Options(problem));
        }
        let mut name = OsString::from(&self.target);
        name.push(format!(".sort-{}", self.runs.0.len()));
        let path = PathBuf::from(name);
        self.runs.0.push(path.clone());
        self.run.sort_by_key(|event| event.time);
        let mut writer = TapeWriter::create(path, &self.header)?;
        for event in self.run.drain(..) {
            writer.append(&event)?;
        }
        self.run_levels = 0;
        writer.finish()?;
        Ok(())
    }

    /// Gives all events in order.
    pub(super) fn drain(
        mut self,
        take: &mut dyn FnMut(MarketEvent) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        if self.runs.0.is_empty() {
            self.run.sort_by_key(|event| event.time);
            return self.run.into_iter().try_for_each(take);
        }
        self.spill()?;
        MergedTapes::open(&self.runs.0)?
            .try_for_each(|event: Result<MarketEvent, TapeError>| take(event?))
    }
}
