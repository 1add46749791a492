//! Sessions on an exchange as processes: `sandpit run` against `sandpit exchange`, each mode of it, its
//! refusals, what it remembers, and that its books are the exchange's.

pub(crate) mod compared;
pub(crate) mod exchange;
mod history;
mod paper;
mod refusals;
mod testnet;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sandpit_journal::journal::{JournalReader, Row, Verdict, verify};
use serde_json::Value;

use super::support::{Run, root, run, sandpit, strategies_target};
use exchange::{Exchange, TRADES, secret};

/// The longest that anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// The longest that a command may take that is refused.
const REFUSAL_MAX: Duration = Duration::from_secs(30);
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A folder with a configuration, and the memory of its sessions.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
}

/// Where the tests' session is to find its exchange.
pub(crate) fn hosts(address: &str) -> String {
    format!(
        "[venue.hosts]\nrest = \"http://{address}\"\nstream = \"ws://{address}/stream\"\n\
         ws_api = \"ws://{address}/ws-api/v3\"\n"
    )
}

/// The account's own name of its key in a mode.
pub(crate) fn variable(mode: &str, part: &str) -> String {
    format!("SANDPIT_MAIN_{}_{part}", mode.to_uppercase())
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn memory(&self, file: &str) -> PathBuf {
        self.path().join("memory").join(file)
    }

    /// Writes the configuration: what is particular to the exchange, and the rest.
    pub(crate) fn configure(&self, venue: &str, rest: &str) {
        let text = format!(
            "version = 1\ncurrency = \"USDT\"\n[venue]\nexchange = \"binance-spot\"\n{venue}\n{rest}"
        );
        fs::write(self.path().join("run.toml"), text).unwrap();
    }

    /// The command with what every session here has, and this key in the environment.
    pub(crate) fn command(&self, mode: &str, key: Option<&str>, more: &[&str]) -> Command {
        let mut command = sandpit(self.path());
        command.args(["run", "run.toml", "--state", "memory", "--mode", mode]).args(more);
        if let Some(key) = key {
            command.env(variable(mode, "API_KEY"), key).env(variable(mode, "SECRET"), secret(key));
        }
        command
    }

    /// A session that must not begin: how it ends, as text and as JSON.
    pub(crate) fn refused(&self, mode: &str, key: Option<&str>, more: &[&str], exit: i32) -> Value {
        let shown = self.ended(self.command(mode, key, more)).ends(exit);
        assert!(shown.output.is_empty(), "{shown:#?}");
        assert_eq!(shown.errors.matches("help:").count(), 1, "one block of help: {shown:#?}");
        let told = self.ended(self.command(mode, key, &[&["--json"], more].concat())).ends(exit);
        let told = told.json();
        assert!(told["error"]["help"].is_string(), "{told:#}");
        told["error"].clone()
    }

    /// What a command leaves behind that is to end by itself, and soon.
    pub(crate) fn ended(&self, mut command: Command) -> Run {
        let file = |name: &str| File::create(self.path().join(name)).unwrap();
        let mut process = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        let text = |name: &str| fs::read_to_string(self.path().join(name)).unwrap();
        let begun = Instant::now();
        let exit = loop {
            if let Some(status) = process.try_wait().unwrap() {
                break status.code();
            }
            if begun.elapsed() > REFUSAL_MAX {
                process.kill().unwrap();
                process.wait().unwrap();
                panic!("it goes on and on\n{}", text("err"));
            }
            thread::sleep(LOOK_EVERY);
        };
        Run { exit, output: text("out"), errors: text("err") }
    }

    /// The journal, verified.
    pub(crate) fn journal(&self) -> Vec<Row> {
        let path = self.memory("session.journal");
        let verdict = verify(&path, None).unwrap();
        assert!(matches!(verdict, Verdict::Verified(_)), "{verdict:?}");
        let reader = JournalReader::open(path).unwrap();
        reader.entries().map(|row| row.unwrap()).collect()
    }

    /// The tapes of all runs, in their order.
    fn tapes(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.memory("tapes")).unwrap();
        let mut tapes: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        tapes.sort();
        tapes
    }

    /// The same, where there may be none.
    fn tapes_or_none(&self) -> Vec<PathBuf> {
        if self.memory("tapes").exists() { self.tapes() } else { Vec::new() }
    }

    /// Has the components asked the same again, and says what was compared of a plugin.
    fn replay(&self, plugin: &str) -> Value {
        let words = ["--json", "replay", "--state", "memory", "--config", "run.toml"];
        let replayed = run(self.path(), &words).ends(0).json();
        assert_eq!(replayed["equal"], true, "{replayed:#}");
        let plugins = replayed["plugins"].as_array().unwrap();
        let of = plugins.iter().find(|it| it["name"] == plugin).unwrap();
        of["counts"].clone()
    }
}

