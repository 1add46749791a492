//! The call log: everything that was asked of a plugin, and of each answer as much as shows another
//! one to be different. Which events a plugin was told, and when its answer came, only the host
//! knows; with this it can be asked again.
//!
//! ```text
//! record  = kind (1) ─ life (4) ─ rest
//! begin   = 1: version (1) ─ run (8) ─ component (32) ─ limits      an instance, before its start
//! call    = 2: the request as a runner would get it ─ answer         what was asked, what came
//! untaken = 3:                                                       its last intents were dropped
//! gap     = 4:                                                       it is told nothing until the next call
//! ```
//! A *life* is one instance, from its start to its fault or its stop; a plugin that is started again
//! or swapped begins another, and for a moment two may be under way. Requests are encoded as on the
//! wire to a runner. Numbers are little-endian.
//!
//! What is done with records, and where they are kept, is not known here.

mod record;
mod recorded;

#[cfg(test)]
mod tests;

pub use record::{Answered, CallRecord, CallRecordError, Life, RecordedAsk, digest_of};
pub use recorded::{CallSink, Recorded};
