//! A proxy as it is written in a configuration, and as it may be shown: without its password.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Longest name and password that both kinds of proxies take.
const CREDENTIAL_BYTES_MAX: usize = 255;
/// Longest host name.
const HOST_BYTES_MAX: usize = 255;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProxyKind {
    /// `CONNECT`, over plain HTTP.
    Connect,
    /// SOCKS 5; names are resolved by the proxy.
    Socks5,
}

/// Name and password.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) name: SecretString,
    pub(super) password: SecretString,
}

/// A proxy for everything that goes over TLS.
#[derive(Clone)]
pub struct Proxy {
    pub(super) kind: ProxyKind,
    /// With brackets where it is an address of version 6.
    host: String,
    port: u16,
    pub(super) credentials: Option<Credentials>,
}

/// Why a proxy's address cannot be used. It does not repeat the address, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Another scheme, or none.
    #[error("a proxy's address begins with http:// or socks5://")]
    Scheme,
    /// Host or port are missing or malformed.
    #[error("a proxy's address has the form http://name:password@host:port")]
    Host,
    /// Something stands behind the port.
    #[error("a proxy's address ends with its port")]
    Path,
    /// Too long, empty, or with a percent sign that begins nothing.
    #[error("a proxy's name and password have at most 255 bytes each and are percent-encoded")]
    Credentials,
}

impl Proxy {
    /// Reads `http://host:port` or `socks5://host:port`, with `name:password@` before the host where
    /// the proxy asks for it; both percent-encoded.
    ///
    /// # Errors
    /// It has another form.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let (kind, rest) = if let Some(rest) = text.strip_prefix("http://") {
            (ProxyKind::Connect, rest)
        } else if let Some(rest) = text.strip_prefix("socks5://") {
            (ProxyKind::Socks5, rest)
        } else {
            return Err(ProxyError::Scheme);
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(ProxyError::Path);
        }
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, place)) => (Some(parse_credentials(credentials)?), place),
            None => (None, rest),
        };
        let (host, port) = super::address::host_and_port(place).ok_or(ProxyError::Host)?;
        if host.len() > HOST_BYTES_MAX {
            return Err(ProxyError::Host);
        }
        Ok(Self { kind, host, port, credentials })
    }

    /// Host and port.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn parse_credentials(text: &str) -> Result<Credentials, ProxyError> {
    let (name, password) = text.split_once(':').unwrap_or((text, ""));
    let name = percent_decoded(name)?;
    if name.expose_secret().is_empty() {
        return Err(ProxyError::Credentials);
    }
    Ok(Credentials { name, password: percent_decoded(password)? })
}

fn percent_decoded(text: &str) -> Result<SecretString, ProxyError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
            value.and_then(|value| u8::try_from(value).ok()).ok_or(ProxyError::Credentials)?
        } else {
            byte
        };
        bytes.push(byte);
    }
    // What a header or a terminal would take for more than a letter is in no password.
    let text = String::from_utf8(bytes).map_err(|_| ProxyError::Credentials)?;
    if text.len() > CREDENTIAL_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(ProxyError::Credentials);
    }
    Ok(text.into())
}

impl std::str::FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        Self::parse(text)
    }
}

/// Without name and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Connect => "http",
            ProxyKind::Socks5 => "socks5",
        };
        let hidden = if self.credentials.is_some() { "***@" } else { "" };
        write!(f, "{scheme}://{hidden}{}:{}", self.host, self.port)
    }
}

/// Without name and password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_and_shown_without_its_password() {
        let proxy = Proxy::parse("http://canary%2Dname:p%40ss%3A@proxy.example:3128/").unwrap();
        let credentials = proxy.credentials.as_ref().unwrap();
        assert_eq!(credentials.name.expose_secret(), "canary-name");
        assert_eq!(credentials.password.expose_secret(), "p@ss:");
        assert_eq!(proxy.to_string(), "http://***@proxy.example:3128");
        assert_eq!(format!("{proxy:?}"), "Proxy(http://***@proxy.example:3128)");
        assert_eq!(Proxy::parse("socks5://[::1]:1080").unwrap().to_string(), "socks5://[::1]:1080");
    }

    #[test]
    fn other_forms_are_refused_without_being_repeated() {
        for (text, error) in [
            ("https://canary:canary@host:1", ProxyError::Scheme),
            ("canary", ProxyError::Scheme),
            ("http://canary:canary@host", ProxyError::Host),
            ("http://canary:canary@host:0", ProxyError::Host),
            ("http://canary:canary@host:99999", ProxyError::Host),
            ("http://:canary@host:1", ProxyError::Credentials),
            ("http://canary%2:canary@host:1", ProxyError::Credentials),
            ("http://canary:canary%0d%0a@host:1", ProxyError::Credentials),
            ("http://canary:canary@host:1/path", ProxyError::Path),
        ] {
            let found = Proxy::parse(text).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("canary"));
        }
    }
}
