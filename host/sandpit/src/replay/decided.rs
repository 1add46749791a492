//! What the journal has of one plugin, run by run: the authority on what it asked for.

use std::{
    collections::{BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use sandpit_core::{engine::Record, ids::PluginId, intent::Intent, time::UnixNanos};
use sandpit_journal::journal::{
    Digest, Entry, HostRecord, JournalError, JournalReader, Row, segment_path,
};

/// All files of one journal, oldest first.
#[derive(Debug)]
pub(super) struct Decisions {
    readers: Vec<JournalReader>,
    /// Oldest segments that are not there.
    pub(super) pruned: u32,
}

/// A row in which a plugin asked for something.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) seq: u64,
    pub(super) at: UnixNanos,
    pub(super) intent: Intent,
}

impl Decisions {
    pub(super) fn open(journal: &Path) -> Result<Self, JournalError> {
        let newest = JournalReader::open(journal)?;
        let (mut readers, mut pruned) = (Vec::new(), 0);
        for segment in 1..newest.began().segment() {
            let path: PathBuf = segment_path(journal, segment);
            if path.exists() || !readers.is_empty() {
                readers.push(JournalReader::open(path)?);
            } else {
                pruned += 1;
            }
        }
        readers.push(newest);
        Ok(Self { readers, pruned })
    }

    /// Names of the plugins, by id.
    pub(super) fn plugins(&self) -> &[String] {
        self.readers.last().map_or(&[], |newest| &newest.tables().plugins)
    }

    pub(super) fn of(&self, plugin: PluginId) -> Decided<'_> {
        let rows = Box::new(self.readers.iter().flat_map(JournalReader::entries));
        Decided { rows, plugin, ahead: VecDeque::new(), run: None, next_run: None, over: false }
    }
}

/// A run of the host in the journal.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) number: u64,
    /// The component with which the plugin began in it.
    pub(super) component: Option<Digest>,
    /// All that it ran in it, as far as rows were read.
    pub(super) components: BTreeSet<Digest>,
    /// Whether it ended in good order.
    pub(super) stopped: bool,
}

/// The rows of one plugin, read as they are needed.
pub(super) struct Decided<'a> {
    rows: Box<dyn Iterator<Item = Result<Row, JournalError>> + 'a>,
    plugin: PluginId,
    /// Rows of this run that were read and not taken.
    ahead: VecDeque<Asked>,
    run: Option<Run>,
    next_run: Option<Run>,
    over: bool,
}

impl Decided<'_> {
    /// The run that is read.
    pub(super) const fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// Goes on with the next run. What is left of this one is given up.
    pub(super) fn next_run(&mut self) -> Result<bool, JournalError> {
        while self.next_run.is_none() && !self.over {
            self.read()?;
            self.ahead.clear();
        }
        self.ahead.clear();
        self.run = self.next_run.take();
        Ok(self.run.is_some())
    }

    /// The next `count` rows of this run, or as many as there are.
    pub(super) fn peek(&mut self, count: usize) -> Result<&[Asked], JournalError> {
        while self.ahead.len() < count && self.next_run.is_none() && !self.over {
            self.read()?;
        }
        let there = self.ahead.make_contiguous();
        Ok(&there[..there.len().min(count)])
    }

    /// Takes what was looked at.
    pub(super) fn take(&mut self, count: usize) {
        self.ahead.drain(..count.min(self.ahead.len()));
    }

    /// Counts what is left of this run, and gives it up.
    pub(super) fn drain(&mut self) -> Result<u64, JournalError> {
        let mut left = 0;
        loop {
            left += self.ahead.len() as u64;
            self.ahead.clear();
            if self.next_run.is_some() || self.over {
                return Ok(left);
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<(), JournalError> {
        let Some(row) = self.rows.next() else {
            self.over = true;
            return Ok(());
        };
        let row = row?;
        match row.entry {
            Entry::Core(Record::Asked { plugin, intent }) if plugin == self.plugin => {
                self.ahead.push_back(Asked { seq: row.seq, at: row.at, intent });
            }
            Entry::Core(_) => {}
            Entry::Host(HostRecord::Started { run, components, .. }) => {
                let component = components.get(usize::from(self.plugin.0)).copied();
                let components = component.into_iter().collect();
                let stopped = false;
                self.next_run = Some(Run { number: run.0, component, components, stopped });
            }
            Entry::Host(record) => self.note(&record),
        }
        Ok(())
    }

    fn note(&mut self, record: &HostRecord) {
        let Some(run) = &mut self.run else { return };
        match record {
            HostRecord::PluginLoaded { plugin, component, .. } if *plugin == self.plugin => {
                run.components.insert(*component);
            }
            HostRecord::PluginSwapped { plugin, from, to } if *plugin == self.plugin => {
                run.components.extend([*from, *to]);
            }
            HostRecord::Stopped { run: number, .. } if number.0 == run.number => run.stopped = true,
            _ => {}
        }
    }
}
