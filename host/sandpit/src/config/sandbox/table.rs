//! The limits as tables of Markdown, for docs/operators/plugins.md.

use std::fmt::Write as _;

use sandpit_core::plugin::FaultCode;
use sandpit_plugin::Profile;

use super::{Limit, Total};
use crate::admin::RefusalCode;

/// Digits between two separators.
const GROUP: usize = 3;

/// A number that people can read: `65,536`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(GROUP) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// All limits of one strategy.
#[must_use]
pub fn sandbox_table() -> String {
    let mut table = String::from(
        "| key | bounds | default | heavy | allowed | shown | exceeding it |\n|---|---|---|---|---|---|---|\n",
    );
    for limit in Limit::ALL {
        let range = limit.range();
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} | {} to {} | {} | {} |",
            limit.key(),
            limit.bounds(),
            grouped(limit.default_value()),
            heavy(limit),
            grouped(*range.start()),
            grouped(*range.end()),
            limit.metric(),
            limit.exceeded().words(),
        );
    }
    table
}

/// What the heavy profile allows, where it is another value.
fn heavy(limit: Limit) -> String {
    match limit.default_in(Profile::Heavy) {
        value if value == limit.default_value() => "same".to_owned(),
        value => grouped(value),
    }
}

/// Every fault.
const FAULTS: [FaultCode; 13] = [
    FaultCode::Trap,
    FaultCode::FuelExhausted,
    FaultCode::DeadlineExceeded,
    FaultCode::MemoryExceeded,
    FaultCode::StackExhausted,
    FaultCode::TooManyIntents,
    FaultCode::IntentRateExceeded,
    FaultCode::OutputExceeded,
    FaultCode::MalformedOutput,
    FaultCode::StartRefused,
    FaultCode::RunnerLost,
    FaultCode::Lagging,
    FaultCode::CpuShareExceeded,
];

/// What a strategy did, for people.
const fn meaning(fault: FaultCode) -> &'static str {
    match fault {
        FaultCode::Trap => "It trapped: a panic, a division by zero, an access out of bounds.",
        FaultCode::FuelExhausted => "It used up the fuel of a call: it looped, or does too much.",
        FaultCode::DeadlineExceeded => "It was not back in time, by the clock.",
        FaultCode::MemoryExceeded => "It wanted more memory, or larger tables, than it may have.",
        FaultCode::StackExhausted => "Its calls went too deep.",
        FaultCode::TooManyIntents => "It asked for too much in one call.",
        FaultCode::IntentRateExceeded => "It asked for too much over ten seconds.",
        FaultCode::OutputExceeded => "It handed over more bytes than it may.",
        FaultCode::MalformedOutput => "What it handed over breaks the contract.",
        FaultCode::StartRefused => "It refused the session: `start` returned an error.",
        FaultCode::RunnerLost => "Its process is gone, or says what no runner says.",
        FaultCode::Lagging => "Too much waits for it, or for too long.",
        FaultCode::CpuShareExceeded => "It used more of a processor, over a minute, than it may.",
    }
}

/// All codes of faults.
#[must_use]
pub fn faults_table() -> String {
    let mut table = String::from("| code | meaning |\n|---|---|\n");
    for fault in FAULTS {
        let _ = writeln!(table, "| `{}` | {} |", fault.name(), meaning(fault));
    }
    table
}

/// All codes with which a session refuses a command.
#[must_use]
pub fn command_refusals_table() -> String {
    let mut table = String::from("| code | meaning |\n|---|---|\n");
    for code in RefusalCode::ALL {
        let _ = writeln!(table, "| `{}` | {} |", code.name(), code.meaning());
    }
    table
}

/// All limits over all strategies.
#[must_use]
pub fn totals_table() -> String {
    let mut table = String::from(
        "| key | bounds | default | allowed | exceeding it |\n|---|---|---|---|---|\n",
    );
    for total in Total::ALL {
        let range = total.range();
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} to {} | {} |",
            total.key(),
            total.bounds(),
            grouped(total.default_value()),
            grouped(*range.start()),
            grouped(*range.end()),
            total.exceeded().words(),
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (17_179_869_184, "17,179,869,184")]
        {
            assert_eq!(grouped(number), text);
        }
    }
}
