//! Name resolution that hands out only addresses that may be connected to.
//!
//! The check is made on the very addresses that the connection is opened to, each time it is opened, so a name that
//! first leads to a public address and then to a private one gains nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use aerie_network::{AddressGuard, AddressRefused};

/// Looks names up.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// All addresses of a host name; the port is of no meaning.
    ///
    /// # Errors
    /// When the name has no address or the resolver fails.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.collect())
    }
}

/// A resolver that refuses what the guard does not permit.
pub struct GuardedResolver {
    guard: Arc<AddressGuard>,
    lookup: Arc<dyn Lookup>,
}

impl GuardedResolver {
    /// Joins a guard and a lookup.
    pub fn new(guard: Arc<AddressGuard>, lookup: Arc<dyn Lookup>) -> Self {
        Self { guard, lookup }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, lookup) = (Arc::clone(&self.guard), Arc::clone(&self.lookup));
        Box::pin(async move {
            let host = name.as_str();
            let found = lookup.lookup(host).await?;
            let permitted: Vec<SocketAddr> =
                found.iter().copied().filter(|address| guard.permits(host, address.ip())).collect();
            if permitted.is_empty() && !found.is_empty() {
                return Err(AddressRefused::new(format!("{host} leads into a private network")).into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
