//! How a venue behaves: everything about its fills that a run may choose.

use alloc::collections::BTreeMap;

use crate::{
    ids::InstrumentId,
    matching::{FeeSchedule, Maintenance, MarginRules, QueueModel},
};

/// Whether a resting order fills when the market trades at its price and nothing tells what stood
/// before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Touch {
    /// Only when the market trades through its price.
    #[default]
    Never,
    /// As if it were first in the queue: optimistic.
    Always,
}

/// What a taker gets who wants more than the market shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beyond {
    /// Nothing: it waits for the next offer, as the data says no more.
    #[default]
    Nothing,
    /// Further levels, up to [`Beyond::LEVELS_MAX`], each as large as the visible ones are on
    /// average and each this much of the last visible price farther, rounded to the tick away from
    /// the market and at least one tick.
    Levels {
        /// Hundredths of a percent a level, 1 to 9,999.
        basis_points: u16,
    },
}

impl Beyond {
    /// How many levels beyond the visible ones are made up for one look at the market.
    pub const LEVELS_MAX: u16 = 1_000;
}

/// The price that stops, take-profits and trailing stops look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TriggerSource {
    /// The last print, or, where there never was one, what the order would take.
    #[default]
    Last,
    /// The venue's mark price; until there is one, as [`Self::Last`].
    Mark,
    /// What the order would take: asks for a buyer, bids for a seller. As [`Self::Last`] where
    /// nothing was ever shown.
    Quotes,
}

/// Which extreme of a bar its path comes to first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BarPath {
    /// The one nearer to the open; with both as near, the low.
    #[default]
    NearerFirst,
    /// Always the low.
    LowFirst,
    /// Always the high.
    HighFirst,
}

/// Choices in how the venue fills, charges and closes. The default is the data and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FillModel {
    /// Of orders whose queue cannot be seen.
    pub touch: Touch,
    /// How a queue that can be seen moves.
    pub queue: QueueModel,
    /// What there is beyond what is shown.
    pub beyond: Beyond,
    /// What triggers look at, where the instrument does not say otherwise.
    pub triggers: TriggerSource,
    /// The path of a bar.
    pub bars: BarPath,
    /// Fees by traded notional, in the place of the instruments' own.
    pub fees: Option<FeeSchedule>,
    /// When the venue is closed.
    pub maintenance: Maintenance,
    /// By instrument.
    pub instruments: BTreeMap<InstrumentId, InstrumentModel>,
}

/// Choices of one instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstrumentModel {
    /// What triggers look at, in the place of the run's choice.
    pub triggers: Option<TriggerSource>,
    /// Margin and liquidation; `None` lends without end.
    pub margin: Option<MarginRules>,
}
