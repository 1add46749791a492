//! How the host proves itself to Google: a service account's key, a federated identity, or the
//! metadata server, in the order of "Application Default Credentials".

use std::{collections::BTreeMap, path::Path, time::Duration};

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use zeroize::{Zeroize, Zeroizing};

use super::{GoogleSource, Token};
use crate::{
    SecretText,
    clock::parse_time,
    environment::{read_guarded, read_platform_file},
    source::{Failure, Hidden, Problem, Step, http::Call, jwt},
};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const STEP: &str = "get a token from Google";
/// Bytes of a file with credentials.
const FILE_BYTES_MAX: usize = 64 * 1024;
/// How long a token that the host signs may be used, in seconds; Google takes no more.
const ASSERTION_S: u64 = 3_600;
/// The longest life of a token that is believed.
const TOKEN_MAX: Duration = Duration::from_secs(12 * 3_600);
/// Headers with which an address is asked for a token.
const HEADERS_MAX: usize = 16;
/// The host of the metadata server, if not another is named.
const METADATA: &str = "metadata.google.internal";

/// A file with credentials, of one of the kinds that need no person.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum File {
    ServiceAccount(ServiceAccount),
    ExternalAccount(Box<ExternalAccount>),
}

#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key_id: String,
    private_key: Hidden,
    token_uri: String,
}

#[derive(Deserialize)]
struct ExternalAccount {
    audience: String,
    subject_token_type: String,
    token_url: String,
    credential_source: CredentialSource,
    service_account_impersonation_url: Option<String>,
}

#[derive(Deserialize)]
struct CredentialSource {
    file: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Hidden>,
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type")]
    kind: String,
    subject_token_field_name: Option<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Hidden,
    expires_in: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Impersonated {
    access_token: Hidden,
    expire_time: String,
}

crate::lacks::says_nothing!(File, TokenAnswer, Impersonated);

impl GoogleSource {
    /// Has a token that is good. Says whether it was made just now.
    pub(super) fn ensure_token(&mut self) -> Result<bool, Failure> {
        let now = self.clock.now();
        if self.token.as_ref().is_some_and(|token| token.is_good(now)) {
            return Ok(false);
        }
        let variables = self.environment.load().step(STEP)?;
        let file = variables.get("GOOGLE_APPLICATION_CREDENTIALS").step(STEP)?;
        let (text, lifetime) = match file {
            Some(path) => match read(path.trimmed()).step("read the Google credentials file")? {
                File::ServiceAccount(account) => self.service_account(&account)?,
                File::ExternalAccount(account) => self.external_account(&account)?,
            },
            None => {
                let host = variables.get("GCE_METADATA_HOST").step(STEP)?;
                self.metadata(host.as_ref().map_or(METADATA, SecretText::trimmed))?
            }
        };
        self.token = Some(Token::new(text, now, lifetime.min(TOKEN_MAX)));
        Ok(true)
    }

