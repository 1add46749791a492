//! Nothing gets in: every route that is described × everything that somebody without the right
//! token could try. The session is asked nothing by any of it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use sandpit_admin::Role;
use serde_json::{Value, json};

use crate::{
    client::{Reply, connect, raw, request},
    openapi::{body, concrete, document, operations},
    world::Served,
};

/// Described operations that want a token: method, path, role.
fn guarded() -> Vec<(String, String, Role)> {
    operations(&document())
        .into_iter()
        .filter(|(_, _, operation)| operation["security"] != json!([]))
        .map(|(method, path, operation)| {
            let role = match operation["x-role"].as_str().unwrap() {
                "operator" => Role::Operator,
                _ => Role::Viewer,
            };
            (method, concrete(&path), role)
        })
        .collect()
}

/// An answer that says nothing about the session.
fn is_shut(reply: &Reply, what: &str) {
    assert!((400..500).contains(&reply.status), "{what}: {}", reply.status);
    for told in ["BTCUSDT", "paper", "25000", "runaway", "\"done\""] {
        assert!(!reply.body.contains(told), "{what}: {}", reply.body);
    }
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{what}");
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{what}");
    assert_eq!(reply.header("access-control-allow-origin"), None, "{what}");
    assert_eq!(reply.header("set-cookie"), None, "{what}");
}

fn has_done_nothing(served: &Served) {
    let lines = served.session.world.lock().unwrap().lines.clone();
    assert_eq!(lines, [] as [&str; 0]);
}

fn sent(method: &str, path: &str) -> Option<&'static str> {
    (method == "POST").then(|| body(path)).flatten()
}

#[test]
fn without_a_token_nothing_is_told_or_done() {
    let served = Served::begin();
    let tricks: [&[(&str, &str)]; 9] = [
        &[],
        &[("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1")],
        &[("Forwarded", "for=127.0.0.1;host=localhost;proto=https")],
        &[("X-HTTP-Method-Override", "GET"), ("X-Method-Override", "GET")],
        &[("X-Original-URL", "/healthz"), ("X-Rewrite-URL", "/healthz")],
        &[("Cookie", "token=sandpit; session=admin"), ("X-Role", "operator")],
        &[("Proxy-Authorization", "Bearer sandpit"), ("X-Api-Key", "sandpit")],
        &[("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")],
        &[("Sec-Fetch-Site", "same-origin"), ("X-Requested-With", "XMLHttpRequest")],
    ];
    for (method, path, _) in guarded() {
        for trick in tricks {
            let what = format!("{method} {path} {trick:?}");
            let reply = served.say(&method, &path, trick, sent(&method, &path));
            is_shut(&reply, &what);
            assert_eq!(reply.status, 401, "{what}");
            assert!(reply.header("www-authenticate").is_some(), "{what}");
        }
        let query = format!("{path}?token={}&access_token={}", served.operator, served.operator);
        is_shut(&served.say(&method, &query, &[], sent(&method, &path)), &query);
    }
    has_done_nothing(&served);
}

#[test]
fn wrong_tokens_are_refused_and_then_not_heard() {
    let served = Served::begin();
    let good = served.operator.clone();
    let upper = format!("Bearer {}", good.to_uppercase());
    let cut = format!("Bearer {}", &good[..good.len() - 1]);
    let long = format!("Bearer {good}{}", "0".repeat(4_000));
    let twice = format!("Bearer {good}, Bearer {good}");
    let spaced = format!("Bearer  {good}");
    let basic = format!("Basic {good}");
    let wrong = ["Bearer", "Bearer ", &upper, &cut, &long, &twice, &spaced, &basic, &good];
    for value in wrong {
        let reply = served.say("GET", "/api/v1/status", &[("Authorization", value)], None);
        is_shut(&reply, value);
        assert_eq!(reply.status, 401, "{value}");
    }
    let bearer = format!("Bearer {good}");
    let both = [("Authorization", bearer.as_str()), ("Authorization", bearer.as_str())];
    assert_eq!(served.say("GET", "/api/v1/status", &both, None).status, 401, "two headers");
    // Ten were wrong: now even the right one is not heard, on any route but one.
    for (method, path, _) in guarded() {
        if path == "/api/v1/kill" {
            continue;
        }
        let reply = served.ask(&good, &method, &path, sent(&method, &path));
        assert_eq!((reply.status, reply.code().as_str()), (429, "locked-out"), "{method} {path}");
        assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() <= 61);
    }
    has_done_nothing(&served);
    assert_eq!(served.ask(&good, "POST", "/api/v1/kill", Some("{}")).status, 200);
    assert_eq!(served.ask(&served.viewer, "POST", "/api/v1/kill", Some("{}")).status, 403);
    assert_eq!(served.ask("x", "POST", "/api/v1/kill", Some("{}")).status, 401);
}

