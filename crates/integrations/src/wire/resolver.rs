//! Name resolution that hands out only addresses that may be connected to.
//!
//! The check is made on the very addresses that the connection is opened to, each time it is opened.

use std::{net::SocketAddr, sync::Arc};

use aerie_network::{AddressGuard, AddressRefused};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

pub(super) struct GuardedResolver {
    guard: Arc<AddressGuard>,
}

impl GuardedResolver {
    pub(super) fn new(guard: Arc<AddressGuard>) -> Self {
        Self { guard }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            let permitted: Vec<SocketAddr> =
                found.iter().copied().filter(|address| guard.permits(host, address.ip())).collect();
            if permitted.is_empty() && !found.is_empty() {
                return Err(AddressRefused::new(format!("{host} leads into a private network")).into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
