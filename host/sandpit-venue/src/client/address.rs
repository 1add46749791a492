//! Where a connection goes, and whether it may go there.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv6Addr},
};

use hyper::Uri;

/// Longest address that a machine may ask for.
const URL_BYTES_MAX: usize = 8 * 1024;

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Server {
    /// Over TLS.
    pub(super) secure: bool,
    /// In lower case; with brackets where it is an address of version 6.
    pub(super) host: String,
    pub(super) port: u16,
}

/// Why an address is not used. It does not repeat more of it than the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("an address cannot be read")]
    Malformed,
    #[error("{0} is not a host of the venue")]
    Foreign(String),
    #[error("{0} is not of this machine, and is asked for without TLS")]
    Plain(String),
}

/// What an address is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `https`, or `http` to this machine.
    Rest,
    /// `wss`, or `ws` to this machine.
    Socket,
}

impl Server {
    /// Host and port, as in the list of hosts.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The name in its certificate: an address without brackets.
    pub(super) fn name(&self) -> &str {
        bare(&self.host)
    }

    /// For the `Host` header: without a port that the scheme says already.
    pub(super) fn authority(&self) -> String {
        if self.port == default_port(self.secure) { self.host.clone() } else { self.place() }
    }
}

/// Whether it is said to be on this machine. What a name leads to is looked at once connected.
fn is_near(host: &str) -> bool {
    let host = bare(host);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An address without brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// The hosts of a venue: nothing else is connected.
#[derive(Clone, Debug)]
pub(super) struct Hosts(BTreeSet<(String, u16)>);

impl Hosts {
    /// Each as `host:port`. Gives back the first that is malformed.
    pub(super) fn new(hosts: &[String]) -> Result<Self, String> {
        let read = |host: &String| host_and_port(host).ok_or_else(|| host.clone());
        hosts.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether all are on this machine.
    pub(super) fn are_near(&self) -> bool {
        self.0.iter().all(|(host, _)| is_near(host))
    }

    /// Reads an address and holds it against the list.
    pub(super) fn allow(&self, url: &str, kind: Kind) -> Result<(Server, Uri), AddressError> {
        if url.len() > URL_BYTES_MAX {
            return Err(AddressError::Malformed);
        }
        let uri: Uri = url.parse().map_err(|_| AddressError::Malformed)?;
        let secure = match (uri.scheme_str(), kind) {
            (Some("https"), Kind::Rest) | (Some("wss"), Kind::Socket) => true,
            (Some("http"), Kind::Rest) | (Some("ws"), Kind::Socket) => false,
            _ => return Err(AddressError::Malformed),
        };
        let authority = uri.authority().ok_or(AddressError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(AddressError::Malformed);
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            // A colon without a number behind it.
            None if authority.as_str().len() != authority.host().len() => {
                return Err(AddressError::Malformed);
            }
            None => default_port(secure),
        };
        let server = Server { secure, host: authority.host().to_ascii_lowercase(), port };
        if !self.0.contains(&(server.host.clone(), port)) {
            return Err(AddressError::Foreign(server.place()));
        }
        if !secure && !is_near(&server.host) {
            return Err(AddressError::Plain(server.place()));
        }
        Ok((server, uri))
    }
}

/// Reads `host:port` into lower case; an address of version 6 is in brackets.
pub(super) fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let is_digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| is_digits && *port != 0)?;
    let is_good = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_host =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            !host.is_empty() && host.bytes().all(is_host)
        }
    };
    is_good.then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, kind: Kind, expect: Result<&str, AddressError>) {
        let hosts = ["api.example:443", "Stream.Example:9443", "127.0.0.1:80", "[::1]:8080"];
        let mut hosts: Vec<_> = hosts.map(str::to_owned).into();
        hosts.push("localhost:8787".to_owned());
        hosts.push("plain.example:80".to_owned());
        let found = Hosts::new(&hosts).unwrap().allow(url, kind);
        assert_eq!(found.map(|(server, _)| server.place()), expect.map(str::to_owned), "{url}");
    }

    #[test]
    fn only_hosts_of_the_list_are_allowed() {
        let foreign = |host: &str| Err(AddressError::Foreign(host.to_owned()));
        check("https://api.example/x?y=1", Kind::Rest, Ok("api.example:443"));
        check("https://API.example:443", Kind::Rest, Ok("api.example:443"));
        check("wss://stream.example:9443/ws", Kind::Socket, Ok("stream.example:9443"));
        check("wss://stream.example/ws", Kind::Socket, foreign("stream.example:443"));
        check("https://api.example.evil/x", Kind::Rest, foreign("api.example.evil:443"));
        check("https://evil/api.example", Kind::Rest, foreign("evil:443"));
    }

    #[test]
    fn without_tls_only_this_machine_is() {
        check("http://127.0.0.1", Kind::Rest, Ok("127.0.0.1:80"));
        check("ws://[::1]:8080/ws", Kind::Socket, Ok("[::1]:8080"));
        check("ws://localhost:8787/ws", Kind::Socket, Ok("localhost:8787"));
        let plain = AddressError::Plain("plain.example:80".to_owned());
        check("http://plain.example/", Kind::Rest, Err(plain.clone()));
        check("ws://plain.example/", Kind::Socket, Err(plain));
    }

    #[test]
    fn tricks_are_malformed() {
        for url in [
            "https://api.example@evil/",
            "https://user:canary@api.example/",
            "https://api.example:/",
            "https://api.example:99999/",
            "ftp://api.example/",
            "api.example",
            "https://",
            "",
            "https://api.example/a b",
        ] {
            check(url, Kind::Rest, Err(AddressError::Malformed));
        }
        check("wss://api.example", Kind::Rest, Err(AddressError::Malformed));
        check("https://api.example", Kind::Socket, Err(AddressError::Malformed));
    }

    #[test]
    fn malformed_hosts_are_given_back() {
        for host in [
            "api.example",
            "api.example:",
            "api.example:0",
            ":1",
            "a b:1",
            "[1:2",
            "a@b:1",
            "a:+1",
            "http://a:1",
            "[zz]:1",
        ] {
            assert_eq!(Hosts::new(&[host.to_owned()]).unwrap_err(), host);
        }
    }
}
