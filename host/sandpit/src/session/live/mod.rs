//! Sessions on a live market: the line to an exchange, what is kept of its market, and the two ways
//! to trade on it: at the venue itself, or at a simulated one that its market moves.

mod gauges;
mod link;
mod market;
mod open;
mod record;
mod tapes;
mod venue;

pub(super) use link::Link;
pub(super) use market::LiveMarket;
pub(super) use open::{Connected, connect, wanted};
pub use record::{Recorded, Recording, record};
pub(super) use tapes::Tapes;
pub(crate) use tapes::recorded_tapes;
pub(super) use venue::LiveVenue;

use sandpit_core::engine::VenueCapabilities;
use sandpit_plugin::Mode;
use sandpit_venue::{client::ClientSettings, machine::Machine};

use crate::keys::SessionKeys;

/// What is needed to be connected to an exchange.
pub struct Connection {
    /// Its protocol.
    pub machine: Box<dyn Machine + Send>,
    /// How the sockets are made.
    pub settings: ClientSettings,
    /// What it can keep and do by itself.
    pub capabilities: VenueCapabilities,
    /// What the orders are.
    pub mode: Mode,
    /// What looks after its keys; `None` without one.
    pub keys: Option<SessionKeys>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Where a session's orders go, and where its market comes from.
#[derive(Debug)]
pub enum Trading {
    /// To a simulated venue, whose market is recorded.
    Recorded,
    /// To a simulated venue, whose market is an exchange's, as it happens.
    Simulated(Connection),
    /// To the exchange.
    Real(Connection),
}

impl Trading {
    /// What the orders are.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Recorded | Self::Simulated(_) => Mode::Paper,
            Self::Real(connection) => connection.mode,
        }
    }

    /// The keys of its connection, which the session looks after from now on.
    pub(super) fn take_keys(&mut self) -> Option<SessionKeys> {
        match self {
            Self::Recorded => None,
            Self::Simulated(connection) | Self::Real(connection) => connection.keys.take(),
        }
    }
}
