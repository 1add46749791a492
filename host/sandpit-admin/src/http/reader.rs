//! The thread that reads the journal for others. It may wait for the disk; neither the session nor
//! the server waits with it.

use std::{
    fmt, io,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};

use tokio::sync::oneshot;

use crate::{JournalPage, JournalQuery, RecentView, Records, Refusal, RefusalCode};

/// Questions that wait for the thread. Beyond, they are refused.
const WAITING_MAX: usize = 8;

enum Job {
    Page(JournalQuery, oneshot::Sender<Result<JournalPage, Refusal>>),
    Recent(oneshot::Sender<Result<RecentView, Refusal>>),
}

/// The way to the thread, which ends once this is dropped.
pub(super) struct Reader(SyncSender<Job>);

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    pub(super) fn begin(records: Box<dyn Records>) -> io::Result<Self> {
        let (jobs, taken) = sync_channel(WAITING_MAX);
        thread::Builder::new().name("admin-reader".to_owned()).spawn(move || {
            serve(&taken, records);
        })?;
        Ok(Self(jobs))
    }

    pub(super) async fn page(&self, query: JournalQuery) -> Result<JournalPage, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.push(Job::Page(query, answer))?;
        answered.await.unwrap_or_else(|_| Err(Refusal::ending()))
    }

    pub(super) async fn recent(&self) -> Result<RecentView, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.push(Job::Recent(answer))?;
        answered.await.unwrap_or_else(|_| Err(Refusal::ending()))
    }

    fn push(&self, job: Job) -> Result<(), Refusal> {
        self.0.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                Refusal::new(RefusalCode::Busy, "too many read the journal at once")
                    .help("ask again in a moment")
            }
            TrySendError::Disconnected(_) => Refusal::ending(),
        })
    }
}

fn serve(jobs: &Receiver<Job>, mut records: Box<dyn Records>) {
    while let Ok(job) = jobs.recv() {
        // Whoever has left is not answered.
        match job {
            Job::Page(_, answer) if answer.is_closed() => {}
            Job::Recent(answer) if answer.is_closed() => {}
            Job::Page(query, answer) => drop(answer.send(records.page(&query))),
            Job::Recent(answer) => drop(answer.send(records.recent())),
        }
    }
}
