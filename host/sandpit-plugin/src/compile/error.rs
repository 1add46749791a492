//! Why a component that may be compiled was not.

use std::{io, time::Duration};

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
pub enum CompileFailure {
    /// The compiler says no.
    #[error("the component cannot be compiled: {0}")]
    Refused(String),
    /// The compiler took too long by the clock.
    #[error(
        "compiling the component took longer than {limit_ms} ms and was ended: make it smaller, or compile it when the machine is less busy",
        limit_ms = .0.as_millis()
    )]
    WallTime(Duration),
    /// The compiler used too much processor time.
    #[error(
        "compiling the component used more than {0} s of processor time and was ended: make it smaller"
    )]
    CpuTime(u64),
    /// The compiler ran out of memory.
    #[error("compiling the component needs more than {0} bytes of memory: make it smaller")]
    Memory(u64),
    /// The machine code is too large.
    #[error("the component's machine code has more than {0} bytes: make it smaller")]
    TooLarge(usize),
    /// The compiler's process ended without an answer.
    #[error(
        "the compiler ended without an answer ({ending}): the component may be made to break it; said: {said}"
    )]
    Crashed {
        /// How it ended.
        ending: String,
        /// The end of what it wrote to its error output.
        said: String,
    },
    /// What came back is no answer.
    #[error("the compiler's answer is not whole: {0}; nothing of it was used")]
    Garbage(&'static str),
    /// The program that was started is another one.
    #[error(
        "the compiler is another build than this host: `sandpit` was replaced while it ran, restart it"
    )]
    OtherBuild,
    /// The program cannot be started.
    #[error("the compiler's process cannot be started")]
    Start(#[source] io::Error),
    /// The pipes broke.
    #[error("the compiler's process cannot be reached")]
    Pipe(#[source] io::Error),
}
