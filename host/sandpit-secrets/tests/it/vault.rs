//! Vault and OpenBao: logging in, reading, and what is said where that fails.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::support::{
    API_KEY, Answer, Hands, PROOF, Request, SECRET, Server, fails, failure, hmac, open, show,
    variables,
};

const OTHER: &str = "canary0another0secret";
const ROLE_ID: &str = "canary0role0id";
const WRAPPING: &str = "canary0wrapping0token";

/// What the server has.
#[derive(Default)]
struct State {
    /// Tokens, and when they end.
    tokens: BTreeMap<String, u64>,
    is_renewable: bool,
    lease_s: u64,
    may_read: bool,
    /// Versions, from 1 on; `None` where one was deleted.
    versions: Vec<Option<Value>>,
    is_sealed: bool,
    wrapped: Option<Value>,
    issued: usize,
    /// Leases that can be renewed.
    leases: Vec<String>,
}

struct Vault {
    state: Arc<Mutex<State>>,
    server: Server,
    hands: Hands,
}

fn denied() -> Answer {
    // A server may repeat what it was sent: nothing of that may be shown.
    Answer::json(403, &json!({ "errors": [format!("permission denied {PROOF}")] }))
}

fn login(state: &mut State, now_s: u64) -> Answer {
    state.issued += 1;
    let token = format!("canary0token{}", state.issued);
    state.tokens.insert(token.clone(), now_s + state.lease_s);
    let (lease, renewable) = (state.lease_s, state.is_renewable);
    let auth = json!({ "client_token": token, "lease_duration": lease, "renewable": renewable });
    Answer::json(200, &json!({ "auth": auth }))
}

fn public(state: &mut State, request: &Request, now_s: u64) -> Option<Answer> {
    let body = request.json();
    Some(match request.path.as_str() {
        "/v1/auth/approle/login" | "/v1/auth/desk/login" => {
            if body["role_id"] == ROLE_ID && body["secret_id"] == PROOF {
                login(state, now_s)
            } else {
                Answer::json(400, &json!({ "errors": ["invalid role or secret ID"] }))
            }
        }
        "/v1/auth/kubernetes/login" => {
            if body["role"] == "sandpit" && body["jwt"] == PROOF {
                login(state, now_s)
            } else {
                denied()
            }
        }
        "/v1/sys/wrapping/unwrap" => match state.wrapped.take() {
            Some(data) if request.header("x-vault-token") == WRAPPING => Answer::json(200, &data),
            _ => Answer::json(400, &json!({ "errors": ["wrapping token is not valid"] })),
        },
        _ => return None,
    })
}

fn private(state: &mut State, request: &Request, now_s: u64) -> Answer {
    let token = request.header("x-vault-token").to_owned();
    if state.tokens.get(&token).is_none_or(|until| *until <= now_s) {
        return denied();
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    match path {
        "/v1/auth/token/lookup-self" => {
            let ttl = state.tokens[&token] - now_s;
            let data = json!({ "ttl": ttl, "renewable": state.is_renewable });
            Answer::json(200, &json!({ "data": data }))
        }
        "/v1/auth/token/renew-self" => {
            state.tokens.insert(token.clone(), now_s + state.lease_s);
            let (lease, renewable) = (state.lease_s, state.is_renewable);
            let auth =
                json!({ "client_token": token, "lease_duration": lease, "renewable": renewable });
            Answer::json(200, &json!({ "auth": auth }))
        }
        _ if !state.may_read => denied(),
        "/v1/secret/data/desk/main" => {
            let newest = state.versions.len();
            let version: usize =
                query.strip_prefix("version=").map_or(newest, |text| text.parse().unwrap());
            let Some(data) = version.checked_sub(1).and_then(|at| state.versions.get(at)) else {
                return Answer::json(404, &json!({ "errors": [] }));
            };
            let deleted = if data.is_none() { "2025-01-03T00:00:00Z" } else { "" };
            let metadata = json!({
                "created_time": format!("2025-01-0{version}T00:00:00.123456789Z"),
                "version": version, "deletion_time": deleted, "destroyed": false,
            });
            let status = if data.is_none() { 404 } else { 200 };
            Answer::json(status, &json!({ "data": { "data": data, "metadata": metadata } }))
        }
        "/v1/lent/creds/main" => {
            state.issued += 1;
            let lease = format!("lent/creds/main/{}", state.issued);
            state.leases.push(lease.clone());
            let data = json!({ "api_key": format!("{API_KEY}{}", state.issued), "secret": SECRET });
            Answer::json(200, &json!({ "lease_id": lease, "lease_duration": 600, "data": data }))
        }
        "/v1/sys/leases/renew" => {
            let lease = request.json()["lease_id"].clone();
            if state.leases.iter().any(|known| *known == lease) {
                Answer::json(200, &json!({ "lease_id": lease, "lease_duration": 500 }))
            } else {
                Answer::json(400, &json!({ "errors": ["lease not found"] }))
            }
        }
        _ => Answer::json(404, &json!({ "errors": [] })),
    }
}

impl Vault {
    fn start() -> Self {
        let versions = vec![Some(
            json!({ "api_key": API_KEY, "secret": SECRET, "note": "of the desk", "n": 1 }),
        )];
        let state = State {
            tokens: BTreeMap::from([(PROOF.to_owned(), u64::MAX)]),
            lease_s: 100,
            may_read: true,
            versions,
            ..State::default()
        };
        let (state, hands) = (Arc::new(Mutex::new(state)), Hands::new());
        let (shared, clock) = (state.clone(), hands.clone());
        let server = Server::start(move |request| {
            let mut state = shared.lock().unwrap();
            let now_s = clock.now_s();
            assert_eq!(request.header("x-vault-request"), "true");
            if state.is_sealed {
                return Answer::json(503, &json!({ "errors": ["Vault is sealed"] }));
            }
            public(&mut state, request, now_s)
                .unwrap_or_else(|| private(&mut state, request, now_s))
        });
        Self { state, server, hands }
    }

    fn uri(&self, options: &str) -> String {
        format!("vault://{}/secret/desk/main?tls=off{options}", self.server.host())
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    fn with_token(&self, options: &str) -> Box<dyn sandpit_secrets::Source> {
        open(&self.uri(options), &variables(&[("VAULT_TOKEN", PROOF)]), &self.hands)
    }

    fn with_role(&self) -> Box<dyn sandpit_secrets::Source> {
        let role = [("VAULT_ROLE_ID", ROLE_ID), ("VAULT_SECRET_ID", PROOF)];
        open(&self.uri("&auth=approle"), &variables(&role), &self.hands)
    }
}

#[test]
fn a_version_and_the_next() {
    let vault = Vault::start();
    let mut source = vault.with_token("");
    let mut first = vault.with_token("&version=1");
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("1"));
    assert_eq!(fetched.created.unwrap().0, 1_735_689_600_123_456_789);
    assert_eq!(show(fetched), hmac(API_KEY, SECRET));

    let next = json!({ "api_key": API_KEY, "secret": OTHER });
    vault.set(|state| state.versions.push(Some(next)));
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("2"));
    assert_eq!(show(fetched), hmac(API_KEY, OTHER));
    assert_eq!(show(first.fetch().unwrap()), hmac(API_KEY, SECRET));
    // Each of the two found out once how long its token lasts.
    assert_eq!(vault.server.count("GET /v1/auth/token/lookup-self"), 2);
}

