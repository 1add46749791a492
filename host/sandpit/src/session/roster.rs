//! Who trades in a session: each plugin with what the configuration says of it, where its calls are
//! written down, and where its component came from.

use std::path::{Path, PathBuf};

use sandpit_core::ids::PluginId;
use sandpit_plugin::{AnyRunner, Limits, Recorded};

use super::{Options, SessionError};
use crate::{
    config::{PluginRun, PluginSource, RunConfig},
    replay::Recorder,
    sandbox,
};

/// A plugin that runs, with its calls written down.
pub(super) type Running = Recorded<AnyRunner>;

/// One plugin of a session.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) run: PluginRun,
    pub(super) limits: Limits,
    pub(super) recorder: Recorder,
    /// The file that its component came from.
    pub(super) path: Option<PathBuf>,
    pub(super) swaps: u64,
    /// Where the memory of its last fault is.
    pub(super) last_dump: Option<PathBuf>,
}

/// All plugins of a session, by [`PluginId`].
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: Vec<Member>,
}

impl Roster {
    /// Takes one more in.
    pub(super) fn add(
        &mut self,
        config: &RunConfig,
        run: &PluginRun,
        state: &Path,
        options: &Options,
    ) -> Result<(), SessionError> {
        let keep = config.replay.keep_bytes;
        let recorder = Recorder::open(state, &run.name, options.run, keep)?;
        self.members.push(Member {
            run: run.clone(),
            limits: sandbox::limits_of(config, run, options.speed.is_lockstep()),
            recorder,
            path: match &run.source {
                PluginSource::Component(path) => Some(path.clone()),
                PluginSource::Crate(_) => None,
            },
            swaps: 0,
            last_dump: None,
        });
        Ok(())
    }

    /// A plugin's runner with its calls written down.
    pub(super) fn record(
        &self,
        plugin: PluginId,
        runner: AnyRunner,
        component: [u8; 32],
    ) -> Running {
        match self.get(plugin) {
            Some(member) => member.recorder.record(runner, component, &member.limits),
            None => Running::unrecorded(runner),
        }
    }

    pub(super) fn get(&self, plugin: PluginId) -> Option<&Member> {
        self.members.get(usize::from(plugin.0))
    }

    pub(super) fn get_mut(&mut self, plugin: PluginId) -> Option<&mut Member> {
        self.members.get_mut(usize::from(plugin.0))
    }

    /// The operator's name of a plugin.
    pub(super) fn name(&self, plugin: PluginId) -> &str {
        self.get(plugin).map_or("?", |member| &member.run.name)
    }

    /// The plugin of this name.
    pub(super) fn find(&self, name: &str) -> Option<PluginId> {
        self.ids().zip(&self.members).find(|(_, member)| member.run.name == name).map(|(id, _)| id)
    }

    /// Says what could not be written down of the plugins' calls: a replay will miss it.
    pub(super) fn say_problems(&self) {
        for member in &self.members {
            if let Some(problem) = member.recorder.take_problem() {
                tracing::warn!(plugin = member.run.name, "calls are not written down: {problem}");
            }
        }
    }

    /// All of them.
    pub(super) fn ids(&self) -> impl Iterator<Item = PluginId> + use<> {
        (0..u16::try_from(self.members.len()).unwrap_or(u16::MAX)).map(PluginId)
    }

    /// All of them with what is known of them.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }
}
