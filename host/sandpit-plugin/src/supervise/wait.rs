//! Which of the plugins under way have answered, and sleeping until one has. One look of the kernel
//! at all of them, however many there are.

use std::time::{Duration, Instant};

#[cfg(unix)]
use std::os::fd::BorrowedFd;

#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandpit_core::ids::PluginId;

use super::{Moment, Outcome, Supervisor, slot::Slot};
use crate::port::Runner;

/// The longest sleep where nothing says for how long.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// So long it is looked for an answer before sleeping. Most answers come in that time, and being
/// woken up on a machine that idles takes longer than most calls.
const LOOK: Duration = Duration::from_micros(20);

/// What else ends a wait: something to read from it.
#[cfg(unix)]
pub(super) type Wake<'a> = BorrowedFd<'a>;
/// What else ends a wait; there is nothing on this system.
#[cfg(not(unix))]
pub(super) type Wake<'a> = std::marker::PhantomData<&'a ()>;

impl<R: Runner> Supervisor<R> {
    /// Sleeps until a plugin has answered or is late, one of `wakes` has something to read, or it is
    /// `until`. Not at all where [`Self::advance`] has something to do already.
    pub fn wait(&self, until: Option<Instant>, wakes: &[Wake<'_>]) {
        if !self.ready.is_empty() {
            return;
        }
        let now = Instant::now();
        let deadlines = self.busy.iter().filter_map(|plugin| self.runner(*plugin)?.deadline());
        let end = deadlines.chain(until).min().unwrap_or(now + SLEEP_MAX);
        let left = end.saturating_duration_since(now);
        if !left.is_zero() {
            self.sleep(left, wakes);
        }
    }

    /// Takes the answers that are there, and notes who is late.
    pub(super) fn take_answers(&mut self, moment: Moment<'_>, out: &mut Vec<Outcome>) {
        if self.busy.is_empty() {
            return;
        }
        let mut answered = self.answered();
        for plugin in answered.drain(..) {
            self.with(plugin, moment, out, Slot::look);
        }
        let slots = &self.slots;
        self.busy.retain(|plugin| slots[usize::from(plugin.0)].is_busy());
    }

    fn runner(&self, plugin: PluginId) -> Option<&R> {
        self.slots.get(usize::from(plugin.0))?.runner.as_ref()
    }

    #[cfg(unix)]
    fn sleep(&self, left: Duration, wakes: &[Wake<'_>]) {
        let asked = self.busy.iter().filter_map(|plugin| awaited(self.runner(*plugin)?));
        let wakes = wakes.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN));
        let mut fds: Vec<_> = asked.chain(wakes).collect();
        let begun = Instant::now();
        while begun.elapsed() < LOOK.min(left) {
            if poll(&mut fds, Some(&Timespec::default())) != Ok(0) {
                return;
            }
            std::hint::spin_loop();
        }
        if let Ok(left) = Timespec::try_from(left) {
            // A signal, or anything else that ends it early, is a reason to look again.
            let _ = poll(&mut fds, Some(&left));
        }
    }

    #[cfg(not(unix))]
    fn sleep(&self, left: Duration, _: &[Wake<'_>]) {
        if self.busy.is_empty() {
            std::thread::sleep(left);
        }
    }

    /// Plugins that have answered or are late.
    #[cfg(unix)]
    fn answered(&self) -> Vec<PluginId> {
        if let [only] = self.busy[..] {
            return vec![only];
        }
        let now = Instant::now();
        let sockets = self.busy.iter().map(|plugin| (*plugin, self.runner(*plugin)));
        let (mut answered, mut asked, mut fds) = (Vec::new(), Vec::new(), Vec::new());
        for (plugin, runner) in sockets {
            let late = runner.and_then(R::deadline).is_none_or(|deadline| deadline <= now);
            match runner.and_then(awaited).filter(|_| !late) {
                Some(fd) => {
                    asked.push(plugin);
                    fds.push(fd);
                }
                None => answered.push(plugin),
            }
        }
        let ready = poll(&mut fds, Some(&Timespec::default()));
        let is_ready = |fd: &PollFd<'_>| ready.is_err() || !fd.revents().is_empty();
        answered.extend(asked.iter().zip(&fds).filter(|(_, fd)| is_ready(fd)).map(|(p, _)| *p));
        answered
    }

    #[cfg(not(unix))]
    fn answered(&self) -> Vec<PluginId> {
        self.busy.clone()
    }
}

/// What the kernel is to look at for a runner: an answer, or room for the rest of a question.
#[cfg(unix)]
fn awaited<R: Runner>(runner: &R) -> Option<PollFd<'_>> {
    let what = if runner.is_sending() { PollFlags::OUT } else { PollFlags::IN };
    runner.socket().map(|socket| PollFd::from_borrowed_fd(socket, what))
}
