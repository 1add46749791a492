//! A supervisor with what a shell has around it: components that were compiled, a launcher, the
//! time, and a workshop on another thread where that is wanted.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use sandpit_core::{
    ids::{InstrumentId, OrderTag, PluginId},
    intent::{Intent, Place},
    num::Money,
    plugin::{BudgetView, Fault, FaultCode, PluginEvent, Subscriptions, TradingState},
    time::UnixNanos,
};
use sandpit_plugin::{
    AnyRunner, Artifact, Compiled, Compiler, ComponentFile, Consequence, Engine, EngineSettings,
    Instance, LaunchSettings, Launcher, Limits, Mode, Moment, NoLog, Outcome, Phase, Setting,
    SlotLimits, Stance, Stances, SuperviseRules, Supervisor, Totals, Version,
};

use crate::support::{Guest, instrument, trade};

/// The word that makes this program a runner.
pub(crate) const RUNNER: &str = "__runner";

/// How long a runner may be in the making, and how often one looks where plugins are busy as well.
const WORKSHOP_DEADLINE: Duration = Duration::from_secs(60);
const WORKSHOP_LOOK_EVERY: Duration = Duration::from_millis(1);

/// A component that is compiled: the warm cache.
pub(crate) struct Build {
    pub(crate) version: Version,
    pub(crate) compiled: Compiled,
    artifact: Artifact,
    settings: EngineSettings,
}

impl Build {
    pub(crate) fn of(engine: &Engine, guest: &Guest) -> Arc<Self> {
        let checked = guest.checked();
        let compiled = Compiler::InProcess.compile(engine, &checked).unwrap();
        let version = Version {
            file: Arc::new(ComponentFile::unsigned(Vec::new())),
            sha256: *compiled.component(),
            version: "1.2.3".to_owned(),
            schema: 7,
            arguments: Vec::new(),
            subscriptions: Subscriptions { kinds: Vec::new() },
        };
        let artifact = engine.link(&compiled).unwrap();
        Arc::new(Self { version, compiled, artifact, settings: engine.settings() })
    }

    /// In a process of its own where there is a launcher.
    pub(crate) fn runner(
        &self,
        launcher: Option<&Arc<Launcher>>,
        limits: &Limits,
    ) -> Result<AnyRunner, Fault> {
        let Some(launcher) = launcher else {
            return Instance::load(&self.artifact, "plugin", limits, Box::new(NoLog))
                .map(AnyRunner::Inline);
        };
        launcher
            .launch("plugin", &self.compiled, self.settings, limits, Box::new(NoLog))
            .map(AnyRunner::Process)
            .map_err(|error| Fault { code: FaultCode::RunnerLost, detail: error.to_string() })
    }
}

/// A launcher of this program.
pub(crate) fn launcher() -> Arc<Launcher> {
    let settings = LaunchSettings::new("/proc/self/exe".into(), vec![RUNNER.into()]);
    Launcher::new(settings).unwrap()
}

/// Limits whose deadline no busy machine meets, and whose rate of intents no event in quick
/// succession.
pub(crate) fn patient() -> Limits {
    Limits {
        call_deadline: Duration::from_secs(20),
        start_deadline: Duration::from_secs(20),
        intents_per_second_max: 1_000_000,
        ..Limits::default()
    }
}

/// Totals that are for nobody.
pub(crate) fn generous() -> Totals {
    Totals { cpu_share_percent_max: 100_000, intents_per_second_max: 100_000_000 }
}

/// May use the processor as it likes.
pub(crate) fn busy() -> SlotLimits {
    SlotLimits { cpu_share_percent_max: 100_000, ..SlotLimits::default() }
}

/// Every plugin stands flat.
struct Flat(UnixNanos);

impl Stances for Flat {
    fn stance(&self, _: PluginId) -> Stance {
        let (balance, equity, fees) = (Money(0), Money(0), Money(0));
        Stance {
            time: self.0,
            positions: Vec::new(),
            orders: Vec::new(),
            budget: BudgetView { time: self.0, balance, equity, fees },
            trading_state: TradingState::Active,
        }
    }
}

enum What {
    /// What the supervisor wanted.
    Wanted(u64),
    /// The next version.
    Swap(Version),
}

struct Order {
    plugin: PluginId,
    build: Arc<Build>,
    limits: Limits,
    what: What,
}

