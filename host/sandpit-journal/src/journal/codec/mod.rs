//! The body of a row: `{"v":1,"<kind>":{…}}`, the version of its form and the one thing it says. The
//! kind stands in a column of its own, too, so that rows can be picked without reading bodies.
//! Here is the form alone; how rows hang together is the chain's business.

mod denial;
mod host;
mod mirror;
mod parts;
mod record;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

use serde::Serialize;

use sandpit_core::{engine::Record, ids::PluginId};

use super::entry::{Entry, EntryRef, HostRecord};
use mirror::Mirror;

/// The version of the form that is written. Older forms are read as long as they are known here.
pub const BODY_VERSION: u32 = 1;

/// What every body of this version begins with.
const PREFIX: &str = "{\"v\":1,";

/// A row's columns that follow from what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Encoded {
    pub(super) kind: String,
    pub(super) plugin: Option<i64>,
    pub(super) instrument: Option<i64>,
    pub(super) order_id: Option<String>,
    pub(super) body: String,
}

/// What an entry is as a row.
pub(super) fn encode(entry: EntryRef<'_>) -> Result<Encoded, &'static str> {
    let (body, plugin, instrument, order_id) = match entry {
        EntryRef::Core(record) => (
            body(&record.to_row())?,
            record.plugin(),
            record.instrument(),
            record.order().map(|order| order.to_string()),
        ),
        EntryRef::Host(record) => (body(&record.to_row())?, record.plugin(), None, None),
    };
    let kind = kind_of(&body).ok_or("its JSON has no kind")?.to_owned();
    Ok(Encoded {
        kind,
        plugin: plugin.map(|PluginId(id)| i64::from(id)),
        instrument: instrument.map(|instrument| i64::from(instrument.0)),
        order_id,
        body,
    })
}

/// `{"kind":…}` with the version before it.
fn body(row: &impl Serialize) -> Result<String, &'static str> {
    let inner = serde_json::to_string(row).map_err(|_| "it is no JSON")?;
    let inner = inner.strip_prefix('{').ok_or("its JSON is no object")?;
    let mut body = String::with_capacity(PREFIX.len() + inner.len());
    body.push_str(PREFIX);
    body.push_str(inner);
    Ok(body)
}

/// The kind that a body says.
fn kind_of(body: &str) -> Option<&str> {
    body.strip_prefix(PREFIX)?.strip_prefix('"')?.split('"').next()
}

/// The entry that a row says; its columns must be those of its body.
pub(super) fn decode(row: &super::RawRow) -> Result<Entry, &'static str> {
    let Some(inner) = row.body.strip_prefix(PREFIX) else {
        return Err("its form is of no version that this program knows");
    };
    let inner = format!("{{{inner}");
    let entry = if is_host(&row.kind) {
        let row = serde_json::from_str(&inner).map_err(|_| "its JSON has not the right fields")?;
        Entry::Host(HostRecord::from_row(row).map_err(|problem| problem.0)?)
    } else {
        let row = serde_json::from_str(&inner).map_err(|_| "its JSON has not the right fields")?;
        Entry::Core(Record::from_row(row).map_err(|problem| problem.0)?)
    };
    let again = encode((&entry).into())?;
    let same = again.kind == row.kind
        && again.plugin == row.plugin
        && again.instrument == row.instrument
        && again.order_id == row.order_id;
    if same { Ok(entry) } else { Err("its columns are not those of its body") }
}

/// Kinds of [`HostRecord`]; all others are the engine's.
const HOST_KINDS: [&str; 12] = [
    "began",
    "started",
    "stopped",
    "plugin-loaded",
    "plugin-swapped",
    "plugin-unloaded",
    "operator",
    "fee-paid",
    "note",
    "cut-accepted",
    "restored",
    "pruned",
];

fn is_host(kind: &str) -> bool {
    HOST_KINDS.contains(&kind)
}
