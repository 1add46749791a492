//! Profiles in AWS's shared files: keys, or a role that is assumed with another profile's keys, with
//! those of the environment's, or with a web identity.
//!
//! Source: "AWS SDKs and Tools reference guide", "Shared config and credentials files", "Assume role
//! credential provider".

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::sigv4::Keys;
use crate::{
    Care, SecretText, Variables,
    environment::{read_guarded, read_platform_file},
    source::Problem,
};

/// Bytes of a shared file.
const SHARED_BYTES_MAX: usize = 256 * 1024;
/// Settings of a profile that are looked at; the rest is of other programs.
const SETTINGS_MAX: usize = 64;

/// Settings by which other programs and people get keys.
const NOT_SERVED: &[(&str, &str)] = &[
    ("sso_session", "single sign-on"),
    ("sso_start_url", "single sign-on"),
    ("credential_process", "another program"),
    ("login_session", "a person's login"),
];

/// What a profile says.
pub(super) enum Profile {
    /// Keys.
    Keys(Keys),
    /// A role.
    Role(Box<Role>),
}

/// A role that is assumed.
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session: Option<String>,
    pub(super) external_id: Option<SecretText>,
    pub(super) by: By,
}

/// With what a role is assumed.
pub(super) enum By {
    /// The keys of a profile.
    Profile(String),
    /// What a token in a file proves.
    WebIdentity(PathBuf),
    /// What `credential_source` names.
    Platform(Platform),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Environment,
    Container,
    Machine,
}

type Settings = BTreeMap<String, SecretText>;

/// Both files as they are now.
pub(super) struct Profiles {
    credentials: Option<SecretText>,
    config: Option<SecretText>,
    config_path: Option<PathBuf>,
}

impl Profiles {
    pub(super) fn read(variables: &Variables) -> Result<Self, Problem> {
        let place = |variable: &str, name: &str| -> Result<Option<PathBuf>, Problem> {
            if let Some(path) = variables.get(variable)? {
                return Ok(Some(PathBuf::from(path.trimmed())));
            }
            let home = variables.get("HOME")?;
            Ok(home.map(|home| Path::new(home.trimmed()).join(name)))
        };
        let credentials = place("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?;
        let config_path = place("AWS_CONFIG_FILE", ".aws/config")?.filter(|path| path.exists());
        let credentials = match credentials.filter(|path| path.exists()) {
            Some(path) => {
                let content = read_guarded(&path, SHARED_BYTES_MAX, Care::Refuse, &mut Vec::new())?;
                SecretText::from_bytes(content.to_vec())
            }
            None => None,
        };
        // There seldom are keys in it; where there are, its permissions are looked at then.
        let config = match &config_path {
            Some(path) => Some(read_platform_file(path, SHARED_BYTES_MAX)?),
            None => None,
        };
        Ok(Self { credentials, config, config_path })
    }

    /// What a profile says; `None` where neither file has it.
    pub(super) fn get(&self, name: &str) -> Result<Option<Profile>, Problem> {
        let of = |content: &Option<SecretText>, heads: &[String]| {
            content.as_ref().map(|content| section(content.expose(), heads)).unwrap_or_default()
        };
        let mut heads = vec![format!("profile {name}")];
        if name == "default" {
            heads.push(name.to_owned());
        }
        let config = of(&self.config, &heads);
        let has_keys_in_config = config.contains_key("aws_secret_access_key");
        if let (true, Some(path)) = (has_keys_in_config, &self.config_path) {
            read_guarded(path, SHARED_BYTES_MAX, Care::Refuse, &mut Vec::new())?;
        }
        let mut settings = config;
        // The file that is made for keys counts before the other.
        settings.extend(of(&self.credentials, &[name.to_owned()]));
        if settings.is_empty() {
            return Ok(None);
        }
        profile(settings).map(Some)
    }
}

/// The settings below a head, up to the next.
fn section(content: &str, heads: &[String]) -> Settings {
    let mut settings = Settings::new();
    let mut is_ours = false;
    for line in content.lines().map(str::trim) {
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let words: Vec<_> = head.split_whitespace().collect();
            is_ours = heads.contains(&words.join(" "));
        } else if let (true, Some((name, value))) = (is_ours, line.split_once('='))
            && !line.starts_with(['#', ';'])
            && settings.len() < SETTINGS_MAX
        {
            let name = name.trim().to_ascii_lowercase();
            settings.insert(name, SecretText::new(value.trim().to_owned()));
        }
    }
    settings
}

