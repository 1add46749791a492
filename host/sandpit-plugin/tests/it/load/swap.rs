//! Files that change while they are loaded.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use sandpit_plugin::{ComponentFile, Pin, Policy, RefusalCode, TrustList, check};

use super::{loader, trust::Signer};
use crate::support::Guest;

#[test]
fn what_was_read_is_what_is_loaded_whatever_becomes_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategy.wasm");
    let bytes = Guest::idle().component();
    fs::write(&path, &bytes).unwrap();
    let file = ComponentFile::read(&path).unwrap();
    fs::write(&path, Guest::idle().named("another").component()).unwrap();
    let loaded = loader(Policy::Any, TrustList::default()).load(&file).unwrap();
    assert_eq!(loaded.checked.bytes(), bytes);
    assert_eq!(loaded.artifact.sha256(), check(&bytes).unwrap().sha256());
    fs::remove_file(&path).unwrap();
    loader(Policy::Any, TrustList::default()).load(&file).unwrap();
}

/// Somebody replaces a trusted component by another one, again and again, at once and piece by
/// piece, while it is loaded: whatever comes of it, only the trusted one does.
#[test]
fn a_race_for_the_file_is_won_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategy.wasm");
    let trusted = Guest::idle().component();
    let hostile = Guest::idle().named("hostile").body("on-trade", "(loop br 0) i32.const 0");
    let hostile = hostile.component();
    let signer = Signer::new();
    fs::write(&path, &trusted).unwrap();
    fs::write(folder.path().join("strategy.wasm.minisig"), signer.sign(&trusted, "")).unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let attacker = {
        let (path, done, trusted, hostile) =
            (path.clone(), Arc::clone(&done), trusted.clone(), hostile);
        thread::spawn(move || {
            let beside = path.with_extension("new");
            while !done.load(Ordering::Relaxed) {
                for bytes in [&hostile, &trusted] {
                    fs::write(&beside, bytes).unwrap();
                    fs::rename(&beside, &path).unwrap();
                    thread::yield_now();
                }
                fs::write(&path, &hostile).unwrap();
                fs::write(&path, &trusted).unwrap();
            }
        })
    };
    let sha256 = *check(&trusted).unwrap().sha256();
    let pin = Pin { sha256, name: "trusted".to_owned() };
    let pinned = loader(Policy::Pinned, TrustList { keys: Vec::new(), pins: vec![pin] });
    let signed = loader(Policy::Signed, signer.trusted());
    let (mut let_in, mut kept_out) = (0, 0);
    while let_in < 20 || kept_out < 20 {
        let file = ComponentFile::read(&path).unwrap();
        for loader in [&pinned, &signed] {
            match loader.prepare(&file) {
                Ok(prepared) => {
                    assert_eq!(prepared.checked.bytes(), trusted);
                    assert_eq!(prepared.compiled.component(), &sha256);
                    let_in += 1;
                }
                Err(refusal) => {
                    let code = refusal.code();
                    assert!(
                        matches!(
                            code,
                            RefusalCode::NotPinned
                                | RefusalCode::WrongSignature
                                | RefusalCode::Empty
                        ),
                        "{refusal}"
                    );
                    kept_out += 1;
                }
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    attacker.join().unwrap();
}
