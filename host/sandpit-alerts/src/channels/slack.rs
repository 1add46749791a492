//! Slack, by an incoming webhook. The text is in a block of plain text, where nothing is markup; the
//! text beside it, of which notifications are made, has the three characters replaced that Slack's
//! documents name (`&`, `<`, `>`), so that nobody is called by it.

use serde_json::json;

use super::{
    ChannelError, SendError, Sending, SlackConfig,
    http::Http,
    render::{body, chars, headline},
};
use crate::{Name, secret::ChannelSecret};

/// Characters of a section's text, by Slack's documents.
const TEXT_CHARS_MAX: usize = 3_000;
const HELP: &str = "the webhook was removed, or its channel archived: make a new one";

pub(super) struct Slack {
    source: Name,
    http: Http,
}

impl Slack {
    pub(super) fn new(
        source: Name,
        config: &SlackConfig,
        url: ChannelSecret,
    ) -> Result<Self, ChannelError> {
        Ok(Self { source, http: Http::new("url", url, config.ca.as_deref())? })
    }

    pub(super) async fn send(&self, sending: Sending<'_>) -> Result<(), SendError> {
        let text = body(&self.source, sending, TEXT_CHARS_MAX, str::to_owned, chars);
        let message = json!({
            "text": escape(&headline(&self.source, sending.notice)),
            "blocks": [{
                "type": "section",
                "text": { "type": "plain_text", "emoji": false, "text": text },
            }],
            "unfurl_links": false,
            "unfurl_media": false,
        });
        self.http.post(&[], message.to_string().into_bytes()).await?.judge(HELP)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
