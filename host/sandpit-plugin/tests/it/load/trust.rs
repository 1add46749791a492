//! Who may be loaded: signatures, pins, policies.

use std::{fs, io::Cursor};

use minisign::{KeyPair, SecretKey};
use sandpit_plugin::{
    ComponentFile, Loader, Mode, Pin, Policy, PublicKey, RefusalCode, SignatureState, TrustError,
    TrustList, TrustedKey, check,
};

use super::loader;
use crate::support::{Guest, engine};

/// Somebody who signs.
pub(super) struct Signer(KeyPair);

impl Signer {
    pub(super) fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    pub(super) fn public(&self) -> PublicKey {
        self.0.pk.to_base64().parse().unwrap()
    }

    /// A list with this one only.
    pub(super) fn trusted(&self) -> TrustList {
        let key = TrustedKey { key: self.public(), comment: "the one we know".to_owned() };
        TrustList { keys: vec![key], pins: Vec::new() }
    }

    pub(super) fn sign(&self, bytes: &[u8], comment: &str) -> String {
        let signed =
            minisign::sign(Some(&self.0.pk), &self.0.sk, Cursor::new(bytes), Some(comment), None);
        signed.unwrap().into_string()
    }
}

/// A component on disk, with a signature where there is one.
pub(super) fn on_disk(bytes: &[u8], signature: Option<&str>) -> ComponentFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategy.wasm");
    fs::write(&path, bytes).unwrap();
    if let Some(signature) = signature {
        fs::write(folder.path().join("strategy.wasm.minisig"), signature).unwrap();
    }
    ComponentFile::read(&path).unwrap()
}

fn pinned(bytes: &[u8]) -> TrustList {
    let sha256 = *check(bytes).unwrap().sha256();
    TrustList { keys: Vec::new(), pins: vec![Pin { sha256, name: "ours".to_owned() }] }
}

fn refused(loader: &Loader, file: &ComponentFile) -> RefusalCode {
    loader.load(file).unwrap_err().code()
}

#[test]
fn a_trusted_signature_lets_in() {
    let signer = Signer::new();
    let bytes = Guest::idle().component();
    let file = on_disk(&bytes, Some(&signer.sign(&bytes, "release 7")));
    let loaded = loader(Policy::Signed, signer.trusted()).load(&file).unwrap();
    assert_eq!(
        loaded.trust.signature,
        SignatureState::Valid {
            key: signer.public().id(),
            whose: "the one we know".to_owned(),
            comment: "release 7".to_owned(),
        }
    );
    // A signature is not a pin.
    assert_eq!(refused(&loader(Policy::Pinned, signer.trusted()), &file), RefusalCode::NotPinned);
}

#[test]
fn a_pin_lets_in() {
    let bytes = Guest::idle().component();
    let file = on_disk(&bytes, None);
    for policy in Policy::ALL {
        let loaded = loader(policy, pinned(&bytes)).load(&file).unwrap();
        assert_eq!(loaded.trust.pinned.as_deref(), Some("ours"));
    }
    // One bit elsewhere is another component, though it would do the same.
    let mut other = bytes.clone();
    other.extend([0, 2, 1, b'x']);
    check(&other).unwrap();
    let other = on_disk(&other, None);
    assert_eq!(refused(&loader(Policy::Pinned, pinned(&bytes)), &other), RefusalCode::NotPinned);
    assert_eq!(refused(&loader(Policy::Signed, pinned(&bytes)), &other), RefusalCode::NotSigned);
}

#[test]
fn what_is_not_trusted_is_refused_before_it_is_parsed() {
    for bytes in [b"(component)".as_slice(), b"\0asm\x01\0\0\0", b"\x7fELF"] {
        let file = on_disk(bytes, None);
        let list = TrustList::default();
        assert_eq!(refused(&loader(Policy::Pinned, list.clone()), &file), RefusalCode::NotPinned);
        assert_eq!(refused(&loader(Policy::Signed, list), &file), RefusalCode::NotSigned);
    }
}

