//! JSON Schemas as providers understand them: which keywords each enforces, and what is left out for those that refuse
//! what they do not know. The answer is checked against the whole schema all the same.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::chat::Schema;

/// Most lines about one schema.
const MOST_LINES: usize = 32;
/// Deepest nesting that is looked at.
const DEEPEST: usize = 64;

/// Keywords that only describe.
const DESCRIPTIVE: [&str; 10] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// What grammar-bound decoding enforces (llama.cpp, and with it Ollama; xgrammar and outlines do much the same):
/// <https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md>.
pub(super) const GRAMMAR: &[&str] = &[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "$ref",
    "$defs",
    "definitions",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "format",
];

/// What OpenAI's strict mode takes: <https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>.
pub(super) const OPENAI_STRICT: &[&str] = &[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
    "definitions",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "title",
    "description",
];

/// What Anthropic's output format takes: <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>.
pub(super) const ANTHROPIC: &[&str] = &[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "definitions",
    "format",
    "title",
    "description",
    "default",
];

/// What Gemini's `responseJsonSchema` takes: <https://ai.google.dev/api/generate-content#generationconfig>.
pub(super) const GEMINI: &[&str] = &[
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
];

/// Keywords of the schema that are not among `known`, one line each: `pattern at /properties/name`.
pub(super) fn unknown(schema: &Schema, known: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Ok(value) = serde_json::from_str(schema.json()) {
        walk(&value, &mut String::new(), 0, &mut |fields, path| {
            let strange = |name: &&String| !known.contains(&name.as_str()) && !DESCRIPTIVE.contains(&name.as_str());
            lines.extend(fields.keys().filter(strange).map(|name| format!("{name} at {}", shown(path))));
        });
    }
    lines.truncate(MOST_LINES);
    lines
}

/// What keeps OpenAI from holding an answer to the schema strictly, one line each; empty when nothing does.
pub(super) fn strict_obstacles(schema: &Schema) -> Vec<String> {
    let mut lines = unknown(schema, OPENAI_STRICT);
    // Descriptions are fine, a default is not.
    let Ok(value) = serde_json::from_str::<Value>(schema.json()) else { return lines };
    if value.get("type").and_then(Value::as_str) != Some("object") {
        lines.push("the root is not of type object".to_owned());
    }
    walk(&value, &mut String::new(), 0, &mut |fields, path| {
        if fields.contains_key("default") {
            lines.push(format!("default at {}", shown(path)));
        }
        let Some(properties) = fields.get("properties").and_then(Value::as_object) else { return };
        if fields.get("additionalProperties") != Some(&Value::Bool(false)) {
            lines.push(format!("additionalProperties is not false at {}", shown(path)));
        }
        let required = fields.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|list| list.iter().any(|one| one.as_str() == Some(name)));
        let optional = properties.keys().filter(|name| !is_required(name));
        lines.extend(optional.map(|name| format!("{name} is not required at {}", shown(path))));
    });
    lines.truncate(MOST_LINES);
    lines
}

/// The schema without keywords that are not among `known`; with `closed`, objects of named properties refuse others.
/// As it was, in its own order, when nothing has to change or it cannot be read.
pub(super) fn reduced<'a>(schema: &'a Schema, known: &[&str], closed: bool) -> Cow<'a, str> {
    let Ok(value) = serde_json::from_str::<Value>(schema.json()) else { return Cow::Borrowed(schema.json()) };
    let mut less = value.clone();
    reduce(&mut less, known, closed, 0);
    if less == value { Cow::Borrowed(schema.json()) } else { Cow::Owned(less.to_string()) }
}

