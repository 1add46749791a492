//! Clients that nobody here wrote, from their registry: ccxt (REST and WebSocket) and
//! python-binance (both sides, too). They are installed once, below the build's folder. Where there is no Python or
//! no registry the test says so, and fails where `CI` is `true`.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]
#![expect(clippy::print_stderr, reason = "what was not tested is said")]

#[expect(dead_code, reason = "these tests need a part of it only")]
mod support;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, OnceLock, atomic::Ordering},
};

use support::{config, start};

/// What is installed, with its version: another one may ask for something else.
const PACKAGES: [&str; 2] = ["ccxt==4.5.90", "python-binance==1.0.37"];

fn output(command: &mut Command) -> Result<Output, String> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(done);
    }
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    Err(format!("{command:?}:\n{out}\n{err}"))
}

fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exchange-clients");
    let python = folder.join("bin/python");
    let is_there = || {
        let code = "import ccxt, binance; print(ccxt.__version__)";
        let done = output(Command::new(&python).args(["-c", code]))?;
        let version = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        let wanted = PACKAGES[0].trim_start_matches("ccxt==");
        if version == wanted { Ok(()) } else { Err(format!("ccxt {version}")) }
    };
    if is_there().is_ok() {
        return Ok(python);
    }
    output(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    output(Command::new(&python).args(pip).args(PACKAGES))?;
    is_there().map(|()| python)
}

/// Python with the clients; `None` where it cannot be had and that is allowed.
fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(install) {
        Ok(python) => Some(python.clone()),
        Err(problem) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no clients: {problem}");
            eprintln!("skipped: no clients from the registry: {problem}");
            None
        }
    }
}

/// Runs a script against an exchange of its own; gives what it says works.
async fn check(script: &str, keys: &'static [&'static str]) -> Option<Vec<String>> {
    let python = tokio::task::spawn_blocking(python).await.unwrap()?;
    let exchange = start(config(), None).await;
    // These clients ask the machine for the time.
    let system = sandpit_exchange::system_clock();
    let clock = Arc::clone(&exchange.clock);
    clock.store(system(), Ordering::Relaxed);
    let keeps = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(10));
        loop {
            ticks.tick().await;
            clock.store(system(), Ordering::Relaxed);
        }
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let port = exchange.address.port().to_string();
    let run = move || output(Command::new(python).arg(path).arg(port).args(keys));
    let done = tokio::task::spawn_blocking(run).await.unwrap();
    keeps.abort();
    let done = done.unwrap_or_else(|problem| panic!("{problem}"));
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(text.ends_with("done\n"), "{text}");
    Some(text.lines().filter_map(|line| line.strip_prefix("ok ").map(str::to_owned)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn ccxt_trades_here() {
    let keys = &["alicehmac", "alicesecret", "bobhmac", "bobsecret"];
    if let Some(works) = check("ccxt_check.py", keys).await {
        assert_eq!(works.len(), 24, "{works:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_binance_trades_here() {
    let keys = &["alicehmac", "alicesecret", "bobhmac", "bobsecret"];
    if let Some(works) = check("python_binance_check.py", keys).await {
        assert_eq!(works.len(), 20, "{works:?}");
    }
}
