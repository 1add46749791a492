//! Values that would be seen anywhere are in every secret of every test here, and anything that is
//! logged by anybody, at whatever level, is looked through: see `support::watch`. This file has the
//! rest: what is printed, what is serialized, and that the looking through finds something.

use std::{
    fmt::{Debug, Display},
    panic,
};

use sandpit_secrets::{
    ApiKey, Care, Clock, Credential, Environment, Fetched, KeyHandle, Mask, SecretText, SigningKey,
};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    API_KEY, Answer, Hands, PROOF, SECRET, Server, failure, is_watched, open, rsa, variables,
};

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn credential() -> Credential {
    Credential::hmac(API_KEY, &text(SECRET)).unwrap()
}

fn has(shown: &str) -> bool {
    shown.contains("canary") || shown.contains(API_KEY)
}

#[test]
fn nothing_is_printed() {
    let key = SigningKey::new(credential()).unwrap();
    let ed25519 = Credential::ed25519(
        API_KEY,
        &text("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
    );
    let environment = variables(&[("SANDPIT_MAIN_LIVE_SECRET", SECRET), ("VAULT_TOKEN", PROOF)])
        .with_file("none".into(), Care::Refuse);
    let fetched = Fetched { credential: credential(), version: None, created: None, lease: None };
    for shown in [
        format!("{:?} {:#?}", text(SECRET), text(SECRET)),
        format!("{:?} {:#?}", credential(), credential()),
        format!("{ed25519:?} {ed25519:#?}"),
        format!("{key:?} {key:#?} {}", key.name()),
        format!("{:?} {:#?}", environment, environment.load().unwrap()),
        format!("{fetched:?}"),
        format!("{:?}", KeyHandle::fixed(key)),
        format!("{:?}", Some(ApiKey::new(API_KEY).unwrap())),
    ] {
        assert!(!has(&shown) && !shown.contains("9d61"), "{shown}");
    }
    // A short name would be half of itself.
    assert_eq!(ApiKey::new("canary").unwrap().to_string(), "…");
    assert_eq!(ApiKey::new(API_KEY).unwrap().to_string(), "cana…");
}

/// What a derive would do.
#[test]
fn what_prints_its_fields_is_found() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "it is printed")]
    struct Careless {
        secret: String,
    }
    assert!(has(&format!("{:?}", Careless { secret: SECRET.to_owned() })));
}

/// What the crate's own files say of every type that holds a secret, said from outside.
#[test]
fn nothing_can_be_written_shown_or_copied() {
    macro_rules! implements {
        ($type:ty: $trait:path) => {{
            #[allow(dead_code, reason = "it stands for every type")]
            trait Otherwise {
                const IMPLEMENTS: bool = false;
            }
            #[allow(dead_code, reason = "its constants are asked for")]
            struct Probe<T>(std::marker::PhantomData<T>);
            impl<T> Otherwise for Probe<T> {}
            #[allow(dead_code, reason = "it is there for types with the trait alone")]
            impl<T: $trait> Probe<T> {
                const IMPLEMENTS: bool = true;
            }
            <Probe<$type>>::IMPLEMENTS
        }};
    }
    macro_rules! check {
        ($($type:ty: $trait:path = $wanted:literal;)+) => {
            $(assert_eq!(implements!($type: $trait), $wanted, stringify!($type: $trait));)+
        };
    }
    check! {
        String: serde::Serialize = true;
        String: Display = true;
        SecretText: serde::Serialize = false;
        SecretText: Display = false;
        ApiKey: serde::Serialize = false;
        Credential: serde::Serialize = false;
        Credential: Display = false;
        Credential: Clone = false;
        SigningKey: serde::Serialize = false;
        SigningKey: Display = false;
        SigningKey: Clone = false;
        Fetched: serde::Serialize = false;
        Fetched: Clone = false;
        Environment: serde::Serialize = false;
        Environment: Display = false;
        Mask: Debug = false;
        Box<dyn sandpit_secrets::Source>: Debug = false;
    }
}

/// One canary for each thing that is secret, all different.
fn canary(of: &str) -> String {
    format!("canary0{of}0{}", of.len())
}

