//! `[risk]`: what is decided once for a whole run. Here is the only calendar of risk: the core is
//! given the first moments of session days as numbers.

use std::ops::Range;

use jiff::{
    ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use sandpit_core::{
    risk::{BasisPoints, PatternRule, RiskRules, SelfTrade, SessionDays},
    time::{Nanos, UnixNanos},
};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use super::{
    ConfigError,
    render::{integer, put},
};

type Misplaced = (Range<usize>, ConfigError);

/// Days are known from here on.
const FIRST_DAY: Date = Date::constant(2000, 1, 1);

/// Rules of risk over all scopes, as the operator writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskConfig {
    /// In which session days begin.
    pub time_zone: String,
    /// When they do.
    pub day_start: Time,
    /// What is done about orders that would trade with each other.
    pub self_trade: SelfTrade,
    /// What counts as trading to and fro.
    pub pattern: Option<PatternRule>,
    /// Whether the kill switch also uses the venue's own cancel-all, which ends orders of others on
    /// the account, too.
    pub cancel_all_on_kill: bool,
}

impl Default for RiskConfig {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            day_start: Time::midnight(),
            self_trade: SelfTrade::Allow,
            pattern: None,
            cancel_all_on_kill: false,
        }
    }
}

/// `[risk]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RiskFile {
    time_zone: Option<Spanned<String>>,
    day_start: Option<Spanned<String>>,
    self_trade: Option<SelfTradeFile>,
    pattern: Option<Spanned<PatternFile>>,
    #[serde(default)]
    cancel_all_on_kill: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SelfTradeFile {
    Allow,
    Deny,
    CancelOldest,
    CancelNewest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternFile {
    window_s: u64,
    trades_min: u32,
    price_bp: u32,
    quantity_bp: u32,
}

impl RiskFile {
    pub(super) fn resolve(self) -> Result<RiskConfig, Misplaced> {
        let default = RiskConfig::default();
        let time_zone = match self.time_zone {
            Some(name) if TimeZone::get(name.get_ref()).is_err() => {
                let message = format!("`{}` is no time zone that is known here", name.get_ref());
                let help = "write a name of the IANA database, for example Europe/Berlin";
                return Err((name.span(), ConfigError::new(message).help(help)));
            }
            Some(name) => name.into_inner(),
            None => default.time_zone,
        };
        let day_start = match self.day_start {
            Some(text) => text.get_ref().parse::<Time>().map_err(|_| {
                let message = format!("`{}` is no time of day", text.get_ref());
                (text.span(), ConfigError::new(message).help("write 08:00"))
            })?,
            None => default.day_start,
        };
        Ok(RiskConfig {
            time_zone,
            day_start,
            self_trade: match self.self_trade {
                Some(SelfTradeFile::Deny) => SelfTrade::Deny,
                Some(SelfTradeFile::CancelOldest) => SelfTrade::CancelOldest,
                Some(SelfTradeFile::CancelNewest) => SelfTrade::CancelNewest,
                Some(SelfTradeFile::Allow) | None => SelfTrade::Allow,
            },
            pattern: self.pattern.as_ref().map(pattern).transpose()?,
            cancel_all_on_kill: self.cancel_all_on_kill,
        })
    }
}

fn pattern(file: &Spanned<PatternFile>) -> Result<PatternRule, Misplaced> {
    /// A day.
    const WINDOW_S_MAX: u64 = 86_400;
    let said = file.get_ref();
    let points = BasisPoints::WHOLE.0;
    let within = (1..=WINDOW_S_MAX).contains(&said.window_s)
        && said.trades_min >= 2
        && said.price_bp <= points
        && said.quantity_bp <= points;
    if !within {
        let message = format!(
            "a pattern has 1 to {WINDOW_S_MAX} window_s, trades_min of at least 2, and basis points \
             of at most {points}"
        );
        return Err((file.span(), ConfigError::new(message)));
    }
    Ok(PatternRule {
        window: Nanos(said.window_s * Nanos::SECOND.0),
        trades_min: said.trades_min,
        price_within: BasisPoints(said.price_bp),
        quantity_within: BasisPoints(said.quantity_bp),
    })
}

impl RiskConfig {
    /// The core's rules.
    ///
    /// # Errors
    /// The time zone is not known here any more.
    pub fn rules(&self) -> Result<RiskRules, ConfigError> {
        Ok(RiskRules {
            days: self.session_days()?,
            self_trade: self.self_trade,
            pattern: self.pattern,
            cancel_all_on_kill: self.cancel_all_on_kill,
        })
    }

    /// The first moments of session days for a hundred years. A time that a clock change skips
    /// comes as much later as the clocks go forward.
    fn session_days(&self) -> Result<SessionDays, ConfigError> {
        let default = Self::default();
        if self.time_zone == default.time_zone && self.day_start == default.day_start {
            return Ok(SessionDays::default());
        }
        let zone = TimeZone::get(&self.time_zone)
            .map_err(|error| ConfigError::new(format!("`{}`: {error}", self.time_zone)))?;
        let days = FIRST_DAY.series(1.day()).take(SessionDays::MAX).filter_map(|day| {
            let start = zone.to_timestamp(day.to_datetime(self.day_start)).ok()?;
            u64::try_from(start.as_nanosecond()).ok().map(UnixNanos)
        });
        Ok(SessionDays::new(days.collect()))
    }

    /// The section as a file has it; empty where everything is at its default.
    pub(super) fn render(&self) -> Table {
        let (default, mut table) = (Self::default(), Table::new());
        let text = |text: String| Some(Value::String(text));
        if self.time_zone != default.time_zone {
            put(&mut table, "time_zone", text(self.time_zone.clone()));
        }
        if self.day_start != default.day_start {
            put(&mut table, "day_start", text(self.day_start.to_string()));
        }
        let self_trade = match self.self_trade {
            SelfTrade::Allow => None,
            SelfTrade::Deny => Some("deny"),
            SelfTrade::CancelOldest => Some("cancel-oldest"),
            SelfTrade::CancelNewest => Some("cancel-newest"),
        };
        put(&mut table, "self_trade", self_trade.and_then(|said| text(said.to_owned())));
        if self.cancel_all_on_kill {
            table.insert("cancel_all_on_kill".to_owned(), Value::Boolean(true));
        }
        if let Some(rule) = self.pattern {
            let mut one = Table::new();
            put(&mut one, "window_s", integer(Some(rule.window.0 / Nanos::SECOND.0)));
            put(&mut one, "trades_min", integer(Some(rule.trades_min.into())));
            put(&mut one, "price_bp", integer(Some(rule.price_within.0.into())));
            put(&mut one, "quantity_bp", integer(Some(rule.quantity_within.0.into())));
            table.insert("pattern".to_owned(), Value::Table(one));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_the_clocks_of_their_zone() {
        let config = RiskConfig {
            time_zone: "Europe/Berlin".to_owned(),
            day_start: Time::constant(2, 30, 0, 0),
            ..RiskConfig::default()
        };
        let days = config.session_days().unwrap();
        let at = |text: &str| {
            let time = text.parse::<jiff::Timestamp>().unwrap();
            UnixNanos(u64::try_from(time.as_nanosecond()).unwrap())
        };
        let next = |text| days.next_after(at(text));
        assert_eq!(next("2026-01-10T12:00:00Z"), Some(at("2026-01-11T01:30:00Z")));
        assert_eq!(next("2026-07-10T12:00:00Z"), Some(at("2026-07-11T00:30:00Z")));
        // Half past two does not exist on that day.
        assert_eq!(next("2026-03-28T12:00:00Z"), Some(at("2026-03-29T01:30:00Z")));
        assert_eq!(days.start_of(at("2026-01-11T01:29:59Z")), at("2026-01-10T01:30:00Z"));
    }
}
