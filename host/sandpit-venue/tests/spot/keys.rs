//! Keys of the tests: what signs, and what the exchange here knows of each.

use std::{collections::BTreeMap, sync::Arc};

use base64::Engine as _;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sandpit_venue::keys::{SharedSigner, Signer};

pub(crate) const KEY: &str = "key-of-a-test";
/// Of the account that all keys are of, but those of a stranger.
pub(crate) const ACCOUNT: u64 = 354_937_868;

/// A signature that anybody can make who knows the name; the exchange makes it anew and compares.
fn signature(name: &str, payload: &[u8]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.bytes().chain(payload.iter().copied()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

struct Plain(String);

impl Signer for Plain {
    fn api_key(&self) -> &str {
        &self.0
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        out.push_str(&signature(&self.0, payload));
    }
}

/// A key by its name.
pub(crate) fn signer(name: &str) -> SharedSigner {
    Arc::new(Plain(name.to_owned()))
}

struct Pair(Ed25519KeyPair);

/// An Ed25519 key, whose secret is plainly none.
pub(crate) fn ed25519() -> (SharedSigner, Vec<u8>) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    (Arc::new(Pair(pair)), public)
}

impl Signer for Pair {
    fn api_key(&self) -> &str {
        KEY
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        base64::engine::general_purpose::STANDARD.encode_string(self.0.sign(payload).as_ref(), out);
    }
}

/// What the exchange knows of a key.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) account: Option<u64>,
    pub(crate) trade: bool,
    pub(crate) withdraw: bool,
    pub(crate) transfer: bool,
    pub(crate) bound: bool,
    /// It was taken away.
    pub(crate) revoked: bool,
    /// Of an Ed25519 key.
    pub(crate) public: Option<Vec<u8>>,
    /// How often it was used.
    pub(crate) used: u64,
    /// How often it placed an order.
    pub(crate) placed: u64,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            account: Some(ACCOUNT),
            trade: true,
            withdraw: false,
            transfer: false,
            bound: true,
            revoked: false,
            public: None,
            used: 0,
            placed: 0,
        }
    }
}

/// All keys, by their names.
#[derive(Clone, Debug)]
pub(crate) struct KeyBook(pub(crate) BTreeMap<String, Known>);

impl Default for KeyBook {
    fn default() -> Self {
        Self(BTreeMap::from([(KEY.to_owned(), Known::default())]))
    }
}

impl KeyBook {
    pub(crate) fn add(&mut self, name: &str, known: Known) {
        self.0.insert(name.to_owned(), known);
    }

    pub(crate) fn get(&mut self, name: &str) -> &mut Known {
        self.0.get_mut(name).unwrap()
    }

    /// Whether the exchange takes a request that carries this name, and this signature where it is
    /// signed.
    pub(crate) fn check(&mut self, name: &str, signed: Option<(&str, &str)>) -> Result<(), i32> {
        let Some(known) = self.0.get_mut(name).filter(|known| !known.revoked) else {
            return Err(-2015);
        };
        if let Some((payload, said)) = signed {
            match &known.public {
                None => assert_eq!(signature(name, payload.as_bytes()), said, "{payload}"),
                Some(public) => {
                    let said = base64::engine::general_purpose::STANDARD.decode(said).unwrap();
                    let key = UnparsedPublicKey::new(&ED25519, public);
                    key.verify(payload.as_bytes(), &said).unwrap();
                }
            }
        }
        known.used += 1;
        Ok(())
    }
}
