//! Values that would be seen anywhere are every credential of the sessions here; and everything that
//! the host leaves behind is looked through for them: what it prints, what it logs at the loudest, all
//! files, what its children were given, and their memory.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rustix::process::Signal;
use sandpit_journal::calls::CallLogReader;
use serde_json::json;

use super::{put, start};
use crate::{
    live::{Session, Stage, exchange::Exchange, maker, variable, venue},
    support::root,
};

/// Bytes of a piece of memory that is looked at at once, and of what is looked at again.
const PIECE_BYTES: usize = 4 * 1024 * 1024;
const OVERLAP_BYTES: usize = 4 * 1024;

/// A credential: what it is called, and a value that nothing else has.
struct Canary {
    what: &'static str,
    value: String,
}

fn canary(what: &'static str) -> Canary {
    // Letters and digits alone, so that it is the same in JSON, in a query and in a log line.
    let word: String = what.chars().filter(char::is_ascii_alphanumeric).collect();
    Canary { what, value: format!("Canary{word}OfNobody0123456789") }
}

/// Looks for canaries, as they are and in the forms in which bytes are written.
struct Searcher {
    needles: Vec<(String, Vec<u8>)>,
}

impl Searcher {
    fn new(canaries: &[Canary]) -> Self {
        let mut needles = Vec::new();
        for Canary { what, value } in canaries {
            let mut add =
                |form: &str, bytes: Vec<u8>| needles.push((format!("{what} {form}"), bytes));
            add("as it is", value.clone().into_bytes());
            add(
                "in hex",
                value.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            );
            add("in UTF-16", value.bytes().flat_map(|byte| [byte, 0]).collect());
            for before in 0..3 {
                // What is left when it begins within a group of three, without the groups that it
                // shares with others.
                let text = STANDARD_NO_PAD.encode([&b"..."[..before], value.as_bytes()].concat());
                add("in base64", text.as_bytes()[4..text.len() - 4].to_vec());
            }
        }
        Self { needles }
    }

    fn find(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let is_there = |needle: &[u8]| {
            let first = needle[0];
            let mut from = 0;
            while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
                if bytes[from + at..].starts_with(needle) {
                    return true;
                }
                from += at + 1;
            }
            false
        };
        let found = self.needles.iter().filter(|(_, needle)| is_there(needle));
        found.map(|(what, _)| what.as_str()).collect()
    }

    /// Asserts that nothing is there.
    fn check(&self, place: &str, bytes: &[u8]) {
        assert_eq!(self.find(bytes), BTreeSet::new(), "in {place}");
    }

    /// Looks through every file of a folder but those that the test itself put there; how many.
    fn files(&self, folder: &Path, ours: &[&str]) -> usize {
        let mut count = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if ours.contains(&name.as_str()) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                count += self.files(&path, ours);
            } else if path.is_file() {
                self.check(&path.display().to_string(), &fs::read(&path).unwrap());
                count += 1;
            }
        }
        count
    }

    /// Looks through what a process was given and what it has in memory; `None` where this system
    /// does not let us.
    fn process(&self, id: u32) -> Option<BTreeSet<&str>> {
        let folder = PathBuf::from(format!("/proc/{id}"));
        let mut found = self.find(&fs::read(folder.join("environ")).ok()?);
        found.extend(self.find(&fs::read(folder.join("cmdline")).ok()?));
        let maps = fs::read_to_string(folder.join("maps")).ok()?;
        let mut memory = File::open(folder.join("mem")).ok()?;
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
            if !rest.starts_with('r') {
                continue;
            }
            found.extend(self.range(&mut memory, from, to));
        }
        Some(found)
    }

    /// What the kernel does not give of it, such as its own pages, is passed over.
    fn range(&self, memory: &mut File, from: u64, to: u64) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = from;
        while at < to && memory.seek(SeekFrom::Start(at)).is_ok() {
            let room = usize::try_from(to - at).unwrap().min(PIECE_BYTES);
            let Ok(length @ 1..) = memory.read(&mut piece[..room]) else { break };
            found.extend(self.find(&piece[..length]));
            if at + length as u64 >= to {
                break;
            }
            at += length.saturating_sub(OVERLAP_BYTES).max(1) as u64;
        }
        found
    }
}

