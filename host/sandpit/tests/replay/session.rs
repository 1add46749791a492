//! Sessions in miniature: a real component, the real engine, a journal and a call log, driven over a
//! tape. No venue answers, so orders stay where they are; what is recorded is what a session records.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use sandpit::{
    author,
    replay::{Recorder, calls_folder, keep_component},
    sandbox::{self, Isolation, Loading, Sandbox},
    synthetic,
};
use sandpit_core::{
    engine::{Effect, Engine, EngineConfig, Event, PluginConfig, Record, VenueCapabilities},
    ids::{InstrumentId, PluginId, RunId},
    intent::Intent,
    market::MarketData,
    num::Money,
    plugin::PluginEvent,
    risk::{Limits as RiskLimits, OffTick, RiskRules},
    time::{Nanos, UnixNanos},
};
use sandpit_journal::{
    calls::{CallLogReader, CallLogWriter},
    journal::{Digest, HostRecord, Journal, JournalOptions, RunMode, Tables},
    tape::TapeReader,
};
use sandpit_plugin::{
    AnyRunner, CallRecord, ComponentFile, Limits, Mode, Recorded, Runner as _, SavedState, Session,
    StopReason,
};
use tempfile::TempDir;

const MONEY: i128 = 1_000_000_000_000_000_000;
const KEEP_BYTES: u64 = 1 << 30;
const PLUGIN: PluginId = PluginId(0);

/// What one run of the host does otherwise than all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) number: u64,
    /// Events of the tape that it plays.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// It is killed: nothing is stopped or flushed.
    pub(crate) killed: bool,
    /// It asks for the intents of this answer, of those that ask for something, and drops them.
    pub(crate) drop_answer: Option<usize>,
    /// The journal has another intent in the place of this one.
    pub(crate) change_row: Option<usize>,
    /// The plugin is not told of this event.
    pub(crate) leave_out: Option<usize>,
    /// Of two quotes in a row it is told of the newer alone.
    pub(crate) conflate: bool,
}

/// A folder with a session in it.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    plugin: &'static str,
    component: Vec<u8>,
    saved: Option<SavedState>,
}

/// The component of an example, built once.
pub(crate) fn component(example: &'static str) -> Vec<u8> {
    static BUILT: [OnceLock<Vec<u8>>; 2] = [OnceLock::new(), OnceLock::new()];
    let cell = &BUILT[usize::from(example != "ema-cross")];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    cell.get_or_init(|| {
        author::build(&root.join("plugins").join(example), None, false).unwrap().bytes
    })
    .clone()
}

/// The same with a section that says nothing: another hash.
pub(crate) fn with_section(mut component: Vec<u8>) -> Vec<u8> {
    component.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    component
}

