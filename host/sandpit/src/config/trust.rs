//! `[trust]`: what a component needs to be let in; `isolation`: where it runs. Both decide whether a
//! run is, never what comes of it, so they are not part of a run's canonical form.

use std::{collections::BTreeSet, ops::Range, path::PathBuf};

use sandpit_plugin::{Policy, WallName};
use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use crate::sandbox::{Isolation, Loading};

/// `[trust]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustFile {
    policy: Option<PolicyFile>,
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PolicyFile {
    Pinned,
    Signed,
    Any,
}

impl TrustFile {
    /// What it says; `beside` makes paths relative to the file.
    pub(super) fn resolve(self, beside: impl Fn(PathBuf) -> PathBuf) -> Loading {
        Loading {
            policy: match self.policy {
                Some(PolicyFile::Pinned) => Policy::Pinned,
                Some(PolicyFile::Signed) => Policy::Signed,
                Some(PolicyFile::Any) | None => Policy::Any,
            },
            trust_file: self.file.map(beside),
            ..Loading::default()
        }
    }
}

/// `isolation` as it is written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum IsolationFile {
    Process,
    Inline,
}

impl From<IsolationFile> for Isolation {
    fn from(said: IsolationFile) -> Self {
        match said {
            IsolationFile::Process => Self::Process,
            IsolationFile::Inline => Self::Inline,
        }
    }
}

/// `isolation_require`: walls by their names. An error comes with its place.
pub(super) fn walls(
    names: Vec<Spanned<String>>,
) -> Result<BTreeSet<WallName>, (Range<usize>, ConfigError)> {
    names
        .into_iter()
        .map(|name| {
            let known = name.get_ref().parse::<WallName>();
            known.map_err(|error| (name.span(), ConfigError::new(error.to_string())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::config::{Overrides, parse};

    fn loading(trust: &str) -> Result<Loading, String> {
        let text = format!(
            "version = 1\ntapes = [\"market.tape\"]\n{trust}\n[[plugins]]\nname = \"ema\"\n\
             component = \"ema.wasm\"\nbudget = \"1000\"\n"
        );
        parse(Path::new("runs/test.toml"), &text, &Overrides::default())
            .map(|config| config.loading)
            .map_err(|error| error.message)
    }

    #[test]
    fn a_run_says_whom_it_lets_in() {
        let said = loading("").unwrap();
        assert_eq!((said.policy, said.trust_file), (Policy::Any, None));
        let said = loading("[trust]\npolicy = \"signed\"\nfile = \"trust.toml\"").unwrap();
        assert_eq!(said.policy, Policy::Signed);
        assert_eq!(said.trust_file, Some(PathBuf::from("runs/trust.toml")));
        assert_eq!(loading("[trust]\npolicy = \"pinned\"").unwrap().policy, Policy::Pinned);
        assert!(loading("[trust]\npolicy = \"nobody\"").unwrap_err().contains("nobody"));
        assert!(loading("[trust]\npolcy = \"any\"").unwrap_err().contains("polcy"));
    }

    #[test]
    fn a_run_says_where_plugins_run_and_behind_which_walls() {
        let said = loading("").unwrap();
        assert_eq!((said.isolation, said.walls_required.len()), (None, 0));
        let said =
            loading("isolation = \"process\"\nisolation_require = [\"seccomp\", \"landlock\"]");
        let said = said.unwrap();
        assert_eq!(said.isolation, Some(Isolation::Process));
        let required = [WallName::Landlock, WallName::Seccomp];
        assert_eq!(said.walls_required, required.into_iter().collect());
        let said = loading("isolation = \"inline\"").unwrap();
        assert_eq!(said.isolation, Some(Isolation::Inline));
        assert!(loading("isolation = \"none\"").unwrap_err().contains("none"));
        let error = loading("isolation_require = [\"moat\"]").unwrap_err();
        assert!(error.contains("there is no wall `moat`; there are: host-memory"), "{error}");
    }
}
