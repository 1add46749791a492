//! Where the host's own AWS credentials come from, in the order in which AWS's SDKs look: variables,
//! the shared file, web identity, the container's endpoint, the machine's metadata (version 2 alone:
//! version 1 answers whoever can make the host fetch an address).
//!
//! Source: "AWS SDKs and Tools reference guide", "Standardized credential providers"; "Retrieve
//! security credentials from instance metadata" of EC2; `AssumeRoleWithWebIdentity` of STS.

use std::path::Path;

use reqwest::Method;
use sandpit_core::time::UnixNanos;
use serde::Deserialize;

use super::{
    AwsSource, domain,
    profile::{By, Platform, Profile, Profiles, Role},
    sigv4::Keys,
};
use crate::{
    SecretText, Variables,
    clock::parse_time,
    environment::read_platform_file,
    source::{
        Failure, Hidden, Problem, Step,
        http::{Call, Reply, form},
    },
};

const STEP: &str = "find AWS credentials";
/// Bytes of a token in a file.
const TOKEN_BYTES_MAX: usize = 32 * 1024;
/// Profiles that lead to each other.
const PROFILES_MAX: usize = 4;
/// Bytes of a role's name.
const ROLE_BYTES_MAX: usize = 128;
/// How long a token of the metadata service lasts, in seconds.
const IMDS_TOKEN_S: &str = "300";
const IMDS: &str = "http://169.254.169.254";
const ECS: &str = "http://169.254.170.2";

const PROFILES_STEP: &str = "read the shared AWS profiles";
const STS_VERSION: &str = "2011-06-15";
/// What CloudTrail shows a session under, if no other name is given.
const SESSION: &str = "sandpit";

type Found = (Keys, Option<UnixNanos>);

pub(super) fn none() -> Problem {
    Problem::Setup {
        problem:
            "there are no AWS credentials: no AWS_ACCESS_KEY_ID, no profile in the shared file, \
                  no web identity, no container endpoint, and the metadata service of EC2 does not \
                  answer"
                .to_owned(),
    }
}

/// As the container's endpoint and the metadata service say it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lent {
    access_key_id: Hidden,
    secret_access_key: Hidden,
    token: Option<Hidden>,
    expiration: Option<String>,
}

crate::lacks::says_nothing!(Lent);

impl Lent {
    fn into_found(self) -> Found {
        let keys = Keys {
            access_key_id: self.access_key_id.0,
            secret_access_key: self.secret_access_key.0,
            session_token: self.token.map(|token| token.0),
        };
        (keys, self.expiration.as_deref().and_then(parse_time))
    }
}

impl AwsSource {
    pub(super) fn find_keys(&self) -> Result<Found, Failure> {
        let variables = self.environment.load().step(STEP)?;
        let get = |name: &str| variables.get(name).step(STEP);
        if let Some(keys) = of_variables(&variables)? {
            return Ok((keys, None));
        }
        let named = get("AWS_PROFILE")?;
        let profiles = Profiles::read(&variables).step(PROFILES_STEP)?;
        let name = named.as_ref().map_or("default", SecretText::trimmed);
        match self.profile(&variables, &profiles, name, PROFILES_MAX)? {
            Some(found) => return Ok(found),
            None if named.is_some() => {
                let problem = "the profile that AWS_PROFILE names is in neither of AWS's shared \
                               files";
                return Err((PROFILES_STEP, Problem::Setup { problem: problem.to_owned() }));
            }
            None => {}
        }
        if let Some(path) = get("AWS_WEB_IDENTITY_TOKEN_FILE")? {
            let role = get("AWS_ROLE_ARN")?.ok_or_else(|| {
                let name = "AWS_ROLE_ARN".to_owned();
                (STEP, Problem::Variable { name, places: variables.places() })
            })?;
            let session = get("AWS_ROLE_SESSION_NAME")?;
            let session = session.as_ref().map(SecretText::trimmed);
            let path = Path::new(path.trimmed());
            return self.web_identity(&variables, path, role.trimmed(), session);
        }
        if let Some(found) = self.container(&variables)? {
            return Ok(found);
        }
        self.machine(&variables)
    }

