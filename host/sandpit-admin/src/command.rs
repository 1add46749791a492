//! What an operator can ask of a session.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Refusal, RefusalCode};

/// Bytes of a plugin's name: what a configuration allows.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of a path.
const PATH_BYTES_MAX: usize = 4_096;
/// Parameters that are set at once; a strategy has at most as many.
const PARAMETERS_MAX: usize = 64;
/// Bytes of a parameter's name or value.
const PARAMETER_BYTES_MAX: usize = 1_024;

/// What is asked. Paths are absolute, since the caller's folder is not the session's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// All plugins.
    List,
    /// One plugin.
    Show(String),
    /// Let a plugin run that does not.
    Load {
        /// Which.
        plugin: String,
        /// From this component, in the place of the configuration's.
        #[serde(default)]
        component: Option<PathBuf>,
        /// Without what it saved.
        #[serde(default)]
        cold: bool,
    },
    /// Put another component in the place of one that runs.
    Swap {
        /// Which.
        plugin: String,
        /// By this one.
        component: PathBuf,
    },
    /// Put back the component before.
    Rollback(String),
    /// End a plugin.
    Unload {
        /// Which.
        plugin: String,
        /// Leave its open orders at the venue.
        #[serde(default)]
        keep_orders: bool,
    },
    /// Do not call a plugin for a while.
    Pause(String),
    /// Call it again.
    Resume(String),
    /// Let a plugin out of quarantine.
    Release(String),
    /// Change parameters of a plugin.
    Set {
        /// Which.
        plugin: String,
        /// Names and values, as text.
        parameters: Vec<(String, String)>,
    },
    /// All that is seen at a glance.
    Overview,
    /// Open orders: a plugin's, or all.
    Orders(Option<String>),
    /// Positions: a plugin's, or all.
    Positions(Option<String>),
    /// How the account and its plugins stand.
    Pnl,
    /// What is let through, and why not.
    Risk,
    /// Let through more or less: for a plugin, or for the account.
    Trading {
        /// For which plugin; `None` is the account.
        #[serde(default)]
        plugin: Option<String>,
        /// What is let through.
        state: Trading,
    },
    /// End a lock.
    Unlock {
        /// Of which plugin; `None` is the account.
        #[serde(default)]
        plugin: Option<String>,
        /// The stable name of its reason.
        reason: String,
    },
    /// Cancel open orders: a plugin's, or all.
    CancelAll(Option<String>),
    /// Cancel open orders and close positions: a plugin's, or all.
    Flatten(Option<String>),
    /// Say that an alert is known.
    Acknowledge(u64),
    /// Ask the places of the session's keys for new ones, and use those that the venue takes.
    RotateKeys,
    /// Stop all trading of the account.
    Kill {
        /// And close all positions.
        #[serde(default)]
        flatten: bool,
    },
    /// How the session is.
    Status,
}

/// What is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trading {
    /// Everything within the limits.
    Active,
    /// Only what shrinks a position.
    Reducing,
    /// Nothing but cancels.
    Halted,
}

impl Trading {
    /// Stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Reducing => "reducing",
            Self::Halted => "halted",
        }
    }
}

