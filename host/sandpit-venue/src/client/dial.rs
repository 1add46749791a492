//! The one way to a server, for REST and WebSockets alike: TCP, the proxy where there is one, TLS.

use std::{error::Error, io, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{Uri, header::HeaderValue};
use hyper_util::{
    client::legacy::connect::{
        HttpConnector,
        proxy::{SocksV5, Tunnel},
    },
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use secrecy::ExposeSecret;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use tower_service::Service;
use zeroize::Zeroizing;

use super::{
    ClientSettings, Proxy,
    address::Server,
    proxy::ProxyKind,
    wire::{Counted, Traffic, Wire},
};

/// A silent peer is asked whether it is there after this time …
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
/// … again after each of these …
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
/// … and so often, before the connection is given up.
const KEEPALIVE_ATTEMPTS: u32 = 3;
/// How long what was sent may go without the other system's acknowledgement.
#[cfg(target_os = "linux")]
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(20);

/// Why there is no connection. Nothing of what was to be sent has left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DialError {
    #[error("no connection: {0}")]
    Connect(io::ErrorKind),
    #[error("no connection in time")]
    ConnectTimeout,
    #[error("the proxy does not help: {0}")]
    Proxy(String),
    #[error("the name of the host leads away from this machine, and there is no TLS")]
    NotNear,
    #[error("the host is no name for TLS")]
    Name,
    #[error("no TLS: {0}")]
    Tls(String),
    #[error("no TLS in time")]
    TlsTimeout,
}

/// Makes connections.
#[derive(Clone)]
pub(super) struct Dialer {
    connector: HttpConnector,
    proxy: Option<Proxy>,
    /// `None` where nobody is trusted.
    tls: Option<Arc<ClientConfig>>,
    connect_timeout: Duration,
    tls_timeout: Duration,
}

impl Dialer {
    pub(super) fn new(settings: &ClientSettings, tls: Option<Arc<ClientConfig>>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEPALIVE_AFTER));
        connector.set_keepalive_interval(Some(KEEPALIVE_EVERY));
        connector.set_keepalive_retries(Some(KEEPALIVE_ATTEMPTS));
        #[cfg(target_os = "linux")]
        connector.set_tcp_user_timeout(Some(ACKNOWLEDGED_WITHIN));
        Self {
            connector,
            proxy: settings.proxy.clone(),
            tls,
            connect_timeout: settings.connect_timeout,
            tls_timeout: settings.tls_timeout,
        }
    }

    /// Connects. What has no TLS is on this machine and needs no proxy.
    pub(super) async fn dial(
        &self,
        server: &Server,
        traffic: Arc<Traffic>,
    ) -> Result<Wire, DialError> {
        let tcp = async {
            match &self.proxy {
                Some(proxy) if server.secure => self.through(proxy, server).await,
                _ => self.direct(server).await,
            }
        };
        let tcp =
            timeout(self.connect_timeout, tcp).await.map_err(|_| DialError::ConnectTimeout)??;
        if !server.secure {
            let peer = tcp.peer_addr().map_err(|error| DialError::Connect(error.kind()))?;
            // What is mapped into version 6 is of version 4.
            if !peer.ip().to_canonical().is_loopback() {
                return Err(DialError::NotNear);
            }
            return Ok(Wire::Plain(Counted::new(tcp, traffic)));
        }
        let name = ServerName::try_from(server.name().to_owned()).map_err(|_| DialError::Name)?;
        let nobody = || DialError::Tls("no certificate authority is trusted here".to_owned());
        let config = self.tls.as_ref().ok_or_else(nobody)?;
        let connector = TlsConnector::from(Arc::clone(config));
        let handshake = connector.connect(name, Counted::new(tcp, traffic));
        let tls = timeout(self.tls_timeout, handshake).await.map_err(|_| DialError::TlsTimeout)?;
        Ok(Wire::Tls(Box::new(tls.map_err(|error| DialError::Tls(tls_words(&error)))?)))
    }

    async fn direct(&self, server: &Server) -> Result<TcpStream, DialError> {
        let mut connector = self.connector.clone();
        let tcp = connector.call(uri(&server.place())?).await;
        tcp.map(TokioIo::into_inner).map_err(|error| DialError::Connect(kind(&error)))
    }

    async fn through(&self, proxy: &Proxy, server: &Server) -> Result<TcpStream, DialError> {
        let (place, target) = (uri(&proxy.place())?, uri(&server.place())?);
        let connector = self.connector.clone();
        let tcp = match proxy.kind {
            ProxyKind::Connect => {
                let mut tunnel = Tunnel::new(place, connector);
                if let Some(value) = basic(proxy)? {
                    tunnel = tunnel.with_auth(value);
                }
                // Its errors are words of the library and of the system, none of the proxy's.
                tunnel.call(target).await.map_err(|error| DialError::Proxy(words(&error)))?
            }
            ProxyKind::Socks5 => {
                let mut socks = SocksV5::new(place, connector);
                if let Some(credentials) = &proxy.credentials {
                    let name = credentials.name.expose_secret().to_owned();
                    let password = credentials.password.expose_secret().to_owned();
                    socks = socks.with_auth(name, password);
                }
                socks.call(target).await.map_err(|error| DialError::Proxy(words(&error)))?
            }
        };
        Ok(tcp.into_inner())
    }
}

/// As the libraries want a place.
fn uri(place: &str) -> Result<Uri, DialError> {
    Uri::builder()
        .scheme("http")
        .authority(place)
        .path_and_query("/")
        .build()
        .map_err(|_| DialError::Connect(io::ErrorKind::InvalidInput))
}

/// The value of `Proxy-Authorization`.
fn basic(proxy: &Proxy) -> Result<Option<HeaderValue>, DialError> {
    let Some(credentials) = &proxy.credentials else { return Ok(None) };
    let (name, password) = (credentials.name.expose_secret(), credentials.password.expose_secret());
    let pair = Zeroizing::new(format!("{name}:{password}"));
    let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&value)
        .map_err(|_| DialError::Proxy("its password cannot be sent".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The system's word on what went wrong.
fn kind(error: &(dyn Error + 'static)) -> io::ErrorKind {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind();
        }
        next = error.source();
    }
    io::ErrorKind::Other
}

fn words(error: &(dyn Error + 'static)) -> String {
    match kind(error) {
        io::ErrorKind::Other => error.to_string(),
        kind => format!("{error}: {kind}"),
    }
}

fn tls_words(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    inner.map_or_else(|| error.kind().to_string(), ToString::to_string)
}
