//! One seed's world: the market, the venue, the way to it, the host and whoever disturbs them, on
//! one thread and in virtual time. A step is one thing that happens.

use std::collections::BTreeMap;

use sandpit_core::{
    engine::{EngineConfig, Event, Flaws, PluginConfig, VenueEvent},
    ids::InstrumentId,
    num::Price,
    order::Report,
    time::{Nanos, UnixNanos},
};

use super::{
    Counts, Slip,
    chance::Chance,
    disk::Disk,
    host::Host,
    ledger::Ledger,
    market::Walk,
    network::Link,
    operator::Operator,
    queue::{Ask, Happening, Queue},
    scenario::{Faults, START, Scenario},
    trace::{Keep, Trace},
    venue::Venue,
    violation::{Held, Invariant, broke},
};

/// Times that the engine may want to be woken at one moment.
const WAKES_PER_MOMENT_MAX: u32 = 1_000;
/// What can be compared cheaply is compared after every step, all else once in so many.
const FULL_CHECK_EVERY: u64 = 64;
/// A whole replay of the journal, once in so many.
const REPLAY_CHECK_EVERY: u64 = 4_096;

/// Everything there is.
#[derive(Debug)]
pub(super) struct World<F: Flaws> {
    pub(super) now: UnixNanos,
    pub(super) step: u64,
    /// With the plugins that have come by now.
    pub(super) config: EngineConfig,
    /// A plugin that is still to come.
    pub(super) newcomer: Option<PluginConfig>,
    /// Plugins with which the journal began.
    pub(super) began: usize,
    pub(super) faults: Faults,
    pub(super) settling: Nanos,
    pub(super) slip: Slip,
    /// Whether the faults are over.
    pub(super) quiet: bool,
    pub(super) chance: Chance,
    pub(super) queue: Queue,
    pub(super) venue: Venue,
    pub(super) link: Link,
    /// Orders and changes on their way to the venue, by the number of their request.
    pub(super) under_way: BTreeMap<u64, Ask>,
    pub(super) host: Host<F>,
    pub(super) disk: Disk,
    pub(super) ledger: Ledger,
    pub(super) operator: Operator,
    pub(super) trace: Trace,
    pub(super) counts: Counts,
    /// Whether somebody else trades on the account in this world.
    pub(super) has_strangers: bool,
    walks: Vec<Walk>,
    /// What each market last traded at; what a stranger goes by.
    prices: Vec<Option<Price>>,
    wakes: (UnixNanos, u32),
}

impl<F: Flaws> World<F> {
    pub(super) fn new(seed: u64, slip: Slip, keep: Keep) -> Self {
        let scenario = Scenario::draw(seed);
        let settling = scenario.settling();
        let Scenario { config, newcomer, faults, lag_max, mut chance } = scenario;
        let (newcomer, comes_ms) = newcomer.unzip();
        let (plugins, instruments) = (config.plugins.len(), config.instruments.len());
        let walks: Vec<_> = (0u16..)
            .zip(&config.instruments)
            .map(|(id, rules)| Walk::new(InstrumentId(id), rules, chance.fork()))
            .collect();
        let keeps_reduce_only = config.venue.reduce_only;
        let mut world = Self {
            now: START,
            step: 0,
            settling,
            slip,
            quiet: false,
            queue: Queue::default(),
            venue: Venue::new(&config.instruments, keeps_reduce_only, lag_max, chance.fork()),
            link: Link::new(START),
            under_way: BTreeMap::new(),
            host: Host::new(&config, &mut chance),
            disk: Disk::default(),
            ledger: Ledger::new(&config.instruments),
            operator: Operator::new(plugins, instruments, chance.fork()),
            trace: Trace::new(keep),
            counts: Counts::default(),
            has_strangers: faults.stranger_every_ms > 0,
            prices: vec![None; walks.len()],
            walks,
            wakes: (START, 0),
            config,
            newcomer,
            began: plugins,
            faults,
            chance,
        };
        let (config, faults) = (world.config.clone(), world.faults.clone());
        world.note(|| format!("a world with {config:?} and {faults:?}"));
        world.set_out();
        if let Some(comes_ms) = comes_ms {
            world.queue.at(START.plus(Nanos::from_millis(comes_ms)), Happening::Newcomer);
        }
        world
    }

    /// Puts the first of everything into the queue.
    fn set_out(&mut self) {
        self.queue.at(self.now, Happening::Start);
        for index in (0u16..).take(self.walks.len()) {
            self.queue.at(self.now, Happening::Tick(InstrumentId(index)));
        }
        let faults = self.faults.clone();
        self.later(faults.cut_every_ms, Happening::Cut);
        self.later(faults.venue_down_every_ms, Happening::VenueDown);
        self.later(faults.stranger_every_ms, Happening::Stranger);
        self.later(faults.command_every_ms, Happening::Command);
    }

    /// Something that happens every so often; never, where that is zero.
    fn later(&mut self, every_ms: u64, what: Happening) {
        if every_ms > 0 {
            let pause = self.chance.pause_ms(1, 2 * every_ms);
            self.queue.at(self.now.plus(pause), what);
        }
    }