impl Stage {
    pub(crate) fn new(plugin: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = synthetic::Options { length: Nanos(3_600 * Nanos::SECOND.0), seed: 7 };
        synthetic::write(&folder.path().join("market.tape"), options).unwrap();
        let config = format!(
            "version = 1\ntapes = [\"market.tape\"]\n[[plugins]]\nname = \"{plugin}\"\n\
             component = \"plugin.wasm\"\nbudget = 1000000\ninstruments = [\"BTCUSDT\"]\n"
        );
        fs::write(folder.path().join("run.toml"), config).unwrap();
        Self { folder, plugin, component: component(plugin), saved: None }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn calls(&self) -> PathBuf {
        calls_folder(&self.state(), self.plugin)
    }

    fn engine(&self, run: u64, sub: sandpit_core::plugin::Subscriptions) -> Engine {
        Engine::new(EngineConfig {
            run: RunId(run),
            instruments: synthetic::instruments().unwrap(),
            plugins: vec![PluginConfig {
                budget: Money(1_000_000 * MONEY),
                instruments: vec![InstrumentId(0)],
                subscriptions: sub,
                limits: RiskLimits::unlimited(),
            }],
            account_limits: RiskLimits::unlimited(),
            risk: RiskRules::default(),
            off_tick: OffTick::Deny,
            venue: VenueCapabilities::ALL,
            recovery: None,
        })
    }

    fn session<'a>(&self, engine: &'a Engine, runner: &AnyRunner) -> Session<'a> {
        let arguments = sandbox::arguments(runner.description(), &Default::default()).unwrap();
        Session {
            mode: Mode::Paper,
            time: engine.now(),
            seed: 3,
            instruments: vec![(InstrumentId(0), &engine.config().instruments[0])],
            arguments,
            positions: Vec::new(),
            orders: Vec::new(),
            currency: "USDT".to_owned(),
            budget: engine.budget_of(PLUGIN),
            trading_state: engine.trading_state(PLUGIN),
            restored: self.saved.clone(),
        }
    }

    /// The plugin alone, started, with its calls written down in `folder` where there is one.
    pub(crate) fn started(&self, folder: Option<&Path>) -> Recorded<AnyRunner> {
        let limits =
            Limits { intents_per_second_max: u32::MAX, ..Limits::default().reproducible() };
        let loading = Loading { isolation: Some(Isolation::Inline), ..Loading::default() };
        let file = ComponentFile::unsigned(self.component.clone());
        let sandbox = Sandbox::new(&loading).unwrap();
        let loaded = sandbox.load(self.plugin, &file, &limits).unwrap();
        let engine = self.engine(1, loaded.instance.description().subscriptions());
        let session = self.session(&engine, &loaded.instance);
        let keep_bytes = if folder.is_some() { KEEP_BYTES } else { 0 };
        let folder = folder.unwrap_or(Path::new(""));
        let recorder = Recorder::open(folder, self.plugin, RunId(1), keep_bytes).unwrap();
        let mut runner = recorder.record(loaded.instance, [0; 32], &limits);
        runner.start(&session, &mut Vec::new()).unwrap();
        runner
    }

    /// Plays one run, and how many intents the journal has of it.
    pub(crate) fn play(&mut self, run: Run) -> u64 {
        let hash = Digest::of(&self.component);
        keep_component(&self.state(), &hash.0, &self.component).unwrap();
        let limits = Limits { intents_per_second_max: 10_000, ..Limits::default().reproducible() };
        let loading = Loading { isolation: Some(Isolation::Inline), ..Loading::default() };
        let sandbox = Sandbox::new(&loading).unwrap();
        let file = ComponentFile::unsigned(self.component.clone());
        let loaded = sandbox.load(self.plugin, &file, &limits).unwrap();
        let mut engine = self.engine(run.number, loaded.instance.description().subscriptions());
        let session = self.session(&engine, &loaded.instance);
        let recorder = Recorder::open(&self.state(), self.plugin, RunId(run.number), KEEP_BYTES);
        let recorder = recorder.unwrap();
        let mut runner = recorder.record(loaded.instance, hash.0, &limits);
        let mut desk = Desk::open(&self.state(), self.plugin, run, hash);
        let mut intents = Vec::new();
        runner.start(&session, &mut intents).unwrap();
        drop(session);
        desk.step(&mut engine, &mut runner, intents);
        let tape = TapeReader::open(self.folder.path().join("market.tape")).unwrap();
        let events: Vec<_> = tape.map(Result::unwrap).take(run.to).collect();
        let is_quote = |at: usize| {
            events.get(at).is_some_and(|event| {
                event.instrument.0 == 0 && matches!(event.data, MarketData::Quote(_))
            })
        };
        for (at, event) in events.iter().enumerate() {
            if at < run.from {
                engine.step(Event::History(event.clone()), &mut Vec::new());
                continue;
            }
            let replaced = run.conflate && is_quote(at) && is_quote(at + 1);
            desk.deaf = run.leave_out == Some(at) || replaced;
            desk.event(&mut engine, &mut runner, Event::Market(event.clone()));
        }
        if run.killed {
            // No destructor runs, as after a kill.
            std::mem::forget((runner, recorder));
        } else {
            let data = runner.save().unwrap();
            self.saved = Some(SavedState { version: "0.1.0".to_owned(), schema: 1, data });
            runner.stop(StopReason::Operator).unwrap();
            recorder.flush();
            assert_eq!(recorder.take_problem(), None);
            desk.note(&HostRecord::Stopped { run: RunId(run.number), reason: "over".to_owned() });
        }
        desk.asked as u64
    }

    /// Writes the call log anew with its records changed.
    pub(crate) fn change_log(&self, mut change: impl FnMut(u64, &mut CallRecord)) {
        let mut reader = CallLogReader::open(self.calls()).unwrap();
        let (mut records, mut calls) = (Vec::new(), 0);
        while let Some(bytes) = reader.next_record().unwrap() {
            let mut record = CallRecord::read(bytes).unwrap();
            if matches!(record, CallRecord::Call { .. }) {
                calls += 1;
                change(calls, &mut record);
            }
            records.push(record.to_bytes().unwrap());
        }
        fs::remove_dir_all(self.calls()).unwrap();
        let mut writer = CallLogWriter::open(self.calls(), KEEP_BYTES).unwrap();
        records.iter().for_each(|record| writer.append(record).unwrap());
        writer.flush().unwrap();
    }
}