#[test]
fn tricks_with_signatures() {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let bytes = Guest::idle().component();
    let other = Guest::idle().named("another").component();
    let good = signer.sign(&bytes, "release 7");
    let lines: Vec<&str> = good.lines().collect();
    let edited = good.replace("release 7", "release 8");
    let swapped_comment = {
        // The comment and its signature from another file of the same signer.
        let of_other = signer.sign(&other, "release 9");
        let of_other: Vec<_> = of_other.lines().map(str::to_owned).collect();
        format!("{}\n{}\n{}\n{}\n", lines[0], lines[1], of_other[2], of_other[3])
    };
    let renamed = {
        // A stranger who gives their own key the id of ours.
        let mut secret = stranger.0.sk.to_bytes();
        secret[54..62].copy_from_slice(signer.0.pk.keynum());
        let secret = SecretKey::from_bytes(&secret).unwrap();
        let signed = minisign::sign(None, &secret, Cursor::new(&bytes), Some("release 7"), None);
        signed.unwrap().into_string()
    };
    let cases = [
        ("a stranger's", stranger.sign(&bytes, "release 7"), RefusalCode::UnknownKey),
        ("of another file", signer.sign(&other, "release 7"), RefusalCode::WrongSignature),
        ("an edited comment", edited, RefusalCode::WrongSignature),
        ("a comment of another one", swapped_comment, RefusalCode::WrongSignature),
        ("a stranger's under our name", renamed, RefusalCode::WrongSignature),
        ("nothing", String::new(), RefusalCode::UnreadableSignature),
        ("half of one", good[..good.len() / 2].to_owned(), RefusalCode::UnreadableSignature),
        ("old kind", good.replace("\nRU", "\nRW"), RefusalCode::UnreadableSignature),
        ("too long", format!("{good}{}", " ".repeat(5_000)), RefusalCode::UnreadableSignature),
    ];
    let strict = loader(Policy::Signed, signer.trusted());
    for (what, signature, expected) in cases {
        let file = on_disk(&bytes, Some(&signature));
        assert_eq!(refused(&strict, &file), expected, "{what}");
        // Where nothing is asked for, it is said and does not stop anybody.
        let loaded = loader(Policy::Any, signer.trusted()).load(&file).unwrap();
        assert!(!matches!(loaded.trust.signature, SignatureState::Valid { .. }), "{what}");
    }
    // The signed file with one bit changed, where the change is of no consequence.
    let mut touched = bytes;
    *touched.last_mut().unwrap() ^= 1;
    let touched = on_disk(&touched, Some(&good));
    assert_eq!(refused(&strict, &touched), RefusalCode::WrongSignature);
}

#[test]
fn every_bit_of_a_signature_counts() {
    let signer = Signer::new();
    let bytes = Guest::idle().component();
    let good = signer.sign(&bytes, "release 7").into_bytes();
    let list = signer.trusted();
    let sha256 = *check(&bytes).unwrap().sha256();
    let comment = good.iter().position(|byte| *byte == b'\n').unwrap();
    let mut let_in = 0;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut touched = good.clone();
            touched[at] ^= 1 << bit;
            let state = list.judge(&bytes, &sha256, Some(&touched)).signature;
            if matches!(state, SignatureState::Valid { .. }) {
                // The first line is nobody's word, by minisign's own design, and a last line break
                // is none of the signature.
                assert!(at < comment || at + 1 == good.len(), "byte {at}, bit {bit}");
                let_in += 1;
            }
        }
    }
    assert!(let_in > 0);
}

#[test]
fn a_live_session_runs_nothing_that_is_not_trusted() {
    let live = |policy| Loader::new(engine(), Mode::Live, policy, TrustList::default());
    assert_eq!(live(Policy::Any).unwrap_err(), TrustError::AnyInLive);
    live(Policy::Signed).unwrap();
    live(Policy::Pinned).unwrap();
    for mode in [Mode::Backtest, Mode::Paper, Mode::Testnet] {
        for policy in Policy::ALL {
            policy.allowed_in(mode).unwrap();
        }
    }
}

#[test]
fn what_a_signer_says_is_made_fit_for_a_terminal() {
    let signer = Signer::new();
    let bytes = Guest::idle().component();
    let signature = signer.sign(&bytes, "\u{1b}[31mred");
    let loader = loader(Policy::Signed, signer.trusted());
    let loaded = loader.load(&on_disk(&bytes, Some(&signature))).unwrap();
    let SignatureState::Valid { comment, .. } = loaded.trust.signature else {
        panic!("it is valid")
    };
    assert_eq!(comment, "\\u{1b}[31mred");
}
