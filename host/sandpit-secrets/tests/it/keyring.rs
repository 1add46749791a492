//! Keys in the keyring of the operating system: the kernel's own, of this machine.

use sandpit_secrets::{Clock, Credential, KeyKind, KeyUri, SecretText, SourceError, source};

use crate::support::{
    API_KEY, Hands, SECRET, chain, document, failure, hmac, open, show, variables,
};

/// Where the key is that a process of its own is to read.
const PUT: &str = "SANDPIT_TEST_PUT";

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

/// A name that no other test and no other run has.
fn uri(name: &str) -> KeyUri {
    format!("keyring://sandpit-test-{}/{name}", std::process::id()).parse().unwrap()
}

/// Whether there is a keyring. Where containers forbid it that is said.
fn is_there() -> bool {
    let probe = uri("probe");
    let stored = source::store(&probe, &text(&document(API_KEY, SECRET)));
    let is_there = match stored {
        Ok(()) => source::remove(&probe).unwrap(),
        Err(error) => {
            let words = chain(&error);
            assert!(words.contains("the kernel's keyring") || words.contains("this kernel"));
            eprintln!("not checked: {words}");
            false
        }
    };
    assert!(is_there || std::env::var_os("CI").is_none(), "there is no keyring here");
    is_there
}

#[test]
fn a_key_is_put_there_read_changed_and_taken_away() {
    if !is_there() {
        return;
    }
    let uri = uri("main/live");
    let shown = uri.to_string();
    let hands = Hands::new();
    let mut source = open(&shown, &variables(&[]), &hands);
    let error = failure(&mut *source);
    assert!(error.contains(&format!("`sandpit secrets set {shown}`")), "{error}");

    let key = Credential::document(&text(API_KEY), KeyKind::Hmac, &text(SECRET)).unwrap();
    source::store(&uri, &key).unwrap();
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
    // Another thread, which never saw the keyring, as a host's own has not.
    let other = shown.clone();
    let fetched = std::thread::spawn(move || {
        let uri = other.parse().unwrap();
        let mut source = source::open(&uri, &variables(&[]), Clock::system()).unwrap();
        show(source.fetch().unwrap())
    });
    assert_eq!(fetched.join().unwrap(), hmac(API_KEY, SECRET));

    // A new key under the same name is seen at the next look.
    let key = Credential::document(&text(API_KEY), KeyKind::Hmac, &text("canary0next")).unwrap();
    source::store(&uri, &key).unwrap();
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, "canary0next"));

    // What is none is not kept, and the old one stays.
    let error = source::store(&uri, &text("canary")).unwrap_err();
    assert!(chain(&error).contains("a credential is a JSON object"), "{}", chain(&error));
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, "canary0next"));

    // The list of keys that everybody may read has the name and nothing else.
    let keys = std::fs::read_to_string("/proc/keys").unwrap_or_default();
    assert!(!keys.contains("canary"), "a key is in /proc/keys");
    assert!(source::remove(&uri).unwrap());
    assert!(!source::remove(&uri).unwrap());
    assert!(failure(&mut *source).contains("there is nothing under this name"));
}

/// Only in a process of its own: reads what the other put there.
#[test]
fn reads_what_another_put_there() {
    let Ok(uri) = std::env::var(PUT) else { return };
    let mut source = source::open(&uri.parse().unwrap(), &variables(&[]), Clock::system()).unwrap();
    assert_eq!(show(source.fetch().unwrap()), hmac(API_KEY, SECRET));
}

/// As a host has what `sandpit secrets set` put there before.
#[test]
fn another_process_of_the_user_has_it() {
    if !is_there() {
        return;
    }
    let uri = uri("other/process");
    source::store(&uri, &text(&document(API_KEY, SECRET))).unwrap();
    let done = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["keyring::reads_what_another_put_there", "--exact"])
        .env(PUT, uri.to_string())
        .output()
        .unwrap();
    assert!(source::remove(&uri).unwrap());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// A private key has line breaks, and a document has them escaped.
#[test]
fn a_private_key_of_several_lines() {
    // RFC 8032, section 7.1, first test.
    let pkcs8 = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{pkcs8}\n-----END PRIVATE KEY-----\n");
    let key = Credential::document(&text(API_KEY), KeyKind::Ed25519, &text(&pem)).unwrap();
    assert_eq!(Credential::from_document(&key).unwrap().kind(), KeyKind::Ed25519);
    assert!(Credential::document(&text(API_KEY), KeyKind::Hmac, &text("two words")).is_err());
    assert!(Credential::document(&text(""), KeyKind::Hmac, &text(SECRET)).is_err());
    if !is_there() {
        return;
    }
    let uri = uri("ed25519");
    source::store(&uri, &key).unwrap();
    let mut source = open(&uri.to_string(), &variables(&[]), &Hands::new());
    assert_eq!(show(source.fetch().unwrap()).1.len(), 88);
    assert!(source::remove(&uri).unwrap());
}

#[test]
fn nothing_else_is_written() {
    for uri in ["env://main/live", "vault://h/secret/a", "file:///etc/key"] {
        let uri: KeyUri = uri.parse().unwrap();
        let refused = |outcome: Result<(), SourceError>| chain(&outcome.unwrap_err());
        let error = refused(source::store(&uri, &text(&document(API_KEY, SECRET))));
        assert!(error.contains("only a `keyring://` is written"), "{error}");
        assert!(refused(source::remove(&uri).map(|_| ())).contains("only a `keyring://`"));
    }
}
