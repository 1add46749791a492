//! The compiler's own process: it makes itself small, reads one component, writes its machine
//! code, and ends.

use std::{
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

use super::{
    limits,
    wire::{self, Answer},
};
use crate::{
    engine::{self, EngineSettings, Threads},
    text::escaped,
};

/// What the host says in words, before anything is read.
pub(super) struct Words {
    pub(super) memory_bytes: u64,
    pub(super) cpu_seconds: u64,
    pub(super) parent: i32,
    pub(super) settings: EngineSettings,
}

impl Words {
    pub(super) fn write(&self) -> [String; 5] {
        [
            self.memory_bytes.to_string(),
            self.cpu_seconds.to_string(),
            self.parent.to_string(),
            self.settings.debug_lines.to_string(),
            self.settings.core_dumps.to_string(),
        ]
    }

    fn read(words: &[String]) -> Option<Self> {
        let [memory_bytes, cpu_seconds, parent, debug_lines, core_dumps] = words else {
            return None;
        };
        Some(Self {
            memory_bytes: memory_bytes.parse().ok()?,
            cpu_seconds: cpu_seconds.parse().ok()?,
            parent: parent.parse().ok()?,
            settings: EngineSettings {
                debug_lines: debug_lines.parse().ok()?,
                core_dumps: core_dumps.parse().ok()?,
            },
        })
    }
}

/// Is the compiler's process: for the program that a [`super::ChildCompiler`] starts, with the
/// words that it was given after its own. Reads the standard input and writes the standard output.
#[must_use]
pub fn serve(words: &[String]) -> ExitCode {
    match serve_one(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The host reads this where there is no answer.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve_one(words: &[String]) -> io::Result<()> {
    let wrong = |problem: &str| io::Error::new(io::ErrorKind::InvalidInput, problem.to_owned());
    let words = Words::read(words).ok_or_else(|| wrong("this program is started by the host"))?;
    limits::confine(words.memory_bytes, words.cpu_seconds)?;
    // A host that ended before its death could be noticed has left this process to another parent.
    let parent = rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get());
    if parent.is_some_and(|parent| parent != words.parent) {
        return Err(wrong("the host is gone"));
    }
    walls()?;
    let mut request = Vec::new();
    let bytes_max = wire::REQUEST_BYTES_MAX as u64 + 1;
    io::stdin().lock().take(bytes_max).read_to_end(&mut request)?;
    let (fingerprint, component) =
        wire::read_request(&request).ok_or_else(|| wrong("the request is not whole"))?;
    let mut out = io::stdout().lock();
    out.write_all(&wire::answer(&answer(&fingerprint, component, words.settings)))?;
    out.flush()
}

/// Puts up walls: a compiler with a hole would run what a hostile component has in mind. Those that
/// need nothing of the kernel's settings must stand; the others stand where they can.
#[cfg(target_os = "linux")]
fn walls() -> io::Result<()> {
    use crate::runner::walls::{WallName, breach, confine_compiler};
    let required = [
        WallName::Environment,
        WallName::Descriptors,
        WallName::Capabilities,
        WallName::ParentDeath,
        WallName::NoNewPrivileges,
        WallName::Limits,
        WallName::Seccomp,
    ];
    match breach(&required.into(), &confine_compiler()) {
        None => Ok(()),
        Some((wall, reason)) => {
            Err(io::Error::other(format!("the compiler's wall `{wall}` does not stand: {reason}")))
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn walls() -> io::Result<()> {
    Ok(())
}

fn answer(fingerprint: &[u8; 32], component: &[u8], settings: EngineSettings) -> Answer {
    let refused = |reason: &str| Answer::Refused(escaped(reason, wire::REASON_BYTES_MAX));
    match engine::fingerprint(settings) {
        Ok(ours) if ours != *fingerprint => return Answer::OtherBuild,
        Ok(_) => {}
        Err(error) => return refused(&error.to_string()),
    }
    // Behind its walls it can start no thread.
    match engine::precompile(settings, component, Threads::This) {
        Ok(code) => Answer::Code(code),
        Err(error) => refused(error.reason()),
    }
}
