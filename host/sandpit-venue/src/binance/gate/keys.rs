//! The keys in use: which signs what, and whether anything of those before them is still in use.

use std::fmt;

use crate::{
    binance::request::{Endpoint, Security},
    keys::{KeyRole, Keys, Purpose, SharedSigner},
};

/// How often the key of each purpose was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epochs {
    read: u64,
    trade: u64,
}

impl Epochs {
    pub(super) const NONE: Self = Self { read: 0, trade: 0 };

    pub(super) const fn of(&self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::Read => self.read,
            Purpose::Trade => self.trade,
        }
    }
}

/// A key that is only tried, with what waits to be signed with it.
#[derive(Clone)]
pub(super) struct Tried(pub(super) SharedSigner);

impl fmt::Debug for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tried")
    }
}

/// For what an endpoint needs a key; `None` where it needs none. A connection is logged in with the
/// key that trades, so that orders on it need no signature.
pub(super) fn purpose(endpoint: &Endpoint) -> Option<Purpose> {
    const LOGON: Option<&str> = Some("session.logon");
    match endpoint.security {
        Security::Public => None,
        Security::Session => Some(Purpose::Trade),
        _ if endpoint.changes || endpoint.websocket == LOGON => Some(Purpose::Trade),
        _ => Some(Purpose::Read),
    }
}

/// See the head of this module.
#[derive(Debug)]
pub(super) struct Ring {
    keys: Option<Keys>,
    epochs: Epochs,
    /// The offer whose key took another's place, until nothing of the other is in use.
    retiring: Option<u64>,
    pub(super) changes: u64,
}

impl Ring {
    pub(super) const fn new(keys: Option<Keys>) -> Self {
        Self { keys, epochs: Epochs::NONE, retiring: None, changes: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_none()
    }

    pub(super) const fn are_two(&self) -> bool {
        match &self.keys {
            Some(keys) => keys.are_two(),
            None => false,
        }
    }

    pub(super) fn get(&self, purpose: Purpose) -> Option<&SharedSigner> {
        self.keys.as_ref().map(|keys| keys.get(purpose))
    }

    pub(super) const fn epochs(&self) -> Epochs {
        self.epochs
    }

    /// Puts another key in the place of one; nothing where there is none.
    pub(super) fn replace(&mut self, role: KeyRole, signer: SharedSigner, offer: u64) {
        let Some(keys) = &mut self.keys else { return };
        for purpose in keys.replace(role, signer) {
            match purpose {
                Purpose::Read => self.epochs.read += 1,
                Purpose::Trade => self.epochs.trade += 1,
            }
        }
        self.changes += 1;
        self.retiring = Some(offer);
    }

    pub(super) const fn is_retiring(&self) -> bool {
        self.retiring.is_some()
    }

    /// Nothing of an earlier key is in use: by which offer it was replaced.
    pub(super) const fn retired(&mut self) -> Option<u64> {
        self.retiring.take()
    }
}
