//! Azure Key Vault: every way to a token, and what is said where a secret cannot be read.

use std::{
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use serde_json::{Value, json};

use crate::support::{
    API_KEY, Answer, Hands, Identity, PROOF, Request, SECRET, START_S, Server, document, failure,
    hmac, jwt, lives_through, open, real, rsa, show, variables,
};

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "66666666-7777-8888-9999-000000000000";
/// Not a certificate: only its hash is wanted.
const CERTIFICATE: &[u8] = b"not a certificate, only bytes in its place";

struct State {
    token: String,
    tokens: usize,
    refusal: Option<(u16, Value)>,
    version: &'static str,
    text: String,
    certificate: Vec<u8>,
    /// With what assertions were signed so far.
    algorithms: Vec<String>,
    scheme: &'static str,
}

impl State {
    fn new(certificate: &[u8], scheme: &'static str) -> Self {
        Self {
            token: String::new(),
            tokens: 0,
            refusal: None,
            version: "0123456789abcdef",
            text: document(API_KEY, SECRET),
            certificate: certificate.to_vec(),
            algorithms: Vec::new(),
            scheme,
        }
    }
}

struct Azure {
    state: Arc<Mutex<State>>,
    server: Server,
    hands: Hands,
}

fn token(state: &mut State) -> Answer {
    state.tokens += 1;
    state.token = format!("canary0token{}", state.tokens);
    // Managed identities say it as text.
    let answer = json!({
        "access_token": state.token, "expires_in": "1000", "token_type": "Bearer",
    });
    Answer::json(200, &answer)
}

/// Who gives tokens here, and for what: what the official client asks before it sends anything.
fn challenge(state: &State, request: &Request) -> Answer {
    let url = format!("{}://{}", state.scheme, request.header("host"));
    let headers = format!(
        "www-authenticate: Bearer authorization=\"{url}/{TENANT}\", \
         resource=\"https://vault.azure.net\"\r\n"
    );
    Answer { headers, ..Answer::text(401, PROOF) }
}

/// Where tokens are given, as the official client asks.
fn discovery(state: &State, request: &Request) -> Answer {
    let url = format!("{}://{}/{TENANT}", state.scheme, request.header("host"));
    let answer = json!({
        "issuer": format!("{url}/v2.0"),
        "authorization_endpoint": format!("{url}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{url}/oauth2/v2.0/token"),
    });
    Answer::json(200, &answer)
}

fn client(state: &mut State, request: &Request) -> Answer {
    assert_eq!(request.field("grant_type"), "client_credentials");
    assert_eq!(request.field("scope"), "https://vault.azure.net/.default");
    assert_eq!(request.field("client_id"), CLIENT);
    let assertion = request.field("client_assertion");
    if !assertion.is_empty() {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(request.field("client_assertion_type"), kind);
    }
    let is_good = if let Some((header, claims)) = jwt::verify(&assertion) {
        // As the documents want it; the official client for Python still has the older form.
        let (name, hash) = match header["alg"].as_str() {
            Some("PS256") => ("x5t#S256", &digest::SHA256),
            _ => ("x5t", &digest::SHA1_FOR_LEGACY_USE_ONLY),
        };
        state.algorithms.push(header["alg"].as_str().unwrap().to_owned());
        let hash = digest::digest(hash, &state.certificate);
        // Without padding by the standard; some have it with.
        let print = header[name].as_str().unwrap().trim_end_matches('=');
        assert_eq!(print, URL_SAFE_NO_PAD.encode(hash));
        let url = format!("{}://{}{}", state.scheme, request.header("host"), request.path);
        assert_eq!((&claims["aud"], &claims["iss"]), (&json!(url), &json!(CLIENT)));
        // The official client has fractions of seconds.
        let until = std::time::Duration::from_secs_f64(claims["exp"].as_f64().unwrap());
        claims["sub"] == CLIENT && until.as_secs() > START_S
    } else {
        assertion == PROOF || request.field("client_secret") == PROOF
    };
    if is_good { token(state) } else { Answer::text(401, PROOF) }
}

fn serve(state: &mut State, request: &Request) -> Answer {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let resource = "resource=https%3A%2F%2Fvault.azure.net";
    if path == format!("/{TENANT}/oauth2/v2.0/token") {
        return client(state, request);
    }
    if path == format!("/{TENANT}/v2.0/.well-known/openid-configuration") {
        return discovery(state, request);
    }
    match path {
        "/metadata/identity/oauth2/token" => {
            assert_eq!(request.header("metadata"), "true");
            assert!(query.contains(resource), "{query}");
            token(state)
        }
        "/msi" => {
            assert!(query.contains(resource), "{query}");
            if request.header("x-identity-header") != PROOF {
                return Answer::text(400, PROOF);
            }
            token(state)
        }
        _ if request.header("authorization") != format!("Bearer {}", state.token) => {
            challenge(state, request)
        }
        _ if state.refusal.is_some() => {
            let (status, error) = state.refusal.clone().unwrap();
            Answer::json(status, &json!({ "error": error }))
        }
        "/secrets/main/" | "/secrets/main/0123456789abcdef" => {
            assert_eq!(query, "api-version=7.4");
            let id = format!("https://desk.vault.azure.net/secrets/main/{}", state.version);
            let attributes = json!({ "enabled": true, "created": 1_740_000_000 });
            Answer::json(200, &json!({ "value": state.text, "id": id, "attributes": attributes }))
        }
        _ => Answer::json(404, &json!({ "error": { "code": "SecretNotFound" } })),
    }
}

impl Azure {
    fn start() -> Self {
        let state = State::new(CERTIFICATE, "http");
        let (state, hands) = (Arc::new(Mutex::new(state)), Hands::new());
        let shared = state.clone();
        let server = Server::start(move |request| serve(&mut shared.lock().unwrap(), request));
        Self { state, server, hands }
    }

    fn open_at(&self, secret: &str, found: &[(&str, &str)]) -> Box<dyn sandpit_secrets::Source> {
        let url = self.server.url();
        let endpoint = format!("endpoint={url}");
        let mark = if secret.contains('?') { '&' } else { '?' };
        let found =
            [found, &[("AZURE_AUTHORITY_HOST", &url), ("AZURE_POD_IDENTITY_AUTHORITY_HOST", &url)]]
                .concat();
        open(&format!("azure-kv://desk/{secret}{mark}{endpoint}"), &variables(&found), &self.hands)
    }

    fn open(&self, found: &[(&str, &str)]) -> Box<dyn sandpit_secrets::Source> {
        self.open_at("main", found)
    }

    fn as_client(&self, proof: (&str, &str)) -> Box<dyn sandpit_secrets::Source> {
        self.open(&[("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), proof])
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}

#[test]
fn a_managed_identity() {
    let azure = Azure::start();
    let mut source = azure.open(&[]);
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("0123456789abcdef"));
    assert_eq!(fetched.created.unwrap().0, 1_740_000_000_000_000_000);
    assert_eq!(show(fetched), hmac(API_KEY, SECRET));
    source.fetch().unwrap();
    let tokens = || azure.state.lock().unwrap().tokens;
    assert_eq!(tokens(), 1);
    azure.hands.turn_s(800);
    source.fetch().unwrap();
    assert_eq!(tokens(), 2);
    azure.set(|state| state.token = "canary0other".to_owned());
    source.fetch().unwrap();
    assert_eq!(tokens(), 3);
    // One of several identities.
    azure.open(&[("AZURE_CLIENT_ID", CLIENT)]).fetch().unwrap();
    assert!(azure.server.paths().iter().any(|path| path.ends_with(&format!("client_id={CLIENT}"))));
    let url = format!("{}/msi", azure.server.url());
    azure.open(&[("IDENTITY_ENDPOINT", &url), ("IDENTITY_HEADER", PROOF)]).fetch().unwrap();
}

#[test]
fn a_client_s_secret() {
    let azure = Azure::start();
    azure.as_client(("AZURE_CLIENT_SECRET", PROOF)).fetch().unwrap();
    let error = failure(&mut *azure.as_client(("AZURE_CLIENT_SECRET", "canary0wrong")));
    assert!(error.contains("the client's secret has ended"), "{error}");
    let mut source = azure.open(&[
        ("AZURE_TENANT_ID", "x/../y"),
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_CLIENT_SECRET", PROOF),
    ]);
    assert!(failure(&mut *source).contains("`AZURE_TENANT_ID` has characters"));
}

#[test]
fn a_federated_token() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{PROOF}\n")).unwrap();
    azure.as_client(("AZURE_FEDERATED_TOKEN_FILE", path.to_str().unwrap())).fetch().unwrap();
    std::fs::write(&path, "canary0wrong").unwrap();
    let mut source = azure.as_client(("AZURE_FEDERATED_TOKEN_FILE", path.to_str().unwrap()));
    assert!(failure(&mut *source).contains("a federated credential"));
}

#[test]
fn a_client_s_certificate() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client");
    let write = |content: &str| {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    };
    let proof = ("AZURE_CLIENT_CERTIFICATE_PATH", path.to_str().unwrap());
    let base64 = base64::engine::general_purpose::STANDARD.encode(CERTIFICATE);
    let certificate = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    write(&format!("{}{certificate}", rsa::pem()));
    assert_eq!(show(azure.as_client(proof).fetch().unwrap()), hmac(API_KEY, SECRET));
    assert_eq!(azure.state.lock().unwrap().algorithms, ["PS256"]);
    write(&rsa::pem());
    assert!(failure(&mut *azure.as_client(proof)).contains("no certificate beside the key"));
    write(&certificate);
    assert!(failure(&mut *azure.as_client(proof)).contains("no unencrypted private key"));
}

#[test]
fn a_version_and_the_next() {
    let azure = Azure::start();
    let mut source = azure.open(&[]);
    source.fetch().unwrap();
    azure.open_at("main?version=0123456789abcdef", &[]).fetch().unwrap();
    azure.set(|state| {
        state.version = "fedcba9876543210";
        state.text = document(API_KEY, "canary0next");
    });
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("fedcba9876543210"));
    assert_eq!(show(fetched), hmac(API_KEY, "canary0next"));
}

#[test]
fn what_is_wrong_is_said() {
    let azure = Azure::start();
    let error = failure(&mut *azure.open_at("other", &[]));
    assert!(error.contains("there is no secret `other`"), "{error}");
    let inner = |code: &str| json!({ "code": "Forbidden", "innererror": { "code": code } });
    for (status, error, wanted) in [
        (403, inner("ForbiddenByRbac"), "`Key Vault Secrets User` on `main`"),
        (403, inner("ForbiddenByPolicy"), "the access policy `secrets/get`"),
        (403, inner("ForbiddenByFirewall"), "the vault's firewall"),
        (403, inner("SecretDisabled"), "is disabled"),
        (403, json!(PROOF), "`Key Vault Secrets User`"),
        (401, json!({ "code": "Unauthorized" }), "another tenant"),
        (429, json!({ "code": "Throttled" }), "asked too often"),
        (503, json!({ "code": PROOF }), "trouble of its own"),
    ] {
        azure.set(|state| state.refusal = Some((status, error)));
        let error = failure(&mut *azure.open(&[]));
        assert!(error.contains(wanted), "{error}");
    }
}

/// What Microsoft's own client does with the server of these tests, so that what it takes from ours
/// is what the service takes.
const SDK: &str = r#"
import sys
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import CertificateCredential, ClientSecretCredential
from azure.keyvault.secrets import SecretClient

url, ca, tenant, client, secret, pem = sys.argv[1:]
how = dict(authority=url, disable_instance_discovery=True, connection_verify=ca)

def of(credential):
    return SecretClient(url, credential, verify_challenge_resource=False, connection_verify=ca,
                        api_version="7.4", retry_total=0)

found = of(ClientSecretCredential(tenant, client, secret, **how)).get_secret("main")
print(found.value)
print(found.properties.version, int(found.properties.created_on.timestamp()))
proven = of(CertificateCredential(tenant, client, pem, **how))
print(proven.get_secret("main", "0123456789abcdef").value == found.value)
try:
    proven.get_secret("other")
except ResourceNotFoundError as error:
    print("missing", error.error.code)
try:
    of(ClientSecretCredential(tenant, client, "wrong", **how)).get_secret("main")
except ClientAuthenticationError:
    print("refused")
"#;

/// A certificate of the tests' RSA key.
fn certificate() -> (String, Vec<u8>) {
    let key = rcgen::KeyPair::from_pem_and_sign_algo(&rsa::pem(), &rcgen::PKCS_RSA_SHA256).unwrap();
    let made = rcgen::CertificateParams::new(vec!["sandpit".to_owned()]).unwrap();
    let made = made.self_signed(&key).unwrap();
    (made.pem(), made.der().to_vec())
}

#[test]
fn the_official_client_and_ours_agree_about_the_server() {
    let Some(python) = real::program("python") else { return };
    let (pem, der) = certificate();
    let identity = Identity::new();
    let state = Arc::new(Mutex::new(State::new(&der, "https")));
    let hands = Hands::new();
    let server =
        Server::start_tls(&identity, move |request| serve(&mut state.lock().unwrap(), request));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let ca = file("ca", &identity.authority);
    let pem = file("client.pem", &format!("{}{pem}", rsa::pem()));
    let done = std::process::Command::new(python)
        .args(["-c", SDK, &server.url(), &ca, TENANT, CLIENT, PROOF, &pem])
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let wanted = format!(
        "{}\n0123456789abcdef 1740000000\nTrue\nmissing SecretNotFound\nrefused\n",
        document(API_KEY, SECRET)
    );
    assert_eq!(String::from_utf8_lossy(&done.stdout), wanted);

    let url = server.url();
    let uri = format!("azure-kv://desk/main?endpoint={url}&ca={ca}");
    let host = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)];
    let host = [&host[..], &[("AZURE_AUTHORITY_HOST", &url)]].concat();
    for proof in [("AZURE_CLIENT_SECRET", PROOF), ("AZURE_CLIENT_CERTIFICATE_PATH", &pem)] {
        let found = variables(&[&host[..], &[proof]].concat());
        assert_eq!(show(open(&uri, &found, &hands).fetch().unwrap()), hmac(API_KEY, SECRET));
    }
    // Without the authority that was named nothing is sent.
    let asked = server.paths().len();
    let found = variables(&[&host[..], &[("AZURE_CLIENT_SECRET", PROOF)]].concat());
    let untrusted = format!("azure-kv://desk/main?endpoint={url}");
    assert!(failure(&mut *open(&untrusted, &found, &hands)).contains("is not trusted"));
    assert_eq!(server.paths().len(), asked);

    let source = open(&uri, &found, &hands);
    let port = server.port();
    lives_through(
        source,
        &hands,
        || drop(server),
        || {
            let mut state = State::new(&der, "https");
            state.version = "fedcba9876543210";
            state.text = document(API_KEY, "canary0next");
            Server::start_tls_at(port, &identity, move |request| serve(&mut state, request))
        },
    );
}