    /// Lets the next thing happen.
    pub(super) fn step(&mut self) -> Held {
        self.step += 1;
        let wake = self.host.next_wake().map(|at| at.max(self.now));
        let expiry = self.venue.next_expiry().map(|at| at.max(self.now));
        let queued = self.queue.next_time().map(|at| at.max(self.now));
        let Some(next) = [wake, expiry, queued].into_iter().flatten().min() else {
            return Err(broke(Invariant::TimeGoesOn, "nothing will ever happen again"));
        };
        self.now = next;
        self.trace.mix(&next.0.to_le_bytes());
        if expiry == Some(next) {
            let reports = self.venue.expire(next);
            self.stream(&reports);
        } else if wake == Some(next) {
            self.count_wake()?;
            self.tell(Event::Clock(next))?;
        } else if let Some(what) = self.queue.pop() {
            self.happen(what)?;
        }
        if self.step.is_multiple_of(FULL_CHECK_EVERY) {
            self.check_all()?;
        }
        if self.step.is_multiple_of(REPLAY_CHECK_EVERY) {
            self.check_journal()?;
        }
        Ok(())
    }

    fn count_wake(&mut self) -> Held {
        if self.wakes.0 != self.now {
            self.wakes = (self.now, 0);
        }
        self.wakes.1 += 1;
        if self.wakes.1 > WAKES_PER_MOMENT_MAX {
            return Err(broke(
                Invariant::TimeGoesOn,
                "the engine wants to be woken again and again",
            ));
        }
        Ok(())
    }

    fn happen(&mut self, what: Happening) -> Held {
        match what {
            Happening::Tick(instrument) => self.tick(instrument),
            Happening::Arrive(request) => self.arrive(request),
            Happening::Hear { life, stream, event } => self.hear(life, stream, event),
            Happening::Start => self.start(),
            Happening::Join => self.join(),
            Happening::VenueUp => {
                self.note(|| "the venue is back".into());
                self.venue.set_up(true);
                Ok(())
            }
            Happening::Revive { life, plugin } => {
                self.revive(life, plugin);
                Ok(())
            }
            Happening::Restarted { life, plugin } => self.restarted(life, plugin),
            // What follows disturbs, and is over once the faults are.
            _ if self.quiet => Ok(()),
            Happening::Newcomer => self.newcomer(),
            Happening::Command => {
                self.later(self.faults.command_every_ms, Happening::Command);
                let command = self.operator.command();
                self.counts.commands += 1;
                self.command(command)
            }
            Happening::Stranger => {
                self.later(self.faults.stranger_every_ms, Happening::Stranger);
                self.stranger();
                Ok(())
            }
            Happening::Cut => {
                self.later(self.faults.cut_every_ms, Happening::Cut);
                self.cut();
                Ok(())
            }
            Happening::VenueDown => {
                self.later(self.faults.venue_down_every_ms, Happening::VenueDown);
                self.venue_down();
                Ok(())
            }
        }
    }

    fn tick(&mut self, instrument: InstrumentId) -> Held {
        let at = usize::from(instrument.0);
        let walk = &mut self.walks[at];
        let event = walk.next(self.now);
        let pause = walk.pause();
        self.queue.at(self.now.plus(pause), Happening::Tick(instrument));
        if let sandpit_core::market::MarketData::Trade(trade) = &event.data {
            self.prices[at] = Some(trade.price);
        }
        self.note(|| format!("market {}: {:?}", instrument.0, event.data));
        let reports: Vec<Report> = self.venue.market(&event);
        self.stream(&reports);
        if !self.link.is_up() || self.chance.often(self.faults.market_dropped) {
            return Ok(());
        }
        self.tell(Event::Market(event))
    }

    fn stranger(&mut self) {
        let index = self.chance.index(self.walks.len());
        let instrument = InstrumentId(u16::try_from(index).unwrap_or(0));
        self.note(|| format!("somebody else trades {}", instrument.0));
        let rules = &self.config.instruments[index];
        self.venue.stranger(instrument, rules, self.prices[index], self.now);
        self.counts.stranger_deeds += 1;
    }

    fn cut(&mut self) {
        if self.link.is_up() {
            self.note(|| "the connection is cut".into());
            self.link.cut();
            self.counts.cuts += 1;
            let pause = self.chance.pause_ms(100, 20_000);
            self.queue.at(self.now.plus(pause), Happening::Join);
        }
    }

    pub(super) fn join(&mut self) -> Held {
        self.note(|| "the connection is back".into());
        self.link.join(self.now);
        self.tell(Event::Venue(VenueEvent::Reconnected(self.now)))
    }

    fn venue_down(&mut self) {
        if self.venue.is_up() {
            self.note(|| "the venue goes down".into());
            self.venue.set_up(false);
            self.link.cut();
            self.counts.venue_restarts += 1;
            let pause = self.chance.pause_ms(500, 30_000);
            self.queue.at(self.now.plus(pause), Happening::VenueUp);
            self.queue.at(self.now.plus(pause), Happening::Join);
        }
    }

    /// Writes a line where somebody wants to read it.
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.note(self.step, self.now, line);
    }
}
