//! Attacks on who is let in and on what is believed: signatures, the trust list, the cache.

use std::{fs, io::Cursor, path::PathBuf};

use minisign::KeyPair;
use sandpit_plugin::{
    Cache, CacheLimits, ComponentFile, Engine, EngineSettings, Loader, Mode, Policy, Prepared,
    Refusal, RefusalCode, TrustList, TrustedKey,
};

use crate::{
    attack::{Attack, Ends, planned, so, unharmed},
    guest::Guest,
    harness::Tests,
    stage::{Plan, Seen, engine},
};

pub(crate) const TESTS: &[Tests] = &[Tests::Attacks("trust", ATTACKS)];

pub(crate) const ATTACKS: &[&[Attack]] = &[SIGNATURES, KEPT];

/// Somebody who signs.
struct Signer(KeyPair);

impl Signer {
    fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    fn sign(&self, bytes: &[u8]) -> String {
        let comment = Some("release 7");
        let signed =
            minisign::sign(Some(&self.0.pk), &self.0.sk, Cursor::new(bytes), comment, None);
        signed.unwrap().into_string()
    }

    /// A list with this one only.
    fn trusted(&self) -> TrustList {
        let key = self.0.pk.to_base64().parse().unwrap();
        let trusted = TrustedKey { key, comment: "the one we know".to_owned() };
        TrustList { keys: vec![trusted], pins: Vec::new() }
    }
}

/// What a loader says that asks for a signature.
fn signed(
    policy: Policy,
    list: TrustList,
    bytes: &[u8],
    signature: Option<&str>,
) -> Result<Prepared, Refusal> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategy.wasm");
    fs::write(&path, bytes).unwrap();
    if let Some(signature) = signature {
        fs::write(folder.path().join("strategy.wasm.minisig"), signature).unwrap();
    }
    Loader::new(engine().clone(), Mode::Live, policy, list)?.prepare(&ComponentFile::read(&path)?)
}

fn strategy() -> Vec<u8> {
    Guest::idle().component()
}

/// Loaded by a signer's list with whatever signature the attack makes.
fn with_signature(make: fn(&Signer, &[u8]) -> Option<String>) -> Plan {
    Plan::loaded(Box::new(move || {
        let (signer, bytes) = (Signer::new(), strategy());
        let signature = make(&signer, &bytes);
        signed(Policy::Signed, signer.trusted(), &bytes, signature.as_deref())
    }))
}

const SIGNATURES: &[Attack] = &[
    planned("no signature", Ends::Refused(RefusalCode::NotSigned), || with_signature(|_, _| None)),
    planned("a signature of chance", Ends::Refused(RefusalCode::UnreadableSignature), || {
        with_signature(|_, _| Some("untrusted comment: x\nRWQnothing\n".to_owned()))
    }),
    planned("a signature of 1 MiB", Ends::Refused(RefusalCode::UnreadableSignature), || {
        with_signature(|signer, bytes| Some(signer.sign(bytes) + &" ".repeat(1 << 20)))
    }),
    planned("the signature of another file", Ends::Refused(RefusalCode::WrongSignature), || {
        with_signature(|signer, _| Some(signer.sign(b"another file")))
    }),
    planned(
        "a signature whose comment was changed",
        Ends::Refused(RefusalCode::WrongSignature),
        || {
            with_signature(|signer, bytes| {
                Some(signer.sign(bytes).replace("release 7", "release 8"))
            })
        },
    ),
    planned("a stranger's signature", Ends::Refused(RefusalCode::UnknownKey), || {
        with_signature(|_, bytes| Some(Signer::new().sign(bytes)))
    }),
    planned(
        "the signature of a key that was taken from the list",
        Ends::Refused(RefusalCode::UnknownKey),
        || {
            Plan::loaded(Box::new(|| {
                let (signer, bytes) = (Signer::new(), strategy());
                let signature = signer.sign(&bytes);
                let mut list = signer.trusted();
                signed(Policy::Signed, list.clone(), &bytes, Some(&signature)).unwrap();
                list.keys.clear();
                signed(Policy::Signed, list, &bytes, Some(&signature))
            }))
        },
    ),
    planned("one byte more than was signed", Ends::Refused(RefusalCode::WrongSignature), || {
        Plan::loaded(Box::new(|| {
            let (signer, bytes) = (Signer::new(), strategy());
            let signature = signer.sign(&bytes);
            // A custom section: the same strategy, another file.
            let longer = [&bytes[..], &[0, 2, 1, b'x']].concat();
            signed(Policy::Signed, signer.trusted(), &longer, Some(&signature))
        }))
    }),
    planned(
        "a good signature where only hashes count",
        Ends::Refused(RefusalCode::NotPinned),
        || {
            Plan::loaded(Box::new(|| {
                let (signer, bytes) = (Signer::new(), strategy());
                let signature = signer.sign(&bytes);
                signed(Policy::Pinned, signer.trusted(), &bytes, Some(&signature))
            }))
        },
    ),
    planned(
        "a bomb without a signature, to be parsed before it is trusted",
        Ends::Refused(RefusalCode::NotSigned),
        || {
            Plan::loaded(Box::new(|| {
                let bomb = b"\0asm\x0d\0\x01\0".repeat(1_000);
                signed(Policy::Signed, TrustList::default(), &bomb, None)
            }))
        },
    ),
];

