//! From a backend's settings to the backend.

use std::{borrow::Cow, fs, io, path::PathBuf, sync::Arc};

use aerie_config::{BackendKind, LlmBackend, Secret};
use aerie_network::AddressGuard;
use thiserror::Error;

use crate::{
    backend::Backend,
    http_backend::{BadKey, HttpBackend},
    image_fetch::ImageFetcher,
    transport::{BadAddress, Tls, Transport},
    vision::Vision,
    vision_service::VisionService,
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
    /// The address is none that gRPC connects to.
    #[error("backend \"{name}\": {source}")]
    Remote {
        /// Backend.
        name: String,
        /// What is wrong.
        source: aerie_rpc::BackendError,
    },
}

/// Makes a backend of its settings. Nothing is connected yet. Aerie's vision service is reached by its address here; one
/// in this process is a [`Vision`] of its own.
///
/// # Errors
/// [`BackendError`]
pub fn of(name: &str, settings: &LlmBackend, key: Secret, tls: &Tls) -> Result<Arc<dyn Backend>, BackendError> {
    let name = || name.to_owned();
    let kind = settings.kind;
    let base = settings.base_url.as_deref().or_else(|| kind.usual_address());
    let base = base.ok_or_else(|| BackendError::NoAddress { name: name(), kind })?;
    let fetcher = ImageFetcher::new(tls.clone(), AddressGuard::default());
    if kind == BackendKind::Vision {
        let service = aerie_rpc::Backend::remote(base);
        let service = service.map_err(|source| BackendError::Remote { name: name(), source })?;
        return Ok(Arc::new(Vision::new(service, fetcher)));
    }
    let transport = Transport::new(&self::base(kind, base), tls)
        .map_err(|source| BackendError::Address { name: name(), source })?;
    let Some(wire) = wire::of(kind) else { return Ok(Arc::new(VisionService::new(transport, fetcher))) };
    let backend =
        HttpBackend::new(wire, transport, key).map_err(|source| BackendError::Key { name: name(), source })?;
    let backend = backend.fetching_images(fetcher);
    Ok(Arc::new(if settings.local == Some(true) { backend.forwarding_trace() } else { backend }))
}

/// The base address as the form wants it. People write it with and without the version that stands in the paths.
fn base(kind: BackendKind, address: &str) -> Cow<'_, str> {
    let address = address.trim().trim_end_matches('/');
    let without = |endings: &[&str]| {
        let ending = endings.iter().find_map(|ending| address.strip_suffix(ending));
        Cow::Borrowed(ending.unwrap_or(address))
    };
    match kind {
        BackendKind::Anthropic | BackendKind::Tgi | BackendKind::VisionService => without(&["/v1"]),
        BackendKind::Ollama => without(&["/v1", "/api"]),
        BackendKind::Gemini => without(&["/v1beta", "/v1"]),
        BackendKind::OpenAi | BackendKind::OpenAiCompatible | BackendKind::LlamaCpp | BackendKind::Vllm => {
            let has_path = address.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
            if has_path { Cow::Borrowed(address) } else { Cow::Owned(format!("{address}/v1")) }
        }
        BackendKind::Vision => Cow::Borrowed(address),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn settings(text: &str) -> LlmBackend {
        serde_json::from_str(text).unwrap()
    }

    #[tokio::test]
    async fn every_kind_is_made_of_its_settings_and_what_is_wrong_is_named() {
        let made = |text: &str, key: &str| of("b", &settings(text), Secret::new(key), &Tls::of_system());
        for kind in ["openai", "openai_compatible", "vllm", "ollama", "anthropic", "gemini", "tgi", "vision_service"] {
            let text = format!(r#"{{"kind":"{kind}","base_url":"http://127.0.0.1:1"}}"#);
            assert!(made(&text, "k").is_ok(), "{kind}");
        }
        let vision = made(r#"{"kind":"vision","base_url":"http://127.0.0.1:1"}"#, "").unwrap();
        assert!(format!("{vision:?}").starts_with("Vision"), "{vision:?}");
        for (text, key, words) in [
            (r#"{"kind":"tgi"}"#, "", "give it a base_url"),
            (r#"{"kind":"openai","base_url":"nonsense"}"#, "", "is not a base address"),
            (r#"{"kind":"openai"}"#, "a\nb", "copy it again"),
            (r#"{"kind":"vision","base_url":"no address"}"#, "", "no address"),
        ] {
            let error = made(text, key).unwrap_err().to_string();
            assert!(error.contains("backend \"b\"") && error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_key_is_given_read_from_the_environment_or_from_a_file() {
        let path = std::env::temp_dir().join(format!("aerie-key-{}", std::process::id()));
        fs::write(&path, " from-file\n").unwrap();
        let file = serde_json::json!(path);
        let environment = |name: &str| (name == "SET").then(|| " from-env ".to_owned());
        let key = |rest: &str| {
            let text = format!(r#"{{"kind":"openai","key_file":{file}{rest}}}"#);
            key_of("b", &settings(&text), environment).unwrap().reveal().to_owned()
        };
        assert_eq!(key(r#","key":"given","key_env":"SET""#), "given");
        assert_eq!(key(r#","key_env":"SET""#), "from-env");
        assert_eq!(key(r#","key_env":"UNSET""#), "from-file");
        fs::remove_file(&path).unwrap();
        let gone = format!(r#"{{"kind":"openai","key_file":{file}}}"#);
        let error = key_of("b", &settings(&gone), environment).unwrap_err().to_string();
        assert!(error.contains("cannot be read") && error.contains("aerie-key"), "{error}");
    }

    #[test]
    fn addresses_may_be_written_with_and_without_their_version() {
        for (kind, address, expected) in [
            (BackendKind::Ollama, "http://localhost:11434/v1", "http://localhost:11434"),
            (BackendKind::Ollama, "http://localhost:11434/", "http://localhost:11434"),
            (BackendKind::Anthropic, "https://api.anthropic.com/v1/", "https://api.anthropic.com"),
            (BackendKind::Gemini, "https://g.example/v1beta", "https://g.example"),
            (BackendKind::OpenAiCompatible, "http://localhost:8080", "http://localhost:8080/v1"),
            (BackendKind::OpenAiCompatible, "https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
            (BackendKind::Tgi, "http://localhost:3000/v1", "http://localhost:3000"),
        ] {
            assert_eq!(base(kind, address), expected);
        }
    }
}
