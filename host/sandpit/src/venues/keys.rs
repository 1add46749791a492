//! An account's key, from where the configuration says it is to something that signs.

use std::{path::PathBuf, sync::Arc};

use sandpit_plugin::Mode;
use sandpit_secrets::{Care, Clock, Environment, KeyKind, KeyUri, SigningKey, source};
use sandpit_venue::binance::{gate::SharedSigner, sign::Signer};

use super::VenuesError;

/// Beside the caller; see `.env.example`.
const ENV_FILE: &str = ".env";

/// Signs what goes to Binance.
struct BinanceSigner(SigningKey);

impl Signer for BinanceSigner {
    fn api_key(&self) -> &str {
        self.0.api_key()
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        self.0.sign_into(payload, out);
    }
}

/// A key that signs, and how.
pub(super) struct Key {
    pub(super) signer: SharedSigner,
    /// With which Binance lets a connection log in.
    pub(super) ed25519: bool,
}

/// The key that a URI names. One that says of itself that it is for another mode is refused.
pub(super) fn key(uri: &str, mode: Mode) -> Result<Key, VenuesError> {
    let uri: KeyUri = uri.parse().map_err(VenuesError::KeyUri)?;
    if let KeyUri::Env(uri) = &uri {
        let wanted = match mode {
            Mode::Testnet => "testnet",
            Mode::Live => "live",
            Mode::Backtest | Mode::Paper => return Err(VenuesError::KeyNotWanted),
        };
        if uri.mode != wanted {
            return Err(VenuesError::KeyOfOtherMode { of: uri.mode.clone(), wanted });
        }
    }
    let environment = Environment::process().with_file(PathBuf::from(ENV_FILE), Care::Refuse);
    let mut source = source::open(&uri, &environment, Clock::system())?;
    let key = SigningKey::new(source.fetch()?.credential).map_err(VenuesError::Key)?;
    if !key.is_locked_in_memory() {
        tracing::warn!("the system does not keep the key out of swap; `ulimit -l` may be too low");
    }
    let ed25519 = key.kind() == KeyKind::Ed25519;
    Ok(Key { signer: Arc::new(BinanceSigner(key)), ed25519 })
}
