//! `sandpit demo`.

use serde_json::json;

use super::{
    args::DemoArgs,
    backtest::{Bar, reply},
    reply::{Exit, Failure, Reply},
    signals::stop_flag,
    terminal::Terminal,
};
use crate::demo::{self, DemoError};

pub(super) fn run(arguments: &DemoArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let stop = stop_flag()?;
    let mut watch = Bar::new(*terminal);
    let demo = demo::run(&arguments.out, arguments.seed, &mut watch, &stop)?;
    watch.end();
    let report = &demo.outcome.report;
    let mut answer = reply(&demo.outcome, &arguments.out, terminal);
    let mut faults = Vec::new();
    let mut contained = String::from("\nContained:\n");
    for plugin in &report.plugins {
        for fault in &plugin.faults {
            contained.push_str(&format!(
                "  {:<9} {} at {}\n",
                plugin.name,
                fault.code,
                String::from(fault.time)
            ));
            faults
                .push(json!({ "plugin": plugin.name, "code": fault.code, "detail": fault.detail }));
        }
    }
    contained.push_str(if demo.neighbour_unchanged {
        "  ema-cross ran beside them as it runs alone: every figure is the same, to the last digit.\n"
    } else {
        "  ema-cross did not run as it does alone: this must not happen, please report it.\n"
    });
    answer.text.push_str(&contained);
    answer.text.push_str(&next_steps(&arguments.out.display().to_string()));
    answer.json["neighbour_unchanged"] = json!(demo.neighbour_unchanged);
    answer.json["faults"] = json!(faults);
    let holds = demo.neighbour_unchanged || demo.outcome.is_partial();
    Ok(if holds { answer } else { answer.ending(Exit::Failed) })
}

fn next_steps(out: &str) -> String {
    format!(
        "\nTry next:\n\
         \x20 open {out}/report.html in a browser\n\
         \x20 sandpit report verify {out}           run it again and compare, byte for byte\n\
         \x20 sandpit plugin new my-strategy        a strategy of your own\n\
         \x20 sandpit backtest --tape {out}/market.tape --plugin plugins/market-maker\n\
         (without installing it, `sandpit` is `cargo run --release --`)\n"
    )
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Backtest(error) => error.into(),
            error @ DemoError::NoRepository => Self::from_error(Exit::Failed, &error)
                .help("run it in a clone of the repository: `cargo run --release -- demo`"),
            error @ DemoError::Folder { .. } => Self::from_error(Exit::Failed, &error),
        }
    }
}
