//! The host's side of the compiler's process: starts it with nothing of ours, keeps it to its
//! limits, and believes nothing but a whole answer.

use std::{
    ffi::OsString,
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{
    CompileFailure, CompileLimits,
    child::Words,
    exchange::{Ending, Exchange},
    wire::{self, Answer},
};
use crate::{engine::Engine, text::escaped};

/// How long a process that closed its output is given to end by itself, so that it can be said
/// how it did.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Between two looks whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Bytes of what it said that are shown.
const SAID_BYTES_MAX: usize = 512;
/// What Rust's allocator says when there is no memory, and what the system says.
const OUT_OF_MEMORY: [&str; 3] =
    ["memory allocation of", "Cannot allocate memory", "out of memory"];

/// Compiles in a child process. Cheap to clone; each component gets a process of its own.
#[derive(Clone, Debug)]
pub struct ChildCompiler {
    program: PathBuf,
    arguments: Vec<OsString>,
    limits: CompileLimits,
}

impl ChildCompiler {
    /// With a program that, after these arguments, hands the rest to [`super::serve`]. It has to be
    /// the program that runs now.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>, limits: CompileLimits) -> Self {
        Self { program, arguments, limits }
    }

    pub(super) fn compile(
        &self,
        engine: &Engine,
        component: &[u8],
    ) -> Result<Vec<u8>, CompileFailure> {
        let deadline = Instant::now() + self.limits.wall_max;
        let request = wire::request(engine.fingerprint(), component);
        let child = self.start(engine).map_err(CompileFailure::Start)?;
        let mut started = Started { child, has_ended: false };
        let mut exchange =
            Exchange::new(&mut started.child, &request).map_err(CompileFailure::Pipe)?;
        let output_bytes_max = self.limits.artifact_bytes_max + wire::ANSWER_HEAD_BYTES;
        let ending = exchange
            .run(deadline, output_bytes_max, wire::is_whole)
            .map_err(CompileFailure::Pipe)?;
        match ending {
            Ending::Late => Err(CompileFailure::WallTime(self.limits.wall_max)),
            Ending::TooMuch => Err(CompileFailure::TooLarge(self.limits.artifact_bytes_max)),
            Ending::Whole => self.take(&exchange.output),
            Ending::Closed => Err(self.explain(&mut started, &exchange)),
        }
    }

    fn start(&self, engine: &Engine) -> io::Result<Child> {
        let words = Words {
            memory_bytes: self.limits.memory_bytes_max,
            cpu_seconds: self.limits.cpu_seconds_max,
            parent: rustix::process::getpid().as_raw_nonzero().get(),
            settings: engine.settings(),
        };
        Command::new(&self.program)
            .args(&self.arguments)
            .args(words.write())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that all of it can be ended, and Ctrl-C at a terminal is the host's to handle.
            .process_group(0)
            .spawn()
    }

    fn take(&self, output: &[u8]) -> Result<Vec<u8>, CompileFailure> {
        match wire::read_answer(output)? {
            Answer::Code(code) => Ok(code),
            Answer::OtherBuild => Err(CompileFailure::OtherBuild),
            Answer::Refused(reason) if is_out_of_memory(&reason) => {
                Err(CompileFailure::Memory(self.limits.memory_bytes_max))
            }
            Answer::Refused(reason) => Err(CompileFailure::Refused(reason)),
        }
    }

    /// Why there is no whole answer.
    fn explain(&self, started: &mut Started, exchange: &Exchange<'_>) -> CompileFailure {
        let said = String::from_utf8_lossy(&exchange.errors);
        let status = has_ended(&started.child).then(|| started.end()).flatten();
        if status.and_then(|status| status.signal()) == Some(Signal::XCPU.as_raw()) {
            return CompileFailure::CpuTime(self.limits.cpu_seconds_max);
        }
        if is_out_of_memory(&said) {
            return CompileFailure::Memory(self.limits.memory_bytes_max);
        }
        if status.is_some_and(|status| status.success()) && !exchange.output.is_empty() {
            return CompileFailure::Garbage("it is cut short");
        }
        CompileFailure::Crashed {
            ending: status.map_or_else(|| "it closed its output".to_owned(), |s| s.to_string()),
            said: escaped(said.trim(), SAID_BYTES_MAX),
        }
    }
}

fn is_out_of_memory(text: &str) -> bool {
    OUT_OF_MEMORY.iter().any(|words| text.contains(words))
}

/// Waits a moment for it to end by itself. It stays a zombie, whose number is nobody else's.
fn has_ended(child: &Child) -> bool {
    let Some(id) = pid(child) else { return false };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let deadline = Instant::now() + LAST_WORDS;
    while Instant::now() < deadline {
        match waitid(WaitId::Pid(id), options) {
            Ok(Some(_)) => return true,
            Ok(None) => thread::sleep(LOOK_AGAIN),
            Err(_) => return false,
        }
    }
    false
}

/// Ends it and what it started in its group, and says how it ended.
fn end(child: &mut Child) -> Option<ExitStatus> {
    if let Some(group) = pid(child) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    child.wait().ok()
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// A process that does not outlive this value.
struct Started {
    child: Child,
    has_ended: bool,
}

impl Started {
    /// Ends it, where that has not been done: afterwards its number may be another's.
    fn end(&mut self) -> Option<ExitStatus> {
        let status = if self.has_ended { self.child.wait().ok() } else { end(&mut self.child) };
        self.has_ended = true;
        status
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.end();
    }
}
