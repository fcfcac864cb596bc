//! How services reach each other when each is a process of its own.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `services`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// Certificates; none for services that are all on this machine.
    pub tls: Option<TlsFiles>,
    /// Names in the certificates of those who may call this process; none means those of its role.
    pub callers: Option<Vec<String>>,
    /// Keys for the signed identity of the person behind a call; none for services that are all on this machine.
    pub identity: Option<IdentityFiles>,
    /// Longest age of a connection between services, in seconds.
    pub connection_age_seconds: u64,
}

/// PEM files of mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Certificates of the authority that signed those of all services.
    pub authority: PathBuf,
    /// This process's certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// PEM files of Ed25519 keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityFiles {
    /// Private key of a process that calls others on a person's behalf.
    pub signing_key: Option<PathBuf>,
    /// Public keys that are believed.
    #[serde(default)]
    pub verifying_keys: Vec<PathBuf>,
}

impl Services {
    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("services.connection_age_seconds", self.connection_age_seconds, 1, 86_400);
        if let Some(identity) = &self.identity {
            checks.require(
                identity.signing_key.is_some() || !identity.verifying_keys.is_empty(),
                "services.identity",
                || "names no key".into(),
                "name signing_key, verifying_keys, or both",
            );
        }
    }

    /// Notes a finding when a listener of a service is reachable from other machines and does not ask who calls.
    pub(crate) fn check_listener(&self, key: &str, listen: SocketAddr, checks: &mut Checks) {
        let verifies = self.identity.as_ref().is_some_and(|identity| !identity.verifying_keys.is_empty());
        checks.require(
            listen.ip().is_loopback() || (self.tls.is_some() && verifies),
            key,
            || format!("is {listen}, which other machines can reach"),
            "name services.tls and services.identity.verifying_keys, or write a loopback address",
        );
    }
}

/// Section `pipeline`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineService {
    /// Address of the service; none runs it within this process.
    pub endpoint: Option<String>,
    /// Where `aerie pipeline` listens.
    pub listen: SocketAddr,
}

impl PipelineService {
    pub(crate) fn check(&self, services: &Services, checks: &mut Checks) {
        if let Some(endpoint) = &self.endpoint {
            checks.http_address("pipeline.endpoint", endpoint);
        }
        services.check_listener("pipeline.listen", self.listen, checks);
    }
}
