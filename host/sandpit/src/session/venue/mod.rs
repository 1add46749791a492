//! What a session needs of a venue beyond what every venue is: a memory that keeps up with the
//! journal, and a way to wait for what it says.

mod error;

pub use error::VenueError;

use std::{os::fd::BorrowedFd, time::Duration};

use sandpit_core::{ids::PluginId, num::Money, venue::Venue};
use sandpit_venue::machine::{Notice, Told};

/// A name, what it counts, and how often.
pub(super) type Count = (String, &'static str, u64);

/// A venue of a session.
pub(super) trait SessionVenue: Venue<Error = VenueError> {
    /// Has what was taken from it lasts as long as what is written of it now: to be called before
    /// anybody may depend on it. A real venue remembers by itself.
    fn remember(&mut self) -> Result<(), VenueError> {
        Ok(())
    }

    /// One plugin more trades here. A real venue knows the account alone.
    fn fund(&mut self, _plugin: PluginId, _budget: Money) {}

    /// Market events that were taken from it.
    fn events(&self) -> u64;

    /// Whether its market is over, so that waiting for it is in vain.
    fn is_over(&self) -> bool {
        false
    }

    /// Something about its keys. `false` where it has none, or takes nothing now.
    fn tell(&mut self, _told: Told) -> bool {
        false
    }

    /// What it says of its own line, oldest first.
    fn notice(&mut self) -> Result<Option<Notice>, VenueError> {
        Ok(None)
    }

    /// Counts of a line and its protocol: a name, what it is, its value. None where there is no line.
    fn counts(&self) -> Vec<Count> {
        Vec::new()
    }

    /// What becomes readable once something can be taken; `None` where time alone decides that.
    fn wake(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// As a session ends: waits until a message can be taken, for at most so long, and lets go of the
    /// markets. `false` where waiting brings nothing, since time alone decides.
    fn wait(&self, _length: Duration) -> bool {
        false
    }
}
