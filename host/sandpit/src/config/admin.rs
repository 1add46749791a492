//! `[admin]`: where an operator reaches a session over HTTP. Nothing of it changes what a strategy
//! does, so it is not part of a run's canonical form.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
    path::PathBuf,
};

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use crate::admin::{HttpOptions, TlsFiles};

/// Names of a server.
const HOSTS_MAX: usize = 16;
/// Bytes of a name of a server.
const HOST_BYTES_MAX: usize = 253;
/// The file of tokens, where nobody says another.
const TOKENS_DEFAULT: &str = "admin-tokens.json";

/// `[admin]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdminFile {
    listen: Option<Spanned<String>>,
    tokens: Option<PathBuf>,
    certificate: Option<Spanned<PathBuf>>,
    key: Option<Spanned<PathBuf>>,
    #[serde(default)]
    hosts: Vec<Spanned<String>>,
}

type Misplaced = (Range<usize>, ConfigError);

impl AdminFile {
    /// Nothing where it says nowhere to listen.
    pub(super) fn resolve(
        self,
        beside: impl Fn(PathBuf) -> PathBuf,
    ) -> Result<Option<HttpOptions>, Misplaced> {
        let Some(listen) = self.listen else { return Ok(None) };
        let at = listen.span();
        let address: SocketAddr = listen.get_ref().parse().map_err(|_| {
            let error = ConfigError::new("this is no address and port")
                .help("write \"127.0.0.1:8930\", or \"[::1]:8930\"");
            (at.clone(), error)
        })?;
        let tls = match (self.certificate, self.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(TlsFiles {
                certificate: beside(certificate.into_inner()),
                key: beside(key.into_inner()),
            }),
            (Some(one), None) | (None, Some(one)) => {
                let error = ConfigError::new("TLS wants both `certificate` and `key`");
                return Err((one.span(), error));
            }
        };
        if self.hosts.len() > HOSTS_MAX {
            return Err((at, ConfigError::new(format!("at most {HOSTS_MAX} names are said"))));
        }
        for host in &self.hosts {
            check_host(host.get_ref()).map_err(|error| (host.span(), error))?;
        }
        let tokens = self.tokens.unwrap_or_else(|| PathBuf::from(TOKENS_DEFAULT));
        let hosts = self.hosts.into_iter().map(Spanned::into_inner).collect();
        let options = HttpOptions { listen: address, tls, tokens: beside(tokens), hosts };
        options.check().map_err(|error| {
            let error = ConfigError::new(error.to_string()).help(
                "listen on 127.0.0.1 and reach it through an SSH tunnel, or set `certificate` and `key`",
            );
            (at, error)
        })?;
        Ok(Some(options))
    }
}

fn check_host(host: &str) -> Result<(), ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let is_name = (1..=HOST_BYTES_MAX).contains(&host.len()) && host.bytes().all(allowed);
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    match is_name || is_address {
        true => Ok(()),
        false => Err(ConfigError::new("this is no name of a server")
            .help("write it without scheme and port, as \"trading.example.org\"")),
    }
}