/// Processes that one has started, and those that they have.
fn children(of: u32) -> Vec<u32> {
    let path = format!("/proc/{of}/task");
    let tasks = fs::read_dir(path).into_iter().flatten().flatten();
    let mut all = Vec::new();
    for task in tasks {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(list.split_whitespace().map(|id| id.parse::<u32>().unwrap()));
    }
    let below: Vec<u32> = all.iter().flat_map(|child| children(*child)).collect();
    all.extend(below);
    all
}

/// A Vault that has one secret and takes one token.
fn vault(token: &str, key: &Canary, secret: &Canary) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let token = token.to_owned();
    let body = json!({ "data": {
        "data": { "api_key": key.value, "secret": secret.value },
        "metadata": { "version": 3, "created_time": "2999-01-01T00:00:00Z" },
    }});
    let body = body.to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = answer(stream, &token, &body);
        }
    });
    address
}

fn answer(mut stream: TcpStream, token: &str, secret: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut given) = (String::new(), false);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    while reader.read_line(&mut line)? > 2 {
        let text = line.trim_end().to_ascii_lowercase();
        given |= text.starts_with("x-vault-token:") && line.trim_end().ends_with(token);
        line.clear();
    }
    let lookup = json!({ "data": { "ttl": 3_600, "renewable": false } }).to_string();
    let (status, body) = match (given, first.contains("lookup-self")) {
        (false, _) => (403, "{\"errors\":[\"permission denied\"]}"),
        (true, true) => (200, lookup.as_str()),
        (true, false) => (200, secret),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A session with this key, and all that is done to it and with it.
struct Scene<'a> {
    stage: &'a Stage,
    exchange: &'a Exchange,
    searcher: &'a Searcher,
    uri: String,
    variables: Vec<(String, String)>,
}

impl Scene<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = crate::support::sandpit(self.stage.path());
        command.args(words).env("SANDPIT_LOG", "trace").envs(self.variables.iter().cloned());
        // All that is written lies where it is looked for.
        for (variable, folder) in
            [("XDG_STATE_HOME", "user/state"), ("XDG_CONFIG_HOME", "user/config")]
        {
            command.env(variable, self.stage.path().join(folder));
        }
        command
    }

    /// Runs a command, and looks through what it prints.
    fn said(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.command(words).output().unwrap();
        for bytes in [&output.stdout, &output.stderr] {
            self.searcher.check(&format!("what {words:?} printed"), bytes);
        }
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts a session that says everything, and waits until it has orders.
    fn start(&self, name: &str) -> Session<'_> {
        let words = ["-vv", "run", "run.toml", "--state", "memory", "--mode", "testnet"];
        let mut command = self.command(&words);
        let file = |name: &str| File::create(self.stage.path().join(name)).unwrap();
        command.stdout(file(&format!("{name}.out"))).stderr(file(&format!("{name}.err")));
        let process = Some(command.spawn().unwrap());
        let mut session = Session { stage: self.stage, process };
        session.wait_for("orders", |list| list["session"]["open_orders"].as_u64() > Some(0));
        session
    }

    fn play(&self, name: &str) {
        let plugin = maker("btc", "BTCUSDT", "0.1");
        let place = venue(&["BTCUSDT"], &self.exchange.address, "testnet");
        let place = place.replace("env://main/testnet", &self.uri);
        let keys = format!("[keys]\naccount = \"{name}\"\n");
        self.stage.configure(&place, &format!("{keys}{plugin}"));
        let mut session = self.start(name);
        self.look_at_children(session.process.as_ref().unwrap().id());
        for words in [
            ["status", "--state", "memory"].as_slice(),
            &["--json", "status", "--state", "memory"],
            &["--json", "plugin", "list", "--state", "memory"],
            &["--json", "plugin", "show", "btc", "--state", "memory"],
            &["--json", "secrets", "rotate", "--state", "memory"],
            &["--json", "secrets", "check", "--config", "run.toml", "--venue", "--mode", "testnet"],
            &["secrets", "check", &self.uri],
            &["config", "check", "run.toml"],
        ] {
            let (exit, told) = self.said(words);
            assert_eq!(exit, Some(0), "{words:?}: {told}");
        }
        self.said(&["--json", "doctor"]);
        // Something that goes wrong on the way: the exchange ends all lines.
        self.exchange.control("disconnect", "silent=true");
        session.wait_for("that the line is up again", |list| {
            list["session"]["line"]["orders"] == true
        });
        // In good order, so that everything is written that would be.
        session.signal(Signal::INT);
        assert!(session.process.take().unwrap().wait().unwrap().success(), "{name}");
        // And as hard as a process can end by its own doing.
        let mut session = self.start(&format!("{name}-again"));
        session.signal(Signal::ABORT);
        let status = session.process.take().unwrap().wait().unwrap();
        assert!(!status.success());
        // And one that cannot begin, with its error.
        self.refused();
        self.said(&["--json", "audit", "verify", "memory/session.journal"]);
        self.said(&["audit", "show", "memory/session.journal"]);
    }

    #[expect(clippy::print_stderr, reason = "what cannot be looked into is said")]
    fn look_at_children(&self, host: u32) {
        let mut looked = 0;
        for child in children(host) {
            match self.searcher.process(child) {
                Some(found) => {
                    assert_eq!(found, BTreeSet::new(), "in process {child} of the host");
                    looked += 1;
                }
                None => eprintln!("process {child} cannot be looked into on this system"),
            }
        }
        let must = std::env::var_os("CI").is_some();
        assert!(looked > 0 || !must, "no process of a strategy could be looked into");
    }

    /// A session whose exchange is gone, and one whose key is.
    fn refused(&self) {
        let words =
            ["-vv", "run", "run.toml", "--state", "other", "--mode", "live", "--real-money"];
        assert_ne!(self.said(&words).0, Some(0));
        let text = fs::read_to_string(self.stage.path().join("run.toml")).unwrap();
        let wrong = text.replace(&self.uri, "env://nobody/testnet");
        fs::write(self.stage.path().join("wrong.toml"), wrong).unwrap();
        let words = ["-vv", "run", "wrong.toml", "--state", "other", "--mode", "testnet"];
        assert_ne!(self.said(&words).0, Some(0));
    }
}