    /// What a profile leads to; `None` where there is none of that name.
    fn profile(
        &self,
        variables: &Variables,
        profiles: &Profiles,
        name: &str,
        more: usize,
    ) -> Result<Option<Found>, Failure> {
        let Some(more) = more.checked_sub(1) else {
            let problem = "AWS's profiles lead to each other without end".to_owned();
            return Err((PROFILES_STEP, Problem::Setup { problem }));
        };
        let role = match profiles.get(name).step(PROFILES_STEP)? {
            None => return Ok(None),
            Some(Profile::Keys(keys)) => return Ok(Some((keys, None))),
            Some(Profile::Role(role)) => role,
        };
        let (keys, _) = match &role.by {
            By::WebIdentity(path) => {
                let session = role.session.as_deref();
                return self.web_identity(variables, path, &role.arn, session).map(Some);
            }
            // A profile may have keys beside its role, with which it is assumed.
            By::Profile(source) => {
                self.profile(variables, profiles, source, more)?.ok_or_else(|| {
                    let problem = "an AWS profile names a `source_profile` that there is not";
                    (PROFILES_STEP, Problem::Setup { problem: problem.to_owned() })
                })?
            }
            By::Platform(Platform::Environment) => {
                let keys = of_variables(variables)?.ok_or_else(|| (STEP, none()))?;
                (keys, None)
            }
            By::Platform(Platform::Container) => {
                self.container(variables)?.ok_or_else(|| (STEP, none()))?
            }
            By::Platform(Platform::Machine) => self.machine(variables)?,
        };
        self.assume(variables, &role, &keys).map(Some)
    }

    /// Assumes a role with keys.
    fn assume(&self, variables: &Variables, role: &Role, keys: &Keys) -> Result<Found, Failure> {
        const STEP: &str = "assume the AWS role";
        let mut fields = vec![
            ("Action", "AssumeRole"),
            ("Version", STS_VERSION),
            ("RoleArn", role.arn.as_str()),
            ("RoleSessionName", role.session.as_deref().unwrap_or(SESSION)),
        ];
        if let Some(id) = &role.external_id {
            fields.push(("ExternalId", id.trimmed()));
        }
        let endpoint = self.sts(variables)?;
        let kind = "application/x-www-form-urlencoded";
        let call = self.signed(keys, &endpoint, "sts", kind, None, form(&fields));
        let reply = self.http.send(&call).step(STEP)?;
        if !reply.is_success() {
            let help = "the role's trust policy has to name the user or role that asks, which needs \
                        `sts:AssumeRole` on it";
            return Err((STEP, reply.refusal("refused", help)));
        }
        of_xml(&reply).step(STEP)
    }

    fn sts(&self, variables: &Variables) -> Result<String, Failure> {
        Ok(match variables.get("AWS_ENDPOINT_URL_STS").step(STEP)? {
            Some(endpoint) => endpoint.trimmed().trim_end_matches('/').to_owned(),
            None => format!("https://sts.{}.{}", self.uri.region, domain(&self.uri.region)),
        })
    }

