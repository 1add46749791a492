//! Over TLS, with a certificate made for the test; and what is refused without it.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sandpit_admin::{AdminError, HttpOptions, HttpServer, Role, TlsFiles, Tokens};

use crate::{
    client::{connect, parse, raw, request},
    fake::FakeSession,
};

#[test]
fn another_address_wants_tls() {
    for (listen, is_taken) in [
        ("127.0.0.1:0", true),
        ("127.9.9.9:0", true),
        ("[::1]:0", true),
        ("0.0.0.0:0", false),
        ("[::]:0", false),
        ("192.0.2.1:8930", false),
        ("[::ffff:192.0.2.1]:8930", false),
    ] {
        let listen = listen.parse().unwrap();
        let tokens = "tokens.json".into();
        let options = HttpOptions { listen, tls: None, tokens, hosts: Vec::new() };
        let checked = options.check();
        assert_eq!(checked.is_ok(), is_taken, "{listen}");
        if !is_taken {
            assert!(matches!(checked, Err(AdminError::NotLoopback { .. })));
            let session = FakeSession::begin(Duration::from_secs(3_600));
            let opened = HttpServer::open(&options, session.queue.clone(), session.records());
            assert!(opened.is_err(), "{listen}");
        }
    }
}

#[test]
fn with_tls_what_is_said_is_secret() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["trading.example.org".to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: folder.path().join("server.crt"),
        key: folder.path().join("server.secret"),
    };
    fs::write(&files.certificate, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644)).unwrap();
    let tokens = folder.path().join("tokens.json");
    let mut all = Tokens::default();
    let token = all.add("ada", Role::Operator, 0, None).unwrap();
    all.write(&tokens).unwrap();
    let session = FakeSession::begin(Duration::from_secs(3_600));
    let options = HttpOptions {
        listen: "0.0.0.0:0".parse().unwrap(),
        tls: Some(files.clone()),
        tokens,
        hosts: vec!["trading.example.org".to_owned()],
    };
    let open = || HttpServer::open(&options, session.queue.clone(), session.records());
    let error = open().unwrap_err().to_string();
    assert!(error.contains("others may read it"), "{error}");
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
    let server = open().unwrap();
    let port = server.address().port();
    let address = format!("127.0.0.1:{port}").parse().unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "trading.example.org".try_into().unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(client, connect(address));
    let (host, bearer) =
        (format!("trading.example.org:{port}"), format!("Bearer {}", token.show()));
    let origin = format!("https://{host}");
    let headers =
        [("Host", host.as_str()), ("Origin", origin.as_str()), ("Authorization", bearer.as_str())];
    stream.write_all(&request("GET", "/api/v1/status", &headers, None)).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let reply = parse(&bytes).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    let origin = format!("http://{host}");
    let plain = [("Host", host.as_str()), ("Authorization", bearer.as_str()), ("Origin", &origin)];
    let clear = raw(address, &request("GET", "/api/v1/status", &plain, None));
    assert!(clear.is_none_or(|reply| reply.status != 200), "nothing is served in the clear");
}
