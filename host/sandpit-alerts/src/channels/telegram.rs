//! Telegram, by a bot. The text is sent without a parse mode, so that nothing in it is markup. The
//! token is part of the address.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ChannelError, SendError, Sending, TelegramConfig, http::Http, render::body};
use crate::{Name, Severity, secret::ChannelSecret};

/// Characters of a message, by Telegram's documents; counted as its clients do, in UTF-16.
const TEXT_UNITS_MAX: usize = 4_096;
const API: &str = "https://api.telegram.org";
const HELP: &str = "is the token right, the chat too, and is the bot in it?";

pub(super) struct Telegram {
    source: Name,
    http: Http,
    chat: Value,
}

impl Telegram {
    pub(super) fn new(
        source: Name,
        config: &TelegramConfig,
        token: &ChannelSecret,
    ) -> Result<Self, ChannelError> {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
        if !token.expose().bytes().all(is_known) {
            let problem = "has characters that no token has";
            return Err(ChannelError::Shape { key: "token", problem });
        }
        let api = config.api.as_deref().unwrap_or(API).trim_end_matches('/');
        let url = ChannelSecret::new(format!("{api}/bot{}/sendMessage", token.expose()));
        let chat = config.chat.parse::<i64>().map_or_else(|_| json!(config.chat), |id| json!(id));
        Ok(Self { source, http: Http::new("token", url, config.ca.as_deref())?, chat })
    }

    pub(super) async fn send(&self, sending: Sending<'_>) -> Result<(), SendError> {
        let units = |text: &str| text.encode_utf16().count();
        let text = body(&self.source, sending, TEXT_UNITS_MAX, str::to_owned, units);
        let message = json!({
            "chat_id": self.chat,
            "text": text,
            "link_preview_options": { "is_disabled": true },
            "disable_notification": sending.notice.severity == Severity::Info,
        });
        let reply = self.http.post(&[], message.to_string().into_bytes()).await?;
        let answer = reply.json();
        if reply.status == 429 {
            // It says so in the body.
            let seconds = answer["parameters"]["retry_after"].as_u64();
            let pause = seconds.map(Duration::from_secs).or(reply.retry_after);
            return Err(SendError::Limited { pause });
        }
        reply.judge(HELP)?;
        if answer["ok"] == true { Ok(()) } else { Err(SendError::Answer) }
    }
}
