//! The components that are run again: found by their hashes, and let in for that alone. They run in
//! this process, as in a backtest: there are no keys here.

use std::path::{Path, PathBuf};

use sandpit_journal::journal::Digest;
use sandpit_plugin::{AnyRunner, ComponentFile, Life, Policy};

use super::{ReplayError, component_path};
use crate::{
    config::{PluginSource, RunConfig},
    sandbox::{self, Isolation, Loading, Sandbox},
};

/// How components are loaded to be run again: that they ran is in the journal, whoever signed them.
pub(super) fn sandbox(config: &RunConfig) -> Result<Sandbox, ReplayError> {
    let loading = Loading {
        mode: sandpit_plugin::Mode::Backtest,
        policy: Policy::Any,
        isolation: Some(Isolation::Inline),
        ..config.loading.clone()
    };
    Ok(Sandbox::new(&loading)?)
}

/// A component, or that there is none.
pub(super) enum Found {
    Runs(Box<AnyRunner>),
    Missing,
}

/// Where the components of one plugin may be.
pub(super) struct Code<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) state: &'a Path,
    /// The file of the configuration.
    pub(super) configured: Option<PathBuf>,
    /// A file to run in the place of whatever ran then.
    pub(super) instead: Option<&'a Path>,
    /// The hash that was wanted first, and that of the file that ran in its place.
    pub(super) differs: Option<(Digest, Digest)>,
}

impl Code<'_> {
    /// The component of a life, instantiated with its limits.
    pub(super) fn load(&mut self, name: &str, what: &Life) -> Result<Found, ReplayError> {
        let wanted = Digest(what.component);
        let file = match self.instead {
            Some(path) => {
                let file = sandbox::read_component(path)?;
                let given = Digest::of(file.bytes());
                if given != wanted {
                    self.differs.get_or_insert((wanted, given));
                }
                Some(file)
            }
            None => self.find(wanted),
        };
        let Some(file) = file else { return Ok(Found::Missing) };
        let loaded = self.sandbox.load(name, &file, &what.limits)?;
        Ok(Found::Runs(Box::new(loaded.instance)))
    }

    /// The file with this hash: kept by the session, or where the configuration says.
    fn find(&self, wanted: Digest) -> Option<ComponentFile> {
        let kept = Some(component_path(self.state, &wanted.0));
        [kept, self.configured.clone()].into_iter().flatten().find_map(|path| {
            let file = sandbox::read_component(&path).ok()?;
            (Digest::of(file.bytes()) == wanted).then_some(file)
        })
    }

    /// That another component ran, and which.
    pub(super) const fn given(&self) -> Option<(Digest, Digest)> {
        self.differs
    }
}

/// The component that a configuration names for a plugin.
pub(super) fn configured(config: &RunConfig, name: &str) -> Option<PathBuf> {
    let plugin = config.plugins.iter().find(|plugin| plugin.name == name)?;
    match &plugin.source {
        PluginSource::Component(path) => Some(path.clone()),
        // What a crate would build now is another component as soon as a compiler changes.
        PluginSource::Crate(_) => None,
    }
}
