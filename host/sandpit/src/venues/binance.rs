//! Binance as a connection.

use sandpit_core::{engine::VenueCapabilities, time::Nanos};
use sandpit_plugin::Mode;
use sandpit_venue::{
    binance::{
        Tuning,
        hosts::{Environment, Hosts, OtherHosts},
        limits::Reserves,
        market::TradeStream,
        request::CAPABILITIES,
        spot::{Spot, SpotSettings},
        usdm::{
            Usdm,
            hosts::{Environment as UsdmEnvironment, Hosts as UsdmHosts},
            request::{CAPABILITIES as USDM_CAPABILITIES, MarginMode as UsdmMargin},
            settings::{Countdown, Settings as UsdmSettings, SymbolSettings},
        },
    },
    client::{ClientSettings, Proxy},
    machine::Machine,
};

use super::VenuesError;
use crate::{
    config::{ConfigError, Exchange, MarginMode, TradesOf, VenueConfig},
    keys::SessionKeys,
    session::Connection,
};

/// A connection in this mode, and with a key only where there are orders.
pub(super) fn connection(
    venue: &VenueConfig,
    mode: Mode,
    keys: Option<SessionKeys>,
    rights_every: Nanos,
) -> Result<Connection, VenuesError> {
    let (machine, capabilities, hosts) = match venue.exchange {
        Exchange::BinanceSpot => spot(venue, mode, keys.as_ref(), rights_every)?,
        Exchange::BinanceUsdm => usdm(venue, mode, keys.as_ref(), rights_every)?,
    };
    let mut settings = ClientSettings::new(hosts);
    settings.authorities.clone_from(&venue.ca_file);
    settings.proxy = venue
        .proxy
        .as_deref()
        .map(Proxy::parse)
        .transpose()
        .map_err(|error| ConfigError::new(format!("`venue.proxy`: {error}")))?;
    Ok(Connection { machine, settings, capabilities, mode, keys })
}

type Made = (Box<dyn Machine + Send>, VenueCapabilities, Vec<String>);

fn spot(
    venue: &VenueConfig,
    mode: Mode,
    keys: Option<&SessionKeys>,
    rights_every: Nanos,
) -> Result<Made, VenuesError> {
    let environment = match (&venue.hosts, mode) {
        (Some(hosts), _) => Environment::Other(OtherHosts {
            rest: hosts.rest.clone(),
            wallet: hosts.wallet.clone(),
            stream: hosts.stream.clone(),
            socket: hosts.ws_api.clone(),
        }),
        (None, Mode::Testnet) => Environment::Testnet,
        (None, Mode::Backtest | Mode::Paper | Mode::Live) => Environment::Production,
    };
    let Hosts { rest, wallet, stream, socket } = environment.hosts();
    let hosts = places(rest.iter().chain(&wallet).chain([&stream]).chain(&socket))?;
    let refuse = |error: &dyn std::fmt::Display| ConfigError::new(format!("`venue`: {error}"));
    let mut settings =
        SpotSettings::new(environment, venue.symbols.clone()).map_err(|error| refuse(&error))?;
    settings.gate.recv_window_ms =
        u32::try_from(venue.recv_window.0 / 1_000_000).unwrap_or(u32::MAX);
    settings = settings.tune(&tuning(venue, rights_every)).map_err(|error| refuse(&error))?;
    settings.market.trades = match venue.trades {
        TradesOf::Aggregates => TradeStream::Aggregates,
        TradesOf::Singles => TradeStream::Singles,
    };
    let keys = keys.and_then(SessionKeys::for_venue);
    let machine = Spot::with_keys(settings, keys).map_err(|error| refuse(&error))?;
    Ok((Box::new(machine), CAPABILITIES, hosts))
}

