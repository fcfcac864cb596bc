//! Looking names up, and refusing where a transport to a place that others chose may not lead.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use aerie_network::{AddressGuard, AddressRefused};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

/// The system's resolver, which hands out only what the guard permits.
#[derive(Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    guard: Option<Arc<AddressGuard>>,
}

impl Resolver {
    /// None lets everything pass, for addresses that the configuration names.
    pub(super) fn new(guard: Option<Arc<AddressGuard>>) -> Self {
        Self { system: GaiResolver::new(), guard }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.system.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let guard = self.guard.clone();
        let host = name.as_str().to_owned();
        let found = self.system.call(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            let is_permitted =
                |address: &SocketAddr| guard.as_ref().is_none_or(|guard| guard.permits(&host, address.ip()));
            let permitted: Vec<SocketAddr> = found.iter().copied().filter(is_permitted).collect();
            if permitted.is_empty() && !found.is_empty() {
                let refused = AddressRefused::new(format!("{host} leads into a private network"));
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, refused));
            }
            Ok(permitted.into_iter())
        })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.guard.is_some() { "Resolver(guarded)" } else { "Resolver" })
    }
}
