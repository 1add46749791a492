//! Arguments about a strategy: its language, what its runtime is granted, and what lets it in.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sandpit_plugin::Profile;

use crate::{
    author::Language,
    config::{ConfigError, PluginOverride},
};

/// What a new strategy is written in.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LanguageArg {
    /// Compiled: the smallest and the fastest
    Rust,
    /// With its interpreter: needs Python 3.10 or newer, with pip
    Python,
    /// With an engine: needs Node.js 20 or newer, with npm
    Typescript,
}

impl From<LanguageArg> for Language {
    fn from(arg: LanguageArg) -> Self {
        match arg {
            LanguageArg::Rust => Self::Rust,
            LanguageArg::Python => Self::Python,
            LanguageArg::Typescript => Self::TypeScript,
        }
    }
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ProfileArgs {
    /// Limits that are granted [default: what the language of a folder needs, standard for a
    /// component]
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ProfileArg>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileArg {
    /// For compiled languages
    Standard,
    /// For strategies that bring an interpreter along
    Heavy,
}

impl ProfileArgs {
    /// What is said.
    pub(super) const fn said(self) -> Option<Profile> {
        match self.profile {
            Some(ProfileArg::Standard) => Some(Profile::Standard),
            Some(ProfileArg::Heavy) => Some(Profile::Heavy),
            None => None,
        }
    }

    /// What a component or a folder is granted.
    pub(super) fn of(self, plugin: &Path) -> Profile {
        let by_language = || Language::of_folder(plugin).map(Language::profile).unwrap_or_default();
        self.said().unwrap_or_else(by_language)
    }

    /// Strategies as flags name them, each with what it is granted.
    pub(super) fn plugins(self, said: &[String]) -> Result<Vec<PluginOverride>, ConfigError> {
        let granted = |text: &String| {
            let plugin = PluginOverride::parse(text)?;
            let profile = self.of(plugin.source.path());
            Ok(PluginOverride { profile, ..plugin })
        };
        said.iter().map(granted).collect()
    }
}

#[derive(Debug, Args)]
pub(super) struct TrustArgs {
    /// What the component needs to be let in
    #[arg(long, value_name = "POLICY", default_value = "any")]
    pub(super) policy: PolicyArg,
    /// The trust list [default: sandpit/trust.toml in the user's settings]
    #[arg(long, value_name = "FILE")]
    pub(super) trust: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum PolicyArg {
    /// Its hash in the trust list
    Pinned,
    /// A signature by a key in the trust list, or its hash there
    Signed,
    /// Nothing
    Any,
}
