//! From a backend's settings to the backend.

use std::{fs, io, path::PathBuf, sync::Arc};

use aerie_config::{BackendKind, LlmBackend, Secret};
use thiserror::Error;

use crate::{
    backend::Backend,
    http_backend::{BadKey, HttpBackend},
    transport::{BadAddress, Tls, Transport},
    wire,
};

/// Why a backend cannot be made of its settings.
#[derive(Debug, Error)]
pub enum BackendError {
    /// The kind needs an address, and none is given.
    #[error("backend \"{name}\": kind {kind:?} has no usual address; give it a base_url")]
    NoAddress {
        /// Backend.
        name: String,
        /// Its kind.
        kind: BackendKind,
    },
    /// The address is none.
    #[error("backend \"{name}\": {source}")]
    Address {
        /// Backend.
        name: String,
        /// What is wrong.
        source: BadAddress,
    },
    /// The key cannot be sent.
    #[error("backend \"{name}\": {source}")]
    Key {
        /// Backend.
        name: String,
        /// What is wrong.
        source: BadKey,
    },
    /// The file with the key cannot be read.
    #[error("backend \"{name}\": the key file {} cannot be read: {source}", path.display())]
    KeyFile {
        /// Backend.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kind is not one that is reached over HTTP.
    #[error("backend \"{name}\": kind {kind:?} is not reached by an address")]
    Kind {
        /// Backend.
        name: String,
        /// Its kind.
        kind: BackendKind,
    },
}

/// Makes a backend of its settings. Nothing is connected yet.
///
/// # Errors
/// [`BackendError`]
pub fn of(name: &str, settings: &LlmBackend, key: Secret, tls: &Tls) -> Result<Arc<dyn Backend>, BackendError> {
    let name = || name.to_owned();
    let kind = settings.kind;
    let wire = wire::of(kind).ok_or_else(|| BackendError::Kind { name: name(), kind })?;
    let base = settings.base_url.as_deref().or_else(|| usual_address(kind));
    let base = base.ok_or_else(|| BackendError::NoAddress { name: name(), kind })?;
    let transport = Transport::new(base, tls).map_err(|source| BackendError::Address { name: name(), source })?;
    let backend =
        HttpBackend::new(wire, transport, key).map_err(|source| BackendError::Key { name: name(), source })?;
    Ok(Arc::new(if settings.local == Some(true) { backend.forwarding_trace() } else { backend }))
}

/// Where the providers of a kind usually are; none for kinds that are anywhere.
#[must_use]
pub fn usual_address(kind: BackendKind) -> Option<&'static str> {
    match kind {
        BackendKind::OpenAi => Some("https://api.openai.com/v1"),
        BackendKind::Anthropic => Some("https://api.anthropic.com"),
        BackendKind::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
        BackendKind::Ollama => Some("http://127.0.0.1:11434"),
        BackendKind::Vllm => Some("http://127.0.0.1:8000/v1"),
        BackendKind::VisionService => Some("http://127.0.0.1:8002"),
        BackendKind::OpenAiCompatible | BackendKind::Tgi | BackendKind::Vision => None,
    }
}

/// The backend's key: as given, from the environment, or from a file, in that order; empty when there is none.
/// `environment` looks a variable up.
///
/// # Errors
/// A file that cannot be read.
pub fn key_of(
    name: &str,
    settings: &LlmBackend,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Secret, BackendError> {
    if settings.key.is_set() {
        return Ok(settings.key.clone());
    }
    if let Some(value) = settings.key_env.as_deref().and_then(environment)
        && !value.trim().is_empty()
    {
        return Ok(Secret::new(value.trim()));
    }
    let Some(path) = &settings.key_file else { return Ok(Secret::default()) };
    let text = fs::read_to_string(path).map_err(|source| BackendError::KeyFile {
        name: name.to_owned(),
        path: path.clone(),
        source,
    })?;
    Ok(Secret::new(text.trim()))
}
