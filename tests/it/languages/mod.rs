//! Strategies in languages other than Rust: a stranger's path from nothing to a backtest, the same
//! intents as the Rust strategy's on the same tape, and probes that find nothing of the machine.
//!
//! They need the languages themselves and, once, their package registries. What is missing is said,
//! and is a failure in CI.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use flate2::read::GzDecoder;
use serde_json::Value;

use super::support::{Run, root, run, sandpit, strategies_target};

const TRADES: &str = "trades/bitmex-xbtusd-1m-trades-2018-01.csv.gz";
const RULES: &str = "[[instruments]]\nsymbol = \"XBTUSD\"\nprice_tick = \"0.5\"\n\
                     quantity_step = \"1\"\ntaker_fee = \"0.0005\"\n";
/// Trades that are played: an interpreter needs about a quarter of a millisecond for each.
const TRADES_PLAYED: usize = 20_000;

/// A language with what its strategies need of the machine.
struct Language {
    name: &'static str,
    /// The file that an author edits.
    source: &'static str,
    /// Its example of the crossing.
    example: &'static str,
    /// A strategy with what is special in it.
    richer: &'static str,
    /// Commands that must run.
    needs: &'static [&'static [&'static str]],
    probe: &'static str,
}

const PYTHON: Language = Language {
    name: "python",
    source: "strategy.py",
    example: "plugins/ema-cross-python",
    richer: "plugins/reversion-python",
    needs: &[&["python3", "-m", "pip", "--version"]],
    probe: include_str!("probe.py"),
};

const TYPESCRIPT: Language = Language {
    name: "typescript",
    source: "src/strategy.ts",
    example: "plugins/ema-cross-typescript",
    richer: "plugins/breakout-states-typescript",
    needs: &[&["node", "--version"], &["npm", "--version"]],
    probe: include_str!("probe.ts"),
};

impl Language {
    /// Whether this machine has it; says so where not, and fails in CI.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn is_here(&self) -> bool {
        let runs = |words: &&[&str]| {
            Command::new(words[0]).args(&words[1..]).output().is_ok_and(|it| it.status.success())
        };
        let Some(missing) = self.needs.iter().find(|words| !runs(words)) else { return true };
        let message = format!("{} is missing: `{}` does not run", self.name, missing.join(" "));
        assert!(env::var_os("CI").is_none(), "{message}");
        eprintln!("skipped: {message}");
        false
    }
}

/// Runs the command with one answer in JSON.
fn json(folder: &Path, words: &[&str]) -> Value {
    run(folder, &[&["--json"], words].concat()).ends(0).json()
}

/// The first recorded trades, or a walk of the same form where there are none.
#[expect(clippy::print_stderr, reason = "a test that takes other data says so")]
fn trades() -> String {
    let path = root().join("../shared/data").join(TRADES);
    if let Ok(file) = fs::File::open(&path) {
        let lines = BufReader::new(GzDecoder::new(file)).lines().take(TRADES_PLAYED + 1);
        return lines.map(|line| line.unwrap() + "\n").collect();
    }
    eprintln!("made up: there is no {}", path.display());
    let mut text = String::from("timestamp,price,size\n");
    let (mut state, mut halves) = (1u64, 27_000u64);
    for at in 0..TRADES_PLAYED as u64 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        halves = halves + (state >> 33) % 5 - 2;
        let price = format!("{}.{}", halves / 2, (halves % 2) * 5);
        writeln!(text, "{},{price},{}", 1_514_764_800_000 + at * 500, 1 + at % 7).unwrap();
    }
    text
}

/// The tape of them, made once.
fn tape() -> &'static Path {
    static TAPE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, tape) = TAPE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rules.toml"), RULES).unwrap();
        fs::write(folder.path().join("trades.csv"), trades()).unwrap();
        let words = ["data", "import", "trades.csv", "--rules", "rules.toml"];
        run(folder.path(), &[&words[..], &["--out", "trades.tape"]].concat()).ends(0);
        let tape = folder.path().join("trades.tape");
        (folder, tape)
    });
    tape
}

/// A backtest of `plugin` over the tape; the report's folder.
fn backtest(plugin: &Path, flags: &[&str]) -> (Value, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let named = format!("it={}", plugin.display());
    let words =
        ["backtest", "--tape", tape().to_str().unwrap(), "--plugin", &named, "--out", "out"];
    let answer = json(folder.path(), &[&words[..], flags].concat());
    (answer["report"].clone(), folder)
}

