//! The last net under the log: a line that has a registered secret in it is written without it, and
//! counted. It should never catch anything; a count above zero is a bug somewhere.
//!
//! The net does not hold the fish: of a secret it keeps its length and two keyed hashes.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    io,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use ring::hmac;
use zeroize::Zeroize;

use crate::{Credential, SecretText, credential::Material};

/// Secrets that are looked for.
const SECRETS_MAX: usize = 64;
/// A text shorter than this is found by chance.
const SECRET_BYTES_MIN: usize = 8;
/// What stands in its place.
const MASK: &[u8] = b"[masked]";
/// A prime just below 2^61, so that a product of two fits into 128 bits.
const PRIME: u64 = (1 << 61) - 1;

/// Finds registered secrets in what is written.
#[derive(Clone)]
pub struct Mask(Arc<Inner>);

struct Inner {
    /// The base of the rolling hash, of this process alone.
    base: u64,
    key: hmac::Key,
    prints: RwLock<Vec<Print>>,
    masked: AtomicU64,
}

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq)]
struct Print {
    bytes: usize,
    rolling: u64,
    keyed: [u8; 32],
}

impl Default for Mask {
    fn default() -> Self {
        // A hasher's random keys; what is kept of secrets never leaves the process.
        let state = RandomState::new();
        let base = state.hash_one("base") % (PRIME - 256) + 256;
        let key = [state.hash_one(0), state.hash_one(1), state.hash_one(2), state.hash_one(3)];
        let mut key: Vec<u8> = key.iter().flat_map(|part| part.to_le_bytes()).collect();
        let mac = hmac::Key::new(hmac::HMAC_SHA256, &key);
        key.zeroize();
        let (prints, masked) = (RwLock::new(Vec::new()), AtomicU64::new(0));
        Self(Arc::new(Inner { base, key: mac, prints, masked }))
    }
}

impl Mask {
    /// Looks for the secret of this key from now on, as it is and as JSON has it. Past the bound of
    /// 64 the oldest are forgotten.
    pub fn register(&self, credential: &Credential) {
        match &credential.material {
            Material::Hmac(secret) => self.add(secret),
            // What signs is binary, and was read from one of three texts.
            Material::Ed25519(key) => {
                for text in key.texts() {
                    self.add(&text);
                }
            }
        }
    }

    /// Looks for this text from now on: a token, a password.
    pub fn add(&self, secret: &SecretText) {
        let plain = secret.trimmed();
        let mut json = serde_json::to_string(plain).unwrap_or_default();
        let quoted = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
        let mut prints = self.0.prints.write().unwrap_or_else(PoisonError::into_inner);
        for text in [plain, quoted] {
            if text.len() < SECRET_BYTES_MIN {
                continue;
            }
            let print = self.0.print(text.as_bytes());
            if !prints.contains(&print) {
                if prints.len() >= SECRETS_MAX {
                    prints.remove(0);
                }
                prints.push(print);
            }
        }
        drop(prints);
        json.zeroize();
    }

    /// How often something was masked.
    #[must_use]
    pub fn masked(&self) -> u64 {
        self.0.masked.load(Ordering::Relaxed)
    }

    /// Where something registered stands, in the order of its beginnings.
    pub(crate) fn places(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let prints = self.0.prints.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<(usize, usize)> = Vec::new();
        for print in prints.iter() {
            self.0.find(bytes, print, &mut found);
        }
        drop(prints);
        found.sort_unstable();
        found
    }

    /// The bytes without what is registered; `None` where nothing of it is there.
    #[must_use]
    pub fn apply(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let found = self.places(bytes);
        if found.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut done = 0;
        for (start, end) in found {
            if start >= done {
                out.extend_from_slice(bytes.get(done..start).unwrap_or_default());
                out.extend_from_slice(MASK);
                self.0.masked.fetch_add(1, Ordering::Relaxed);
            }
            // One within another, or overlapping it, goes with it.
            done = done.max(end);
        }
        out.extend_from_slice(bytes.get(done..).unwrap_or_default());
        Some(out)
    }

    /// A writer that masks what is written to another, each write by itself: a log line is one.
    pub fn writer<W: io::Write>(&self, inner: W) -> MaskingWriter<W> {
        MaskingWriter { mask: self.clone(), inner }
    }
}

impl Inner {
    fn print(&self, bytes: &[u8]) -> Print {
        let rolling = bytes.iter().fold(0, |hash, byte| self.push(hash, *byte));
        Print { bytes: bytes.len(), rolling, keyed: self.keyed(bytes) }
    }

