//! AWS Secrets Manager: signatures are checked from what arrived, and every way to credentials is
//! gone.

use std::sync::{Arc, Mutex};

use ring::{digest, hmac};
use serde_json::json;

use crate::support::{
    self, API_KEY, Answer, Hands, PROOF, Request, SECRET, START_S, Server, document, failure, open,
    show, variables,
};

const KEY_ID: &str = "AKIAFAKEFAKEFAKEFAKE";
const SESSION: &str = "canary0session0token";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The signature of a request by what arrived, from another hand than the product's.
fn signature(request: &Request, secret: &str) -> String {
    let authorization = request.header("authorization").to_owned();
    let part = |name: &str| {
        let (_, rest) = authorization.split_once(&format!("{name}=")).unwrap();
        rest.split(", ").next().unwrap().to_owned()
    };
    let names = part("SignedHeaders");
    // Everything of AWS that was sent has to be signed, and the host.
    for (name, _) in &request.headers {
        let has_to = name.starts_with("x-amz-") || name == "host" || name == "content-type";
        assert_eq!(names.split(';').any(|signed| signed == name), has_to, "{name}");
    }
    let headers: String =
        names.split(';').map(|name| format!("{name}:{}\n", request.header(name))).collect();
    let canonical = format!(
        "{}\n{}\n\n{headers}\n{names}\n{}",
        request.method,
        request.path,
        sha256(&request.body)
    );
    let credential = part("Credential");
    let (_, scope) = credential.split_once('/').unwrap();
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        request.header("x-amz-date"),
        sha256(canonical.as_bytes())
    );
    let mut key = format!("AWS4{secret}").into_bytes();
    for word in scope.split('/') {
        let step = hmac::Key::new(hmac::HMAC_SHA256, &key);
        key = hmac::sign(&step, word.as_bytes()).as_ref().to_vec();
    }
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes()).as_ref())
}

fn refuse(kind: &str) -> Answer {
    // A server may repeat what it was sent: nothing of that may be shown.
    Answer::json(400, &json!({ "__type": kind, "message": format!("it was {PROOF} {SESSION}") }))
}

/// What the server has.
struct State {
    session: Option<&'static str>,
    refusal: Option<&'static str>,
    versions: Vec<(&'static str, String)>,
}

struct Aws {
    state: Arc<Mutex<State>>,
    server: Server,
    hands: Hands,
}

fn serve(state: &State, request: &Request) -> Answer {
    let credential = format!("Credential={KEY_ID}/20250601/eu-west-1/secretsmanager/aws4_request");
    let authorization = request.header("authorization");
    if !authorization.starts_with(&format!("AWS4-HMAC-SHA256 {credential}, ")) {
        return refuse("UnrecognizedClientException");
    }
    if request.header("x-amz-security-token") != state.session.unwrap_or_default() {
        return refuse("com.amazon.coral.service#ExpiredTokenException");
    }
    if !authorization.ends_with(&format!("Signature={}", signature(request, PROOF))) {
        return refuse("InvalidSignatureException");
    }
    if let Some(refusal) = state.refusal {
        return refuse(refusal);
    }
    assert_eq!(request.header("x-amz-target"), "secretsmanager.GetSecretValue");
    assert_eq!(request.header("content-type"), "application/x-amz-json-1.1");
    let body = request.json();
    if body["SecretId"] != "desk/main" {
        return refuse("ResourceNotFoundException");
    }
    let wanted = body["VersionStage"].as_str().unwrap_or("AWSCURRENT");
    let Some((_, text)) = state.versions.iter().find(|(stage, _)| *stage == wanted) else {
        return refuse("ResourceNotFoundException");
    };
    Answer::json(
        200,
        &json!({
            "SecretString": text,
            "VersionId": format!("{wanted}-00000000-0000"),
            "CreatedDate": 1_740_000_000.25,
        }),
    )
}

impl Aws {
    fn start() -> Self {
        let state = State {
            session: None,
            refusal: None,
            versions: vec![("AWSCURRENT", document(API_KEY, SECRET))],
        };
        let (state, hands) = (Arc::new(Mutex::new(state)), Hands::new());
        let shared = state.clone();
        let server = Server::start(move |request| serve(&shared.lock().unwrap(), request));
        Self { state, server, hands }
    }

