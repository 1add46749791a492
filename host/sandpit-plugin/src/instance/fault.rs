//! From wasmtime's errors to a fault: what the guest did, with the plugin named and a back-trace
//! that its author can read.

use std::fmt::Write as _;

use sandpit_core::plugin::{Fault, FaultCode};
use wasmtime::{Error, FrameInfo, Trap, WasmBacktrace};

use super::state::LimitReached;
use crate::{
    convert::{Malformed, UnknownInstrument},
    describe::DescriptionError,
    limits::FAULT_DETAIL_BYTES_MAX,
    rate::RateExceeded,
    text::{escaped, push_escaped},
};

/// wasmtime has no public type for it; a test notices when the words change.
const OUTPUT_EXCEEDED_WORDS: &str = "fuel allocated for hostcalls has been exhausted";
/// As above, of its own counters of instances, tables and memories.
const COUNT_EXCEEDED_WORDS: &str = "resource limit exceeded";
/// Bytes of an error's words.
const REASON_BYTES_MAX: usize = 512;
/// Bytes of one function's name.
const FUNCTION_BYTES_MAX: usize = 160;

/// The fault of `plugin` in its export `export`.
pub(crate) fn fault(plugin: &str, export: &str, error: &Error) -> Fault {
    let code = code(error);
    let mut detail = String::new();
    let reason = escaped(&reason(error), REASON_BYTES_MAX);
    push_escaped(
        &mut detail,
        &format!("plugin `{plugin}`, {export}: {reason}"),
        FAULT_DETAIL_BYTES_MAX,
    );
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        push_frames(&mut detail, backtrace.frames());
    }
    Fault { code, detail }
}

/// Says that there is no core dump of a fault, and why.
pub(crate) fn without_core_dump(fault: &mut Fault, why: &str) {
    let line = format!("\nits core dump is left out: {why}");
    let end = fault.detail.floor_char_boundary(FAULT_DETAIL_BYTES_MAX.saturating_sub(line.len()));
    fault.detail.truncate(end);
    fault.detail.push_str(&line);
}

/// The guest's functions, innermost first; as many as fit.
fn push_frames(detail: &mut String, frames: &[FrameInfo]) {
    for (number, frame) in frames.iter().enumerate() {
        let mut line = format!("\n  {number}: ");
        match frame.func_name() {
            Some(name) => {
                // Without the hash that makes it unique.
                let name = format!("{:#}", rustc_demangle::demangle(name));
                line.push_str(&escaped(&name, FUNCTION_BYTES_MAX));
            }
            None => {
                let _ = write!(line, "<function {}>", frame.func_index());
            }
        }
        if let Some(symbol) = frame.symbols().first()
            && let (Some(file), Some(row)) = (symbol.file(), symbol.line())
        {
            let _ = write!(line, " at {}:{row}", escaped(file, FUNCTION_BYTES_MAX));
        }
        if detail.len() + line.len() > FAULT_DETAIL_BYTES_MAX {
            return;
        }
        detail.push_str(&line);
    }
}

/// The innermost cause, in words for an author.
fn reason(error: &Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => "it used all fuel of one call".to_owned(),
        Some(Trap::Interrupt) => "it was not back in time".to_owned(),
        Some(Trap::StackOverflow) => "it used all of its stack".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it panicked or aborted".to_owned(),
        Some(trap) => trap.to_string().trim_start_matches("wasm trap: ").to_owned(),
        None => error.root_cause().to_string(),
    }
}

fn code(error: &Error) -> FaultCode {
    if error.is::<LimitReached>() || error.is::<wasmtime::OutOfMemory>() {
        return FaultCode::MemoryExceeded;
    }
    if error.is::<RateExceeded>() {
        return FaultCode::IntentRateExceeded;
    }
    if error.is::<Malformed>() || error.is::<DescriptionError>() {
        return FaultCode::MalformedOutput;
    }
    if error.is::<UnknownInstrument>() {
        // Ours, not the guest's: it never got the event.
        return FaultCode::RunnerLost;
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::OutOfFuel => FaultCode::FuelExhausted,
            Trap::Interrupt => FaultCode::DeadlineExceeded,
            Trap::StackOverflow => FaultCode::StackExhausted,
            Trap::AllocationTooLarge => FaultCode::MemoryExceeded,
            Trap::InvalidChar
            | Trap::StringOutOfBounds
            | Trap::ListOutOfBounds
            | Trap::InvalidDiscriminant
            | Trap::UnalignedPointer => FaultCode::MalformedOutput,
            _ => FaultCode::Trap,
        };
    }
    let words = error.root_cause().to_string();
    if words.contains(OUTPUT_EXCEEDED_WORDS) {
        FaultCode::OutputExceeded
    } else if words.contains(COUNT_EXCEEDED_WORDS) {
        FaultCode::MemoryExceeded
    } else {
        // What is left are values that cannot be read: bad UTF-8, discriminants, pointers.
        FaultCode::MalformedOutput
    }
}
