//! A simulation of the whole host in a hostile world: the engine as it is in production, with its
//! journal, a venue, the network between them, plugins and an operator, all of them by chance from
//! one seed, in virtual time and on one thread. After every step it is checked that what must hold
//! holds ([`Invariant`]). In the spirit of TigerBeetle's VOPR; `docs/simulator.md` tells more.
//!
//! **Architecture invariant:** nothing here reads a clock, sleeps, or touches a file or a socket.
//! The same seed gives the same world, and [`Summary::hash`] says so.

mod chance;
mod checks;
mod disk;
mod host;
mod ledger;
mod market;
mod network;
mod operator;
mod players;
mod queue;
mod quiet;
mod scenario;
mod supervise;
mod trace;
mod truth;
mod venue;
mod violation;
mod world;
mod worst;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use sandpit_core::engine::Flaws;

pub use trace::Keep;
pub use violation::{Invariant, Violation};

use violation::Broke;
use world::World;

/// Lines of a world's course that come with a violation.
pub const TRACE_LINES: usize = 40;

/// One world to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it is made from.
    pub seed: u64,
    /// How many things happen before the faults end.
    pub steps: u64,
    /// A bug in what is around the engine; for tests of the simulator itself.
    pub slip: Slip,
}

/// Deliberate bugs in what is around the engine: the client, the executor, the disk. The simulator
/// has to show that it finds what it is there to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slip {
    /// None.
    #[default]
    None,
    /// An order whose answer is lost is sent again.
    ResendsOnTimeout,
    /// An order whose answer is lost counts as refused.
    TakesTimeoutForRefusal,
    /// A question that fails counts as answered: there is no such order.
    TakesErrorForAnswer,
    /// Orders go out before the journal has them.
    SendsBeforeCommit,
    /// A full disk is passed over.
    IgnoresFullDisk,
}

/// How often things happened in one world or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Orders that were decided on and sent.
    pub orders: u64,
    /// Executions that were booked.
    pub fills: u64,
    /// Things that plugins asked for.
    pub intents: u64,
    /// Intents that were denied.
    pub denied: u64,
    /// Requests whose answer was lost, or that were.
    pub lost: u64,
    /// Reports that never arrived while others did.
    pub dropped: u64,
    /// Cuts of the connection.
    pub cuts: u64,
    /// Times that the venue went down.
    pub venue_restarts: u64,
    /// Times that the host was killed.
    pub crashes: u64,
    /// Times that the disk was full.
    pub full_disks: u64,
    /// Commands of the operator.
    pub commands: u64,
    /// Faults of plugins.
    pub plugin_faults: u64,
    /// Plugins that the host said run again.
    pub plugin_restarts: u64,
    /// Plugins that were put in quarantine.
    pub quarantines: u64,
    /// Plugins that the operator let go.
    pub releases: u64,
    /// Plugins that came while the host ran.
    pub newcomers: u64,
    /// Orders and cancels of somebody else on the account.
    pub stranger_deeds: u64,
    /// Comparisons of the books with the venue's.
    pub reconciled: u64,
    /// Journals that were followed by another.
    pub rotations: u64,
    /// Rows of the journal.
    pub rows: u64,
    /// Seconds of the world's time.
    pub seconds: u64,
}

impl Counts {
    /// The counts by name.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 21] {
        [
            ("orders", self.orders),
            ("fills", self.fills),
            ("intents", self.intents),
            ("denied", self.denied),
            ("lost", self.lost),
            ("dropped", self.dropped),
            ("cuts", self.cuts),
            ("venue_restarts", self.venue_restarts),
            ("crashes", self.crashes),
            ("full_disks", self.full_disks),
            ("commands", self.commands),
            ("plugin_faults", self.plugin_faults),
            ("plugin_restarts", self.plugin_restarts),
            ("quarantines", self.quarantines),
            ("releases", self.releases),
            ("newcomers", self.newcomers),
            ("stranger_deeds", self.stranger_deeds),
            ("reconciled", self.reconciled),
            ("rotations", self.rotations),
            ("rows", self.rows),
            ("seconds", self.seconds),
        ]
    }

    /// Adds the counts of another world.
    pub const fn add(&mut self, other: &Self) {
        self.orders += other.orders;
        self.fills += other.fills;
        self.intents += other.intents;
        self.denied += other.denied;
        self.lost += other.lost;
        self.dropped += other.dropped;
        self.cuts += other.cuts;
        self.venue_restarts += other.venue_restarts;
        self.crashes += other.crashes;
        self.full_disks += other.full_disks;
        self.commands += other.commands;
        self.plugin_faults += other.plugin_faults;
        self.plugin_restarts += other.plugin_restarts;
        self.quarantines += other.quarantines;
        self.releases += other.releases;
        self.newcomers += other.newcomers;
        self.stranger_deeds += other.stranger_deeds;
        self.reconciled += other.reconciled;
        self.rotations += other.rotations;
        self.rows += other.rows;
        self.seconds += other.seconds;
    }
}

