//! One backend and what it costs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::LlmTimeouts;
use crate::Secret;

/// A provider of models. Only `kind` must be given.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LlmBackend {
    /// Its form.
    pub kind: BackendKind,
    /// Base address, as the provider documents it (`https://api.openai.com/v1`); none takes the kind's usual one.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Model to ask for; `__auto__` takes the first that the backend lists.
    #[serde(default = "automatic")]
    pub model: String,
    /// Model for vectors; none uses `model`.
    #[serde(default)]
    pub embedding_model: Option<String>,
    /// The key itself.
    #[serde(default)]
    pub key: Secret,
    /// Environment variable that holds the key.
    #[serde(default)]
    pub key_env: Option<String>,
    /// File that holds the key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Whether it is used.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether it is on this machine or network and passes nothing on. None decides by the resolved address.
    #[serde(default)]
    pub local: Option<bool>,
    /// Whether it takes images; none takes the kind's usual answer.
    #[serde(default)]
    pub images: Option<bool>,
    /// Whether it calls functions; none takes the kind's usual answer.
    #[serde(default)]
    pub tools: Option<bool>,
    /// Whether it can be held to a JSON Schema; none takes the kind's usual answer.
    #[serde(default)]
    pub schema: Option<bool>,
    /// Tokens of question and answer together that the model reads; none is unknown and never excludes it.
    #[serde(default)]
    pub context_tokens: Option<u32>,
    /// Length of its vectors; none is unknown.
    #[serde(default)]
    pub embedding_dimensions: Option<u32>,
    /// Calls at once; none is 1 for a local server of the kinds that answer one after another, else 64.
    #[serde(default)]
    pub concurrency: Option<u32>,
    /// Requests a minute.
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute, question and answer together.
    #[serde(default)]
    pub tokens_per_minute: Option<u64>,
    /// US dollars a day (UTC).
    #[serde(default)]
    pub dollars_per_day: Option<f64>,
    /// Time limits of its own.
    #[serde(default)]
    pub timeouts: Option<LlmTimeouts>,
    /// Seconds between active health checks; none checks only by using it.
    #[serde(default)]
    pub health_check_seconds: Option<u64>,
}

fn automatic() -> String {
    "__auto__".to_owned()
}

fn yes() -> bool {
    true
}

/// Forms of backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendKind {
    /// OpenAI's chat completions.
    #[serde(rename = "openai")]
    OpenAi,
    /// Servers that speak OpenAI's form: LM Studio and others.
    #[serde(rename = "openai_compatible", alias = "openai_compat")]
    OpenAiCompatible,
    /// llama.cpp's server, whose grammars have a field of their own.
    LlamaCpp,
    /// vLLM's OpenAI form with its guided decoding.
    Vllm,
    /// Ollama's own `/api/chat`.
    Ollama,
    /// Anthropic's messages.
    Anthropic,
    /// Google's generateContent.
    Gemini,
    /// Hugging Face's text-generation-inference.
    Tgi,
    /// Aerie's vision service, for questions about images.
    Vision,
    /// The earlier vision server's `POST /analyze`.
    VisionService,
}

impl BackendKind {
    /// The name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::OpenAiCompatible => "openai_compatible",
            Self::LlamaCpp => "llama_cpp",
            Self::Vllm => "vllm",
            Self::Ollama => "ollama",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Tgi => "tgi",
            Self::Vision => "vision",
            Self::VisionService => "vision_service",
        }
    }

    /// The address that a backend of this kind has unless another one is given; none where there is no usual one.
    #[must_use]
    pub fn usual_address(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::LlamaCpp => Some("http://127.0.0.1:8080/v1"),
            Self::Vllm => Some("http://127.0.0.1:8000/v1"),
            Self::Ollama => Some("http://127.0.0.1:11434"),
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            Self::VisionService => Some("http://127.0.0.1:8002"),
            Self::OpenAiCompatible | Self::Tgi | Self::Vision => None,
        }
    }

    /// Whether it is a service on the internet that answers nobody without a key.
    #[must_use]
    pub fn needs_key(self) -> bool {
        matches!(self, Self::OpenAi | Self::Anthropic | Self::Gemini)
    }
}

/// What a model costs, in US dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPrice {
    /// Of the question.
    pub input: f64,
    /// Of the answer.
    pub output: f64,
    /// Of the part of the question that the provider had cached; none costs as `input`.
    #[serde(default)]
    pub cached_input: Option<f64>,
}
