//! The connection with real sockets on loopback, against small servers written here.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it says")]

mod faults;
mod frames;
mod latency;
mod probe;
mod proxies;
mod queues;
mod rest;
mod secrets;
mod servers;
mod tls;
