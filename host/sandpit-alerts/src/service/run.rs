//! The thread's loop: commands, what was sent, time, and what was seen, in this order.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use sandpit_core::time::UnixNanos;
use serde::Serialize;
use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    Backoff, Chance, ChannelView,
    core::Core,
    handle::{Command, Seen, Shared},
    sender::Sender,
    try_all,
};
use crate::{
    Name,
    desk::{ChainId, Delivery, DeskState, DeskView},
    stamp,
};

/// How often time is looked at.
const TICK: Duration = Duration::from_millis(250);
/// Observations that are looked at before anything else is.
const BATCH_MAX: usize = 256;

/// What is on, what was, and how the channels do.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// When it was made.
    #[serde(with = "stamp::required")]
    pub at: UnixNanos,
    /// Alerts.
    pub desk: DeskView,
    /// Channels.
    pub channels: Vec<ChannelView>,
    /// Changes of state that there was no room for.
    pub missed_states: u64,
    /// Fills, orders, volumes, equities and beats that there was no room for.
    pub missed_flow: u64,
}

#[derive(Debug)]
pub(super) struct Published {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) state: DeskState,
}

pub(super) struct Inbox {
    pub(super) urgent: mpsc::Receiver<Seen>,
    pub(super) flow: mpsc::Receiver<Seen>,
    pub(super) commands: mpsc::Receiver<Command>,
}

/// What is under way: one notice for each list.
struct Sends {
    tasks: JoinSet<Option<Name>>,
    by_task: HashMap<Id, Delivery>,
    busy: BTreeMap<ChainId, Id>,
    sender: Sender,
}

pub(super) async fn run(
    mut core: Core,
    mut inbox: Inbox,
    shared: Arc<Shared>,
    backoff: Backoff,
    chance: Chance,
) -> DeskState {
    let sender = Sender { clock: core.clock.clone(), backoff, chance };
    let mut sends =
        Sends { tasks: JoinSet::new(), by_task: HashMap::new(), busy: BTreeMap::new(), sender };
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end: Option<Instant> = None;
    loop {
        let deadline = end.unwrap_or_else(|| Instant::now() + TICK);
        // What comes in a flood is shown at the next tick.
        let mut is_shown = true;
        tokio::select! {
            biased;
            command = inbox.commands.recv(), if end.is_none() => {
                // Without anybody who could ask there is nobody to serve.
                let command = command.unwrap_or(Command::Stop(Duration::ZERO));
                if let Some(within) = obey(&mut core, command) {
                    take_all(&mut core, &mut inbox);
                    core.tick(lost(&shared), sends.sender.backoff.dead_after);
                    let now = core.now();
                    core.desk.flush(now);
                    end = Some(Instant::now() + within);
                }
            }
            Some(done) = sends.tasks.join_next_with_id() => sends.done(&mut core, done),
            () = sleep_until(deadline), if end.is_some() => break,
            _ = ticks.tick() => core.tick(lost(&shared), sends.sender.backoff.dead_after),
            Some((at, seen)) = inbox.urgent.recv() => {
                core.observe(at, &seen);
                take_some(&mut core, &mut inbox.urgent);
                is_shown = false;
            }
            Some((at, seen)) = inbox.flow.recv() => {
                core.observe(at, &seen);
                take_some(&mut core, &mut inbox.flow);
                is_shown = false;
            }
        }
        sends.begin(&mut core);
        if is_shown && std::mem::take(&mut core.is_new) {
            let now = core.now();
            shared.publish(core.publish(now));
        }
        if end.is_some() && core.desk.queued() == 0 && sends.tasks.is_empty() {
            break;
        }
    }
    let now = core.now();
    shared.publish(core.publish(now));
    core.desk.state()
}

fn lost(shared: &Shared) -> [u64; 2] {
    [&shared.lost_urgent, &shared.lost_flow].map(|count| count.load(Ordering::Relaxed))
}

/// Does what a person asks. Gives the time that is left where it is to end.
fn obey(core: &mut Core, command: Command) -> Option<Duration> {
    let now = core.now();
    // Whoever asked may have gone; what was asked is done all the same.
    match command {
        Command::Acknowledge(id, by, answer) => {
            let by = Name::from(core.masked(by.as_str()));
            let outcome = core.desk.acknowledge(now, id, &by);
            let _ = answer.try_send(outcome);
        }
        Command::AcknowledgeAll(by, answer) => {
            let by = Name::from(core.masked(by.as_str()));
            let count = core.desk.acknowledge_all(now, &by);
            let _ = answer.try_send(count);
        }
        Command::Test(answer) => {
            let (stations, clock) = (core.stations.clone(), core.clock.clone());
            tokio::spawn(async move {
                let results = try_all(stations, clock).await;
                let _ = answer.try_send(results);
            });
        }
        Command::Stop(within) => return Some(within),
    }
    core.is_new = true;
    None
}

fn take_all(core: &mut Core, inbox: &mut Inbox) {
    while let Ok((at, seen)) = inbox.urgent.try_recv() {
        core.observe(at, &seen);
    }
    take_some(core, &mut inbox.flow);
}

fn take_some(core: &mut Core, queue: &mut mpsc::Receiver<Seen>) {
    for _ in 0..BATCH_MAX {
        let Ok((at, seen)) = queue.try_recv() else { return };
        core.observe(at, &seen);
    }
}

impl Sends {
    /// Begins what can be begun.
    fn begin(&mut self, core: &mut Core) {
        while let Some(delivery) = core.desk.next(|chain| !self.busy.contains_key(&chain)) {
            let (list, sender) = (core.list(delivery.chain), self.sender.clone());
            let notice = Arc::clone(&delivery.notice);
            let task = self.tasks.spawn(async move { sender.send(&list, &notice).await });
            self.busy.insert(delivery.chain, task.id());
            self.by_task.insert(task.id(), delivery);
        }
    }

    fn done(&mut self, core: &mut Core, done: Result<(Id, Option<Name>), JoinError>) {
        // A task that ended in a panic has delivered nothing.
        let (id, channel) = done.unwrap_or_else(|error| (error.id(), None));
        let Some(delivery) = self.by_task.remove(&id) else { return };
        self.busy.remove(&delivery.chain);
        let now = core.now();
        match channel {
            Some(channel) => core.desk.delivered(now, &delivery, &channel),
            None => core.desk.undelivered(now, &delivery),
        }
        core.is_new = true;
    }
}