impl Command {
    /// Stable name, as on the command line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Show(_) => "show",
            Self::Load { .. } => "load",
            Self::Swap { .. } => "swap",
            Self::Rollback(_) => "rollback",
            Self::Unload { .. } => "unload",
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::Release(_) => "release",
            Self::Set { .. } => "set",
            Self::Overview => "overview",
            Self::Orders(_) => "orders",
            Self::Positions(_) => "positions",
            Self::Pnl => "pnl",
            Self::Risk => "risk",
            Self::Trading { .. } => "trading",
            Self::Unlock { .. } => "unlock",
            Self::CancelAll(_) => "cancel-all",
            Self::Flatten(_) => "flatten",
            Self::Acknowledge(_) => "acknowledge",
            Self::RotateKeys => "rotate-keys",
            Self::Kill { .. } => "kill",
            Self::Status => "status",
        }
    }

    /// The plugin that it is about.
    #[must_use]
    pub fn plugin(&self) -> Option<&str> {
        match self {
            Self::Show(plugin)
            | Self::Load { plugin, .. }
            | Self::Swap { plugin, .. }
            | Self::Rollback(plugin)
            | Self::Unload { plugin, .. }
            | Self::Pause(plugin)
            | Self::Resume(plugin)
            | Self::Release(plugin)
            | Self::Set { plugin, .. } => Some(plugin),
            Self::Orders(plugin)
            | Self::Positions(plugin)
            | Self::CancelAll(plugin)
            | Self::Flatten(plugin)
            | Self::Trading { plugin, .. }
            | Self::Unlock { plugin, .. } => plugin.as_deref(),
            Self::List
            | Self::RotateKeys
            | Self::Kill { .. }
            | Self::Status
            | Self::Overview
            | Self::Pnl
            | Self::Risk
            | Self::Acknowledge(_) => None,
        }
    }

    /// Whether it only asks and changes nothing.
    #[must_use]
    pub const fn only_asks(&self) -> bool {
        matches!(
            self,
            Self::List
                | Self::Show(_)
                | Self::Status
                | Self::Overview
                | Self::Orders(_)
                | Self::Positions(_)
                | Self::Pnl
                | Self::Risk
        )
    }

    /// Whether it is never kept waiting behind others.
    pub(crate) const fn is_urgent(&self) -> bool {
        matches!(self, Self::Kill { .. })
    }

    /// The command as one line for the journal.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.name().to_owned();
        let mut add = |word: &str| {
            line.push(' ');
            line.push_str(word);
        };
        if let Some(plugin) = self.plugin() {
            add(plugin);
        }
        match self {
            Self::Load { component, cold, .. } => {
                if let Some(component) = component {
                    add(&component.to_string_lossy());
                }
                if *cold {
                    add("--cold");
                }
            }
            Self::Swap { component, .. } => add(&component.to_string_lossy()),
            Self::Unload { keep_orders: true, .. } => add("--keep-orders"),
            Self::Kill { flatten: true } => add("--flatten"),
            Self::Trading { state, .. } => add(state.name()),
            Self::Unlock { reason, .. } => add(reason),
            Self::Acknowledge(alert) => add(&alert.to_string()),
            Self::Set { parameters, .. } => {
                for (name, value) in parameters {
                    add(&format!("{name}={value}"));
                }
            }
            _ => {}
        }
        line
    }

    /// Holds what was asked to its bounds.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if let Some(name) = self.plugin() {
            check_name(name)?;
        }
        match self {
            Self::Load { component: Some(path), .. } | Self::Swap { component: path, .. } => {
                check_path(path)
            }
            Self::Set { parameters, .. } => check_parameters(parameters),
            Self::Unlock { reason, .. } => check_reason(reason),
            _ => Ok(()),
        }
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::Malformed, message)
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME_BYTES_MAX).flat_map(char::escape_debug).collect();
    Err(malformed(format!(
        "`{shown}` is no plugin name: 1 to {NAME_BYTES_MAX} of a-z, 0-9 and `-`"
    )))
}

fn check_reason(reason: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    match (1..=NAME_BYTES_MAX).contains(&reason.len()) && reason.bytes().all(allowed) {
        true => Ok(()),
        false => Err(malformed("this is no reason of a lock")),
    }
}

fn check_path(path: &Path) -> Result<(), Refusal> {
    if path.as_os_str().len() > PATH_BYTES_MAX {
        return Err(malformed(format!("a path has more than {PATH_BYTES_MAX} bytes")));
    }
    if !path.is_absolute() {
        return Err(malformed("a path is not absolute: the session runs in another folder"));
    }
    Ok(())
}

fn check_parameters(parameters: &[(String, String)]) -> Result<(), Refusal> {
    if !(1..=PARAMETERS_MAX).contains(&parameters.len()) {
        return Err(malformed(format!("1 to {PARAMETERS_MAX} parameters are set at once")));
    }
    let is_short = |text: &String| text.len() <= PARAMETER_BYTES_MAX;
    if !parameters.iter().all(|(name, value)| is_short(name) && is_short(value)) {
        return Err(malformed(format!("a parameter has more than {PARAMETER_BYTES_MAX} bytes")));
    }
    for (index, (name, _)) in parameters.iter().enumerate() {
        if parameters.iter().skip(index + 1).any(|(other, _)| other == name) {
            return Err(malformed(format!("`{}` is set twice", name.escape_debug())));
        }
    }
    Ok(())
}
