//! The runner's own process: it becomes nobody, loads one component behind its walls, and answers
//! one request after the other until the host goes away. It has one thread and no clock: fuel ends
//! what runs away, and where that does not see the work, the host ends this process.

use std::{
    io::Write as _,
    os::fd::OwnedFd,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::{
    io::{Errno, fcntl_dupfd_cloexec},
    net::{RecvFlags, SendFlags, recv, send},
    stdio::dup2_stdin,
    thread::set_name,
};
use sandpit_core::{
    intent::Intent,
    plugin::{CallCost, Fault},
};

use super::{
    sys,
    walls::{Confinement, confine, seal},
    wire::{
        Answer, Extras, HEADER_BYTES, Header, Line, Load, REQUEST_BYTES_MAX, Request, Setup,
        WireError, Writer, put_answer, read_request,
    },
};
use crate::{
    compile::Compiled,
    engine::Engine,
    instance::{Instance, Parameters},
    latency::Sampling,
    log::{LogLevel, LogLine},
    port::Usage,
    session::Session,
};

/// The first descriptor after input, output and errors: the socket's.
const FIRST_FREE: i32 = 3;
/// Bytes of a name as the system shows it.
const PROCESS_NAME_BYTES_MAX: usize = 15;
/// Bytes of buffers that are kept from one request to the next.
const KEPT_BYTES: usize = 64 * 1024;
/// Exit code where this was not started by a host.
const NOT_A_RUNNER: u8 = 2;

/// Why a runner ends before its host tells it to.
#[derive(Debug, thiserror::Error)]
enum RunnerError {
    #[error("this is started by the host and not by people: its standard input is no socket")]
    NotARunner,
    #[error("the host cannot be reached: {0}")]
    Host(#[from] Errno),
    #[error("the host's request cannot be read: {0}")]
    Wire(#[from] WireError),
    #[error("the host asked for something out of turn")]
    OutOfTurn,
    #[error("{0}")]
    Engine(String),
}

/// Is a runner: for the program that a [`super::Launcher`] starts, before it does anything else.
/// Returns when the host is gone.
#[must_use]
pub fn serve() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The host reads this where it finds the runner gone.
            let _ = writeln!(std::io::stderr(), "sandpit runner: {error}");
            match error {
                RunnerError::NotARunner => ExitCode::from(NOT_A_RUNNER),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run() -> Result<(), RunnerError> {
    let mut host = Host::new(take_socket()?);
    let Some((head, body)) = host.next(Duration::ZERO)? else { return Ok(()) };
    let Request::Setup(setup) = read_request(head, body)? else {
        return Err(RunnerError::OutOfTurn);
    };
    let sequence = head.sequence;
    name_process(&setup);
    let wanted = Confinement {
        core_bytes_max: setup.core_bytes_max,
        ..Confinement::all(setup.memory_bytes_max)
    };
    let walls = confine(&wanted);
    host.answer(sequence, &Answer::Hello(walls), &[], &Extras::default())?;

    let Some((head, body)) = host.next(Duration::ZERO)? else { return Ok(()) };
    let sequence = head.sequence;
    let load = match read_request(head, body)? {
        Request::Load(load) => load,
        Request::Probe => {
            let walls = Answer::Hello(seal(&wanted));
            return host.answer(sequence, &walls, &[], &Extras::default());
        }
        _ => return Err(RunnerError::OutOfTurn),
    };
    let lines = Lines::default();
    let loaded = load_component(&load, &wanted, &lines)?;
    host.forget_large();
    let mut plugin = match loaded {
        Ok((walls, instance)) => {
            let description = Box::new(instance.description().clone());
            let plugin = Plugin { instance, lines, intents: Vec::new() };
            let answer = Answer::Described(walls, description);
            plugin.answer(&mut host, sequence, &answer)?;
            plugin
        }
        Err(fault) => {
            let answer = Answer::Fault { fault, dump_bytes: 0 };
            return lines.answer(&mut host, sequence, &answer, &[], Usage::default());
        }
    };
    while let Some((head, body)) = host.next(setup.spin)? {
        let request = read_request(head, body)?;
        let answer = plugin.serve(request)?;
        plugin.answer(&mut host, head.sequence, &answer)?;
        plugin.intents.clear();
    }
    Ok(())
}

/// The socket, away from the standard input, where foreign code could not be told from ours.
fn take_socket() -> Result<OwnedFd, RunnerError> {
    // Whatever is open here was left so by whoever started the host, and is in the way. Where this
    // fails, the wall that does the same again says so.
    let _ = sys::close_from(FIRST_FREE.unsigned_abs());
    let input = std::io::stdin();
    rustix::net::sockopt::socket_domain(&input).map_err(|_| RunnerError::NotARunner)?;
    let socket = fcntl_dupfd_cloexec(&input, FIRST_FREE)?;
    let nothing =
        rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty())?;
    dup2_stdin(&nothing)?;
    Ok(socket)
}

/// The operator's name of the plugin, for `ps` and `top`.
fn name_process(setup: &Setup) {
    let end = setup.name.floor_char_boundary(PROCESS_NAME_BYTES_MAX);
    if let Ok(name) = std::ffi::CString::new(&setup.name[..end]) {
        // Without it the process has the program's name.
        let _ = set_name(&name);
    }
}

/// Makes the instance; the last walls are put up between the code's arrival and its first
/// instruction.
fn load_component(
    load: &Load<'_>,
    wanted: &Confinement,
    lines: &Lines,
) -> Result<Result<(Vec<super::walls::Wall>, Instance), Fault>, RunnerError> {
    let engine = |error: &dyn std::fmt::Display| RunnerError::Engine(error.to_string());
    let runs = Engine::without_clock(load.settings).map_err(|error| engine(&error))?;
    let compiled = Compiled::from_our_compiler(load.component, load.code.to_vec());
    let artifact = runs.link(&compiled).map_err(|error| engine(&error))?;
    drop(compiled);
    artifact.prepare().map_err(|error| engine(&error))?;
    let walls = seal(wanted);
    let sink = Box::new(lines.clone());
    Ok(Instance::load(&artifact, load.name, &load.limits, sink).map(|mut instance| {
        instance.set_sampling(Sampling::Off);
        (walls, instance)
    }))
}

/// Log lines of the request that is being answered.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<(LogLevel, String)>>>);

impl crate::log::LogSink for Lines {
    fn line(&mut self, line: &LogLine<'_>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((line.level, line.text.to_owned()));
    }
}

impl Lines {
    fn answer(
        &self,
        host: &mut Host,
        sequence: u32,
        answer: &Answer,
        intents: &[Intent],
        usage: Usage,
    ) -> Result<(), RunnerError> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said: Vec<Line<'_>> =
            lines.iter().map(|(level, text)| (*level, text.as_str())).collect();
        host.answer(sequence, answer, intents, &Extras { usage, lines: said })?;
        lines.clear();
        Ok(())
    }
}

struct Plugin {
    instance: Instance,
    lines: Lines,
    intents: Vec<Intent>,
}

impl Plugin {
    fn serve(&mut self, request: Request<'_>) -> Result<Answer, RunnerError> {
        let Self { instance, intents, .. } = self;
        let done = |cost: CallCost| Answer::Done { fuel: cost.fuel };
        let answer = match request {
            Request::Call(event) => instance.call(&event, intents).map(done),
            Request::Start(start) => {
                let refs = start.instruments.iter().map(|(id, it)| (*id, it));
                let session = Session { instruments: refs.collect(), ..start.session };
                instance.start(&session, intents).map(done)
            }
            Request::Parameters { time, arguments } => {
                instance.parameters(&arguments, time, intents).map(|taken| match taken {
                    Parameters::Taken(cost) => done(cost),
                    Parameters::Refused(reason) => Answer::Refused { reason },
                })
            }
            Request::Save => instance.save().map(Answer::Saved),
            Request::Stop(reason) => instance.stop(reason).map(|()| Answer::Done { fuel: 0 }),
            Request::Dump => Ok(Answer::Dumped(instance.take_core_dump().unwrap_or_default())),
            Request::Setup(_) | Request::Load(_) | Request::Probe => {
                return Err(RunnerError::OutOfTurn);
            }
        };
        Ok(answer.unwrap_or_else(|fault| {
            let dump_bytes = instance.core_dump_bytes();
            Answer::Fault { fault, dump_bytes }
        }))
    }

    fn answer(&self, host: &mut Host, sequence: u32, answer: &Answer) -> Result<(), RunnerError> {
        self.lines.answer(host, sequence, answer, &self.intents, self.instance.usage())
    }
}

/// The host's end of the wire.
struct Host {
    socket: OwnedFd,
    /// What has come of the next request; most come whole.
    inbox: Vec<u8>,
    outbox: Writer,
}

impl Host {
    fn new(socket: OwnedFd) -> Self {
        Self { socket, inbox: vec![0; KEPT_BYTES], outbox: Writer::default() }
    }

    /// The next request; `None` where the host is gone. There is one at a time: the host waits for
    /// its answer.
    fn next(&mut self, spin: Duration) -> Result<Option<(Header, &[u8])>, RunnerError> {
        let mut filled = 0;
        let head = loop {
            if let Some(head) = self.inbox[..filled].first_chunk() {
                break Header::read(head, REQUEST_BYTES_MAX)?;
            }
            match receive(&self.socket, &mut self.inbox[filled..], spin)? {
                Some(received) => filled += received,
                None => return Ok(None),
            }
        };
        let end = HEADER_BYTES + head.length;
        if self.inbox.len() < end {
            self.inbox.resize(end, 0);
        }
        while filled < end {
            match receive(&self.socket, &mut self.inbox[filled..end], Duration::ZERO)? {
                Some(received) => filled += received,
                None => return Ok(None),
            }
        }
        if filled > end {
            return Err(RunnerError::OutOfTurn);
        }
        Ok(Some((head, &self.inbox[HEADER_BYTES..end])))
    }

    fn answer(
        &mut self,
        sequence: u32,
        answer: &Answer,
        intents: &[Intent],
        extras: &Extras<'_>,
    ) -> Result<(), RunnerError> {
        put_answer(&mut self.outbox, sequence, answer, intents, extras)?;
        let mut left = self.outbox.bytes();
        while !left.is_empty() {
            match send(&self.socket, left, SendFlags::NOSIGNAL) {
                Ok(sent) => left = left.get(sent..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Gives back what only a large request or answer needed.
    fn forget_large(&mut self) {
        self.inbox = vec![0; KEPT_BYTES];
        self.outbox.clear();
        self.outbox.shrink(KEPT_BYTES);
    }
}

/// Receives some bytes; `None` where the host is gone. It looks for so long before it sleeps:
/// waking a process up takes longer than most calls.
fn receive(socket: &OwnedFd, into: &mut [u8], spin: Duration) -> Result<Option<usize>, Errno> {
    let mut until = (!spin.is_zero()).then(|| Instant::now() + spin);
    loop {
        let flags = if until.is_some() { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
        match recv(socket, &mut *into, flags) {
            // A host that ended in a hurry resets.
            Ok((_, 0)) | Err(Errno::CONNRESET) => return Ok(None),
            Ok((_, received)) => return Ok(Some(received)),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                until = until.filter(|until| Instant::now() < *until);
                std::hint::spin_loop();
            }
            Err(error) => return Err(error),
        }
    }
}
