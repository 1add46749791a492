//! From what is wanted to streams and to lines.

use std::collections::BTreeMap;

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    market::DataKind,
    time::{Nanos, UnixNanos},
};

use super::{
    line::{Line, Stream},
    listed::{Kind, Listed, Place},
    settings::{Dialect, STREAMS_PER_LINK_MAX, Settings, TradeStream},
};
use crate::{binance::request::KlineInterval, machine::Wanted};

/// Instruments without their streams.
pub(super) fn list(
    settings: &Settings,
    instruments: Vec<(InstrumentId, Instrument)>,
) -> Vec<Listed> {
    let recovers = settings.trades == TradeStream::Aggregates;
    let place = |(index, (id, instrument)): (usize, (InstrumentId, Instrument))| Place {
        index,
        id,
        symbol: instrument.spec().symbol.clone(),
        instrument,
        levels: settings.snapshot_levels,
        patience: settings.patience,
        bar_late: settings.bar_late,
        recover_trades_max: if recovers { settings.recover_trades_max } else { 0 },
        funding: settings.funding,
    };
    instruments.into_iter().enumerate().map(|one| Listed::new(place(one))).collect()
}

/// Makes the parts that are wanted. Returns what cannot be had, in words.
pub(super) fn want(settings: &Settings, wanted: &Wanted, listed: &mut [Listed]) -> Vec<String> {
    let mut problems = Vec::new();
    let places: BTreeMap<u16, usize> =
        listed.iter().map(|one| (one.place.id.0, one.place.index)).collect();
    let unlisted = |id: InstrumentId| format!("instrument {} is not on this connection", id.0);
    if settings.always_marked {
        for one in &mut *listed {
            one.needs_quotes();
            one.needs_trades();
            if settings.dialect == Dialect::Usdm {
                one.needs_marks();
            }
        }
    }
    for (id, kind) in &wanted.data {
        let Some(one) = places.get(&id.0).and_then(|at| listed.get_mut(*at)) else {
            problems.push(unlisted(*id));
            continue;
        };
        match kind {
            DataKind::Trades => one.needs_trades(),
            DataKind::Quotes => one.needs_quotes(),
            DataKind::Depth(_) => one.needs_book(),
            DataKind::Bars(length) => match native(settings.dialect, *length) {
                Some(interval) => one.bars_of(interval, 0),
                // The engine builds them.
                None => one.needs_trades(),
            },
        }
    }
    for (id, length, bars) in &wanted.history {
        let Some(one) = places.get(&id.0).and_then(|at| listed.get_mut(*at)) else {
            problems.push(unlisted(*id));
            continue;
        };
        match native(settings.dialect, *length) {
            Some(interval) => one.bars_of(interval, *bars),
            None => problems.push(format!(
                "Binance has no bars of {} s of {}; there are none from before",
                length.0 / Nanos::SECOND.0,
                one.place.symbol
            )),
        }
    }
    problems
}

/// The interval of this length, where the market has it. Futures have no bars of a second.
fn native(dialect: Dialect, length: Nanos) -> Option<KlineInterval> {
    KlineInterval::of(length)
        .filter(|interval| dialect == Dialect::Spot || *interval != KlineInterval::Second1)
}

/// Groups the streams of all parts into lines.
pub(super) fn lines(settings: &Settings, listed: &[Listed], now: UnixNanos) -> Vec<Line> {
    let mut doors: Vec<(&str, Vec<Stream>)> = Vec::new();
    for one in listed {
        for kind in one.kinds() {
            let (url, stream) = stream(settings, &one.place, kind);
            match doors.iter_mut().find(|(door, _)| *door == url) {
                Some((_, streams)) => streams.push(stream),
                None => doors.push((url, vec![stream])),
            }
        }
    }
    let most = settings.streams_per_link_max.clamp(1, STREAMS_PER_LINK_MAX);
    let mut lines = Vec::new();
    for (url, streams) in doors {
        let mut streams = streams.into_iter().peekable();
        while streams.peek().is_some() {
            let group = streams.by_ref().take(most).collect();
            lines.push(Line::new(url.to_owned(), group, now));
        }
    }
    lines
}

fn stream<'s>(settings: &'s Settings, place: &Place, kind: Kind) -> (&'s str, Stream) {
    let Settings { doors, quiet, trades, .. } = settings;
    let (door, suffix, quiet) = match (kind, trades) {
        (Kind::Trades, TradeStream::Aggregates) => (&doors.rest, "aggTrade", quiet.trades),
        (Kind::Trades, TradeStream::Singles) => (&doors.book, "trade", quiet.trades),
        (Kind::Quotes, _) => (&doors.book, "bookTicker", quiet.quotes),
        (Kind::Depth, _) => (&doors.book, "depth@100ms", quiet.depth),
        (Kind::Marks, _) => (&doors.rest, "markPrice@1s", quiet.marks),
        (Kind::Bars(_), _) => (&doors.rest, "kline_", None),
    };
    let symbol = place.symbol.to_lowercase();
    let length = match kind {
        Kind::Bars(interval) => interval.word(),
        _ => "",
    };
    let name = format!("{symbol}@{suffix}{length}");
    (door, Stream::new(name, place.index, kind, quiet))
}
