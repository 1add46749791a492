//! Whom the clients talk to: a certificate has to be good, and nothing is sent without one.

use std::{net::TcpListener, time::Instant};

use serde_json::json;

use crate::support::{
    API_KEY, Answer, Hands, Identity, PROOF, SECRET, Server, fails, failure, hmac, open, show,
    variables,
};

fn vault(identity: &Identity) -> Server {
    Server::start_tls(identity, |request| {
        if request.path.ends_with("lookup-self") {
            return Answer::json(200, &json!({ "data": { "ttl": 0 } }));
        }
        let data = json!({ "api_key": API_KEY, "secret": SECRET });
        let metadata = json!({ "created_time": "2025-01-01T00:00:00Z", "version": 1 });
        Answer::json(200, &json!({ "data": { "data": data, "metadata": metadata } }))
    })
}

fn source(host: &str, options: &str) -> Box<dyn sandpit_secrets::Source> {
    let uri = format!("vault://{host}/secret/desk/main{options}");
    open(&uri, &variables(&[("VAULT_TOKEN", PROOF)]), &Hands::new())
}

#[test]
fn only_a_trusted_certificate_is_talked_to() {
    let (ours, other) = (Identity::new(), Identity::new());
    let server = vault(&ours);
    let folder = tempfile::tempdir().unwrap();
    let file = |identity: &Identity, name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, &identity.authority).unwrap();
        format!("?ca={}", path.display())
    };
    let (ours, other) = (file(&ours, "ours"), file(&other, "other"));
    assert_eq!(show(source(&server.host(), &ours).fetch().unwrap()), hmac(API_KEY, SECRET));
    let asked = server.paths().len();
    // Of an authority that is not the one that was named, or none that this machine knows.
    for options in [other.as_str(), ""] {
        let error = failure(&mut *source(&server.host(), options));
        assert!(error.contains("is not trusted"), "{error}");
    }
    // For another name than it is made for.
    let port = server.host().split_once(':').unwrap().1.to_owned();
    let error = failure(&mut *source(&format!("localhost:{port}"), &ours));
    assert!(error.contains("is not trusted"), "{error}");
    assert_eq!(server.paths().len(), asked, "something was sent to a server that is not trusted");
}

/// Every manager, and whoever gives tokens for it.
#[test]
fn no_manager_is_asked_that_is_not_trusted() {
    let (identity, other) = (Identity::new(), Identity::new());
    let server = Server::start_tls(&identity, |_| Answer::text(200, ""));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    std::fs::write(&path, other.authority).unwrap();
    let url = server.url();
    let aws = [("AWS_ACCESS_KEY_ID", "canary"), ("AWS_SECRET_ACCESS_KEY", PROOF)];
    let azure = [
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_CLIENT_SECRET", PROOF),
        ("AZURE_AUTHORITY_HOST", &url),
    ];
    let metadata = Server::start(|_| {
        Answer::json(200, &json!({ "access_token": "canary0token", "expires_in": 60 }))
    });
    let google = [("GCE_METADATA_HOST", &*metadata.host())];
    for (uri, found) in [
        (format!("aws-sm://r/a?endpoint={url}"), &aws[..]),
        (format!("gcp-sm://p/a?endpoint={url}"), &google[..]),
        (format!("azure-kv://v/a?endpoint={url}"), &azure[..]),
        (format!("vault://{}/secret/a?", server.host()), &[("VAULT_TOKEN", PROOF)][..]),
    ] {
        for uri in [uri.trim_end_matches('?').to_owned(), format!("{uri}&ca={}", path.display())] {
            let uri = uri.replace("?&", "?");
            let error = failure(&mut *open(&uri, &variables(found), &Hands::new()));
            assert!(error.contains("is not trusted"), "{uri}: {error}");
        }
    }
    assert!(server.paths().is_empty(), "something was sent");
}

#[test]
fn authorities_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    let open = || {
        let uri = format!("vault://127.0.0.1:1/secret/a?ca={}", path.display()).parse().unwrap();
        let error = sandpit_secrets::source::open(&uri, &variables(&[]), Hands::new().clock());
        crate::support::chain(&error.err().unwrap())
    };
    assert!(open().contains("cannot be read"));
    std::fs::write(&path, "nothing").unwrap();
    assert!(open().contains("is no certificate"));
}

#[test]
fn plain_text_where_tls_is_wanted_and_the_other_way_round() {
    let plain = Server::start(|_| Answer::text(200, ""));
    assert!(failure(&mut *source(&plain.host(), "")).contains("no answer from"));
    assert!(plain.paths().iter().all(|path| !path.contains("/v1/")));
    let error = failure(&mut *source("vault.example.invalid:8200", "?tls=off"));
    assert!(error.contains("without TLS, which is allowed on this machine only"), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_a_matter_of_time() {
    let host = Server::start(|_| Answer::text(200, "")).host();
    let error = fails(&mut *source(&host, "?tls=off"));
    assert!(error.is_temporary());
    assert!(crate::support::chain(&error).contains(&format!("no answer from {host}")));
}

/// It takes the connection, and that is all. What can be asked once only is not asked again.
#[test]
fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    let begun = Instant::now();
    let error = fails(&mut *source(&host.to_string(), "?tls=off&auth=wrapped-token"));
    let waited = begun.elapsed();
    assert!(error.is_temporary());
    assert!(crate::support::chain(&error).contains(&format!("no answer from {host}")));
    assert!((14..40).contains(&waited.as_secs()), "given up after {waited:?}");
}

#[test]
fn redirects_are_not_followed() {
    let other = Server::start(|_| Answer::text(200, "{}"));
    let url = other.url();
    let server = Server::start(move |_| Answer {
        status: 307,
        headers: format!("location: {url}/\r\n"),
        body: Vec::new(),
    });
    assert!(failure(&mut *source(&server.host(), "?tls=off")).contains("307, refused"));
    assert!(other.paths().is_empty());
}