#[test]
fn what_is_wrong_is_said() {
    let vault = Vault::start();
    let mut source = vault.with_token("");
    vault.set(|state| state.may_read = false);
    let error = failure(&mut *source);
    assert!(error.contains("the capability `read` on `secret/data/desk/main`"), "{error}");

    vault.set(|state| {
        state.may_read = true;
        state.versions.push(None);
    });
    assert!(failure(&mut *source).contains("this version was deleted"));

    vault.set(|state| state.versions.clear());
    let error = failure(&mut *source);
    assert!(error.contains("there is no secret at `secret/data/desk/main`"), "{error}");

    for data in [json!({ "secret": SECRET }), json!({ "api_key": 1, "secret": SECRET })] {
        vault.set(|state| state.versions = vec![Some(data)]);
        assert!(failure(&mut *source).contains("the API key is empty"));
    }
    vault.set(|state| state.versions = vec![Some(json!({ "api_key": API_KEY }))]);
    assert!(failure(&mut *source).contains("either a `secret`"));
}

#[test]
fn a_token_that_is_none_is_said() {
    let vault = Vault::start();
    vault.set(|state| state.tokens.clear());
    let error = failure(&mut *vault.with_token(""));
    assert!(error.contains("VAULT_TOKEN has ended, was revoked"), "{error}");
    let mut source = open(&vault.uri(""), &variables(&[]), &vault.hands);
    assert!(failure(&mut *source).contains("`VAULT_TOKEN` is not set in the environment"));
}

#[test]
fn a_sealed_server_is_asked_again_and_then_said() {
    let vault = Vault::start();
    vault.set(|state| state.is_sealed = true);
    let mut source = vault.with_token("");
    let error = fails(&mut *source);
    assert!(error.is_temporary());
    assert!(crate::support::chain(&error).contains("503, sealed"));
    assert_eq!(vault.server.paths().len(), 3);
    vault.set(|state| state.is_sealed = false);
    source.fetch().unwrap();
}

#[test]
fn a_role_logs_in_and_again_when_its_token_ends() {
    let vault = Vault::start();
    let mut source = vault.with_role();
    let mut fetch = || assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    fetch();
    fetch();
    assert_eq!(vault.server.count("POST /v1/auth/approle/login"), 1);
    // A fifth of its time is left.
    vault.hands.turn_s(80);
    fetch();
    assert_eq!(vault.server.count("POST /v1/auth/approle/login"), 2);
    assert_eq!(vault.server.count("POST /v1/auth/token/renew-self"), 0);
    // It is revoked long before its end.
    vault.set(|state| state.tokens.clear());
    fetch();
    assert_eq!(vault.server.count("POST /v1/auth/approle/login"), 3);
}

