//! What an exchange is made of, as a person writes it in TOML: symbols, accounts with their keys,
//! limits. What is checked across entries is checked by [`crate::Exchange::new`].

use std::{collections::BTreeMap, fmt};

use sandpit_core::instrument::Instrument;
use serde::Deserialize;

use crate::amount::Amount;

/// Symbols at most.
pub(crate) const SYMBOLS_MAX: usize = 256;
/// Accounts at most.
pub(crate) const ACCOUNTS_MAX: usize = 256;
/// Keys of one account at most.
pub(crate) const KEYS_MAX: usize = 16;
/// Bytes of a key, a secret or a name.
pub(crate) const TEXT_BYTES_MAX: usize = 256;

/// A whole exchange.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Limits by address and by account.
    pub limits: Limits,
    /// Whether `/sandpit/v1/control` answers: what only whoever runs an exchange decides, for tests.
    pub control: bool,
    /// What may be traded; where it is empty, what the market feed has.
    #[serde(rename = "symbol")]
    pub symbols: Vec<SymbolConfig>,
    /// Who may trade; where it is empty, one account with the key that the venue's own
    /// documentation publishes.
    #[serde(rename = "account")]
    pub accounts: Vec<AccountConfig>,
}

/// How much may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Weight of requests in a minute, by address.
    pub weight_per_minute_max: u32,
    /// Requests in five minutes, by address.
    pub requests_per_5_minutes_max: u32,
    /// Orders that have not been filled in ten seconds, by account.
    pub orders_per_10_seconds_max: u32,
    /// Orders that have not been filled in a day, by account.
    pub orders_per_day_max: u32,
    /// Refusals with 429 within a minute until the address is banned.
    pub refusals_before_ban: u32,
    /// Length of the first ban; each further one is twice as long, up to three days.
    pub ban_s: u64,
    /// Connections of one address at a time.
    pub connections_max: u32,
    /// WebSocket connections that one address may begin in five minutes.
    pub connections_per_5_minutes_max: u32,
    /// Messages a second that a client may send on a market stream.
    pub stream_messages_per_second_max: u32,
    /// How long a WebSocket connection may last.
    pub connection_s_max: u64,
    /// How often a WebSocket connection is pinged.
    pub ping_s: u64,
    /// How long after its last pong a connection is cut off.
    pub pong_s_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            weight_per_minute_max: 6_000,
            requests_per_5_minutes_max: 300_000,
            orders_per_10_seconds_max: 100,
            orders_per_day_max: 200_000,
            refusals_before_ban: 10,
            ban_s: 120,
            connections_max: 300,
            connections_per_5_minutes_max: 300,
            stream_messages_per_second_max: 5,
            connection_s_max: 24 * 3_600,
            ping_s: 20,
            pong_s_max: 60,
        }
    }
}

/// One symbol with its rules. What is optional is absent as a filter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SymbolConfig {
    /// Such as `BTCUSDT`.
    pub name: String,
    /// What is traded.
    pub base: String,
    /// What it is paid with.
    pub quote: String,
    /// Smallest step of a price.
    pub price_tick: Amount,
    /// Smallest step of a quantity.
    pub quantity_step: Amount,
    /// Least quantity of an order.
    pub quantity_min: Amount,
    /// Largest quantity of an order.
    pub quantity_max: Amount,
    /// Largest quantity of a market order; as others where it is not said.
    #[serde(default)]
    pub market_quantity_max: Option<Amount>,
    /// Least worth of an order.
    pub notional_min: Amount,
    /// Largest worth of an order.
    #[serde(default)]
    pub notional_max: Option<Amount>,
    /// Fraction of what a maker gets that the exchange keeps.
    #[serde(default = "fee_default")]
    pub maker_fee: Amount,
    /// Fraction of what a taker gets that the exchange keeps.
    #[serde(default = "fee_default")]
    pub taker_fee: Amount,
    /// Prices may be this many times the average price, or that divided by it.
    #[serde(default = "percent_default")]
    pub price_factor_max: Amount,
    /// Open orders of one account.
    #[serde(default = "orders_default")]
    pub orders_max: u32,
    /// Open orders of one account that wait for a trigger.
    #[serde(default = "algo_default")]
    pub algo_orders_max: u32,
    /// Open lists of one account.
    #[serde(default = "lists_default")]
    pub lists_max: u32,
    /// Amends of one order.
    #[serde(default = "amends_default")]
    pub amends_max: u32,
    /// What an account may have of the base asset.
    #[serde(default)]
    pub position_max: Option<Amount>,
    /// Self-trade prevention where an order does not say: `NONE`, `EXPIRE_TAKER`, `EXPIRE_MAKER`,
    /// `EXPIRE_BOTH` or `DECREMENT`.
    #[serde(default = "stp_default")]
    pub self_trade_prevention: String,
    /// Whether it trades: `TRADING`, `CANCEL_ONLY`, `BREAK`, `HALT` or `END_OF_DAY`.
    #[serde(default = "status_default")]
    pub status: String,
    /// What went before the exchange began.
    #[serde(default)]
    pub history: Option<HistoryConfig>,
}

