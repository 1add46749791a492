//! Binance USDⓈ-M futures: perpetuals whose wins and losses are in their quote asset, on an account in
//! one-way mode.
//!
//! What is the same as on Spot is shared with it: signatures and parameters, numbers, text, our ids,
//! how answers are judged, market streams, and the gate that everything asked passes. Here is what is
//! not: `endpoint`, `request` and `response`, `words`, the codes of errors, `convert` to the core's
//! terms, `hosts` and `settings`, and the `machine` that puts it together.

mod machine;

pub mod convert;
pub mod endpoint;
pub mod error_code;
pub mod hosts;
pub mod request;
pub mod response;
pub mod settings;
pub mod words;

pub use machine::Usdm;