#[test]
fn a_viewer_looks_and_does_nothing() {
    let served = Served::begin();
    let mut seen = [0, 0];
    for (method, path, role) in guarded() {
        if path == "/api/v1/events" {
            continue;
        }
        let reply = served.ask(&served.viewer, &method, &path, sent(&method, &path));
        match role {
            Role::Viewer => assert_eq!(reply.status, 200, "{method} {path}"),
            Role::Operator => {
                is_shut(&reply, &path);
                assert_eq!((reply.status, reply.code().as_str()), (403, "forbidden"), "{path}");
            }
        }
        seen[usize::from(role == Role::Operator)] += 1;
    }
    assert!(seen[0] > 12 && seen[1] > 15, "{seen:?}");
    has_done_nothing(&served);
}

#[test]
fn other_methods_and_other_ways_to_write_a_path_lead_nowhere() {
    let served = Served::begin();
    let methods =
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"];
    for (_, path, _) in operations(&document()) {
        let path = concrete(&path);
        let known: Vec<_> = operations(&document())
            .into_iter()
            .filter(|(_, other, _)| concrete(other) == path)
            .map(|(method, ..)| method)
            .collect();
        for method in methods.iter().filter(|method| !known.contains(&(**method).to_owned())) {
            let what = format!("{method} {path}");
            let reply = served.ask(&served.operator, method, &path, None);
            assert_eq!(reply.status, 405, "{what}");
            assert_eq!(reply.header("allow"), Some(known.join(", ").as_str()), "{what}");
        }
        if path == "/" {
            continue;
        }
        let encoded = format!("/%{:02x}{}", path.as_bytes()[1], &path[2..]);
        for other in [
            format!("{path}/"),
            format!("/{path}"),
            format!("{path}//"),
            format!("{path}/."),
            format!("/.{path}"),
            format!("/healthz/..{path}"),
            format!("{path}%00"),
            format!("{path}%2f"),
            format!("{path};a=b"),
            format!("{path}.json"),
            path.replace('/', "%2f").replacen("%2f", "/", 1),
            path.replacen("/", "\\", 1),
            path.to_uppercase(),
            encoded,
        ] {
            if other == path {
                continue;
            }
            let host = served.host();
            let bearer = format!("Bearer {}", served.operator);
            let headers = [("Host", host.as_str()), ("Authorization", bearer.as_str())];
            let reply = raw(served.address(), &request("GET", &other, &headers, None));
            let status = reply.as_ref().map_or(400, |reply| reply.status);
            assert!((400..500).contains(&status), "{other}: {status}");
        }
    }
    has_done_nothing(&served);
}