fn file(folder: &tempfile::TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join("out").join(name)).unwrap()
}

/// In an empty folder outside the repository: new, build, test, backtest.
fn a_strangers_path(language: &Language) {
    if !language.is_here() {
        return;
    }
    let desk = tempfile::tempdir().unwrap();
    let made = json(desk.path(), &["plugin", "new", "mine", "--language", language.name]);
    assert_eq!(made["language"], language.name);
    let folder = desk.path().join("mine");
    assert!(folder.join(language.source).is_file());
    // Builds it too.
    let tested = json(&folder, &["plugin", "test"]);
    assert_eq!(tested["name"], "mine");
    assert_eq!(tested["session"]["faults"], 0, "{tested:#}");
    let component = folder.join("target/sandpit/mine.wasm");
    let inspected = json(&folder, &["plugin", "inspect", component.to_str().unwrap()]);
    assert_eq!(inspected["parameters"].as_array().unwrap().len(), 2);
    for import in inspected["imports"].as_array().unwrap() {
        assert!(import.as_str().unwrap().starts_with("sandpit:strategy/"), "{import}");
    }
    let (report, _out) = backtest(&component, &["--profile", "heavy", "--set", "it.quantity=1"]);
    assert_eq!(report["plugins"][0]["faults"].as_array().unwrap().len(), 0, "{report:#}");
}

#[test]
fn a_strangers_path_in_python() {
    a_strangers_path(&PYTHON);
}

#[test]
fn a_strangers_path_in_typescript() {
    a_strangers_path(&TYPESCRIPT);
}

/// Orders and fills of the Rust strategy, which the other languages' must equal byte for byte.
fn of_rust() -> &'static [String; 2] {
    static FILES: OnceLock<[String; 2]> = OnceLock::new();
    FILES.get_or_init(|| {
        let (_, out) = backtest(&root().join("plugins/ema-cross"), &[]);
        ["orders.csv", "fills.csv"].map(|name| file(&out, name))
    })
}

fn the_same_intents_as_in_rust(language: &Language) {
    if !language.is_here() {
        return;
    }
    let folder = root().join(language.example);
    run(&folder, &["plugin", "test", "."]).ends(0);
    let component = folder.join("target/sandpit/ema-cross.wasm");
    let (report, out) = backtest(&component, &["--profile", "heavy"]);
    assert_eq!(report["plugins"][0]["faults"].as_array().unwrap().len(), 0);
    assert!(of_rust()[0].lines().count() > 100, "too few orders to say anything");
    for (name, rust) in ["orders.csv", "fills.csv"].into_iter().zip(of_rust()) {
        assert!(file(&out, name) == *rust, "{name} differs from that of Rust");
    }
}

#[test]
fn python_asks_for_the_same_as_rust() {
    the_same_intents_as_in_rust(&PYTHON);
}

#[test]
fn typescript_asks_for_the_same_as_rust() {
    the_same_intents_as_in_rust(&TYPESCRIPT);
}

/// What a document shows between its fences is a strategy that passes the checks.
fn the_documents_strategy_holds(language: &Language) {
    if !language.is_here() {
        return;
    }
    let document = root().join(format!("docs/authors/{}.md", language.name));
    let text = fs::read_to_string(document).unwrap();
    let fence = format!("```{}\n", language.name);
    let snippet = text.split(&fence).nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let desk = tempfile::tempdir().unwrap();
    json(desk.path(), &["plugin", "new", "shown", "--language", language.name]);
    let folder = desk.path().join("shown");
    fs::write(folder.join(language.source), snippet).unwrap();
    for test in ["test_strategy.py", "src/strategy.test.ts"] {
        let _ = fs::remove_file(folder.join(test));
    }
    let checked = json(&folder, &["plugin", "check", "."]);
    assert_eq!(checked["session"]["faults"], 0, "{checked:#}");
}

#[test]
fn the_documents_strategies_hold() {
    the_documents_strategy_holds(&PYTHON);
    the_documents_strategy_holds(&TYPESCRIPT);
}

fn the_richer_example(language: &Language) {
    if language.is_here() {
        let tested = json(&root().join(language.richer), &["plugin", "test", "."]);
        assert_eq!(tested["session"]["faults"], 0, "{tested:#}");
    }
}

#[test]
fn the_richer_examples_hold() {
    the_richer_example(&PYTHON);
    the_richer_example(&TYPESCRIPT);
}