/// A host's folder of machine code, which somebody else can write.
struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn load(&self, engine: &Engine, bytes: Vec<u8>) -> (Prepared, u64) {
        let (code, key) = (self.folder.path().join("code"), self.folder.path().join("key/host"));
        let cache = Cache::open(&code, &key, CacheLimits::default()).unwrap();
        let loader =
            Loader::new(engine.clone(), Mode::Paper, Policy::Any, TrustList::default()).unwrap();
        let loader = loader.with_cache(cache);
        let prepared = loader.prepare(&ComponentFile::unsigned(bytes)).unwrap();
        (prepared, loader.cache_stats().unwrap().rejected)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("code")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

/// Saves this text.
fn saving(text: &[u8]) -> Vec<u8> {
    let bytes = u32::try_from(text.len()).unwrap();
    Guest::idle().data(2_048, text).saves(2_048, bytes).component()
}

const OURS: &[u8] = b"ours";
const THEIRS: &[u8] = b"theirs";

/// Machine code of ours is kept; the attack does this to its file; it is loaded again.
fn touched(change: fn(&mut Vec<u8>)) -> Plan {
    Plan::loaded(Box::new(move || {
        let kept = Kept::new();
        kept.load(engine(), saving(OURS));
        let path = kept.files().remove(0);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let (prepared, rejected) = kept.load(engine(), saving(OURS));
        assert_eq!(rejected, 1, "it is not believed");
        Ok(prepared)
    }))
}

fn ours_runs(seen: &Seen) -> Result<(), String> {
    unharmed(seen)?;
    so(seen.saved == [OURS.to_vec()], || format!("{:?}", seen.saved))
}

const NOT_BELIEVED: Ends = Ends::Contained {
    wall: "cache's keyed hash",
    what: "it is counted, not believed, and compiled again",
    check: ours_runs,
};

const KEPT: &[Attack] = &[
    planned("kept machine code that is cut short", NOT_BELIEVED, || {
        touched(|bytes| bytes.truncate(bytes.len() / 2))
    }),
    planned("kept machine code with one bit changed", NOT_BELIEVED, || {
        touched(|bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        })
    }),
    planned("kept machine code with a byte behind it", NOT_BELIEVED, || {
        touched(|bytes| bytes.push(0))
    }),
    planned("kept machine code that is gone but for its name", NOT_BELIEVED, || {
        touched(Vec::clear)
    }),
    planned("kept machine code of another strategy under our name", NOT_BELIEVED, || {
        Plan::loaded(Box::new(|| {
            let kept = Kept::new();
            kept.load(engine(), saving(OURS));
            let ours = kept.files().remove(0);
            kept.load(engine(), saving(THEIRS));
            let theirs = kept.files().into_iter().find(|path| *path != ours).unwrap();
            fs::copy(theirs, &ours).unwrap();
            let (prepared, rejected) = kept.load(engine(), saving(OURS));
            assert_eq!(rejected, 1, "it is not believed");
            Ok(prepared)
        }))
    }),
    planned("kept machine code of another host", NOT_BELIEVED, || {
        Plan::loaded(Box::new(|| {
            let (kept, foreign) = (Kept::new(), Kept::new());
            kept.load(engine(), saving(OURS));
            foreign.load(engine(), saving(OURS));
            fs::copy(foreign.files().remove(0), kept.files().remove(0)).unwrap();
            let (prepared, rejected) = kept.load(engine(), saving(OURS));
            assert_eq!(rejected, 1, "it is not believed");
            Ok(prepared)
        }))
    }),
    planned("kept machine code of another engine under our name", NOT_BELIEVED, || {
        Plan::loaded(Box::new(|| {
            let kept = Kept::new();
            kept.load(engine(), saving(OURS));
            let ours = kept.files().remove(0);
            let settings = EngineSettings { debug_lines: true, ..EngineSettings::default() };
            kept.load(&Engine::new(settings).unwrap(), saving(OURS));
            let stale = kept.files().into_iter().find(|path| *path != ours).unwrap();
            fs::copy(stale, &ours).unwrap();
            let (prepared, rejected) = kept.load(engine(), saving(OURS));
            assert_eq!(rejected, 1, "it is not believed");
            Ok(prepared)
        }))
    }),
];