#[test]
fn a_token_that_can_last_is_renewed() {
    let vault = Vault::start();
    vault.set(|state| state.is_renewable = true);
    let mut source = vault.with_role();
    for _ in 0..5 {
        source.fetch().unwrap();
        vault.hands.turn_s(80);
    }
    assert_eq!(vault.server.count("POST /v1/auth/approle/login"), 1);
    assert_eq!(vault.server.count("POST /v1/auth/token/renew-self"), 4);
}

#[test]
fn logins_that_are_refused_are_said_and_not_repeated() {
    let vault = Vault::start();
    let role = [("VAULT_ROLE_ID", "wrong"), ("VAULT_SECRET_ID", PROOF)];
    let mut source = open(&vault.uri("&auth=approle"), &variables(&role), &vault.hands);
    assert!(failure(&mut *source).contains("login refused"));
    assert_eq!(vault.server.paths().len(), 1);
    let mut source =
        open(&vault.uri("&auth=approle&auth_mount=none"), &variables(&role), &vault.hands);
    assert!(failure(&mut *source).contains("login") || vault.server.paths().len() == 2);
    let role = [("VAULT_ROLE_ID", ROLE_ID), ("VAULT_SECRET_ID", PROOF)];
    let mut source =
        open(&vault.uri("&auth=approle&auth_mount=desk"), &variables(&role), &vault.hands);
    source.fetch().unwrap();
}

#[test]
fn a_pod_logs_in_with_its_service_account() {
    let vault = Vault::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{PROOF}\n")).unwrap();
    let path = path.to_str().unwrap();
    let token = variables(&[("SANDPIT_KUBERNETES_TOKEN_FILE", path)]);
    let mut source = open(&vault.uri("&auth=kubernetes&role=sandpit"), &token, &vault.hands);
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    let mut source = open(&vault.uri("&auth=kubernetes&role=other"), &token, &vault.hands);
    assert!(failure(&mut *source).contains("name this service account"));
}

#[test]
fn what_is_wrapped_is_taken_out_once() {
    let vault = Vault::start();
    vault.set(|state| state.wrapped = Some(json!({ "data": { "secret_id": PROOF } })));
    let role = variables(&[("VAULT_ROLE_ID", ROLE_ID), ("VAULT_SECRET_ID", WRAPPING)]);
    let uri = vault.uri("&auth=wrapped-approle");
    let mut source = open(&uri, &role, &vault.hands);
    source.fetch().unwrap();
    vault.hands.turn_s(90);
    // It logs in again with what it has.
    source.fetch().unwrap();
    assert_eq!(vault.server.count("POST /v1/sys/wrapping/unwrap"), 1);
    // Somebody was there before.
    let error = failure(&mut *open(&uri, &role, &vault.hands));
    assert!(error.contains("somebody else has what was in it"), "{error}");

    let auth = json!({ "client_token": PROOF, "lease_duration": 100, "renewable": true });
    vault.set(|state| state.wrapped = Some(json!({ "auth": auth })));
    let token = variables(&[("VAULT_TOKEN", WRAPPING)]);
    let mut source = open(&vault.uri("&auth=wrapped-token"), &token, &vault.hands);
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
}

#[test]
fn what_is_lent_is_kept_while_it_lasts() {
    let vault = Vault::start();
    let uri = format!("vault://{}/lent/creds/main?engine=leased&tls=off", vault.server.host());
    let mut source = open(&uri, &variables(&[("VAULT_TOKEN", PROOF)]), &vault.hands);
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.lease.unwrap().as_secs(), 600);
    let first = show(fetched);
    assert_eq!(first, hmac(&format!("{API_KEY}1"), SECRET));
    vault.hands.turn_s(300);
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.lease.unwrap().as_secs(), 500);
    assert_eq!(show(fetched), first);
    // It is withdrawn: there is another.
    vault.set(|state| state.leases.clear());
    assert_eq!(show(source.fetch().unwrap()), hmac(&format!("{API_KEY}2"), SECRET));
    // It ended.
    vault.hands.turn_s(601);
    assert_eq!(show(source.fetch().unwrap()), hmac(&format!("{API_KEY}3"), SECRET));
    assert_eq!(vault.server.count("PUT /v1/sys/leases/renew"), 2);
}

#[test]
fn answers_that_are_none() {
    for body in [
        "",
        "null",
        "{}",
        r#"{"data":{"data":{"api_key":"canary"},"metadata":{}}}"#,
        r#"{"data":{"data":"canary","metadata":{"created_time":"x","version":1}}}"#,
        &"[".repeat(100_000),
        &"x".repeat(300_000),
    ] {
        let body = body.to_owned();
        let server = Server::start(move |request| {
            if request.path.ends_with("lookup-self") {
                return Answer::json(200, &json!({ "data": { "ttl": 0 } }));
            }
            Answer::text(200, &body)
        });
        let uri = format!("vault://{}/secret/a?tls=off", server.host());
        let mut source = open(&uri, &variables(&[("VAULT_TOKEN", PROOF)]), &Hands::new());
        assert!(failure(&mut *source).contains("cannot be used"));
    }
}
