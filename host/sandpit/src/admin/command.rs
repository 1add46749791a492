//! What an operator can ask of a session.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Refusal, RefusalCode};

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
    /// Stop all trading of the account.
    Kill {
        /// And close all positions.
        #[serde(default)]
        flatten: bool,
    },
    /// How the session is.
    Status,
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
            Self::List | Self::Kill { .. } | Self::Status => None,
        }
    }

    /// Whether it only asks and changes nothing.
    #[must_use]
    pub const fn only_asks(&self) -> bool {
        matches!(self, Self::List | Self::Show(_) | Self::Status)
    }

    /// Whether it is never kept waiting behind others.
    pub(super) const fn is_urgent(&self) -> bool {
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
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if let Some(name) = self.plugin() {
            check_name(name)?;
        }
        match self {
            Self::Load { component: Some(path), .. } | Self::Swap { component: path, .. } => {
                check_path(path)
            }
            Self::Set { parameters, .. } => check_parameters(parameters),
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
