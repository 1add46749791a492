//! JSON to an address of your own. `X-Sandpit-Signature` is `v1=` and the HMAC-SHA256, in hexadecimal,
//! over the bytes of `X-Sandpit-Timestamp`, a point, and the body. A receiver compares it in constant
//! time, refuses what is older than some minutes, and takes an `X-Sandpit-Delivery` once.

use ring::hmac;
use sandpit_core::time::Nanos;
use serde::Serialize;

use super::{ChannelError, SendError, Sending, WebhookConfig, http::Http};
use crate::{
    Name,
    desk::{Item, Notice},
    secret::ChannelSecret,
    stamp,
};

/// A secret shorter than this can be guessed.
const SECRET_BYTES_MIN: usize = 16;
/// The form of the body.
const VERSION: u32 = 1;
const HELP: &str = "is the address right, and does the receiver know the signature's secret?";

pub(super) struct Webhook {
    source: Name,
    http: Http,
    key: hmac::Key,
}

#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    delivery: &'a str,
    source: &'a Name,
    severity: crate::Severity,
    at: String,
    items: &'a [Item],
    came_and_went: u32,
    instead_of: &'a [Name],
}

impl Webhook {
    pub(super) fn new(
        source: Name,
        config: &WebhookConfig,
        url: ChannelSecret,
        secret: &ChannelSecret,
    ) -> Result<Self, ChannelError> {
        if secret.expose().len() < SECRET_BYTES_MIN {
            let problem = "has fewer than 16 bytes";
            return Err(ChannelError::Shape { key: "secret", problem });
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Ok(Self { source, http: Http::new("url", url, config.ca.as_deref())?, key })
    }

    pub(super) async fn send(&self, sending: Sending<'_>) -> Result<(), SendError> {
        let Sending { notice, now, instead_of } = sending;
        let delivery = delivery(notice);
        let body = serde_json::to_vec(&Body {
            version: VERSION,
            delivery: &delivery,
            source: &self.source,
            severity: notice.severity,
            at: stamp::rfc3339(notice.at),
            items: &notice.items,
            came_and_went: notice.came_and_went,
            instead_of,
        })
        .map_err(|_| SendError::Message)?;
        let seconds = (now.0 / Nanos::SECOND.0).to_string();
        let signature = sign(&self.key, &seconds, &body);
        let headers = [
            ("x-sandpit-timestamp", seconds),
            ("x-sandpit-signature", signature),
            ("x-sandpit-delivery", delivery),
        ];
        self.http.post(&headers, body).await?.judge(HELP)
    }
}

/// The same for every attempt, and for no other notice, after a restart neither.
fn delivery(notice: &Notice) -> String {
    format!("{}-{}", notice.at, notice.id)
}

fn sign(key: &hmac::Key, seconds: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(seconds.as_bytes());
    context.update(b".");
    context.update(body);
    let mut out = String::from("v1=");
    for byte in context.sign().as_ref() {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '1790000000.{}' | openssl dgst -sha256 -hmac canary0webhook0secret`.
    #[test]
    fn signatures_are_what_anybody_computes() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"canary0webhook0secret");
        assert_eq!(sign(&key, "1790000000", b"{}"), EXPECTED);
    }

    const EXPECTED: &str = "v1=144b794ccbe6de4a82774624e083708a7b4159eaeeb87472344f34df068b5807";
}
