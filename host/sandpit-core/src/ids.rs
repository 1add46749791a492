//! Names of things. All are small numbers that copy; text names live at the edges.

use core::fmt;

/// Index of an instrument in the run's instrument list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId(pub u16);

/// Index of a plugin (a strategy with its sub-account) in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginId(pub u16);

/// A run of the host: part of every client order id, so that ids of two runs never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// The strategy's own name for an order. Never leaves the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderTag(pub u64);

/// The strategy's own name for a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(pub u32);

/// Client order id (FIX 11): minted by the host from run, plugin and a sequence number that never
/// repeats within the run. A plugin has no influence on it.
///
/// As text it is `sp-<run>-<plugin>-<sequence>` in lower-case hexadecimal, at most 36 characters,
/// which every supported venue accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientOrderId {
    /// Order of minting within the run, over all plugins; first in the ordering, so that a map of
    /// orders is in the order of their birth.
    pub sequence: u64,
    /// Whose order it is.
    pub plugin: PluginId,
    /// The run that minted it.
    pub run: RunId,
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Widths: 3 + 12 + 1 + 4 + 1 + 12 = 33 at most while run and sequence stay below 2^48.
        write!(f, "sp-{:x}-{:x}-{:x}", self.run.0, self.plugin.0, self.sequence)
    }
}

/// The venue's own number of an order (FIX 37).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VenueOrderId(pub u64);

/// The venue's number of one execution (FIX 1003), unique per instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TradeId(pub u64);
