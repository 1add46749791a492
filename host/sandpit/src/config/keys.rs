//! `[keys]`: how the keys of a session are looked after. Where the key that trades is, is said under
//! `[venue]`. Nothing of it changes what a strategy does, so it is not part of a run's canonical form.

use std::ops::Range;

use sandpit_core::time::Nanos;
use sandpit_secrets::AgeLimits;
use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;

type Misplaced = (Range<usize>, ConfigError);

/// The longest time between two looks at a source, or at what a key may do: a day.
const PAUSE_S_MAX: u64 = 86_400;
/// The shortest time between two questions of what a key may do: each costs of the venue's limits.
const RIGHTS_S_MIN: u64 = 60;
/// The largest age that can be set, in days.
const AGE_DAYS_MAX: u32 = 3_650;
/// Bytes of an account's name.
const ACCOUNT_BYTES_MAX: usize = 64;

/// What follows where a key works from every address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnyAddress {
    /// It is said.
    #[default]
    Warn,
    /// The key is refused.
    Refuse,
}

/// How keys are looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysConfig {
    /// Where a key is that only reads: questions and own events are its, and the key of `[venue]`
    /// does nothing but trade.
    pub read: Option<String>,
    /// The operator's name of the account, where the key's URI does not say one: no two accounts
    /// share a key.
    pub account: Option<String>,
    /// How often the source is asked whether there is a new key.
    pub poll: Nanos,
    /// How often the venue is asked what the keys may do.
    pub rights_every: Nanos,
    /// When a key is too old.
    pub ages: AgeLimits,
    /// What follows where a key works from every address.
    pub any_address: AnyAddress,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            read: None,
            account: None,
            poll: Nanos(60 * Nanos::SECOND.0),
            rights_every: Nanos(3_600 * Nanos::SECOND.0),
            ages: AgeLimits::default(),
            any_address: AnyAddress::default(),
        }
    }
}

/// `[keys]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeysFile {
    read: Option<String>,
    account: Option<Spanned<String>>,
    poll_s: Option<Spanned<u64>>,
    rights_s: Option<Spanned<u64>>,
    warn_days: Option<Spanned<u32>>,
    alert_days: Option<Spanned<u32>>,
    #[serde(default)]
    any_address: AnyAddress,
}

impl KeysFile {
    pub(super) fn resolve(self) -> Result<KeysConfig, Misplaced> {
        let default = KeysConfig::default();
        let poll = seconds(self.poll_s, 1, default.poll)?;
        let rights_every = seconds(self.rights_s, RIGHTS_S_MIN, default.rights_every)?;
        let end = self.alert_days.as_ref().map(Spanned::span);
        let warn_days = days(self.warn_days, default.ages.warn_days)?;
        let alert_days = days(self.alert_days, default.ages.alert_days.max(warn_days))?;
        if alert_days < warn_days {
            let message = format!("an alert after {alert_days} days comes before the warning");
            return Err((end.unwrap_or_default(), ConfigError::new(message)));
        }
        Ok(KeysConfig {
            read: self.read,
            account: self.account.map(account).transpose()?,
            poll,
            rights_every,
            ages: AgeLimits { warn_days, alert_days },
            any_address: self.any_address,
        })
    }
}

fn seconds(said: Option<Spanned<u64>>, min: u64, default: Nanos) -> Result<Nanos, Misplaced> {
    let Some(said) = said else {
        return Ok(default);
    };
    let (span, seconds) = (said.span(), said.into_inner());
    if !(min..=PAUSE_S_MAX).contains(&seconds) {
        let message = format!("{seconds} is not from {min} to {PAUSE_S_MAX}");
        return Err((span, ConfigError::new(message)));
    }
    Ok(Nanos(seconds.saturating_mul(Nanos::SECOND.0)))
}

fn days(said: Option<Spanned<u32>>, default: u32) -> Result<u32, Misplaced> {
    let Some(said) = said else {
        return Ok(default);
    };
    let (span, days) = (said.span(), said.into_inner());
    if !(1..=AGE_DAYS_MAX).contains(&days) {
        let message = format!("{days} is not from 1 to {AGE_DAYS_MAX}");
        return Err((span, ConfigError::new(message)));
    }
    Ok(days)
}

fn account(said: Spanned<String>) -> Result<String, Misplaced> {
    let (span, account) = (said.span(), said.into_inner());
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=ACCOUNT_BYTES_MAX).contains(&account.len()) || !account.bytes().all(is_known) {
        let message = format!("an account's name is 1 to {ACCOUNT_BYTES_MAX} of a-z, 0-9 and `-`");
        return Err((span, ConfigError::new(message)));
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Overrides, parse};

    fn keys(lines: &str) -> Result<KeysConfig, String> {
        let text = format!(
            "version = 1\n[keys]\n{lines}\n[venue]\nexchange = \"binance-spot\"\n\
             symbols = [\"BTCUSDT\"]\n[[plugins]]\nname = \"a\"\ncomponent = \"a.wasm\"\nbudget = 1\n"
        );
        parse(Path::new("run.toml"), &text, &Overrides::default())
            .map(|config| config.keys)
            .map_err(|error| error.message)
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        let said = keys("").unwrap();
        assert_eq!(said, KeysConfig::default());
        assert_eq!((said.ages.warn_days, said.ages.alert_days), (90, 180));
        // A warning that comes later than the alert would have takes the alert with it.
        assert_eq!(keys("warn_days = 300").unwrap().ages.alert_days, 300);
    }

    #[test]
    fn everything_has_bounds() {
        let said = keys(
            "read = \"env://main/live/read\"\naccount = \"main\"\npoll_s = 1\nrights_s = 60\n\
             warn_days = 1\nalert_days = 2\nany_address = \"refuse\"",
        );
        let said = said.unwrap();
        assert_eq!(said.read.as_deref(), Some("env://main/live/read"));
        assert_eq!((said.poll, said.rights_every), (Nanos::SECOND, Nanos(60 * Nanos::SECOND.0)));
        assert_eq!(said.any_address, AnyAddress::Refuse);
        for line in [
            "poll_s = 0",
            "poll_s = 86401",
            "rights_s = 59",
            "warn_days = 0",
            "alert_days = 3651",
            "warn_days = 5\nalert_days = 4",
            "any_address = \"maybe\"",
            "account = \"\"",
            "account = \"A/B\"",
            "misspelled = 1",
        ] {
            assert!(keys(line).is_err(), "{line}");
        }
    }
}
