//! What can be said of a component without running a session, as plain values for tables and JSON.

use sandpit_core::market::DataKind;
use serde::Serialize;

use crate::{
    check::Checked,
    describe::{Description, ParameterKind},
    limits::{COMPONENT_BYTES_MAX, Limits, STACK_BYTES_MAX},
};

/// A component as people look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The strategy's name.
    pub name: String,
    /// The strategy's version.
    pub version: String,
    /// What it does and when it loses.
    pub summary: String,
    /// SHA-256 of the component, in hexadecimal.
    pub sha256: String,
    /// Bytes of the component.
    pub size_bytes: usize,
    /// World that it was built for, with the version.
    pub world: String,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Market data that it wants.
    pub subscriptions: Vec<String>,
    /// History that it wants.
    pub warm_up: Vec<WarmUpView>,
    /// Settings.
    pub parameters: Vec<ParameterView>,
    /// Number of the layout of its saved state.
    pub state_schema: u32,
    /// What it may use.
    pub limits: LimitsView,
}

/// History that a strategy wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WarmUpView {
    /// Of what.
    pub kind: String,
    /// How many events for each instrument.
    pub count: u32,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParameterView {
    /// Name.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// `boolean`, `integer`, `decimal`, `choice` or `text`.
    pub kind: &'static str,
    /// Where none is given.
    pub default: String,
    /// What it takes, for people.
    pub accepts: String,
}

/// What a component may use, in plain numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitsView {
    /// Bytes of a component.
    pub component_bytes_max: usize,
    /// Bytes of all memories.
    pub memory_bytes_max: usize,
    /// Elements of all tables.
    pub table_elements_max: usize,
    /// Bytes of stack.
    pub stack_bytes_max: usize,
    /// Fuel of one call.
    pub fuel_per_call_max: u64,
    /// Fuel of the start.
    pub fuel_start_max: u64,
    /// Wall time of one call.
    pub call_deadline_ms: u128,
    /// Wall time of the start.
    pub start_deadline_ms: u128,
    /// Intents of one call.
    pub intents_per_call_max: usize,
    /// Intents per second of event time.
    pub intents_per_second_max: u32,
    /// Bytes that one call may hand over.
    pub output_bytes_max: usize,
    /// Bytes of a saved state.
    pub state_bytes_max: usize,
    /// Bytes of a log line.
    pub log_line_bytes_max: usize,
    /// Bytes of log lines per second of event time.
    pub log_bytes_per_second_max: u64,
    /// Bytes of a core dump.
    pub core_dump_bytes_max: usize,
}

impl From<&Limits> for LimitsView {
    fn from(limits: &Limits) -> Self {
        Self {
            component_bytes_max: COMPONENT_BYTES_MAX,
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
            stack_bytes_max: STACK_BYTES_MAX,
            fuel_per_call_max: limits.fuel_per_call_max,
            fuel_start_max: limits.fuel_start_max,
            call_deadline_ms: limits.call_deadline.as_millis(),
            start_deadline_ms: limits.start_deadline.as_millis(),
            intents_per_call_max: limits.intents_per_call_max,
            intents_per_second_max: limits.intents_per_second_max,
            output_bytes_max: limits.output_bytes_max,
            state_bytes_max: limits.state_bytes_max,
            log_line_bytes_max: limits.log_line_bytes_max,
            log_bytes_per_second_max: limits.log_bytes_per_second_max,
            core_dump_bytes_max: limits.core_dump_bytes_max,
        }
    }
}

impl Inspection {
    /// Puts together what the checks and the component itself have said.
    #[must_use]
    pub fn new(checked: &Checked, description: &Description, limits: &Limits) -> Self {
        Self {
            name: description.name.clone(),
            version: description.version.clone(),
            summary: description.summary.clone(),
            sha256: checked.sha256_hex(),
            size_bytes: checked.bytes().len(),
            world: format!("sandpit:strategy/strategy@{}", checked.contract()),
            imports: checked.imports().to_vec(),
            exports: checked.exports().to_vec(),
            subscriptions: description.subscriptions.iter().copied().map(data_kind).collect(),
            warm_up: description
                .warm_up
                .iter()
                .map(|entry| WarmUpView { kind: data_kind(entry.kind), count: entry.count })
                .collect(),
            parameters: description
                .parameters
                .iter()
                .map(|parameter| ParameterView {
                    name: parameter.name.clone(),
                    summary: parameter.summary.clone(),
                    kind: kind_name(&parameter.kind),
                    default: parameter.kind.default_value().to_string(),
                    accepts: parameter.kind.to_string(),
                })
                .collect(),
            state_schema: description.state_schema,
            limits: LimitsView::from(limits),
        }
    }
}

fn data_kind(kind: DataKind) -> String {
    const NANOS_PER_MILLI: u64 = 1_000_000;
    match kind {
        DataKind::Trades => "trades".to_owned(),
        DataKind::Quotes => "quotes".to_owned(),
        DataKind::Bars(interval) if interval.0 % 1_000_000_000 == 0 => {
            format!("bars of {} s", interval.0 / 1_000_000_000)
        }
        DataKind::Bars(interval) => format!("bars of {} ms", interval.0 / NANOS_PER_MILLI),
        DataKind::Depth(levels) => format!("depth of {levels} levels"),
    }
}

const fn kind_name(kind: &ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Boolean { .. } => "boolean",
        ParameterKind::Integer { .. } => "integer",
        ParameterKind::Decimal { .. } => "decimal",
        ParameterKind::Choice { .. } => "choice",
        ParameterKind::Text { .. } => "text",
    }
}
