//! Where the host's own AWS credentials come from, in the order in which AWS's SDKs look: variables,
//! the shared file, web identity, the container's endpoint, the machine's metadata (version 2 alone:
//! version 1 answers whoever can make the host fetch an address).
//!
//! Source: "AWS SDKs and Tools reference guide", "Standardized credential providers"; "Retrieve
//! security credentials from instance metadata" of EC2; `AssumeRoleWithWebIdentity` of STS.

use std::path::{Path, PathBuf};

use reqwest::Method;
use sandpit_core::time::UnixNanos;
use serde::Deserialize;

use super::{AwsSource, domain, sigv4::Keys};
use crate::{
    SecretText, Variables,
    clock::parse_time,
    environment::{read_guarded, read_platform_file},
    source::{Failure, Hidden, Problem, Step, http::Call, http::Reply},
};

const STEP: &str = "find AWS credentials";
/// Bytes of a shared credentials file.
const SHARED_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a token in a file.
const TOKEN_BYTES_MAX: usize = 32 * 1024;
/// Bytes of a role's name.
const ROLE_BYTES_MAX: usize = 128;
/// How long a token of the metadata service lasts, in seconds.
const IMDS_TOKEN_S: &str = "300";
const IMDS: &str = "http://169.254.169.254";
const ECS: &str = "http://169.254.170.2";

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
        if let Some(access_key_id) = get("AWS_ACCESS_KEY_ID")? {
            let secret_access_key = get("AWS_SECRET_ACCESS_KEY")?.ok_or_else(|| {
                let name = "AWS_SECRET_ACCESS_KEY".to_owned();
                (STEP, Problem::Variable { name, places: variables.places() })
            })?;
            let session_token = get("AWS_SESSION_TOKEN")?;
            return Ok((Keys { access_key_id, secret_access_key, session_token }, None));
        }
        if let Some(keys) = shared(&variables).step("read the shared AWS credentials")? {
            return Ok((keys, None));
        }
        if let Some(path) = get("AWS_WEB_IDENTITY_TOKEN_FILE")? {
            return self.web_identity(&variables, Path::new(path.trimmed()));
        }
        if let Some(found) = self.container(&variables)? {
            return Ok(found);
        }
        let is_off = get("AWS_EC2_METADATA_DISABLED")?;
        if is_off.is_some_and(|text| text.trimmed().eq_ignore_ascii_case("true")) {
            return Err((STEP, none()));
        }
        self.machine(&variables)
    }

    fn web_identity(&self, variables: &Variables, path: &Path) -> Result<Found, Failure> {
        const STEP: &str = "assume the AWS role with a web identity";
        let get = |name: &str| variables.get(name).step(STEP);
        let role = get("AWS_ROLE_ARN")?.ok_or_else(|| {
            let name = "AWS_ROLE_ARN".to_owned();
            (STEP, Problem::Variable { name, places: variables.places() })
        })?;
        let token = read_platform_file(path, TOKEN_BYTES_MAX).step(STEP)?;
        let session = get("AWS_ROLE_SESSION_NAME")?;
        let endpoint = match get("AWS_ENDPOINT_URL_STS")? {
            Some(endpoint) => endpoint.trimmed().trim_end_matches('/').to_owned(),
            None => format!("https://sts.{}.{}", self.uri.region, domain(&self.uri.region)),
        };
        let call = Call::new(Method::POST, format!("{endpoint}/")).form(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role.trimmed()),
            ("RoleSessionName", session.as_ref().map_or("sandpit", SecretText::trimmed)),
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

/// The profile in `~/.aws/credentials`; `None` where there is no such file or no such profile.
fn shared(variables: &Variables) -> Result<Option<Keys>, Problem> {
    let path = match variables.get("AWS_SHARED_CREDENTIALS_FILE")? {
        Some(path) => PathBuf::from(path.trimmed()),
        None => match variables.get("HOME")? {
            Some(home) => Path::new(home.trimmed()).join(".aws/credentials"),
            None => return Ok(None),
        },
    };
    if !path.exists() {
        return Ok(None);
    }
    let content = read_guarded(&path, SHARED_BYTES_MAX, crate::Care::Refuse, &mut Vec::new())?;
    let Ok(content) = std::str::from_utf8(&content) else {
        return Ok(None);
    };
    let profile = variables.get("AWS_PROFILE")?;
    Ok(profile_of(content, profile.as_ref().map_or("default", SecretText::trimmed)))
}

fn profile_of(content: &str, profile: &str) -> Option<Keys> {
    let mut lines = content.lines().map(str::trim);
    lines.find(|line| {
        let inner = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.is_some_and(|name| name.trim() == profile)
    })?;
    let (mut id, mut secret, mut session_token) = (None, None, None);
    for line in lines.take_while(|line| !line.starts_with('[')) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let place = match name.trim() {
            "aws_access_key_id" => &mut id,
            "aws_secret_access_key" => &mut secret,
            "aws_session_token" => &mut session_token,
            _ => continue,
        };
        *place = Some(SecretText::new(value.trim().to_owned()));
    }
    Some(Keys { access_key_id: id?, secret_access_key: secret?, session_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles() {
        const FILE: &str = "# c\n[default]\naws_access_key_id = A\naws_secret_access_key=B=\n\n\
                            [ other ]\nregion=x\naws_access_key_id=C\naws_secret_access_key=D\n\
                            aws_session_token=E\n[half]\naws_access_key_id=F\n";
        let found = |profile: &str| {
            profile_of(FILE, profile).map(|keys| {
                let token = keys.session_token.map(|token| token.expose().to_owned());
                (
                    keys.access_key_id.expose().to_owned(),
                    keys.secret_access_key.expose().to_owned(),
                    token,
                )
            })
        };
        assert_eq!(found("default"), Some(("A".to_owned(), "B=".to_owned(), None)));
        assert_eq!(found("other"), Some(("C".to_owned(), "D".to_owned(), Some("E".to_owned()))));
        assert_eq!(found("half"), None);
        assert_eq!(found("none"), None);
    }
}
