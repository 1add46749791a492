//! Ways to people. Each channel turns a notice into what its service takes, within the service's
//! documented length and without its markup, and sends it over TLS in bounded time.
//!
//! Not here: which channel is tried after which, and when again ([`crate::service`]).

mod config;
mod discord;
mod error;
mod http;
mod mail;
mod pagerduty;
mod render;
mod slack;
mod telegram;
mod webhook;

use sandpit_core::time::UnixNanos;
use sandpit_secrets::Mask;

pub use config::{
    ChannelConfig, DiscordConfig, MailConfig, MailTls, PagerDutyConfig, SlackConfig,
    TelegramConfig, WebhookConfig,
};
pub use error::{ChannelError, SendError};

use crate::{
    Name,
    desk::Notice,
    secret::{ChannelSecret, SecretRef, Secrets},
};

/// What is sent, and what is said beside it.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    /// What to say.
    pub notice: &'a Notice,
    /// When it is sent.
    pub now: UnixNanos,
    /// Channels that were tried before, in vain.
    pub instead_of: &'a [Name],
}

/// One way to people, set up.
pub struct Channel {
    name: Name,
    kind: &'static str,
    way: Way,
}

enum Way {
    Webhook(webhook::Webhook),
    Slack(slack::Slack),
    Discord(discord::Discord),
    Telegram(telegram::Telegram),
    Mail(Box<mail::Mail>),
    PagerDuty(pagerduty::PagerDuty),
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("name", &self.name).field("kind", &self.kind).finish()
    }
}

impl Channel {
    /// Sets a channel up: reads its secrets, and has them looked for in what is said.
    ///
    /// # Errors
    /// A secret cannot be had, or is not what it should be.
    pub fn open(
        name: &str,
        source: &Name,
        config: &ChannelConfig,
        secrets: &dyn Secrets,
        mask: &Mask,
    ) -> Result<Self, ChannelError> {
        config.check()?;
        let secret = |at: &SecretRef| -> Result<ChannelSecret, ChannelError> {
            let secret = secrets.read(at).map_err(ChannelError::secret)?;
            secret.register(mask);
            Ok(secret)
        };
        let source = source.clone();
        let way = match config {
            ChannelConfig::Webhook(it) => {
                let key = secret(&it.secret)?;
                Way::Webhook(webhook::Webhook::new(source, it, secret(&it.url)?, &key)?)
            }
            ChannelConfig::Slack(it) => {
                Way::Slack(slack::Slack::new(source, it, secret(&it.url)?)?)
            }
            ChannelConfig::Discord(it) => {
                Way::Discord(discord::Discord::new(source, it, secret(&it.url)?)?)
            }
            ChannelConfig::Telegram(it) => {
                Way::Telegram(telegram::Telegram::new(source, it, &secret(&it.token)?)?)
            }
            ChannelConfig::Mail(it) => {
                let password = it.password.as_ref().map(secret).transpose()?;
                Way::Mail(Box::new(mail::Mail::new(source, it, password.as_ref())?))
            }
            ChannelConfig::PagerDuty(it) => {
                let key = secret(&it.routing_key)?;
                Way::PagerDuty(pagerduty::PagerDuty::new(source, it, key)?)
            }
        };
        Ok(Self { name: Name::from(name), kind: config.kind(), way })
    }

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// What kind of channel it is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Sends once. It ends in bounded time.
    ///
    /// # Errors
    /// The service did not take it.
    pub async fn send(&self, sending: Sending<'_>) -> Result<(), SendError> {
        match &self.way {
            Way::Webhook(way) => way.send(sending).await,
            Way::Slack(way) => way.send(sending).await,
            Way::Discord(way) => way.send(sending).await,
            Way::Telegram(way) => way.send(sending).await,
            Way::Mail(way) => way.send(sending).await,
            Way::PagerDuty(way) => way.send(sending).await,
        }
    }
}
