//! Looks for model servers on the usual ports of this machine, and recognises them by what they answer.
//!
//! Sources of the marks: Ollama `GET /api/version` and `/api/tags` (<https://github.com/ollama/ollama/blob/main/docs/api.md>),
//! LM Studio `GET /api/v0/models` (<https://lmstudio.ai/docs/developer/rest/endpoints>), llama.cpp `GET /props`
//! (<https://github.com/ggml-org/llama.cpp/tree/master/tools/server>), and `owned_by` in `GET /v1/models`; our own vision
//! service says what it is in `GET /health`.

mod probe;

use std::{collections::HashSet, time::Duration};

use aerie_config::BackendKind;
use futures::future::join_all;
use serde_json::Value;

use super::environment::{self, Variables};

/// Where to look, and for how long.
#[derive(Debug, Clone)]
pub struct DetectOptions {
    /// `host:port` of the places; the first is Ollama's, which the environment may move.
    pub places: Vec<String>,
    /// Longest wait for one answer.
    pub patience: Duration,
}

impl Default for DetectOptions {
    fn default() -> Self {
        let places = [11434, 8000, 8080, 1234, 8720].map(|port| format!("127.0.0.1:{port}"));
        Self { places: places.to_vec(), patience: Duration::from_millis(300) }
    }
}

/// A model server that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// Name that it gets.
    pub name: String,
    /// Its form.
    pub kind: BackendKind,
    /// Address as its form wants it.
    pub base_url: String,
    /// Model that the environment names for it.
    pub model: Option<String>,
    /// Models that it lists.
    pub models: Vec<String>,
}

/// Something else that answers where a model server is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// Where.
    pub place: String,
}

/// What a look brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Model servers.
    pub found: Vec<Detected>,
    /// Places where something else answers.
    pub strangers: Vec<Stranger>,
}

/// Looks at every place at once.
pub async fn detect(options: &DetectOptions, variables: &Variables) -> Look {
    let mut places: Vec<String> = options.places.clone();
    if variables.get("OLLAMA_HOST").is_some()
        && let Some(place) = place_of(&environment::ollama_address(variables))
    {
        match places.first_mut() {
            Some(first) => *first = place,
            None => places.push(place),
        }
    }
    let asked = join_all(places.iter().map(|place| look_at(place, options.patience))).await;
    let mut look = Look::default();
    let mut names = HashSet::new();
    for (place, answer) in places.into_iter().zip(asked) {
        match answer {
            Answer::Nobody => {}
            Answer::Stranger => look.strangers.push(Stranger { place }),
            Answer::Server(mut server) => {
                if server.kind == BackendKind::Ollama {
                    server.model = variables.get("OLLAMA_MODEL");
                }
                // A second server of one kind is named after its port.
                if !names.insert(server.name.clone()) {
                    let port = place.rsplit(':').next().unwrap_or_default();
                    server.name = format!("{}_{port}", server.name);
                }
                look.found.push(server);
            }
        }
    }
    look
}

/// `host:port` of an address without TLS.
fn place_of(address: &str) -> Option<String> {
    let uri: http::Uri = address.parse().ok()?;
    (uri.scheme_str() == Some("http")).then(|| uri.authority().map(ToString::to_string)).flatten()
}

enum Answer {
    Nobody,
    Stranger,
    Server(Detected),
}

async fn look_at(place: &str, patience: Duration) -> Answer {
    // Nearly all places are empty; the others are asked all questions at once.
    if !probe::is_open(place, patience).await {
        return Answer::Nobody;
    }
    let get = |path| probe::get_json(place, path, patience);
    let (version, tags, lm_studio, props, models, health) = futures::join!(
        get("/api/version"),
        get("/api/tags"),
        get("/api/v0/models"),
        get("/props"),
        get("/v1/models"),
        get("/health")
    );
    let server = |name: &str, kind, path: &str, models| {
        Answer::Server(Detected {
            name: name.to_owned(),
            kind,
            base_url: format!("http://{place}{path}"),
            model: None,
            models,
        })
    };
    if let (Some(version), Some(tags)) = (&version, &tags)
        && version.get("version").is_some_and(Value::is_string)
        && tags.get("models").is_some_and(Value::is_array)
    {
        return server("ollama", BackendKind::Ollama, "", names(tags, "models", "name"));
    }
    if let Some(health) = &health
        && health.get("service").and_then(Value::as_str) == Some("aerie.vision.v1")
    {
        let model = health.get("model").and_then(Value::as_str).map(str::to_owned);
        return server("aerie_vision", BackendKind::Vision, "", model.into_iter().collect());
    }
    let Some(models) = models.filter(|models| models.get("data").is_some_and(Value::is_array)) else {
        return Answer::Stranger;
    };
    let listed = names(&models, "data", "id");
    let owner = models.pointer("/data/0/owned_by").and_then(Value::as_str).unwrap_or_default();
    if lm_studio.as_ref().is_some_and(|answer| answer.pointer("/data/0/publisher").is_some())
        || owner == "organization_owner"
    {
        return server("lm_studio", BackendKind::OpenAiCompatible, "/v1", listed);
    }
    if owner == "llamacpp" || props.as_ref().is_some_and(|props| props.get("default_generation_settings").is_some()) {
        return server("llama_cpp", BackendKind::LlamaCpp, "/v1", listed);
    }
    if owner == "vllm" {
        return server("vllm", BackendKind::Vllm, "/v1", listed);
    }
    // It speaks the form, whoever it is.
    server(usual_name(place), BackendKind::OpenAiCompatible, "/v1", listed)
}

/// Name for a server that speaks OpenAI's form and does not say what it is.
fn usual_name(place: &str) -> &'static str {
    match place.rsplit(':').next() {
        Some("8000") => "openai_compatible_8000",
        Some("8080") => "openai_compatible_8080",
        Some("1234") => "openai_compatible_1234",
        _ => "openai_compatible",
    }
}

fn names(answer: &Value, list: &str, field: &str) -> Vec<String> {
    let entries = answer.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(|entry| entry.get(field)?.as_str()).map(str::to_owned).take(1_000).collect()
}
