//! Where a service is.

use std::{io, net::SocketAddr, sync::Arc};

use http::{
    Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use rustls::pki_types::ServerName;
use tokio::net::lookup_host;

use crate::{backend::BackendError, tls::Tls};

/// Where a service is, and how it is reached.
#[derive(Debug)]
pub(crate) struct Target {
    scheme: Scheme,
    /// The first place's, which every call names.
    authority: Authority,
    places: Vec<Place>,
    /// Our certificates, and whom we believe.
    pub(super) tls: Option<Arc<Tls>>,
    /// What the name service of a test says.
    #[cfg(test)]
    pub(super) told: Option<Arc<std::sync::Mutex<Vec<SocketAddr>>>>,
}

/// A name with a port.
#[derive(Debug)]
struct Place {
    host: String,
    port: u16,
    /// What the certificate there must say.
    name: ServerName<'static>,
}

/// An address that a name stands for, with the name.
pub(super) type Found = (SocketAddr, ServerName<'static>);

impl Target {
    /// Reads `http://host:port` or `https://host:port`; the latter needs certificates. Several places are parted by
    /// commas: `https://host:port,host:port`.
    pub(crate) fn new(address: &str, tls: Option<&Arc<Tls>>) -> Result<Self, BackendError> {
        let wrong = |message: &str| BackendError { address: address.into(), message: message.into() };
        let (scheme, rest) = address.split_once("://").ok_or_else(|| wrong("it does not begin with http://"))?;
        let (scheme, usual_port, tls) = match scheme {
            "http" => (Scheme::HTTP, 80, None),
            "https" => {
                let tls = tls.ok_or_else(|| wrong("https needs certificates; name them in services.tls"))?;
                (Scheme::HTTPS, 443, Some(Arc::clone(tls)))
            }
            _ => return Err(wrong("it does not begin with http:// or https://")),
        };
        let mut authorities = Vec::new();
        let mut places = Vec::new();
        for text in rest.trim_end_matches('/').split(',') {
            let authority: Authority =
                text.parse().map_err(|error: http::uri::InvalidUri| wrong(&error.to_string()))?;
            let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(host.clone()).map_err(|error| wrong(&error.to_string()))?;
            places.push(Place { host, port: authority.port_u16().unwrap_or(usual_port), name });
            authorities.push(authority);
        }
        let authority = authorities.into_iter().next().ok_or_else(|| wrong("it names no host"))?;
        Ok(Self {
            scheme,
            authority,
            places,
            tls,
            #[cfg(test)]
            told: None,
        })
    }

    /// Its addresses now. A name that cannot be looked up is left out while another can.
    pub(super) async fn addresses(&self) -> io::Result<Vec<Found>> {
        #[cfg(test)]
        if let Some(told) = self.told.as_ref().and_then(|told| told.lock().ok()) {
            let none = || io::Error::other("the name service does not answer");
            let name = self.places.first().map(|place| place.name.clone()).ok_or_else(none)?;
            let found: Vec<Found> = told.iter().map(|address| (*address, name.clone())).collect();
            return (!found.is_empty()).then_some(found).ok_or_else(none);
        }
        let mut found: Vec<Found> = Vec::new();
        let mut failure = io::Error::other("the name has no address");
        for place in &self.places {
            match lookup_host((place.host.as_str(), place.port)).await {
                Ok(addresses) => found.extend(addresses.map(|address| (address, place.name.clone()))),
                Err(error) => failure = error,
            }
        }
        found.sort_unstable_by_key(|(address, _)| *address);
        found.dedup_by_key(|(address, _)| *address);
        if found.is_empty() { Err(failure) } else { Ok(found) }
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
