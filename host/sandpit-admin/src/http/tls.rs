//! The server's side of TLS: certificate and key from files, with ring.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;

use crate::AdminError;

/// Bytes of either file.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Bits of a mode that are about people other than the owner.
const OTHERS: u32 = 0o077;

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and what it was signed with, as PEM.
    pub certificate: PathBuf,
    /// Its key, as PEM; nobody but its owner may read it.
    pub key: PathBuf,
}

/// What makes connections secret.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, AdminError> {
    let wrong = |path: &PathBuf, why: String| AdminError::Tls { path: path.clone(), why };
    let (certificate, _) = read(&files.certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong(&files.certificate, "it has no certificates as PEM".to_owned()))?;
    if chain.is_empty() {
        return Err(wrong(&files.certificate, "it has no certificate".to_owned()));
    }
    let (key, mode) = read(&files.key)?;
    if mode & OTHERS != 0 {
        return Err(wrong(&files.key, "others may read it".to_owned()));
    }
    // What is wrong with a key is not said in detail.
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| wrong(&files.key, "it has no key as PEM".to_owned()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| wrong(&files.certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(path: &PathBuf) -> Result<(Vec<u8>, u32), AdminError> {
    let wrong = |error: io::Error| AdminError::Tls { path: path.clone(), why: error.to_string() };
    let found = fs::metadata(path).map_err(wrong)?;
    if found.len() > FILE_BYTES_MAX {
        return Err(wrong(io::ErrorKind::FileTooLarge.into()));
    }
    Ok((fs::read(path).map_err(wrong)?, found.mode()))
}
