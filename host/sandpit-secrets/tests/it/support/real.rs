//! Real servers, where this machine has them: started for a test, asked by hand, ended with it.

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long a server may take to answer for the first time.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A program's path: in a variable, or somewhere in `PATH`.
pub(crate) fn program(variable: &str, name: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from);
    let found = named.or_else(|| {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
    });
    if found.is_none() {
        eprintln!("not checked: no `{name}` here, and {variable} names none");
    }
    found
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
    /// Starts it, and waits until it answers. `None` where it ends before.
    pub(crate) fn start(command: &mut Command, port: u16) -> Option<Self> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut real = Self { child: command.spawn().unwrap(), port };
        let since = Instant::now();
        while TcpStream::connect(real.host()).is_err() {
            if let Some(status) = real.child.try_wait().unwrap() {
                eprintln!("not checked: {command:?} ended: {status}");
                return None;
            }
            assert!(since.elapsed() < START_TIMEOUT, "{command:?} does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        Some(real)
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
