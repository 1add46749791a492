//! Azure Key Vault over REST.
//!
//! Source: "Key Vault REST API", `Get Secret`, version 7.4.

mod auth;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Failure, Fetched, Hidden, Problem, Source, SourceError, Step, Token,
    http::{Call, Http, Reply},
    version_name,
};
use crate::{Clock, Credential, Environment, clock::from_seconds, uri::AzureUri};

const API_VERSION: &str = "7.4";
const STEP: &str = "read the secret";

/// A key in Azure Key Vault.
pub(super) struct AzureSource {
    uri: AzureUri,
    environment: Environment,
    clock: Clock,
    http: Http,
    token: Option<Token>,
}

#[derive(Deserialize)]
struct Bundle {
    value: Hidden,
    id: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    created: Option<u64>,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    code: String,
    innererror: Option<InnerError>,
}

#[derive(Deserialize)]
struct InnerError {
    code: String,
}

crate::lacks::says_nothing!(AzureSource, Bundle);

impl AzureSource {
    pub(super) fn new(
        uri: AzureUri,
        environment: Environment,
        clock: Clock,
    ) -> Result<Self, Problem> {
        let http = Http::new(uri.ca.as_deref())?;
        Ok(Self { uri, environment, clock, http, token: None })
    }

    fn url(&self) -> String {
        let base = match &self.uri.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://{}", self.uri.host()),
        };
        let version = self.uri.version.as_deref().unwrap_or_default();
        format!("{base}/secrets/{}/{version}?api-version={API_VERSION}", self.uri.name)
    }

    /// Asks; once more with a new token where the old one is not taken.
    fn ask(&mut self) -> Result<Reply, Failure> {
        let mut is_new = self.ensure_token()?;
        loop {
            let token = self.token.as_ref().map(|token| token.text.expose()).unwrap_or_default();
            let bearer = Zeroizing::new(format!("Bearer {token}"));
            let call = Call::get(self.url()).header("authorization", &bearer);
            let reply = self.http.send(&call).step(STEP)?;
            if reply.status != 401 || is_new {
                return Ok(reply);
            }
            self.token = None;
            is_new = self.ensure_token()?;
        }
    }

    fn read(&mut self) -> Result<Fetched, Failure> {
        let reply = self.ask()?;
        if !reply.is_success() {
            return Err((STEP, self.refused(&reply)));
        }
        let Bundle { value, id, attributes } = reply.parse().step(STEP)?;
        let credential = Credential::from_document(&value.0).step(STEP)?;
        Ok(Fetched {
            credential,
            version: id.rsplit('/').next().and_then(version_name),
            created: attributes.created.map(from_seconds),
            lease: None,
        })
    }

    fn refused(&self, reply: &Reply) -> Problem {
        let name = &self.uri.name;
        // Compared with words of ours, never shown.
        let error = reply.parse::<ErrorBody>().ok().map(|body| body.error);
        let inner = error.as_ref().and_then(|error| error.innererror.as_ref());
        let code = error.as_ref().map(|error| error.code.as_str());
        match (reply.status, inner.map(|inner| inner.code.as_str()), code) {
            (401, ..) => reply
                .refusal("token refused", "the vault belongs to another tenant than the identity"),
            (403, Some("ForbiddenByFirewall"), _) => {
                reply.refusal("forbidden", "the vault's firewall does not let this address in")
            }
            (403, Some("SecretDisabled"), _) => {
                reply.refusal("disabled", "the secret, or this version of it, is disabled")
            }
            (403, ..) => reply.refusal(
                "forbidden",
                format!(
                    "the identity needs the role `Key Vault Secrets User` on `{name}`, or the \
                     access policy `secrets/get`"
                ),
            ),
            (404, ..) => reply.refusal(
                "nothing there",
                format!("there is no secret `{name}` with this version in `{}`", self.uri.vault),
            ),
            (429, ..) => reply.refusal("asked too often", "wait"),
            (500..=599, ..) => reply.refusal("trouble of its own", "wait"),
            _ => reply.refusal("refused", "the vault's audit events have the reason"),
        }
    }
}

impl Source for AzureSource {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        self.read().map_err(|(step, problem)| SourceError::new(&self.uri, step, problem))
    }
}
