//! The gRPC face: each call decodes, asks one use case, encodes.

pub mod convert;
pub(crate) mod deletion;
pub(crate) mod discovery;
mod errors;
pub(crate) mod events;
pub(crate) mod integrations;
pub(crate) mod interviews;
pub(crate) mod jobs;
pub(crate) mod letters;
pub(crate) mod mail;
pub(crate) mod matching;
pub(crate) mod moving;
pub(crate) mod profile;
pub(crate) mod research;
mod resume;
pub(crate) mod surveys;
pub(crate) mod tasks;

use aerie_rpc::{ErrorCode, PersonId as CallerId, RpcError, Validation};
use aerie_store::{Database, PersonId};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::core::Core;

/// Who calls, with their store.
pub(crate) struct Caller {
    pub(crate) person: PersonId,
    pub(crate) database: Database,
}

/// Reads who calls from what the gateway put into the metadata.
pub(crate) async fn caller<T>(core: &Core, request: &Request<T>) -> Result<Caller, Status> {
    let id = CallerId::of(request.metadata()).map_err(Status::from)?;
    let person = Uuid::parse_str(id.as_str()).map_err(|_| {
        RpcError::new(ErrorCode::Unauthenticated, "PERSON_INVALID", format!("{id} is not a person's id"))
    })?;
    let database = core.person(person).await.map_err(errors::store)?;
    Ok(Caller { person, database })
}

/// An id from a request.
pub(crate) fn id(field: &str, text: &str) -> Result<Uuid, RpcError> {
    Uuid::parse_str(text).map_err(|_| {
        RpcError::invalid_field(field, format!("is {text:?}; write an id as lists show it, 36 characters"))
    })
}

/// An optional id from a request.
pub(crate) fn optional_id(field: &str, text: &str) -> Result<Option<Uuid>, RpcError> {
    if text.is_empty() { Ok(None) } else { id(field, text).map(Some) }
}

/// Begins checking a request.
pub(crate) fn validation(core: &Core) -> Validation {
    Validation::new(core.inner.limits)
}
