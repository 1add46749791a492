//! PagerDuty, by the Events API v2: one event for each alert, under a key by which what is over ends
//! the same incident that it began.

use serde_json::{Value, json};

use super::{
    ChannelError, PagerDutyConfig, SendError, Sending,
    http::Http,
    render::{cut, headline},
};
use crate::{
    Name, Severity,
    desk::{Alert, Item, News, Notice},
    secret::ChannelSecret,
    stamp,
};

/// Characters of a summary, by PagerDuty's documents.
const SUMMARY_CHARS_MAX: usize = 1_024;
/// Characters of a key, by PagerDuty's documents.
const KEY_CHARS_MAX: usize = 255;
const API: &str = "https://events.pagerduty.com";
const HELP: &str = "is the integration key that of an Events API v2 integration?";

pub(super) struct PagerDuty {
    source: Name,
    http: Http,
    routing_key: ChannelSecret,
}

impl PagerDuty {
    pub(super) fn new(
        source: Name,
        config: &PagerDutyConfig,
        routing_key: ChannelSecret,
    ) -> Result<Self, ChannelError> {
        if !routing_key.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let problem = "has characters that no integration key has";
            return Err(ChannelError::Shape { key: "routing_key", problem });
        }
        let api = config.api.as_deref().unwrap_or(API).trim_end_matches('/');
        let url = ChannelSecret::new(format!("{api}/v2/enqueue"));
        Ok(Self { source, http: Http::new("api", url, config.ca.as_deref())?, routing_key })
    }

    pub(super) async fn send(&self, sending: Sending<'_>) -> Result<(), SendError> {
        for item in &sending.notice.items {
            let action = match item.news {
                News::Raised | News::Worse | News::Reminder | News::Test => "trigger",
                News::Acknowledged => "acknowledge",
                News::Resolved => "resolve",
            };
            self.event(action, item, sending).await?;
            if item.news == News::Test {
                self.event("resolve", item, sending).await?;
            }
        }
        Ok(())
    }

    /// The same event twice is one: the key says so.
    async fn event(
        &self,
        action: &str,
        item: &Item,
        sending: Sending<'_>,
    ) -> Result<(), SendError> {
        let alert = &item.alert;
        let mut event = json!({
            "routing_key": self.routing_key.expose(),
            "event_action": action,
            "dedup_key": self.key(alert),
            "client": "Sandpit",
        });
        if action == "trigger" {
            event["payload"] = self.payload(item, sending);
        }
        let body = event.to_string().into_bytes();
        self.http.post(&[], body).await?.judge(HELP)
    }

    fn payload(&self, item: &Item, sending: Sending<'_>) -> Value {
        let alert = &item.alert;
        let notice = Notice { items: vec![item.clone()], ..sending.notice.clone() };
        json!({
            "summary": cut(&headline(&self.source, &notice), SUMMARY_CHARS_MAX),
            "source": self.source,
            "severity": match alert.severity {
                Severity::Info => "info",
                Severity::Warning => "warning",
                Severity::Critical => "critical",
            },
            "timestamp": stamp::rfc3339(alert.since),
            "component": alert.subject,
            "class": alert.rule,
            "custom_details": {
                "alert": alert.id,
                "text": alert.text,
                "count": alert.count,
                "instead_of": sending.instead_of,
            },
        })
    }

    fn key(&self, alert: &Alert) -> String {
        let key = format!("sandpit/{}/{}/{}", self.source, alert.rule, alert.subject);
        key.chars().take(KEY_CHARS_MAX).collect()
    }
}