    fn uri(&self, options: &str) -> String {
        format!("aws-sm://eu-west-1/desk/main?endpoint={}{options}", self.server.url())
    }

    fn open(&self, options: &str, found: &[(&str, &str)]) -> Box<dyn sandpit_secrets::Source> {
        open(&self.uri(options), &variables(found), &self.hands)
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}

const KEYS: &[(&str, &str)] = &[("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", PROOF)];

#[test]
fn keys_in_variables() {
    let aws = Aws::start();
    let fetched = aws.open("", KEYS).fetch().unwrap();
    assert_eq!(fetched.version.as_deref(), Some("AWSCURRENT-00000000-0000"));
    assert_eq!(fetched.created.unwrap().0, 1_740_000_000_000_000_000);
    assert_eq!(show(fetched), support::hmac(API_KEY, SECRET));
    aws.set(|state| state.session = Some(SESSION));
    let keys = [KEYS, &[("AWS_SESSION_TOKEN", SESSION)]].concat();
    aws.open("", &keys).fetch().unwrap();
}

#[test]
fn a_stage_and_a_new_version() {
    let aws = Aws::start();
    let mut source = aws.open("", KEYS);
    source.fetch().unwrap();
    aws.set(|state| {
        let old = state.versions[0].1.clone();
        state.versions =
            vec![("AWSCURRENT", document(API_KEY, "canary0next")), ("AWSPREVIOUS", old)];
    });
    assert_eq!(show(source.fetch().unwrap()), support::hmac(API_KEY, "canary0next"));
    let previous = aws.open("&stage=AWSPREVIOUS", KEYS).fetch().unwrap();
    assert_eq!(show(previous), support::hmac(API_KEY, SECRET));
    assert!(failure(&mut *aws.open("&stage=OTHER", KEYS)).contains("with this version"));
}

#[test]
fn what_is_wrong_is_said() {
    let aws = Aws::start();
    let wrong = [("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", "canary0wrong")];
    assert!(failure(&mut *aws.open("", &wrong)).contains("signature refused"));
    let wrong = [("AWS_ACCESS_KEY_ID", "AKIAOTHER"), ("AWS_SECRET_ACCESS_KEY", PROOF)];
    assert!(failure(&mut *aws.open("", &wrong)).contains("credentials refused"));
    let half = [("AWS_ACCESS_KEY_ID", KEY_ID)];
    assert!(failure(&mut *aws.open("", &half)).contains("`AWS_SECRET_ACCESS_KEY` is not set"));
    for (kind, wanted) in [
        ("AccessDeniedException", "needs `secretsmanager:GetSecretValue` on `desk/main`"),
        ("DecryptionFailure", "needs `kms:Decrypt`"),
        ("InvalidRequestException", "marked for deletion"),
        ("ThrottlingException", "asked too often"),
        ("RequestTimeTooSkewed", "set the clock"),
        (PROOF, "CloudTrail has the reason"),
    ] {
        aws.set(|state| state.refusal = Some(kind));
        let error = failure(&mut *aws.open("", KEYS));
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_secret_that_is_no_credential() {
    let aws = Aws::start();
    for text in ["canary", "{\"canary\":1}", "[\"canary\"]"] {
        aws.set(|state| state.versions = vec![("AWSCURRENT", text.to_owned())]);
        assert!(failure(&mut *aws.open("", KEYS)).contains("a credential is a JSON object"));
    }
}

/// Temporary keys as the platform's endpoints give them.
fn lent(until_s: u64) -> serde_json::Value {
    let until = format!("2025-06-01T0{}:{:02}:00Z", until_s / 3_600, until_s % 3_600 / 60);
    json!({
        "Code": "Success", "AccessKeyId": KEY_ID, "SecretAccessKey": PROOF, "Token": SESSION,
        "Expiration": until,
    })
}

#[test]
fn a_machine_s_metadata() {
    let aws = Aws::start();
    aws.set(|state| state.session = Some(SESSION));
    let hands = aws.hands.clone();
    let metadata = Server::start(move |request| {
        let token = request.header("x-aws-ec2-metadata-token");
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "/latest/api/token") => {
                assert!(!request.header("x-aws-ec2-metadata-token-ttl-seconds").is_empty());
                Answer::text(200, "canary0metadata0token")
            }
            _ if token != "canary0metadata0token" => Answer::text(401, ""),
            ("GET", "/latest/meta-data/iam/security-credentials/") => Answer::text(200, "role\n"),
            ("GET", "/latest/meta-data/iam/security-credentials/role") => {
                Answer::json(200, &lent(hands.now_s() - START_S + 1_800))
            }
            _ => Answer::text(404, ""),
        }
    });
    let found = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())];
    let found: Vec<_> = found.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut source = aws.open("", &found);
    for _ in 0..2 {
        assert_eq!(show(source.fetch().unwrap()), support::hmac(API_KEY, SECRET));
    }
    assert_eq!(metadata.count("PUT"), 1);
    // Five minutes before their end there are others.
    aws.hands.turn_s(1_501);
    source.fetch().unwrap();
    assert_eq!(metadata.count("PUT"), 2);
}