type Made = (PluginId, What, Result<AnyRunner, Fault>);

/// Another thread that makes runners, so that this one never waits for one.
struct Workshop {
    orders: Sender<Order>,
    made: Receiver<Made>,
}

impl Workshop {
    fn new(launcher: Option<Arc<Launcher>>) -> Self {
        let (orders, taken) = mpsc::channel::<Order>();
        let (done, made) = mpsc::channel();
        thread::spawn(move || {
            while let Ok(Order { plugin, build, limits, what }) = taken.recv() {
                let runner = build.runner(launcher.as_ref(), &limits);
                if done.send((plugin, what, runner)).is_err() {
                    return;
                }
            }
        });
        Self { orders, made }
    }
}

pub(crate) struct Hall {
    pub(crate) supervisor: Supervisor<AnyRunner>,
    pub(crate) now: UnixNanos,
    /// What has happened, but for what wanted a runner.
    pub(crate) seen: Vec<Outcome>,
    launcher: Option<Arc<Launcher>>,
    workshop: Option<Workshop>,
    builds: Vec<Arc<Build>>,
    limits: Vec<Limits>,
    out: Vec<Outcome>,
}

impl Hall {
    pub(crate) fn new(rules: SuperviseRules, launcher: Option<Arc<Launcher>>) -> Self {
        Self {
            supervisor: Supervisor::new(rules),
            now: UnixNanos(1_000),
            seen: Vec::new(),
            launcher,
            workshop: None,
            builds: Vec::new(),
            limits: Vec::new(),
            out: Vec::new(),
        }
    }

    /// Makes runners on another thread from now on.
    pub(crate) fn with_workshop(mut self) -> Self {
        self.workshop = Some(Workshop::new(self.launcher.clone()));
        self
    }

    /// One more plugin, which runs once this returns.
    pub(crate) fn load(
        &mut self,
        build: &Arc<Build>,
        limits: Limits,
        slot: SlotLimits,
    ) -> PluginId {
        let setting = Setting {
            mode: Mode::Paper,
            seed: 7,
            instruments: vec![(InstrumentId(0), instrument())],
            currency: "USD".to_owned(),
        };
        let plugin = self.supervisor.add("plugin", slot, setting);
        self.limits.push(limits);
        self.install(plugin, build);
        plugin
    }

    /// Starts a plugin where nothing runs, with what it saved last.
    pub(crate) fn install(&mut self, plugin: PluginId, build: &Arc<Build>) {
        self.know(build);
        let runner = build.runner(self.launcher.as_ref(), &self.limits[usize::from(plugin.0)]);
        let version = build.version.clone();
        let saved = self.supervisor.view(plugin).unwrap().saved.cloned();
        self.with(|supervisor, moment, out| {
            supervisor.install(plugin, runner.unwrap(), version, saved, moment, out);
        });
        self.settle();
        assert_eq!(self.supervisor.phase(plugin), Phase::Running, "{:?}", self.seen);
    }

    fn know(&mut self, build: &Arc<Build>) {
        if !self.builds.iter().any(|known| known.version.sha256 == build.version.sha256) {
            self.builds.push(Arc::clone(build));
        }
    }

    /// Has another version take over: at once, or when the workshop has made it.
    pub(crate) fn swap(&mut self, plugin: PluginId, build: &Arc<Build>) {
        self.know(build);
        let what = What::Swap(build.version.clone());
        self.order(plugin, Arc::clone(build), what);
    }

    fn order(&mut self, plugin: PluginId, build: Arc<Build>, what: What) {
        let limits = self.limits[usize::from(plugin.0)].clone();
        if let Some(workshop) = &self.workshop {
            workshop.orders.send(Order { plugin, build, limits, what }).unwrap();
        } else {
            let runner = build.runner(self.launcher.as_ref(), &limits);
            self.take((plugin, what, runner));
        }
    }

    fn take(&mut self, (plugin, what, runner): Made) {
        self.with(|supervisor, moment, out| match what {
            What::Wanted(ticket) => supervisor.made(plugin, ticket, runner, moment, out),
            What::Swap(version) => supervisor.swap(plugin, runner.unwrap(), version, moment, out),
        });
    }

