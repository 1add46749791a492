//! Questions to secret managers: over TLS with verified certificates, no redirects, replies within a
//! bound, in bounded time, again with growing pauses where that may help.
//!
//! Nothing of a reply gets into an error: a server may repeat what it was sent.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    net::IpAddr,
    path::Path,
    time::Duration,
};

use reqwest::{
    Certificate, Client, Method, Url,
    header::{HeaderName, HeaderValue, RETRY_AFTER},
    redirect::Policy,
    tls::Version,
};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::Problem;
use crate::SecretText;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a question may take, from the first byte to the last.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of a reply; secrets have at most 64 KiB, and base64 and JSON around them.
const REPLY_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a certificate authority's file.
const CA_BYTES_MAX: usize = 1024 * 1024;
/// Times that a question is asked.
const ATTEMPTS_MAX: u32 = 3;
/// The longest first pause; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(300);
/// The longest pause, even if the server asks for more.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Hosts that give credentials to the machine they run on, over plain HTTP: nothing else listens
/// there, and no router passes it on.
const METADATA_HOSTS: &[&str] = &[
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::254]",
    "[fd00:ec2::23]",
    "metadata.google.internal",
];

/// A question.
pub(crate) struct Call {
    method: Method,
    url: String,
    headers: Vec<(HeaderName, SecretText)>,
    body: Option<Zeroizing<Vec<u8>>>,
    is_repeatable: bool,
}

impl Call {
    pub(crate) const fn new(method: Method, url: String) -> Self {
        Self { method, url, headers: Vec::new(), body: None, is_repeatable: true }
    }

    pub(crate) const fn get(url: String) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        self.headers.push((name, SecretText::new(value.to_owned())));
        self
    }

    /// A header that a file names.
    pub(crate) fn named_header(mut self, name: &str, value: &str) -> Result<Self, Problem> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Problem::Setup {
            problem: "a header that was configured has a name that none can have".to_owned(),
        })?;
        self.headers.push((name, SecretText::new(value.to_owned())));
        Ok(self)
    }

    pub(crate) fn body(mut self, kind: &str, body: Zeroizing<Vec<u8>>) -> Self {
        self.body = Some(body);
        self.header("content-type", kind)
    }

    pub(crate) fn json(self, body: Zeroizing<Vec<u8>>) -> Self {
        self.body("application/json", body)
    }

    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        self.body("application/x-www-form-urlencoded", form(fields))
    }

    /// It can be asked once only: the first answer uses something up.
    pub(crate) const fn once(mut self) -> Self {
        self.is_repeatable = false;
        self
    }
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
    place: String,
}

impl Reply {
    pub(crate) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as what it should be. The parser's own words would repeat it.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|_| self.odd("it is not of the expected form"))
    }

    /// The server gave something that cannot be used.
    pub(crate) fn odd(&self, problem: &'static str) -> Problem {
        Problem::Answer { place: self.place.clone(), problem }
    }

    /// The server said no. `word` is one of ours.
    pub(crate) fn refusal(&self, word: &'static str, help: impl Into<String>) -> Problem {
        Problem::Refused { place: self.place.clone(), status: self.status, word, help: help.into() }
    }
}

/// A client with a runtime of its own, for one source.
pub(crate) struct Http {
    runtime: Runtime,
    client: Client,
    /// For hosts that no proxy can reach.
    direct: Client,
}

impl Http {
    /// Trusts the system's certificate authorities, or those of a file alone.
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self, Problem> {
        // An error says that there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorities = ca.map(authorities).transpose()?;
        let build = |is_direct: bool| {
            let mut builder = Client::builder()
                .user_agent(concat!("sandpit/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(TOTAL_TIMEOUT)
                .redirect(Policy::none())
                .referer(false)
                .tls_version_min(Version::TLS_1_2);
            if let Some(authorities) = &authorities {
                builder = builder.tls_certs_only(authorities.iter().cloned());
            }
            if is_direct {
                builder = builder.no_proxy();
            }
            builder.build().map_err(|error| Problem::Client(error.without_url()))
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Problem::Runtime)?;
        Ok(Self { runtime, client: build(false)?, direct: build(true)? })
    }

    /// Asks, and asks again where that may help.
    pub(crate) fn send(&self, call: &Call) -> Result<Reply, Problem> {
        let url = Url::parse(&call.url).map_err(|_| Problem::Setup {
            problem: "an address that was configured is no URL".to_owned(),
        })?;
        let place = place(&url);
        let is_near = is_near(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && is_near) {
            return Err(Problem::PlainHttp { place });
        }
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(Problem::InRuntime);
        }
        let client = if is_near { &self.direct } else { &self.client };
        self.runtime.block_on(async {
            let mut attempt = 1;
            loop {
                let outcome = once(client, call, url.clone(), &place).await;
                let (is_temporary, asked) = match &outcome {
                    Ok((reply, asked)) => (is_temporary(reply.status), *asked),
                    Err(problem) => (problem.is_temporary(), None),
                };
                if !is_temporary || !call.is_repeatable || attempt >= ATTEMPTS_MAX {
                    return outcome.map(|(reply, _)| reply);
                }
                tracing::debug!(place, attempt, "a secret manager is asked again");
                tokio::time::sleep(pause(attempt, asked)).await;
                attempt += 1;
            }
        })
    }
}

/// Whether the same question may be answered later.
pub(super) const fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

async fn once(
    client: &Client,
    call: &Call,
    url: Url,
    place: &str,
) -> Result<(Reply, Option<Duration>), Problem> {
    let fail = |error: reqwest::Error| failure(error, place);
    let mut request = client.request(call.method.clone(), url);
    for (name, value) in &call.headers {
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| Problem::Setup {
            problem: format!(
                "what is to be sent as `{name}` has line breaks or control characters"
            ),
        })?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    if let Some(body) = &call.body {
        request = request.body(body.to_vec());
    }
    let mut response = request.send().await.map_err(fail)?;
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let status = response.status().as_u16();
    // All the room at once: a buffer that grows leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(REPLY_BYTES_MAX));
    while let Some(piece) = response.chunk().await.map_err(fail)? {
        if body.len().saturating_add(piece.len()) > REPLY_BYTES_MAX {
            return Err(Problem::Answer { place: place.to_owned(), problem: "it is too long" });
        }
        body.extend_from_slice(&piece);
    }
    Ok((Reply { status, body, place: place.to_owned() }, asked))
}

fn failure(error: reqwest::Error, place: &str) -> Problem {
    let place = place.to_owned();
    let error = error.without_url();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Problem::Certificate { place, why: why.to_string() };
        }
        // An error of input and output passes over what it holds when it is asked for its source.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    Problem::Unreachable { place, source: error }
}

