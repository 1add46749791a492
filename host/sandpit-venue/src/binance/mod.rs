//! Binance: Spot and USDⓈ-M futures.

pub mod stream;
