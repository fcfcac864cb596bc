//! Keys and addresses in the environment, as the providers' own tools read them.

use std::{env, fmt, sync::Arc};

use aerie_config::{BackendKind, LlmBackend, Secret};

use super::known::usual;

/// Models that are asked for when only a key is given.
const ANTHROPIC_MODEL: &str = "claude-haiku-4-5-20251001";
const OPENAI_MODEL: &str = "gpt-4o-mini";
const GEMINI_MODEL: &str = "gemini-2.5-flash";
/// How the keys of Anthropic begin.
const ANTHROPIC_KEY: &str = "sk-ant-";

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Looks environment variables up.
#[derive(Clone)]
pub struct Variables(Arc<Lookup>);

impl Variables {
    /// Those of this process. One that is not text counts as not set.
    #[must_use]
    pub fn of_process() -> Self {
        Self(Arc::new(|name| env::var(name).ok()))
    }

    /// Given ones.
    #[must_use]
    pub fn given(pairs: &[(&str, &str)]) -> Self {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self(Arc::new(move |name| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())))
    }

    /// A variable that is set and not blank.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Variables")
    }
}

/// A backend that a key in the environment stands for.
pub(super) struct FromEnvironment {
    pub(super) name: &'static str,
    pub(super) settings: LlmBackend,
    pub(super) key: Secret,
    /// Where the key was found.
    pub(super) variable: &'static str,
}

/// Every backend that the environment holds a key for; the first key of a provider counts.
pub(super) fn backends(variables: &Variables) -> Vec<FromEnvironment> {
    let mut found: Vec<FromEnvironment> = Vec::new();
    let mut add = |backend: FromEnvironment| {
        if !found.iter().any(|known| known.name == backend.name) {
            found.push(backend);
        }
    };
    if let Some(key) = variables.get("ANTHROPIC_API_KEY") {
        add(anthropic(key, "ANTHROPIC_API_KEY", variables.get("ANTHROPIC_MODEL")));
    }
    if let Some(key) = variables.get("OPENAI_API_KEY") {
        // A key of the other provider's form is one of the other provider.
        if key.starts_with(ANTHROPIC_KEY) {
            add(anthropic(key, "OPENAI_API_KEY", variables.get("ANTHROPIC_MODEL")));
        } else {
            add(openai(key, "OPENAI_API_KEY", variables.get("OPENAI_BASE_URL"), variables.get("OPENAI_MODEL")));
        }
    }
    if let Some(key) = variables.get("LLM_API_KEY") {
        let is_anthropic = match variables.get("LLM_PROVIDER").as_deref() {
            Some("anthropic") => true,
            Some("openai") => false,
            _ => key.starts_with(ANTHROPIC_KEY),
        };
        let model = variables.get("LLM_MODEL");
        add(match is_anthropic {
            true => anthropic(key, "LLM_API_KEY", model),
            false => openai(key, "LLM_API_KEY", variables.get("OPENAI_BASE_URL"), model),
        });
    }
    for variable in ["GEMINI_API_KEY", "GOOGLE_API_KEY"] {
        if let Some(key) = variables.get(variable) {
            let settings = with_model(BackendKind::Gemini, variables.get("GEMINI_MODEL"), GEMINI_MODEL);
            add(FromEnvironment { name: "gemini", settings, key: Secret::new(key), variable });
        }
    }
    found
}

fn anthropic(key: String, variable: &'static str, model: Option<String>) -> FromEnvironment {
    let settings = with_model(BackendKind::Anthropic, model, ANTHROPIC_MODEL);
    FromEnvironment { name: "anthropic", settings, key: Secret::new(key), variable }
}

fn openai(key: String, variable: &'static str, base: Option<String>, model: Option<String>) -> FromEnvironment {
    let elsewhere = base.filter(|base| !base.starts_with("https://api.openai.com"));
    let settings = match elsewhere {
        // Another server's models have other names.
        Some(base) => {
            LlmBackend { base_url: Some(base), ..with_model(BackendKind::OpenAiCompatible, model, "__auto__") }
        }
        None => with_model(BackendKind::OpenAi, model, OPENAI_MODEL),
    };
    FromEnvironment { name: "openai", settings, key: Secret::new(key), variable }
}

fn with_model(kind: BackendKind, model: Option<String>, otherwise: &str) -> LlmBackend {
    LlmBackend { model: model.unwrap_or_else(|| otherwise.to_owned()), ..usual(kind) }
}

/// Where Ollama is: `OLLAMA_HOST` as Ollama itself reads it, which is often the address that the server listens on.
pub(super) fn ollama_address(variables: &Variables) -> String {
    let Some(text) = variables.get("OLLAMA_HOST") else { return "http://127.0.0.1:11434".to_owned() };
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", &text));
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (rest, if scheme == "https" { "443" } else { "11434" }),
    };
    let host = match host {
        "" | "0.0.0.0" | "[::]" => "127.0.0.1",
        host => host,
    };
    format!("{scheme}://{host}:{port}")
}