    /// Has the supervisor do something, now.
    pub(crate) fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Supervisor<AnyRunner>, Moment<'_>, &mut Vec<Outcome>) -> T,
    ) -> T {
        let flat = Flat(self.now);
        act(&mut self.supervisor, Moment { now: self.now, stances: &flat }, &mut self.out)
    }

    pub(crate) fn tell(&mut self, plugin: PluginId, event: PluginEvent) {
        self.with(|supervisor, moment, out| supervisor.tell(plugin, event, moment, out));
    }

    /// Tells of the trade with this number.
    pub(crate) fn trade(&mut self, plugin: PluginId, number: u64) {
        self.tell(plugin, trade(self.now.0, i64::try_from(number).unwrap()));
    }

    /// Goes on as far as it goes without waiting.
    pub(crate) fn step(&mut self) {
        while let Some(made) = self.workshop.as_ref().and_then(|it| it.made.try_recv().ok()) {
            self.take(made);
        }
        self.with(Supervisor::advance);
        for outcome in std::mem::take(&mut self.out) {
            match outcome {
                Outcome::Make { plugin, ticket, version } => {
                    let wanted = |build: &&Arc<Build>| build.version.sha256 == version.sha256;
                    let build = self.builds.iter().find(wanted).map(Arc::clone).unwrap();
                    self.order(plugin, build, What::Wanted(ticket));
                }
                outcome => self.seen.push(outcome),
            }
        }
    }

    /// Goes on once there is something to do, a runner from the workshop among it.
    pub(crate) fn step_or_wait(&mut self) {
        if self.supervisor.is_idle()
            && let Some(workshop) = &self.workshop
        {
            let made = workshop.made.recv_timeout(WORKSHOP_DEADLINE).unwrap();
            self.take(made);
        } else {
            self.wait(Some(Instant::now() + WORKSHOP_LOOK_EVERY));
        }
        self.step();
    }

    /// Sleeps until there is something to do.
    pub(crate) fn wait(&self, until: Option<Instant>) {
        self.supervisor.wait(until, &[]);
    }

    /// Works everything off that can be.
    pub(crate) fn settle(&mut self) {
        loop {
            self.step();
            if self.supervisor.is_idle() && self.out.is_empty() {
                return;
            }
            if self.out.is_empty() {
                self.wait(None);
            }
        }
    }

    /// Works off until at most so many events wait for a plugin.
    pub(crate) fn work_off(&mut self, plugin: PluginId, left: usize) {
        self.step();
        while self.supervisor.view(plugin).unwrap().waiting > left {
            self.wait(None);
            self.step();
        }
    }

    /// The state of a plugin that runs.
    pub(crate) fn state(&mut self, plugin: PluginId) -> Vec<u8> {
        // What waits comes first: a state is saved between any two events.
        self.settle();
        self.supervisor.save(plugin);
        self.settle();
        self.supervisor.view(plugin).unwrap().saved.unwrap().data.clone()
    }

    /// Everything that a plugin has asked for.
    pub(crate) fn asked(&self, plugin: PluginId) -> Vec<Intent> {
        let of = |outcome: &Outcome| match outcome {
            Outcome::Intents { plugin: who, intents } if *who == plugin => intents.clone(),
            _ => Vec::new(),
        };
        self.seen.iter().flat_map(of).collect()
    }

    /// Faults and what followed, in order.
    pub(crate) fn faults(&self, plugin: PluginId) -> Vec<(FaultCode, Consequence)> {
        let of = |outcome: &Outcome| match outcome {
            Outcome::Faulted { plugin: who, fault, then, .. } if *who == plugin => {
                Some((fault.code, *then))
            }
            _ => None,
        };
        self.seen.iter().filter_map(of).collect()
    }

    /// Number of a plugin's process.
    pub(crate) fn process(&self, plugin: PluginId) -> Option<u32> {
        match self.supervisor.view(plugin)?.runner? {
            AnyRunner::Process(process) => Some(process.process_id()),
            AnyRunner::Inline(_) => None,
        }
    }
}

/// Tags of orders that were asked for.
pub(crate) fn tags(intents: &[Intent]) -> Vec<u64> {
    let tag = |intent: &Intent| match intent {
        Intent::Place(Place { tag: OrderTag(tag), .. }) => *tag,
        other => panic!("{other:?}"),
    };
    intents.iter().map(tag).collect()
}
