//! HashiCorp Vault and OpenBao: key-value secrets with versions, and credentials that are lent.
//!
//! Source: the HTTP API documents of both, "KV secrets engine v2", "Token", "AppRole",
//! "Kubernetes", "/sys/wrapping", "/sys/leases".

mod auth;

use std::{collections::BTreeMap, time::Duration};

use sandpit_core::time::UnixNanos;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Failure, Fetched, Problem, Source, SourceError, Step, Token,
    http::{Call, Http, Reply, texts},
    version_name,
};
use crate::{
    Clock, Credential, Environment, SecretText,
    clock::{nanos, parse_time},
    uri::{Engine, VaultUri},
};

/// Fields of a secret.
const FIELDS_MAX: usize = 64;
/// The longest lease that is believed: 32 days, Vault's own longest by default.
const LEASE_MAX: Duration = Duration::from_secs(32 * 86_400);

/// A key in Vault.
pub(super) struct VaultSource {
    uri: VaultUri,
    environment: Environment,
    clock: Clock,
    http: Http,
    token: Option<auth::Login>,
    /// A secret id that came wrapped: the wrapping is used up.
    unwrapped: Option<SecretText>,
    lent: Option<Lent>,
}

/// A credential that is lent: asking again would make another one.
struct Lent {
    id: String,
    fields: Fields,
    lease: Duration,
    until: UnixNanos,
}

type Fields = BTreeMap<String, SecretText>;

/// Texts of a secret; whatever else is in it is not ours.
fn fields(data: BTreeMap<String, HiddenValue>) -> Fields {
    data.into_iter()
        .take(FIELDS_MAX)
        .filter_map(|(name, value)| value.0.map(|text| (name, text)))
        .collect()
}

/// Text, or anything else.
struct HiddenValue(Option<SecretText>);

impl<'de> Deserialize<'de> for HiddenValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => Some(SecretText::new(text)),
            _ => None,
        }))
    }
}

#[derive(Deserialize)]
struct Kv2 {
    data: Kv2Data,
}

#[derive(Deserialize)]
struct Kv2Data {
    data: Option<BTreeMap<String, HiddenValue>>,
    metadata: Kv2Metadata,
}

#[derive(Deserialize)]
struct Kv2Metadata {
    created_time: String,
    version: u64,
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

#[derive(Deserialize)]
struct Leased {
    #[serde(default)]
    lease_id: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    data: Option<BTreeMap<String, HiddenValue>>,
}

crate::lacks::says_nothing!(VaultSource, Lent, HiddenValue, Kv2, Leased, auth::Login);

impl VaultSource {
    pub(super) fn new(
        uri: VaultUri,
        environment: Environment,
        clock: Clock,
    ) -> Result<Self, Problem> {
        let http = Http::new(uri.ca.as_deref())?;
        let (token, unwrapped, lent) = (None, None, None);
        Ok(Self { uri, environment, clock, http, token, unwrapped, lent })
    }

    fn call(&self, call: Call) -> Call {
        // What protects Vault's own agents from being asked by a browser.
        let call = call.header("x-vault-request", "true");
        match &self.uri.namespace {
            Some(namespace) => call.header("x-vault-namespace", namespace),
            None => call,
        }
    }

    /// Asks with a token; once more with a new one where the server does not take it.
    fn ask(&mut self, make: &dyn Fn(&VaultUri) -> Call) -> Result<Reply, Failure> {
        let mut has_new = self.ensure_token()?;
        loop {
            let token = self.token.as_ref().map(|login| login.token.text.clone());
            let token = token.ok_or("log in").map_err(|step| (step, no_token()))?;
            let call = self.call(make(&self.uri)).header("x-vault-token", token.expose());
            let reply = self.http.send(&call).step("read the secret")?;
            // It answers 403 for a token that ended and for one that may not; only a look tells.
            if reply.status != 403 || has_new || self.is_token_alive()? {
                return Ok(reply);
            }
            self.token = None;
            has_new = self.ensure_token()?;
        }
    }

    fn read(&mut self) -> Result<Fetched, Failure> {
        match self.uri.engine {
            Engine::Kv2 => self.read_kv2(),
            Engine::Leased => self.read_leased(),
        }
    }

    fn read_kv2(&mut self) -> Result<Fetched, Failure> {
        const STEP: &str = "read the secret";
        let reply = self.ask(&|uri| {
            let version = uri.version.map(|version| format!("?version={version}"));
            let path = format!("{}/data/{}", uri.mount, uri.path);
            Call::get(uri.url(&format!("{path}{}", version.unwrap_or_default())))
        })?;
        if !reply.is_success() {
            return Err((STEP, self.refused(&reply, &format!("{}/data/", self.uri.mount))));
        }
        let Kv2 { data: Kv2Data { data, metadata } } = reply.parse().step(STEP)?;
        let Some(data) = data else {
            return Err((STEP, deleted(&reply)));
        };
        if metadata.destroyed || !metadata.deletion_time.is_empty() && self.is_over(&metadata) {
            return Err((STEP, deleted(&reply)));
        }
        let mut fields = fields(data);
        let credential = Credential::of_texts(|name| fields.remove(name)).step(STEP)?;
        Ok(Fetched {
            credential,
            version: Some(metadata.version.to_string()),
            created: parse_time(&metadata.created_time),
            lease: None,
        })
    }

