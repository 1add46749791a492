//! Lists in and out.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, thread};

use super::*;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const ID: &str = "E7620F1842B4E81F";

fn key() -> Key {
    let added = "2026-01-02T03:04:05Z".to_owned();
    Key { key: KEY.parse().unwrap(), comment: "a \"friend\"".to_owned(), added }
}

fn pin(first: u8) -> Pin {
    let mut sha256 = [0xab; 32];
    sha256[0] = first;
    Pin { sha256, name: "ema".to_owned(), comment: String::new(), added: String::new() }
}

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deeper/trust.toml");
    Place { _folder: folder, path }
}

fn refused(text: &str) -> String {
    let place = place();
    fs::create_dir_all(place.path.parent().unwrap()).unwrap();
    fs::write(&place.path, text).unwrap();
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o644)).unwrap();
    read(&place.path).unwrap_err().to_string()
}

#[test]
fn what_is_added_is_read_and_removed_again() {
    let place = place();
    edit(&place.path, |list| list.add_key(key())).unwrap();
    edit(&place.path, |list| list.add_pin(pin(1))).unwrap();
    edit(&place.path, |list| list.add_pin(pin(2))).unwrap();
    let list = read(&place.path).unwrap();
    assert_eq!(list.keys(), [key()]);
    assert_eq!(list.pins(), [pin(1), pin(2)]);
    assert_eq!(list.list().keys[0].comment, "a \"friend\"");
    let text = fs::read_to_string(&place.path).unwrap();
    assert!(text.starts_with("# Whom this host trusts") && text.contains(ID), "{text}");

    let removed = edit(&place.path, |list| list.remove(&ID.to_lowercase())).unwrap();
    assert_eq!(removed, Removed::Key(key()));
    let removed = edit(&place.path, |list| list.remove("01ABABAB")).unwrap();
    assert_eq!(removed, Removed::Pin(pin(1)));
    assert_eq!(read(&place.path).unwrap().pins(), [pin(2)]);
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let place = place();
    edit(&place.path, |list| list.add_key(key())).unwrap();
    edit(&place.path, |list| list.add_pin(pin(1))).unwrap();
    let before = fs::read(&place.path).unwrap();
    let mut other = pin(1);
    other.sha256[31] = 0;
    let mut long = pin(3);
    long.name = "x".repeat(COMMENT_BYTES_MAX + 1);
    let mut lines = pin(3);
    lines.comment = "a\nb".to_owned();
    for (change, expected) in [
        (edit(&place.path, |list| list.add_key(key())), "in the trust list already"),
        (edit(&place.path, |list| list.add_pin(pin(1))), "in the trust list already"),
        (edit(&place.path, |list| list.add_pin(long)), "at most 256 bytes"),
        (edit(&place.path, |list| list.add_pin(lines)), "on one line"),
        (edit(&place.path, |list| list.remove("0123456789").map(drop)), "nothing in the trust"),
        (edit(&place.path, |list| list.remove("01").map(drop)), "nothing in the trust list"),
    ] {
        let error = change.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(fs::read(&place.path).unwrap(), before);
    edit(&place.path, |list| list.add_pin(other)).unwrap();
    let several = edit(&place.path, |list| list.remove("01ababab").map(drop)).unwrap_err();
    assert!(matches!(several, TrustFileError::Ambiguous(_)), "{several}");
}

#[test]
fn what_a_list_may_not_say() {
    let key = |id: &str| format!("[[keys]]\nid = \"{id}\"\npublic_key = \"{KEY}\"\n");
    let pin = |hash: &str| format!("[[pins]]\nsha256 = \"{hash}\"\nname = \"x\"\n");
    let good = "ab".repeat(32);
    for (text, expected) in [
        (String::new(), "missing field `version`"),
        ("version = 2".to_owned(), "version 2"),
        ("version = 1\nkyes = []".to_owned(), "line 2: unknown field `kyes`"),
        (format!("version = 1\n{}colour = 1", key(ID)), "unknown field `colour`"),
        (format!("version = 1\n{}", key("0000000000000000")), "has the id E7620F1842B4E81F"),
        (format!("version = 1\n{}", key(ID).replace("RWQf", "RWQ")), "no minisign public key"),
        (format!("version = 1\n{0}{0}", key(ID)), "already"),
        (format!("version = 1\n{}", pin("abcd")), "no SHA-256"),
        (format!("version = 1\n{}", pin(&good.to_uppercase())), "no SHA-256"),
        (format!("version = 1\n{}", pin(&"\u{e9}".repeat(32))), "no SHA-256"),
        (format!("version = 1\n{0}{0}", pin(&good)), "already"),
    ] {
        let error = refused(&text);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_list_that_others_may_write_is_not_read() {
    let place = place();
    edit(&place.path, |list| list.add_pin(pin(1))).unwrap();
    for mode in [0o664, 0o646] {
        fs::set_permissions(&place.path, fs::Permissions::from_mode(mode)).unwrap();
        let error = read(&place.path).unwrap_err();
        assert!(matches!(error, TrustFileError::Shared(_)), "{error}");
    }
}

#[test]
fn changes_at_the_same_time_follow_each_other() {
    let place = place();
    thread::scope(|scope| {
        for first in 0..16 {
            let path = &place.path;
            scope.spawn(move || edit(path, |list| list.add_pin(pin(first))).unwrap());
        }
    });
    assert_eq!(read(&place.path).unwrap().pins().len(), 16);
}
