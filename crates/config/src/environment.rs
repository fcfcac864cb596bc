//! `AERIE__SECTION__KEY` variables as one layer.

use figment::value::{Dict, Value};

/// Start of every variable that sets a key.
pub(crate) const PREFIX: &str = "AERIE__";
/// Shorthand for `AERIE__DATA_DIR`.
pub(crate) const HOME: &str = "AERIE_HOME";

/// Turns variables into a dictionary in the configuration's shape.
///
/// The default of a key decides how its text is read: text stays as it is (a key of digits stays text), a list may be
/// written with commas, and everything else is read as YAML.
pub(crate) fn dictionary(variables: &[(String, String)], defaults: &Dict) -> Dict {
    let mut dictionary = Dict::new();
    let has_data_dir = variables.iter().any(|(name, _)| name == "AERIE__DATA_DIR");
    for (name, text) in variables {
        if name == HOME && !has_data_dir && !text.is_empty() {
            dictionary.insert("data_dir".into(), Value::from(text.as_str()));
        }
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let lowered = rest.to_ascii_lowercase();
        let path: Vec<&str> = lowered.split("__").collect();
        let value = read(text, default_at(defaults, &path));
        insert(&mut dictionary, &path, value);
    }
    dictionary
}

fn default_at<'a>(defaults: &'a Dict, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = defaults.get(*first)?;
    if rest.is_empty() { Some(value) } else { default_at(value.as_dict()?, rest) }
}

fn read(text: &str, default: Option<&Value>) -> Value {
    match default {
        Some(Value::String(..)) => Value::from(text),
        Some(Value::Array(..)) if !text.trim_start().starts_with('[') => {
            let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
            Value::from(entries.map(Value::from).collect::<Vec<Value>>())
        }
        _ => from_yaml(text).unwrap_or_else(|| Value::from(text)),
    }
}

fn from_yaml(text: &str) -> Option<Value> {
    let parsed: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).ok()?;
    Value::serialize(parsed).ok()
}

fn insert(dictionary: &mut Dict, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        dictionary.insert((*first).into(), value);
        return;
    }
    let entry = dictionary.entry((*first).into()).or_insert_with(|| Value::from(Dict::new()));
    if !matches!(entry, Value::Dict(..)) {
        *entry = Value::from(Dict::new());
    }
    if let Value::Dict(_, inner) = entry {
        insert(inner, rest, value);
    }
}