#[test]
fn other_sites_other_hosts_and_other_bodies_are_refused() {
    let served = Served::begin();
    let bearer = format!("Bearer {}", served.operator);
    let token = ("Authorization", bearer.as_str());
    let own = format!("http://{}", served.host());
    let other_port = "http://127.0.0.1:1".to_owned();
    for (headers, status) in [
        (vec![token, ("Origin", own.as_str())], 200),
        (vec![token, ("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")], 200),
        (vec![token, ("Origin", "null")], 403),
        (vec![token, ("Origin", "https://evil.example")], 403),
        (vec![token, ("Origin", other_port.as_str())], 403),
        (vec![token, ("Sec-Fetch-Site", "cross-site")], 403),
        (vec![token, ("Sec-Fetch-Site", "same-site")], 403),
        (vec![token, ("Sec-Fetch-Site", "none")], 403),
        (vec![token, ("Content-Type", "text/plain")], 415),
        (vec![token, ("Content-Type", "application/x-www-form-urlencoded")], 415),
        (vec![token, ("Content-Type", "multipart/form-data; boundary=x")], 415),
        (vec![token, ("Content-Type", "application/json; charset=latin1")], 415),
        (vec![token, ("Content-Type", "application/json; charset=UTF-8")], 200),
        (vec![token, ("Content-Encoding", "gzip")], 415),
    ] {
        let reply = served.say("POST", "/api/v1/pause-nothing", &headers, Some("{}"));
        assert_eq!(reply.status, 404, "{headers:?}");
        let reply = served.say("POST", "/api/v1/plugins/ema/pause", &headers, Some("{}"));
        assert_eq!(reply.status, status, "{headers:?}: {}", reply.body);
    }
    for host in ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.nip.io", ""] {
        let headers = [("Host", host), token];
        let reply = raw(served.address(), &request("GET", "/api/v1/status", &headers, None));
        let status = reply.map_or(400, |reply| reply.status);
        assert!(status == 421 || status == 400, "{host}: {status}");
    }
    let localhost = format!("localhost:{}", served.address().port());
    let headers = [("Host", localhost.as_str()), token];
    let reply = raw(served.address(), &request("GET", "/api/v1/status", &headers, None));
    assert_eq!(reply.unwrap().status, 200);
    let large = format!("{{\"plugin\":\"{}\"}}", "a".repeat(70_000));
    assert_eq!(served.ask(&served.operator, "POST", "/api/v1/halt", Some(&large)).status, 413);
    assert_eq!(served.ask(&served.operator, "GET", "/api/v1/status", Some("{}")).status, 400);
}

#[test]
fn requests_that_are_none_end_their_connection_and_nothing_else() {
    let served = Served::begin();
    let (host, token) = (served.host(), served.operator.clone());
    let many: String = (0..200).map(|at| format!("X-{at}: 1\r\n")).collect();
    let status = format!("Host: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let requests: Vec<Vec<u8>> = vec![
        b"\r\n\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        format!("GET http://{host}/api/v1/status HTTP/1.1\r\n{status}").into_bytes(),
        format!("GET /api/v1/status HTTP/1.0\r\n{status}").into_bytes(),
        format!("GET /api/v1/status HTTP/3.0\r\n{status}").into_bytes(),
        format!("CONNECT {host} HTTP/1.1\r\n{status}").into_bytes(),
        format!("GET * HTTP/1.1\r\n{status}").into_bytes(),
        format!("GET /api/v1/status HTTP/1.1\r\nHost: {host}\r\n{status}").into_bytes(),
        format!("GET /api/v1/status HTTP/1.1\r\n{many}{status}").into_bytes(),
        format!("GET /api/v1/status?{} HTTP/1.1\r\n{status}", "a".repeat(60_000)).into_bytes(),
        format!("GET /{} HTTP/1.1\r\n{status}", "a".repeat(3_000)).into_bytes(),
        format!("POST /api/v1/halt HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n{status}").into_bytes(),
        format!("POST /api/v1/halt HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nContent-Type: application/json\r\n{status}").into_bytes(),
        format!("GET /api/v1/status HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n{status}").into_bytes(),
        format!("GET /api/v1/status HTTP/1.1\r\n folded: 1\r\n{status}").into_bytes(),
    ];
    for request in requests {
        // They never end by themselves, so that the server's word is what ends them.
        let mut stream = connect(served.address());
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut bytes = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut bytes);
        let said = crate::client::parse(&bytes).map_or(400, |reply| reply.status);
        let what = String::from_utf8_lossy(&request[..request.len().min(90)]).into_owned();
        assert!((400..500).contains(&said), "{what}: {said}");
    }
    has_done_nothing(&served);
    assert_eq!(served.ask(&token, "GET", "/api/v1/status", None).status, 200);
}

