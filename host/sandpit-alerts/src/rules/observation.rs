//! What rules are fed with. Names are texts: the host translates its numbers at the edge.

use sandpit_core::{
    num::{Decimal, Money},
    time::Nanos,
};

use crate::{Name, Severity, Text};

/// Something that happened, or is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// An execution of an order of ours.
    Fill {
        /// Of what.
        instrument: Name,
        /// Whose order.
        plugin: Name,
        /// At which price.
        price: Decimal,
        /// How much, without a sign.
        quantity: Decimal,
        /// What the price should have been about: mark, or last price before the order was sent.
        reference: Option<Decimal>,
    },
    /// What the whole market traded in an interval that is over.
    Volume {
        /// Of what.
        instrument: Name,
        /// How long the interval was. Intervals of other lengths are other series.
        interval: Nanos,
        /// How much.
        volume: Decimal,
    },
    /// What became of an order that was sent.
    Order {
        /// Whose.
        plugin: Name,
        /// What became of it.
        outcome: OrderOutcome,
    },
    /// A line to a venue has come up or gone down, or is still as it was.
    Line {
        /// Which: a stream, an API.
        line: Name,
        /// How it is.
        state: LineState,
    },
    /// Messages of a line are missing.
    Gap {
        /// Which line.
        line: Name,
        /// How many, where that is known; at least one.
        missed: u64,
    },
    /// What an account or a plugin is worth now, deposits and withdrawals left out.
    Equity {
        /// The account or the plugin.
        scope: Name,
        /// Its worth.
        equity: Money,
    },
    /// Something lives. From the first beat on, the next one is waited for.
    Beat {
        /// What kind of thing.
        of: Beat,
        /// Which.
        name: Name,
    },
    /// Something ended as it should: no beat is waited for any more.
    BeatEnded {
        /// What kind of thing.
        of: Beat,
        /// Which.
        name: Name,
    },
    /// A limit was reached, or is kept again.
    Limit {
        /// The account or the plugin.
        scope: Name,
        /// Which limit.
        limit: Name,
        /// Whether it is reached.
        is_breached: bool,
        /// The figures.
        text: Text,
    },
    /// A scope was locked, or let go.
    Lock {
        /// The account or the plugin.
        scope: Name,
        /// Which lock.
        lock: Name,
        /// Whether it is on.
        is_locked: bool,
        /// Until when, or what lets it go.
        text: Text,
    },
    /// A plugin was shut away, or released.
    Quarantine {
        /// Which.
        plugin: Name,
        /// Whether it is shut away.
        is_quarantined: bool,
        /// Why.
        text: Text,
    },
    /// How old a key is, judged by those who keep it.
    KeyAge {
        /// Which key: account and mode, never the key.
        key: Name,
        /// Whole days.
        days: u32,
        /// Judged.
        class: KeyClass,
    },
    /// This machine's clock minus a venue's.
    ClockOffset {
        /// Which venue.
        venue: Name,
        /// In milliseconds.
        offset_ms: i64,
    },
    /// What is free on a disk.
    DiskSpace {
        /// A folder on it.
        folder: Name,
        /// Bytes that can be written.
        free_bytes: u64,
        /// Bytes of all of it.
        total_bytes: u64,
    },
    /// The venue's books were compared with ours.
    Reconcile {
        /// Which account.
        account: Name,
        /// How many orders, positions and balances differ.
        differences: u32,
        /// The first of them.
        text: Text,
    },
    /// The kill switch was pulled, or a person let go of it.
    KillSwitch {
        /// Whether it is on.
        is_on: bool,
        /// Who, or what.
        by: Name,
    },
    /// Orders or positions of others on our account.
    ForeignOrders {
        /// Which account.
        account: Name,
        /// How many of them; none, and it is over.
        count: u32,
        /// What becomes of them: counted in the limits, or adopted by a person's order.
        text: Text,
    },
    /// The engine says that a person must look at something.
    Engine {
        /// Its code for it.
        code: Name,
        /// What it is about.
        about: Name,
        /// How bad it is.
        severity: Severity,
        /// In words.
        text: Text,
    },
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// The venue took it.
    Accepted,
    /// The venue did not.
    Rejected,
    /// Nobody knows.
    Unknown,
}

/// How a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineState {
    /// Messages come.
    Up,
    /// They do not.
    Down,
}

/// What it is that should say that it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beat {
    /// A venue: any message of it.
    Venue,
    /// A plugin: the end of any call.
    Plugin,
    /// The host: a turn of the engine's loop.
    Host,
}

impl Beat {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Venue => "venue",
            Self::Plugin => "plugin",
            Self::Host => "host",
        }
    }
}

/// The age of a key, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyClass {
    /// Young enough.
    Fresh,
    /// It is time to change it.
    Old,
    /// It is high time.
    TooOld,
}

impl From<sandpit_secrets::AgeClass> for KeyClass {
    fn from(class: sandpit_secrets::AgeClass) -> Self {
        match class {
            sandpit_secrets::AgeClass::Fresh => Self::Fresh,
            sandpit_secrets::AgeClass::Warn => Self::Old,
            sandpit_secrets::AgeClass::Alert => Self::TooOld,
        }
    }
}