#[test]
fn no_credential_is_anywhere_but_in_the_host() {
    let names = ["env", "dotenv", "file", "vault"];
    let [keys, secrets] = [
        ["env key", "dotenv key", "file key", "vault key"].map(canary),
        ["env secret", "dotenv secret", "file secret", "vault secret"].map(canary),
    ];
    let token = canary("vault token");
    let (token_value, mut all) = (token.value.clone(), vec![token]);
    let stage = Stage::new();
    let own: Vec<(&str, &str)> = Vec::new();
    let exchange = start(&stage, &own);
    for (key, secret) in keys.iter().zip(&secrets) {
        let params = format!("account=host&apiKey={}&hmacSecret={}", key.value, secret.value);
        exchange.control("key/add", &params);
    }
    let address = vault(&token_value, &keys[3], &secrets[3]);
    put(stage.path(), &keys[1].value, &secrets[1].value);
    let document = json!({ "api_key": keys[2].value, "secret": secrets[2].value });
    private(&stage.path().join("key.json"), &document.to_string());
    let uris = [
        "env://fromenv/testnet".to_owned(),
        "env://main/testnet".to_owned(),
        format!("file://{}", stage.path().join("key.json").display()),
        format!("vault://{address}/secret/desk/main?tls=off"),
    ];
    let from_env = |part: &str| variable("testnet", part).replace("MAIN", "FROMENV");
    let variables = [
        vec![
            (from_env("API_KEY"), keys[0].value.clone()),
            (from_env("SECRET"), secrets[0].value.clone()),
        ],
        Vec::new(),
        Vec::new(),
        vec![("VAULT_TOKEN".to_owned(), token_value)],
    ];
    all.extend(keys);
    all.extend(secrets);
    let searcher = Searcher::new(&all);
    for ((name, uri), variables) in names.iter().zip(uris).zip(variables) {
        let scene =
            Scene { stage: &stage, exchange: &exchange, searcher: &searcher, uri, variables };
        scene.play(name);
        let said = fs::read_to_string(stage.path().join(format!("{name}.err"))).unwrap();
        assert!(said.contains("TRACE") || said.contains("DEBUG"), "it was loud");
        let looked = searcher.files(stage.path(), &[".env", "key.json", "exchange.toml"]);
        assert!(looked > 5, "{looked} files");
        call_logs(&searcher, &stage.memory("calls"));
        fs::remove_dir_all(stage.path().join("memory")).unwrap();
    }
    drop(exchange);
}

