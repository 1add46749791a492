//! What an operator asks of the account and of trading: questions about the books, and less or more
//! that is let through. Each thing that is done is in the journal before it is done.

use sandpit_core::{
    engine::{Command as EngineCommand, Event, LockReason},
    ids::PluginId,
    plugin::TradingState,
};

use super::Desk;
use crate::{
    admin::{Answer, Command, Refusal, RefusalCode, Trading},
    session::{SessionError, books, host::Host, look},
};

impl Desk {
    /// Answers what only looks; `None` where it is not such a question.
    pub(super) fn seen(
        &self,
        host: &Host,
        command: &Command,
        plugin: Option<PluginId>,
    ) -> Option<Answer> {
        let config = &self.config;
        Some(match command {
            Command::List => Answer::List(Box::new(look::list(host, config))),
            Command::Status => Answer::Status(Box::new(look::status(host, config))),
            Command::Overview => Answer::Overview(Box::new(books::overview(host, config))),
            Command::Orders(_) => Answer::Orders(books::orders(host, plugin).collect()),
            Command::Positions(_) => Answer::Positions(books::positions(host, plugin)),
            Command::Pnl => Answer::Pnl(Box::new(books::pnl(host, config))),
            Command::Risk => Answer::Risk(Box::new(books::risk(host))),
            Command::Show(_) => Answer::Plugin(Box::new(look::plugin(host, config, plugin?))),
            _ => return None,
        })
    }

    /// Does what is about trading; `None` where it is about a plugin's component.
    pub(super) fn traded(
        &self,
        host: &mut Host,
        command: &Command,
        plugin: Option<PluginId>,
    ) -> Result<Option<Result<Answer, Refusal>>, SessionError> {
        let whose = |host: &Host| match plugin {
            Some(plugin) => format!("`{}`", host.roster.name(plugin)),
            None => "the account".to_owned(),
        };
        let message = match command {
            Command::Kill { flatten } => {
                host.event(Event::Command(EngineCommand::Kill { flatten: *flatten }))?;
                let words = if *flatten { " and positions are being closed" } else { "" };
                format!("trading is halted: every open order is being canceled{words}")
            }
            Command::Trading { state, .. } => {
                let wanted = trading_state(*state);
                let event = match plugin {
                    Some(plugin) => EngineCommand::SetPluginState(plugin, wanted),
                    None => EngineCommand::SetAccountState(wanted),
                };
                host.event(Event::Command(event))?;
                let now = match plugin {
                    Some(plugin) => host.engine.trading_state(plugin),
                    None => host.engine.account_trading_state(),
                };
                let still = match now == wanted {
                    true => String::new(),
                    false => format!("; a lock holds it at {}", look::state_name(now)),
                };
                format!("{} is set to {}{still}", whose(host), state.name())
            }
            Command::Unlock { reason, .. } => {
                let found = LockReason::ALL.into_iter().find(|known| known.name() == reason);
                let locked = found
                    .filter(|found| host.engine.locks(plugin).any(|lock| lock.reason == *found));
                let Some(reason) = locked else {
                    let message = format!("{} has no lock `{reason}`", whose(host));
                    return Ok(Some(Err(Refusal::new(RefusalCode::NotNow, message))));
                };
                host.event(Event::Command(EngineCommand::Unlock(plugin, reason)))?;
                format!("the lock `{}` of {} has ended", reason.name(), whose(host))
            }
            Command::CancelAll(_) => {
                let all = host.roster.ids().filter(|id| plugin.is_none_or(|it| it == *id));
                for plugin in all.collect::<Vec<_>>() {
                    host.event(Event::Command(EngineCommand::CancelOrders(plugin)))?;
                }
                format!("the open orders of {} are being canceled", whose(host))
            }
            Command::Flatten(_) => {
                host.event(Event::Command(EngineCommand::Flatten(plugin)))?;
                format!("the positions of {} are being closed", whose(host))
            }
            // The row that says so has been written.
            Command::Acknowledge(alert) => format!("alert {alert} is acknowledged"),
            _ => return Ok(None),
        };
        Ok(Some(Ok(Answer::done(message))))
    }
}

const fn trading_state(wanted: Trading) -> TradingState {
    match wanted {
        Trading::Active => TradingState::Active,
        Trading::Reducing => TradingState::Reducing,
        Trading::Halted => TradingState::Halted,
    }
}
