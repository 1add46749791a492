//! `sandpit simulate`.

use std::{fmt::Write as _, fs, path::Path, sync::atomic::Ordering, thread};

use sandpit_core::engine::Sound;
use serde_json::{Value, json};

use super::{
    args::SimulateArgs,
    reply::{Exit, Failure, Reply},
    signals::stop_flag,
    terminal::Terminal,
};
use crate::simulate::{self, Counts, Keep, Plan, Slip, Summary, Violation, Worlds};

pub(super) fn run(arguments: &SimulateArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let plan = Plan { seed: arguments.seed, steps: arguments.steps, slip: Slip::None };
    if let Some(path) = &arguments.trace {
        return traced(&plan, path);
    }
    if arguments.seeds <= 1 {
        return Ok(match simulate::run::<Sound>(&plan, Keep::Nothing) {
            Ok(summary) => one(&summary),
            Err(violation) => broken(&violation),
        });
    }
    let stop = stop_flag()?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.map_or(cores, usize::from).max(1);
    let bar = terminal.progress(arguments.seeds);
    let worlds = simulate::run_many::<Sound>(&plan, arguments.seeds, threads, &stop, &|summary| {
        bar.inc(1);
        tracing::info!(seed = summary.seed, steps = summary.steps, hash = %summary.hash, "held");
    });
    bar.finish_and_clear();
    if let Some(violation) = &worlds.violation {
        return Ok(broken(violation));
    }
    let reply = many(&worlds, arguments.seed);
    Ok(if stop.load(Ordering::Relaxed) { reply.ending(Exit::Interrupted) } else { reply })
}

/// One world with all its lines in a file, whether everything held in it or not.
fn traced(plan: &Plan, path: &Path) -> Result<Reply, Failure> {
    let outcome = simulate::run::<Sound>(plan, Keep::Everything);
    let (mut reply, lines) = match outcome {
        Ok(mut summary) => {
            let lines = std::mem::take(&mut summary.trace);
            (one(&summary), lines)
        }
        Err(mut violation) => {
            let lines = violation.trace.clone();
            let first = lines.len().saturating_sub(simulate::TRACE_LINES);
            violation.trace.drain(..first);
            (broken(&violation), lines)
        }
    };
    fs::write(path, lines.join("\n") + "\n").map_err(|error| {
        Failure::from_error(Exit::Failed, &error)
            .help(format!("the trace was to be written to {}", path.display()))
    })?;
    let _ = write!(reply.text, "\n{} lines in {}", lines.len(), path.display());
    Ok(reply)
}

fn one(summary: &Summary) -> Reply {
    let mut text = format!(
        "Everything held in seed {}: {} steps\ntrace {}\n",
        summary.seed, summary.steps, summary.hash
    );
    list(&summary.counts, &mut text);
    let json = json!({
        "seed": summary.seed,
        "steps": summary.steps,
        "hash": summary.hash,
        "counts": counts(&summary.counts),
    });
    Reply::new(text, json)
}

fn many(worlds: &Worlds, first: u64) -> Reply {
    let mut text = format!(
        "Everything held in {} worlds from seed {first} on: {} steps\n",
        worlds.held, worlds.steps
    );
    list(&worlds.counts, &mut text);
    let json = json!({
        "first_seed": first,
        "held": worlds.held,
        "steps": worlds.steps,
        "counts": counts(&worlds.counts),
    });
    Reply::new(text, json)
}

fn list(counts: &Counts, text: &mut String) {
    for (name, count) in counts.named() {
        let _ = writeln!(text, "  {:<16} {count:>14}", name.replace('_', " "));
    }
}

fn counts(counts: &Counts) -> Value {
    counts.named().into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect()
}

fn broken(violation: &Violation) -> Reply {
    let again = format!("sandpit simulate --seed {} --steps {}", violation.seed, violation.steps);
    let mut text = format!(
        "`{}` did not hold in seed {} at step {}:\n  {}\n\nWhat came before:\n",
        violation.invariant, violation.seed, violation.step, violation.detail
    );
    for line in &violation.trace {
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(
        text,
        "\nTo see it again:        {again}\nWith everything before: {again} --trace trace.txt"
    );
    let json = json!({
        "violation": {
            "seed": violation.seed,
            "step": violation.step,
            "invariant": violation.invariant.name(),
            "detail": violation.detail,
            "trace": violation.trace,
            "again": again,
        }
    });
    Reply::new(text, json).ending(Exit::Failed)
}
