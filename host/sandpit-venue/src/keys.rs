//! Keys as machines see them: who signs, for which purpose, what a key may do, and a key that is to
//! take the place of another while a session runs. No secret comes here; whoever holds it signs.

use std::{fmt, sync::Arc};

use sandpit_core::time::UnixNanos;
use secrecy::{ExposeSecret, SecretString};

/// Makes signatures with a key that it keeps to itself.
pub trait Signer {
    /// The public name of the key.
    fn api_key(&self) -> &str;

    /// Appends the signature of a payload: HMAC-SHA256 in hexadecimal, or Ed25519 in base64.
    fn sign(&self, payload: &[u8], out: &mut String);
}

/// Who signs; shared with whoever else needs the key's name.
pub type SharedSigner = Arc<dyn Signer + Send + Sync>;

/// The public name of a key, which a call carries in a header. It is not shown.
#[derive(Clone)]
pub struct KeyName(SecretString);

impl KeyName {
    /// A name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyName")
    }
}

/// For what a request needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// It asks, or listens to own events.
    Read,
    /// It changes something: orders above all.
    Trade,
}

/// The keys of one account: one for everything, or one that trades and one that only reads.
#[derive(Clone)]
pub struct Keys {
    trade: SharedSigner,
    read: Option<SharedSigner>,
}

impl Keys {
    /// One key for everything.
    #[must_use]
    pub const fn one(signer: SharedSigner) -> Self {
        Self { trade: signer, read: None }
    }

    /// One that trades, and another that reads and listens.
    #[must_use]
    pub const fn two(trade: SharedSigner, read: SharedSigner) -> Self {
        Self { trade, read: Some(read) }
    }

    /// Whether there is a key that only reads.
    #[must_use]
    pub const fn are_two(&self) -> bool {
        self.read.is_some()
    }

    /// The key for a purpose.
    #[must_use]
    pub fn get(&self, purpose: Purpose) -> &SharedSigner {
        match purpose {
            Purpose::Read => self.read.as_ref().unwrap_or(&self.trade),
            Purpose::Trade => &self.trade,
        }
    }

    /// Puts another key in the place of one. Which purposes it changes.
    pub(crate) fn replace(&mut self, role: KeyRole, signer: SharedSigner) -> Vec<Purpose> {
        match role {
            KeyRole::All => {
                *self = Self::one(signer);
                vec![Purpose::Read, Purpose::Trade]
            }
            KeyRole::Read => {
                self.read = Some(signer);
                vec![Purpose::Read]
            }
            KeyRole::Trade if self.read.is_some() => {
                self.trade = signer;
                vec![Purpose::Trade]
            }
            KeyRole::Trade => {
                // The one that is there goes on reading.
                self.read = Some(std::mem::replace(&mut self.trade, signer));
                vec![Purpose::Trade]
            }
        }
    }
}

impl From<SharedSigner> for Keys {
    fn from(signer: SharedSigner) -> Self {
        Self::one(signer)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("are_two", &self.are_two()).finish_non_exhaustive()
    }
}

/// What a key is to do on the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRole {
    /// Everything.
    All,
    /// Ask, and listen to own events.
    Read,
    /// Orders.
    Trade,
}

impl KeyRole {
    /// Whether it needs the right to trade.
    #[must_use]
    pub const fn trades(self) -> bool {
        matches!(self, Self::All | Self::Trade)
    }
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one right of a key")]
pub struct KeyRights {
    /// Money can leave the account with it.
    pub withdraw: bool,
    /// Money can move within the venue with it.
    pub transfer: bool,
    /// It may trade what it is to trade.
    pub trade: bool,
    /// It works from chosen addresses only.
    pub address_bound: bool,
    /// When it was made; `None` where the venue does not say.
    pub created: Option<UnixNanos>,
}

/// Which rights a new key may have beyond those that it needs. By default none but one that has to
/// do with where it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// It may withdraw.
    pub withdraw: bool,
    /// It may move money within the venue.
    pub transfer: bool,
    /// It may work from every address.
    pub any_address: bool,
}

impl Default for KeyRules {
    fn default() -> Self {
        Self { withdraw: false, transfer: false, any_address: true }
    }
}

impl KeyRules {
    /// Why a key with these rights is not taken for that role.
    pub(crate) const fn refusal(self, role: KeyRole, rights: KeyRights) -> Option<&'static str> {
        if rights.withdraw && !self.withdraw {
            return Some("it can withdraw money");
        }
        if rights.transfer && !self.transfer {
            return Some("it can move money within the venue");
        }
        if !rights.address_bound && !self.any_address {
            return Some("it works from every address");
        }
        if !rights.trade && role.trades() {
            return Some("it cannot trade");
        }
        None
    }
}

/// A key that is offered to a machine.
#[derive(Clone)]
pub struct KeyOffer {
    /// By which notices name it; the host's own.
    pub number: u64,
    /// What it is to do.
    pub role: KeyRole,
    /// Who signs with it.
    pub signer: SharedSigner,
    /// What it may be able to do beyond what it needs.
    pub rules: KeyRules,
}

