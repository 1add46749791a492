//! Channels as they are written. What is secret is named, never written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ChannelError;
use crate::secret::SecretRef;

/// Receivers of one mail.
const RECEIVERS_MAX: usize = 20;
/// Bytes of a host's name, a user's name, an address.
const WORD_BYTES_MAX: usize = 254;

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChannelConfig {
    /// JSON, signed, to an address of your own.
    Webhook(WebhookConfig),
    /// A Slack incoming webhook.
    Slack(SlackConfig),
    /// A Discord webhook.
    Discord(DiscordConfig),
    /// A Telegram bot.
    Telegram(TelegramConfig),
    /// E-mail over SMTP with TLS.
    Mail(MailConfig),
    /// PagerDuty, Events API v2.
    PagerDuty(PagerDutyConfig),
}

/// JSON, signed, to an address of your own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The address.
    pub url: SecretRef,
    /// What signs: HMAC-SHA256 over the time and the body.
    pub secret: SecretRef,
    /// A file with certificate authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

/// A Slack incoming webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    /// Its address, which is all that is needed to write there.
    pub url: SecretRef,
    /// A file with certificate authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

/// A Discord webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscordConfig {
    /// Its address, which is all that is needed to write there.
    pub url: SecretRef,
    /// A file with certificate authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

/// A Telegram bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramConfig {
    /// The bot's token.
    pub token: SecretRef,
    /// The chat: a number, or `@` and a channel's name.
    pub chat: String,
    /// A Bot API server of your own.
    pub api: Option<String>,
    /// A file with certificate authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// TLS from the first byte (port 465).
    #[default]
    Implicit,
    /// TLS after STARTTLS, without which nothing is sent (port 587).
    Starttls,
    /// None: for a mail server on this machine alone.
    Off,
}

/// E-mail over SMTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server.
    pub host: String,
    /// Its port; 465, 587 or 25 where none is said, by `tls`.
    pub port: Option<u16>,
    /// How it is spoken to.
    #[serde(default)]
    pub tls: MailTls,
    /// Who sends.
    pub from: String,
    /// Who receives.
    pub to: Vec<String>,
    /// Whom the server knows us as.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<SecretRef>,
    /// A file with certificate authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

/// PagerDuty, Events API v2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerDutyConfig {
    /// The integration key of a service.
    pub routing_key: SecretRef,
    /// Another address than `https://events.pagerduty.com`, such as the one of the EU region.
    pub api: Option<String>,
    /// A file with certificate authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

impl ChannelConfig {
    /// What kind of channel it is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Discord(_) => "discord",
            Self::Telegram(_) => "telegram",
            Self::Mail(_) => "mail",
            Self::PagerDuty(_) => "pagerduty",
        }
    }

    /// The file with certificate authorities.
    pub(crate) const fn ca_mut(&mut self) -> &mut Option<PathBuf> {
        match self {
            Self::Webhook(it) => &mut it.ca,
            Self::Slack(it) => &mut it.ca,
            Self::Discord(it) => &mut it.ca,
            Self::Telegram(it) => &mut it.ca,
            Self::Mail(it) => &mut it.ca,
            Self::PagerDuty(it) => &mut it.ca,
        }
    }

    /// Whether it can be set up, as far as that is known without its secrets.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), ChannelError> {
        match self {
            Self::Telegram(it) => {
                let is_number = it.chat.parse::<i64>().is_ok();
                let name = it.chat.strip_prefix('@').unwrap_or_default();
                let is_known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                let is_name = !name.is_empty() && name.len() <= 64 && name.bytes().all(is_known);
                if !is_number && !is_name {
                    return Err(ChannelError::Value {
                        key: "chat",
                        problem: "is neither a number nor `@` and a name",
                    });
                }
                base(it.api.as_deref())
            }
            Self::PagerDuty(it) => base(it.api.as_deref()),
            Self::Mail(it) => it.check(),
            Self::Webhook(_) | Self::Slack(_) | Self::Discord(_) => Ok(()),
        }
    }
}

/// The beginning of addresses, without anything secret in it.
fn base(url: Option<&str>) -> Result<(), ChannelError> {
    let Some(url) = url else { return Ok(()) };
    let problem = "is not of the form `https://HOST`";
    let wrong = ChannelError::Value { key: "api", problem };
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong.clone())?;
    let is_plain = parsed.username().is_empty()
        && parsed.password().is_none()
        && parsed.query().is_none()
        && parsed.fragment().is_none();
    if is_plain && url.len() <= WORD_BYTES_MAX {
        super::http::is_allowed(&parsed)
    } else {
        Err(wrong)
    }
}

impl MailConfig {
    fn check(&self) -> Result<(), ChannelError> {
        let wrong = |key, problem| Err(ChannelError::Value { key, problem });
        let is_word = |text: &str| {
            let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
            (1..=WORD_BYTES_MAX).contains(&text.len()) && is_visible
        };
        if !is_word(&self.host) {
            return wrong("host", "is no name of a host");
        }
        if self.to.is_empty() || self.to.len() > RECEIVERS_MAX {
            return wrong("to", "has to name 1 to 20 receivers");
        }
        if self.user.is_some() != self.password.is_some() {
            return wrong("user", "and `password` belong together");
        }
        if self.user.as_deref().is_some_and(|user| !is_word(user)) {
            return wrong("user", "has characters that no name has");
        }
        if self.tls == MailTls::Off && !super::http::is_this_machine(&self.host) {
            return wrong("tls", "can be off for a mail server on this machine alone");
        }
        if super::mail::mailbox(&self.from).is_none() {
            return wrong("from", "is no address");
        }
        if self.to.iter().any(|to| super::mail::mailbox(to).is_none()) {
            return wrong("to", "has something in it that is no address");
        }
        Ok(())
    }
}
