//! OpenBao, which HashiCorp's Vault was when it was free software: the same API.

use std::{path::Path, process::Command};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sandpit_secrets::Source;
use serde_json::{Value, json};

use crate::support::{
    self, API_KEY, Answer, Hands, Identity, PROOF, SECRET, Server, fails, failure, hmac,
    lives_through, real, real::Real, show, variables,
};

const ROOT: &[(&str, &str)] = &[("x-vault-token", PROOF)];

fn start(program: &Path, port: u16) -> Real {
    let mut command = Command::new(program);
    command
        .args(["server", "-dev", "-dev-no-store-token"])
        .arg(format!("-dev-root-token-id={PROOF}"))
        .arg(format!("-dev-listen-address=127.0.0.1:{port}"));
    let server = Real::start(&mut command, port);
    // The engine is mounted a moment after it listens.
    while server.ask("GET /v1/secret/config", ROOT, "").0 != 200 {
        std::thread::yield_now();
    }
    server
}

fn bao() -> Option<Real> {
    let server = start(&real::program("bao")?, real::port());
    let put = |path: &str, body: &Value| server.json(&format!("POST /v1/{path}"), ROOT, body);
    let key = json!({ "data": { "api_key": API_KEY, "secret": SECRET } });
    put("secret/data/desk/main", &key);
    put("secret/data/desk/other", &key);
    let policy = "path \"secret/data/desk/main\" { capabilities = [\"read\"] }";
    put("sys/policies/acl/reader", &json!({ "policy": policy }));
    put("sys/auth/approle", &json!({ "type": "approle" }));
    let role = json!({ "token_policies": "reader", "token_ttl": "1h", "secret_id_num_uses": 0 });
    put("auth/approle/role/sandpit", &role);
    Some(server)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn open_bao() {
    let Some(server) = bao() else { return };
    let hands = Hands::new();
    let uri =
        |path: &str, options: &str| format!("vault://{}/{path}?tls=off{options}", server.host());
    let root = variables(&[("VAULT_TOKEN", PROOF)]);
    let mut newest = support::open(&uri("secret/desk/main", ""), &root, &hands);
    let fetched = newest.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("1"));
    assert!(fetched.created.is_some());
    assert_eq!(show(fetched), hmac(API_KEY, SECRET));
    assert!(failure(&mut *support::open(&uri("secret/none", ""), &root, &hands)).contains("404"));
    assert!(
        failure(&mut *support::open(&uri("none/none", ""), &root, &hands)).contains("cannot read")
    );
    let wrong = variables(&[("VAULT_TOKEN", "canary0wrong")]);
    let error = failure(&mut *support::open(&uri("secret/desk/main", ""), &wrong, &hands));
    assert!(error.contains("VAULT_TOKEN has ended, was revoked"), "{error}");

    let role = server.json("GET /v1/auth/approle/role/sandpit/role-id", ROOT, &Value::Null);
    let role_id = text(&role["data"]["role_id"]);
    let path = "POST /v1/auth/approle/role/sandpit/secret-id";
    let secret_id = text(&server.json(path, ROOT, &Value::Null)["data"]["secret_id"]);
    let role = variables(&[("VAULT_ROLE_ID", &role_id), ("VAULT_SECRET_ID", &secret_id)]);
    let mut source = support::open(&uri("secret/desk/main", "&auth=approle"), &role, &hands);
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    let mut other = support::open(&uri("secret/desk/other", "&auth=approle"), &role, &hands);
    let error = failure(&mut *other);
    assert!(error.contains("the capability `read` on `secret/data/desk/other`"), "{error}");

    // A fifth of its token's life is left: it is renewed, and not another one made.
    let accessors = || {
        let list = server.json("LIST /v1/auth/token/accessors", ROOT, &Value::Null);
        list["data"]["keys"].as_array().unwrap().clone()
    };
    let renewed = || {
        let of = |accessor: Value| {
            let body = json!({ "accessor": accessor });
            server.json("POST /v1/auth/token/lookup-accessor", ROOT, &body)["data"].clone()
        };
        let found = accessors().into_iter().map(of).filter(|data| data["last_renewal"].is_string());
        found.count()
    };
    let before = accessors().len();
    assert_eq!(renewed(), 0);
    hands.turn_s(3_000);
    source.fetch().unwrap();
    assert_eq!((accessors().len(), renewed()), (before, 1));

    // Its token is revoked, and there is a new version.
    server.json("POST /v1/sys/leases/revoke-prefix/auth/approle", ROOT, &json!({ "sync": true }));
    let next = json!({ "data": { "api_key": API_KEY, "secret": "canary0next" } });
    server.json("POST /v1/secret/data/desk/main", ROOT, &next);
    let fetched = source.fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("2"));
    assert_eq!(show(fetched), hmac(API_KEY, "canary0next"));
    server.json("POST /v1/secret/delete/desk/main", ROOT, &json!({ "versions": [2] }));
    assert!(failure(&mut *newest).contains("this version was deleted"));

    let wrap = [ROOT[0], ("x-vault-wrap-ttl", "60")];
    let wrapped = text(&server.json(path, &wrap, &Value::Null)["wrap_info"]["token"]);
    let role = variables(&[("VAULT_ROLE_ID", &role_id), ("VAULT_SECRET_ID", &wrapped)]);
    let uri = uri("secret/desk/main", "&auth=wrapped-approle&version=1");
    let mut source = support::open(&uri, &role, &hands);
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    let error = failure(&mut *support::open(&uri, &role, &hands));
    assert!(error.contains("somebody else has what was in it"), "{error}");

    // It goes away; what is logged in finds that out, and it is a matter of time.
    drop(server);
    assert!(fails(&mut *source).is_temporary());
}

