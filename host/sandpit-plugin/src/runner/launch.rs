//! How a runner comes to be: one process, with nothing of the host's in it but a socket. What is
//! said over the socket is `process`'s.

use std::{
    io::{self, Read as _},
    os::fd::{AsFd as _, OwnedFd},
    os::unix::{net::UnixStream, process::ExitStatusExt as _},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, waitpid},
};

use super::{
    process::ProcessRunner,
    settings::{LaunchError, LaunchSettings},
    walls::{self, Wall, WallName},
};
use crate::{
    compile::Compiled, engine::EngineSettings, limits::Limits, log::LogSink, text::escaped,
};

/// How long a process that closed its socket may take until it is gone.
const EXIT_DEADLINE: Duration = Duration::from_millis(2);
/// How long one that was killed may take.
const DEATH_DEADLINE: Duration = Duration::from_millis(20);
/// The signal that nobody survives.
const SIGKILL: i32 = Signal::KILL.as_raw();
/// Bytes of a process's last words.
const WORDS_BYTES_MAX: usize = 1_024;

/// Starts runners. As long as one of its runners lives, so does it: a runner ends with the thread
/// that started it, since that is what the kernel calls a parent.
#[derive(Debug)]
pub struct Launcher {
    settings: LaunchSettings,
    starter: Starter,
}

impl Launcher {
    /// Begins to take orders.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn new(settings: LaunchSettings) -> Result<Arc<Self>, LaunchError> {
        let starter = Starter::new().map_err(LaunchError::Start)?;
        Ok(Arc::new(Self { settings, starter }))
    }

    /// Starts a process for a plugin, sees that the required walls stand, and has it load the
    /// component. `name` is the operator's name of the plugin; `settings` are those of the engine
    /// that `compiled` was made with.
    ///
    /// # Errors
    /// See [`LaunchError`].
    pub fn launch(
        self: &Arc<Self>,
        name: &str,
        compiled: &Compiled,
        settings: EngineSettings,
        limits: &Limits,
        sink: Box<dyn LogSink>,
    ) -> Result<ProcessRunner, LaunchError> {
        let mut runner = ProcessRunner::start(self, name, limits, sink)?;
        self.check(runner.walls(), &[WallName::Limits, WallName::SealedCode])?;
        runner.load(compiled, settings).map_err(LaunchError::Fault)?;
        self.check(runner.walls(), &[])?;
        Ok(runner)
    }

    /// Which walls stand on this machine, by starting a runner that loads nothing.
    ///
    /// # Errors
    /// No process can be started, or it does not answer.
    pub fn probe(self: &Arc<Self>) -> Result<Vec<Wall>, LaunchError> {
        let sink = Box::new(crate::log::NoLog);
        let mut runner = ProcessRunner::start(self, "probe", &Limits::default(), sink)?;
        runner.seal().map_err(LaunchError::Fault)?;
        Ok(runner.walls().to_vec())
    }

    pub(super) const fn settings(&self) -> &LaunchSettings {
        &self.settings
    }

    /// Holds what is required against what stands; `later` are walls that come with the code.
    fn check(&self, walls: &[Wall], later: &[WallName]) -> Result<(), LaunchError> {
        let mut required = self.settings.required.clone();
        required.retain(|wall| !later.contains(wall));
        match walls::breach(&required, walls) {
            None => Ok(()),
            Some((wall, reason)) => Err(LaunchError::Wall { wall, reason }),
        }
    }

    /// A process and our end of its socket.
    pub(super) fn process(&self) -> Result<Process, LaunchError> {
        self.process_of_nobody().map_err(LaunchError::Start)
    }

    fn process_of_nobody(&self) -> io::Result<Process> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&self.settings.executable);
        command
            .args(&self.settings.arguments)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let (mut child, burials) = self.starter.start(command)?;
        let words = child.stderr.take();
        if let Some(words) = &words {
            // What it says is read once it is gone; nobody waits for it.
            rustix::io::ioctl_fionbio(words.as_fd(), true)?;
        }
        Ok(Process { child, socket: Some(ours.into()), words, burials, is_buried: false })
    }
}

