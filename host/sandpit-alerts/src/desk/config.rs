//! Who is told, when not, and what if nobody answers.

use jiff::{civil::Time, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Severity, bounded::Whole};

/// A list of channels for some severities. The first channel that takes a notice is enough; the next
/// one is for when it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// From this severity on.
    #[serde(default)]
    pub from: Severity,
    /// Up to this one.
    #[serde(default = "critical")]
    pub to: Severity,
    /// In the order in which they are tried.
    pub channels: Vec<String>,
}

const fn critical() -> Severity {
    Severity::Critical
}

/// What happens while nobody acknowledges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EscalationConfig {
    /// From this severity on.
    pub from: Severity,
    /// One after another.
    pub levels: Vec<LevelConfig>,
    /// After the last level it is said again every so often, on the last level's list, or on the
    /// alert's own lists where there are no levels.
    pub repeat_minutes: Whole<1, 1_440>,
    /// So many times.
    pub repeats_max: Whole<0, 100>,
}

impl Default for EscalationConfig {
    fn default() -> Self {
        Self {
            from: Severity::Critical,
            levels: Vec::new(),
            repeat_minutes: Whole::new(30),
            repeats_max: Whole::new(6),
        }
    }
}

/// The next list of channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelConfig {
    /// So long after the alert began, or became worse.
    pub after_minutes: Whole<1, 10_080>,
    /// In the order in which they are tried.
    pub channels: Vec<String>,
}

/// Hours in which people are not woken for what can wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietConfig {
    /// Whose clock it is.
    pub zone: Zone,
    /// When they begin.
    pub from: TimeOfDay,
    /// When they end. Earlier than `from` is the next day.
    pub to: TimeOfDay,
    /// Up to this severity it can wait. Critical never does.
    #[serde(default = "warning")]
    pub hold: Severity,
}

const fn warning() -> Severity {
    Severity::Warning
}

/// A time zone by its name in the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub(crate) TimeZone);

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        TimeZone::get(&name).map(Self).map_err(|_| {
            let help = "write a name of the IANA database, for example Europe/Berlin";
            de::Error::custom(format!("`{name}` is no time zone that is known here: {help}"))
        })
    }
}

/// A time of day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub(crate) Time);

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = |_| de::Error::custom(format!("`{text}` is no time of day: write 22:00"));
        text.parse().map(Self).map_err(wrong)
    }
}
