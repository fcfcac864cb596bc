//! How this process calls other services, and whom it answers.

use std::sync::Arc;

use aerie_config::Services;
use thiserror::Error;

use crate::{
    backend::{Backend, BackendError},
    gate::Gate,
    remote::{Remote, Target},
    signature::{KeyError, Signer, Verifier},
    tls::{Tls, TlsError},
};

/// Files that cannot be used.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// Certificates.
    #[error("services.tls: {0}")]
    Tls(#[from] TlsError),
    /// Keys of identities.
    #[error("services.identity: {0}")]
    Identity(#[from] KeyError),
}

/// Certificates and keys of this process, read once; certificates are read again when they change.
#[derive(Debug, Clone, Default)]
pub struct Network {
    tls: Option<Arc<Tls>>,
    signer: Option<Arc<Signer>>,
    verifier: Option<Arc<Verifier>>,
    callers: Option<Vec<String>>,
}

impl Network {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// A file that cannot be read or has other contents.
    pub fn open(settings: &Services) -> Result<Self, NetworkError> {
        let tls = settings.tls.clone().map(Tls::read).transpose()?.map(Arc::new);
        let identity = settings.identity.as_ref();
        let signing = identity.and_then(|identity| identity.signing_key.as_deref());
        let verifying = identity.map(|identity| identity.verifying_keys.as_slice()).filter(|keys| !keys.is_empty());
        Ok(Self {
            tls,
            signer: signing.map(Signer::read).transpose()?.map(Arc::new),
            verifier: verifying.map(Verifier::read).transpose()?.map(Arc::new),
            callers: settings.callers.clone(),
        })
    }

    /// Whether there are certificates.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// How addresses of this process begin.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.has_tls() { "https" } else { "http" }
    }

    /// A service at an address: with TLS where it begins with https, and with the person behind each call signed where
    /// there is a key for it.
    ///
    /// # Errors
    /// Text that is no address; https without certificates.
    pub fn backend(&self, address: &str) -> Result<Backend, BackendError> {
        let target = Target::new(address, self.tls.as_ref())?;
        Ok(Backend::elsewhere(Remote::new(target, self.signer.clone())))
    }

    /// What callers of this process must show: a certificate with one of these names, unless the settings name others,
    /// and a signed identity.
    #[must_use]
    pub fn gate(&self, callers: &[&str]) -> Gate {
        let own = || callers.iter().map(|name| (*name).to_owned()).collect();
        Gate::new(self.tls.clone(), self.callers.clone().unwrap_or_else(own), self.verifier.clone())
    }
}
