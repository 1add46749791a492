//! Google Secret Manager over REST.
//!
//! Source: "Secret Manager API", `projects.secrets.versions.access` and `.get`.

mod auth;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Failure, Fetched, Hidden, Problem, Source, SourceError, Step, Token,
    http::{Call, Http, Reply},
    version_name,
};
use crate::{
    Clock, Credential, Environment, SecretText, clock::parse_time, credential::DOCUMENT_BYTES_MAX,
    uri::GoogleUri,
};

const ENDPOINT: &str = "https://secretmanager.googleapis.com";
const STEP: &str = "read the secret";

/// A key in Google Secret Manager.
pub(super) struct GoogleSource {
    uri: GoogleUri,
    environment: Environment,
    clock: Clock,
    http: Http,
    token: Option<Token>,
}

#[derive(Deserialize)]
struct Access {
    name: String,
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    data: Hidden,
    /// A number, as text.
    data_crc32c: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    create_time: String,
}

crate::lacks::says_nothing!(GoogleSource, Access, Payload);

impl GoogleSource {
    pub(super) fn new(
        uri: GoogleUri,
        environment: Environment,
        clock: Clock,
    ) -> Result<Self, Problem> {
        let http = Http::new(uri.ca.as_deref())?;
        Ok(Self { uri, environment, clock, http, token: None })
    }

    /// Asks; once more with a new token where the old one is not taken.
    fn ask(&mut self, path: &str) -> Result<Reply, Failure> {
        let endpoint = self.uri.endpoint.as_deref().unwrap_or(ENDPOINT).to_owned();
        let mut is_new = self.ensure_token()?;
        loop {
            let token = self.token.as_ref().map(|token| token.text.expose()).unwrap_or_default();
            let bearer = Zeroizing::new(format!("Bearer {token}"));
            let call = Call::get(format!("{endpoint}/v1/{path}")).header("authorization", &bearer);
            let reply = self.http.send(&call).step(STEP)?;
            if reply.status != 401 || is_new {
                return Ok(reply);
            }
            self.token = None;
            is_new = self.ensure_token()?;
        }
    }

    fn read(&mut self) -> Result<Fetched, Failure> {
        let secret = format!("projects/{}/secrets/{}", self.uri.project, self.uri.name);
        let version = self.uri.version.as_deref().unwrap_or("latest").to_owned();
        let reply = self.ask(&format!("{secret}/versions/{version}:access"))?;
        if !reply.is_success() {
            return Err((STEP, self.refused(&reply)));
        }
        let Access { name, payload } = reply.parse().step(STEP)?;
        let bytes = decode(&payload)
            .ok_or_else(|| (STEP, reply.odd("the secret's base64 or its checksum is wrong")))?;
        let text = SecretText::from_bytes(bytes)
            .ok_or_else(|| (STEP, reply.odd("the secret is not text in UTF-8")))?;
        let credential = Credential::from_document(&text).step(STEP)?;
        let version = name.rsplit('/').next().and_then(version_name);
        let created = version.as_deref().and_then(|version| self.created(&secret, version));
        Ok(Fetched { credential, version, created, lease: None })
    }

    /// Since when there is this version. It takes one more permission, which is not needed else.
    fn created(&mut self, secret: &str, version: &str) -> Option<sandpit_core::time::UnixNanos> {
        let reply = self.ask(&format!("{secret}/versions/{version}")).ok()?;
        if !reply.is_success() {
            tracing::debug!(
                "the age of the secret is not known: `secretmanager.versions.get` is missing"
            );
            return None;
        }
        let Version { create_time } = reply.parse().ok()?;
        parse_time(&create_time)
    }

    fn refused(&self, reply: &Reply) -> Problem {
        let name = &self.uri.name;
        match reply.status {
            401 => reply.refusal("token refused", "the token is of another audience, or has ended"),
            403 => reply.refusal(
                "permission denied",
                format!(
                    "the service account needs the role `roles/secretmanager.secretAccessor` on \
                     `{name}`, and the API has to be enabled in the project"
                ),
            ),
            404 => reply.refusal(
                "nothing there",
                format!(
                    "there is no secret `{name}` with this version in the project `{}`",
                    self.uri.project
                ),
            ),
            400 => reply.refusal("not possible", "the version may be disabled or destroyed"),
            429 => reply.refusal("asked too often", "wait, or raise the quota"),
            500..=599 => reply.refusal("trouble of its own", "wait"),
            _ => reply.refusal("refused", "Cloud Audit Logs have the reason"),
        }
    }
}

/// The secret's bytes, if their checksum is right.
fn decode(payload: &Payload) -> Option<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(DOCUMENT_BYTES_MAX));
    STANDARD.decode_vec(payload.data.0.trimmed(), &mut bytes).ok()?;
    if let Some(said) = &payload.data_crc32c
        && said.parse() != Ok(crc32c(&bytes))
    {
        return None;
    }
    Some(std::mem::take(&mut *bytes))
}

/// CRC-32C (Castagnoli), bit by bit: it is asked of a few hundred bytes.
fn crc32c(bytes: &[u8]) -> u32 {
    /// The polynomial, reflected.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let mask = if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            crc = (crc >> 1) ^ mask;
        }
    }
    !crc
}

impl Source for GoogleSource {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        self.read().map_err(|(step, problem)| SourceError::new(&self.uri, step, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, appendix B.4, and the usual check value.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_wrong_checksum_is_seen() {
        let payload = |checksum: Option<&str>| Payload {
            data: Hidden(SecretText::new("MTIzNDU2Nzg5".to_owned())),
            data_crc32c: checksum.map(ToOwned::to_owned),
        };
        assert_eq!(decode(&payload(Some("3808858755"))).as_deref(), Some(&b"123456789"[..]));
        assert_eq!(decode(&payload(None)).as_deref(), Some(&b"123456789"[..]));
        assert_eq!(decode(&payload(Some("3808858756"))), None);
        assert_eq!(decode(&payload(Some("x"))), None);
    }
}
