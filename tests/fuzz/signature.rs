//! Signature files and public keys. What is called valid was signed: no change of a file makes
//! another signature of it.

use sandpit_plugin::{PublicKey, SignatureState, TrustList, TrustedKey};
use sha2::{Digest as _, Sha256};

use crate::{
    bounds,
    drive::{Answer, Target, bytes, run},
    memory,
};

const TARGET: Target = Target { name: "signature", inputs: 40_000, input_bytes_max: 8 * 1024 };
const KEY_TARGET: Target = Target { name: "public-key", inputs: 100_000, input_bytes_max: 1_024 };
/// The example of minisign's own documents, over the bytes `test`.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const SIGNED: &[u8] = b"test";
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==
";
/// Bytes that judging one may hold.
const JUDGE_BYTES: usize = 256 * 1024;

#[test]
fn no_change_of_a_signature_is_another_one() {
    let key: PublicKey = KEY.parse().unwrap();
    let keys = vec![TrustedKey { key, comment: "an example".to_owned() }];
    let list = TrustList { keys, pins: Vec::new() };
    let hash: [u8; 32] = Sha256::digest(SIGNED).into();
    let judge = |file: &[u8]| list.judge(SIGNED, &hash, Some(file)).signature;
    assert!(matches!(judge(SIGNATURE.as_bytes()), SignatureState::Valid { .. }));
    let old = SIGNATURE.replace("RUQf", "RWQf");
    let other = SIGNATURE.replace("RUQf6L", "RUQf6M");
    let corpus = [SIGNATURE, &old, &other].map(|text| text.as_bytes().to_vec()).to_vec();
    let tally = run(TARGET, corpus, bytes::change, |file| {
        match memory::within(JUDGE_BYTES, "judging", || judge(file)) {
            SignatureState::Valid { comment, .. } => {
                // All but the first line, which nobody signed, is as it was.
                let of = |file: &[u8]| -> Vec<String> {
                    let text = String::from_utf8(file.to_vec()).unwrap();
                    text.lines().skip(1).take(3).map(|line| line.trim_end().to_owned()).collect()
                };
                assert_eq!(of(file), of(SIGNATURE.as_bytes()));
                bounds::words(&comment);
                Answer::Taken("valid".to_owned())
            }
            SignatureState::Unreadable { reason } => {
                bounds::words(&reason);
                Answer::Refused(reason)
            }
            SignatureState::UnknownKey { .. } => Answer::Refused("of an unknown key".to_owned()),
            SignatureState::Wrong { .. } => Answer::Refused("wrong".to_owned()),
            SignatureState::Absent => panic!("it is there"),
        }
    });
    assert!(tally.taken > 0 && tally.kinds.len() > 4, "{tally:?}");
}

#[test]
fn a_key_is_read_as_it_is_written_or_not_at_all() {
    let file = format!("untrusted comment: minisign public key E7620F1842B4E81F\n{KEY}\n");
    let corpus = vec![KEY.as_bytes().to_vec(), file.into_bytes()];
    let tally = run(KEY_TARGET, corpus, bytes::change, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match memory::within(JUDGE_BYTES, "reading a key", || text.parse::<PublicKey>()) {
            Ok(key) => {
                assert_eq!(key.base64().parse::<PublicKey>(), Ok(key.clone()));
                assert!(text.contains(key.base64()));
                Answer::Taken("a key".to_owned())
            }
            Err(error) => Answer::Refused(error.to_string()),
        }
    });
    assert!(tally.taken > 0 && tally.refused > 0, "{tally:?}");
}
