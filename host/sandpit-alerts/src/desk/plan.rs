//! Configuration, checked and turned into lists of channels that notices name by number.

use jiff::{civil::Time, tz::TimeZone};
use sandpit_core::time::{Nanos, UnixNanos};

use super::config::{EscalationConfig, QuietConfig, RouteConfig};
use crate::{AlertsConfig, Name, Severity, stamp};

/// Routes, and levels of an escalation.
const ROUTES_MAX: usize = 16;
/// Channels of one list.
const LIST_MAX: usize = 8;

/// Which list of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(u16);

/// What the desk does when.
#[derive(Clone, Debug)]
pub struct Plan {
    chains: Vec<Vec<Name>>,
    by_severity: [Vec<ChainId>; 3],
    remind_from: Severity,
    /// After how long since it began, and whom.
    levels: Vec<(Nanos, ChainId)>,
    repeat: Nanos,
    repeats_max: u32,
    quiet: Option<Quiet>,
    pub(super) group: Nanos,
    pub(super) resolve_hold: Nanos,
    pub(super) restore_grace: Nanos,
    pub(super) history_max: usize,
    pub(super) queue_max: usize,
}

#[derive(Clone, Debug)]
struct Quiet {
    zone: TimeZone,
    from: Time,
    to: Time,
    hold: Severity,
}

/// Why a configuration cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A list has no channel, or too many.
    #[error("`{section}` names {found} channels; a list has 1 to {LIST_MAX}")]
    List {
        /// Where.
        section: &'static str,
        /// How many it names.
        found: usize,
    },
    /// A channel that is none.
    #[error("`{section}` names the channel `{channel}`, and there is no `channels.{channel}`")]
    Channel {
        /// Where.
        section: &'static str,
        /// Which.
        channel: String,
    },
    /// A channel twice.
    #[error("`{section}` names the channel `{channel}` twice in one list")]
    Twice {
        /// Where.
        section: &'static str,
        /// Which.
        channel: String,
    },
    /// Too many lists.
    #[error("`{section}` has {found} entries, and at most {ROUTES_MAX} can be followed")]
    TooMany {
        /// Where.
        section: &'static str,
        /// How many.
        found: usize,
    },
    /// From above to.
    #[error("a route goes from `{from}` to `{to}`, which is nothing")]
    Backwards {
        /// From.
        from: Severity,
        /// To.
        to: Severity,
    },
    /// Nobody would be woken.
    #[error("no route has critical alerts, though there are channels")]
    NobodyIsWoken,
    /// Levels in the wrong order.
    #[error(
        "the levels of `escalation` have to follow one another: each `after_minutes` more than the one before"
    )]
    Levels,
    /// Quiet hours without hours.
    #[error("`quiet` begins when it ends")]
    QuietForever,
    /// Quiet hours for what cannot wait.
    #[error("`quiet` cannot hold critical alerts back")]
    QuietCritical,
}

impl Plan {
    /// Checks the lists of a configuration.
    ///
    /// # Errors
    /// The first thing that cannot be followed.
    pub fn new(config: &AlertsConfig) -> Result<Self, PlanError> {
        let mut chains = Vec::new();
        let by_severity = routes(config, &config.routes, &mut chains)?;
        let escalation = &config.escalation;
        let levels = levels(config, escalation, &mut chains)?;
        if !config.channels.is_empty() && by_severity[Severity::Critical.index()].is_empty() {
            return Err(PlanError::NobodyIsWoken);
        }
        Ok(Self {
            chains,
            by_severity,
            remind_from: escalation.from,
            levels,
            repeat: escalation.repeat_minutes.minutes(),
            repeats_max: u32::try_from(escalation.repeats_max.get()).unwrap_or(u32::MAX),
            quiet: config.quiet.as_ref().map(quiet).transpose()?,
            group: config.group_s.seconds(),
            resolve_hold: config.resolve_hold_s.seconds(),
            restore_grace: config.restore_grace_s.seconds(),
            history_max: config.history.size(),
            queue_max: config.queue.size(),
        })
    }

