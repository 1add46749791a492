//! Reading ahead in a second thread.

use std::{
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread::{self, JoinHandle},
};

use sandpit_core::market::MarketEvent;

use super::TapeError;

/// Events that are handed over at once: small enough to stay in a core's cache.
const BATCH_EVENTS: usize = 4_096;
/// Batches that wait; the reading thread stops there until one is taken.
const BATCHES_MAX: usize = 8;

/// Decodes a tape in a thread of its own, at most [`BATCHES_MAX`] batches ahead. The events and
/// their order are those of the source, so a result does not depend on it.
#[derive(Debug)]
pub struct ReadAhead {
    batches: Option<Receiver<Batch>>,
    /// Emptied batches go back to be filled.
    spent: Sender<Vec<MarketEvent>>,
    /// Last event first, so that the next one is popped.
    current: Vec<MarketEvent>,
    failed: Option<TapeError>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Batch {
    events: Vec<MarketEvent>,
    after: After,
}

#[derive(Debug)]
enum After {
    More,
    End,
    Failed(TapeError),
}

impl ReadAhead {
    /// Starts reading.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new<I>(source: I) -> std::io::Result<Self>
    where
        I: Iterator<Item = Result<MarketEvent, TapeError>> + Send + 'static,
    {
        let (full, batches) = sync_channel(BATCHES_MAX);
        let (spent, empty) = channel();
        let thread = thread::Builder::new()
            .name("tape-read-ahead".to_owned())
            .spawn(move || read(source, &full, &empty))?;
        Ok(Self {
            batches: Some(batches),
            spent,
            current: Vec::new(),
            failed: None,
            thread: Some(thread),
        })
    }

    /// The next event.
    ///
    /// # Errors
    /// As the source, after all events before the error.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        match self.current.pop() {
            Some(event) => Ok(Some(event)),
            None => self.next_batch(),
        }
    }

    #[cold]
    fn next_batch(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let Some(batches) = &self.batches else {
                return Ok(None);
            };
            let Ok(batch) = batches.recv() else {
                self.batches = None;
                return Err(TapeError::ReaderLost);
            };
            match batch.after {
                After::More => {}
                After::End => self.batches = None,
                After::Failed(error) => {
                    self.batches = None;
                    self.failed = Some(error);
                }
            }
            let spent = std::mem::replace(&mut self.current, batch.events);
            // The thread may have ended; then nobody needs it.
            let _ = self.spent.send(spent);
            if let Some(event) = self.current.pop() {
                return Ok(Some(event));
            }
        }
    }
}

impl Iterator for ReadAhead {
    type Item = Result<MarketEvent, TapeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_event().transpose()
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        // Without a receiver the thread ends at its next batch.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was said as ReaderLost already.
            let _ = thread.join();
        }
    }
}

fn read(
    mut source: impl Iterator<Item = Result<MarketEvent, TapeError>>,
    full: &SyncSender<Batch>,
    empty: &Receiver<Vec<MarketEvent>>,
) {
    loop {
        let mut events = empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH_EVENTS));
        let mut after = After::More;
        while events.len() < BATCH_EVENTS {
            match source.next() {
                Some(Ok(event)) => events.push(event),
                Some(Err(error)) => {
                    after = After::Failed(error);
                    break;
                }
                None => {
                    after = After::End;
                    break;
                }
            }
        }
        events.reverse();
        let last = !matches!(after, After::More);
        if full.send(Batch { events, after }).is_err() || last {
            return;
        }
    }
}