/// Host and port, for people.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether what is sent there stays on this machine, or is its own platform.
fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    METADATA_HOSTS.contains(&host)
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn pause(attempt: u32, asked: Option<Duration>) -> Duration {
    let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
    let longest = PAUSE_FIRST.saturating_mul(doubled).min(PAUSE_MAX);
    // A hasher's random keys are as good a die as is needed here.
    let die = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
    let jittered = longest.mul_f64(f64::from(die) / f64::from(u32::MAX));
    asked.map_or(jittered, |asked| asked.max(jittered)).min(PAUSE_MAX)
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, Problem> {
    let setup = |problem: &str| Problem::Setup {
        problem: format!("the certificate authority in `{}` {problem}", path.display()),
    };
    // Public, so whoever may read it may read it.
    let content = std::fs::read(path).map_err(|_| setup("cannot be read"))?;
    if content.len() > CA_BYTES_MAX {
        return Err(setup("is too long"));
    }
    match Certificate::from_pem_bundle(&content) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(setup("is no certificate in PEM")),
    }
}

/// Fields of a form, encoded.
pub(crate) fn form(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let most = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(most));
    let encode = |text: &str, out: &mut Vec<u8>| {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                out.push(byte);
            } else {
                let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
                out.push(b'%');
                out.extend_from_slice(&digits);
            }
        }
    };
    for (name, value) in fields {
        if !out.is_empty() {
            out.push(b'&');
        }
        encode(name, &mut out);
        out.push(b'=');
        encode(value, &mut out);
    }
    out
}

/// A JSON object of texts, in memory that is overwritten.
pub(crate) fn texts(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    /// Bytes of a character at most: `\u001f`.
    const CHARACTER_BYTES_MAX: usize = 6;
    let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(bytes * CHARACTER_BYTES_MAX));
    for (name, value) in fields {
        let mark = if out.is_empty() { b'{' } else { b',' };
        out.push(mark);
        // Writing text to memory cannot fail.
        let _ = serde_json::to_writer(&mut *out, name);
        out.push(b':');
        let _ = serde_json::to_writer(&mut *out, value);
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_nowhere_else() {
        for (url, near) in [
            ("http://127.0.0.1:8200/", true),
            ("http://[::1]:8200/", true),
            ("http://169.254.169.254/", true),
            ("http://metadata.google.internal/", true),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
            ("http://169.254.169.253/", false),
            ("http://metadata.google.internal.example.com/", false),
        ] {
            assert_eq!(is_near(&Url::parse(url).unwrap()), near, "{url}");
        }
        let http = Http::new(None).unwrap();
        let error = http.send(&Call::get("http://10.0.0.1/".to_owned())).err().unwrap();
        assert!(matches!(error, Problem::PlainHttp { .. }), "{error}");
    }

    #[test]
    fn forms() {
        assert_eq!(*form(&[("a", "b c"), ("d", "é&=+/")]), b"a=b%20c&d=%C3%A9%26%3D%2B%2F");
    }

    #[test]
    fn objects_of_texts() {
        assert_eq!(
            *texts(&[("a", "b\"\n"), ("c", "é")]),
            "{\"a\":\"b\\\"\\n\",\"c\":\"é\"}".as_bytes()
        );
    }

    #[test]
    fn pauses_are_bounded() {
        for attempt in 1..40 {
            assert!(pause(attempt, None) <= PAUSE_MAX);
            assert!(pause(attempt, Some(Duration::from_secs(9_999))) == PAUSE_MAX);
        }
    }

    #[test]
    fn inside_a_runtime_it_is_an_error_and_no_panic() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let http = Http::new(None).unwrap();
        let call = Call::get("http://127.0.0.1:1/".to_owned());
        let outcome = runtime.block_on(async { http.send(&call) });
        assert!(matches!(outcome, Err(Problem::InRuntime)));
    }
}
