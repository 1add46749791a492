//! Google Secret Manager: three ways to a token, and what is said where a secret cannot be read.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{
    API_KEY, Answer, Hands, PROOF, Request, SECRET, START_S, Server, document, failure, hmac, jwt,
    open, rsa, show, variables,
};

struct State {
    /// The token that is good now.
    token: String,
    tokens: usize,
    status: u16,
    version: u32,
    text: String,
    checksum: Option<String>,
    may_see_versions: bool,
}

struct Google {
    state: Arc<Mutex<State>>,
    server: Server,
    hands: Hands,
}

fn serve(state: &mut State, request: &Request, url: &str) -> Answer {
    let bearer = format!("Bearer {}", state.token);
    match request.path.as_str() {
        "/computeMetadata/v1/instance/service-accounts/default/token" => {
            assert_eq!(request.header("metadata-flavor"), "Google");
            token(state)
        }
        "/token" => service_account(state, request, url),
        "/v1/sts" => federated(request),
        "/impersonate" => {
            if request.header("authorization") != "Bearer canary0federated" {
                return Answer::text(403, PROOF);
            }
            let token = token(state);
            let body: Value = serde_json::from_slice(&token.body).unwrap();
            let until = "2025-06-01T01:00:00Z";
            Answer::json(200, &json!({ "accessToken": body["access_token"], "expireTime": until }))
        }
        _ if request.header("authorization") != bearer => Answer::text(401, PROOF),
        _ if state.status != 200 => Answer::text(state.status, PROOF),
        "/v1/projects/desk/secrets/main/versions/latest:access" => {
            let name = format!("projects/1/secrets/main/versions/{}", state.version);
            let data = STANDARD.encode(&state.text);
            let payload = json!({ "data": data, "dataCrc32c": state.checksum });
            Answer::json(200, &json!({ "name": name, "payload": payload }))
        }
        path if state.may_see_versions && path.contains("/versions/") => Answer::json(
            200,
            &json!({ "createTime": "2025-02-03T04:05:06.5Z", "state": "ENABLED" }),
        ),
        _ => Answer::text(403, PROOF),
    }
}

fn token(state: &mut State) -> Answer {
    state.tokens += 1;
    state.token = format!("canary0token{}", state.tokens);
    Answer::json(200, &json!({ "access_token": state.token, "expires_in": 1_000 }))
}