    fn service_account(&self, account: &ServiceAccount) -> Result<(SecretText, Duration), Failure> {
        let key = jwt::rsa_key(account.private_key.0.expose()).step(STEP)?;
        let now = self.clock.now_s();
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": account.private_key_id });
        let claims = json!({
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": now,
            "exp": now.saturating_add(ASSERTION_S),
        });
        let assertion = jwt::sign(jwt::Algorithm::Rs256, &header, &claims, &key).step(STEP)?;
        let call = Call::new(Method::POST, account.token_uri.clone()).form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", &assertion),
        ]);
        let help =
            "the service account's key was deleted or disabled, or this machine's clock is wrong";
        self.token_of(&call, help)
    }

    fn external_account(
        &self,
        account: &ExternalAccount,
    ) -> Result<(SecretText, Duration), Failure> {
        let subject = self.subject(&account.credential_source)?;
        let call = Call::new(Method::POST, account.token_url.clone()).form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", &account.audience),
            ("scope", SCOPE),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token_type", &account.subject_token_type),
            ("subject_token", subject.trimmed()),
        ]);
        let help = "the pool's provider has to take this issuer, audience and subject";
        let (token, lifetime) = self.token_of(&call, help)?;
        match &account.service_account_impersonation_url {
            Some(url) => self.impersonate(url, &token),
            None => Ok((token, lifetime)),
        }
    }

    /// What proves the subject: in a file that the platform renews, or at an address of its own.
    fn subject(&self, source: &CredentialSource) -> Result<SecretText, Failure> {
        const STEP: &str = "read the subject's token";
        let content = match (&source.file, &source.url) {
            (Some(path), None) => read_platform_file(Path::new(path), FILE_BYTES_MAX).step(STEP)?,
            (None, Some(url)) => {
                let mut call = Call::get(url.clone());
                if source.headers.len() > HEADERS_MAX {
                    let problem = "there are too many headers in `credential_source`".to_owned();
                    return Err((STEP, Problem::Setup { problem }));
                }
                for (name, value) in &source.headers {
                    call = call.named_header(name, value.0.trimmed()).step(STEP)?;
                }
                let reply = self.http.send(&call).step(STEP)?;
                if !reply.is_success() {
                    let help = "the platform that vouches for this host gave no token";
                    return Err((STEP, reply.refusal("no token", help)));
                }
                SecretText::from_bytes(reply.body.to_vec())
                    .ok_or_else(|| (STEP, reply.odd("it is not text")))?
            }
            _ => {
                let problem = "of external accounts those are served whose token is in a file \
                               (`credential_source.file`) or at an address \
                               (`credential_source.url`)";
                return Err((STEP, Problem::Setup { problem: problem.to_owned() }));
            }
        };
        token_in(content, source.format.as_ref()).step(STEP)
    }

    fn impersonate(
        &self,
        url: &str,
        token: &SecretText,
    ) -> Result<(SecretText, Duration), Failure> {
        const STEP: &str = "act as the service account";
        let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
        let body = Zeroizing::new(json!({ "scope": [SCOPE] }).to_string().into_bytes());
        let call =
            Call::new(Method::POST, url.to_owned()).header("authorization", &bearer).json(body);
        let reply = self.http.send(&call).step(STEP)?;
        if !reply.is_success() {
            let help = "the federated identity needs the role `roles/iam.workloadIdentityUser` on \
                        the service account";
            return Err((STEP, reply.refusal("refused", help)));
        }
        let Impersonated { access_token, expire_time } = reply.parse().step(STEP)?;
        let until = parse_time(&expire_time)
            .ok_or_else(|| (STEP, reply.odd("it does not say when the token ends")))?;
        let lifetime = Duration::from_nanos(until.since(self.clock.now()).0);
        Ok((access_token.0, lifetime))
    }

    fn metadata(&self, host: &str) -> Result<(SecretText, Duration), Failure> {
        let path = "computeMetadata/v1/instance/service-accounts/default/token";
        let call = Call::get(format!("http://{host}/{path}")).header("metadata-flavor", "Google");
        match self.token_of(&call, "the machine or the pod has to have a service account") {
            Err((step, Problem::Unreachable { .. })) => {
                let problem = "there are no Google credentials: GOOGLE_APPLICATION_CREDENTIALS is \
                               not set, and there is no metadata server";
                Err((step, Problem::Setup { problem: problem.to_owned() }))
            }
            outcome => outcome,
        }
    }

    fn token_of(&self, call: &Call, help: &str) -> Result<(SecretText, Duration), Failure> {
        let reply = self.http.send(call).step(STEP)?;
        if !reply.is_success() {
            return Err((STEP, reply.refusal("no token", help)));
        }
        let TokenAnswer { access_token, expires_in } = reply.parse().step(STEP)?;
        Ok((access_token.0, Duration::from_secs(expires_in)))
    }
}

fn read(path: &str) -> Result<File, Problem> {
    let path = Path::new(path);
    let content = read_guarded(path, FILE_BYTES_MAX, crate::Care::Refuse, &mut Vec::new())?;
    // The parser's own words would repeat what is in it.
    serde_json::from_slice(&content).map_err(|_| Problem::Setup {
        problem: format!(
            "`{}` is neither the key of a service account nor an external account",
            path.display()
        ),
    })
}

/// The token in what a file or an address gave.
fn token_in(content: SecretText, format: Option<&Format>) -> Result<SecretText, Problem> {
    let setup = |problem: &str| Problem::Setup { problem: problem.to_owned() };
    let Some(format) = format.filter(|format| format.kind == "json") else {
        return Ok(content);
    };
    let field = format.subject_token_field_name.as_deref().unwrap_or("access_token");
    let document: serde_json::Value = serde_json::from_str(content.expose())
        .map_err(|_| setup("the subject's token is not in a JSON document"))?;
    let serde_json::Value::Object(mut fields) = document else {
        return Err(setup("the subject's token is not in a JSON object"));
    };
    let token = match fields.remove(field) {
        Some(serde_json::Value::String(token)) => Some(SecretText::new(token)),
        _ => None,
    };
    for (_, value) in &mut fields {
        if let serde_json::Value::String(text) = value {
            text.zeroize();
        }
    }
    token.ok_or_else(|| setup("the document has no text with the subject's token"))
}
