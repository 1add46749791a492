//! One key, one account, one mode. A key that serves two ends up in two limits, and neither holds.

use crate::SigningKey;

/// An account that uses a key.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The operator's name for the account.
    pub account: &'a str,
    /// `testnet`, `live`, or another mode's name.
    pub mode: &'a str,
    /// The key.
    pub key: &'a SigningKey,
}

/// A key is used twice.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key {key} is that of {first} and of {second}: every account and every mode needs a key of \
     its own"
)]
pub struct SharedKey {
    /// Its first characters.
    pub key: String,
    /// Account and mode.
    pub first: String,
    /// Account and mode.
    pub second: String,
}

/// A key for reading that trades, or the reverse.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{account}: the key for reading, {key}, is the one that trades: make one without the right to \
     trade, or name the trading key alone"
)]
pub struct OnePurpose {
    /// Account and mode.
    pub account: String,
    /// Its first characters.
    pub key: String,
}

/// Checks that an account's key for reading is another one than that for trading: else whoever gets
/// the one has both, and the separation stands on paper.
///
/// # Errors
/// They are one.
pub fn check_purposes(read: &Claim<'_>, trade: &Claim<'_>) -> Result<(), OnePurpose> {
    if read.key.name() == trade.key.name() || read.key.has_secret_of(trade.key) {
        return Err(OnePurpose {
            account: format!("{}/{}", read.account, read.mode),
            key: read.key.name().to_string(),
        });
    }
    Ok(())
}

/// Checks that no two accounts and no two modes have one key. One account may use a key for several
/// purposes.
///
/// # Errors
/// A key is used twice.
pub fn check_separation(claims: &[Claim<'_>]) -> Result<(), SharedKey> {
    let place = |claim: &Claim<'_>| format!("{}/{}", claim.account, claim.mode);
    for (at, claim) in claims.iter().enumerate() {
        let earlier = claims.iter().take(at).find(|other| {
            // The name is the exchange's: two secrets of one name cannot both be right. And one
            // private half that two accounts registered is lost for both at once.
            (other.key.name() == claim.key.name() || other.key.has_secret_of(claim.key))
                && (other.account, other.mode) != (claim.account, claim.mode)
        });
        if let Some(earlier) = earlier {
            return Err(SharedKey {
                key: claim.key.name().to_string(),
                first: place(earlier),
                second: place(claim),
            });
        }
    }
    Ok(())
}
