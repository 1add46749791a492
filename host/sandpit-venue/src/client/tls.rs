//! TLS as every connection has it: version 1.2 or 1.3, the server's certificate verified, never
//! without.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use rustls_platform_verifier::Verifier;

use super::ClientError;

/// Most certificates of one file.
const AUTHORITIES_MAX: usize = 256;
/// Longest file of certificates.
const AUTHORITIES_BYTES_MAX: u64 = 1024 * 1024;

/// Trusts the system's authorities, and those of a file.
pub(super) fn config(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, ClientError> {
    let extra = authorities.map_or_else(|| Ok(Vec::new()), read)?;
    let provider = Arc::new(ring::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(ClientError::Tls)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(ClientError::Tls)?
        // The name of the step; the verifier is the system's.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let fail = |problem: String| ClientError::Authorities { path: path.to_owned(), problem };
    let length = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?.len();
    if length > AUTHORITIES_BYTES_MAX {
        return Err(fail("it is larger than 1 MiB".to_owned()));
    }
    let found = CertificateDer::pem_file_iter(path)
        .and_then(|found| found.take(AUTHORITIES_MAX + 1).collect::<Result<Vec<_>, _>>())
        .map_err(|_| fail("it cannot be read as certificates in PEM form".to_owned()))?;
    if found.is_empty() {
        return Err(fail("there is no certificate in it".to_owned()));
    }
    if found.len() > AUTHORITIES_MAX {
        return Err(fail("there are more than 256 certificates in it".to_owned()));
    }
    tracing::warn!(
        path = %path.display(),
        certificates = found.len(),
        "certificates of a file are trusted beside the system's: whoever holds one of them can read \
         and change what goes to the exchange"
    );
    Ok(found)
}
