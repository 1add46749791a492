//! Recording an exchange's market without a session: no key, no plugin, one tape.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use sandpit_core::{
    ids::InstrumentId,
    market::{DataKind, MarketEvent},
    time::UnixNanos,
};
use sandpit_journal::tape::{TapeClock, TapeHeader, TapeWriter};
use sandpit_venue::machine::{Notice, Told, Wanted};

use super::{Connection, connect};
use crate::{
    backtest::Watch,
    config::AnyAddress,
    session::{SessionError, VenueError},
};

/// How often what was recorded is put on disk, so that a crash loses no more than this.
const SYNC_EVERY: Duration = Duration::from_secs(10);
/// Between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);
/// Events between two words about progress.
const EVENTS_PER_WORD: u64 = 1_024;
const SOURCE: &str = "recorded live";

/// What is recorded, and until when.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Of every symbol.
    pub kinds: Vec<DataKind>,
    /// Ends after so long; otherwise when it is stopped.
    pub length: Option<Duration>,
}

/// What was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Events.
    pub events: u64,
    /// Bytes of the tape.
    pub bytes: u64,
}

/// Records until it is stopped, or for so long as is said.
///
/// # Errors
/// The venue cannot be opened, or the tape not be written.
pub fn record(
    connection: Connection,
    recording: &Recording,
    out: &Path,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<Recorded, SessionError> {
    let Some(connected) = connect(connection, AnyAddress::Warn, &mut |_| (), watch, stop)? else {
        return Ok(Recorded::default());
    };
    let link = connected.link;
    let header = TapeHeader {
        instruments: connected.instruments,
        clock: TapeClock::Host,
        source: SOURCE.to_owned(),
    };
    let mut tape = TapeWriter::create(out, &header)?;
    let ids = (0..header.instruments.len()).filter_map(|at| u16::try_from(at).ok());
    let of_all = |id| recording.kinds.iter().map(move |kind| (InstrumentId(id), *kind));
    let wanted = Wanted { data: ids.flat_map(of_all).collect(), history: Vec::new() };
    link.tell(Told::Begin(wanted))
        .map_err(|_| VenueError::CannotOpen { why: "its line takes nothing".to_owned() })?;
    let (begin, mut synced) = (Instant::now(), Instant::now());
    let (mut events, mut last) = (0u64, UnixNanos(0));
    let goes_on = |begin: Instant| {
        !stop.load(Ordering::Relaxed)
            && recording.length.is_none_or(|length| begin.elapsed() < length)
    };
    while goes_on(begin) {
        while let Some(notice) = link.take_notice().map_err(VenueError::Client)? {
            tell(notice, watch)?;
        }
        while let Some(event) = link.take_market()? {
            last = last.max(event.time);
            tape.append(&MarketEvent { time: last, ..event })?;
            events += 1;
            if events.is_multiple_of(EVENTS_PER_WORD) {
                watch.at(events);
            }
        }
        if synced.elapsed() >= SYNC_EVERY {
            tape.sync()?;
            synced = Instant::now();
        }
        link.wait(LOOK);
    }
    link.close().map_err(VenueError::Market)?;
    Ok(Recorded { events, bytes: tape.finish()? })
}

fn tell(notice: Notice, watch: &mut dyn Watch) -> Result<(), SessionError> {
    match notice {
        Notice::Waiting(what) => watch.note(&what),
        Notice::Live => watch.note("the markets are recorded"),
        Notice::Markets(up) => {
            watch.note(if up { "the markets are up" } else { "the markets are down" })
        }
        Notice::Alert(what) => watch.note(&format!("alert: {what}")),
        Notice::CannotOpen(why) => return Err(VenueError::CannotOpen { why }.into()),
        Notice::Opened(_) | Notice::Orders(_) | Notice::Key(_) => {}
    }
    Ok(())
}
