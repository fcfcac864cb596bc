//! Which service answers which path, and what its messages look like.

use aerie_rpc::{Backend, DESCRIPTOR_SETS};
use prost_reflect::{DescriptorError, DescriptorPool, MethodDescriptor};

/// A service behind the gateway.
#[derive(Debug, Clone)]
pub struct ServiceRoute {
    /// Name for people: `pipeline`.
    pub name: &'static str,
    /// Package whose services it answers: `aerie.pipeline.v1`.
    pub package: &'static str,
    /// Where it runs.
    pub backend: Backend,
    /// Whether the gateway is ready only when this service is.
    pub required: bool,
}

/// All services, by path.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) pool: DescriptorPool,
    pub(crate) routes: Vec<ServiceRoute>,
}

impl Services {
    pub(crate) fn new(routes: Vec<ServiceRoute>) -> Result<Self, DescriptorError> {
        let mut pool = DescriptorPool::new();
        for set in DESCRIPTOR_SETS {
            pool.decode_file_descriptor_set(set)?;
        }
        Ok(Self { pool, routes })
    }

    /// The method that a path names: `/aerie.pipeline.v1.JobsService/ListJobs`.
    pub(crate) fn method(&self, path: &str) -> Option<MethodDescriptor> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        self.pool.get_service_by_name(service)?.methods().find(|candidate| candidate.name() == method)
    }

    /// The service behind the gateway that answers a path; none when the gateway itself does.
    pub(crate) fn backend(&self, path: &str) -> Option<Backend> {
        let service = path.strip_prefix('/')?.split('/').next()?;
        let (package, _) = service.rsplit_once('.')?;
        self.routes.iter().find(|route| route.package == package).map(|route| route.backend.clone())
    }

    /// Full names of the services of a package.
    pub(crate) fn names(&self, package: &str) -> Vec<String> {
        let services = self.pool.services().filter(|service| service.package_name() == package);
        services.map(|service| service.full_name().to_owned()).collect()
    }
}