    /// The channels of a list, in the order in which they are tried.
    #[must_use]
    pub fn channels(&self, chain: ChainId) -> &[Name] {
        self.chains.get(usize::from(chain.0)).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn chains_of(&self, severity: Severity) -> Vec<ChainId> {
        self.by_severity.get(severity.index()).cloned().unwrap_or_default()
    }

    pub(super) fn is_quiet(&self, now: UnixNanos) -> bool {
        self.quiet.as_ref().is_some_and(|quiet| quiet.is_at(now))
    }

    /// Whether what is so severe waits for the end of the quiet hours.
    pub(super) fn is_held(&self, severity: Severity, now: UnixNanos) -> bool {
        let is_low = self.quiet.as_ref().is_some_and(|quiet| severity <= quiet.hold);
        is_low && self.is_quiet(now)
    }

    /// When to remind for the `done`-th time, counted from zero, of what began then.
    pub(super) fn reminder(
        &self,
        severity: Severity,
        since: UnixNanos,
        done: u32,
    ) -> Option<UnixNanos> {
        if severity < self.remind_from {
            return None;
        }
        let at = usize::try_from(done).unwrap_or(usize::MAX);
        if let Some((after, _)) = self.levels.get(at) {
            return Some(since.plus(*after));
        }
        let repeats = done.saturating_sub(u32::try_from(self.levels.len()).unwrap_or(u32::MAX));
        let last = self.levels.last().map_or(Nanos::default(), |(after, _)| *after);
        let after = self.repeat.0.saturating_mul(u64::from(repeats).saturating_add(1));
        (repeats < self.repeats_max).then(|| since.plus(last).plus(Nanos(after)))
    }

    /// Whom.
    pub(super) fn reminder_chains(&self, severity: Severity, done: u32) -> Vec<ChainId> {
        let at = usize::try_from(done).unwrap_or(usize::MAX);
        match self.levels.get(at).or(self.levels.last()) {
            Some((_, chain)) => vec![*chain],
            None => self.chains_of(severity),
        }
    }

    /// The lists that heard of an alert by so many reminders alone.
    pub(super) fn reminded_chains(&self, severity: Severity, done: u32) -> Vec<ChainId> {
        let own = self.chains_of(severity);
        let reached = usize::try_from(done).unwrap_or(usize::MAX);
        let mut chains: Vec<ChainId> =
            self.levels.iter().take(reached).map(|(_, chain)| *chain).collect();
        chains.retain(|chain| !own.contains(chain));
        chains.sort_unstable();
        chains.dedup();
        chains
    }
}

impl Quiet {
    fn is_at(&self, now: UnixNanos) -> bool {
        // The clock on the wall there: a change of summer time needs nothing more.
        let time = self.zone.to_datetime(stamp::timestamp(now)).time();
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

fn quiet(config: &QuietConfig) -> Result<Quiet, PlanError> {
    if config.from == config.to {
        return Err(PlanError::QuietForever);
    }
    if config.hold == Severity::Critical {
        return Err(PlanError::QuietCritical);
    }
    let (from, to) = (config.from.0, config.to.0);
    Ok(Quiet { zone: config.zone.0.clone(), from, to, hold: config.hold })
}

fn routes(
    config: &AlertsConfig,
    routes: &[RouteConfig],
    chains: &mut Vec<Vec<Name>>,
) -> Result<[Vec<ChainId>; 3], PlanError> {
    const SECTION: &str = "routes";
    if routes.len() > ROUTES_MAX {
        return Err(PlanError::TooMany { section: SECTION, found: routes.len() });
    }
    let mut by_severity: [Vec<ChainId>; 3] = Default::default();
    for route in routes {
        let (from, to) = (route.from, route.to);
        if from > to {
            return Err(PlanError::Backwards { from, to });
        }
        let chain = chain(config, SECTION, &route.channels, chains)?;
        for severity in Severity::ALL.into_iter().filter(|one| (from..=to).contains(one)) {
            let list = &mut by_severity[severity.index()];
            // Two routes with one list are one.
            if !list.contains(&chain) {
                list.push(chain);
            }
        }
    }
    Ok(by_severity)
}

fn levels(
    config: &AlertsConfig,
    escalation: &EscalationConfig,
    chains: &mut Vec<Vec<Name>>,
) -> Result<Vec<(Nanos, ChainId)>, PlanError> {
    const SECTION: &str = "escalation.levels";
    if escalation.levels.len() > ROUTES_MAX {
        return Err(PlanError::TooMany { section: SECTION, found: escalation.levels.len() });
    }
    let mut levels: Vec<(Nanos, ChainId)> = Vec::new();
    for level in &escalation.levels {
        let after = level.after_minutes.minutes();
        if levels.last().is_some_and(|(before, _)| *before >= after) {
            return Err(PlanError::Levels);
        }
        levels.push((after, chain(config, SECTION, &level.channels, chains)?));
    }
    Ok(levels)
}

fn chain(
    config: &AlertsConfig,
    section: &'static str,
    channels: &[String],
    chains: &mut Vec<Vec<Name>>,
) -> Result<ChainId, PlanError> {
    if channels.is_empty() || channels.len() > LIST_MAX {
        return Err(PlanError::List { section, found: channels.len() });
    }
    for (at, channel) in channels.iter().enumerate() {
        let channel = channel.clone();
        if !config.channels.contains_key(&channel) {
            return Err(PlanError::Channel { section, channel });
        }
        if channels[..at].contains(&channel) {
            return Err(PlanError::Twice { section, channel });
        }
    }
    let names: Vec<Name> = channels.iter().map(|name| Name::from(name.as_str())).collect();
    let at = chains.iter().position(|known| *known == names).unwrap_or_else(|| {
        chains.push(names);
        chains.len() - 1
    });
    // At most twice ROUTES_MAX.
    Ok(ChainId(u16::try_from(at).unwrap_or(u16::MAX)))
}
