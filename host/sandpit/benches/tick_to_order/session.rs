//! The host under measure: the program as a user starts it, with a strategy that orders for every
//! quote.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::exchange::Failure;
use rustix::process::{Pid, Signal, kill_process};
use sandpit_exchange::{DEMO_API_KEY, DEMO_SECRET};
use serde_json::Value;

/// The seed of the test vectors of RFC 8032: known to everybody, and of use to nobody.
const PUBLISHED_SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
/// What a session says once its strategies are called.
const TRADES: &str = "the plugins trade";

/// How orders are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Hmac,
    Ed25519,
}

/// Where an exchange is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) rest: SocketAddr,
    pub(crate) market: SocketAddr,
    pub(crate) api: SocketAddr,
}

/// A session as a process.
pub(crate) struct Session {
    folder: tempfile::TempDir,
    process: Child,
    trades: Arc<AtomicBool>,
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sandpit"))
}

/// Builds the strategy.
pub(crate) fn build(to: &Path) -> Result<PathBuf, Failure> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = to.join("echo.wasm");
    let built = program()
        .args(["--quiet", "plugin", "build", "--out"])
        .arg(&out)
        .arg(here.join("benches/tick_to_order/guest"))
        .env("CARGO_TARGET_DIR", here.join("../../target/strategies"))
        .output()?;
    if built.status.success() { Ok(out) } else { Err(shown(&built).into()) }
}

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

fn config(component: &Path, at: Addresses) -> String {
    let Addresses { rest, market, api } = at;
    format!(
        "version = 1\ncurrency = \"USDT\"\nisolation = \"process\"\n\
         [venue]\nexchange = \"binance-spot\"\nsymbols = [\"BTCUSDT\"]\nkey = \"env://bench/testnet\"\n\
         reconcile_s = 86400\n\
         [venue.hosts]\nrest = \"http://{rest}\"\nstream = \"ws://{market}/stream\"\n\
         ws_api = \"ws://{api}/ws-api/v3\"\n\
         [sandbox_total]\nintents_per_second_max = 100000\n\
         [[plugins]]\nname = \"echo\"\ncomponent = {component:?}\nbudget = \"100000\"\n\
         [plugins.sandbox]\nintents_per_second_max = 100000\ncpu_share_percent_max = 100\n\
         call_deadline_ms = 5000\nqueue_lag_ms_max = 60000\n"
    )
}

impl Session {
    pub(crate) fn start(component: &Path, at: Addresses, key: Key) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("run.toml"), config(component, at))?;
        let secret = match key {
            Key::Hmac => ("SANDPIT_BENCH_TESTNET_SECRET", DEMO_SECRET),
            Key::Ed25519 => ("SANDPIT_BENCH_TESTNET_PRIVATE_KEY", PUBLISHED_SEED),
        };
        let mut process = program()
            .current_dir(folder.path())
            .args(["run", "run.toml", "--mode", "testnet", "--state", "state"])
            .env("SANDPIT_BENCH_TESTNET_API_KEY", DEMO_API_KEY)
            .env(secret.0, secret.1)
            .env("XDG_CONFIG_HOME", folder.path().join("config"))
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .env("XDG_STATE_HOME", folder.path().join("user-state"))
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (trades, said) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::default()));
        let errors = process.stderr.take().ok_or("a session without an error output")?;
        let (sees, hears): (_, Arc<Mutex<String>>) = (Arc::clone(&trades), Arc::clone(&said));
        let listener = thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                if line.contains(TRADES) {
                    sees.store(true, Ordering::Relaxed);
                }
                let mut said = hears.lock().unwrap_or_else(PoisonError::into_inner);
                said.push_str(&line);
                said.push('\n');
            }
        });
        Ok(Self { folder, process, trades, said, listener: Some(listener) })
    }

    /// Whether its strategy is called.
    pub(crate) fn trades(&mut self) -> Result<bool, Failure> {
        if let Some(status) = self.process.try_wait()? {
            return Err(format!("the session has ended with {status}:\n{}", self.said()).into());
        }
        Ok(self.trades.load(Ordering::Relaxed))
    }

    /// What it said on its error output.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its journal.
    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.path().join("state/session.journal")
    }

    /// What it says of its line, by name.
    pub(crate) fn counts(&self) -> Result<BTreeMap<String, u64>, Failure> {
        let status = program()
            .current_dir(self.folder.path())
            .args(["--json", "status", "--state", "state"])
            .output()?;
        let value: Value =
            serde_json::from_slice(&status.stdout).map_err(|_| Failure::from(shown(&status)))?;
        Ok(serde_json::from_value(value["line"]["counts"].clone())?)
    }

    /// Ends it as Ctrl-C does, and waits for that.
    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        kill_process(id.ok_or("a process without a number")?, Signal::INT)?;
        let status = self.process.wait()?;
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        if status.success() { Ok(()) } else { Err(format!("{status}:\n{}", self.said()).into()) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It has ended where all went well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