#[test]
fn every_access_comes_to_the_session() {
    let served = Served::begin();
    served.say("GET", "/api/v1/status", &[("X-Forwarded-For", "203.0.113.9")], None);
    served.ask(&served.viewer, "POST", "/api/v1/kill", Some("{}"));
    served.ask(&served.operator, "POST", "/api/v1/halt", Some("{}"));
    for _ in 0..5 {
        served.ask(&served.viewer, "GET", "/api/v1/status", None);
    }
    served.say("GET", "/healthz", &[], None);
    let Served { server, session, .. } = served;
    // What was counted is said at the end.
    drop(server);
    let end = std::time::Instant::now() + crate::client::LONG;
    loop {
        let said: Vec<_> = session
            .accesses
            .lock()
            .unwrap()
            .iter()
            .map(|it| format!("{} via {}: {}", it.who, it.via, it.line()))
            .collect();
        if said.len() < 5 {
            assert!(std::time::Instant::now() < end, "{said:#?}");
            std::thread::yield_now();
            continue;
        }
        assert_eq!(
            said,
            [
                "nobody via http 127.0.0.1: GET /api/v1/status: 401",
                "grafana (viewer) via http 127.0.0.1: POST /api/v1/kill: 403",
                "ada (operator) via http 127.0.0.1: POST /api/v1/halt: 200",
                "grafana (viewer) via http 127.0.0.1: GET /api/v1/status: 200",
                "grafana (viewer) via http 127.0.0.1: GET /api/v1/status: 200, 4 times",
            ]
        );
        break;
    }
}

#[test]
fn the_page_may_do_what_it_needs_and_is_whole() {
    let served = Served::begin();
    let page = served.say("GET", "/", &[("Sec-Fetch-Site", "none")], None);
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    for wanted in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'"]
    {
        assert!(policy.contains(wanted), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let script = served.say("GET", "/app.js", &[], None).body;
    for unwanted in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "http://",
        "https://",
    ] {
        let is_svg = unwanted == "http://" && script.matches(unwanted).count() == 1;
        assert!(is_svg || !script.contains(unwanted), "{unwanted}");
    }
    for unwanted in ["style=", "<script>", "onclick", "http:", "https:", "//"] {
        assert!(!page.body.contains(unwanted), "{unwanted}");
    }
}

/// A tool from the Python package index that turns a description into requests.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

fn schemathesis() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let program = folder.join("bin/schemathesis");
    let stamp = folder.join("version");
    if std::fs::read_to_string(&stamp).is_ok_and(|version| version == SCHEMATHESIS) {
        return Some(program);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output().ok()?;
    let pip = folder.join("bin/pip");
    let got = made.status.success()
        && Command::new(pip)
            .args(["install", "--quiet", SCHEMATHESIS])
            .output()
            .is_ok_and(|output| output.status.success());
    got.then(|| std::fs::write(&stamp, SCHEMATHESIS).unwrap())?;
    Some(program)
}

#[test]
fn a_stranger_who_reads_the_description_breaks_nothing() {
    let served = Served::begin();
    let Some(program) = schemathesis() else {
        assert!(std::env::var_os("CI").is_none(), "{SCHEMATHESIS} cannot be installed");
        eprintln!("SKIPPED: {SCHEMATHESIS} cannot be installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut description: Value = document();
    // A stream has no end to wait for.
    description["paths"].as_object_mut().unwrap().remove("/api/v1/events");
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, description.to_string()).unwrap();
    let output = Command::new(program)
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .arg("run")
        .arg(&file)
        .args(["--url", &format!("http://{}", served.host())])
        .args(["--header", &format!("Authorization: Bearer {}", served.operator)])
        .args(["--checks", "not_a_server_error,status_code_conformance,response_schema_conformance,content_type_conformance"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "15", "--seed", "7", "--suppress-health-check", "all"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(served.ask(&served.viewer, "GET", "/healthz", None).status, 200);
}
