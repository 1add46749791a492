//! Who asked for what, for the journal. What is new is said at once; what is the same again is
//! counted, and the count is said once a minute, so that a dashboard that is left open does not
//! fill the journal and nothing goes unsaid.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::token::Holder;
use crate::{Access, Queue, Via};

/// How often counts are said.
pub(super) const SAID_EVERY: Duration = Duration::from_secs(60);
/// Different accesses that are counted apart. Beyond, they are counted together.
const KINDS_MAX: usize = 256;

/// What makes two accesses the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    who: String,
    address: Option<IpAddr>,
    what: String,
    status: u16,
}

/// Accesses since the counts were said last.
#[derive(Debug)]
pub(super) struct Ledger {
    queue: Queue,
    /// How often each came again.
    again: BTreeMap<Kind, u64>,
    said: Instant,
}

impl Ledger {
    pub(super) fn new(queue: Queue) -> Self {
        Self { queue, again: BTreeMap::new(), said: Instant::now() }
    }

    /// Somebody asked for something.
    pub(super) fn note(
        &mut self,
        holder: Option<&Holder>,
        address: IpAddr,
        what: &str,
        status: u16,
        now: Instant,
    ) {
        self.say(now);
        let who = match holder {
            Some(holder) => format!("{} ({})", holder.name, holder.role.name()),
            None => "nobody".to_owned(),
        };
        let kind = Kind { who, address: Some(address), what: what.to_owned(), status };
        if let Some(count) = self.again.get_mut(&kind) {
            *count = count.saturating_add(1);
        } else if self.again.len() < KINDS_MAX {
            self.queue.note(access(&kind, 1));
            self.again.insert(kind, 0);
        } else {
            let what = "one of many different requests".to_owned();
            let others = Kind { who: "several".to_owned(), address: None, what, status: 0 };
            *self.again.entry(others).or_default() += 1;
        }
    }

    /// Says the counts, where it is time.
    pub(super) fn say(&mut self, now: Instant) {
        if now.saturating_duration_since(self.said) < SAID_EVERY {
            return;
        }
        self.said = now;
        for (kind, count) in std::mem::take(&mut self.again) {
            if count > 0 {
                self.queue.note(access(&kind, count));
            }
        }
    }
}

fn access(kind: &Kind, count: u64) -> Access {
    let from = kind.address.map_or_else(|| "any".to_owned(), |address| address.to_string());
    Access {
        who: kind.who.clone(),
        via: Via::Http(from),
        what: kind.what.clone(),
        status: kind.status,
        count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_and_the_rest_once_a_minute() {
        let queue = Queue::new().unwrap();
        let mut ledger = Ledger::new(queue.clone());
        let begin = Instant::now();
        let address = IpAddr::from([127, 0, 0, 1]);
        for _ in 0..5 {
            ledger.note(None, address, "GET /api/v1/status", 401, begin);
        }
        let said = || -> Vec<_> {
            std::iter::from_fn(|| queue.take_access()).map(|it| (it.status, it.count)).collect()
        };
        assert_eq!(said(), [(401, 1)]);
        let later = begin + 2 * SAID_EVERY;
        ledger.note(None, address, "GET /api/v1/status", 401, later);
        assert_eq!(said(), [(401, 4), (401, 1)]);
        for number in 0..1_000 {
            ledger.note(None, address, "x", number, later);
        }
        assert_eq!(ledger.again.len(), KINDS_MAX + 1);
    }
}
