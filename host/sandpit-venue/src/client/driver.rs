//! Steps the machine: everything that happens goes in; what it wants is done in `perform`. One task:
//! between a frame that was read and what follows from it there is no other task and no copy.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::{Stream, stream::FuturesUnordered};
use sandpit_core::time::UnixNanos;
use tokio::time::Sleep;

use super::{
    ClientError, ClientSettings,
    address::Hosts,
    clock::{Chance, Wall},
    counts::one,
    dial::Dialer,
    link::{Heard, Link},
    queue::{Waiting, lock},
    rest::{Calling, Finished, Rest},
    shared::Shared,
};
use crate::machine::{CallId, HttpReply, Input, LinkId, Machine, NoReply, Output, Told};

/// How far a queue may grow beyond its bound: by what one step says, and by what follows from the
/// host's own requests and from timers while no socket is read. Beyond that the connection ends.
pub const OVERSHOOT_MAX: usize = 262_144;
/// Rounds over all connections before the system is asked again which have something.
const ROUNDS_MAX: u32 = 16;
/// Between two copies of the machine's counts.
const COUNTS_EVERY: Duration = Duration::from_secs(1);
/// The longest sleep: the wall clock may have been set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// What the driver itself has to tell the machine.
pub(super) enum Own {
    Closed(LinkId, String),
    NoReply(CallId, NoReply),
}

/// How far the end has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It has not begun.
    Not,
    /// What is on its way goes out, until this moment.
    Draining(Instant),
    /// Everything is being closed.
    Closing,
}

/// The driver.
pub(super) struct Driver {
    machine: Box<dyn Machine + Send>,
    pub(super) settings: ClientSettings,
    pub(super) shared: Arc<Shared>,
    pub(super) hosts: Hosts,
    pub(super) dialer: Dialer,
    pub(super) rest: Rest,
    wall: Wall,
    chance: Chance,
    pub(super) links: BTreeMap<LinkId, Link>,
    /// Servers that were connected once.
    known: BTreeSet<String>,
    pub(super) calls: FuturesUnordered<Calling>,
    pub(super) own: VecDeque<Own>,
    out: Vec<Output>,
    /// Kept for the rounds over all links.
    round: Vec<LinkId>,
    sleep: Option<Pin<Box<Sleep>>>,
    counts_at: Instant,
    /// When the machine wants to be woken, as it said after the last thing that happened.
    wake_at: Option<UnixNanos>,
    /// The host is behind: with anything, and with the market.
    is_held: (bool, bool),
    was_told_stop: bool,
    pub(super) end: End,
}

impl Driver {
    pub(super) fn new(
        machine: Box<dyn Machine + Send>,
        settings: ClientSettings,
        shared: Arc<Shared>,
        (hosts, dialer, rest): (Hosts, Dialer, Rest),
        (wall, chance): (Wall, Chance),
    ) -> Self {
        Self {
            machine,
            settings,
            shared,
            hosts,
            dialer,
            rest,
            wall,
            chance,
            links: BTreeMap::new(),
            known: BTreeSet::new(),
            calls: FuturesUnordered::new(),
            own: VecDeque::new(),
            out: Vec::new(),
            round: Vec::new(),
            sleep: None,
            counts_at: Instant::now(),
            wake_at: None,
            is_held: (false, false),
            was_told_stop: false,
            end: End::Not,
        }
    }

    /// Does what can be done now. Ready where all is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        let shared = Arc::clone(&self.shared);
        shared.driver.register(cx.waker());
        for round in 0..ROUNDS_MAX {
            self.begin_end(cx);
            self.look_at_queues();
            let mut is_busy = self.hear_host(cx);
            is_busy |= self.say_own(cx);
            is_busy |= self.poll_links(cx);
            is_busy |= self.poll_calls(cx);
            // When a machine wants to be woken can be much to reckon: not after every frame.
            if round == 0 || !is_busy {
                is_busy |= self.on_time(cx);
            }
            self.check_overrun()?;
            if self.is_over(cx) {
                self.copy_counts();
                return Poll::Ready(Ok(()));
            }
            if is_busy {
                continue;
            }
            if self.is_held != (false, false) && self.has_room_now() {
                continue;
            }
            if self.is_asleep(cx) {
                return Poll::Pending;
            }
        }
        // There is more, but the others of this thread have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Tells the machine what happened, and does what it wants. Whether it moved the market.
    fn step(&mut self, input: Input<'_>, cx: &mut Context<'_>) -> bool {
        let (now, chance) = (self.wall.read(), self.chance.next());
        let mut out = std::mem::take(&mut self.out);
        self.machine.step(input, now, chance, &mut out);
        let mut moved_market = false;
        for output in out.drain(..) {
            moved_market |= matches!(output, Output::Market(_));
            self.perform(output, cx);
        }
        self.out = out;
        moved_market
    }

