//! What flags say over the file, or instead of one.

use std::path::PathBuf;

use sandpit_plugin::Profile;

use super::{ConfigError, PluginSource};

/// The value of a parameter as text; the plugin's description says what type it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting(pub String);

/// Flags. What is `None` or empty leaves the file's word.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The market is to be an exchange's, and not tapes.
    pub on_exchange: bool,
    /// Replaces the seed.
    pub seed: Option<u64>,
    /// Replaces the tapes.
    pub tapes: Vec<PathBuf>,
    /// Replaces the first moment.
    pub from: Option<String>,
    /// Replaces the end.
    pub to: Option<String>,
    /// Replaces the latency.
    pub latency_ms: Option<u64>,
    /// Replaces the folder of the report.
    pub out: Option<PathBuf>,
    /// Replaces the number of threads.
    pub threads: Option<u8>,
    /// Added to the file's plugins.
    pub plugins: Vec<PluginOverride>,
    /// Budget of each added plugin.
    pub budget: Option<String>,
    /// `plugin.parameter=value`.
    pub settings: Vec<String>,
}

/// A plugin that a flag adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginOverride {
    /// Name in the run.
    pub name: String,
    /// Component or crate.
    pub source: PluginSource,
    /// Limits that it is granted.
    pub profile: Profile,
}

impl PluginOverride {
    /// Reads `name=path` or `path`. A path that ends in `.wasm` is a component, any other a crate;
    /// without a name it is the last part of the path.
    ///
    /// # Errors
    /// There is no usable name in it.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (Some(name.to_owned()), PathBuf::from(path)),
            None => (None, PathBuf::from(text)),
        };
        let is_component = path.extension().is_some_and(|extension| extension == "wasm");
        let named_by_path = || {
            let full = path.canonicalize().unwrap_or_else(|_| path.clone());
            full.file_stem().map(|stem| stem.to_string_lossy().into_owned())
        };
        let name =
            name.or_else(named_by_path).filter(|name| !name.is_empty()).ok_or_else(|| {
                ConfigError::new(format!("`{text}` names no plugin"))
                    .help("write NAME=PATH, with the path of a component or of a crate's folder")
            })?;
        let source =
            if is_component { PluginSource::Component(path) } else { PluginSource::Crate(path) };
        Ok(Self { name, source, profile: Profile::default() })
    }
}
