//! AWS Secrets Manager, asked with a signed request.
//!
//! Source: "AWS Secrets Manager API reference", `GetSecretValue`.

mod chain;
mod profile;
mod sigv4;

use std::time::Duration;

use sandpit_core::time::UnixNanos;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Failure, Fetched, Hidden, Problem, Source, SourceError, Step,
    http::{Call, Http, Reply, texts},
    version_name,
};
use crate::{Clock, Credential, Environment, SecretText, clock::from_seconds, uri::AwsUri};
use sigv4::{Keys, Signed};

const SERVICE: &str = "secretsmanager";
const STEP: &str = "read the secret";
/// How long before their end keys are replaced, as the SDKs have it.
const KEYS_MARGIN: Duration = Duration::from_secs(300);

/// A key in AWS Secrets Manager.
pub(super) struct AwsSource {
    uri: AwsUri,
    environment: Environment,
    clock: Clock,
    http: Http,
    keys: Option<(Keys, Option<UnixNanos>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<Hidden>,
    version_id: Option<String>,
    created_date: Option<f64>,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "__type")]
    kind: String,
}

crate::lacks::says_nothing!(AwsSource, SecretValue, Keys, Signed<'_>, profile::Profile);

impl AwsSource {
    pub(super) fn new(
        uri: AwsUri,
        environment: Environment,
        clock: Clock,
    ) -> Result<Self, Problem> {
        let http = Http::new(uri.ca.as_deref())?;
        Ok(Self { uri, environment, clock, http, keys: None })
    }

    fn endpoint(&self) -> Result<String, Problem> {
        if let Some(endpoint) = &self.uri.endpoint {
            return Ok(endpoint.clone());
        }
        let variables = self.environment.load()?;
        if let Some(endpoint) = variables.get("AWS_ENDPOINT_URL_SECRETS_MANAGER")? {
            return Ok(endpoint.trimmed().trim_end_matches('/').to_owned());
        }
        Ok(format!("https://{SERVICE}.{}.{}", self.uri.region, domain(&self.uri.region)))
    }

    fn read(&mut self) -> Result<Fetched, Failure> {
        let reply = self.ask()?;
        let reply = match reply.status {
            // Keys of a session may have been withdrawn before their end.
            400 | 403 if is_about_keys(&reply) && self.keys.take().is_some() => self.ask()?,
            _ => reply,
        };
        if !reply.is_success() {
            return Err((STEP, self.refused(&reply)));
        }
        let value: SecretValue = reply.parse().step(STEP)?;
        let text = value.secret_string.ok_or_else(|| {
            (STEP, reply.odd("the secret is binary; store it as text (`--secret-string`)"))
        })?;
        let credential = Credential::from_document(&text.0).step(STEP)?;
        Ok(Fetched {
            credential,
            version: value.version_id.as_deref().and_then(version_name),
            created: value.created_date.and_then(seconds),
            lease: None,
        })
    }

    fn ask(&mut self) -> Result<Reply, Failure> {
        let now = self.clock.now();
        let is_good = |until: &Option<UnixNanos>| {
            until.is_none_or(|until| now.plus(crate::clock::nanos(KEYS_MARGIN)) < until)
        };
        if !self.keys.as_ref().is_some_and(|(_, until)| is_good(until)) {
            self.keys = Some(self.find_keys()?);
        }
        let (keys, _) = self.keys.as_ref().ok_or_else(|| (STEP, chain::none()))?;
        let endpoint = self.endpoint().step(STEP)?;
        let mut fields = vec![("SecretId", self.uri.name.as_str())];
        match (&self.uri.version, &self.uri.stage) {
            (Some(version), _) => fields.push(("VersionId", version)),
            (None, Some(stage)) => fields.push(("VersionStage", stage)),
            (None, None) => {}
        }
        let kind = "application/x-amz-json-1.1";
        let target = format!("{SERVICE}.GetSecretValue");
        let call = self.signed(keys, &endpoint, SERVICE, kind, Some(&target), texts(&fields));
        self.http.send(&call).step(STEP)
    }

    /// A question with a body, signed.
    fn signed(
        &self,
        keys: &Keys,
        endpoint: &str,
        service: &str,
        kind: &str,
        target: Option<&str>,
        body: Zeroizing<Vec<u8>>,
    ) -> Call {
        let time = stamp(self.clock.now_s());
        let (_, host) = endpoint.split_once("://").unwrap_or_default();
        let mut headers =
            vec![("content-type", kind), ("host", host), ("x-amz-date", time.as_str())];
        let token = keys.session_token.as_ref().map(SecretText::trimmed);
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        headers.extend(target.map(|target| ("x-amz-target", target)));
        let region = &self.uri.region;
        let (method, path, time) = ("POST", "/", time.as_str());
        let signed = Signed { method, path, headers: &headers, body: &body, time, region, service };
        let authorization = signed.authorization(keys);
        let mut call = Call::new(reqwest::Method::POST, format!("{endpoint}/")).body(kind, body);
        // The client sets the other two.
        for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("x-amz-")) {
            call = call.header(name, value);
        }
        call.header("authorization", &authorization)
    }

    fn refused(&self, reply: &Reply) -> Problem {
        let name = &self.uri.name;
        match kind(reply).as_str() {
            "ResourceNotFoundException" => reply.refusal(
                "nothing there",
                format!(
                    "there is no secret `{name}` with this version in {}; it may be in another \
                     region or account",
                    self.uri.region
                ),
            ),
            "AccessDeniedException" | "AccessDenied" => reply.refusal(
                "access denied",
                format!("the role or user needs `{SERVICE}:GetSecretValue` on `{name}`"),
            ),
            "InvalidRequestException" => {
                reply.refusal("not possible now", "the secret may be marked for deletion")
            }
            "DecryptionFailure" => reply.refusal(
                "not decrypted",
                "the role or user needs `kms:Decrypt` on the key that the secret is encrypted with",
            ),
            "SignatureDoesNotMatch" | "InvalidSignatureException" => reply
                .refusal("signature refused", "AWS_SECRET_ACCESS_KEY is not that of the key id"),
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "IncompleteSignature"
            | "MissingAuthenticationToken" => {
                reply.refusal("credentials refused", "this access key is unknown, or was withdrawn")
            }
            "ExpiredTokenException" | "ExpiredToken" => {
                reply.refusal("credentials expired", "the session's token has ended")
            }
            "RequestExpired" | "RequestTimeTooSkewed" => {
                reply.refusal("time refused", "set the clock of this machine")
            }
            "ThrottlingException" => reply.refusal("asked too often", "wait"),
            _ if reply.status >= 500 => reply.refusal("trouble of its own", "wait"),
            _ => reply.refusal("refused", "CloudTrail has the reason"),
        }
    }
}

