//! How the host proves itself to Vault, and stays logged in.

use std::path::Path;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Token, VaultSource, token};
use crate::{
    SecretText,
    environment::read_platform_file,
    source::{
        Failure, Hidden, Problem, Step,
        http::{Call, Reply, texts},
    },
    uri::VaultAuth,
};

/// Where a pod finds the token of its service account.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// Bytes of such a token.
const JWT_BYTES_MAX: usize = 32 * 1024;

/// A token, and whether it can be made to last.
pub(super) struct Login {
    pub(super) token: Token,
    is_renewable: bool,
}

#[derive(Deserialize)]
struct LoginAnswer {
    auth: Option<Auth>,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Hidden,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

#[derive(Deserialize)]
struct Lookup {
    data: LookupData,
}

#[derive(Deserialize)]
struct LookupData {
    #[serde(default)]
    ttl: u64,
    #[serde(default)]
    renewable: bool,
}

#[derive(Deserialize)]
struct Unwrapped {
    auth: Option<Auth>,
    data: Option<UnwrappedData>,
}

#[derive(Deserialize)]
struct UnwrappedData {
    secret_id: Option<Hidden>,
}

impl VaultSource {
    /// Has a token that is good. Says whether it was made just now.
    pub(super) fn ensure_token(&mut self) -> Result<bool, Failure> {
        let now = self.clock.now();
        if self.token.as_ref().is_some_and(|login| login.token.is_good(now)) {
            return Ok(false);
        }
        if let Some(login) = self.token.take().filter(|login| login.is_renewable)
            && let Some(login) = self.renew(&login)?
        {
            self.token = Some(login);
            return Ok(false);
        }
        self.token = Some(self.log_in()?);
        Ok(true)
    }

    fn renew(&self, login: &Login) -> Result<Option<Login>, Failure> {
        let call = Call::new(reqwest::Method::POST, self.uri.url("auth/token/renew-self"))
            .header("x-vault-token", login.token.text.expose())
            .json(Zeroizing::new(b"{}".to_vec()));
        let reply = self.http.send(&self.call(call)).step("renew the token")?;
        if !reply.is_success() {
            return Ok(None);
        }
        let LoginAnswer { auth } = reply.parse().step("renew the token")?;
        // Near its longest life it is given less and less; then another one is wanted.
        Ok(auth.filter(|auth| auth.lease_duration > 0).map(|auth| self.login(auth)))
    }

    fn login(&self, auth: Auth) -> Login {
        let Auth { client_token, lease_duration, renewable } = auth;
        let token = token(client_token.0, &self.clock, lease_duration);
        Login { token, is_renewable: renewable }
    }

    /// Whether the server knows the token that is used.
    pub(super) fn is_token_alive(&self) -> Result<bool, Failure> {
        let Some(login) = &self.token else {
            return Ok(false);
        };
        let call = Call::get(self.uri.url("auth/token/lookup-self"))
            .header("x-vault-token", login.token.text.expose());
        Ok(self.http.send(&self.call(call)).step("look the token up")?.is_success())
    }

    fn log_in(&mut self) -> Result<Login, Failure> {
        match self.uri.auth {
            VaultAuth::Token => self.given_token(&self.variable("VAULT_TOKEN")?),
            VaultAuth::WrappedToken => {
                let unwrapped = self.unwrap(&self.variable("VAULT_TOKEN")?)?;
                let auth = unwrapped.auth.ok_or_else(|| wrapped_other("a token"))?;
                Ok(self.login(auth))
            }
            VaultAuth::AppRole => {
                let secret_id = self.variable("VAULT_SECRET_ID")?;
                self.app_role(&secret_id)
            }
            VaultAuth::WrappedAppRole => {
                if self.unwrapped.is_none() {
                    let unwrapped = self.unwrap(&self.variable("VAULT_SECRET_ID")?)?;
                    let secret_id = unwrapped.data.and_then(|data| data.secret_id);
                    let secret_id = secret_id.ok_or_else(|| wrapped_other("a secret id"))?;
                    self.unwrapped = Some(secret_id.0);
                }
                let secret_id = self.unwrapped.clone().ok_or_else(|| wrapped_other("anything"))?;
                self.app_role(&secret_id)
            }
            VaultAuth::Kubernetes => self.kubernetes(),
        }
    }

    fn variable(&self, name: &str) -> Result<SecretText, Failure> {
        const STEP: &str = "read how to log in";
        let variables = self.environment.load().step(STEP)?;
        variables.get(name).step(STEP)?.ok_or_else(|| {
            let places = variables.places();
            (STEP, Problem::Variable { name: name.to_owned(), places })
        })
    }

