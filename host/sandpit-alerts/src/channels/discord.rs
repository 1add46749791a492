//! Discord, by a webhook. Markup is escaped, nobody is called (`allowed_mentions`), and links show
//! no preview.

use serde_json::json;

use super::{
    ChannelError, DiscordConfig, SendError, Sending,
    http::Http,
    render::{body, chars},
};
use crate::{Name, secret::ChannelSecret};

/// Characters of a message, by Discord's documents.
const TEXT_CHARS_MAX: usize = 2_000;
/// `SUPPRESS_EMBEDS`.
const FLAGS: u32 = 1 << 2;
const HELP: &str = "the webhook was removed: make a new one";

pub(super) struct Discord {
    source: Name,
    http: Http,
}

impl Discord {
    pub(super) fn new(
        source: Name,
        config: &DiscordConfig,
        url: ChannelSecret,
    ) -> Result<Self, ChannelError> {
        Ok(Self { source, http: Http::new("url", url, config.ca.as_deref())? })
    }

    pub(super) async fn send(&self, sending: Sending<'_>) -> Result<(), SendError> {
        let text = body(&self.source, sending, TEXT_CHARS_MAX, escape, chars);
        let message = json!({
            "content": text,
            "allowed_mentions": { "parse": [] },
            "flags": FLAGS,
        });
        self.http.post(&[], message.to_string().into_bytes()).await?.judge(HELP)
    }
}

/// A backslash before every sign that could be markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\*_~`|>#-[]()<@:".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("**a** <@1> `b`\n- c"), "\\*\\*a\\*\\* \\<\\@1\\> \\`b\\`\n\\- c");
    }
}