/// A session as a process.
pub(crate) struct Session<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) process: Option<Child>,
}

impl<'a> Session<'a> {
    /// Starts it.
    pub(crate) fn spawn(stage: &'a Stage, mode: &str, key: Option<&str>, more: &[&str]) -> Self {
        let said = File::create(stage.path().join("said")).unwrap();
        let mut command = stage.command(mode, key, &[&["--json"], more].concat());
        command.env("SANDPIT_LOG", "warn,plugin=info").stdout(Stdio::piped()).stderr(said);
        Self { stage, process: Some(command.spawn().unwrap()) }
    }

    /// Starts it, and waits until it trades.
    pub(crate) fn start(stage: &'a Stage, mode: &str, more: &[&str]) -> Self {
        let key = (mode != "paper").then_some(TRADES);
        let mut session = Self::spawn(stage, mode, key, more);
        session.wait_for("that every plugin runs", |list| {
            let plugins = list["plugins"].as_array().unwrap();
            !plugins.is_empty() && plugins.iter().all(|it| it["state"]["name"] == "running")
        });
        session
    }

    /// What it said on its error output.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.stage.path().join("said")).unwrap_or_default()
    }

    /// Asks something that is answered by a session that runs.
    pub(crate) fn ask(&self, words: &[&str]) -> Run {
        run(self.stage.path(), &[&["--json"], words, &["--state", "memory"]].concat())
    }

    /// Waits until `is_so` has something.
    pub(crate) fn wait_until<T>(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&Self) -> Option<T>,
    ) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = is_so(self) {
                return found;
            }
            let process = self.process.as_mut().unwrap();
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "waited for {what}: {ended:?}\n{}", self.said());
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "waited for {what}\n{}", self.said());
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits until the list of plugins is as it should be.
    pub(crate) fn wait_for(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.wait_until(what, |session| {
            let listed = session.ask(&["plugin", "list"]);
            (listed.exit == Some(0)).then(|| listed.json()).filter(&is_so)
        })
    }

    /// The journal so far, not verified: the session goes on.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let reader = JournalReader::open(self.stage.memory("session.journal")).unwrap();
        reader.entries().map(|row| row.unwrap()).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().unwrap();
        let id = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Ends it as Ctrl-C does; what it says.
    pub(crate) fn end(mut self) -> Value {
        self.signal(Signal::INT);
        let run = Run::from(self.process.take().unwrap().wait_with_output().unwrap());
        assert_eq!(run.exit, Some(0), "{run:#?}\n{}", self.said());
        run.json()
    }

    /// Ends it as a loss of power does to a process.
    pub(crate) fn kill(mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A crate as a component.
pub(crate) fn built(folder: &Path, name: &str) -> PathBuf {
    let out = strategies_target().join(format!("live-{name}.wasm"));
    run(folder, &["plugin", "build", ".", "--out", out.to_str().unwrap()]).ends(0);
    out
}

pub(crate) fn market_maker() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built(&root().join("plugins/market-maker"), "market-maker"))
}

fn witness() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built(&root().join("tests/it/live/witness"), "witness"))
}

/// A strategy that has two orders in a market all the time. The tests' machine may be slow, and that
/// is not what they are about.
pub(crate) fn maker(name: &str, symbol: &str, quantity: &str) -> String {
    format!(
        "[[plugins]]\nname = \"{name}\"\ncomponent = {:?}\nbudget = \"1000000\"\n\
         instruments = [\"{symbol}\"]\n[plugins.parameters]\nquantity = \"{quantity}\"\n\
         max-inventory = \"1\"\nhalf-spread = \"0.00002\"\nskew = \"0.00001\"\n\
         [plugins.sandbox]\ncall_deadline_ms = 10000\nqueue_lag_ms_max = 60000\n\
         cpu_share_percent_max = 100\n",
        market_maker()
    )
}

/// A strategy that writes down what it is told.
fn listener(name: &str) -> String {
    format!(
        "[sandbox_total]\nlog_bytes_per_second_max = 16777216\n\
         [[plugins]]\nname = \"{name}\"\ncomponent = {:?}\nbudget = \"1000\"\n\
         instruments = [\"BTCUSDT\"]\n[plugins.sandbox]\nlog_bytes_per_second_max = 4194304\n\
         call_deadline_ms = 10000\nqueue_lag_ms_max = 60000\ncpu_share_percent_max = 100\n",
        witness()
    )
}

/// `[venue]` for sessions with one or both symbols.
pub(crate) fn venue(symbols: &[&str], address: &str, mode: &str) -> String {
    let key = match mode {
        "paper" => String::new(),
        mode => format!("key = \"env://main/{mode}\"\n"),
    };
    format!("symbols = {symbols:?}\n{key}{}", hosts(address))
}