    /// A token that a person gave: how long it lasts is asked.
    fn given_token(&self, text: &SecretText) -> Result<Login, Failure> {
        const STEP: &str = "look the token up";
        let call = Call::get(self.uri.url("auth/token/lookup-self"))
            .header("x-vault-token", text.trimmed());
        let reply = self.http.send(&self.call(call)).step(STEP)?;
        if reply.status == 403 {
            let help = "the token in VAULT_TOKEN has ended, was revoked, or is of another server";
            return Err((STEP, reply.refusal("permission denied", help)));
        }
        if !reply.is_success() {
            return Err((STEP, refused(reply.status, &reply)));
        }
        let Lookup { data } = reply.parse().step(STEP)?;
        let text = SecretText::new(text.trimmed().to_owned());
        let token = token(text, &self.clock, data.ttl);
        Ok(Login { token, is_renewable: data.renewable })
    }

    /// Takes out what a wrapping token holds; that can be done once.
    fn unwrap(&self, wrapping: &SecretText) -> Result<Unwrapped, Failure> {
        const STEP: &str = "unwrap what was given";
        let call = Call::new(reqwest::Method::POST, self.uri.url("sys/wrapping/unwrap"))
            .header("x-vault-token", wrapping.trimmed())
            .once();
        let reply = self.http.send(&self.call(call)).step(STEP)?;
        if !reply.is_success() {
            let help = "the wrapping token has ended or was used before; if it was not by this \
                        host, somebody else has what was in it: revoke that, and wrap another one";
            return Err((STEP, reply.refusal("not unwrapped", help)));
        }
        reply.parse().step(STEP)
    }

    fn app_role(&self, secret_id: &SecretText) -> Result<Login, Failure> {
        let role_id = self.variable("VAULT_ROLE_ID")?;
        let body = texts(&[("role_id", role_id.trimmed()), ("secret_id", secret_id.trimmed())]);
        let help = "the role id and the secret id do not belong together, the secret id has ended, \
                    or it may not be used from this address";
        self.post_login(self.uri.auth_mount.as_deref().unwrap_or("approle"), body, help)
    }

    fn kubernetes(&self) -> Result<Login, Failure> {
        const STEP: &str = "read the token of the service account";
        let path = self.environment.load().step(STEP)?.get("SANDPIT_KUBERNETES_TOKEN_FILE");
        let path = path.step(STEP)?;
        let path = path.as_ref().map_or(SERVICE_ACCOUNT_TOKEN, SecretText::trimmed);
        let content = read_platform_file(Path::new(path), JWT_BYTES_MAX).step(STEP)?;
        let role = self.uri.role.as_deref().unwrap_or_default();
        let body = texts(&[("role", role), ("jwt", content.trimmed())]);
        let help = "the role has to name this service account and its namespace";
        self.post_login(self.uri.auth_mount.as_deref().unwrap_or("kubernetes"), body, help)
    }

    fn post_login(
        &self,
        mount: &str,
        body: Zeroizing<Vec<u8>>,
        help: &str,
    ) -> Result<Login, Failure> {
        const STEP: &str = "log in";
        let url = self.uri.url(&format!("auth/{mount}/login"));
        let call = Call::new(reqwest::Method::POST, url).json(body);
        let reply = self.http.send(&self.call(call)).step(STEP)?;
        match reply.status {
            200 => {
                let LoginAnswer { auth } = reply.parse().step(STEP)?;
                let auth = auth.ok_or_else(|| (STEP, reply.odd("it has no token")))?;
                Ok(self.login(auth))
            }
            400 | 401 | 403 => Err((STEP, reply.refusal("login refused", help))),
            other => Err((STEP, refused(other, &reply))),
        }
    }
}

/// Refusals that say something about the server.
pub(super) fn refused(status: u16, reply: &Reply) -> Problem {
    match status {
        429 | 472 | 473 => reply.refusal("on standby", "ask the active node, or wait"),
        503 => reply.refusal("sealed", "somebody has to unseal it"),
        500..=599 => reply.refusal("trouble of its own", "look at the server"),
        400 => {
            reply.refusal("not understood", "look at the mounts and at the version of the engine")
        }
        404 => reply.refusal("nothing there", "no such way of logging in is mounted"),
        _ => reply.refusal("refused", "look at the server's audit log"),
    }
}

fn wrapped_other(what: &str) -> Failure {
    let problem = format!("the wrapping token holds something else than {what}");
    ("unwrap what was given", Problem::Setup { problem })
}
