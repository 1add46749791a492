//! What a runner answers: hostile.

use sandpit_core::{
    intent::Intent,
    plugin::{Fault, FaultCode},
};

use super::{
    Header, Kind, Reader, WireError, Writer, begin,
    described::{description, put_description},
    end,
    intents::{intent, put_intent},
    put_walls, walls,
};
use crate::{
    describe::Description,
    limits::{DESCRIBE_OUTPUT_BYTES_MAX, FAULT_DETAIL_BYTES_MAX, Limits, REASON_BYTES_MAX},
    log::LogLevel,
    port::Usage,
    runner::walls::Wall,
    text::push_escaped,
};

/// Bytes of an intent; the longest is a bracket.
const INTENT_BYTES_MAX: usize = 96;
/// Bytes of a log line beside its text.
const LINE_BYTES: usize = 5;
/// Bytes of an answer beside its texts and lists.
const FIXED_BYTES: usize = 256;
/// Bytes that a character may take once it is escaped, for each that it had.
const ESCAPED_FACTOR: usize = 6;

/// One line of a guest's log.
pub(crate) type Line<'a> = (LogLevel, &'a str);

/// What comes with every answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras<'a> {
    /// What only its store knows.
    pub(crate) usage: Usage,
    /// Log lines of this request.
    pub(crate) lines: Vec<Line<'a>>,
}

/// A runner's answer. The intents of [`Self::Done`] are read and written apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It stands behind its walls.
    Hello(Vec<Wall>),
    /// It has loaded the component; the walls that came last.
    Described(Vec<Wall>, Box<Description>),
    /// It is through with it.
    Done { fuel: u64 },
    /// The strategy keeps its old parameters, for this reason.
    Refused { reason: String },
    /// The strategy's state.
    Saved(Vec<u8>),
    /// The strategy is at fault.
    Fault {
        fault: Fault,
        /// Bytes of the core dump that can be asked for.
        dump_bytes: usize,
    },
    /// The core dump. Nobody here looks into it.
    Dumped(Vec<u8>),
}

/// What an answer may hold, from the plugin's limits and what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Bytes of the whole body.
    pub(crate) frame_bytes_max: usize,
    fuel_max: u64,
    intents_max: usize,
    state_bytes_max: usize,
    memory_bytes_max: usize,
    table_elements_max: usize,
    output_bytes_max: usize,
    /// Bytes of a core dump that is here.
    dump_bytes_max: usize,
    /// Bytes of one that can be asked for.
    dump_to_come_bytes_max: usize,
    lines_max: usize,
    line_bytes_max: usize,
}

impl Bounds {
    /// Of anything: for tests of what is on the wire.
    #[cfg(test)]
    pub(super) fn widest(limits: &Limits) -> Self {
        let state_bytes_max = limits.state_bytes_max;
        let dump_bytes_max = limits.core_dump_bytes_max;
        Self { state_bytes_max, dump_bytes_max, ..Self::of_call(limits, false) }
    }

    fn none(limits: &Limits) -> Self {
        Self {
            frame_bytes_max: 0,
            fuel_max: 0,
            intents_max: 0,
            state_bytes_max: 0,
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
            // A line for the log may be as long as whatever else could come at that time.
            output_bytes_max: limits
                .handed_over_bytes_max()
                .max(limits.state_bytes_max)
                .max(DESCRIBE_OUTPUT_BYTES_MAX),
            dump_bytes_max: 0,
            dump_to_come_bytes_max: limits.core_dump_bytes_max,
            lines_max: 0,
            line_bytes_max: limits.log_line_bytes_max,
        }
    }

    fn sized(mut self, limits: &Limits, more: usize) -> Self {
        // Every line costs a byte of the budget at least, so there are no more lines than bytes.
        let budget = usize::try_from(limits.log_bytes_per_second_max).unwrap_or(usize::MAX);
        self.lines_max = budget;
        self.frame_bytes_max = budget
            .saturating_mul(LINE_BYTES + 1)
            .saturating_add(self.intents_max.saturating_mul(INTENT_BYTES_MAX))
            .saturating_add(FIXED_BYTES + FAULT_DETAIL_BYTES_MAX)
            .saturating_add(more)
            .min(super::REQUEST_BYTES_MAX);
        self
    }

    /// Of the answer to a process's start.
    pub(crate) fn of_hello(limits: &Limits) -> Self {
        Self { frame_bytes_max: super::HELLO_BYTES_MAX, ..Self::none(limits) }
    }