/// A strategy that asks for an order for each thing of the machine that it finds.
fn a_probe_finds_nothing(language: &Language) {
    if !language.is_here() {
        return;
    }
    let desk = tempfile::tempdir().unwrap();
    let folder = desk.path().join("probe");
    json(desk.path(), &["plugin", "new", "probe", "--language", language.name]);
    fs::write(folder.join(language.source), language.probe).unwrap();
    for test in ["test_strategy.py", "src/strategy.test.ts"] {
        let _ = fs::remove_file(folder.join(test));
    }
    // Something that it could find, in the build's environment and in the session's.
    let build: Run = sandpit(&folder)
        .args(["--json", "plugin", "build"])
        .env("PROBE_BAIT", "bait")
        .output()
        .unwrap()
        .into();
    let component = build.ends(0).json()["component"].as_str().unwrap().to_owned();
    let probe = |what: &str| {
        let set = format!("it.probe={what}");
        backtest(Path::new(&component), &["--profile", "heavy", "--set", &set])
    };
    // The probe itself works: it asks for an order where there is something to find.
    let (report, _out) = probe("bait");
    assert_eq!(report["account"]["metrics"]["orders"], 1, "{}", language.name);
    for what in ["environment", "file", "write", "socket", "time", "entropy"] {
        let (report, _out) = probe(what);
        assert_eq!(report["account"]["metrics"]["orders"], 0, "{} found {what}", language.name);
    }
    // Chance is the same in every run.
    let [first, second] = [0, 1].map(|_| file(&probe("chance").1, "orders.csv"));
    assert!(first.lines().count() > 1 && first == second, "chance differs");
}

#[test]
fn probes_in_python_find_nothing() {
    a_probe_finds_nothing(&PYTHON);
}

#[test]
fn probes_in_typescript_find_nothing() {
    a_probe_finds_nothing(&TYPESCRIPT);
}

/// The SDK's own tests, with the tools that builds use.
#[test]
fn the_sdks_hold_natively() {
    if PYTHON.is_here() {
        let sdk = root().join("sdk/python");
        let tested: Run = Command::new("python3")
            .current_dir(&sdk)
            .args(["-B", "-m", "unittest", "discover", "-s", "tests"])
            .env("PYTHONPATH", &sdk)
            .output()
            .unwrap()
            .into();
        tested.ends(0);
    }
    if TYPESCRIPT.is_here() {
        // Sets the tools up, in whatever order tests run.
        let desk = tempfile::tempdir().unwrap();
        json(desk.path(), &["plugin", "new", "tools", "--language", TYPESCRIPT.name]);
        json(&desk.path().join("tools"), &["plugin", "build"]);
        let toolchains = strategies_target().join("toolchains");
        let tools = fs::read_dir(toolchains)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("npm-"))
            .unwrap();
        let out = tempfile::tempdir().unwrap();
        let compiled: Run = Command::new("node")
            .arg(tools.join("node_modules/typescript/bin/tsc"))
            .arg("-p")
            .arg(root().join("sdk/typescript"))
            .arg("--outDir")
            .arg(out.path())
            .output()
            .unwrap()
            .into();
        compiled.ends(0);
        fs::write(out.path().join("package.json"), "{\"type\":\"module\"}").unwrap();
        let tested: Run = Command::new("node")
            .args(["--test", "tests/sdk.test.js"])
            .current_dir(out.path())
            .output()
            .unwrap()
            .into();
        tested.ends(0);
    }
}

/// Without the registry there is one clear error, and nothing half done stays.
#[test]
fn a_build_without_its_registry_says_so() {
    if !PYTHON.is_here() {
        return;
    }
    let desk = tempfile::tempdir().unwrap();
    json(desk.path(), &["plugin", "new", "mine", "--language", "python"]);
    let folder = desk.path().join("mine");
    let toolchains = desk.path().join("toolchains");
    let said: Run = sandpit(&folder)
        .args(["--json", "plugin", "build"])
        .env("SANDPIT_TOOLCHAINS", &toolchains)
        .env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        .env("PIP_RETRIES", "0")
        .env("PIP_NO_CACHE_DIR", "1")
        .output()
        .unwrap()
        .into();
    let error = said.ends(1).json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("could not be set up from its package registry"), "{error:#}");
    assert_eq!(fs::read_dir(&toolchains).unwrap().count(), 0);
}
