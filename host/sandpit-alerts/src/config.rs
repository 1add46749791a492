//! `[alerts]`: the whole of it, as it is written. Values carry their bounds; what belongs together is
//! looked at by [`AlertsConfig::check`].

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    Name, Whole,
    channels::{ChannelConfig, ChannelError},
    desk::{EscalationConfig, Plan, PlanError, QuietConfig, RouteConfig},
    rules::{RulesConfig, RulesError},
};

/// Channels of a host.
pub const CHANNELS_MAX: usize = 16;
/// Characters of a channel's name.
const CHANNEL_NAME_CHARS_MAX: usize = 32;

/// What is warned of, and who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// What this host is called in alerts.
    pub source: Name,
    /// What comes within so long is told together.
    pub group_s: Whole<0, 3_600>,
    /// What is over for so long is told to be over.
    pub resolve_hold_s: Whole<0, 3_600>,
    /// What was on before a restart and is not seen for so long after it is over.
    pub restore_grace_s: Whole<10, 86_400>,
    /// So much of what happened is remembered.
    pub history: Whole<10, 10_000>,
    /// Notices that may wait to be sent.
    pub queue: Whole<16, 4_096>,
    /// Ways to people, by name.
    pub channels: BTreeMap<String, ChannelConfig>,
    /// Who is told of what.
    pub routes: Vec<RouteConfig>,
    /// What if nobody answers.
    pub escalation: EscalationConfig,
    /// When people are not woken for what can wait.
    pub quiet: Option<QuietConfig>,
    /// Thresholds.
    pub rules: RulesConfig,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            source: Name::from("sandpit"),
            group_s: Whole::new(10),
            resolve_hold_s: Whole::new(60),
            restore_grace_s: Whole::new(300),
            history: Whole::new(500),
            queue: Whole::new(256),
            channels: BTreeMap::new(),
            routes: Vec::new(),
            escalation: EscalationConfig::default(),
            quiet: None,
            rules: RulesConfig::default(),
        }
    }
}

/// Why a configuration of alerts cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Lists, quiet hours, escalation.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Thresholds.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A channel.
    #[error("the channel `{channel}`: {problem}")]
    Channel {
        /// Which.
        channel: String,
        /// What is wrong.
        #[source]
        problem: ChannelError,
    },
    /// A name that is none.
    #[error(
        "a channel's name has 1 to {CHANNEL_NAME_CHARS_MAX} of a to z, 0 to 9 and `-`, and `{0}` is \
         not such a one"
    )]
    ChannelName(Name),
    /// Too many channels.
    #[error("there are {0} channels, and at most {CHANNELS_MAX} can be looked after")]
    TooManyChannels(usize),
    /// A host without a name.
    #[error("`source` is empty")]
    NoSource,
}

impl AlertsConfig {
    /// With the paths in it as `beside` makes them of those that were written.
    #[must_use]
    pub fn with_paths(mut self, beside: impl Fn(PathBuf) -> PathBuf) -> Self {
        for channel in self.channels.values_mut() {
            let ca = channel.ca_mut();
            *ca = ca.take().map(&beside);
        }
        self
    }

    /// Whether all of it can be followed. Secrets are not read yet.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.source.as_str().is_empty() {
            return Err(ConfigError::NoSource);
        }
        if self.channels.len() > CHANNELS_MAX {
            return Err(ConfigError::TooManyChannels(self.channels.len()));
        }
        for (name, channel) in &self.channels {
            let is_known =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            let fits = (1..=CHANNEL_NAME_CHARS_MAX).contains(&name.len());
            if !fits || !name.bytes().all(is_known) {
                return Err(ConfigError::ChannelName(Name::from(name.as_str())));
            }
            let wrong = |problem| ConfigError::Channel { channel: name.clone(), problem };
            channel.check().map_err(wrong)?;
        }
        self.rules.check()?;
        Plan::new(self)?;
        Ok(())
    }
}
