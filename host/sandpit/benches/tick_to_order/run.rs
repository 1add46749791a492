//! The measurement from its arguments to its table.

use std::{env, time::Duration};

use super::{
    chain,
    exchange::{Exchange, Failure, Manner},
    report::{self, Row},
    session::{self, Addresses, Key, Session},
    share,
};

const EVENTS: u64 = 100_000;
/// Between two events of the second half.
const PAUSE: Duration = Duration::from_micros(500);
/// Threads that a tick wakes on its way: of the line, of the engine, of the strategy, and the first two
/// again on the way back. The first is there in any case.
const CHAIN: u32 = 2;
/// Events before the watch runs.
const WARM_UP: u64 = 1_000;

fn arguments() -> Result<(u64, Key), Failure> {
    let (mut events, mut key) = (EVENTS, Key::Hmac);
    for word in env::args().skip(1) {
        match word.as_str() {
            // What cargo says to every bench.
            "--bench" => {}
            "hmac" => key = Key::Hmac,
            "ed25519" => key = Key::Ed25519,
            number => events = number.parse().map_err(|_| format!("`{number}` is no number"))?,
        }
    }
    Ok((events.max(1), key))
}

/// The pauses between events, and what they are called.
const PACES: [(Duration, &str); 2] = [(Duration::ZERO, "back to back"), (PAUSE, "500 µs apart")];

pub(crate) fn run() -> Result<(), Failure> {
    let (events, key) = arguments()?;
    let load = report::load();
    let mut rows = Vec::new();
    for (others, name) in [(0, "answered at once by one thread"), (CHAIN, "by a chain of threads")]
    {
        rows.extend(bare(events, others, name)?);
    }
    let (more, shares) = host(events, key)?;
    rows.extend(more);
    report::print(rows, events, &load);
    share::print(&shares);
    Ok(())
}

/// The same frames and answers without a host.
fn bare(events: u64, others: u32, name: &str) -> Result<Vec<Row>, Failure> {
    let mut exchange = Exchange::open()?;
    chain::start(exchange.market_address()?, exchange.api_address()?, others);
    exchange.wait_until("the other side", |it| Ok(it.connections() == (1, 1)), false)?;
    exchange.play(WARM_UP.min(events), Duration::ZERO, Manner::Silent)?;
    let mut rows = Vec::new();
    for (pause, pace) in PACES {
        let took = exchange.play(events, pause, Manner::Silent)?;
        rows.push((format!("{name}, {pace}"), took));
    }
    Ok(rows)
}

/// The host between the same.
fn host(events: u64, key: Key) -> Result<(Vec<Row>, Vec<String>), Failure> {
    let folder = tempfile::tempdir()?;
    let component = session::build(folder.path())?;
    let mut exchange = Exchange::open()?;
    let at = Addresses {
        rest: exchange.rest,
        market: exchange.market_address()?,
        api: exchange.api_address()?,
    };
    let mut session = Session::start(&component, at, key)?;
    let begun = exchange.wait_until("the session", |_| session.trades(), true);
    begun.map_err(|error| format!("{error}\n{}", session.said()))?;
    exchange.settle()?;
    let mut rows = Vec::new();
    let mut measure = || -> Result<(), Failure> {
        exchange.play(WARM_UP.min(events), Duration::ZERO, Manner::Exchange)?;
        for (pause, pace) in PACES {
            let took = exchange.play(events, pause, Manner::Exchange)?;
            rows.push((format!("sandpit run, {key:?}, {pace}"), took));
        }
        Ok(())
    };
    measure().map_err(|error| format!("{error}\n{}", session.said()))?;
    let counts = session.counts()?;
    session.stop()?;
    let mut shares = vec![share::journal(&session.journal())?];
    shares.extend(share::line(&counts));
    Ok((rows, shares))
}
