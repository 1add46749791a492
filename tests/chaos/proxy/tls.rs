//! Certificates of the proxy: the right one, and one of somebody else. Made anew at each start.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// What the proxy shows.
#[derive(Clone)]
pub(crate) struct Tls {
    /// For whom trusts [`Tls::root_pem`].
    pub(super) right: Arc<ServerConfig>,
    /// Of an authority that nobody trusts.
    pub(super) wrong: Arc<ServerConfig>,
    root_pem: String,
    root_der: Vec<u8>,
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn server(issuer: &Issuer) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

impl Tls {
    pub(crate) fn new() -> Self {
        let (own, stranger) = (issuer("of these tests"), issuer("of somebody else"));
        Self {
            right: server(&own),
            wrong: server(&stranger),
            root_pem: own.pem(),
            root_der: own.der().to_vec(),
        }
    }

    /// Whom a client has to trust, as a file has it.
    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The same as bytes.
    pub(crate) fn root_der(&self) -> &[u8] {
        &self.root_der
    }
}
