//! What was done, for people and for checks: a log, counts, and every name of an order that passed.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

/// Lines that are kept; what comes later is counted.
const LINES_MAX: usize = 20_000;

/// Names of parameters that name a new order or list.
const NAMES: [&str; 8] = [
    "newClientOrderId",
    "listClientOrderId",
    "aboveClientOrderId",
    "belowClientOrderId",
    "workingClientOrderId",
    "pendingClientOrderId",
    "pendingAboveClientOrderId",
    "pendingBelowClientOrderId",
];

/// Where an order goes that is placed.
const PLACES: [&str; 10] = [
    "POST /api/v3/order",
    "POST /api/v3/order/cancelReplace",
    "POST /api/v3/orderList/oco",
    "POST /api/v3/orderList/oto",
    "POST /api/v3/orderList/otoco",
    "order.place",
    "order.cancelReplace",
    "orderList.place.oco",
    "orderList.place.oto",
    "orderList.place.otoco",
];

/// How often one name of an order was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// By the proxy, whatever became of it.
    pub(crate) sent: u64,
    /// By the exchange.
    pub(crate) forwarded: u64,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<String>,
    dropped: u64,
    counts: BTreeMap<String, u64>,
    names: BTreeMap<String, Seen>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Inner>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that the proxy did.
    pub(crate) fn say(&self, at_ms: u64, what: &str, line: &str) {
        let mut inner = self.lock();
        *inner.counts.entry(what.to_owned()).or_default() += 1;
        if inner.lines.len() < LINES_MAX {
            inner.lines.push(format!("{:>6}.{:03} {what}: {line}", at_ms / 1_000, at_ms % 1_000));
        } else {
            inner.dropped += 1;
        }
    }

    /// Something that is only counted.
    pub(crate) fn count(&self, what: &str) {
        *self.lock().counts.entry(what.to_owned()).or_default() += 1;
    }

    pub(crate) fn counted(&self, what: &str) -> u64 {
        self.lock().counts.get(what).copied().unwrap_or_default()
    }

    /// An order is placed; `None` where a request places none.
    pub(crate) fn placed(&self, target: &str, names: &[String], forwarded: bool) {
        if !PLACES.contains(&target) {
            return;
        }
        let mut inner = self.lock();
        // A list may be named as one of its orders is.
        for name in names {
            let seen = inner.names.entry(name.clone()).or_default();
            seen.sent += 1;
            seen.forwarded += u64::from(forwarded);
        }
    }

    pub(crate) fn names(&self) -> BTreeMap<String, Seen> {
        self.lock().names.clone()
    }

    /// Everything, to be read when a test has failed.
    pub(crate) fn text(&self) -> String {
        let inner = self.lock();
        let mut text = inner.lines.join("\n");
        let _ = writeln!(text, "\n({} lines more)", inner.dropped);
        for (what, count) in &inner.counts {
            let _ = writeln!(text, "{count:>8} {what}");
        }
        text
    }
}

/// Lists have names of their own beside those of orders.
fn named(parameter: &str, value: &str) -> String {
    if parameter == "listClientOrderId" { format!("list {value}") } else { value.to_owned() }
}

/// Names of new orders in a query or a form.
pub(crate) fn names_in_form(text: &str) -> Vec<String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| NAMES.contains(name)).map(|pair| named(pair.0, pair.1)).collect()
}

/// Names of new orders in the parameters of the WebSocket API.
pub(crate) fn names_in_json(params: &Value) -> Vec<String> {
    let of = |name: &&str| params.get(*name)?.as_str().map(|value| named(name, value));
    NAMES.iter().filter_map(of).collect()
}