/// What kind of refusal it is: compared with words of ours, never shown.
fn kind(reply: &Reply) -> String {
    if let Ok(ErrorBody { kind }) = reply.parse() {
        return kind.rsplit('#').next().unwrap_or_default().to_owned();
    }
    // What stands before the service refuses in XML.
    let body = std::str::from_utf8(&reply.body).unwrap_or_default();
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map(|(code, _)| code.to_owned()).unwrap_or_default()
}

fn is_about_keys(reply: &Reply) -> bool {
    matches!(
        kind(reply).as_str(),
        "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
    )
}

/// The domain of a region's services.
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// A moment as JSON of AWS has it: seconds, with a fraction.
fn seconds(seconds: f64) -> Option<UnixNanos> {
    let whole = Duration::try_from_secs_f64(seconds).ok()?.as_secs();
    Some(from_seconds(whole))
}

/// `20150830T123600Z`
fn stamp(now_s: u64) -> String {
    let second = i64::try_from(now_s).ok().and_then(|now| jiff::Timestamp::from_second(now).ok());
    second.unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string()
}

impl Source for AwsSource {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        self.read().map_err(|(step, problem)| SourceError::new(&self.uri, step, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(stamp(1_440_938_160), "20150830T123600Z");
        assert_eq!(seconds(1_440_938_160.5), Some(from_seconds(1_440_938_160)));
        assert_eq!(seconds(-1.0), None);
        assert_eq!(seconds(f64::NAN), None);
    }
}