/// A world in which everything held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it was made from.
    pub seed: u64,
    /// Steps with faults, and until all was at rest.
    pub steps: u64,
    /// SHA-256 over its whole course, in hexadecimal: the same on every machine.
    pub hash: String,
    /// What happened in it.
    pub counts: Counts,
    /// Its course, where it was to be kept.
    pub trace: Vec<String>,
}

/// Runs one world. `F` is [`sandpit_core::engine::Sound`] but for tests of the simulator.
///
/// # Errors
/// Something that must hold did not. The world is then run once more to tell what came before.
pub fn run<F: Flaws>(plan: &Plan, keep: Keep) -> Result<Summary, Box<Violation>> {
    let once = run_once::<F>(plan, keep);
    match once {
        Err(_) if keep == Keep::Nothing => run_once::<F>(plan, Keep::Last(TRACE_LINES)),
        once => once,
    }
}

fn run_once<F: Flaws>(plan: &Plan, keep: Keep) -> Result<Summary, Box<Violation>> {
    let mut world = World::<F>::new(plan.seed, plan.slip, keep);
    let held = catch_unwind(AssertUnwindSafe(|| {
        while world.step < plan.steps {
            world.step()?;
        }
        world.settle()
    }));
    let broke = match held {
        Ok(Ok(())) => return Ok(world.summary(plan.seed)),
        Ok(Err(broke)) => broke,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Broke {
                invariant: Invariant::NoPanic,
                detail: text.unwrap_or("a panic without a text").to_owned(),
            }
        }
    };
    Err(Box::new(Violation {
        seed: plan.seed,
        steps: plan.steps,
        step: world.step,
        time: world.now,
        invariant: broke.invariant,
        detail: broke.detail,
        trace: world.trace.into_lines(),
    }))
}

impl<F: Flaws> World<F> {
    fn summary(self, seed: u64) -> Summary {
        let mut counts = self.counts;
        counts.rows = self.disk.written();
        counts.seconds = self.now.since(scenario::START).0 / 1_000_000_000;
        let (steps, hash) = (self.step, self.trace.hash());
        Summary { seed, steps, hash, counts, trace: self.trace.into_lines() }
    }
}

/// What many worlds came to.
#[derive(Clone, Debug, Default)]
pub struct Worlds {
    /// Worlds in which everything held.
    pub held: u64,
    /// Their steps.
    pub steps: u64,
    /// What happened in them.
    pub counts: Counts,
    /// The violation with the lowest seed of those that were found.
    pub violation: Option<Box<Violation>>,
}

/// Runs the worlds of `seeds` seeds from the plan's on, on so many threads; each world runs on
/// one. Ends early where something did not hold, or where `stop` says so. `tell` hears of each
/// world that held.
pub fn run_many<F: Flaws>(
    plan: &Plan,
    seeds: u64,
    threads: usize,
    stop: &AtomicBool,
    tell: &(dyn Fn(&Summary) + Sync),
) -> Worlds {
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let work = || {
        let mut worlds = Worlds::default();
        while !failed.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= seeds {
                break;
            }
            let plan = Plan { seed: plan.seed.wrapping_add(index), ..*plan };
            match run::<F>(&plan, Keep::Nothing) {
                Ok(summary) => {
                    tell(&summary);
                    worlds.held += 1;
                    worlds.steps += summary.steps;
                    worlds.counts.add(&summary.counts);
                }
                Err(violation) => {
                    failed.store(true, Ordering::Relaxed);
                    worlds.violation = Some(violation);
                }
            }
        }
        worlds
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            // A world's panics are caught in it.
            let Ok(worlds) = other.join() else { continue };
            all.held += worlds.held;
            all.steps += worlds.steps;
            all.counts.add(&worlds.counts);
            let found = [all.violation.take(), worlds.violation].into_iter().flatten();
            all.violation = found.min_by_key(|violation| violation.seed);
        }
        all
    })
}