/// A place for what a file holds.
fn file(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Where a key is, and what the host proves itself with there.
type Way = (String, Vec<(&'static str, String)>);

fn vault_ways(host: &str, token: &str) -> Vec<Way> {
    let uri = |options: &str| format!("vault://{host}/secret/desk?tls=off{options}");
    let role = |secret: &str| {
        vec![("VAULT_ROLE_ID", canary("roleid")), ("VAULT_SECRET_ID", canary(secret))]
    };
    vec![
        (uri(""), vec![("VAULT_TOKEN", canary("vaulttoken"))]),
        (uri("&auth=wrapped-token"), vec![("VAULT_TOKEN", canary("wrapping"))]),
        (uri("&auth=approle"), role("secretid")),
        (uri("&auth=wrapped-approle"), role("wrapped")),
        (uri("&auth=kubernetes&role=r"), vec![("SANDPIT_KUBERNETES_TOKEN_FILE", token.to_owned())]),
        (uri("&engine=leased"), vec![("VAULT_TOKEN", canary("leasetoken"))]),
    ]
}

fn aws_ways(url: &str, folder: &TempDir, token: &str) -> Vec<Way> {
    let keys = format!(
        "[default]\naws_access_key_id={}\naws_secret_access_key={}\naws_session_token={}\n",
        canary("sharedid"),
        canary("sharedsecret"),
        canary("sharedsession")
    );
    let role = "[profile role]\nrole_arn=r\nsource_profile=default\nexternal_id=";
    let shared = ("AWS_SHARED_CREDENTIALS_FILE", file(folder, "shared", &keys));
    let config = file(folder, "config", &format!("{role}{}\n", canary("external")));
    let sts = ("AWS_ENDPOINT_URL_STS", url.to_owned());
    let ways = [
        vec![
            ("AWS_ACCESS_KEY_ID", canary("keyid")),
            ("AWS_SECRET_ACCESS_KEY", canary("accesskey")),
            ("AWS_SESSION_TOKEN", canary("session")),
        ],
        vec![shared.clone()],
        vec![shared, ("AWS_CONFIG_FILE", config), ("AWS_PROFILE", "role".to_owned()), sts.clone()],
        vec![
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_owned()),
            ("AWS_ROLE_ARN", "r".to_owned()),
            sts,
        ],
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/c")),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", canary("container")),
        ],
        vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.to_owned())],
    ];
    ways.into_iter().map(|found| (format!("aws-sm://r/a?endpoint={url}"), found)).collect()
}

fn google_ways(url: &str, host: &str, folder: &TempDir) -> Vec<Way> {
    let account = json!({
        "type": "service_account", "client_email": "a@b", "private_key_id": canary("keyid"),
        "private_key": rsa::pem(), "token_uri": format!("{url}/token"),
    });
    let source = json!({ "url": format!("{url}/subject"), "headers": { "h": canary("header") } });
    let external = json!({
        "type": "external_account", "audience": "a", "subject_token_type": "t",
        "token_url": format!("{url}/sts"), "credential_source": source,
    });
    let named = |name: &str, content: serde_json::Value| {
        vec![("GOOGLE_APPLICATION_CREDENTIALS", file(folder, name, &content.to_string()))]
    };
    let ways = [
        vec![("GCE_METADATA_HOST", host.to_owned())],
        named("account", account),
        named("external", external),
    ];
    ways.into_iter().map(|found| (format!("gcp-sm://p/a?endpoint={url}"), found)).collect()
}

fn azure_ways(url: &str, folder: &TempDir, token: &str) -> Vec<Way> {
    let certificate = format!(
        "{}-----BEGIN CERTIFICATE-----\nY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n",
        rsa::pem()
    );
    let certificate = file(folder, "certificate", &certificate);
    let client = |proof: (&'static str, String)| {
        vec![
            ("AZURE_TENANT_ID", "t".to_owned()),
            ("AZURE_CLIENT_ID", "c".to_owned()),
            ("AZURE_AUTHORITY_HOST", url.to_owned()),
            proof,
        ]
    };
    let ways = [
        client(("AZURE_CLIENT_SECRET", canary("clientsecret"))),
        client(("AZURE_FEDERATED_TOKEN_FILE", token.to_owned())),
        client(("AZURE_CLIENT_CERTIFICATE_PATH", certificate)),
        vec![("IDENTITY_ENDPOINT", format!("{url}/m")), ("IDENTITY_HEADER", canary("identity"))],
        vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", url.to_owned())],
    ];
    ways.into_iter().map(|found| (format!("azure-kv://v/a?endpoint={url}"), found)).collect()
}

