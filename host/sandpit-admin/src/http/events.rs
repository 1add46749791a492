//! What is told to those who watch: all of it once, then what has changed, once a second. The
//! session is asked once for all of them. Each has a queue with a bound; who does not read is
//! dropped with a word, and nobody waits for anybody.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{MissedTickBehavior, interval},
};

use super::{reply::Problem, state::State, token::Holder};
use crate::{Answer, Command, Refusal, RefusalCode, Via};

/// Who watches at a time. Beyond, one is refused.
pub(super) const WATCHERS_MAX: usize = 16;
/// Events that wait for a watcher to read them. Beyond, it is dropped.
const WAITING_MAX: usize = 16;
/// How often changes are told.
const EVERY: Duration = Duration::from_secs(1);

/// The parts of what is told, each with its JSON.
type Parts = BTreeMap<String, String>;

#[derive(Debug)]
struct Watcher {
    events: mpsc::Sender<Bytes>,
    holder: Holder,
    /// Whether it has been told all of it.
    knows: bool,
}

/// Everybody who watches.
#[derive(Debug, Default)]
pub(super) struct Hub {
    watchers: Mutex<Vec<Watcher>>,
    come: Notify,
}

impl Hub {
    fn watchers(&self) -> MutexGuard<'_, Vec<Watcher>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more.
    pub(super) fn add(&self, holder: Holder) -> Result<mpsc::Receiver<Bytes>, Refusal> {
        let mut watchers = self.watchers();
        watchers.retain(|watcher| !watcher.events.is_closed());
        if watchers.len() >= WATCHERS_MAX {
            let message = format!("{WATCHERS_MAX} watch already");
            return Err(Refusal::new(RefusalCode::Busy, message));
        }
        let (events, told) = mpsc::channel(WAITING_MAX);
        watchers.push(Watcher { events, holder, knows: false });
        self.come.notify_one();
        Ok(told)
    }

    /// How many watch.
    pub(super) fn len(&self) -> usize {
        self.watchers().len()
    }
}

/// Tells everybody, until the session ends.
pub(super) async fn tell(state: &State, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut known, mut number) = (Parts::new(), 0u64);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = state.hub.come.notified() => {}
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        let now = state.now();
        state.ledger.lock().unwrap_or_else(PoisonError::into_inner).say(now);
        state.hub.watchers().retain(|watcher| !watcher.events.is_closed());
        if state.hub.len() == 0 {
            known.clear();
            continue;
        }
        number += 1;
        let parts = tokio::select! {
            parts = look(state) => parts,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match parts {
            Ok(parts) => {
                let all = event("snapshot", number, &joined(parts.iter()));
                let changed = parts.iter().filter(|(name, json)| known.get(*name) != Some(*json));
                let changed = event("delta", number, &joined(changed));
                each(state, |knows| {
                    if std::mem::replace(knows, true) { changed.clone() } else { all.clone() }
                });
                known = parts;
            }
            Err(refusal) => {
                let why = json!({ "code": refusal.code, "message": refusal.message });
                let silent = event("silent", number, &why.to_string());
                each(state, |_| silent.clone());
            }
        }
    }
    let last = event("ending", number + 1, "{}");
    each(state, |_| last.clone());
    state.hub.watchers().clear();
}

/// Sends an event to everybody who reads and may still hear it.
fn each(state: &State, event_for: impl Fn(&mut bool) -> Bytes) {
    state.hub.watchers().retain_mut(|watcher| {
        if !state.holds(&watcher.holder) {
            let _ = watcher.events.try_send(event("over", 0, "{\"why\":\"token\"}"));
            return false;
        }
        // The last place is kept for the word that there is no other.
        if watcher.events.capacity() <= 1 {
            let _ = watcher.events.try_send(event("dropped", 0, "{\"why\":\"slow\"}"));
            state.counts.slow_readers.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        watcher.events.try_send(event_for(&mut watcher.knows)).is_ok()
    });
}

/// How everything is.
async fn look(state: &State) -> Result<Parts, Refusal> {
    let via = Via::Http("events".to_owned());
    let (seen, recent) =
        tokio::join!(state.ask("host".to_owned(), via, Command::Overview), state.reader.recent());
    let mut parts = Parts::new();
    let failed = |_| Refusal::new(RefusalCode::Failed, "it cannot be written as JSON");
    let Answer::Overview(overview) = seen? else {
        return Err(Refusal::new(RefusalCode::Failed, "the session says something else"));
    };
    for value in [
        serde_json::to_value(overview).map_err(failed)?,
        serde_json::to_value(recent?).map_err(failed)?,
    ] {
        let Value::Object(fields) = value else { continue };
        parts.extend(fields.into_iter().map(|(name, value)| (name, value.to_string())));
    }
    Ok(parts)
}

fn joined<'a>(parts: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let parts: Vec<_> = parts.map(|(name, json)| format!("\"{name}\":{json}")).collect();
    format!("{{{}}}", parts.join(","))
}

/// An event as it is sent. JSON has no line breaks of its own.
fn event(name: &str, number: u64, json: &str) -> Bytes {
    format!("event: {name}\nid: {number}\ndata: {json}\n\n").into()
}

/// The answer to whoever wants to watch.
pub(super) fn watch(state: &State, holder: Holder) -> Result<super::reply::Reply, Problem> {
    use super::reply::{Content, reply};
    let told = state.hub.add(holder)?;
    let ok = hyper::StatusCode::OK;
    Ok(reply(ok, "text/event-stream; charset=utf-8", Content::Stream(told)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        HttpOptions, JournalPage, JournalQuery, Queue, RecentView, Records, Role, Tokens,
        http::reader::Reader,
    };

    struct Nothing;

    impl Records for Nothing {
        fn page(&mut self, _: &JournalQuery) -> Result<JournalPage, Refusal> {
            Ok(JournalPage::default())
        }

        fn recent(&mut self) -> Result<RecentView, Refusal> {
            Ok(RecentView::default())
        }
    }

    #[test]
    fn who_does_not_read_is_dropped_with_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens.json");
        let mut all = Tokens::default();
        all.add("ada", Role::Viewer, 0, None).unwrap();
        all.write(&tokens).unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = HttpOptions { listen, tls: None, tokens, hosts: Vec::new() };
        let reader = Reader::begin(Box::new(Nothing)).unwrap();
        let state = State::new(&options, listen, Queue::new().unwrap(), reader).unwrap();
        let holder = Holder { name: "ada".to_owned(), role: Role::Viewer };
        let mut silent = state.hub.add(holder.clone()).unwrap();
        let mut reads = state.hub.add(holder.clone()).unwrap();
        for number in 0..100 {
            each(&state, |_| event("delta", number, "{}"));
            assert_eq!(reads.try_recv().unwrap(), event("delta", number, "{}"));
        }
        assert_eq!(state.hub.len(), 1);
        assert_eq!(state.counts.slow_readers.load(Ordering::Relaxed), 1);
        let told: Vec<_> = std::iter::from_fn(|| silent.try_recv().ok()).collect();
        assert_eq!(told.len(), WAITING_MAX);
        assert_eq!(told[WAITING_MAX - 1], event("dropped", 0, "{\"why\":\"slow\"}"));
        for _ in 1..WATCHERS_MAX {
            std::mem::forget(state.hub.add(holder.clone()).unwrap());
        }
        assert_eq!(state.hub.add(holder).unwrap_err().code, RefusalCode::Busy);
    }
}
