//! What is set about a connection to Spot.

use sandpit_core::time::Nanos;

use crate::binance::{
    KeySettings, Tuning, TuningError,
    gate::{GateSettings, SocketSettings, Wish},
    hosts::Environment,
    market,
    request::{Request, RequestError},
    trading,
};

/// Numbers for the connections of the gate.
const GATE_LINKS: std::ops::Range<u32> = 0..16;
/// Numbers for the connections of market data.
const MARKET_LINKS: std::ops::Range<u32> = 16..272;
/// Symbols of one connection; each counts by its name in one question.
pub const SYMBOLS_MAX: usize = 64;

/// The venue's pause between two pings.
const PINGS_EVERY: Nanos = Nanos(20 * Nanos::SECOND.0);

/// Everything that is set. Make one with [`SpotSettings::new`], and change what is to be otherwise.
#[derive(Clone, Debug)]
pub struct SpotSettings {
    /// Which exchange.
    pub environment: Environment,
    /// Which symbols, 1 to [`SYMBOLS_MAX`], none twice. The first is instrument 0.
    pub symbols: Vec<String>,
    /// Whether a connection logs in, so that orders on it carry no signature. Ed25519 keys only;
    /// Binance refuses it of others.
    pub logon: bool,
    /// How things are asked.
    pub gate: GateSettings,
    /// Keys.
    pub keys: KeySettings,
    /// Market data.
    pub market: market::Settings,
    /// Orders.
    pub trading: trading::Settings,
}

impl SpotSettings {
    /// As is right for most.
    ///
    /// # Errors
    /// None that can happen: the question for the time has no parameters.
    pub fn new(environment: Environment, symbols: Vec<String>) -> Result<Self, RequestError> {
        let hosts = environment.hosts();
        let mut gate = GateSettings::new(hosts.rest, GATE_LINKS, Wish::spot(&Request::Time)?);
        gate.wallet = hosts.wallet;
        gate.socket = Some(SocketSettings::new(hosts.socket, Vec::new()));
        let market = market::Settings::spot(&hosts.stream, MARKET_LINKS);
        let trading = trading::Settings::default();
        let keys = KeySettings::default();
        Ok(Self { environment, symbols, logon: false, gate, keys, market, trading })
    }

    /// The same, with what an operator sets.
    ///
    /// # Errors
    /// What is out of its bounds.
    pub fn tune(mut self, tuning: &Tuning) -> Result<Self, TuningError> {
        tuning.check(PINGS_EVERY)?;
        tuning.apply_to_gate(&mut self.gate);
        tuning.apply_to_market(&mut self.market);
        self.keys = tuning.keys;
        Ok(self)
    }

    /// With what a connection to the WebSocket API begins; nothing, and no such connection, where
    /// there is no key. Own events come by the key that reads, where there is one.
    pub(super) fn gate(&self, has_key: bool, has_two: bool) -> Result<GateSettings, RequestError> {
        let mut gate = self.gate.clone();
        let greeting: &[Request<'_>] = match (has_key, self.logon) {
            (false, _) => &[],
            (true, false) => &[Request::SubscribeSigned],
            (true, true) if has_two => &[Request::Logon, Request::SubscribeSigned],
            (true, true) => &[Request::Logon, Request::Subscribe],
        };
        let greeting = greeting.iter().map(Wish::spot).collect::<Result<_, _>>()?;
        gate.socket = gate.socket.filter(|_| has_key).map(|socket| SocketSettings {
            greeting,
            orders_need_it: true,
            ..socket
        });
        Ok(gate)
    }

    /// What is wrong with it; `None` where nothing is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let symbols = &self.symbols;
        if symbols.is_empty() || symbols.len() > SYMBOLS_MAX {
            return Some(format!("a connection has 1 to {SYMBOLS_MAX} symbols"));
        }
        let odd = |symbol: &&String| {
            symbol.is_empty() || !symbol.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if let Some(symbol) = symbols.iter().find(odd) {
            return Some(format!("`{symbol}` is no symbol"));
        }
        for (at, symbol) in symbols.iter().enumerate() {
            if symbols[..at].contains(symbol) {
                return Some(format!("`{symbol}` is named twice"));
            }
        }
        self.gate.problem().or_else(|| self.keys.problem()).map(str::to_owned)
    }
}