/// Every way to every manager.
fn ways(url: &str, host: &str, folder: &TempDir) -> Vec<Way> {
    let token = file(folder, "token", &canary("platform"));
    [
        vault_ways(host, &token),
        aws_ways(url, folder, &token),
        google_ways(url, host, folder),
        azure_ways(url, folder, &token),
    ]
    .concat()
}

/// A server that says back all it was sent, in every kind of answer; and one that gives out tokens
/// first, so that what follows is asked with them. Neither gets a word of it into an error, into what
/// a programmer sees of one, into a panic's message, or into the log.
#[test]
fn a_server_that_repeats_everything_teaches_nothing() {
    for gives_tokens in [false, true] {
        for status in [200, 400, 401, 403, 404] {
            let server = Server::start(move |request| {
                let said = format!("{request:?} {}", String::from_utf8_lossy(&request.body));
                let is_first = !request.path.contains("/secret") && !request.path.contains("/v1/p");
                let is_aws_read = !request.header("x-amz-target").is_empty();
                if gives_tokens && is_first && !is_aws_read {
                    return everything(&said);
                }
                Answer::text(status, &said)
            });
            let folder = tempfile::tempdir().unwrap();
            for (uri, found) in ways(&server.url(), &server.host(), &folder) {
                let found: Vec<_> =
                    found.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let hands = Hands::new();
                let environment = variables(&found);
                let words = failure(&mut *open(&uri, &environment, &hands));
                assert!(!words.contains("PRIVATE KEY") && !words.contains("MIIE"), "{words}");
                let again = panic::catch_unwind(|| {
                    let mut source = open(&uri, &environment, &hands);
                    drop(source.fetch().unwrap());
                });
                let message = again.unwrap_err();
                let message = message.downcast_ref::<String>().unwrap();
                assert!(!has(message), "{message}");
            }
        }
    }
}

/// An answer to every question for a token or for keys.
fn everything(said: &str) -> Answer {
    let lease = json!({ "client_token": canary("issued"), "lease_duration": 60 });
    let xml = format!(
        "<AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}\
         </SessionToken><Expiration>2025-06-01T01:00:00Z</Expiration>",
        canary("stsid"),
        canary("stssecret"),
        canary("stssession")
    );
    let answer = json!({
        "auth": lease, "data": { "ttl": 60, "secret_id": canary("unwrapped") },
        "access_token": canary("access"), "expires_in": 60,
        "AccessKeyId": canary("lentid"), "SecretAccessKey": canary("lentsecret"),
        "Token": canary("lenttoken"), "said": said, "xml": xml,
    });
    Answer::json(200, &answer)
}

/// Whoever unwraps an error prints it.
#[test]
fn panics_say_nothing() {
    let uri = "env://main/live".parse().unwrap();
    for variables in [
        variables(&[("SANDPIT_MAIN_LIVE_API_KEY", "canary with spaces")]),
        variables(&[
            ("SANDPIT_MAIN_LIVE_API_KEY", "canary with spaces"),
            ("SANDPIT_MAIN_LIVE_SECRET", SECRET),
        ]),
        variables(&[
            ("SANDPIT_MAIN_LIVE_API_KEY", API_KEY),
            ("SANDPIT_MAIN_LIVE_PRIVATE_KEY", PROOF),
        ]),
    ] {
        let outcome = panic::catch_unwind(|| {
            let mut source =
                sandpit_secrets::source::open(&uri, &variables, Clock::system()).unwrap();
            drop(source.fetch().unwrap());
        });
        let message = outcome.unwrap_err();
        let message = message.downcast_ref::<String>().unwrap();
        assert!(!has(message), "{message}");
    }
}

#[test]
fn what_is_logged_is_looked_through() {
    let _ = Hands::new();
    assert!(is_watched(|| tracing::trace!(value = SECRET, "careless")));
    assert!(is_watched(|| tracing::error!("careless {PROOF}")));
    assert!(!is_watched(|| tracing::trace!("careful {:?}", text(SECRET))));
}