/// Minutes before the begin of the exchange, made up: bars for those who ask for the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryConfig {
    /// How many; at most 100,000.
    pub minutes: u32,
    /// The price with which they end.
    pub price: Amount,
    /// Of the way that the price took.
    #[serde(default)]
    pub seed: u64,
}

const fn fee_default() -> Amount {
    Amount(Amount::ONE.0 / 1_000)
}

const fn percent_default() -> Amount {
    Amount(5 * Amount::ONE.0)
}

const fn orders_default() -> u32 {
    200
}

const fn algo_default() -> u32 {
    5
}

const fn lists_default() -> u32 {
    20
}

const fn amends_default() -> u32 {
    10
}

fn stp_default() -> String {
    "EXPIRE_MAKER".to_owned()
}

fn status_default() -> String {
    "TRADING".to_owned()
}

impl SymbolConfig {
    /// The rules of an instrument of the host, traded as spot. `None` where its numbers have more
    /// than eight digits after the point.
    #[must_use]
    pub fn of(instrument: &Instrument) -> Option<Self> {
        let spec = instrument.spec();
        let fee = |rate: i64| Amount(i128::from(rate.max(0)) / 10_000);
        Some(Self {
            name: spec.symbol.clone(),
            base: spec.base.clone(),
            quote: spec.quote.clone(),
            price_tick: Amount::from_decimal(spec.price_tick)?,
            quantity_step: Amount::from_decimal(spec.quantity_step)?,
            quantity_min: Amount::from_decimal(spec.min_quantity)?,
            quantity_max: Amount::from_decimal(spec.max_quantity)?,
            market_quantity_max: None,
            notional_min: Amount::from_decimal(spec.min_notional)?,
            notional_max: None,
            maker_fee: fee(spec.maker_fee.0),
            taker_fee: fee(spec.taker_fee.0),
            price_factor_max: percent_default(),
            orders_max: orders_default(),
            algo_orders_max: algo_default(),
            lists_max: lists_default(),
            amends_max: amends_default(),
            position_max: None,
            self_trade_prevention: stp_default(),
            status: status_default(),
            history: None,
        })
    }
}

/// One account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// What the log calls it.
    pub name: String,
    /// What it has at the start, by asset.
    #[serde(default)]
    pub balances: BTreeMap<String, Amount>,
    /// Whether fees are paid in BNB, a quarter off, as long as it has enough of it and BNB has a
    /// price in the quote asset.
    #[serde(default)]
    pub fees_in_bnb: bool,
    /// Its keys.
    #[serde(rename = "key", default)]
    pub keys: Vec<KeyConfig>,
}

/// One key of an account: either a shared secret or a public key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// What goes in `X-MBX-APIKEY`.
    pub api_key: String,
    /// The secret of HMAC-SHA256.
    #[serde(default)]
    pub hmac_secret: Option<Secret>,
    /// The public key of Ed25519: the 32 bytes in base64, or a PEM.
    #[serde(default)]
    pub ed25519_public_key: Option<String>,
    /// Whether it may trade. Reading is always allowed.
    #[serde(default = "yes")]
    pub trading: bool,
    /// Whether it says of itself that it may withdraw; this exchange has no withdrawals.
    #[serde(default)]
    pub withdrawals: bool,
    /// Whether it says of itself that it may move money between accounts; there is one kind here.
    #[serde(default)]
    pub transfers: bool,
    /// Whether it says of itself that it is bound to addresses.
    #[serde(default)]
    pub ip_restricted: bool,
    /// When it was made, as it says of itself, in milliseconds since 1970.
    #[serde(default = "created_default")]
    pub created_ms: u64,
}

