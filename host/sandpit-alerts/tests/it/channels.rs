//! What each channel sends, to a server that looks at it as the real one would; and what it makes of
//! the answers.

use std::time::Duration;

use sandpit_alerts::{
    channels::{Channel, ChannelError, SendError},
    desk::{News, Notice},
};
use sandpit_secrets::Mask;
use serde_json::{Value, json};

use crate::support::{
    Fixed, PATH, ROUTING_KEY, SIGNER, TOKEN, channel, config, item, notice, send,
    server::{Answer, Identity, Server},
};

const SLACK: &str = "kind = \"slack\"\nurl = \"env://URL\"";
const DISCORD: &str = "kind = \"discord\"\nurl = \"env://URL\"";
const WEBHOOK: &str = "kind = \"webhook\"\nurl = \"env://URL\"\nsecret = \"env://SIGNER\"";

/// What somebody would write who wants to be markup.
const HOSTILE: &str =
    "**b** <@U1> <!channel> @everyone &lt; `c` _i_ [a](https://evil.invalid)\r\n\u{202e}x";

fn one() -> Notice {
    notice(vec![item("orders <stream>", HOSTILE, News::Raised)])
}

fn many() -> Notice {
    notice(vec![item("orders <stream>", &"<*_é".repeat(125), News::Raised); 50])
}

