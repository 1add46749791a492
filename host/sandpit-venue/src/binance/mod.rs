//! Binance: Spot and USDⓈ-M futures.
//!
//! All of it is pure: `request` and `sign` turn what is asked into bytes, `response`, `stream` and
//! `filters` turn bytes into messages and these into the core's terms, `error_code` says what an
//! answer proves, `limits` keeps count of what may still be asked. Time, keys and sockets are
//! arguments.

pub mod client_id;
pub mod error_code;
pub mod filters;
pub mod gate;
pub mod hosts;
pub mod limits;
pub mod market;
pub mod request;
pub mod response;
pub mod sign;
pub mod spot;
pub mod stream;
pub mod trading;
pub mod usdm;
pub mod words;

mod number;
mod proof;
mod text;
mod time;
mod tuning;

pub use number::{Amount, NumberError, decimal};
pub use proof::{KeySettings, PROOF_TIMEOUT_MAX, PROOFS_MAX, RIGHTS_EVERY_MIN};
pub use text::Text;
pub use tuning::{ClockTuning, Connections, Retries, Tuning, TuningError};
