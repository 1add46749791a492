//! How the host proves itself to Microsoft: a federated token, a client's secret or certificate, or
//! the managed identity of where it runs.
//!
//! Source: "Microsoft identity platform", client credentials flow and certificate credentials;
//! "How to use managed identities", virtual machines and App Service.

use std::{path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use ring::digest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AzureSource, Token};
use crate::{
    SecretText, Variables,
    environment::{read_guarded, read_platform_file},
    private_key::pem_bytes,
    source::{Failure, Hidden, Problem, Step, http::Call, jwt},
};

const STEP: &str = "get a token from Microsoft";
/// Bytes of a file with a token or a certificate.
const FILE_BYTES_MAX: usize = 64 * 1024;
/// How long a token that the host signs may be used, in seconds.
const ASSERTION_S: u64 = 600;
/// The longest life of a token that is believed.
const TOKEN_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of a tenant's or a client's name: a UUID, or a domain.
const NAME_BYTES_MAX: usize = 128;
const IMDS: &str = "http://169.254.169.254";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Clouds: the end of a vault's host, and who gives tokens there.
const CLOUDS: &[(&str, &str)] = &[
    ("vault.azure.net", "https://login.microsoftonline.com"),
    ("vault.azure.cn", "https://login.chinacloudapi.cn"),
    ("vault.usgovcloudapi.net", "https://login.microsoftonline.us"),
];

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Hidden,
    /// Seconds: a number, or a number as text.
    expires_in: Option<Value>,
    /// The moment of its end, likewise.
    expires_on: Option<Value>,
}

crate::lacks::says_nothing!(TokenAnswer);

fn number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

impl AzureSource {
    /// The cloud that the vault is in.
    fn cloud(&self) -> (&'static str, &'static str) {
        let host = self.uri.host();
        *CLOUDS.iter().find(|(suffix, _)| host.ends_with(suffix)).unwrap_or(&CLOUDS[0])
    }

    /// Has a token that is good. Says whether it was made just now.
    pub(super) fn ensure_token(&mut self) -> Result<bool, Failure> {
        let now = self.clock.now();
        if self.token.as_ref().is_some_and(|token| token.is_good(now)) {
            return Ok(false);
        }
        let variables = self.environment.load().step(STEP)?;
        let get = |name: &str| variables.get(name).step(STEP);
        let (text, lifetime) = match (get("AZURE_TENANT_ID")?, get("AZURE_CLIENT_ID")?) {
            (Some(tenant), Some(client)) if has_proof(&variables).step(STEP)? => {
                self.client_credentials(&variables, tenant.trimmed(), client.trimmed())?
            }
            (_, client) => self.managed(&variables, client.as_ref().map(SecretText::trimmed))?,
        };
        self.token = Some(Token::new(text, now, lifetime.min(TOKEN_MAX)));
        Ok(true)
    }

    fn client_credentials(
        &self,
        variables: &Variables,
        tenant: &str,
        client: &str,
    ) -> Result<(SecretText, Duration), Failure> {
        check_name(tenant, "AZURE_TENANT_ID").step(STEP)?;
        check_name(client, "AZURE_CLIENT_ID").step(STEP)?;
        let (vaults, authority) = self.cloud();
        let named = variables.get("AZURE_AUTHORITY_HOST").step(STEP)?;
        let authority = named.as_ref().map_or(authority, SecretText::trimmed).trim_end_matches('/');
        let url = format!("{authority}/{tenant}/oauth2/v2.0/token");
        let scope = format!("https://{vaults}/.default");
        let mut fields =
            vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", &scope)];
        let get = |name: &str| variables.get(name).step(STEP);
        let (proof, help) = if let Some(path) = get("AZURE_FEDERATED_TOKEN_FILE")? {
            fields.push(("client_assertion_type", ASSERTION_TYPE));
            let path = Path::new(path.trimmed());
            let token =
                read_platform_file(path, FILE_BYTES_MAX).step("read the federated token")?;
            let help = "the application needs a federated credential with this issuer and subject";
            (("client_assertion", token), help)
        } else if let Some(secret) = get("AZURE_CLIENT_SECRET")? {
            (("client_secret", secret), "the client's secret has ended or is another one's")
        } else {
            let path = get("AZURE_CLIENT_CERTIFICATE_PATH")?.ok_or_else(|| (STEP, no_proof()))?;
            fields.push(("client_assertion_type", ASSERTION_TYPE));
            let assertion = self.certificate(path.trimmed(), client, &url).step(STEP)?;
            let help = "the certificate is not one of the application's, or has ended";
            (("client_assertion", assertion), help)
        };
        fields.push((proof.0, proof.1.trimmed()));
        self.token_of(&Call::new(Method::POST, url).form(&fields), help)
    }