    /// Of the answer to a load.
    pub(crate) fn of_load(limits: &Limits) -> Self {
        Self::none(limits).sized(limits, DESCRIBE_OUTPUT_BYTES_MAX + super::HELLO_BYTES_MAX)
    }

    /// Of the answer to a start.
    pub(crate) fn of_start(limits: &Limits) -> Self {
        let (fuel_max, intents_max) = (limits.fuel_start_max, limits.intents_per_call_max);
        Self { fuel_max, intents_max, ..Self::none(limits) }.sized(limits, 0)
    }

    /// Of the answer to a call or to new parameters; history trades with nobody.
    pub(crate) fn of_call(limits: &Limits, history: bool) -> Self {
        let intents_max = if history { 0 } else { limits.intents_per_call_max };
        Self { fuel_max: limits.fuel_per_call_max, intents_max, ..Self::none(limits) }
            .sized(limits, 0)
    }

    /// Of the answer to a save.
    pub(crate) fn of_save(limits: &Limits) -> Self {
        let state_bytes_max = limits.state_bytes_max;
        Self { state_bytes_max, ..Self::none(limits) }.sized(limits, state_bytes_max)
    }

    /// Of the answer to a stop.
    pub(crate) fn of_stop(limits: &Limits) -> Self {
        Self::none(limits).sized(limits, 0)
    }

    /// Of a core dump.
    pub(crate) fn of_dump(limits: &Limits) -> Self {
        let dump_bytes_max = limits.core_dump_bytes_max;
        Self { dump_bytes_max, ..Self::none(limits) }.sized(limits, dump_bytes_max)
    }
}

/// Writes all of an answer's frame.
pub(crate) fn put_answer(
    out: &mut Writer,
    sequence: u32,
    answer: &Answer,
    intents: &[Intent],
    extras: &Extras<'_>,
) -> Result<(), WireError> {
    match answer {
        Answer::Hello(walls) => {
            begin(out, sequence, Kind::Hello);
            put_walls(out, walls);
            return end(out);
        }
        Answer::Described(walls, description) => {
            begin(out, sequence, Kind::Described);
            put_walls(out, walls);
            put_description(out, description);
        }
        Answer::Done { fuel } => {
            begin(out, sequence, Kind::Done);
            out.u64(*fuel);
            out.count(intents.len());
            for intent in intents {
                put_intent(out, intent);
            }
        }
        Answer::Refused { reason } => {
            begin(out, sequence, Kind::Refused);
            out.text(reason);
        }
        Answer::Saved(state) => {
            begin(out, sequence, Kind::Saved);
            out.slice(state);
        }
        Answer::Fault { fault, dump_bytes } => {
            begin(out, sequence, Kind::Fault);
            out.u8(fault_number(fault.code));
            out.text(&fault.detail);
            out.usize(*dump_bytes);
        }
        Answer::Dumped(dump) => {
            begin(out, sequence, Kind::Dumped);
            out.slice(dump);
        }
    }
    put_usage(out, &extras.usage);
    out.count(extras.lines.len());
    for (level, text) in &extras.lines {
        out.u8(*level as u8);
        out.text(text);
    }
    end(out)
}

/// Reads the body of an answer's frame. The intents of one that is done are appended to `intents`;
/// where anything is wrong, `intents` is as it was.
pub(crate) fn read_answer<'a>(
    head: Header,
    body: &'a [u8],
    bounds: &Bounds,
    intents: &mut Vec<Intent>,
) -> Result<(Answer, Extras<'a>), WireError> {
    let before = intents.len();
    let read = read(head, body, bounds, intents);
    if read.is_err() {
        intents.truncate(before);
    }
    read
}

