//! The page in a real browser: sign in, see it move, pull the kill switch, see Halted; the host
//! goes away and comes back. Through the driver's HTTP interface, without a library.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sandpit_admin::{HttpOptions, HttpServer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{LONG, read, request},
    world::Served,
};

const DRIVER: &str = "chromedriver";
/// What a browser of a test leaves alone.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A browser with one tab.
struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// `None` where there is none on this machine.
    fn begin() -> Option<Self> {
        let driver = find(DRIVER).filter(|_| find("chromium").is_some())?;
        let profile = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = Command::new(driver)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut browser =
            Self { driver: child, address, session: String::new(), _profile: profile };
        let end = Instant::now() + LONG;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < end, "the driver does not come up");
            thread::sleep(Duration::from_millis(20));
        }
        let mut flags: Vec<_> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", browser.profile().display()));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let session = browser.call("POST", "/session", Some(&wanted));
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    fn profile(&self) -> &Path {
        self._profile.path()
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let text = body.map(Value::to_string);
        let host = self.address.to_string();
        let headers = [("Host", host.as_str()), ("Content-Type", "application/json")];
        stream.write_all(&request(method, path, &headers, text.as_deref())).unwrap();
        let reply = read(&mut stream);
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.body);
        reply.json()["value"].clone()
    }

    fn of(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("{}{path}", self.session);
        self.call(method, &path, (method == "POST").then_some(body))
    }

    fn open(&self, address: &str) {
        self.of("POST", "/url", &json!({ "url": address }));
    }

    fn run(&self, script: &str) -> Value {
        self.of("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text of an element.
    fn text(&self, id: &str) -> String {
        let script = format!("return document.getElementById('{id}').textContent");
        self.run(&script).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until something is so.
    fn until(&self, script: &str) {
        let end = Instant::now() + LONG;
        while self.run(&format!("return Boolean({script})")) != json!(true) {
            assert!(Instant::now() < end, "never: {script}\n{}", self.text("main"));
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn element(&self, id: &str) -> String {
        let found = json!({ "using": "css selector", "value": format!("#{id}") });
        let found = self.of("POST", "/element", &found);
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// As a person does it: where it is covered or not shown, this fails.
    fn click(&self, id: &str) {
        self.of("POST", &format!("/element/{}/click", self.element(id)), &json!({}));
    }

    fn keys(&self, id: &str, text: &str) {
        let text = json!({ "text": text });
        self.of("POST", &format!("/element/{}/value", self.element(id)), &text);
    }

    fn phone(&self) {
        let size = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.of("POST", "/goog/cdp/execute", &command);
    }

    /// Errors that the page had, those of its connection aside.
    fn problems(&self) -> Vec<String> {
        let log = self.of("POST", "/se/log", &json!({ "type": "browser" }));
        log.as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .filter(|message| !message.contains("net::ERR_") && !message.contains("status of 401"))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !thread::panicking() {
            self.of("DELETE", "", &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn an_operator_signs_in_sees_it_move_and_stops_it() {
    let Some(browser) = Browser::begin() else {
        assert!(std::env::var_os("CI").is_none(), "chromium and {DRIVER} are not installed");
        eprintln!("SKIPPED: chromium and {DRIVER} are not installed");
        return;
    };
    let served = Served::moving(Duration::from_millis(300));
    browser.phone();
    browser.open(&format!("http://{}/", served.host()));
    browser.keys("token", "sandpit_of_nobody");
    browser.run("document.querySelector('#login-form button').click()");
    browser.until("document.getElementById('login-problem').textContent.includes('does not know')");
    browser.run("document.getElementById('token').value = ''");
    browser.keys("token", &format!("{}\u{e007}", served.operator));
    browser.until("document.getElementById('link').textContent === 'live'");
    assert_eq!(browser.text("state"), "active");
    let before = browser.text("equity");
    browser.until(&format!("document.getElementById('equity').textContent !== '{before}'"));
    for (id, wanted) in [("positions", "BTCUSDT"), ("plugins", "runaway"), ("alerts", "quarantine")]
    {
        assert!(browser.text(id).contains(wanted), "{id}: {}", browser.text(id));
    }
    let wide = browser.run("return document.documentElement.scrollWidth <= innerWidth");
    assert_eq!(wide, json!(true), "a phone scrolls in one direction");
    assert!(browser.run("return document.querySelectorAll('#chart path').length") == json!(4));

    browser.click("kill");
    assert_eq!(browser.run("return document.getElementById('kill-go').disabled"), json!(true));
    assert_eq!(browser.run("return document.activeElement.id"), json!("kill-word"));
    browser.keys("kill-word", "Stop");
    browser.click("kill-go");
    browser.until("document.getElementById('state').textContent === 'halted'");
    browser.until("document.getElementById('orders').textContent === 'none'");
    assert!(browser.text("banner").contains("kill switch"), "{}", browser.text("banner"));
    let lines = served.session.world.lock().unwrap().lines.clone();
    assert_eq!(lines, ["ada (operator): kill"]);
    assert_eq!(browser.problems(), [] as [&str; 0]);
    comes_back(&browser, served);
}

/// The host ends and comes back at the same place.
fn comes_back(browser: &Browser, served: Served) {
    let listen = served.address();
    let Served { server, session, tokens, folder, .. } = served;
    drop(server);
    browser.until("document.getElementById('link').textContent === 'connection lost'");
    let options = HttpOptions { listen, tls: None, tokens, hosts: Vec::new() };
    let again = HttpServer::open(&options, session.queue.clone(), session.records()).unwrap();
    browser.until("document.getElementById('link').textContent === 'live'");
    assert_eq!(browser.text("state"), "halted");
    assert_eq!(browser.run("return document.querySelector('.stale')"), json!(null));
    drop((again, folder));
}