/// A process that ends with its owner.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    /// Taken by whoever speaks to it.
    pub(super) socket: Option<OwnedFd>,
    /// Its error output.
    pub(super) words: Option<ChildStderr>,
    /// Who waits until it is gone.
    burials: Sender<Order>,
    is_buried: bool,
}

impl Process {
    /// Ends it at once, whatever it is doing. The kernel takes a millisecond and more to take it
    /// apart; whoever ends it has other plugins to look after, so somebody else waits for that.
    pub(super) fn end(&mut self) {
        if self.is_buried {
            return;
        }
        self.is_buried = true;
        // Fails only where it is gone and reaped already, as `last_words` may have done.
        let _ = self.child.kill();
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if id.is_none_or(|id| self.burials.send(Order::Bury(id)).is_err()) {
            let _ = self.child.wait();
        }
    }

    /// How a process that closed its socket ended, and what it said last.
    pub(super) fn last_words(&mut self) -> String {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pidfd = id.and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok());
        let gone_within = |time: Duration| {
            let timeout = Timespec::try_from(time).unwrap_or_default();
            pidfd.as_ref().is_some_and(|pidfd| {
                poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&timeout)) == Ok(1)
            })
        };
        // Whoever closes the socket and lives on must not hold up the host. One that is about to end
        // keeps the reason that it has, whoever kills it.
        let mut killed = false;
        if !gone_within(EXIT_DEADLINE) {
            killed = self.child.kill().is_ok();
            gone_within(DEATH_DEADLINE);
        }
        let ended = self.child.try_wait().ok().flatten();
        let how = match ended {
            Some(status) if !(killed && status.signal() == Some(SIGKILL)) => status.to_string(),
            _ => "it closed its socket and went on; it was ended".to_owned(),
        };
        let mut said = [0; WORDS_BYTES_MAX];
        let length = self.words.as_mut().and_then(|words| words.read(&mut said).ok()).unwrap_or(0);
        let said = String::from_utf8_lossy(said.get(..length).unwrap_or_default());
        match said.trim() {
            "" => how,
            words => format!("{how}, its last words: {}", escaped(words, WORDS_BYTES_MAX)),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// The thread that is the parent of all runners: it starts them, and waits for them in the end.
#[derive(Debug)]
struct Starter {
    orders: Option<Mutex<Sender<Order>>>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Start(Command, Sender<io::Result<Child>>),
    /// It was killed, and nobody else waits for it.
    Bury(Pid),
}

impl Starter {
    fn new() -> io::Result<Self> {
        let (orders, taken) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("sandpit-starter".to_owned())
            .spawn(move || start_all(&taken))?;
        Ok(Self { orders: Some(Mutex::new(orders)), thread: Some(thread) })
    }

    /// The process, and where it is to be reported in the end.
    fn start(&self, command: Command) -> io::Result<(Child, Sender<Order>)> {
        let gone = || io::Error::other("the thread that starts runners is gone");
        let (started, answer) = mpsc::channel();
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        let orders = orders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        orders.send(Order::Start(command, started)).map_err(|_| gone())?;
        Ok((answer.recv().map_err(|_| gone())??, orders))
    }
}

fn start_all(orders: &Receiver<Order>) {
    while let Ok(order) = orders.recv() {
        match order {
            Order::Start(mut command, started) => {
                // Whoever asked has gone where this fails; the process then ends with its socket.
                let _ = started.send(command.spawn());
            }
            Order::Bury(id) => {
                while matches!(waitpid(Some(id), WaitOptions::empty()), Err(Errno::INTR)) {}
            }
        }
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, and a panic of it has been shown by its hook.
            let _ = thread.join();
        }
    }
}
