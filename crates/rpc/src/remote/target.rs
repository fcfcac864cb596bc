//! Where a service is.

use std::{io, net::SocketAddr, sync::Arc};

use http::{
    Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use rustls::pki_types::ServerName;
use tokio::net::lookup_host;

use crate::{backend::BackendError, tls::Tls};

/// An address to connect to, and how.
#[derive(Debug)]
pub(crate) struct Target {
    scheme: Scheme,
    authority: Authority,
    host: String,
    port: u16,
    /// With TLS, what the certificate must say, and our own.
    pub(super) tls: Option<(Arc<Tls>, ServerName<'static>)>,
    /// What the name service of a test says.
    #[cfg(test)]
    pub(super) told: Option<Arc<std::sync::Mutex<Vec<SocketAddr>>>>,
}

impl Target {
    /// Reads `http://host:port` or `https://host:port`; the latter needs certificates.
    pub(crate) fn new(address: &str, tls: Option<&Arc<Tls>>) -> Result<Self, BackendError> {
        let wrong = |message: &str| BackendError { address: address.into(), message: message.into() };
        let uri: Uri = address.parse().map_err(|error: http::uri::InvalidUri| wrong(&error.to_string()))?;
        let parts = uri.into_parts();
        let authority = parts.authority.ok_or_else(|| wrong("it names no host"))?;
        let scheme = parts.scheme.ok_or_else(|| wrong("it does not begin with http:// or https://"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = if scheme == Scheme::HTTPS {
            let tls = tls.ok_or_else(|| wrong("https needs certificates; name them in services.tls"))?;
            let name = ServerName::try_from(host.clone()).map_err(|error| wrong(&error.to_string()))?;
            Some((Arc::clone(tls), name))
        } else if scheme == Scheme::HTTP {
            None
        } else {
            return Err(wrong("it does not begin with http:// or https://"));
        };
        let port = authority.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        Ok(Self {
            scheme,
            authority,
            host,
            port,
            tls,
            #[cfg(test)]
            told: None,
        })
    }

    /// Its addresses now.
    pub(super) async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        #[cfg(test)]
        if let Some(told) = self.told.as_ref().and_then(|told| told.lock().ok()) {
            let none = || io::Error::other("the name service does not answer");
            return (!told.is_empty()).then(|| told.clone()).ok_or_else(none);
        }
        let mut addresses: Vec<SocketAddr> = lookup_host((self.host.as_str(), self.port)).await?.collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() {
            return Err(io::Error::other("the name has no address"));
        }
        Ok(addresses)
    }

    /// The address of a call there.
    pub(super) fn uri(&self, path: &Uri) -> Uri {
        let path = path.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let built = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone()).path_and_query(path);
        built.build().unwrap_or_default()
    }

    /// Its name for messages.
    pub(super) fn name(&self) -> &str {
        self.authority.as_str()
    }
}