fn usdm(
    venue: &VenueConfig,
    mode: Mode,
    keys: Option<&SessionKeys>,
    rights_every: Nanos,
) -> Result<Made, VenuesError> {
    if venue.hosts.is_some() {
        let error = ConfigError::new("there are no other hosts for binance-usdm")
            .help("leave [venue.hosts] out");
        return Err(error.into());
    }
    let hosts = UsdmHosts::official(match mode {
        Mode::Testnet => UsdmEnvironment::Testnet,
        Mode::Backtest | Mode::Paper | Mode::Live => UsdmEnvironment::Production,
    });
    let all = hosts.rest.iter().chain(&hosts.wallet);
    let all = all.chain([&hosts.socket, &hosts.public, &hosts.market, &hosts.private]);
    let places = places(all)?;
    let margin = match venue.futures.margin {
        MarginMode::Isolated => UsdmMargin::Isolated,
        MarginMode::Crossed => UsdmMargin::Cross,
    };
    let symbol = |symbol: &String| SymbolSettings {
        symbol: symbol.clone(),
        leverage: venue.futures.leverage.into(),
        margin,
    };
    let symbols = venue.symbols.iter().map(symbol).collect();
    let mut settings = UsdmSettings::new(hosts, symbols);
    settings.countdown = venue
        .futures
        .dead_man
        .map(|after| Countdown { ms: after.0 / 1_000_000, orders_stay: true });
    settings.ed25519 = keys.is_some_and(SessionKeys::are_ed25519);
    let refuse = |error: &dyn std::fmt::Display| ConfigError::new(format!("`venue`: {error}"));
    let settings = settings.tune(&tuning(venue, rights_every)).map_err(|error| refuse(&error))?;
    let machine = Usdm::with_keys(settings, keys.and_then(SessionKeys::for_venue))
        .map_err(|error| refuse(&error))?;
    Ok((Box::new(machine), USDM_CAPABILITIES, places))
}

/// How patiently it is asked, with all that the configuration has elsewhere.
fn tuning(venue: &VenueConfig, rights_every: Nanos) -> Tuning {
    let mut tuning = venue.tuning;
    tuning.reserves = Reserves {
        kill_permille: venue.reserves.kill_permille,
        reconcile_permille: venue.reserves.reconcile_permille,
        orders_permille: venue.reserves.orders_permille,
    };
    tuning.keys.rights_every = Some(rights_every);
    tuning
}

/// Host and port of everything that may be connected.
fn places<'a>(urls: impl Iterator<Item = &'a String>) -> Result<Vec<String>, ConfigError> {
    let mut places = urls.map(|url| place(url)).collect::<Result<Vec<_>, _>>()?;
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

fn place(url: &str) -> Result<String, ConfigError> {
    let refuse = || {
        ConfigError::new("an address under [venue.hosts] cannot be read")
            .help("write scheme://host:port, with https and wss for another machine than this one")
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(refuse)?;
    let port = match scheme {
        "https" | "wss" => 443,
        "http" | "ws" => 80,
        _ => return Err(refuse()),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // An address of version 6 has colons within its brackets.
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    if host.is_empty() || host.contains('@') {
        return Err(refuse());
    }
    let place = if has_port { host.to_owned() } else { format!("{host}:{port}") };
    if port == 80 && !is_near(&place) {
        return Err(ConfigError::new(format!(
            "{place} is another machine, and is to be asked in the clear"
        ))
        .help("write https and wss: only this machine is asked without TLS"));
    }
    Ok(place)
}

/// Whether host and port are of this machine.
fn is_near(place: &str) -> bool {
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: std::net::IpAddr| address.is_loopback();
    host == "localhost" || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_hosts_with_ports() {
        for (url, expected) in [
            ("https://api.binance.com", "api.binance.com:443"),
            ("wss://stream.binance.com:9443/stream", "stream.binance.com:9443"),
            ("ws://127.0.0.1/x", "127.0.0.1:80"),
            ("ws://[::1]:8787/stream", "[::1]:8787"),
            ("http://[::1]", "[::1]:80"),
        ] {
            assert_eq!(place(url).unwrap(), expected);
        }
        for url in ["http://192.0.2.1", "ws://example.com:80/stream", "http://localhost.example"] {
            let error = place(url).unwrap_err();
            assert!(error.message.contains("in the clear"), "{url}: {}", error.message);
        }
        assert_eq!(place("http://localhost:8787").unwrap(), "localhost:8787");
        for url in ["", "api.binance.com", "ftp://a", "https://", "https://user:pass@host"] {
            assert!(place(url).is_err(), "{url}");
        }
    }
}