    /// A token that is signed with the key of a certificate, and says which certificate.
    fn certificate(&self, path: &str, client: &str, url: &str) -> Result<SecretText, Problem> {
        let path = Path::new(path);
        let content = read_guarded(path, FILE_BYTES_MAX, crate::Care::Refuse, &mut Vec::new())?;
        let setup = |problem: &str| Problem::Setup { problem: problem.to_owned() };
        let pem = std::str::from_utf8(&content).map_err(|_| {
            setup(
                "the client's certificate is not in PEM; PKCS#12 becomes PEM with `openssl \
                     pkcs12 -in FILE.pfx -nodes -out FILE.pem`",
            )
        })?;
        let key = jwt::rsa_key(pem)?;
        let certificate = pem_bytes(pem, "CERTIFICATE").ok_or_else(|| {
            setup("there is no certificate beside the key in the client's PEM file")
        })?;
        // By which Microsoft finds the certificate that the application registered.
        let thumbprint = digest::digest(&digest::SHA256, &certificate);
        let now = self.clock.now_s();
        let header = json!({
            "alg": "PS256",
            "typ": "JWT",
            "x5t#S256": URL_SAFE_NO_PAD.encode(thumbprint),
        });
        let claims = json!({
            "aud": url,
            "iss": client,
            "sub": client,
            "jti": format!("{now}-{}", self.clock.now()),
            "nbf": now,
            "exp": now.saturating_add(ASSERTION_S),
        });
        let token = jwt::sign(jwt::Algorithm::Ps256, &header, &claims, &key)?;
        Ok(SecretText::new(token.to_string()))
    }

    /// The identity of the machine, or of the service that runs the host.
    fn managed(
        &self,
        variables: &Variables,
        client: Option<&str>,
    ) -> Result<(SecretText, Duration), Failure> {
        let get = |name: &str| variables.get(name).step(STEP);
        let (vaults, _) = self.cloud();
        let mut query = format!("resource=https%3A%2F%2F{vaults}");
        if let Some(client) = client {
            check_name(client, "AZURE_CLIENT_ID").step(STEP)?;
            query.push_str("&client_id=");
            query.push_str(client);
        }
        let help = "the machine or the service has to have a managed identity";
        if let (Some(endpoint), Some(header)) = (get("IDENTITY_ENDPOINT")?, get("IDENTITY_HEADER")?)
        {
            let url = format!("{}?api-version=2019-08-01&{query}", endpoint.trimmed());
            let call = Call::get(url).header("x-identity-header", header.trimmed());
            return self.token_of(&call, help);
        }
        let host = get("AZURE_POD_IDENTITY_AUTHORITY_HOST")?;
        let host = host.as_ref().map_or(IMDS, SecretText::trimmed).trim_end_matches('/');
        let url = format!("{host}/metadata/identity/oauth2/token?api-version=2018-02-01&{query}");
        match self.token_of(&Call::get(url).header("metadata", "true"), help) {
            Err((step, Problem::Unreachable { .. })) => Err((step, no_proof())),
            outcome => outcome,
        }
    }

    fn token_of(&self, call: &Call, help: &str) -> Result<(SecretText, Duration), Failure> {
        let reply = self.http.send(call).step(STEP)?;
        if !reply.is_success() {
            return Err((STEP, reply.refusal("no token", help)));
        }
        let TokenAnswer { access_token, expires_in, expires_on } = reply.parse().step(STEP)?;
        let until_end =
            || number(expires_on.as_ref()).map(|end| end.saturating_sub(self.clock.now_s()));
        let lifetime = number(expires_in.as_ref()).or_else(until_end);
        let lifetime =
            lifetime.ok_or_else(|| (STEP, reply.odd("it does not say when the token ends")))?;
        Ok((access_token.0, Duration::from_secs(lifetime)))
    }
}

/// Whether something proves the client beside its name.
fn has_proof(variables: &Variables) -> Result<bool, Problem> {
    for name in
        ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"]
    {
        if variables.get(name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn no_proof() -> Problem {
    Problem::Setup {
        problem: "there are no Azure credentials: AZURE_TENANT_ID and AZURE_CLIENT_ID are not set \
                  with a secret, a certificate or a federated token, and there is no managed \
                  identity"
            .to_owned(),
    }
}

/// They become parts of an address.
fn check_name(value: &str, name: &str) -> Result<(), Problem> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    if value.len() <= NAME_BYTES_MAX && value.bytes().all(is_name) {
        return Ok(());
    }
    Err(Problem::Setup { problem: format!("`{name}` has characters that it cannot have") })
}
