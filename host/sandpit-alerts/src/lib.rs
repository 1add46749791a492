//! What a person has to be told of, whom, and how.
//!
//! [`rules`] turns what happens into signals, [`desk`] turns signals into notices for lists of
//! channels, [`channels`] sends a notice, and [`service`] is the one thread that does it all. The
//! first two are pure: no clock, no socket, no chance, and time is an argument.
//!
//! Not here: what the host observes (`sandpit`), and where a secret comes from beyond a variable and a
//! file ([`secret::Secrets`] is the seam).
//!
//! **Invariant:** no text of a secret is in any `Debug`, `Display`, error or log line of this crate,
//! and none of what a server answers is repeated. What is said in an alert went through a
//! [`sandpit_secrets::Mask`].

mod bounded;
pub mod channels;
mod config;
pub mod desk;
mod exact;
pub mod rules;
pub mod secret;
pub mod service;
mod signal;
pub mod stamp;
mod text;

pub use bounded::{Amount, Whole};
pub use config::{AlertsConfig, CHANNELS_MAX, ConfigError};
pub use signal::{Change, Rule, Severity, Signal};
pub use text::{NAME_CHARS_MAX, Name, TEXT_CHARS_MAX, Text};

// For its features alone: what libraries log of addresses is not compiled.
use log as _;
