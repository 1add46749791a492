//! What a rule says: that something is wrong, with what, how badly; or that it is over.

use std::fmt;

use sandpit_core::time::UnixNanos;
use serde::{Deserialize, Serialize};

use crate::{Name, Text};

/// How bad it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing tomorrow.
    #[default]
    Info,
    /// Somebody should look at it today.
    Warning,
    /// Somebody has to look at it now.
    Critical,
}

impl Severity {
    /// From the least on.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// As configuration has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Info => 0,
            Self::Warning => 1,
            Self::Critical => 2,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $about:literal;)*) => {
        /// Which rule speaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, in configuration and everywhere else.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it watches.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }
        }
    };
}

rules! {
    /// A fill at a strange price.
    FillPrice = "fill-price", "the distance of a fill's price from the reference price";
    /// A fill of a strange size.
    FillSize = "fill-size", "the size of a fill beside the median of those before it";
    /// Much more is traded than usual.
    Volume = "volume", "the market's volume in an interval, by a robust z-score";
    /// Orders are not taken.
    OrderFailures = "order-failures", "orders that are rejected, or whose fate is not known";
    /// A connection is lost.
    Connection = "connection", "lines to venues that are down, or keep going down";
    /// Messages are missing.
    Gaps = "gaps", "gaps in the sequence of a line's messages";
    /// Money is lost quickly.
    PnlVelocity = "pnl-velocity", "the loss from the highest equity within some minutes";
    /// Something does not say that it lives.
    Heartbeat = "heartbeat", "venues, plugins and the host that have fallen silent";
    /// A limit was reached.
    LimitBreach = "limit-breach", "a limit of an account or a plugin that was reached";
    /// Trading is locked.
    Lock = "lock", "a guard's lock on an account or a plugin";
    /// A plugin is shut away.
    Quarantine = "quarantine", "plugins that are halted until a person releases them";
    /// A key is old.
    KeyAge = "key-age", "keys that should have been changed";
    /// Clocks differ.
    ClockOffset = "clock-offset", "this machine's clock beside a venue's";
    /// The disk fills up.
    DiskSpace = "disk-space", "what is free where journal and tape are written";
    /// The venue's books and ours differ.
    Reconcile = "reconcile", "differences between the venue's books and ours";
    /// Everything was stopped.
    KillSwitch = "kill-switch", "whether the kill switch is on";
    /// Somebody else trades here.
    ForeignOrders = "foreign-orders", "orders and positions of the account that are not ours";
    /// The engine met something that should not be.
    Engine = "engine", "what the engine itself says a person must look at";
    /// Alerts were lost on the way.
    Alerting = "alerting", "whether alerts get through, and observations are kept up with";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// When.
    pub at: UnixNanos,
    /// Which rule.
    pub rule: Rule,
    /// About what. A rule and a subject are one alert.
    pub subject: Name,
    /// What is new.
    pub change: Change,
}

/// What is new about an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there, or is worse than it was.
    Raised {
        /// How bad it is.
        severity: Severity,
        /// What is wrong.
        text: Text,
    },
    /// It is over.
    Cleared {
        /// How that is known.
        text: Text,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_one_name() {
        for rule in Rule::ALL {
            let said = serde_json::to_string(rule).unwrap();
            assert_eq!(said, format!("\"{}\"", rule.name()));
        }
    }
}
