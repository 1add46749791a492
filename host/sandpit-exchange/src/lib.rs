//! A simulated exchange that speaks Binance Spot's dialect: REST, market streams and the WebSocket
//! API on loopback, for accounts of its own, over a market from outside or its users' orders alone.
//!
//! `exchange` with `book`, `ledger`, `market` and `candles` is pure: time is an argument, events
//! come out. `api` turns parameters into calls of it and its answers into JSON, `streams` its
//! events; `limits` and `auth` say who may ask how much. `hub` puts them behind one lock, `server`
//! on sockets. `docs/venues/exchange.md` says what there is and what not.
//!
//! **It shares no code with the codecs that are tested against it**, on purpose: a mistake in one
//! would hide the same mistake in the other.

mod amount;
mod api;
mod auth;
mod book;
mod candles;
mod config;
mod exchange;
mod hub;
mod ledger;
mod limits;
mod market;
mod order;
mod params;
mod past;
mod refusal;
mod server;
mod streams;
mod symbol;
mod words;

pub use amount::{Amount, AmountError};
pub use config::{
    AccountConfig, Config, ConfigError, DEMO_API_KEY, DEMO_SECRET, HistoryConfig, KeyConfig,
    Limits, Secret, SymbolConfig,
};
pub use exchange::{Exchange, FeedError};
pub use hub::Clock;
pub use server::{Feed, ServeError, serve, system_clock};