/// What plugins were told, unpacked.
fn call_logs(searcher: &Searcher, folder: &Path) {
    let mut records = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(mut reader) = CallLogReader::open(entry.path()) else { continue };
        while let Ok(Some(record)) = reader.next_record() {
            searcher.check("a call log", record);
            records += 1;
        }
    }
    assert!(records > 0, "no record of a call log was looked through");
}

/// A crate's build script is as foreign as the strategy that comes of it.
#[test]
fn what_builds_a_strategy_is_told_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sdk = root().join("sdk/rust");
    let manifest = format!(
        "[package]\nname = \"nosy\"\nversion = \"0.1.0\"\nedition = \"2024\"\nbuild = \"build.rs\"\n\
         [lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nsandpit-sdk = {{ path = {sdk:?} }}\n\
         [workspace]\n"
    );
    fs::write(path.join("Cargo.toml"), manifest).unwrap();
    let out = path.join("told");
    fs::write(
        path.join("build.rs"),
        format!(
            "fn main() {{ let all: Vec<_> = std::env::vars().map(|(n, v)| format!(\"{{n}}={{v}}\")).collect();\n\
             std::fs::write({out:?}, all.join(\"\\n\")).unwrap(); }}"
        ),
    )
    .unwrap();
    fs::create_dir(path.join("src")).unwrap();
    let source = root().join("tests/it/keys/swarm/src/lib.rs");
    fs::copy(source, path.join("src/lib.rs")).unwrap();
    let canaries = ["cargo env secret", "cargo dotenv secret", "cargo token"].map(canary);
    let searcher = Searcher::new(&canaries);
    private(&path.join(".env"), &format!("SANDPIT_MAIN_LIVE_SECRET={}\n", canaries[1].value));
    let mut command = crate::support::sandpit(path);
    command.args(["plugin", "build", ".", "--out", "nosy.wasm"]);
    command.env("SANDPIT_MAIN_TESTNET_SECRET", &canaries[0].value);
    command.env("VAULT_TOKEN", &canaries[2].value);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let told = fs::read(&out).unwrap();
    assert!(String::from_utf8_lossy(&told).contains("CARGO_PKG_NAME=nosy"));
    searcher.check("the environment of a build script", &told);
}

/// Where nothing is found, the looking may be at fault.
#[test]
fn what_is_planted_is_found() {
    let canaries = [canary("planted")];
    let (searcher, value) = (Searcher::new(&canaries), &canaries[0].value);
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = STANDARD_NO_PAD.encode(format!("{{\"key\":\"{value}\"}}"));
    let wide: Vec<u8> = value.bytes().flat_map(|byte| [byte, 0]).collect();
    for (form, bytes) in [
        ("as it is", format!("key={value}&x").into_bytes()),
        ("in hex", hex.into_bytes()),
        ("in base64", base64.into_bytes()),
        ("in UTF-16", wide),
    ] {
        let found = searcher.find(&bytes);
        assert!(found.contains(format!("planted {form}").as_str()), "{form}: {found:?}");
    }
    assert!(searcher.find(b"CanaryPlante").is_empty());
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deep")).unwrap();
    fs::write(folder.path().join("deep/file"), format!("…{value}…")).unwrap();
    let planted = std::panic::catch_unwind(|| searcher.files(folder.path(), &[]));
    assert!(planted.is_err(), "a file that has one was passed over");

    // In what a process was given, and in its memory.
    let mut child = Command::new("sleep").arg("60").env("PLANTED", value).spawn().unwrap();
    let own: Vec<u8> = value.bytes().collect();
    let found = searcher.process(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!found.unwrap_or_default().is_empty(), "what a process was given was passed over");
    let here = searcher.process(std::process::id()).unwrap_or_default();
    assert!(here.contains("planted as it is"), "memory was passed over: {here:?}");
    drop(own);
}
