//! What the call log costs: `cargo bench -p sandpit --bench call_log`. One strategy over one market,
//! inline, with its calls written to disk and without, in turns.

#[path = "../tests/replay/session.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which need other parts and may unwrap"
)]
mod session;

use std::{fs, io::Write as _, path::Path, time::Instant};

use sandpit_core::{
    market::{MarketData, MarketEvent},
    plugin::PluginEvent,
};
use sandpit_journal::tape::TapeReader;
use sandpit_plugin::{AnyRunner, Recorded, Runner as _};

use session::Stage;

const ROUNDS: usize = 7;
const CALLS: usize = 1_000_000;

fn main() {
    let stage = Stage::new("ema-cross");
    let mut out = std::io::stdout();
    let folder = stage.folder.path();
    let events = trades(&folder.join("market.tape"));
    let (mut without, mut with, mut bytes) = (f64::INFINITY, f64::INFINITY, 0);
    let mut slowest = [0.0f64; 2];
    for round in 0..ROUNDS {
        let log = folder.join(format!("log-{round}"));
        let (ns, worst) = ns_per_call(&mut stage.started(None), &events);
        (without, slowest[0]) = (without.min(ns), worst);
        let (ns, worst) = ns_per_call(&mut stage.started(Some(&log)), &events);
        (with, slowest[1]) = (with.min(ns), worst);
        bytes = size(&log);
    }
    let _ = writeln!(out, "one call inline, best of {ROUNDS} rounds of {CALLS}");
    let _ = writeln!(out, "without the log {without:7.1} ns");
    let _ = writeln!(out, "with it         {with:7.1} ns, {:.2} times", with / without);
    let _ = writeln!(
        out,
        "slowest 1,000 calls in a row {:.0} ns each without, {:.0} ns with",
        slowest[0], slowest[1]
    );
    let _ = writeln!(out, "on disk         {:7.1} bytes a call", bytes as f64 / CALLS as f64);
}

/// The trades of one instrument.
fn trades(tape: &Path) -> Vec<PluginEvent> {
    let mut events: Vec<MarketEvent> = Vec::new();
    for event in TapeReader::open(tape).into_iter().flatten().flatten() {
        if event.instrument.0 == 0 && matches!(event.data, MarketData::Trade(_)) {
            events.push(event);
        }
    }
    let told = |event: MarketEvent| PluginEvent::Market { event, history: false };
    events.into_iter().map(told).collect()
}

/// The mean, and the worst mean of a thousand calls in a row.
fn ns_per_call(runner: &mut Recorded<AnyRunner>, events: &[PluginEvent]) -> (f64, f64) {
    const PART: usize = 1_000;
    let mut intents = Vec::new();
    let (mut worst, begun) = (0.0f64, Instant::now());
    let mut part = Instant::now();
    for (number, event) in events.iter().cycle().take(CALLS).enumerate() {
        if let Err(fault) = runner.call(event, &mut intents) {
            panic!("{}", fault.detail);
        }
        intents.clear();
        if (number + 1).is_multiple_of(PART) {
            worst = worst.max(part.elapsed().as_secs_f64() * 1e9 / PART as f64);
            part = Instant::now();
        }
    }
    (begun.elapsed().as_secs_f64() * 1e9 / CALLS as f64, worst)
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
