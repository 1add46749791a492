//! What whoever asked is told, once what was asked for has happened or cannot.

use sandpit_core::{
    engine::{Command, Event},
    ids::PluginId,
};
use sandpit_journal::journal::HostRecord;
use sandpit_plugin::{Cause, Consequence};

use super::{Desk, Waiting, What};
use crate::{
    admin::{Answer, Refusal, RefusalCode},
    sandbox::SandboxError,
    session::{SessionError, host::Host, look, plugins::Told},
};

impl Desk {
    /// A component is not let in.
    pub(super) fn refuse(
        &mut self,
        host: &mut Host,
        plugin: PluginId,
        error: &SandboxError,
    ) -> Result<(), SessionError> {
        let new = self.newcomer.take_if(|newcomer| newcomer.plugin == plugin);
        let name = new.map_or_else(|| host.roster.name(plugin).to_owned(), |new| new.run.name);
        host.note(&HostRecord::Note(format!("a component for `{name}` is refused: {error}")))?;
        let code = match error {
            SandboxError::Refused(_) => RefusalCode::ComponentRefused,
            SandboxError::Fault(_) => RefusalCode::StartFault,
            SandboxError::Argument(_) => RefusalCode::BadParameter,
            SandboxError::Launch(_) | SandboxError::Engine(_) | SandboxError::TrustFile(_) => {
                RefusalCode::Failed
            }
        };
        let refusal = Refusal::new(code, error.to_string()).reason(error.code());
        self.answer(plugin, What::Ready, Err(refusal));
        Ok(())
    }

    /// Something has happened to a plugin: whoever waited for it is told.
    pub(super) fn told(
        &mut self,
        host: &mut Host,
        plugin: PluginId,
        told: Told,
    ) -> Result<(), SessionError> {
        let name = host.roster.name(plugin).to_owned();
        match told {
            Told::Started(cause) => {
                let how = match cause {
                    Cause::Load | Cause::Restart => "runs",
                    Cause::Swap => "runs as another component, on probation",
                    Cause::RollBack => "runs as the component before",
                };
                let view = look::plugin(host, &self.config, plugin);
                let answer = Answer::done_with(format!("`{name}` {how}"), view);
                self.answer(plugin, What::Start, Ok(answer));
            }
            Told::Faulted(fault, then) => {
                let what = match then {
                    Consequence::KeepOld => "the component before goes on",
                    Consequence::RollBack => "the component before comes back",
                    Consequence::Restart { .. } => "it is started again later",
                    Consequence::Quarantine => "it is in quarantine",
                };
                let message = format!("{}: {}", fault.code.name(), fault.detail);
                let refusal = Refusal::new(RefusalCode::StartFault, message)
                    .reason(Some(fault.code.name()))
                    .help(what);
                self.answer(plugin, What::Start, Err(refusal));
            }
            Told::Parameters(Ok(())) => {
                let view = look::plugin(host, &self.config, plugin);
                let message = format!("`{name}` uses its new parameters");
                self.answer(plugin, What::Parameters, Ok(Answer::done_with(message, view)));
            }
            Told::Parameters(Err(reason)) => {
                let refusal = Refusal::new(RefusalCode::BadParameter, reason);
                self.answer(plugin, What::Parameters, Err(refusal));
            }
            Told::Unloaded => self.unloaded(host, plugin, &name)?,
        }
        Ok(())
    }

    fn unloaded(
        &mut self,
        host: &mut Host,
        plugin: PluginId,
        name: &str,
    ) -> Result<(), SessionError> {
        let keeps = |waiting: &Waiting| {
            waiting.plugin == plugin && waiting.what == What::Unload { keep_orders: true }
        };
        let keep_orders = self.waiting.iter().any(keeps);
        let orders = match keep_orders {
            true => "stay",
            false => {
                host.event(Event::Command(Command::CancelOrders(plugin)))?;
                "are being canceled"
            }
        };
        let view = look::plugin(host, &self.config, plugin);
        let message = format!("`{name}` has ended; its orders {orders}, its positions stay");
        let answer = Answer::done_with(message, view);
        self.answer(plugin, What::Unload { keep_orders }, Ok(answer));
        let over = Refusal::new(RefusalCode::NotNow, format!("`{name}` was unloaded"));
        for what in [What::Ready, What::Start, What::Parameters] {
            self.answer(plugin, what, Err(over.clone()));
        }
        Ok(())
    }

    /// Answers the first that waits for this.
    pub(super) fn answer(&mut self, plugin: PluginId, what: What, answer: Result<Answer, Refusal>) {
        let found = self.waiting.iter().position(|it| it.plugin == plugin && it.what == what);
        let Some(waiting) = found.map(|index| self.waiting.remove(index)) else { return };
        match (waiting.asked, answer) {
            (Some(asked), answer) => asked.answer(answer),
            (None, Err(refusal)) => tracing::warn!("a watched component: {refusal}"),
            (None, Ok(_)) => {}
        }
    }
}
