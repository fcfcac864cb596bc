//! Reading JSON of others: every field optional, a wrong type is an absent field, nothing panics.

use serde_json::Value;

use crate::source::ParseError;

/// Longest string taken from a field, in bytes; longer ones are cut at a character boundary.
pub const LONGEST_STRING: usize = 1 << 20;

/// Most rows read from one list.
pub const MOST_ROWS: usize = 50_000;

/// Reads JSON and says what came instead when it is none.
///
/// # Errors
/// [`ParseError::NotThisFormat`]. Nesting deeper than 128 levels is refused by the JSON reader.
pub fn parse_json(text: &str) -> Result<Value, ParseError> {
    let trimmed = text.trim_start();
    if trimmed.is_empty() {
        return Err(ParseError::not_this("the answer is empty"));
    }
    if trimmed.starts_with('<') {
        return Err(ParseError::not_this("the answer is HTML or XML, JSON was expected"));
    }
    serde_json::from_str(trimmed).map_err(|error| ParseError::not_this(format!("broken JSON: {error}")))
}

/// Forgiving access to the fields of a JSON value. A `path` is field names joined by dots (`location.name`); a number
/// in it indexes a list (`locations.0.city`).
pub trait Lenient {
    /// The value at a path, when present and not null.
    fn at(&self, path: &str) -> Option<&Value>;
    /// A string that is not blank, trimmed; numbers are written out.
    fn text(&self, path: &str) -> Option<String>;
    /// The first of several paths that holds a text.
    fn first_text(&self, paths: &[&str]) -> Option<String>;
    /// A finite number, also when written as a string ("1200.50", "1,200").
    fn number(&self, path: &str) -> Option<f64>;
    /// An integer, also when written as a string or as a float without a fraction.
    fn integer(&self, path: &str) -> Option<i64>;
    /// A truth value, also as 0/1 or "true"/"false"/"yes"/"no".
    fn truth(&self, path: &str) -> Option<bool>;
    /// The elements of a list; empty when it is no list. At most [`MOST_ROWS`].
    fn list(&self, path: &str) -> &[Value];
    /// The texts of a list of strings, or a single string as a list of one.
    fn texts(&self, path: &str) -> Vec<String>;
    /// The texts under `key` of every object of a list (`[{"name": "x"}]`); plain strings in it count too.
    fn texts_of(&self, path: &str, key: &str) -> Vec<String>;
}

impl Lenient for Value {
    fn at(&self, path: &str) -> Option<&Value> {
        let mut value = self;
        if !path.is_empty() {
            for step in path.split('.') {
                value = match value {
                    Value::Object(fields) => fields.get(step)?,
                    Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                    _ => return None,
                };
            }
        }
        (!value.is_null()).then_some(value)
    }

    fn text(&self, path: &str) -> Option<String> {
        match self.at(path)? {
            Value::String(text) => bounded(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn first_text(&self, paths: &[&str]) -> Option<String> {
        paths.iter().find_map(|path| self.text(path))
    }

    fn number(&self, path: &str) -> Option<f64> {
        let number = match self.at(path)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) if text.len() <= 40 => text.trim().replace(',', "").parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    fn integer(&self, path: &str) -> Option<i64> {
        match self.at(path)? {
            Value::Number(number) => number.as_i64().or_else(|| {
                let float = number.as_f64()?;
                (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
            }),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn truth(&self, path: &str) -> Option<bool> {
        match self.at(path)? {
            Value::Bool(truth) => Some(*truth),
            Value::Number(number) => match number.as_i64()? {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            },
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(true),
                "false" | "no" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn list(&self, path: &str) -> &[Value] {
        match self.at(path) {
            Some(Value::Array(items)) => items.get(..MOST_ROWS).unwrap_or(items),
            _ => &[],
        }
    }

    fn texts(&self, path: &str) -> Vec<String> {
        match self.at(path) {
            Some(Value::Array(items)) => items.iter().take(1_000).filter_map(|item| item.text("")).collect(),
            Some(Value::String(text)) => bounded(text).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn texts_of(&self, path: &str, key: &str) -> Vec<String> {
        self.list(path).iter().take(1_000).filter_map(|item| item.text(key).or_else(|| item.text(""))).collect()
    }
}

fn bounded(text: &str) -> Option<String> {
    let text = text.trim();
    let cut = if text.len() <= LONGEST_STRING { text } else { &text[..text.floor_char_boundary(LONGEST_STRING)] };
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_fields_through_paths_and_ignores_wrong_types() {
        let row = json!({"a": {"b": [{"c": " x "}]}, "n": "1,200.5", "i": 3.0, "t": "yes", "bad": {}, "blank": "  "});
        assert_eq!(row.text("a.b.0.c").as_deref(), Some("x"));
        assert_eq!(row.number("n"), Some(1200.5));
        assert_eq!(row.integer("i"), Some(3));
        assert_eq!(row.truth("t"), Some(true));
        assert_eq!(row.text("bad"), None);
        assert_eq!(row.text("blank"), None);
        assert_eq!(row.text("i.deeper"), None);
        assert!(row.list("t").is_empty());
        assert_eq!(row.texts_of("a.b", "c"), vec!["x".to_owned()]);
    }

    #[test]
    fn says_what_came_instead_of_json() {
        assert!(parse_json("<html>").unwrap_err().to_string().contains("HTML"));
        assert!(parse_json("  ").unwrap_err().to_string().contains("empty"));
        assert!(parse_json(&"[".repeat(100_000)).is_err());
    }
}
