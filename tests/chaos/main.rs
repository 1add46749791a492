//! The exchange connection where everything goes wrong: a local exchange, a proxy between it and
//! whoever trades on it, another trader, and a comparison of everybody's books. Also our adapter's
//! codecs against all that the local exchange says.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod adapter;
mod client;
mod ledger;
mod proxy;
mod rehearsal;
mod sessions;
mod stage;
mod trader;