    fn hear_host(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_busy = false;
        // Only what waits now, so that a host that asks without end does not starve the others.
        for _ in 0..self.shared.told.waiting() {
            let Some((told, since)) = self.shared.told.take() else { break };
            is_busy = true;
            if matches!(told, Told::Stop) && std::mem::replace(&mut self.was_told_stop, true) {
                continue;
            }
            self.step(Input::Told(told), cx);
            self.shared.counters.told_us.add(since.elapsed());
        }
        is_busy
    }

    fn on_time(&mut self, cx: &mut Context<'_>) -> bool {
        if Instant::now() >= self.counts_at {
            self.copy_counts();
            self.rest.sweep();
        }
        self.wake_at = self.machine.next_wake();
        if self.wake_at.is_none_or(|wake| wake > self.wall.read()) {
            return false;
        }
        self.step(Input::Wake, cx);
        true
    }

    fn say_own(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_busy = false;
        // Only what waits now: a machine may ask again at once for what is refused.
        for _ in 0..self.own.len() {
            let Some(own) = self.own.pop_front() else { break };
            is_busy = true;
            match own {
                Own::Closed(link, why) => self.step(Input::Closed(link, &why), cx),
                Own::NoReply(call, why) => self.step(Input::NoReply(call, why), cx),
            };
        }
        is_busy
    }

    /// One frame of each connection, so that none starves another.
    fn poll_links(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_busy = false;
        let mut round = std::mem::take(&mut self.round);
        round.clear();
        round.extend(self.links.keys().copied());
        for id in round.iter().copied() {
            let now = Instant::now();
            let Some(link) = self.links.get_mut(&id) else { continue };
            if link.flush(cx, now) {
                one(&self.shared.counters.write_timeouts);
            }
            let (holds_all, holds_market) = self.is_held;
            let may_read = !(holds_all || holds_market && link.carries_market);
            if let Poll::Ready(heard) = link.poll(cx, now, may_read) {
                is_busy = true;
                self.hear_link(id, heard, now, cx);
            }
        }
        self.round = round;
        is_busy
    }

    fn hear_link(&mut self, id: LinkId, heard: Heard, begun: Instant, cx: &mut Context<'_>) {
        let counters = &self.shared.counters;
        match heard {
            Heard::Frame(bytes) => {
                let moved_market = self.step(Input::Frame(id, &bytes), cx);
                if moved_market && let Some(link) = self.links.get_mut(&id) {
                    link.carries_market = true;
                }
                self.shared.counters.frame_us.add(begun.elapsed());
            }
            Heard::Alive => {
                self.step(Input::Heard(id), cx);
            }
            Heard::Opened => {
                one(&counters.connects);
                if let Some(link) = self.links.get(&id) {
                    tracing::debug!(link = id.0, place = link.place, "connected");
                    if !self.known.insert(link.place.clone()) {
                        one(&counters.reconnects);
                    }
                }
                self.step(Input::Opened(id), cx);
            }
            Heard::Closed(why) => {
                if let Some(link) = self.links.remove(&id) {
                    one(if link.was_open { &counters.closed } else { &counters.connects_failed });
                    tracing::debug!(link = id.0, place = link.place, why, "disconnected");
                }
                self.step(Input::Closed(id, &why), cx);
            }
        }
    }

    fn poll_calls(&mut self, cx: &mut Context<'_>) -> bool {
        if self.is_held.0 {
            return false;
        }
        let Poll::Ready(Some(finished)) = Pin::new(&mut self.calls).poll_next(cx) else {
            return false;
        };
        self.hear_call(finished, cx);
        true
    }