fn read<'a>(
    head: Header,
    body: &'a [u8],
    bounds: &Bounds,
    intents: &mut Vec<Intent>,
) -> Result<(Answer, Extras<'a>), WireError> {
    let from = &mut Reader::new(body);
    let answer = match head.kind {
        Kind::Hello => {
            let walls = walls(from)?;
            from.end()?;
            return Ok((Answer::Hello(walls), Extras::default()));
        }
        Kind::Described => Answer::Described(walls(from)?, Box::new(description(from)?)),
        Kind::Done => {
            let fuel = from.u64()?;
            if fuel > bounds.fuel_max {
                return Err(WireError::Count { what: "fuel", count: fuel, limit: bounds.fuel_max });
            }
            for _ in 0..from.count("intents", bounds.intents_max)? {
                intents.push(intent(from)?);
            }
            Answer::Done { fuel }
        }
        Kind::Refused => {
            let reason = from.text("a reason", REASON_BYTES_MAX * ESCAPED_FACTOR)?;
            Answer::Refused { reason: crate::text::escaped(reason, REASON_BYTES_MAX * 2) }
        }
        Kind::Saved => Answer::Saved(from.slice("a state", bounds.state_bytes_max)?.to_vec()),
        Kind::Fault => {
            let number = from.u8()?;
            let code =
                fault_code(number).ok_or(WireError::Tag { what: "a fault", value: number })?;
            let detail = lines(from.text("a fault's detail", FAULT_DETAIL_BYTES_MAX)?);
            let dump_bytes = from.usize()?;
            bounded("bytes of a core dump", dump_bytes, bounds.dump_to_come_bytes_max)?;
            Answer::Fault { fault: Fault { code, detail }, dump_bytes }
        }
        Kind::Dumped => Answer::Dumped(from.slice("a core dump", bounds.dump_bytes_max)?.to_vec()),
        request => return Err(WireError::Kind(request as u8)),
    };
    let usage = usage(from, bounds)?;
    let count = from.count("log lines", bounds.lines_max)?;
    let lines = (0..count)
        .map(|_| Ok((level(from)?, from.text("a log line", bounds.line_bytes_max)?)))
        .collect::<Result<_, WireError>>()?;
    from.end()?;
    Ok((answer, Extras { usage, lines }))
}

fn put_usage(out: &mut Writer, usage: &Usage) {
    out.usize(usage.memory_bytes);
    out.usize(usage.table_elements);
    out.usize(usage.output_bytes_peak);
    out.u64(usage.lines_cut);
    out.u64(usage.lines_dropped);
}

fn usage(from: &mut Reader<'_>, bounds: &Bounds) -> Result<Usage, WireError> {
    let usage = Usage {
        memory_bytes: from.usize()?,
        table_elements: from.usize()?,
        output_bytes_peak: from.usize()?,
        lines_cut: from.u64()?,
        lines_dropped: from.u64()?,
    };
    bounded("bytes of memory", usage.memory_bytes, bounds.memory_bytes_max)?;
    bounded("table elements", usage.table_elements, bounds.table_elements_max)?;
    bounded("bytes handed over", usage.output_bytes_peak, bounds.output_bytes_max)?;
    Ok(usage)
}

const fn bounded(what: &'static str, count: usize, limit: usize) -> Result<(), WireError> {
    if count > limit {
        return Err(WireError::Count { what, count: count as u64, limit: limit as u64 });
    }
    Ok(())
}

/// Line by line fit for a terminal: a fault's back-trace has a line for each frame.
fn lines(detail: &str) -> String {
    let mut out = String::new();
    for (number, line) in detail.split('\n').enumerate() {
        if number > 0 && out.len() < FAULT_DETAIL_BYTES_MAX {
            out.push('\n');
        }
        push_escaped(&mut out, line, FAULT_DETAIL_BYTES_MAX);
    }
    out
}

fn level(from: &mut Reader<'_>) -> Result<LogLevel, WireError> {
    match from.u8()? {
        0 => Ok(LogLevel::Debug),
        1 => Ok(LogLevel::Info),
        2 => Ok(LogLevel::Warn),
        3 => Ok(LogLevel::Error),
        value => Err(WireError::Tag { what: "a log level", value }),
    }
}

/// What a runner can say of its plugin. That one lags or takes more than its share of a processor is
/// for the host alone to see.
const FAULTS: [FaultCode; 11] = [
    FaultCode::Trap,
    FaultCode::FuelExhausted,
    FaultCode::DeadlineExceeded,
    FaultCode::MemoryExceeded,
    FaultCode::StackExhausted,
    FaultCode::TooManyIntents,
    FaultCode::OutputExceeded,
    FaultCode::MalformedOutput,
    FaultCode::StartRefused,
    FaultCode::IntentRateExceeded,
    FaultCode::RunnerLost,
];

fn fault_number(code: FaultCode) -> u8 {
    let at = FAULTS.iter().position(|known| *known == code).unwrap_or(FAULTS.len() - 1);
    u8::try_from(at).unwrap_or(u8::MAX)
}

fn fault_code(number: u8) -> Option<FaultCode> {
    FAULTS.get(usize::from(number)).copied()
}
