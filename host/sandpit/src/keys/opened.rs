//! The keys of one session: one for everything, or one that trades and one that reads.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use sandpit_plugin::Mode;
use sandpit_secrets::{
    Care, Claim, Clock, Keeper, KeeperPolicy, KeyKind, Proven, SigningKey, check_purposes,
    check_separation,
};
use sandpit_venue::keys::{KeyRole, Keys, SharedSigner, Signer};
use sha2::{Digest, Sha256};

use super::{
    KeysError, Ledger,
    place::{Place, Version, mode_name},
};
use crate::{
    backtest,
    config::{AnyAddress, KeysConfig},
};

/// Bytes of a hash by which keys are told apart.
const FINGERPRINT_BYTES: usize = 8;

/// By what a key is known where people read: a hash of the exchange's name for it.
pub(crate) fn fingerprint(key: &SigningKey) -> String {
    let hash = Sha256::digest(key.api_key().as_bytes());
    backtest::hex(hash.get(..FINGERPRINT_BYTES).unwrap_or_default())
}

/// Signs what goes to an exchange, with one key as long as it lives.
pub(crate) struct KeySigner(pub(crate) Arc<SigningKey>);

impl Signer for KeySigner {
    fn api_key(&self) -> &str {
        self.0.api_key()
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        self.0.sign_into(payload, out);
    }
}

/// Whose a key is.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) account: String,
    pub(super) mode: &'static str,
    pub(super) ledger: Option<Ledger>,
}

impl Owner {
    /// Makes sure that the key is nobody else's on this machine.
    pub(super) fn claim(&self, key: &SigningKey) -> Result<(), super::LedgerError> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        ledger.claim(&fingerprint(key), &self.account, self.mode)
    }
}

/// One key with all that looks after it.
pub(super) struct Kept {
    pub(super) role: KeyRole,
    /// Where it is.
    pub(super) source: String,
    pub(super) keeper: Keeper,
    pub(super) version: Version,
}

/// The keys of one session.
pub struct SessionKeys {
    pub(super) kept: Vec<Kept>,
    pub(super) owner: Owner,
    pub(crate) mode: Mode,
    pub(crate) any_address: AnyAddress,
    pub(crate) hangup: Option<Arc<AtomicBool>>,
}

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionKeys").field("keys", &self.kept.len()).finish_non_exhaustive()
    }
}

impl SessionKeys {
    /// Fetches the keys. Whether the venue takes them is found out as the session begins.
    ///
    /// # Errors
    /// One cannot be had, is for another mode, or is another account's.
    pub(crate) fn open(
        trade: &str,
        config: &KeysConfig,
        mode: Mode,
        ledger: Option<PathBuf>,
    ) -> Result<Self, KeysError> {
        let mode_text = mode_name(mode).ok_or(KeysError::NotWanted)?;
        let trades = if config.read.is_some() { KeyRole::Trade } else { KeyRole::All };
        let place = Place::parse("venue.key", trade, Care::Refuse)?;
        place.check_mode(mode)?;
        let account = place.account(config.account.as_deref());
        let owner = Owner { account, mode: mode_text, ledger: ledger.map(Ledger::new) };
        let mut kept = vec![fetch(&place, trades, config)?];
        if let Some(read) = &config.read {
            let place = Place::parse("keys.read", read, Care::Refuse)?;
            place.check_mode(mode)?;
            kept.push(fetch(&place, KeyRole::Read, config)?);
        }
        let keys: Vec<_> = kept.iter().map(|kept| kept.keeper.handle().current()).collect();
        let claims: Vec<_> = keys
            .iter()
            .map(|key| Claim { account: &owner.account, mode: mode_text, key: key.as_ref() })
            .collect();
        check_separation(&claims)?;
        if let [trade, read] = claims.as_slice() {
            check_purposes(read, trade)?;
        }
        for key in &keys {
            owner.claim(key)?;
            if !key.is_locked_in_memory() {
                tracing::warn!(
                    "the system does not keep the key out of swap; `ulimit -l` may be too low"
                );
            }
        }
        Ok(Self { kept, owner, mode, any_address: config.any_address, hangup: None })
    }

    /// What a connection signs with at first.
    pub(crate) fn for_venue(&self) -> Option<Keys> {
        let signer =
            |kept: &Kept| -> SharedSigner { Arc::new(KeySigner(kept.keeper.handle().current())) };
        match self.kept.as_slice() {
            [one] => Some(Keys::one(signer(one))),
            [trade, read] => Some(Keys::two(signer(trade), signer(read))),
            _ => None,
        }
    }

    /// Whether Binance lets a connection log in with these.
    pub(crate) fn are_ed25519(&self) -> bool {
        let is_ed25519 = |kept: &Kept| kept.keeper.handle().current().kind() == KeyKind::Ed25519;
        self.kept.iter().all(is_ed25519)
    }

    /// New keys are fetched whenever this is set.
    pub fn on_hangup(&mut self, flag: Arc<AtomicBool>) {
        self.hangup = Some(flag);
    }
}

fn fetch(place: &Place, role: KeyRole, config: &KeysConfig) -> Result<Kept, KeysError> {
    let policy = KeeperPolicy { poll: Duration::from_nanos(config.poll.0), ages: config.ages };
    let source = place.source()?;
    let version = source.version();
    let source_name = place.uri.to_string();
    // The venue's word on it comes with the session's first question.
    let mut unproven = |_: &Arc<SigningKey>| Ok(Proven::default());
    let now = Clock::system().now();
    let keeper = Keeper::open(&source_name, Box::new(source), policy, now, &mut unproven)?;
    Ok(Kept { role, source: source_name, keeper, version })
}
