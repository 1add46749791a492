//! Keys in variables and in files.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use sandpit_secrets::{Care, Environment};

use crate::support::{API_KEY, Hands, SECRET, document, failure, hmac, open, show, variables};

fn write(path: &Path, content: &str, mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn variables_of_an_account_and_a_mode() {
    let environment = variables(&[
        ("SANDPIT_DESK_A_TESTNET_API_KEY", API_KEY),
        ("SANDPIT_DESK_A_TESTNET_SECRET", SECRET),
        ("SANDPIT_DESK_A_LIVE_API_KEY", API_KEY),
    ]);
    let fetch = |uri: &str| open(uri, &environment, &Hands::new()).fetch();
    assert_eq!(show(fetch("env://desk-a/testnet").unwrap()), hmac(API_KEY, SECRET));
    let fails = |uri: &str| failure(&mut *open(uri, &environment, &Hands::new()));
    assert!(fails("env://desk-a/live").contains("`SANDPIT_DESK_A_LIVE_SECRET` is not set"));
    let error = fails("env://desk-a/testnet/read");
    assert!(error.contains("`SANDPIT_DESK_A_TESTNET_READ_API_KEY` is not set"), "{error}");
}

#[test]
fn a_changed_file_counts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    let content = |secret: &str| {
        format!("SANDPIT_MAIN_LIVE_API_KEY={API_KEY}\nSANDPIT_MAIN_LIVE_SECRET='{secret}'\n")
    };
    write(&path, &content(SECRET), 0o600);
    let environment = Environment::default().with_file(path.clone(), Care::Refuse);
    let mut source = open("env://main/live", &environment, &Hands::new());
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    write(&path, &content("canary$next"), 0o600);
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, "canary$next"));
    write(&path, &content(SECRET), 0o644);
    assert!(failure(&mut *source).contains("chmod 600"));
}

#[test]
fn a_private_key_in_a_file_beside_it() {
    // RFC 8032, section 7.1, first test.
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write(&path, seed, 0o600);
    let mut found = vec![
        ("SANDPIT_MAIN_LIVE_API_KEY", API_KEY),
        ("SANDPIT_MAIN_LIVE_PRIVATE_KEY_FILE", path.to_str().unwrap()),
    ];
    let mut source = open("env://main/live", &variables(&found), &Hands::new());
    assert_eq!(show(source.fetch().unwrap()).1.len(), 88);
    write(&path, seed, 0o640);
    assert!(failure(&mut *source).contains("chmod 600"));
    found.push(("SANDPIT_MAIN_LIVE_SECRET", SECRET));
    write(&path, seed, 0o600);
    let mut source = open("env://main/live", &variables(&found), &Hands::new());
    assert!(failure(&mut *source).contains("not both"));
}

#[test]
fn a_document_and_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main");
    let uri = format!("file://{}", path.display());
    let mut source = open(&uri, &variables(&[]), &Hands::new());
    assert!(failure(&mut *source).contains("cannot read `"));
    write(&path, &document(API_KEY, SECRET), 0o600);
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    write(&path, &document(API_KEY, SECRET), 0o444);
    assert!(failure(&mut *source).contains("chmod 600"));
    let mut shared = open(&format!("{uri}?others=allowed"), &variables(&[]), &Hands::new());
    assert_eq!(show(shared.fetch().unwrap()), hmac(API_KEY, SECRET));

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    write(&path.join("api_key"), &format!("{API_KEY}\n"), 0o600);
    assert!(failure(&mut *source).contains("either a `secret`"));
    write(&path.join("secret"), &format!("{SECRET}\n"), 0o600);
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    fs::write(path.join("secret"), [0xff, 0xfe]).unwrap();
    assert!(failure(&mut *source).contains("not text in UTF-8"));
}
