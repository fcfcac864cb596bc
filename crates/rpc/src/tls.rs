//! Certificates of this process, and whom it believes; read again when the files change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use aerie_config::TlsFiles;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::verify_server_name,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::{ParsedCertificate, WebPkiClientVerifier},
    version::TLS13,
};
use thiserror::Error;

/// Both sides speak HTTP/2.
const ALPN: &[u8] = b"h2";

/// Certificates that cannot be used.
#[derive(Debug, Error)]
#[error("{}: {reason}; `aerie certificates` writes a set for development", path.display())]
pub struct TlsError {
    path: PathBuf,
    reason: String,
}

impl TlsError {
    fn new(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self { path: path.into(), reason: reason.to_string() }
    }
}

/// Mutual TLS (TLS 1.3 only) out of three files: the authority that both sides believe, and this process's certificate
/// and key.
///
/// The files are looked at whenever a connection is made: what changed is used for it, and what cannot be read is logged
/// and leaves the old certificates in use, so that a half-written file breaks nothing.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    stamps: Option<[Stamp; 3]>,
    configs: Configs,
}

#[derive(Debug, Clone)]
pub(crate) struct Configs {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

/// What tells one version of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read, or whose contents do not fit together.
    pub fn read(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Mutex::new(Current { stamps: stamps(&files).ok(), configs: Configs::read(&files)? });
        Ok(Self { files, current })
    }

    /// What to use for the next connection.
    pub(crate) fn configs(&self) -> Configs {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match stamps(&self.files) {
            Ok(stamps) if current.stamps != Some(stamps) => {
                match Configs::read(&self.files) {
                    Ok(configs) => {
                        tracing::info!("the certificates were read again");
                        current.configs = configs;
                    }
                    Err(error) => {
                        tracing::error!(%error, "new certificates cannot be used, the old ones stay: {error}");
                    }
                }
                current.stamps = Some(stamps);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the certificates cannot be looked at: {error}"),
        }
        current.configs.clone()
    }
}

impl Configs {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let authority = certificates(&files.authority)?;
        let mut roots = RootCertStore::empty();
        for certificate in authority {
            roots.add(certificate).map_err(|error| TlsError::new(&files.authority, error))?;
        }
        let roots = Arc::new(roots);
        let chain = certificates(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::new(&files.key, error))?;
        let unfit = |error: rustls::Error| TlsError::new(&files.certificate, error);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .map_err(|error| TlsError::new(&files.authority, error))?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(unfit)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(unfit)?;
        server.alpn_protocols = vec![ALPN.to_vec()];
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(unfit)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(unfit)?;
        client.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { server: Arc::new(server), client: Arc::new(client) })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| TlsError::new(path, error))?;
    if certificates.is_empty() {
        return Err(TlsError::new(path, "no certificate in it"));
    }
    Ok(certificates)
}

fn stamps(files: &TlsFiles) -> io::Result<[Stamp; 3]> {
    let stamp = |path: &Path| {
        let data = fs::metadata(path)?;
        Ok::<_, io::Error>(Stamp { modified: data.modified()?, bytes: data.len() })
    };
    Ok([stamp(&files.authority)?, stamp(&files.certificate)?, stamp(&files.key)?])
}

/// Whether a caller's certificate is for one of these names.
pub(crate) fn is_one_of(certificate: &CertificateDer<'_>, names: &[String]) -> bool {
    let Ok(certificate) = ParsedCertificate::try_from(certificate) else { return false };
    names.iter().any(|name| {
        ServerName::try_from(name.as_str()).is_ok_and(|name| verify_server_name(&certificate, &name).is_ok())
    })
}