fn profile(mut settings: Settings) -> Result<Profile, Problem> {
    let setup = |problem: &str| Problem::Setup { problem: problem.to_owned() };
    let mut take = |name: &str| settings.remove(name).filter(|value| !value.trimmed().is_empty());
    let plain = |text: SecretText| text.trimmed().to_owned();
    if let Some(arn) = take("role_arn").map(plain) {
        if take("mfa_serial").is_some() {
            return Err(setup("the AWS profile wants a person's second factor for its role"));
        }
        let token = take("web_identity_token_file").map(plain);
        let by = match (token, take("source_profile"), take("credential_source").map(plain)) {
            (Some(path), ..) => By::WebIdentity(PathBuf::from(path)),
            (None, Some(name), None) => By::Profile(plain(name)),
            (None, None, Some(word)) => By::Platform(match word.as_str() {
                "Environment" => Platform::Environment,
                "EcsContainer" => Platform::Container,
                "Ec2InstanceMetadata" => Platform::Machine,
                _ => return Err(setup("the AWS profile's `credential_source` is none of AWS's")),
            }),
            _ => {
                return Err(setup(
                    "the AWS profile names a role, and not by which of `source_profile`, \
                     `credential_source` and `web_identity_token_file` it is assumed",
                ));
            }
        };
        let (session, external_id) = (take("role_session_name").map(plain), take("external_id"));
        return Ok(Profile::Role(Box::new(Role { arn, session, external_id, by })));
    }
    match (take("aws_access_key_id"), take("aws_secret_access_key")) {
        (Some(access_key_id), Some(secret_access_key)) => {
            let session_token = take("aws_session_token");
            Ok(Profile::Keys(Keys { access_key_id, secret_access_key, session_token }))
        }
        (None, None) => {
            let other = NOT_SERVED.iter().find(|(name, _)| settings.contains_key(*name));
            Err(match other {
                Some((_, what)) => setup(&format!(
                    "the AWS profile gets its keys by {what}, which is not served: a host that \
                     runs alone has a role of its platform, a web identity, or keys"
                )),
                None => setup("the AWS profile has neither keys nor a role"),
            })
        }
        _ => Err(setup(
            "the AWS profile has one of `aws_access_key_id` and `aws_secret_access_key` only",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> String {
        const CREDENTIALS: &str = "# c\n[default]\naws_access_key_id = A\n\
            aws_secret_access_key=B=\n\n[ other ]\nregion=x\naws_access_key_id=C\n\
            aws_secret_access_key=D\naws_session_token=E\n[half]\naws_access_key_id=F\n";
        const CONFIG: &str = "[default]\naws_access_key_id=not this\n[profile role]\n\
            role_arn=arn:r\nsource_profile = default\nexternal_id=x\n[profile  web]\nrole_arn=w\n\
            web_identity_token_file=/t\n; x=y\n[profile machine]\nrole_arn=m\n\
            credential_source = Ec2InstanceMetadata\n[profile sso]\nsso_session = s\n\
            [profile factor]\nrole_arn=f\nmfa_serial=1\n[profile none]\nrole_arn=n\n\
            [profile odd]\nrole_arn=n\ncredential_source=x\n[profile region]\nregion=r\n\
            [other]\nrole_arn=not this\n";
        let text = |text: &str| Some(SecretText::new(text.to_owned()));
        let profiles =
            Profiles { credentials: text(CREDENTIALS), config: text(CONFIG), config_path: None };
        match profiles.get(name) {
            Ok(None) => "none".to_owned(),
            Ok(Some(Profile::Keys(keys))) => {
                let token = keys.session_token.as_ref().map_or("", SecretText::expose);
                let (id, secret) = (keys.access_key_id.expose(), keys.secret_access_key.expose());
                format!("{id} {secret} {token}")
            }
            Ok(Some(Profile::Role(role))) => match role.by {
                By::Profile(name) => format!("{} by {name}", role.arn),
                By::WebIdentity(path) => format!("{} by {}", role.arn, path.display()),
                By::Platform(Platform::Machine) => format!("{} by machine", role.arn),
                By::Platform(_) => "another".to_owned(),
            },
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn profiles_of_every_kind() {
        for (name, wanted) in [
            ("default", "A B= "),
            ("other", "C D E"),
            ("half", "one of `aws_access_key_id`"),
            ("absent", "none"),
            ("role", "arn:r by default"),
            ("web", "w by /t"),
            ("machine", "m by machine"),
            ("sso", "single sign-on, which is not served"),
            ("factor", "a person's second factor"),
            ("none", "not by which of"),
            ("odd", "`credential_source` is none of AWS's"),
            ("region", "neither keys nor a role"),
        ] {
            assert!(shown(name).contains(wanted), "{name}: {}", shown(name));
        }
    }
}
