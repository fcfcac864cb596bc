//! `SystemService`: what runs and on what machine, for whoever runs it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use aerie_proto::platform::v1::{self as pb, system_service_server::SystemService};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_telemetry::Lifecycle;
use prost_types::Timestamp;
use tonic::{Request, Response, Status};

use crate::{
    callers::{Caller, Means},
    health::{Condition, RouteHealth, check_all, required_are_serving},
    machine::Machine,
    services::Services,
};

/// The service.
#[derive(Debug)]
pub(crate) struct SystemApi {
    pub(crate) services: Arc<Services>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) version: &'static str,
    pub(crate) started: SystemTime,
    /// Whose disk is looked at.
    pub(crate) data: PathBuf,
    /// Ids of the people who run the installation.
    pub(crate) operators: Vec<String>,
}

impl SystemApi {
    /// Whether somebody may see how the installation is.
    fn check(&self, caller: Option<&Caller>) -> Result<(), RpcError> {
        let caller =
            caller.ok_or_else(|| RpcError::new(ErrorCode::Unauthenticated, "PERSON_MISSING", "nobody is signed in"))?;
        let is_operator = match caller.means {
            Means::Local => true,
            Means::Token | Means::Session { .. } => self.operators.iter().any(|id| id == caller.person.as_str()),
            Means::ApiKey { .. } | Means::Nobody => false,
        };
        if is_operator {
            return Ok(());
        }
        let message = format!(
            "only operators see how the installation is; whoever runs it can add {} to accounts.operators",
            caller.person
        );
        Err(RpcError::new(ErrorCode::PermissionDenied, "NO_OPERATOR", message))
    }
}

#[tonic::async_trait]
impl SystemService for SystemApi {
    async fn get_system(
        &self,
        request: Request<pb::GetSystemRequest>,
    ) -> Result<Response<pb::GetSystemResponse>, Status> {
        self.check(request.extensions().get::<Caller>())?;
        let data = self.data.clone();
        let machine = tokio::task::spawn_blocking(move || Machine::look(Path::new("/"), &data));
        let (health, machine) = tokio::join!(check_all(&self.services), machine);
        Ok(Response::new(pb::GetSystemResponse {
            version: self.version.to_owned(),
            start_time: Some(Timestamp::from(self.started)),
            ready: self.lifecycle.is_ready() && required_are_serving(&health),
            services: health.iter().flat_map(statuses).collect(),
            machine: Some(to_wire(machine.map_err(RpcError::internal)?)),
        }))
    }
}

fn statuses(health: &RouteHealth) -> impl Iterator<Item = pb::ServiceStatus> {
    health.services.iter().map(|(name, condition)| pb::ServiceStatus {
        name: name.clone(),
        part: health.route.name.to_owned(),
        state: match condition {
            Condition::Serving => pb::ServiceState::Serving,
            Condition::NotServing => pb::ServiceState::NotServing,
            Condition::Unreachable => pb::ServiceState::Unreachable,
        } as i32,
        required: health.route.required,
    })
}

fn to_wire(machine: Machine) -> pb::Machine {
    let bytes = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
    let accelerators = machine.accelerators.into_iter().map(|one| pb::Accelerator {
        name: one.name,
        driver: one.driver,
        driver_version: one.driver_version,
    });
    pb::Machine {
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        processors: machine.processors.and_then(|count| i32::try_from(count).ok()),
        processor: machine.processor,
        memory_bytes: bytes(machine.memory),
        memory_available_bytes: bytes(machine.memory_available),
        disk_bytes: bytes(machine.disk),
        disk_available_bytes: bytes(machine.disk_available),
        accelerators: accelerators.collect(),
    }
}