impl fmt::Debug for KeyOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyOffer")
            .field("number", &self.number)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What the venue says of a key that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyProof {
    /// Of which offer.
    pub number: u64,
    /// What it is to do.
    pub role: KeyRole,
    /// What it may do; `None` where the venue has no such question.
    pub rights: Option<KeyRights>,
    /// The venue's own name for the account, which is that of the keys before it.
    pub account: String,
}

/// What is known of keys, as it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyNews {
    /// The venue takes an offered key, it is one of this account, and it may do what it is to do and
    /// no more. Where it was to be used ([`crate::machine::Told::NewKey`]) everything is signed with
    /// it from now on.
    Proven(KeyProof),
    /// An offered key is not used. Those before it go on.
    Refused {
        /// Of which offer.
        number: u64,
        /// Why, in words; nothing of the key.
        why: String,
    },
    /// Nothing that was signed with a key before this offer is under way any more, and no connection
    /// is logged in or listens with one: it can be taken from the venue.
    Retired {
        /// Of which offer.
        number: u64,
    },
    /// What a key that is in use may do, asked for now and then.
    Rights {
        /// Which.
        purpose: Purpose,
        /// What it may do.
        rights: KeyRights,
    },
}

impl fmt::Display for KeyNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven(proof) => write!(f, "the exchange takes key {}", proof.number),
            Self::Refused { number, why } => {
                write!(f, "alert: key {number} is not used, and the one before it goes on: {why}")
            }
            Self::Retired { number } => {
                write!(f, "key {number} is in use, and nothing of those before it any more")
            }
            Self::Rights { purpose, rights } => {
                let word = match purpose {
                    Purpose::Read => "reads",
                    Purpose::Trade => "trades",
                };
                let (withdraw, transfer) = (rights.withdraw, rights.transfer);
                let (trade, bound) = (rights.trade, rights.address_bound);
                write!(
                    f,
                    "the key that {word}: withdraw {withdraw}, transfer {transfer}, trade {trade}, \
                     bound to addresses {bound}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(&'static str);

    impl Signer for Named {
        fn api_key(&self) -> &str {
            self.0
        }

        fn sign(&self, _: &[u8], _: &mut String) {}
    }

    fn key(name: &'static str) -> SharedSigner {
        Arc::new(Named(name))
    }

    fn names(keys: &Keys) -> [&str; 2] {
        [Purpose::Read, Purpose::Trade].map(|purpose| keys.get(purpose).api_key())
    }

    #[test]
    fn one_key_serves_both_and_roles_replace_what_they_name() {
        let mut keys = Keys::one(key("a"));
        assert_eq!(names(&keys), ["a", "a"]);
        assert_eq!(keys.replace(KeyRole::Trade, key("b")), [Purpose::Trade]);
        assert_eq!(names(&keys), ["a", "b"]);
        assert_eq!(keys.replace(KeyRole::Read, key("c")), [Purpose::Read]);
        assert_eq!(names(&keys), ["c", "b"]);
        assert_eq!(keys.replace(KeyRole::Trade, key("d")), [Purpose::Trade]);
        assert_eq!(names(&keys), ["c", "d"]);
        assert_eq!(keys.replace(KeyRole::All, key("e")), [Purpose::Read, Purpose::Trade]);
        assert_eq!(names(&keys), ["e", "e"]);
        assert!(!keys.are_two());
    }

    #[test]
    fn rights_beyond_what_is_needed_are_refused() {
        let fit = KeyRights {
            withdraw: false,
            transfer: false,
            trade: true,
            address_bound: false,
            created: None,
        };
        let rules = KeyRules::default();
        assert_eq!(rules.refusal(KeyRole::All, fit), None);
        let reads = KeyRights { trade: false, ..fit };
        assert_eq!(rules.refusal(KeyRole::Read, reads), None);
        assert_eq!(rules.refusal(KeyRole::Trade, reads), Some("it cannot trade"));
        let withdraws = KeyRights { withdraw: true, ..fit };
        assert_eq!(rules.refusal(KeyRole::Read, withdraws), Some("it can withdraw money"));
        assert!(rules.refusal(KeyRole::All, KeyRights { transfer: true, ..fit }).is_some());
        let bound = KeyRules { any_address: false, ..rules };
        assert!(bound.refusal(KeyRole::All, fit).is_some());
        assert_eq!(bound.refusal(KeyRole::All, KeyRights { address_bound: true, ..fit }), None);
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let signer = key("canary");
        let offer = KeyOffer {
            number: 3,
            role: KeyRole::All,
            signer: Arc::clone(&signer),
            rules: KeyRules::default(),
        };
        let shown = format!("{offer:?} {:?} {:?}", Keys::one(signer), KeyName::new("canary"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
