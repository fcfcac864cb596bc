//! The `llm.yaml` of the earlier form, as one layer of settings below the settings file.
//!
//! ```yaml
//! backends:
//!   ollama: {type: openai_compat, base_url: "http://localhost:11434/v1", model: "llama3.2:3b", api_key: ollama}
//!   anthropic: {type: anthropic, model: claude-haiku-4-5, api_key_env: ANTHROPIC_API_KEY, enabled: false}
//! fallback_order: [ollama, anthropic]
//! research_fallback_order: [anthropic]
//! vision_fallback_order: [anthropic]
//! ```
//!
//! It is read as it stands. What it said by accident is said outright: a name without a backend and a type that does
//! not exist are mistakes, and the two wrappers that pass questions on to a cloud do not count as local because they
//! listen on this machine.

use figment::value::{Dict, Value};

/// Chains that the file's orders become.
const ORDERS: [(&str, &str); 3] =
    [("fallback_order", "default"), ("research_fallback_order", "research"), ("vision_fallback_order", "vision")];
/// Programs that listen on this machine and ask a cloud.
const WRAPPERS: [&str; 2] = ["claude_code", "github_copilot"];
/// Entries whose name stays.
const KEPT: [&str; 4] = ["enabled", "base_url", "model", "embedding_model"];

/// A mistake in the file: the dotted key, what is wrong, and what to write instead.
pub(crate) struct Mistake {
    pub(crate) key: String,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// The file as settings.
#[derive(Default)]
pub(crate) struct Earlier {
    /// Under `llm.backends`.
    pub(crate) backends: Dict,
    /// Under `llm.chains`.
    pub(crate) chains: Dict,
    /// What was left out, for people.
    pub(crate) notes: Vec<String>,
    pub(crate) mistakes: Vec<Mistake>,
}

/// Turns the file's entries into settings.
pub(crate) fn read(file: &Dict) -> Earlier {
    let mut earlier = Earlier::default();
    for (name, entry) in backend_entries(file, &mut earlier) {
        if let Some(settings) = backend(&name, &entry, &mut earlier) {
            earlier.backends.insert(name, Value::from(settings));
        }
    }
    for (order, chain) in ORDERS {
        match file.get(order) {
            None | Some(Value::Empty(..)) => {}
            // An empty order asked nobody; the chain is then that of `default`.
            Some(Value::Array(_, names)) if names.is_empty() => {}
            Some(Value::Array(_, names)) => {
                earlier.chains.insert(chain.into(), Value::from(distinct(names)));
            }
            Some(_) => earlier.mistake(order, "is not a list", "write the backends' names as a list"),
        }
    }
    for name in file.keys() {
        if name != "backends" && !ORDERS.iter().any(|(order, _)| order == name) {
            earlier.notes.push(format!("{name} is not used"));
        }
    }
    earlier
}

/// By name, or as a list of entries with names, which a settings page of the time wrote.
fn backend_entries(file: &Dict, earlier: &mut Earlier) -> Vec<(String, Dict)> {
    let mut entries = Vec::new();
    match file.get("backends") {
        None | Some(Value::Empty(..)) => {}
        Some(Value::Dict(_, by_name)) => {
            for (name, value) in by_name {
                match value {
                    Value::Dict(_, entry) => entries.push((name.clone(), entry.clone())),
                    _ => {
                        earlier.mistake(&format!("backends.{name}"), "is not a mapping", "write type, base_url, model")
                    }
                }
            }
        }
        Some(Value::Array(_, list)) => {
            for (index, value) in list.iter().enumerate() {
                let entry = value.as_dict();
                match entry.and_then(|entry| Some((entry.get("name")?.as_str()?.to_owned(), entry.clone()))) {
                    Some((name, mut entry)) => {
                        entry.remove("name");
                        entries.push((name, entry));
                    }
                    None => earlier.mistake(&format!("backends[{index}]"), "has no name", "add name: …"),
                }
            }
        }
        Some(_) => earlier.mistake("backends", "is not a mapping", "write one entry a backend"),
    }
    entries
}

fn backend(name: &str, entry: &Dict, earlier: &mut Earlier) -> Option<Dict> {
    let key = |field: &str| format!("backends.{name}.{field}");
    let kind = match entry.get("type").and_then(Value::as_str) {
        Some("openai_compat") => "openai_compatible",
        Some("anthropic") => "anthropic",
        Some("vision_service") => "vision_service",
        other => {
            let what = other.map_or("is missing".to_owned(), |kind| format!("is \"{kind}\", which does not exist"));
            earlier.mistake(&key("type"), &what, "write one of: openai_compat, anthropic, vision_service");
            return None;
        }
    };
    let mut settings = Dict::new();
    settings.insert("kind".into(), Value::from(kind));
    for (field, value) in entry {
        match field.as_str() {
            "type" => {}
            _ if matches!(value, Value::Empty(..)) => {}
            kept if KEPT.contains(&kept) => {
                settings.insert(field.clone(), value.clone());
            }
            "supports_images" => {
                settings.insert("images".into(), value.clone());
            }
            "local" => {
                settings.insert("local".into(), value.clone());
            }
            "api_key" => insert_key(&mut settings, value),
            "api_key_env" => {
                settings.insert("key_env".into(), value.clone());
            }
            other => earlier.notes.push(format!("{} is not used", key(other))),
        }
    }
    // A variable for the key was what counted when there were both.
    if settings.contains_key("key_env") {
        settings.remove("key");
    }
    if kind != "vision_service" {
        settings.entry("images".into()).or_insert_with(|| Value::from(false));
    }
    if WRAPPERS.contains(&name) {
        settings.entry("local".into()).or_insert_with(|| Value::from(false));
    }
    Some(settings)
}

/// A key may be written as `${NAME}`, which is read from the environment.
fn insert_key(settings: &mut Dict, value: &Value) {
    let variable = value.as_str().and_then(|text| text.strip_prefix("${")?.strip_suffix('}'));
    match variable {
        Some(name) => settings.insert("key_env".into(), Value::from(name)),
        None => settings.insert("key".into(), value.clone()),
    };
}

/// Asking a backend twice in one order was allowed and did nothing.
fn distinct(names: &[Value]) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for name in names {
        if !kept.iter().any(|known| known.as_str() == name.as_str()) {
            kept.push(name.clone());
        }
    }
    kept
}

impl Earlier {
    fn mistake(&mut self, key: &str, what: &str, remedy: &str) {
        self.mistakes.push(Mistake { key: key.to_owned(), what: what.to_owned(), remedy: remedy.to_owned() });
    }
}
