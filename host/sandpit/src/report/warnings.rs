//! What a reader must know before believing a figure.

use super::{
    model::{Ending, Report},
    recorder::Recorder,
    scope::INSTRUMENTS_DRAWN_MAX,
};

/// Trades below which statistics of trades are called thin.
const TRADES_FEW: u64 = 30;

/// The warnings that a report calls for.
pub(crate) fn of(report: &Report, recorder: &Recorder) -> Vec<String> {
    let mut found = Vec::new();
    let mut warn = |when: bool, text: &str| {
        if when {
            found.push(text.to_owned());
        }
    };
    let (run, account) = (&report.run, &report.account.metrics);
    match &run.ending {
        Ending::Completed => {}
        Ending::Interrupted => warn(
            true,
            "The run was stopped before the end of the data; the report covers what ran.",
        ),
        Ending::Failed(error) => {
            warn(true, &format!("The run failed before the end of the data: {error}"));
        }
    }
    warn(
        run.synthetic,
        "The market data is synthetic. It shows how the host works, not what a strategy earns.",
    );
    warn(
        run.latency_ns == 0,
        "Orders reach the venue without latency: a real one sees the market move first.",
    );
    let free = |i: &super::model::InstrumentSection| i.maker_fee == "0" && i.taker_fee == "0";
    warn(
        !report.market.instruments.is_empty() && report.market.instruments.iter().all(free),
        "No fees are charged.",
    );
    warn(report.market.first.is_none(), "There were no market events.");
    warn(
        account.trades > 0 && account.trades < TRADES_FEW,
        "Fewer than 30 trades closed: statistics of trades say little.",
    );
    warn(
        !report.account.positions.is_empty(),
        "Positions are open at the end; they are valued at their last mark, without the cost of closing them.",
    );
    let scopes = || std::iter::once(&recorder.account).chain(&recorder.plugins);
    warn(
        scopes().any(|scope| scope.days.moments().is_none() || scope.hours.moments().is_none()),
        "An equity fell to zero or below: returns after that have no meaning and are left out.",
    );
    warn(
        scopes().any(|scope| scope.days.dropped() > 0),
        "The run has more days than the table of days keeps; statistics count all of them.",
    );
    if scopes().any(|scope| scope.not_drawn) {
        warn(
            true,
            &format!(
                "Positions are drawn for the first {INSTRUMENTS_DRAWN_MAX} traded instruments only."
            ),
        );
    }
    warn(
        report.alerts_total > 0,
        "There are alerts: something happened that a person must look at.",
    );
    for plugin in &report.plugins {
        if plugin.faults_total > 0 {
            warn(true, &format!("Plugin {} was at fault; see its faults.", plugin.name));
        }
    }
    found
}
