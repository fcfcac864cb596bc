//! Reading JSON out of pages, where it is often broken in a few well-known ways.

use aerie_postings::html::decode_entities;
use serde_json::Value;

/// Longest script that is read, in bytes.
const MAX_SCRIPT_BYTES: usize = 4 * 1024 * 1024;
/// Most values read from one script.
const MAX_VALUES: usize = 1_000;

/// The JSON values of a script, repaired as far as needed: comments and CDATA marks around it, line breaks inside
/// strings, trailing commas, `undefined`, bad escapes, unescaped quotes, and entities in place of quotes. Empty when
/// nothing helps.
pub(crate) fn read_values(script: &str) -> Vec<Value> {
    if script.len() > MAX_SCRIPT_BYTES {
        return Vec::new();
    }
    let text = unwrapped(script);
    if text.is_empty() {
        return Vec::new();
    }
    let decoded = || decode_entities(text);
    values(text)
        .or_else(|| values(&rewritten(text, Quotes::AsGiven)))
        .or_else(|| text.contains("&quot;").then(|| values(&rewritten(&decoded(), Quotes::AsGiven))).flatten())
        .or_else(|| values(&rewritten(text, Quotes::Guessed)))
        .or_else(|| text.contains("&quot;").then(|| values(&rewritten(&decoded(), Quotes::Guessed))).flatten())
        .unwrap_or_default()
}

/// The JSON value at the beginning of `text`, whatever follows it: `{"a":1};window.b=…`.
pub(crate) fn read_prefix(text: &str) -> Option<Value> {
    let text = crate::html_select::truncate(text.trim_start(), MAX_SCRIPT_BYTES);
    let first = |text: &str| match serde_json::Deserializer::from_str(text).into_iter::<Value>().next() {
        Some(Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_)))) => Some(value),
        _ => None,
    };
    first(text).or_else(|| first(&rewritten(text, Quotes::AsGiven)))
}

/// All values in a row; `None` when one is broken or none is an object or list.
fn values(text: &str) -> Option<Vec<Value>> {
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>().take(MAX_VALUES) {
        match value {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => found.push(value),
            // A semicolon or a second script's rest after a whole value does no harm.
            _ if !found.is_empty() => break,
            _ => return None,
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Removes comment and CDATA marks around the JSON.
fn unwrapped(script: &str) -> &str {
    let mut text = script.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    loop {
        let before = text.len();
        for mark in ["<!--", "//<![CDATA[", "/*<![CDATA[*/", "// <![CDATA[", "<![CDATA["] {
            text = text.strip_prefix(mark).unwrap_or(text).trim_start();
        }
        for mark in ["-->", "//]]>", "/*]]>*/", "// ]]>", "]]>", "//", ";"] {
            text = text.strip_suffix(mark).unwrap_or(text).trim_end();
        }
        if text.len() == before {
            return text;
        }
    }
}

/// How the end of a string is found.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    /// At the next quote that is not escaped.
    AsGiven,
    /// At the next quote that is followed by something that may follow a string.
    Guessed,
}

/// The same JSON with the usual faults repaired; correct JSON stays as it is.
fn rewritten(text: &str, quotes: Quotes) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or("");
        match character {
            '"' => {
                out.push('"');
                rest = copy_string(after, &mut out, quotes);
                continue;
            }
            '/' if after.starts_with('*') => {
                rest = after.find("*/").and_then(|end| after.get(end + 2..)).unwrap_or("");
                continue;
            }
            '/' if after.starts_with('/') => {
                rest = after.find('\n').and_then(|end| after.get(end..)).unwrap_or("");
                continue;
            }
            '}' | ']' => {
                while out.ends_with([',', ' ', '\n', '\r', '\t']) {
                    out.pop();
                }
                out.push(character);
            }
            'u' | 'N' => {
                if let Some(tail) = rest.strip_prefix("undefined").or_else(|| rest.strip_prefix("NaN")) {
                    out.push_str("null");
                    rest = tail;
                    continue;
                }
                out.push(character);
            }
            _ => out.push(character),
        }
        rest = after;
    }
    out
}