fn ok() -> Answer {
    Answer::text(200, "ok")
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn slack() {
    let server = Server::start(|_| ok());
    let it = channel(SLACK, &Fixed::new(&server.url()));
    send(&it, &one()).unwrap();
    send(&it, &many()).unwrap();
    assert_eq!(server.paths(), [format!("POST /{PATH}"), format!("POST /{PATH}")]);
    let requests = server.requests();
    assert_eq!(requests[0].header("content-type"), "application/json");
    let body = requests[0].json();
    let plain = "[CRITICAL] desk-1: connection orders <stream>: **b** <@U1> <!channel> @everyone";
    assert!(text(&body, "/blocks/0/text/text").starts_with(plain), "{body}");
    assert_eq!(text(&body, "/blocks/0/text/type"), "plain_text");
    let said = text(&body, "/text");
    assert!(!said.contains('<') && said.contains("&lt;!channel&gt;") && said.contains("&amp;lt;"));
    assert!(!body.to_string().contains('\u{202e}') && !said.contains('\n'));
    let long = requests[1].json();
    let said = text(&long, "/blocks/0/text/text");
    assert!(said.chars().count() <= 3_000 && said.contains("more: see `sandpit alerts list`"));
}

#[test]
fn discord() {
    let server = Server::start(|_| Answer::text(204, ""));
    let it = channel(DISCORD, &Fixed::new(&server.url()));
    send(&it, &one()).unwrap();
    send(&it, &many()).unwrap();
    let requests = server.requests();
    let body = requests[0].json();
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(body["flags"], 4);
    let said = text(&body, "/content");
    assert!(said.contains("\\*\\*b\\*\\* \\<\\@U1\\>") && said.contains("\\[a\\]\\("), "{said}");
    assert!(text(&requests[1].json(), "/content").chars().count() <= 2_000);
}

#[test]
fn telegram() {
    let server = Server::start(|request| {
        let is_right = request.path == format!("/bot{TOKEN}/sendMessage");
        let body = request.json();
        let is_right = is_right && body["chat_id"] == -100 && body.get("parse_mode").is_none();
        let answer = json!({ "ok": is_right });
        Answer::json(if is_right { 200 } else { 404 }, &answer)
    });
    let section = format!(
        "kind = \"telegram\"\ntoken = \"env://TOKEN\"\nchat = \"-100\"\napi = \"{}\"",
        server.url()
    );
    let it = channel(&section, &Fixed::new(""));
    send(&it, &one()).unwrap();
    let emoji = notice(vec![item("s", &"🦀".repeat(400), News::Raised); 50]);
    send(&it, &emoji).unwrap();
    let requests = server.requests();
    let said = requests[0].json();
    assert!(text(&said, "/text").contains("<!channel>"));
    assert_eq!(said["link_preview_options"]["is_disabled"], true);
    assert_eq!(said["disable_notification"], false);
    assert!(text(&requests[1].json(), "/text").encode_utf16().count() <= 4_096);

    let wrong = section.replace("-100", "-101");
    let error = send(&channel(&wrong, &Fixed::new("")), &one()).unwrap_err();
    assert!(matches!(error, SendError::Refused { status: 404, .. }), "{error}");
    let busy = Server::start(|_| {
        Answer::json(429, &json!({ "ok": false, "parameters": { "retry_after": 17 } }))
    });
    let section = section.replace(&server.url(), &busy.url());
    let error = send(&channel(&section, &Fixed::new("")), &one()).unwrap_err();
    assert_eq!(error, SendError::Limited { pause: Some(Duration::from_secs(17)) });
    let odd = Server::start(|_| Answer::json(200, &json!({ "ok": false })));
    let section = section.replace(&busy.url(), &odd.url());
    assert_eq!(send(&channel(&section, &Fixed::new("")), &one()), Err(SendError::Answer));
}

#[test]
fn pagerduty() {
    let server = Server::start(|request| {
        let body = request.json();
        let is_right = request.path == "/v2/enqueue" && body["routing_key"] == ROUTING_KEY;
        let has_key = text(&body, "/dedup_key").chars().count() <= 255;
        let is_trigger = body["event_action"] == "trigger";
        let summary = text(&body, "/payload/summary").chars().count();
        let severity = text(&body, "/payload/severity");
        let has_payload = (1..=1_024).contains(&summary)
            && ["critical", "error", "warning", "info"].contains(&severity)
            && !text(&body, "/payload/source").is_empty();
        let is_right = is_right && has_key && (!is_trigger || has_payload);
        Answer::json(if is_right { 202 } else { 400 }, &json!({ "status": "success" }))
    });
    let section = format!(
        "kind = \"pagerduty\"\nrouting_key = \"env://ROUTING_KEY\"\napi = \"{}\"",
        server.url()
    );
    let it = channel(&section, &Fixed::new(""));
    let subject = "ö".repeat(90);
    let items = [News::Raised, News::Reminder, News::Acknowledged, News::Resolved];
    send(&it, &notice(items.map(|news| item(&subject, HOSTILE, news)).to_vec())).unwrap();
    send(&it, &Notice::test(crate::support::NOW)).unwrap();
    let bodies: Vec<Value> = server.requests().iter().map(|request| request.json()).collect();
    let actions: Vec<&str> = bodies.iter().map(|body| text(body, "/event_action")).collect();
    // What is tried ends by itself.
    assert_eq!(actions, ["trigger", "trigger", "acknowledge", "resolve", "trigger", "resolve"]);
    assert!(bodies[..4].iter().all(|body| body["dedup_key"] == bodies[0]["dedup_key"]));
    assert_ne!(bodies[4]["dedup_key"], bodies[0]["dedup_key"]);
}

#[test]
fn webhook() {
    let server = Server::start(|request| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SIGNER.as_bytes());
        let mut signed = request.header("x-sandpit-timestamp").as_bytes().to_vec();
        signed.push(b'.');
        signed.extend_from_slice(&request.body);
        let said = request.header("x-sandpit-signature").strip_prefix("v1=").unwrap();
        let said: Vec<u8> = (0..said.len() / 2)
            .map(|at| u8::from_str_radix(&said[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let is_right = ring::hmac::verify(&key, &signed, &said).is_ok();
        Answer::text(if is_right { 200 } else { 401 }, "")
    });
    let it = channel(WEBHOOK, &Fixed::new(&server.url()));
    send(&it, &one()).unwrap();
    send(&it, &one()).unwrap();
    let requests = server.requests();
    let body = requests[0].json();
    assert_eq!(requests[0].header("x-sandpit-timestamp"), "1790000000");
    assert_eq!(body["version"], 1);
    assert_eq!(body["severity"], "critical");
    assert_eq!(body["items"][0]["news"], "raised");
    assert_eq!(body["items"][0]["alert"]["rule"], "connection");
    assert_eq!(body["delivery"], requests[1].json()["delivery"]);
    assert_eq!(requests[0].header("x-sandpit-delivery"), text(&body, "/delivery"));
    let other = Fixed::new(&server.url()).and("SIGNER", "canary0another0secret");
    let error = send(&channel(WEBHOOK, &other), &one()).unwrap_err();
    assert!(matches!(error, SendError::Refused { status: 401, .. }));
}

#[test]
fn answers_and_what_they_mean() {
    let sends = |status: u16, headers: &'static str| {
        let server = Server::start(move |_| Answer {
            status,
            headers: headers.to_owned(),
            // A server may repeat what it was sent.
            body: PATH.as_bytes().to_vec(),
        });
        send(&channel(SLACK, &Fixed::new(&server.url())), &one())
    };
    assert_eq!(sends(200, ""), Ok(()));
    let limited =
        |seconds: Option<u64>| Err(SendError::Limited { pause: seconds.map(Duration::from_secs) });
    assert_eq!(sends(429, "retry-after: 7\r\n"), limited(Some(7)));
    assert_eq!(sends(429, "retry-after: 0.25\r\n"), limited(Some(1)));
    assert_eq!(sends(429, "retry-after: Wed, 21 Oct 2015 07:28:00 GMT\r\n"), limited(None));
    assert_eq!(sends(503, "retry-after: 2\r\n"), limited(Some(2)));
    assert_eq!(sends(500, ""), Err(SendError::Broken { status: 500 }));
    for status in [400, 403, 404, 410] {
        let error = sends(status, "").unwrap_err();
        assert!(matches!(&error, SendError::Refused { .. }) && !error.is_temporary(), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    // Nobody is sent elsewhere.
    let other = Server::start(|_| ok());
    let url = other.url();
    let server = Server::start(move |_| Answer {
        status: 307,
        headers: format!("location: {url}/\r\n"),
        body: Vec::new(),
    });
    let error = send(&channel(SLACK, &Fixed::new(&server.url())), &one()).unwrap_err();
    assert!(matches!(error, SendError::Refused { status: 307, .. }));
    assert!(other.paths().is_empty());
    // And nobody listens for ever.
    let endless = Server::start(|_| Answer::text(200, &"x".repeat(1 << 20)));
    let error = send(&channel(SLACK, &Fixed::new(&endless.url())), &one());
    assert_eq!(error, Err(SendError::Answer));
}

#[test]
fn nobody_there() {
    let url = Server::start(|_| ok()).url();
    let error = send(&channel(SLACK, &Fixed::new(&url)), &one()).unwrap_err();
    assert_eq!(error, SendError::Unreachable);
    assert!(error.is_temporary());
}

#[test]
fn certificates() {
    let folder = tempfile::tempdir().unwrap();
    let with = |identity: &Identity| {
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, &identity.authority).unwrap();
        format!("{SLACK}\nca = \"{}\"", path.display())
    };
    let (ours, theirs) = (Identity::new(), Identity::new());
    let server = Server::start_tls(&ours, |_| ok());
    let secrets = Fixed::new(&server.url());
    send(&channel(&with(&ours), &secrets), &one()).unwrap();
    let asked = server.requests().len();
    let why = |section: &str, secrets: &Fixed| match send(&channel(section, secrets), &one()) {
        Err(SendError::Certificate(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(&with(&theirs), &secrets).contains("nobody who is trusted"));
    // The system's authorities do not know ours.
    assert!(why(SLACK, &secrets).contains("nobody who is trusted"));
    let elsewhere = Identity::of("127.0.0.2");
    let wrong = Server::start_tls(&elsewhere, |_| ok());
    assert!(why(&with(&elsewhere), &Fixed::new(&wrong.url())).contains("another host"));
    assert_eq!(server.requests().len(), asked, "something was sent to a stranger");
    assert!(wrong.requests().is_empty(), "something was sent to a stranger");
    // One that speaks no TLS is nobody.
    let plain = Server::start(|_| ok());
    let secrets = Fixed::new(&plain.url().replace("http:", "https:"));
    assert_eq!(send(&channel(SLACK, &secrets), &one()), Err(SendError::Unreachable));
    assert!(plain.requests().iter().all(|request| !request.path.contains(PATH)));
}

#[test]
fn channels_that_cannot_be_set_up() {
    let fails = |section: &str, secrets: &Fixed| {
        let text = format!("[channels.it]\n{section}\n[[routes]]\nchannels = [\"it\"]");
        let config = config(&text);
        let mask = Mask::default();
        let it = &config.channels["it"];
        let error = Channel::open("it", &config.source, it, secrets, &mask).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        error
    };
    let fixed = || Fixed::new("https://hooks.example.com");
    assert!(fails("kind = \"slack\"\nurl = \"env://NONE\"", &fixed()).to_string().contains("NONE"));
    let plain = Fixed::new("http://hooks.example.com");
    assert_eq!(fails(SLACK, &plain), ChannelError::PlainHttp);
    assert!(matches!(fails(SLACK, &Fixed::new("canary")), ChannelError::Shape { .. }));
    let short = fixed().and("SIGNER", "canary0short");
    assert!(fails(WEBHOOK, &short).to_string().contains("fewer than 16 bytes"));
    let telegram = "kind = \"telegram\"\ntoken = \"env://TOKEN\"\nchat = \"@desk\"";
    let odd = fixed().and("TOKEN", "canary/../other");
    assert!(fails(telegram, &odd).to_string().contains("no token has"));
    let pager = "kind = \"pagerduty\"\nrouting_key = \"env://ROUTING_KEY\"";
    let odd = fixed().and("ROUTING_KEY", "canary key");
    assert!(fails(pager, &odd).to_string().contains("no integration key has"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    let ca = format!("{SLACK}\nca = \"{}\"", path.display());
    assert!(fails(&ca, &fixed()).to_string().contains("cannot be read"));
    std::fs::write(&path, "nothing").unwrap();
    assert!(fails(&ca, &fixed()).to_string().contains("no certificates"));
}

#[test]
fn configurations_that_are_refused() {
    let fails = |section: &str| {
        let text = format!("[channels.it]\n{section}\n[[routes]]\nchannels = [\"it\"]");
        match toml::from_str::<sandpit_alerts::AlertsConfig>(&text) {
            Err(error) => error.message().to_owned(),
            Ok(config) => config.check().unwrap_err().to_string(),
        }
    };
    assert!(fails("kind = \"pigeon\"").contains("pigeon"));
    assert!(fails(&format!("{SLACK}\ncolor = \"red\"")).contains("color"));
    // A secret that was written where its name belongs.
    let pasted = "kind = \"slack\"\nurl = \"https://hooks.slack.com/canary\"";
    let error = fails(pasted);
    assert!(error.contains("env://VARIABLE") && !error.contains("canary"), "{error}");
    let telegram = |chat: &str, more: &str| {
        format!("kind = \"telegram\"\ntoken = \"env://T\"\nchat = \"{chat}\"\n{more}")
    };
    assert!(fails(&telegram("desk", "")).contains("neither a number"));
    assert!(fails(&telegram("@desk", "api = \"http://api.example.com\"")).contains("without TLS"));
    assert!(fails(&telegram("@desk", "api = \"https://u:p@example.com\"")).contains("of the form"));
    let mail = |more: &str| {
        format!(
            "kind = \"mail\"\nhost = \"mail.example.com\"\nfrom = \"a@example.com\"\n\
             to = [\"b@example.com\"]\n{more}"
        )
    };
    assert!(fails(&mail("tls = \"off\"")).contains("on this machine alone"));
    assert!(fails(&mail("user = \"u\"")).contains("belong together"));
    assert!(fails(&mail("tls = \"maybe\"")).contains("maybe"));
    assert!(fails(&mail("").replace("a@example.com", "nobody")).contains("is no address"));
    assert!(fails(&mail("").replace("[\"b@example.com\"]", "[]")).contains("1 to 20 receivers"));
}