#[test]
fn a_container_s_endpoint() {
    let aws = Aws::start();
    aws.set(|state| state.session = Some(SESSION));
    let endpoint = Server::start(|request| {
        if request.header("authorization") == PROOF {
            Answer::json(200, &lent(3_000))
        } else {
            Answer::json(403, &json!({ "message": PROOF }))
        }
    });
    let url = format!("{}/v1/credentials", endpoint.url());
    let found = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", PROOF),
    ];
    aws.open("", &found).fetch().unwrap();
    let error = failure(&mut *aws.open("", &found[..1]));
    assert!(error.contains("the task or the pod has to have a role"), "{error}");
    // It would hand the token to whoever stands in a variable.
    let found = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.1.2.3/"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", PROOF),
    ];
    assert!(failure(&mut *aws.open("", &found)).contains("without TLS"));
}

#[test]
fn a_web_identity() {
    let aws = Aws::start();
    aws.set(|state| state.session = Some(SESSION));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "canary0identity+/=\n").unwrap();
    let sts = Server::start(|request| {
        assert_eq!(request.field("Action"), "AssumeRoleWithWebIdentity");
        assert_eq!(request.field("RoleArn"), "arn:aws:iam::1:role/sandpit");
        if request.field("WebIdentityToken") != "canary0identity+/=" {
            return Answer::text(403, "<ErrorResponse/>");
        }
        let credentials = format!(
            "<AccessKeyId>{KEY_ID}</AccessKeyId><SecretAccessKey>{PROOF}</SecretAccessKey>\
             <SessionToken>{SESSION}</SessionToken><Expiration>2025-06-01T01:00:00Z</Expiration>"
        );
        Answer::text(200, &format!("<R><Credentials>{credentials}</Credentials></R>"))
    });
    let url = sts.url();
    let found = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", path.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/sandpit"),
        ("AWS_ENDPOINT_URL_STS", url.as_str()),
    ];
    aws.open("", &found).fetch().unwrap();
    std::fs::write(&path, "canary0other").unwrap();
    assert!(failure(&mut *aws.open("", &found)).contains("trust policy"));
}