    /// A version may be going to be deleted at a moment that has not come.
    fn is_over(&self, metadata: &Kv2Metadata) -> bool {
        parse_time(&metadata.deletion_time).is_none_or(|time| time <= self.clock.now())
    }

    fn read_leased(&mut self) -> Result<Fetched, Failure> {
        const STEP: &str = "read the secret";
        if let Some(lent) = self.renewed()? {
            let credential =
                Credential::of_texts(|name| lent.fields.get(name).cloned()).step(STEP)?;
            let fetched =
                Fetched { credential, version: None, created: None, lease: Some(lent.lease) };
            self.lent = Some(lent);
            return Ok(fetched);
        }
        // Asked once: each answer makes a credential.
        let reply =
            self.ask(&|uri| Call::get(uri.url(&format!("{}/{}", uri.mount, uri.path))).once())?;
        if !reply.is_success() {
            return Err((STEP, self.refused(&reply, &format!("{}/", self.uri.mount))));
        }
        let Leased { lease_id, lease_duration, data } = reply.parse().step(STEP)?;
        let fields = fields(data.ok_or_else(|| (STEP, reply.odd("it has no data")))?);
        let lease = Duration::from_secs(lease_duration).min(LEASE_MAX);
        if lease_id.is_empty() || lease.is_zero() {
            let problem = "nothing is lent there; a key-value engine is read with engine=kv2";
            return Err((STEP, reply.odd(problem)));
        }
        let credential = Credential::of_texts(|name| fields.get(name).cloned()).step(STEP)?;
        let until = self.clock.now().plus(nanos(lease));
        self.lent = Some(Lent { id: lease_id, fields, lease, until });
        Ok(Fetched { credential, version: None, created: None, lease: Some(lease) })
    }

    /// What is lent, for longer; `None` where it is over or is lent no longer.
    fn renewed(&mut self) -> Result<Option<Lent>, Failure> {
        let Some(mut lent) = self.lent.take().filter(|lent| self.clock.now() < lent.until) else {
            return Ok(None);
        };
        let body = texts(&[("lease_id", &lent.id)]);
        let asked = self.ask(&|uri| {
            Call::new(reqwest::Method::PUT, uri.url("sys/leases/renew")).json(body.clone())
        });
        let reply = match asked {
            Ok(reply) => reply,
            Err(failure) => {
                // It is good until its end.
                self.lent = Some(lent);
                return Err(failure);
            }
        };
        if !reply.is_success() {
            tracing::warn!(
                status = reply.status,
                "a lease is not renewed; another key is asked for"
            );
            return Ok(None);
        }
        let Leased { lease_duration, .. } = reply.parse().step("renew the lease")?;
        lent.lease = Duration::from_secs(lease_duration).min(LEASE_MAX);
        lent.until = self.clock.now().plus(nanos(lent.lease));
        Ok((!lent.lease.is_zero()).then_some(lent))
    }

    fn refused(&self, reply: &Reply, prefix: &str) -> Problem {
        let path = format!("{prefix}{}", self.uri.path);
        match reply.status {
            403 => reply.refusal(
                "permission denied",
                format!("the token's policy has to have the capability `read` on `{path}`"),
            ),
            404 => match reply.parse::<Kv2>() {
                Ok(_) => deleted(reply),
                Err(_) => reply.refusal(
                    "nothing there",
                    format!("there is no secret at `{path}`, or no engine is mounted there"),
                ),
            },
            other => auth::refused(other, reply),
        }
    }
}

fn deleted(reply: &Reply) -> Problem {
    reply.refusal("deleted", "this version was deleted; undelete it, or write another one")
}

fn no_token() -> Problem {
    Problem::Setup { problem: "there is no token".to_owned() }
}

impl Source for VaultSource {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        let mut fetched =
            self.read().map_err(|(step, problem)| SourceError::new(&self.uri, step, problem))?;
        fetched.version = fetched.version.as_deref().and_then(version_name);
        Ok(fetched)
    }
}

/// A token that Vault gave.
fn token(text: SecretText, clock: &Clock, lease_s: u64) -> Token {
    // A root token never ends, and says zero.
    let lease = if lease_s == 0 { LEASE_MAX } else { Duration::from_secs(lease_s).min(LEASE_MAX) };
    Token::new(text, clock.now(), lease)
}
