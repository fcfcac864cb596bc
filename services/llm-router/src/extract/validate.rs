//! Holding documents against schemas. Compiled schemas are kept, because callers use few of them often.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::chat::Schema;

/// Longest schema, in bytes of JSON.
const LONGEST_SCHEMA: usize = 256 * 1024;
/// Compiled schemas that are kept.
const KEPT: usize = 64;
/// Mistakes that a message lists.
const LISTED: usize = 8;
/// Longest text of one mistake, in characters: it may quote the document.
const LONGEST_MISTAKE: usize = 200;

/// Compiled schemas by their text.
#[derive(Debug, Default)]
pub(crate) struct Validators {
    kept: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Validators {
    /// Compiles a schema, or finds it compiled.
    ///
    /// # Errors
    /// In words: a schema that is too long, no schema, or one that refers to another address. Nothing is ever fetched.
    pub(crate) fn of(&self, schema: &Schema) -> Result<Arc<Validator>, String> {
        let text = schema.json();
        if let Some(validator) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Ok(validator.clone());
        }
        let validator = Arc::new(compile(text)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.to_owned(), validator.clone());
        Ok(validator)
    }
}

fn compile(text: &str) -> Result<Validator, String> {
    if text.len() > LONGEST_SCHEMA {
        return Err(format!("the schema has {} bytes; at most {LONGEST_SCHEMA} are taken", text.len()));
    }
    let schema: Value = serde_json::from_str(text).map_err(|error| format!("the schema is not JSON: {error}"))?;
    // Patterns come from callers: only an engine without backtracking reads them.
    let options = jsonschema::options().offline().with_pattern_options(PatternOptions::regex());
    options.build(&schema).map_err(|error| format!("the schema cannot be used: {}", short(&error.to_string())))
}

/// Holds a document against a schema.
///
/// # Errors
/// The first mistakes in words, each with its place, for people and for the model that is asked again.
pub(crate) fn validate(validator: &Validator, document: &Value) -> Result<(), String> {
    let mut mistakes: Vec<String> = validator
        .iter_errors(document)
        .take(LISTED + 1)
        .map(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the document".to_owned() } else { place };
            format!("{place}: {}", short(&error.to_string()))
        })
        .collect();
    if mistakes.is_empty() {
        return Ok(());
    }
    if mistakes.len() > LISTED {
        mistakes.truncate(LISTED);
        mistakes.push("and more".to_owned());
    }
    Err(mistakes.join("; "))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_MISTAKE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn compiled(schema: &str) -> Result<Arc<Validator>, String> {
        Validators::default().of(&Schema::parse(schema).unwrap())
    }

    #[test]
    fn mistakes_are_named_with_their_places_and_bounded() {
        let validator = compiled(r#"{"type":"array","items":{"type":"object","required":["title"]}}"#).unwrap();
        assert_eq!(validate(&validator, &json!([{"title": "a"}])), Ok(()));
        let mistakes = validate(&validator, &json!([{"title": "a"}, {}])).unwrap_err();
        assert!(mistakes.starts_with("/1: ") && mistakes.contains("title"), "{mistakes}");
        let many = validate(&validator, &json!(vec![json!({}); 1_000])).unwrap_err();
        assert!(many.ends_with("and more") && many.len() < 3_000, "{many}");
    }

    #[test]
    fn a_schema_that_points_elsewhere_is_refused_and_nothing_is_fetched() {
        for reference in ["http://127.0.0.1:1/schema.json", "file:///etc/hostname", "other.json"] {
            let message = compiled(&format!(r#"{{"$ref":"{reference}"}}"#)).unwrap_err();
            assert!(message.contains("cannot be used"), "{reference}: {message}");
        }
        let within = r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}"##;
        assert!(validate(&compiled(within).unwrap(), &json!(1)).is_err());
    }

    #[test]
    fn rubbish_is_refused_in_words() {
        for schema in ["[1]", r#"{"type":"colour"}"#, r#"{"pattern":"("}"#] {
            assert!(compiled(schema).unwrap_err().contains("schema cannot be used"), "{schema}");
        }
    }

    #[test]
    fn a_pattern_cannot_take_for_ever() {
        let validator = compiled(r#"{"pattern":"^(a+)+$"}"#).unwrap();
        let began = std::time::Instant::now();
        assert!(validate(&validator, &json!("a".repeat(10_000) + "!")).is_err());
        assert!(began.elapsed() < std::time::Duration::from_secs(2));
    }

    #[test]
    fn compiled_schemas_are_kept_within_bounds() {
        let validators = Validators::default();
        let schema = |number: usize| Schema::parse(&format!(r#"{{"minimum":{number}}}"#)).unwrap();
        let first = validators.of(&schema(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &validators.of(&schema(0)).unwrap()));
        for number in 0..500 {
            validators.of(&schema(number)).unwrap();
        }
        assert!(validators.kept.lock().unwrap().len() <= KEPT);
    }
}
