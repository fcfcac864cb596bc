//! Puts the gateway together and serves it.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aerie_config::{Limits, Server};
use aerie_proto::platform::v1::{
    accounts_service_server::{self, AccountsServiceServer},
    system_service_server::{self, SystemServiceServer},
};
use aerie_rpc::{GrpcServer, GrpcServerBuilder, HttpService, ServeOptions, ServerBuildError, ServerLimits, serve};
use aerie_telemetry::{Lifecycle, Metrics};
use thiserror::Error;
use tokio::net::TcpListener;

use crate::{
    accounts::service::AccountsApi,
    admission::Admission,
    app::{App, Inner},
    callers::Callers,
    guard::{Guard, PublicNames},
    health,
    services::{ServiceRoute, Services},
    system::SystemApi,
};

/// What the gateway is made of.
#[derive(Debug)]
pub struct GatewayDeps {
    /// The services behind it.
    pub services: Vec<ServiceRoute>,
    /// What answers OpenAI's clients at `/v1/`; none answers "not found" there.
    pub openai: Option<HttpService>,
    /// Who is asking.
    pub callers: Callers,
    /// Addresses under which people open it, and more hosts that programs may ask for, besides those of this machine.
    pub names: PublicNames,
    /// The listener's settings.
    pub server: Server,
    /// What one caller may ask for.
    pub limits: Limits,
    /// What `/metrics` shows; none switches it off.
    pub metrics: Option<Metrics>,
    /// The program's version, shown on the page.
    pub version: &'static str,
    /// Folder of the data, whose disk operators are told about.
    pub data: PathBuf,
    /// Ids of the people who run an installation with accounts.
    pub operators: Vec<String>,
}

/// Why the gateway could not start.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// The descriptors of the services cannot be used.
    #[error("cannot describe the services: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// The gateway's own health and reflection cannot be built.
    #[error(transparent)]
    Server(#[from] ServerBuildError),
    /// The listener is reachable from other machines.
    #[error(
        "the gateway would listen on {0}, which other machines can reach; without accounts it listens on 127.0.0.1 or ::1 only"
    )]
    NotLoopback(SocketAddr),
    /// No name is known under which others could reach it.
    #[error(
        "the gateway would listen on {0}, but nothing says under which address people open it; write accounts.public_addresses, such as [\"https://aerie.example\"]"
    )]
    Nameless(SocketAddr),
    /// The listener is broken.
    #[error("the listener has no address: {0}; bind it again")]
    Listener(#[from] io::Error),
}

/// The edge of one process, ready to be served.
pub struct Gateway {
    inner: Arc<Inner>,
    names: PublicNames,
    options: ServeOptions,
    lifecycle: Lifecycle,
}

impl Gateway {
    /// Builds the gateway. Whether `/readyz` says ready depends on [`Lifecycle::mark_ready`], which is the program's to
    /// call when everything has started, and on the health of the required services.
    ///
    /// # Errors
    /// Descriptors that cannot be read.
    pub async fn new(deps: GatewayDeps, lifecycle: &Lifecycle) -> Result<Self, GatewayError> {
        let GatewayDeps { services, openai, callers, names, server, limits, metrics, version, data, operators } = deps;
        let services = Arc::new(Services::new(services)?);
        let server_limits = ServerLimits { concurrency: limits.concurrency, deadline: limits.deadline() };
        let described = services.routes.iter().flat_map(|route| services.names(route.package));
        let own = described.fold(GrpcServerBuilder::new(server_limits), GrpcServerBuilder::describing);
        let system = SystemApi {
            services: Arc::clone(&services),
            lifecycle: lifecycle.clone(),
            version,
            started: SystemTime::now(),
            data,
            operators,
        };
        let own = own.service(AccountsServiceServer::new(AccountsApi::new(&callers)));
        let own = own.service(SystemServiceServer::new(system));
        let inner = Inner {
            services,
            openai,
            own: own.build(lifecycle).await?.with_reflection()?,
            callers,
            admission: Admission::new(&limits),
            body_timeout: Duration::from_secs(server.body_timeout_seconds),
            heartbeat: Duration::from_secs(server.heartbeat_seconds),
            metrics,
            version,
            lifecycle: lifecycle.clone(),
            limits,
        };
        let options = ServeOptions {
            header_timeout: Duration::from_secs(server.header_timeout_seconds),
            stall_timeout: Duration::from_secs(server.stall_timeout_seconds),
            header_bytes: inner.limits.header_bytes,
            connections: server.connections,
            ..ServeOptions::default()
        };
        for name in [accounts_service_server::SERVICE_NAME, system_service_server::SERVICE_NAME] {
            inner.own.health().set(name, true).await;
        }
        Ok(Self { inner: Arc::new(inner), names, options, lifecycle: lifecycle.clone() })
    }

    /// The gateway's own health and reflection, to be asked how it is.
    #[must_use]
    pub fn server(&self) -> GrpcServer {
        self.inner.own.clone()
    }

    /// Serves the listener until the lifecycle stops; connections then finish as tasks of the lifecycle.
    ///
    /// # Errors
    /// A listener that other machines can reach, without accounts or without a name for it.
    pub async fn serve(self, listener: TcpListener) -> Result<(), GatewayError> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && self.inner.callers.is_local() {
            return Err(GatewayError::NotLoopback(address));
        }
        if !address.ip().is_loopback() && self.names.addresses.is_empty() && self.names.hosts.is_empty() {
            return Err(GatewayError::Nameless(address));
        }
        health::mirror(self.inner.services.clone(), self.inner.own.health(), &self.lifecycle);
        let app = App { inner: self.inner, guard: Arc::new(Guard::new(address.port(), &self.names)) };
        tracing::info!(%address, "listening on http://{address}");
        serve(listener, app, self.options, self.lifecycle).await;
        Ok(())
    }
}
