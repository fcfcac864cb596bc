//! Credentials between the sealed row and the service.

use std::collections::BTreeMap;

use aerie_integrations::{Kind, Ready, Settings, by_name};
use aerie_store::{PersonId, integrations::Integration};
use uuid::Uuid;

use super::IntegrationError;
use crate::core::Core;

/// What credentials are sealed for: they open in no other integration.
fn purpose(integration: Uuid) -> String {
    format!("integration {integration}")
}

/// Seals credentials.
pub(super) fn seal(
    core: &Core,
    person: PersonId,
    integration: Uuid,
    secrets: &BTreeMap<String, String>,
) -> Result<Vec<u8>, IntegrationError> {
    let plain = serde_json::to_vec(secrets).map_err(|_| IntegrationError::Unreadable("its credentials".to_owned()))?;
    Ok(core.inner.stores.seal(person, &purpose(integration), &plain)?)
}

/// Opens the credentials of an integration.
pub(super) fn open(
    core: &Core,
    person: PersonId,
    one: &Integration,
) -> Result<BTreeMap<String, String>, IntegrationError> {
    let what = format!("the credentials of {:?}", one.name);
    let plain = core.inner.stores.unseal(person, &purpose(one.id), &what, &one.secrets)?;
    // The words of serde could quote a credential.
    serde_json::from_slice(&plain).map_err(|_| IntegrationError::Unreadable("its credentials".to_owned()))
}

/// Settings with credentials.
pub(super) fn join(settings: &BTreeMap<String, String>, secrets: &BTreeMap<String, String>) -> Settings {
    Settings(settings.iter().chain(secrets).map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The integration, ready to be used.
pub(super) fn ready(
    core: &Core,
    person: PersonId,
    one: &Integration,
) -> Result<(&'static Kind, Ready), IntegrationError> {
    let kind = by_name(&one.kind).ok_or_else(|| IntegrationError::UnknownKind(one.kind.clone()))?;
    let secrets = open(core, person, one)?;
    Ok((kind, kind.ready(&join(&one.settings, &secrets))?))
}
