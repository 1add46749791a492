//! From the configuration of an exchange to a connection: the key, the hosts, the protocol and how it
//! is set up. What is not official is said loudly, and what would be a danger is refused here, before
//! anything is sent.

mod binance;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use sandpit_plugin::Mode;
use sandpit_venue::{
    client::{Client, ClientError},
    machine::{KeyRights, Notice},
};

use crate::{
    config::{ConfigError, KeysConfig, MoneyLimits, RunConfig, VenueConfig, no_venue},
    keys::{KeysError, SessionKeys},
    session::Connection,
};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum VenuesError {
    /// What is configured cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no key.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// A connection for a session in this mode; `ledger` is the file that says which account uses which
/// key on this machine.
///
/// # Errors
/// Something is not configured as it has to be, or the key cannot be had.
pub fn connection(
    config: &RunConfig,
    mode: Mode,
    ledger: Option<PathBuf>,
) -> Result<Connection, VenuesError> {
    let venue = config.venue.as_ref().ok_or_else(no_venue)?;
    if mode == Mode::Live {
        require_limits(&config.account_limits, &venue.symbols)?;
    }
    let keys = match (mode, &venue.key) {
        (Mode::Backtest | Mode::Paper, _) => None,
        (Mode::Testnet | Mode::Live, Some(uri)) => {
            Some(SessionKeys::open(uri, &config.keys, mode, ledger)?)
        }
        (Mode::Testnet | Mode::Live, None) => {
            let error = ConfigError::new("nothing says where the key of the account is")
                .help("add `key` to [venue], for example key = \"env://main/testnet\"");
            return Err(error.into());
        }
    };
    warn_of_hosts(venue);
    binance::connection(venue, mode, keys, config.keys.rights_every)
}

/// A connection that only listens to markets.
///
/// # Errors
/// Something is not configured as it has to be.
pub fn market_connection(venue: &VenueConfig) -> Result<Connection, VenuesError> {
    warn_of_hosts(venue);
    binance::connection(venue, Mode::Paper, None, KeysConfig::default().rights_every)
}

/// What the exchange says that the keys of a connection may do; `None` where it has no such word.
///
/// # Errors
/// It does not take them, or says nothing in time; in words.
pub fn key_rights(connection: Connection) -> Result<Option<KeyRights>, String> {
    /// How long it may take to be connected.
    const OPEN_MAX: Duration = Duration::from_secs(30);
    const LOOK: Duration = Duration::from_millis(50);
    let words = |error: ClientError| error.to_string();
    let client = Client::start(connection.machine, connection.settings).map_err(words)?;
    let begin = Instant::now();
    let mut waits_for = "nothing was heard of it".to_owned();
    while begin.elapsed() < OPEN_MAX {
        while let Some(notice) = client.take_notice() {
            match notice {
                Notice::Opened(opened) => return Ok(opened.key),
                Notice::CannotOpen(why) => return Err(why),
                Notice::Waiting(what) => waits_for = what,
                _ => {}
            }
        }
        client.failure().map_or(Ok(()), |error| Err(words(error)))?;
        std::thread::sleep(LOOK);
    }
    Err(format!("there was no answer in {} s: {waits_for}", OPEN_MAX.as_secs()))
}

fn warn_of_hosts(venue: &VenueConfig) {
    if let Some(hosts) = &venue.hosts {
        tracing::warn!(
            rest = hosts.rest,
            stream = hosts.stream,
            ws_api = hosts.ws_api,
            "these are not the exchange's own hosts: whoever they belong to sees every order"
        );
    }
}

/// Real money needs two limits of the account: what may be lost in a day, and how large a position
/// may become.
fn require_limits(account: &MoneyLimits, symbols: &[String]) -> Result<(), ConfigError> {
    if account.guards.daily_loss.is_none() {
        return Err(ConfigError::new("a live session has no limit of what may be lost in a day")
            .help("add `daily_loss` under [account]; docs/operators/limits.md says how"));
    }
    let of_symbol = |symbol: &String| {
        let limits = account.instruments.get(symbol);
        limits.is_some_and(|limits| limits.position_quantity_max.is_some())
    };
    let bounded = account.position_notional_max.is_some()
        || account.gross_notional_max.is_some()
        || symbols.iter().all(of_symbol);
    if bounded {
        return Ok(());
    }
    Err(ConfigError::new("a live session has no limit of how large a position may become")
        .help("add `position_notional_max` under [account]"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Overrides, parse};

    fn config(account: &str) -> RunConfig {
        let text = format!(
            "version = 1\n[account]\n{account}\n[venue]\nexchange = \"binance-spot\"\n\
             symbols = [\"BTCUSDT\", \"ETHUSDT\"]\n[[plugins]]\nname = \"a\"\ncomponent = \"a.wasm\"\n\
             budget = 1\n"
        );
        parse(Path::new("run.toml"), &text, &Overrides::default()).unwrap()
    }

    fn refused(account: &str) -> Option<String> {
        let config = config(account);
        let symbols = &config.venue.as_ref().unwrap().symbols;
        require_limits(&config.account_limits, symbols).err().map(|error| error.message)
    }

    #[test]
    fn real_money_needs_a_daily_loss_and_a_largest_position() {
        let daily = "daily_loss = { amount = 100 }\n";
        let one = "[account.instruments.BTCUSDT]\nposition_quantity_max = 1\n";
        let both = format!("{one}[account.instruments.ETHUSDT]\nposition_quantity_max = 1\n");
        assert!(refused("").unwrap().contains("in a day"));
        assert!(refused("position_notional_max = 5").unwrap().contains("in a day"));
        assert!(refused(daily).unwrap().contains("position"));
        assert!(refused(&format!("{daily}{one}")).unwrap().contains("position"));
        for enough in ["position_notional_max = 5\n", "gross_notional_max = 5\n", &both] {
            assert_eq!(refused(&format!("{daily}{enough}")), None, "{enough}");
        }
    }
}