/// The journal, and the way between engine and plugin.
struct Desk {
    journal: Journal,
    run: Run,
    deaf: bool,
    /// Intents that the plugin asked for and the engine took.
    asked: usize,
    answers: usize,
}

impl Desk {
    fn open(state: &Path, plugin: &str, run: Run, component: Digest) -> Self {
        let tables = Tables {
            instruments: synthetic::instruments().unwrap(),
            plugins: vec![plugin.to_owned()],
            budgets: vec![Money(1_000_000 * MONEY)],
            currency: "USDT".to_owned(),
        };
        let path = state.join("session.journal");
        let journal = Journal::open(path, &tables, &JournalOptions::default()).unwrap();
        let mut desk = Self { journal, run, deaf: false, asked: 0, answers: 0 };
        desk.note(&HostRecord::Started {
            run: RunId(run.number),
            mode: RunMode::Paper,
            version: "0".to_owned(),
            config: Digest::of(b""),
            components: vec![component],
        });
        desk
    }

    fn note(&mut self, record: &HostRecord) {
        self.journal.append(UnixNanos(0), [record]).unwrap();
    }

    fn step(
        &mut self,
        engine: &mut Engine,
        runner: &mut Recorded<AnyRunner>,
        intents: Vec<Intent>,
    ) {
        if intents.is_empty() {
            return;
        }
        self.answers += 1;
        if self.run.drop_answer == Some(self.answers) {
            return runner.untaken();
        }
        self.event(engine, runner, Event::Intents { plugin: PLUGIN, intents });
    }

    fn event(&mut self, engine: &mut Engine, runner: &mut Recorded<AnyRunner>, event: Event) {
        let mut effects = Vec::new();
        engine.step(event, &mut effects);
        let mut records = Vec::new();
        let mut calls = Vec::new();
        for effect in effects {
            match effect {
                Effect::Record(Record::Asked { plugin, mut intent }) => {
                    self.asked += 1;
                    if self.run.change_row == Some(self.asked) {
                        intent = Intent::CancelAll(None);
                    }
                    records.push(Record::Asked { plugin, intent });
                }
                Effect::Record(record) => records.push(record),
                Effect::CallPlugin { event, .. } => calls.push(event),
                _ => {}
            }
        }
        if !records.is_empty() {
            self.journal.append(engine.now(), &records).unwrap();
        }
        for event in calls {
            let market = matches!(event, PluginEvent::Market { .. } | PluginEvent::Depth(_));
            if !(market && self.deaf) {
                let mut intents = Vec::new();
                runner.call(&event, &mut intents).unwrap();
                self.step(engine, runner, intents);
            }
        }
    }
}
