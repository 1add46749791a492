//! moto, which stands in for AWS, and checks signatures and permissions as AWS does.

use std::{os::unix::fs::PermissionsExt, process::Command};

use sandpit_secrets::{Clock, Source};
use serde_json::json;

use crate::support::{
    self, API_KEY, Hands, PROOF, SECRET, document, failure, hmac, lives_through, real, real::Real,
    show, variables,
};

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

/// `unchecked` questions are answered before it begins to check who asks.
fn start(port: u16, unchecked: Option<&str>) -> Option<Real> {
    let mut command = Command::new(real::program("moto_server")?);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    if let Some(unchecked) = unchecked {
        command.env("INITIAL_NO_AUTH_ACTION_COUNT", unchecked);
    }
    Some(Real::start(&mut command, port))
}

/// The name of a version.
fn token(at: u8) -> String {
    format!("00000000-0000-0000-0000-00000000000{at}")
}

#[test]
fn signatures_of_aws() {
    // Those of the users below.
    let Some(server) = start(real::port(), Some("7")) else { return };
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

fn create(server: &Real, secret: &str) {
    let text = document(API_KEY, secret);
    let body = json!({ "Name": "desk/main", "SecretString": text, "ClientRequestToken": token(1) });
    moto_ask(server, "secretsmanager", "secretsmanager.CreateSecret", &body.to_string());
}

/// Of a server that does not check who asks.
fn open(server: &str, found: &[(&str, &str)], hands: &Hands) -> Box<dyn Source> {
    let url = format!("http://{server}");
    let endpoints =
        [("AWS_ENDPOINT_URL_SECRETS_MANAGER", url.as_str()), ("AWS_ENDPOINT_URL_STS", &url)];
    let found = variables(&[found, &endpoints[..]].concat());
    support::open("aws-sm://us-east-1/desk/main", &found, hands)
}

#[test]
fn it_goes_away_and_comes_back() {
    let port = real::port();
    let Some(server) = start(port, None) else { return };
    create(&server, SECRET);
    let hands = Hands::new();
    let keys = [("AWS_ACCESS_KEY_ID", "canary0id"), ("AWS_SECRET_ACCESS_KEY", PROOF)];
    let source = open(&server.host(), &keys, &hands);
    let again = || {
        let server = start(port, None).unwrap();
        create(&server, "canary0next");
        server
    };
    lives_through(source, &hands, || drop(server), again);
}

/// Roles, as the real STS words its answers: with a web identity, and with a profile's keys.
#[test]
fn roles_are_assumed_and_again_when_they_end() {
    let Some(server) = start(real::port(), None) else { return };
    create(&server, SECRET);
    let hands = Hands::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let identity = file("token", "canary0identity");
    let role = "arn:aws:iam::123456789012:role/sandpit";
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", identity.as_str()), ("AWS_ROLE_ARN", role)];
    let keys = format!("aws_access_key_id = canary0id\naws_secret_access_key = {PROOF}\n");
    let credentials = file("credentials", &format!("[base]\n{keys}"));
    let config = format!("[profile desk]\nrole_arn = {role}\nsource_profile = base\n");
    let config = file("config", &config);
    let profile = [
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
        ("AWS_CONFIG_FILE", &config),
        ("AWS_PROFILE", "desk"),
    ];
    for found in [&web[..], &profile[..]] {
        let mut source = open(&server.host(), found, &hands);
        assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
        // The clock of this test is behind the server's by years; its roles have not ended then.
        hands.turn_s(40 * 365 * 86_400);
        assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    }
}
