//! E-mail to a server that nobody here wrote: aiosmtpd, from its registry, installed once below the
//! build's folder. Where there is no Python or no registry the test says so, and fails where `CI` is
//! `true`.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::OnceLock,
};

use sandpit_alerts::{channels::SendError, desk::News};
use serde_json::Value;

use crate::support::{
    Fixed, PASSWORD, channel, item, notice, send,
    server::{Answer, Identity, Server},
};

const PACKAGE: &str = "aiosmtpd==1.4.6";
const USER: &str = "desk";

fn output(command: &mut Command) -> Result<Output, String> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(done);
    }
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    Err(format!("{command:?}:\n{out}\n{err}"))
}

fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("alerts-mail");
    let python = folder.join("bin/python");
    let is_there = || output(Command::new(&python).args(["-c", "import aiosmtpd"]));
    if is_there().is_ok() {
        return Ok(python);
    }
    output(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE];
    output(Command::new(&python).args(pip))?;
    is_there().map(|_| python)
}

/// Python with the server; `None` where it cannot be had and that is allowed.
fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(install) {
        Ok(python) => Some(python.clone()),
        Err(problem) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no mail server: {problem}");
            eprintln!("skipped: no mail server from the registry: {problem}");
            None
        }
    }
}

/// A mail server that ends with the test.
struct MailServer {
    child: Child,
    lines: BufReader<ChildStdout>,
    port: u16,
    folder: tempfile::TempDir,
}

impl MailServer {
    fn start(mode: &str, identity: &Identity) -> Option<Self> {
        let python = python()?;
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        file("ca.pem", &identity.authority);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/server.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(mode)
            .arg(file("leaf.pem", &identity.leaf))
            .arg(file("leaf-key.pem", &identity.key))
            .args([USER, PASSWORD])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        lines.read_line(&mut port).unwrap();
        Some(Self { child, lines, port: port.trim().parse().unwrap(), folder })
    }

    fn section(&self, tls: &str) -> String {
        let ca = self.folder.path().join("ca.pem");
        format!(
            "kind = \"mail\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"{tls}\"\nuser = \"{USER}\"\n\
             password = \"env://PASSWORD\"\nfrom = \"Sandpit <desk@example.com>\"\n\
             to = [\"ann@example.com\", \"bob@example.com\"]\nca = \"{}\"",
            self.port,
            ca.display()
        )
    }

    fn mail(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who would like to send to others too.
const HOSTILE: &str = "x\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<evil@example.com>";

fn takes_mail(mode: &str) {
    let Some(mut server) = MailServer::start(mode, &Identity::new()) else { return };
    let it = channel(&server.section(mode), &Fixed::new(""));
    let items = vec![item("größe", HOSTILE, News::Raised), item("b", "down", News::Resolved)];
    send(&it, &notice(items)).unwrap();
    let mail = server.mail();
    assert_eq!(mail["from"], "desk@example.com");
    assert_eq!(mail["to"], serde_json::json!(["ann@example.com", "bob@example.com"]));
    assert_eq!((&mail["user"], &mail["tls"]), (&Value::from(USER), &Value::from(true)));
    let data = mail["data"].as_str().unwrap();
    let (head, body) = data.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Subject: [CRITICAL] desk-1: 2 alerts"), "{head}");
    assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
    assert!(!head.to_lowercase().contains("bcc"), "{head}");
    assert!(body.contains("RESOLVED #7 connection b"), "{body}");
    // One whose subject is what somebody wrote.
    send(&it, &notice(vec![item("größe", HOSTILE, News::Raised)])).unwrap();
    let mail = server.mail();
    let head = mail["data"].as_str().unwrap().split_once("\r\n\r\n").unwrap().0.to_owned();
    assert!(head.lines().all(|line| !line.starts_with("Bcc")), "{head}");

    let wrong = Fixed::new("").and("PASSWORD", "canary0wrong");
    let error = send(&channel(&server.section(mode), &wrong), &notice(vec![])).unwrap_err();
    assert!(matches!(error, SendError::Refused { status: 535, .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn tls_from_the_first_byte() {
    takes_mail("implicit");
}

#[test]
fn tls_after_starttls() {
    takes_mail("starttls");
}

#[test]
fn certificates_of_mail_servers() {
    for mode in ["implicit", "starttls"] {
        let Some(server) = MailServer::start(mode, &Identity::new()) else { return };
        let ca = server.folder.path().join("ca.pem");
        fs::write(&ca, Identity::new().authority).unwrap();
        let it = channel(&server.section(mode), &Fixed::new(""));
        let error = send(&it, &notice(vec![])).unwrap_err();
        assert!(
            matches!(error, SendError::Certificate(why) if why.contains("nobody who")),
            "{error:?}"
        );
        let Some(server) = MailServer::start(mode, &Identity::of("127.0.0.2")) else { return };
        let it = channel(&server.section(mode), &Fixed::new(""));
        let error = send(&it, &notice(vec![])).unwrap_err();
        assert!(
            matches!(error, SendError::Certificate(why) if why.contains("another host")),
            "{error:?}"
        );
    }
}

/// Nothing is sent where there is no TLS, and nothing fails in an endless way.
#[test]
fn mail_servers_without_tls() {
    let Some(server) = MailServer::start("none", &Identity::new()) else { return };
    let it = channel(&server.section("starttls"), &Fixed::new(""));
    let error = send(&it, &notice(vec![])).unwrap_err();
    assert!(matches!(error, SendError::Refused { status: 0, .. }), "{error:?}");
    // Where the machine is the same, it may be so by an operator's word.
    let section = server.section("off");
    let mut server = server;
    send(&channel(&section, &Fixed::new("")), &notice(vec![item("a", "b", News::Raised)])).unwrap();
    assert_eq!(server.mail()["tls"], false);
    // A web server is no mail server, and nobody is nobody.
    let web = Server::start(|_| Answer::text(200, ""));
    let port = |section: &str, port: &str| {
        let lines = section.lines().map(|line| {
            if line.starts_with("port") { format!("port = {port}") } else { line.to_owned() }
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let (_, web_port) =
        web.host().split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let it = channel(&port(&section, &web_port), &Fixed::new(""));
    assert!(send(&it, &notice(vec![])).is_err());
    drop(web);
    let error = send(&it, &notice(vec![])).unwrap_err();
    assert_eq!(error, SendError::Unreachable);
}
