//! The HTTP interface from outside, over a session written by hand.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![expect(unreachable_pub, reason = "the fake session is shared with an example")]

mod browser;
mod client;
mod events;
mod fake;
mod gate;
mod openapi;
mod tls;
mod world;
