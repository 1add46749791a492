//! Being connected to an exchange before a session begins: what there is to trade, what the key may
//! do, and what the session wants of the markets.

use std::{
    collections::BTreeSet,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sandpit_core::{
    engine::EngineConfig, ids::InstrumentId, instrument::Instrument, market::DataKind,
};
use sandpit_plugin::{Mode, WarmUp};
use sandpit_venue::{
    client::Client,
    machine::{KeyRights, Notice, Opened, Wanted},
};

use super::{Connection, Link};
use crate::{
    backtest::Watch,
    config::AnyAddress,
    keys::judge,
    session::{SessionError, VenueError},
};

/// Between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// A line that is open.
pub(in crate::session) struct Connected {
    pub(in crate::session) link: Rc<Link>,
    /// What is traded, by the venue's rules.
    pub(in crate::session) instruments: Vec<Instrument>,
    /// The venue's clock less ours, in nanoseconds.
    pub(in crate::session) clock_offset_nanos: i64,
}

/// Connects, and waits for what the venue says of itself; `meanwhile` is called again and again, with
/// what is waited for where that has changed. `None` where it was stopped before.
pub(in crate::session) fn connect(
    connection: Connection,
    any_address: AnyAddress,
    meanwhile: &mut dyn FnMut(Option<&str>),
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<Option<Connected>, SessionError> {
    let rules = (connection.mode, any_address);
    let client =
        Client::start(connection.machine, connection.settings).map_err(VenueError::Client)?;
    let link = Rc::new(Link::new(client));
    while !stop.load(Ordering::Relaxed) {
        while let Some(notice) = link.take_notice().map_err(VenueError::Client)? {
            match notice {
                Notice::Opened(opened) => return opened_as(*opened, rules, link, watch).map(Some),
                Notice::CannotOpen(why) => return Err(VenueError::CannotOpen { why }.into()),
                Notice::Waiting(what) => {
                    meanwhile(Some(&what));
                    watch.note(&what);
                }
                Notice::Alert(what) => watch.note(&format!("alert: {what}")),
                Notice::Live | Notice::Orders(_) | Notice::Markets(_) | Notice::Key(_) => {}
            }
        }
        meanwhile(None);
        link.wait(LOOK);
    }
    link.close().map_err(VenueError::Market)?;
    Ok(None)
}

fn opened_as(
    opened: Opened,
    (mode, any_address): (Mode, AnyAddress),
    link: Rc<Link>,
    watch: &mut dyn Watch,
) -> Result<Connected, SessionError> {
    if let Some(rights) = opened.key {
        check_rights(rights, mode, any_address, watch)?;
    }
    let instruments = opened
        .instruments
        .into_iter()
        .map(Instrument::new)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| VenueError::CannotOpen { why: error.to_string() })?;
    Ok(Connected { link, instruments, clock_offset_nanos: opened.clock_offset_nanos })
}

/// A key that can do more than trade is a danger, and one that cannot trade is of no use.
fn check_rights(
    rights: KeyRights,
    mode: Mode,
    any_address: AnyAddress,
    watch: &mut dyn Watch,
) -> Result<(), SessionError> {
    let judged = judge(rights, true, mode, any_address);
    if let Some(why) = judged.refused {
        return Err(VenueError::KeyRefused { why: why.to_owned() }.into());
    }
    for why in judged.warnings {
        watch.note(&format!("alert: the key: {why}"));
    }
    Ok(())
}

/// What plugins want, and what the host needs to know what positions are worth.
pub(in crate::session) fn wanted(engine: &EngineConfig, warm_up: &[WarmUp]) -> Wanted {
    let mut data = BTreeSet::new();
    let mut traded = BTreeSet::new();
    for plugin in &engine.plugins {
        for instrument in &plugin.instruments {
            traded.insert(*instrument);
            data.extend(plugin.subscriptions.kinds.iter().map(|kind| (*instrument, *kind)));
        }
    }
    for instrument in &traded {
        data.extend([(*instrument, DataKind::Trades), (*instrument, DataKind::Quotes)]);
    }
    // One bar at least, so that it is known from the first moment on which bars the venue tells.
    let bars = data.iter().filter_map(|(instrument, kind)| match kind {
        DataKind::Bars(interval) => Some((*instrument, *interval, 1)),
        _ => None,
    });
    let of_all = |warm_up: &WarmUp| -> Vec<_> {
        let DataKind::Bars(interval) = warm_up.kind else { return Vec::new() };
        let one = |instrument: &InstrumentId| (*instrument, interval, warm_up.count);
        traded.iter().map(one).collect()
    };
    let history: BTreeSet<_> = warm_up.iter().flat_map(of_all).chain(bars).collect();
    Wanted { data: data.into_iter().collect(), history: longest(history) }
}

type History = (InstrumentId, sandpit_core::time::Nanos, u32);

/// Of each instrument and interval the longest history: the set is in order, so that is the last.
fn longest(history: BTreeSet<History>) -> Vec<History> {
    let mut longest: Vec<History> = Vec::new();
    for (instrument, interval, count) in history {
        match longest.last_mut() {
            Some(last) if (last.0, last.1) == (instrument, interval) => last.2 = count,
            _ => longest.push((instrument, interval, count)),
        }
    }
    longest
}