#[test]
fn the_shared_file() {
    use std::os::unix::fs::PermissionsExt;
    let aws = Aws::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let content = format!("[desk]\naws_access_key_id={KEY_ID}\naws_secret_access_key={PROOF}\n");
    std::fs::write(&path, content).unwrap();
    let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    let found = [("AWS_SHARED_CREDENTIALS_FILE", path.to_str().unwrap()), ("AWS_PROFILE", "desk")];
    set(0o600);
    aws.open("", &found).fetch().unwrap();
    set(0o644);
    assert!(failure(&mut *aws.open("", &found)).contains("chmod 600"));
}

/// A role that a profile names, with another profile's keys: the question is signed for STS.
#[test]
fn a_profile_s_role() {
    use std::os::unix::fs::PermissionsExt;
    let aws = Aws::start();
    aws.set(|state| state.session = Some(SESSION));
    let sts = Server::start(|request| {
        assert_eq!(request.field("Action"), "AssumeRole");
        assert_eq!(request.field("RoleArn"), "arn:aws:iam::1:role/sandpit");
        assert_eq!(request.field("RoleSessionName"), "desk");
        let scope = format!("Credential={KEY_ID}/20250601/eu-west-1/sts/aws4_request");
        let authorization = request.header("authorization");
        let signature = format!("Signature={}", signature(request, PROOF));
        let is_signed = authorization.contains(&scope) && authorization.ends_with(&signature);
        if !is_signed || request.field("ExternalId") != "canary0external" {
            return Answer::text(403, "<ErrorResponse/>");
        }
        let credentials = format!(
            "<AccessKeyId>{KEY_ID}</AccessKeyId><SecretAccessKey>{PROOF}</SecretAccessKey>\
             <SessionToken>{SESSION}</SessionToken><Expiration>2025-06-01T01:00:00Z</Expiration>"
        );
        Answer::text(200, &format!("<R><Credentials>{credentials}</Credentials></R>"))
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let write = |external: &str| {
        let role = "role_arn=arn:aws:iam::1:role/sandpit\nrole_session_name=desk";
        let content = format!(
            "[profile desk]\n{role}\nsource_profile=base\nexternal_id={external}\n[profile base]\n\
             aws_access_key_id={KEY_ID}\naws_secret_access_key={PROOF}\n[profile loop]\n{role}\n\
             source_profile=loop\n[profile sso]\nsso_start_url=https://x\n[profile astray]\n\
             {role}\nsource_profile=none\n"
        );
        std::fs::write(&path, content).unwrap();
    };
    let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    write("canary0external");
    set(0o600);
    let url = sts.url();
    let open = |profile: &str| {
        let found = [
            ("AWS_CONFIG_FILE", path.to_str().unwrap()),
            ("AWS_PROFILE", profile),
            ("AWS_ENDPOINT_URL_STS", url.as_str()),
        ];
        aws.open("", &found)
    };
    let mut source = open("desk");
    assert_eq!(show(source.fetch().unwrap()), support::hmac(API_KEY, SECRET));
    source.fetch().unwrap();
    assert_eq!(sts.paths().len(), 1);
    // Five minutes before its end it is assumed again.
    aws.hands.turn_s(3_301);
    source.fetch().unwrap();
    assert_eq!(sts.paths().len(), 2);
    for (profile, wanted) in [
        ("loop", "lead to each other without end"),
        ("sso", "single sign-on, which is not served"),
        ("astray", "a `source_profile` that there is not"),
        ("canary0profile", "the profile that AWS_PROFILE names is in neither"),
    ] {
        let error = failure(&mut *open(profile));
        assert!(error.contains(wanted), "{error}");
    }
    write("canary0other");
    assert!(failure(&mut *open("desk")).contains("needs `sts:AssumeRole` on it"));
    // There are keys in it.
    set(0o644);
    assert!(failure(&mut *open("desk")).contains("chmod 600"));
}

#[test]
fn nothing_at_all() {
    let aws = Aws::start();
    let error = failure(&mut *aws.open("", &[("AWS_EC2_METADATA_DISABLED", "true")]));
    assert!(error.contains("there are no AWS credentials"), "{error}");
}
