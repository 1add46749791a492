//! Posts to services: over TLS with verified certificates, no redirects, answers within a bound, in
//! bounded time. Addresses are secrets: they are in no error.

use std::{net::IpAddr, path::Path, time::Duration};

use reqwest::{
    Certificate, Client, Url,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
    redirect::Policy,
    tls::Version,
};
use serde_json::Value;

use super::{ChannelError, SendError, error::certificate};
use crate::secret::ChannelSecret;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a post may take, from the first byte to the last.
pub(super) const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer; services answer with a line.
const REPLY_BYTES_MAX: usize = 64 * 1_024;
/// Bytes of a file with certificate authorities.
const CA_BYTES_MAX: usize = 1_024 * 1_024;

/// A client of one service.
pub(super) struct Http {
    client: Client,
    url: ChannelSecret,
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// What `Retry-After` says, in seconds; a date is not understood.
    pub(super) retry_after: Option<Duration>,
}

impl Http {
    /// A client for one address. `key` is what names it in the configuration.
    pub(super) fn new(
        key: &'static str,
        url: ChannelSecret,
        ca: Option<&Path>,
    ) -> Result<Self, ChannelError> {
        let problem = "is no address that begins with `https://`";
        let parsed = Url::parse(url.expose()).map_err(|_| ChannelError::Shape { key, problem })?;
        is_allowed(&parsed)?;
        // An error says that there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("sandpit/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            // A notice now and then: nothing is gained by keeping a connection open.
            .pool_max_idle_per_host(0)
            .http1_only()
            .tls_version_min(Version::TLS_1_2);
        if let Some(path) = ca {
            builder = builder.tls_certs_only(authorities(path)?);
        }
        if is_this_machine(parsed.host_str().unwrap_or_default()) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|_| ChannelError::Client)?;
        Ok(Self { client, url })
    }

    /// Posts JSON.
    pub(super) async fn post(
        &self,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Reply, SendError> {
        let url = Url::parse(self.url.expose()).map_err(|_| SendError::Message)?;
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|_| SendError::Message)?;
            request = request.header(HeaderName::from_static(name), value);
        }
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = seconds.and_then(whole_seconds);
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len().saturating_add(piece.len()) > REPLY_BYTES_MAX {
                // What is known of it is enough, and who floods is not listened to.
                return Err(SendError::Answer);
            }
            body.extend_from_slice(&piece);
        }
        Ok(Reply { status, body, retry_after })
    }
}

impl Reply {
    /// What the status says; `help` is for a refusal.
    pub(super) fn judge(&self, help: &'static str) -> Result<(), SendError> {
        match self.status {
            200..=299 => Ok(()),
            429 => Err(SendError::Limited { pause: self.retry_after }),
            503 if self.retry_after.is_some() => {
                Err(SendError::Limited { pause: self.retry_after })
            }
            status @ (408 | 500..=599) => Err(SendError::Broken { status }),
            status => Err(SendError::Refused { status, help }),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Seconds as services write them: `5`, or `0.65`, rounded up.
fn whole_seconds(text: &str) -> Option<Duration> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let has_rest = rest.bytes().any(|byte| byte != b'0');
    Some(Duration::from_secs(whole.saturating_add(u64::from(has_rest))))
}

fn failure(error: &reqwest::Error) -> SendError {
    match certificate(error) {
        Some(error) => error,
        None if error.is_timeout() => SendError::Timeout,
        None => SendError::Unreachable,
    }
}

/// Over TLS, or to this machine.
pub(super) fn is_allowed(url: &Url) -> Result<(), ChannelError> {
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" if !host.is_empty() => Ok(()),
        "http" if is_this_machine(host) => Ok(()),
        _ => Err(ChannelError::PlainHttp),
    }
}

/// Whether what is sent there stays on this machine.
pub(super) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A file's bytes, with a bound. Authorities are public, so whoever may read them may read them.
pub(super) fn authorities_pem(path: &Path) -> Result<Vec<u8>, ChannelError> {
    let content = std::fs::read(path).map_err(|_| ChannelError::Authorities("cannot be read"))?;
    if content.len() > CA_BYTES_MAX {
        return Err(ChannelError::Authorities("are too long"));
    }
    Ok(content)
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, ChannelError> {
    match Certificate::from_pem_bundle(&authorities_pem(path)?) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(ChannelError::Authorities("are no certificates in PEM")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_nowhere_else() {
        for (url, is_good) in [
            ("https://hooks.example.com/x", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://[::1]/x", true),
            ("http://localhost/x", false),
            ("http://10.0.0.1/x", false),
            ("http://127.0.0.1.example.com/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(is_allowed(&Url::parse(url).unwrap()).is_ok(), is_good, "{url}");
        }
    }

    #[test]
    fn pauses_are_rounded_up() {
        for (text, seconds) in
            [("5", Some(5)), ("0.65", Some(1)), ("2.000", Some(2)), ("soon", None)]
        {
            assert_eq!(whole_seconds(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