#[test]
fn it_goes_away_and_comes_back() {
    let Some(server) = bao() else { return };
    let hands = Hands::new();
    let host = server.host();
    let uri = format!("vault://{host}/secret/desk/main?tls=off");
    let source = support::open(&uri, &variables(&[("VAULT_TOKEN", PROOF)]), &hands);
    let port = host.rsplit_once(':').unwrap().1.parse().unwrap();
    let again = || {
        let server = start(&real::program("bao").unwrap(), port);
        let key = json!({ "data": { "api_key": API_KEY, "secret": "canary0next" } });
        server.json("POST /v1/secret/data/desk/main", ROOT, &key);
        server
    };
    lives_through(source, &hands, || drop(server), again);
}

/// Nothing is sent to a server whose certificate is not signed by whom the operator named.
#[test]
fn over_tls() {
    let Some(program) = real::program("bao") else { return };
    let (folder, port) = (tempfile::tempdir().unwrap(), real::port());
    let mut command = Command::new(&program);
    command
        .args(["server", "-dev", "-dev-no-store-token", "-dev-tls"])
        .arg(format!("-dev-tls-cert-dir={}", folder.path().display()))
        .arg(format!("-dev-root-token-id={PROOF}"))
        .arg(format!("-dev-listen-address=127.0.0.1:{port}"));
    let server = Real::start(&mut command, port);
    let ca = folder.path().join("vault-ca.pem");
    let put = || {
        let mut command = Command::new(&program);
        command
            .args(["kv", "put", "-mount=secret", "desk/main"])
            .args([format!("api_key={API_KEY}"), format!("secret={SECRET}")])
            .env("BAO_ADDR", format!("https://{}", server.host()))
            .env("BAO_CACERT", &ca)
            .env("BAO_TOKEN", PROOF);
        command.output().unwrap().status.success()
    };
    while !put() {
        std::thread::yield_now();
    }
    let open = |options: &str| -> Box<dyn Source> {
        let uri = format!("vault://{}/secret/desk/main{options}", server.host());
        support::open(&uri, &variables(&[("VAULT_TOKEN", PROOF)]), &Hands::new())
    };
    let ours = format!("?ca={}", ca.display());
    assert_eq!(show(open(&ours).fetch().unwrap()), hmac(API_KEY, SECRET));
    let other = folder.path().join("other.pem");
    std::fs::write(&other, Identity::new().authority).unwrap();
    for options in ["", &format!("?ca={}", other.display())] {
        let error = failure(&mut *open(options));
        assert!(error.contains("is not trusted"), "{error}");
    }
}

/// The token of a pod's service account, as a cluster signs it.
fn pod_token() -> String {
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let pod = json!({
        "namespace": "desk", "serviceaccount": { "name": "sandpit", "uid": "0-canary" },
    });
    let claims = json!({
        "iss": "https://kubernetes.default.svc", "kubernetes.io": pod,
        "iat": 1_700_000_000u64, "nbf": 1_700_000_000u64, "exp": 4_000_000_000u64,
        "sub": "system:serviceaccount:desk:sandpit",
    });
    format!("{}.{}.Y2FuYXJ5", encode(json!({ "alg": "RS256" })), encode(claims))
}

/// OpenBao asks the cluster whose token it is; the cluster is a server of this test.
#[test]
fn a_pod_s_identity() {
    let Some(server) = bao() else { return };
    let hands = Hands::new();
    let token = pod_token();
    let known = token.clone();
    let identity = Identity::new();
    let cluster = Server::start_tls(&identity, move |request| {
        assert_eq!(request.path, "/apis/authentication.k8s.io/v1/tokenreviews");
        let is_known = request.json()["spec"]["token"] == known.as_str();
        let user = json!({ "username": "system:serviceaccount:desk:sandpit", "uid": "0-canary" });
        let status = json!({ "authenticated": is_known, "user": user });
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status,
        });
        Answer::json(201, &review)
    });
    let put = |path: &str, body: &Value| server.json(&format!("POST /v1/{path}"), ROOT, body);
    put("sys/auth/kubernetes", &json!({ "type": "kubernetes" }));
    let config = json!({
        "kubernetes_host": cluster.url(), "token_reviewer_jwt": pod_token(),
        "kubernetes_ca_cert": identity.authority, "disable_local_ca_jwt": true,
    });
    put("auth/kubernetes/config", &config);
    let role = json!({
        "bound_service_account_names": "sandpit", "bound_service_account_namespaces": "desk",
        "token_policies": "reader", "token_ttl": "1h",
    });
    put("auth/kubernetes/role/sandpit", &role);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, &token).unwrap();
    let found = variables(&[("SANDPIT_KUBERNETES_TOKEN_FILE", path.to_str().unwrap())]);
    let open = |role: &str| {
        let options = format!("tls=off&auth=kubernetes&role={role}");
        let uri = format!("vault://{}/secret/desk/main?{options}", server.host());
        support::open(&uri, &found, &hands)
    };
    assert_eq!(show(open("sandpit").fetch().unwrap()), hmac(API_KEY, SECRET));
    assert!(failure(&mut *open("other")).contains("name this service account"));
    std::fs::write(&path, token.replace("Y2Fu", "Y2Fx")).unwrap();
    assert!(failure(&mut *open("sandpit")).contains("login refused"));
}