    fn keyed(&self, bytes: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.key, bytes).as_ref());
        out
    }

    fn push(&self, hash: u64, byte: u8) -> u64 {
        (multiply(hash, self.base) + u64::from(byte)) % PRIME
    }

    /// Every place where a secret stands, by a hash that rolls along (Rabin and Karp).
    fn find(&self, bytes: &[u8], print: &Print, found: &mut Vec<(usize, usize)>) {
        if bytes.len() < print.bytes {
            return;
        }
        let highest = (1..print.bytes).fold(1, |power, _| multiply(power, self.base));
        let mut hash = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if let Some(leaving) = at.checked_sub(print.bytes).and_then(|out| bytes.get(out)) {
                hash = (hash + PRIME - multiply(highest, u64::from(*leaving))) % PRIME;
            }
            hash = self.push(hash, *byte);
            let end = at + 1;
            if let Some(start) = end.checked_sub(print.bytes).filter(|_| hash == print.rolling)
                && bytes.get(start..end).is_some_and(|text| self.keyed(text) == print.keyed)
            {
                found.push((start, end));
            }
        }
    }
}

fn multiply(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right) % u128::from(PRIME);
    u64::try_from(product).unwrap_or_default()
}

/// Masks what is written through it.
pub struct MaskingWriter<W> {
    mask: Mask,
    inner: W,
}

impl<W: io::Write> io::Write for MaskingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.mask.apply(bytes) {
            Some(masked) => self.inner.write_all(&masked)?,
            None => self.inner.write_all(bytes)?,
        }
        // All of it was taken, whatever its length has become.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn text(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    fn written(mask: &Mask, line: &str) -> String {
        let mut out = Vec::new();
        mask.writer(&mut out).write_all(line.as_bytes()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn secrets_are_masked_and_counted() {
        let mask = Mask::default();
        let line = "key=aaaaaaaab, again aaaaaaaab.";
        assert_eq!(written(&mask, line), line);
        mask.add(&text("aaaaaaaab\n"));
        mask.add(&text("with\"quotes\\"));
        assert_eq!(written(&mask, line), "key=[masked], again [masked].");
        assert_eq!(written(&mask, "aaaaaaaaab"), "a[masked]");
        assert_eq!(written(&mask, r#"{"v":"with\"quotes\\"}"#), r#"{"v":"[masked]"}"#);
        assert_eq!(written(&mask, "aaaaaaaa b"), "aaaaaaaa b");
        assert_eq!(mask.masked(), 4);
    }

    #[test]
    fn overlapping_ones_go_together() {
        let mask = Mask::default();
        for secret in ["abcdefgh", "efghijkl", "cdefghijk"] {
            mask.add(&text(secret));
        }
        assert_eq!(written(&mask, "-abcdefghijkl-"), "-[masked]-");
    }

    #[test]
    fn short_ones_would_be_found_by_chance() {
        let mask = Mask::default();
        mask.add(&text("abc"));
        assert_eq!(written(&mask, "abc abc"), "abc abc");
    }

    #[test]
    fn keys_of_both_kinds() {
        let mask = Mask::default();
        mask.register(&Credential::hmac("name", &text("fake0secret")).unwrap());
        // RFC 8032, section 7.1, first test, in its three forms.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        mask.register(&Credential::ed25519("name", &text(seed)).unwrap());
        for secret in ["fake0secret", seed, "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="] {
            assert_eq!(written(&mask, &format!("<{secret}>")), "<[masked]>", "{secret}");
        }
        let pkcs8 = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{pkcs8}\n-----END PRIVATE KEY-----");
        mask.register(&Credential::ed25519("name", &text(&pem)).unwrap());
        assert!(!written(&mask, &pem).contains(pkcs8));
    }

    #[test]
    fn there_is_a_bound() {
        let mask = Mask::default();
        for at in 0..200 {
            mask.add(&text(&format!("secret0number0{at}")));
        }
        assert_eq!(mask.0.prints.read().unwrap().len(), SECRETS_MAX);
        assert_eq!(written(&mask, "secret0number0199"), "[masked]");
    }

    proptest::proptest! {
        /// Whatever stands around it, a secret is gone and the rest is there.
        #[test]
        fn what_is_around_stays(before in "[a-d]{0,40}", after in "[a-d]{0,40}") {
            let mask = Mask::default();
            mask.add(&text("abcd0dcba"));
            let line = format!("{before}abcd0dcba{after}");
            proptest::prop_assert_eq!(written(&mask, &line), format!("{before}[masked]{after}"));
        }
    }
}