impl KeyConfig {
    /// A key that may trade, without a secret or a public key yet.
    #[must_use]
    pub fn new(api_key: impl Into<String>) -> Self {
        Self {
            api_key: api_key.into(),
            hmac_secret: None,
            ed25519_public_key: None,
            trading: true,
            withdrawals: false,
            transfers: false,
            ip_restricted: false,
            created_ms: created_default(),
        }
    }
}

/// 2020-09-13.
const fn created_default() -> u64 {
    1_600_000_000_000
}

const fn yes() -> bool {
    true
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text to itself.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Why a text is no exchange.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is no TOML, or says what nobody asked.
    #[error("the description of the exchange cannot be read")]
    Malformed(#[source] Box<toml::de::Error>),
    /// Something in it makes no sense.
    #[error("{what} `{name}`: {problem}")]
    Wrong {
        /// Kind of entry.
        what: &'static str,
        /// Which.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl ConfigError {
    pub(crate) fn wrong(what: &'static str, name: &str, problem: &'static str) -> Self {
        Self::Wrong { what, name: name.chars().take(64).collect(), problem }
    }
}

impl Config {
    /// Reads TOML.
    ///
    /// # Errors
    /// It is no TOML, a key is unknown, or a number cannot be read. The error never shows a secret.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|mut error| {
            // The error would show the line it is about, secrets included.
            error.set_input(None);
            ConfigError::Malformed(Box::new(error))
        })
    }

    /// Adds what is missing: symbols from instruments, and an account to try things with. Its key
    /// and secret are those that the venue's documentation publishes.
    #[must_use]
    pub fn with_defaults(mut self, instruments: &[Instrument]) -> Self {
        if self.symbols.is_empty() {
            self.symbols = instruments.iter().filter_map(SymbolConfig::of).collect();
        }
        if self.symbols.is_empty() {
            self.symbols = vec![pair("BTC", "0.01", "0.00001"), pair("ETH", "0.01", "0.0001")];
        }
        if self.accounts.is_empty() {
            self.accounts = vec![demo_account(&self.symbols)];
        }
        self
    }
}

fn number(text: &str) -> Amount {
    Amount::parse(text).unwrap_or_default()
}

fn pair(base: &str, tick: &str, step: &str) -> SymbolConfig {
    SymbolConfig {
        name: format!("{base}USDT"),
        base: base.to_owned(),
        quote: "USDT".to_owned(),
        price_tick: number(tick),
        quantity_step: number(step),
        quantity_min: number(step),
        quantity_max: number("9000"),
        market_quantity_max: Some(number("100")),
        notional_min: number("5"),
        notional_max: Some(number("9000000")),
        maker_fee: fee_default(),
        taker_fee: fee_default(),
        price_factor_max: percent_default(),
        orders_max: orders_default(),
        algo_orders_max: algo_default(),
        lists_max: lists_default(),
        amends_max: amends_default(),
        position_max: None,
        self_trade_prevention: stp_default(),
        status: status_default(),
        history: None,
    }
}

/// The published example key of the venue's documentation: worthless, and known to everyone.
pub const DEMO_API_KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
/// Its secret, published beside it.
pub const DEMO_SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

fn demo_account(symbols: &[SymbolConfig]) -> AccountConfig {
    let mut balances = BTreeMap::new();
    for symbol in symbols {
        balances.insert(symbol.base.clone(), number("100"));
    }
    for symbol in symbols {
        balances.insert(symbol.quote.clone(), number("1000000"));
    }
    AccountConfig {
        name: "demo".to_owned(),
        balances,
        fees_in_bnb: false,
        keys: vec![KeyConfig {
            hmac_secret: Some(Secret::new(DEMO_SECRET)),
            ..KeyConfig::new(DEMO_API_KEY)
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_show_a_secret() {
        let text = "[[account]]\nname = \"a\"\n[[account.key]]\napi_key = \"k\"\nhmac_secret = 'topsecret'\nwrong = 1\n";
        let error = Config::parse(text).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("topsecret"), "{shown}");
        let config = Config::parse(&text.replace("wrong = 1\n", "")).unwrap();
        assert!(!format!("{config:?}").contains("topsecret"));
    }

    #[test]
    fn defaults_are_a_whole_exchange() {
        let config = Config::default().with_defaults(&[]);
        assert_eq!(config.symbols.len(), 2);
        assert_eq!(config.accounts[0].balances["USDT"], number("1000000"));
    }
}