    fn hear_call(&mut self, mut finished: Finished, cx: &mut Context<'_>) {
        self.rest.keep(&mut finished);
        let counters = &self.shared.counters;
        counters.rest_connects.fetch_add(finished.connects, Ordering::Relaxed);
        counters.call_us.add(finished.begun.elapsed());
        match &finished.outcome {
            Ok(answered) => {
                one(&counters.calls_answered);
                let reply = HttpReply {
                    status: answered.status,
                    headers: &answered.headers,
                    body: &answered.body,
                };
                self.step(Input::Reply(finished.id, reply), cx);
            }
            Err((no_reply, why)) => {
                one(match no_reply {
                    NoReply::NeverSent => &counters.calls_never_sent,
                    NoReply::TimedOut => &counters.calls_timed_out,
                    NoReply::Disconnected => &counters.calls_disconnected,
                });
                tracing::debug!(call = finished.id.0, why, "a call has no answer");
                self.step(Input::NoReply(finished.id, *no_reply), cx);
            }
        }
    }

    fn look_at_queues(&mut self) {
        let (all, market) = self.is_held;
        let held = (self.shared.holds_all(all), self.shared.market.stops(market));
        if (held.0 && !all) || (held.1 && !market) {
            one(&self.shared.counters.pauses);
        }
        self.is_held = held;
    }

    /// Says of which queues room is awaited: who takes something from now on wakes us. Whether what
    /// was taken just before is room enough.
    fn has_room_now(&mut self) -> bool {
        for (_, queue) in self.shared.queues() {
            queue.await_room(queue.stops(true));
        }
        let before = self.is_held;
        self.look_at_queues();
        self.is_held != before
    }

    fn check_overrun(&self) -> Result<(), ClientError> {
        for (queue, waiting) in self.shared.queues() {
            let (waiting, max) = (waiting.waiting(), waiting.max());
            if waiting > max.saturating_add(OVERSHOOT_MAX) {
                return Err(ClientError::Overrun { queue, waiting });
            }
        }
        Ok(())
    }

    fn copy_counts(&mut self) {
        *lock(&self.shared.of_machine) = self.machine.counts();
        *lock(&self.shared.pictured) = self.machine.gauges();
        self.counts_at = Instant::now() + COUNTS_EVERY;
    }

    /// Begins the end where the host wants it.
    fn begin_end(&mut self, cx: &mut Context<'_>) {
        if self.end != End::Not || !self.shared.is_stopping.load(Ordering::SeqCst) {
            return;
        }
        self.end = End::Draining(Instant::now() + self.settings.stop_timeout);
        // What was asked before goes before.
        self.hear_host(cx);
        if !std::mem::replace(&mut self.was_told_stop, true) {
            self.step(Input::Told(Told::Stop), cx);
        }
    }

    /// Goes on with the end. Whether all is over.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if let End::Draining(until) = self.end {
            let is_quiet = self.calls.is_empty()
                && self.own.is_empty()
                && self.links.values().all(Link::is_flushed);
            let now = Instant::now();
            if !is_quiet && now < until {
                return false;
            }
            self.end = End::Closing;
            self.calls.clear();
            for link in self.links.values_mut() {
                link.close(cx, now, self.settings.close_timeout);
            }
            // Nobody takes anything any more: nothing is held back for that.
            cx.waker().wake_by_ref();
        }
        if self.end == End::Closing {
            let now = Instant::now();
            self.links.retain(|_, link| !link.is_gone(cx, now));
            return self.links.is_empty();
        }
        false
    }

    /// Arms the timer. `false` where its time has come already.
    fn is_asleep(&mut self, cx: &mut Context<'_>) -> bool {
        let now = Instant::now();
        let machine = self.wake_at.map(|wake| now + until(wake, self.wall.read()));
        let end = match self.end {
            End::Draining(until) => Some(until),
            End::Not | End::Closing => None,
        };
        let links = self.links.values().filter_map(Link::deadline);
        let longest = self.counts_at.min(now + SLEEP_MAX);
        let at = links.chain(machine).chain(end).fold(longest, Instant::min);
        let at = tokio::time::Instant::from_std(at);
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                sleep.as_mut().reset(at);
                sleep
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(at))),
        };
        sleep.as_mut().poll(cx).is_pending()
    }
}

fn until(wake: UnixNanos, now: UnixNanos) -> Duration {
    Duration::from_nanos(wake.since(now).0).min(SLEEP_MAX)
}
