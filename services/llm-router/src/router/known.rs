//! The backends that there are: configured, from the environment, or found.

use aerie_config::{BackendKind, Llm, LlmBackend, LlmChain, Secret};

use super::{
    RouterError,
    detect::Detected,
    environment::{self, Variables},
    locality,
};
use crate::{backends, directory::AUTOMATIC};

/// How we know of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the settings.
    Settings,
    /// From an `llm.yaml` of the earlier form.
    EarlierFile,
    /// From a key in the environment.
    Environment,
    /// It answered on this machine.
    Found,
}

/// A backend and where we know it from.
#[derive(Debug, Clone)]
pub struct Known {
    /// Name.
    pub name: String,
    /// Settings, given or usual.
    pub settings: LlmBackend,
    /// How we know of it.
    pub origin: Origin,
    /// The key that is sent; empty when there is none.
    pub key: Secret,
    /// Whether it is on this machine or network, by its settings or its resolved address.
    pub local: bool,
    /// Why it cannot be asked; none when it can.
    pub note: Option<String>,
    /// The model server that was found.
    pub detected: Option<Detected>,
}

impl Known {
    /// Whether it can be asked.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.settings.enabled && self.note.is_none()
    }

    /// Where it is asked; none for a service within this process.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.settings.base_url.as_deref().or_else(|| self.settings.kind.usual_address())
    }
}

/// Equal when an engine over them would be equal.
impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.origin == other.origin
            && self.local == other.local
            && self.note == other.note
            && self.settings.model == other.settings.model
            && self.address() == other.address()
    }
}

/// Settings of which nothing is given.
pub(super) fn usual(kind: BackendKind) -> LlmBackend {
    LlmBackend {
        kind,
        base_url: None,
        model: AUTOMATIC.to_owned(),
        embedding_model: None,
        key: Secret::default(),
        key_env: None,
        key_file: None,
        enabled: true,
        local: None,
        images: None,
        tools: None,
        schema: None,
        context_tokens: None,
        embedding_dimensions: None,
        concurrency: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        dollars_per_day: None,
        timeouts: None,
        health_check_seconds: None,
    }
}

/// All backends, in the order in which they are asked where there is no chain: those of this machine and network first.
///
/// # Errors
/// A key file that cannot be read.
pub(super) fn collect(settings: &Llm, variables: &Variables, found: &[Detected]) -> Result<Vec<Known>, RouterError> {
    let mut known = configured(settings, variables)?;
    let is_configured = !known.is_empty();
    if settings.detect {
        for server in found {
            // Who configured our vision service need not say where it runs.
            let is_same = |other: &Known| match (server.kind, other.settings.kind) {
                (BackendKind::Vision, BackendKind::Vision) => true,
                _ => other.name == server.name || same_place(other, server),
            };
            let is_new = !known.iter().any(is_same);
            if is_new {
                known.push(found_backend(server));
            }
        }
        for backend in environment::backends(variables) {
            let is_named = settings.chains.values().any(|chain| names(chain, backend.name));
            let is_new = !known.iter().any(|other| other.name == backend.name);
            // A key for other programs sends nothing away once backends were chosen, unless a chain names it.
            if is_new && (!is_configured || is_named) {
                known.push(from_environment(backend));
            }
        }
    }
    for backend in &mut known {
        backend.local = backend.settings.local.unwrap_or_else(|| locality::at_once(backend));
    }
    known.sort_by_key(|backend| !backend.local);
    Ok(known)
}

fn names(chain: &LlmChain, name: &str) -> bool {
    chain.names().any(|known| known == name)
}

fn configured(settings: &Llm, variables: &Variables) -> Result<Vec<Known>, RouterError> {
    let is_earlier = |name: &String| settings.earlier.as_ref().is_some_and(|file| file.backends.contains(name));
    let mut known = Vec::new();
    for (name, backend) in &settings.backends {
        let key = backends::key_of(name, backend, |variable| variables.get(variable))?;
        let missing = backend.kind.needs_key() && !key.is_set();
        let note = match (&backend.key_env, missing) {
            (Some(variable), true) => Some(format!("no key: the environment variable {variable} is not set")),
            (None, true) => Some(format!("no key: set llm.backends.{name}.key_env")),
            _ => None,
        };
        known.push(Known {
            name: name.clone(),
            settings: backend.clone(),
            origin: if is_earlier(name) { Origin::EarlierFile } else { Origin::Settings },
            key,
            local: false,
            note,
            detected: None,
        });
    }
    Ok(known)
}

fn found_backend(server: &Detected) -> Known {
    Known {
        name: server.name.clone(),
        settings: LlmBackend {
            base_url: Some(server.base_url.clone()),
            model: server.model.clone().unwrap_or_else(|| AUTOMATIC.to_owned()),
            ..usual(server.kind)
        },
        origin: Origin::Found,
        key: Secret::default(),
        local: false,
        note: None,
        detected: Some(server.clone()),
    }
}

fn from_environment(backend: environment::FromEnvironment) -> Known {
    tracing::debug!(backend = backend.name, "{} comes from {}", backend.name, backend.variable);
    Known {
        name: backend.name.to_owned(),
        settings: LlmBackend { key_env: Some(backend.variable.to_owned()), ..backend.settings },
        origin: Origin::Environment,
        key: backend.key,
        local: false,
        note: None,
        detected: None,
    }
}

/// Whether a backend that is known is the server that was found: then the settings know better.
fn same_place(known: &Known, server: &Detected) -> bool {
    let place = |address: &str| {
        let uri: http::Uri = address.parse().ok()?;
        let host = match uri.host()? {
            "localhost" | "[::1]" | "0.0.0.0" => "127.0.0.1".to_owned(),
            host => host.to_owned(),
        };
        Some((host, uri.port_u16()))
    };
    known.address().and_then(place).is_some_and(|known| Some(known) == place(&server.base_url))
}