    fn web_identity(
        &self,
        variables: &Variables,
        path: &Path,
        role: &str,
        session: Option<&str>,
    ) -> Result<Found, Failure> {
        const STEP: &str = "assume the AWS role with a web identity";
        let token = read_platform_file(path, TOKEN_BYTES_MAX).step(STEP)?;
        let endpoint = self.sts(variables)?;
        let call = Call::new(Method::POST, format!("{endpoint}/")).form(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", STS_VERSION),
            ("RoleArn", role),
            ("RoleSessionName", session.unwrap_or(SESSION)),
            ("WebIdentityToken", token.trimmed()),
        ]);
        let reply = self.http.send(&call).step(STEP)?;
        if !reply.is_success() {
            let help = "the role's trust policy has to name the identity's provider and subject, and \
                        the token must not have ended";
            return Err((STEP, reply.refusal("refused", help)));
        }
        of_xml(&reply).step(STEP)
    }

    fn container(&self, variables: &Variables) -> Result<Option<Found>, Failure> {
        const STEP: &str = "ask the container's endpoint for AWS credentials";
        let get = |name: &str| variables.get(name).step(STEP);
        let relative = get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")?;
        let url = match (relative, get("AWS_CONTAINER_CREDENTIALS_FULL_URI")?) {
            (Some(path), _) => format!("{ECS}{}", path.trimmed()),
            (None, Some(url)) => url.trimmed().to_owned(),
            (None, None) => return Ok(None),
        };
        let token = match get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")? {
            Some(path) => {
                let path = Path::new(path.trimmed());
                Some(read_platform_file(path, TOKEN_BYTES_MAX).step(STEP)?)
            }
            None => get("AWS_CONTAINER_AUTHORIZATION_TOKEN")?,
        };
        let mut call = Call::get(url);
        if let Some(token) = token {
            call = call.header("authorization", token.trimmed());
        }
        let reply = self.http.send(&call).step(STEP)?;
        if !reply.is_success() {
            let help = "the task or the pod has to have a role";
            return Err((STEP, reply.refusal("refused", help)));
        }
        let lent: Lent = reply.parse().step(STEP)?;
        Ok(Some(lent.into_found()))
    }

    fn machine(&self, variables: &Variables) -> Result<Found, Failure> {
        const STEP: &str = "ask the machine's metadata for AWS credentials";
        const PATH: &str = "latest/meta-data/iam/security-credentials/";
        let is_off = variables.get("AWS_EC2_METADATA_DISABLED").step(STEP)?;
        if is_off.is_some_and(|text| text.trimmed().eq_ignore_ascii_case("true")) {
            return Err((STEP, none()));
        }
        let endpoint = variables.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").step(STEP)?;
        let endpoint = endpoint.as_ref().map_or(IMDS, SecretText::trimmed).trim_end_matches('/');
        let ask = |call: Call| -> Result<Reply, Failure> {
            let reply = match self.http.send(&call) {
                // Nobody is there: this is no machine of AWS.
                Err(Problem::Unreachable { .. }) => return Err((STEP, none())),
                reply => reply.step(STEP)?,
            };
            if reply.is_success() {
                return Ok(reply);
            }
            let help = "the instance has to have a profile with a role, and a hop limit of 2 where \
                        the host runs in a container";
            Err((STEP, reply.refusal("refused", help)))
        };
        let call = Call::new(Method::PUT, format!("{endpoint}/latest/api/token"))
            .header("x-aws-ec2-metadata-token-ttl-seconds", IMDS_TOKEN_S)
            .once();
        let token = text(&ask(call)?).step(STEP)?;
        let get = |path: &str| {
            ask(Call::get(format!("{endpoint}/{PATH}{path}"))
                .header("x-aws-ec2-metadata-token", token.trimmed()))
        };
        let roles = get("")?;
        let role = text(&roles).step(STEP)?;
        let role = role.trimmed().lines().next().unwrap_or_default();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
        if role.is_empty() || role.len() > ROLE_BYTES_MAX || !role.bytes().all(is_name) {
            return Err((STEP, roles.odd("it names no role")));
        }
        let lent: Lent = get(role)?.parse().step(STEP)?;
        Ok(lent.into_found())
    }
}

fn of_variables(variables: &Variables) -> Result<Option<Keys>, Failure> {
    let get = |name: &str| variables.get(name).step(STEP);
    let Some(access_key_id) = get("AWS_ACCESS_KEY_ID")? else { return Ok(None) };
    let secret_access_key = get("AWS_SECRET_ACCESS_KEY")?.ok_or_else(|| {
        let name = "AWS_SECRET_ACCESS_KEY".to_owned();
        (STEP, Problem::Variable { name, places: variables.places() })
    })?;
    let session_token = get("AWS_SESSION_TOKEN")?;
    Ok(Some(Keys { access_key_id, secret_access_key, session_token }))
}

fn text(reply: &Reply) -> Result<SecretText, Problem> {
    SecretText::from_bytes(reply.body.to_vec()).ok_or_else(|| reply.odd("it is not text"))
}

/// STS answers in XML; no value that is wanted has anything escaped in it.
fn of_xml(reply: &Reply) -> Result<Found, Problem> {
    let body = text(reply)?;
    let value = |name: &str| {
        let (_, rest) = body.expose().split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        Some(SecretText::new(value.trim().to_owned()))
    };
    let missing = || reply.odd("it has no credentials");
    let keys = Keys {
        access_key_id: value("AccessKeyId").ok_or_else(missing)?,
        secret_access_key: value("SecretAccessKey").ok_or_else(missing)?,
        session_token: Some(value("SessionToken").ok_or_else(missing)?),
    };
    let until = value("Expiration").ok_or_else(missing)?;
    Ok((keys, Some(parse_time(until.expose()).ok_or_else(missing)?)))
}