/// Copies a string up to and with its closing quote; gives what follows.
fn copy_string<'a>(text: &'a str, out: &mut String, quotes: Quotes) -> &'a str {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or("");
        match character {
            '"' if quotes == Quotes::AsGiven || ends_string(after) => {
                out.push('"');
                return after;
            }
            '"' => out.push_str("\\\""),
            '\\' => {
                let escaped = after.chars().next();
                let hex = after.get(1..5).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
                match escaped {
                    Some(c @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
                        out.push('\\');
                        out.push(c);
                    }
                    Some('u') if hex => out.push_str("\\u"),
                    // `\'`, `\x`, a backslash before a line break: the character alone is meant.
                    Some(c) if c.is_control() => out.push_str("\\n"),
                    Some(c) => out.push(c),
                    None => out.push_str("\\\\"),
                }
                rest = escaped.and_then(|c| after.get(c.len_utf8()..)).unwrap_or("");
                continue;
            }
            '\n' => out.push_str("\\n"),
            '\r' => {}
            '\t' => out.push_str("\\t"),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
        rest = after;
    }
    // The script was cut inside a string.
    out.push('"');
    ""
}

/// Whether what follows a quote may follow a whole string.
fn ends_string(after: &str) -> bool {
    let next = after.trim_start();
    if let Some(rest) = next.strip_prefix(',') {
        let rest = rest.trim_start();
        return rest.is_empty() || rest.starts_with(['"', '{', '[', ']', '}']) || starts_plain_value(rest);
    }
    next.is_empty() || next.starts_with([':', '}', ']'])
}

fn starts_plain_value(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        || ["true", "false", "null"].iter().any(|word| rest.starts_with(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn repaired(script: &str, expected: Value) {
        assert_eq!(read_values(script), vec![expected], "{script}");
    }

    #[test]
    fn the_usual_faults_are_repaired() {
        repaired("<!-- {\"a\": 1} -->", json!({"a": 1}));
        repaired("//<![CDATA[\n{\"a\": 1}\n//]]>", json!({"a": 1}));
        repaired("/*<![CDATA[*/ {\"a\": 1}; /*]]>*/", json!({"a": 1}));
        repaired("{\"a\": [1, 2,], \"b\": {\"c\": \"d\",},}", json!({"a": [1, 2], "b": {"c": "d"}}));
        repaired("{\"a\": \"one\ntwo\tthree\"}", json!({"a": "one\ntwo\tthree"}));
        repaired("{\"a\": \"it\\'s\"}", json!({"a": "it's"}));
        repaired("{\"a\": undefined, /* why */ \"b\": 2} // end", json!({"a": null, "b": 2}));
        repaired("{&quot;a&quot;: &quot;R&amp;D&quot;}", json!({"a": "R&D"}));
        repaired("{\"a\": \"say \"hi\" now\", \"b\": 1}", json!({"a": "say \"hi\" now", "b": 1}));
        repaired("{\"a\": \"http://x.example/y\"}", json!({"a": "http://x.example/y"}));
        assert_eq!(read_values("{\"a\":1}{\"b\":2}").len(), 2);
        assert!(read_values("var x = 1;").is_empty());
    }

    #[test]
    fn entities_inside_correct_json_are_left_for_later() {
        repaired("{\"a\": \"R&amp;D\"}", json!({"a": "R&amp;D"}));
    }

    #[test]
    fn a_value_is_read_whatever_follows() {
        assert_eq!(read_prefix("{\"a\":undefined};var b"), Some(json!({"a": null})));
        assert_eq!(read_prefix("function(){}"), None);
        assert_eq!(read_prefix(&"[".repeat(200_000)), None);
    }
}