fn service_account(state: &mut State, request: &Request, url: &str) -> Answer {
    assert_eq!(request.field("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let Some((header, claims)) = jwt::verify(&request.field("assertion")) else {
        return Answer::text(400, PROOF);
    };
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": "fake" }));
    assert_eq!(claims["iss"], "sandpit@desk.example");
    assert_eq!(claims["aud"], format!("{url}/token"));
    let (from, until) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert!(from >= START_S && until - from == 3_600);
    token(state)
}

fn federated(request: &Request) -> Answer {
    assert_eq!(request.field("audience"), "//iam.example/provider");
    if request.field("subject_token") != PROOF {
        return Answer::text(400, PROOF);
    }
    Answer::json(200, &json!({ "access_token": "canary0federated", "expires_in": 1_000 }))
}

impl Google {
    fn start() -> Self {
        let state = State {
            token: String::new(),
            tokens: 0,
            status: 200,
            version: 7,
            text: document(API_KEY, SECRET),
            checksum: None,
            may_see_versions: true,
        };
        let (state, hands) = (Arc::new(Mutex::new(state)), Hands::new());
        let shared = state.clone();
        let server = Server::start(move |request| {
            let url = format!("http://{}", request.header("host"));
            serve(&mut shared.lock().unwrap(), request, &url)
        });
        Self { state, server, hands }
    }

    fn open(&self, found: &[(&str, &str)]) -> Box<dyn sandpit_secrets::Source> {
        let uri = format!("gcp-sm://desk/main?endpoint={}", self.server.url());
        open(&uri, &variables(found), &self.hands)
    }

    fn on_a_machine(&self) -> Box<dyn sandpit_secrets::Source> {
        self.open(&[("GCE_METADATA_HOST", &self.server.host())])
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}

fn write(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

#[test]
fn a_machine_s_identity() {
    let google = Google::start();
    let mut source = google.on_a_machine();
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("7"));
    assert_eq!(fetched.created.unwrap().0, 1_738_555_506_500_000_000);
    assert_eq!(show(fetched), hmac(API_KEY, SECRET));
    source.fetch().unwrap();
    let tokens = || google.state.lock().unwrap().tokens;
    assert_eq!(tokens(), 1);
    google.hands.turn_s(800);
    source.fetch().unwrap();
    assert_eq!(tokens(), 2);
    // Withdrawn before its end.
    google.set(|state| state.token = "canary0other".to_owned());
    source.fetch().unwrap();
    assert_eq!(tokens(), 3);
}

#[test]
fn without_the_right_to_see_versions_the_age_is_not_known() {
    let google = Google::start();
    google.set(|state| state.may_see_versions = false);
    let fetched = google.on_a_machine().fetch().unwrap();
    assert_eq!((fetched.version.as_deref(), fetched.created), (Some("7"), None));
}

#[test]
fn a_new_version() {
    let google = Google::start();
    let mut source = google.on_a_machine();
    source.fetch().unwrap();
    google.set(|state| {
        state.version = 8;
        state.text = document(API_KEY, "canary0next");
    });
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("8"));
    assert_eq!(show(fetched), hmac(API_KEY, "canary0next"));
}

#[test]
fn a_service_account_s_key() {
    let google = Google::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let key = |pem: &str| {
        json!({
            "type": "service_account", "client_email": "sandpit@desk.example",
            "private_key_id": "fake", "private_key": pem, "project_id": "desk",
            "token_uri": format!("{}/token", google.server.url()),
        })
        .to_string()
    };
    let found = [("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap())];
    write(&path, &key(&rsa::pem()));
    assert_eq!(show(google.open(&found).fetch().unwrap()), hmac(API_KEY, SECRET));
    write(&path, &key("canary"));
    assert!(failure(&mut *google.open(&found)).contains("no unencrypted private key"));
    write(&path, "{\"type\":\"canary\"}");
    assert!(failure(&mut *google.open(&found)).contains("is neither the key of a service account"));
    write(&path, &key(&rsa::pem()));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(failure(&mut *google.open(&found)).contains("chmod 600"));
}

#[test]
fn a_federated_identity() {
    let google = Google::start();
    let folder = tempfile::tempdir().unwrap();
    let (path, subject) = (folder.path().join("config.json"), folder.path().join("subject"));
    let url = google.server.url();
    let config = |format: Value| {
        json!({
            "type": "external_account", "audience": "//iam.example/provider",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": format!("{url}/v1/sts"),
            "service_account_impersonation_url": format!("{url}/impersonate"),
            "credential_source": { "file": subject.to_str().unwrap(), "format": format },
        })
        .to_string()
    };
    let found = [("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap())];
    write(&path, &config(json!({ "type": "text" })));
    write(&subject, PROOF);
    assert_eq!(show(google.open(&found).fetch().unwrap()), hmac(API_KEY, SECRET));
    write(&subject, "canary0wrong");
    assert!(failure(&mut *google.open(&found)).contains("the pool's provider"));
    write(&path, &config(json!({ "type": "json", "subject_token_field_name": "t" })));
    write(&subject, &json!({ "t": PROOF, "other": "canary" }).to_string());
    google.open(&found).fetch().unwrap();
    write(&subject, &json!({ "u": PROOF }).to_string());
    assert!(failure(&mut *google.open(&found)).contains("no text with the subject's token"));
}

/// A platform that vouches for the host at an address of its own, as Azure's machines do.
#[test]
fn a_federated_identity_from_an_address() {
    let google = Google::start();
    let platform = Server::start(|request| {
        if request.header("metadata") != "canary0header" {
            return Answer::text(403, PROOF);
        }
        match request.path.as_str() {
            "/json" => Answer::json(200, &json!({ "access_token": PROOF, "other": "canary" })),
            "/text" => Answer::text(200, &format!("{PROOF}\n")),
            _ => Answer::text(404, PROOF),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let url = google.server.url();
    let config = |source: Value| {
        json!({
            "type": "external_account", "audience": "//iam.example/provider",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": format!("{url}/v1/sts"),
            "service_account_impersonation_url": format!("{url}/impersonate"),
            "credential_source": source,
        })
        .to_string()
    };
    let found = [("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap())];
    let headers = json!({ "Metadata": "canary0header" });
    let at = |place: &str| format!("{}/{place}", platform.url());
    let format = json!({ "type": "json", "subject_token_field_name": "access_token" });
    for source in [
        json!({ "url": at("json"), "headers": headers, "format": format }),
        json!({ "url": at("text"), "headers": headers }),
    ] {
        write(&path, &config(source));
        assert_eq!(show(google.open(&found).fetch().unwrap()), hmac(API_KEY, SECRET));
    }
    let many: std::collections::BTreeMap<_, _> =
        (0..20).map(|at| (format!("h{at}"), "canary")).collect();
    for (source, wanted) in [
        (json!({ "url": at("text") }), "403, no token: the platform that vouches"),
        (json!({ "url": at("none"), "headers": headers }), "404, no token"),
        (json!({ "url": "http://10.1.2.3/", "headers": headers }), "without TLS"),
        (json!({ "url": at("text"), "headers": { "a b": "canary" } }), "a name that none can have"),
        (json!({ "url": at("text"), "headers": many }), "too many headers"),
        (json!({ "url": at("text"), "file": "/x" }), "in a file (`credential_source.file`) or at"),
        (json!({}), "in a file (`credential_source.file`) or at"),
    ] {
        write(&path, &config(source));
        let error = failure(&mut *google.open(&found));
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let google = Google::start();
    for (status, wanted) in [
        (403, "`roles/secretmanager.secretAccessor` on `main`"),
        (404, "there is no secret `main` with this version in the project `desk`"),
        (400, "disabled or destroyed"),
        (429, "asked too often"),
        (500, "trouble of its own"),
    ] {
        google.set(|state| state.status = status);
        let error = failure(&mut *google.on_a_machine());
        assert!(error.contains(wanted), "{error}");
    }
    google.set(|state| {
        state.status = 200;
        state.checksum = Some("1".to_owned());
    });
    assert!(failure(&mut *google.on_a_machine()).contains("its checksum is wrong"));
}

#[test]
fn nothing_at_all() {
    let google = Google::start();
    // Nobody listens there any more.
    let gone = Server::start(|_| Answer::text(500, "")).host();
    let error = failure(&mut *google.open(&[("GCE_METADATA_HOST", &gone)]));
    assert!(error.contains("there are no Google credentials"), "{error}");
}
