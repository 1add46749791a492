//! drongo, which stands in for Google's Secret Manager. It does not ask who asks: tokens, and what
//! they may, are tested against a server of our own.

use std::process::Command;

use base64::{Engine, engine::general_purpose::STANDARD};
use sandpit_secrets::Source;
use serde_json::{Value, json};

use crate::support::{
    self, API_KEY, Answer, Hands, SECRET, Server, document, failure, hmac, lives_through, real,
    real::Real, show, variables,
};

const SECRETS: &str = "/v1/projects/desk/secrets";

fn start(port: u16) -> Option<Real> {
    let mut command = Command::new(real::program("drongo")?);
    command.args(["server", "--host", "127.0.0.1", "-p", &port.to_string()]);
    Some(Real::start(&mut command, port))
}

fn add(server: &Real, secret: &str) {
    let data = STANDARD.encode(document(API_KEY, secret));
    let body = json!({ "payload": { "data": data } });
    server.json(&format!("POST {SECRETS}/main:addVersion"), &[], &body);
}

fn create(server: &Real, secret: &str) {
    let body = json!({ "replication": { "automatic": {} } });
    server.json(&format!("POST {SECRETS}?secretId=main"), &[], &body);
    add(server, secret);
}

/// A machine that says who it is.
fn machine() -> Server {
    Server::start(|_| {
        Answer::json(200, &json!({ "access_token": "canary0token", "expires_in": 3_600 }))
    })
}

fn open(server: &str, metadata: &Server, name: &str, hands: &Hands) -> Box<dyn Source> {
    let found = variables(&[("GCE_METADATA_HOST", &metadata.host())]);
    let mark = if name.contains('?') { '&' } else { '?' };
    support::open(&format!("gcp-sm://desk/{name}{mark}endpoint=http://{server}"), &found, hands)
}

#[test]
fn versions_of_google() {
    let Some(server) = start(real::port()) else { return };
    create(&server, SECRET);
    let (hands, metadata) = (Hands::new(), machine());
    let of = |name: &str| open(&server.host(), &metadata, name, &hands);
    let mut newest = of("main");
    let fetched = newest.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("1"));
    assert!(fetched.created.is_some());
    assert_eq!(show(fetched), hmac(API_KEY, SECRET));
    add(&server, "canary0next");
    let fetched = newest.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("2"));
    assert_eq!(show(fetched), hmac(API_KEY, "canary0next"));
    assert_eq!(show(of("main?version=1").fetch().unwrap()), hmac(API_KEY, SECRET));
    let error = failure(&mut *of("none"));
    assert!(error.contains("there is no secret `none`"), "{error}");
    server.json(&format!("POST {SECRETS}/main/versions/1:disable"), &[], &Value::Null);
    let error = failure(&mut *of("main?version=1"));
    assert!(error.contains("disabled or destroyed"), "{error}");
}

#[test]
fn it_goes_away_and_comes_back() {
    let port = real::port();
    let Some(server) = start(port) else { return };
    create(&server, SECRET);
    let (hands, metadata) = (Hands::new(), machine());
    let source = open(&server.host(), &metadata, "main", &hands);
    let again = || {
        let server = start(port).unwrap();
        create(&server, "canary0next");
        server
    };
    lives_through(source, &hands, || drop(server), again);
}