fn reduce(schema: &mut Value, known: &[&str], closed: bool, depth: usize) {
    let Some(fields) = schema.as_object_mut() else { return };
    if let (false, Some(only)) = (known.contains(&"const"), fields.get("const").cloned()) {
        fields.entry("enum").or_insert_with(|| Value::Array(vec![only]));
    }
    fields.retain(|name, _| known.contains(&name.as_str()));
    if closed && (fields.contains_key("properties") || fields.get("type") == Some(&Value::from("object"))) {
        fields.insert("additionalProperties".into(), Value::Bool(false));
    }
    if depth < DEEPEST {
        inner_mut(fields, &mut |inner| reduce(inner, known, closed, depth + 1));
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the root" } else { path }
}

/// Keywords whose value is a schema, a list of schemas, or a map of schemas.
const OF_SCHEMA: [&str; 10] = [
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const OF_LIST: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const OF_MAP: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// Calls `visit` with every schema within this one, outermost first, and its place.
fn walk(schema: &Value, path: &mut String, depth: usize, visit: &mut dyn FnMut(&Map<String, Value>, &str)) {
    let Some(fields) = schema.as_object() else { return };
    visit(fields, path);
    if depth >= DEEPEST {
        return;
    }
    let length = path.len();
    let mut into = |step: &str, inner: &Value, path: &mut String| {
        path.push_str(step);
        walk(inner, path, depth + 1, visit);
        path.truncate(length);
    };
    for (name, value) in fields {
        let keyword = name.as_str();
        if OF_SCHEMA.contains(&keyword) {
            into(&format!("/{keyword}"), value, path);
        } else if OF_LIST.contains(&keyword) {
            for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
                into(&format!("/{keyword}/{index}"), inner, path);
            }
        } else if OF_MAP.contains(&keyword) {
            for (key, inner) in value.as_object().into_iter().flatten() {
                into(&format!("/{keyword}/{key}"), inner, path);
            }
        }
    }
}

fn inner_mut(fields: &mut Map<String, Value>, visit: &mut dyn FnMut(&mut Value)) {
    for (name, value) in fields.iter_mut() {
        let keyword = name.as_str();
        if OF_SCHEMA.contains(&keyword) {
            visit(value);
        } else if OF_LIST.contains(&keyword) {
            value.as_array_mut().into_iter().flatten().for_each(&mut *visit);
        } else if OF_MAP.contains(&keyword) {
            value.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(&mut *visit);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn schema(value: &Value) -> Schema {
        Schema::parse(&value.to_string()).unwrap()
    }

    #[test]
    fn unknown_keywords_are_named_with_their_place_and_properties_are_no_keywords() {
        let schema = schema(&json!({
            "type": "object", "title": "t", "minProperties": 1,
            "properties": {
                "uniqueItems": {"type": "array", "uniqueItems": true, "items": {"not": {"type": "null"}}},
                "b": {"anyOf": [{"type": "string", "contentEncoding": "x"}, true]}
            }
        }));
        let mut lines = unknown(&schema, GRAMMAR);
        lines.sort();
        assert_eq!(
            lines,
            [
                "contentEncoding at /properties/b/anyOf/0",
                "minProperties at the root",
                "not at /properties/uniqueItems/items",
                "uniqueItems at /properties/uniqueItems",
            ]
        );
    }

    #[test]
    fn strictness_needs_closed_objects_whose_properties_are_all_required() {
        let fine = json!({
            "type": "object", "properties": {"a": {"type": "string", "description": "d"}},
            "required": ["a"], "additionalProperties": false
        });
        assert_eq!(strict_obstacles(&schema(&fine)), Vec::<String>::new());
        let mut open = fine.clone();
        open["properties"]["b"] = json!({"type": "object", "properties": {}, "minLength": 1, "default": {}});
        let mut lines = strict_obstacles(&schema(&open));
        lines.sort();
        assert_eq!(
            lines,
            [
                "additionalProperties is not false at /properties/b",
                "b is not required at the root",
                "default at /properties/b",
                "minLength at /properties/b",
            ]
        );
        assert_eq!(strict_obstacles(&schema(&json!({"type": "array"}))), ["the root is not of type object"]);
    }

    #[test]
    fn reducing_takes_out_only_what_is_not_known_at_every_depth() {
        let schema = schema(&json!({
            "type": "object", "minProperties": 1,
            "properties": {
                "pattern": {"type": "string", "pattern": "^a"},
                "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"const": 3}}}}
            }
        }));
        let value: Value = serde_json::from_str(&reduced(&schema, GEMINI, true)).unwrap();
        let expected = json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "pattern": {"type": "string"},
                "list": {"type": "array", "items": {
                    "type": "object", "additionalProperties": false, "properties": {"x": {"enum": [3]}}
                }}
            }
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn a_deep_schema_ends() {
        let text = format!("{}{{}}{}", r#"{"not":"#.repeat(100), "}".repeat(100));
        let deep = Schema::parse(&text).unwrap();
        assert_eq!(unknown(&deep, GRAMMAR).len(), MOST_LINES);
        assert!(!reduced(&deep, GRAMMAR, false).contains("not"));
    }
}
