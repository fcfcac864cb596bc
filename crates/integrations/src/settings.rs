//! Settings as people give them, and what is wrong with them.

use std::{collections::BTreeMap, fmt};

use serde_json::{Map, Value};
use url::Url;

use crate::{Field, FieldType, KindInfo};

/// Longest line and longest document, in bytes.
const MOST_LINE_BYTES: usize = 2_000;
const MOST_DOCUMENT_BYTES: usize = 32 * 1024;

/// Settings by name, as texts: numbers in digits. Secrets are among them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(pub BTreeMap<String, String>);

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Settings {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// A setting that is missing, unknown or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the setting.
    pub field: String,
    /// What is wrong with it, and what to write.
    pub reason: String,
}

/// Settings were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// Every problem.
    pub problems: Vec<Problem>,
}

impl SettingsError {
    pub(crate) fn of(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { problems: vec![Problem { field: field.into(), reason: reason.into() }] }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(formatter, "{separator}{} {}", problem.field, problem.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes that a setting is wrong unless `holds`.
    pub fn require(&mut self, holds: bool, field: &str, reason: &str) {
        if !holds {
            self.add(field, reason);
        }
    }

    pub(crate) fn add(&mut self, field: &str, reason: impl Into<String>) {
        self.0.push(Problem { field: field.to_owned(), reason: reason.into() });
    }

    pub(crate) fn finish(self) -> Result<(), SettingsError> {
        if self.0.is_empty() { Ok(()) } else { Err(SettingsError { problems: self.0 }) }
    }
}

/// The settings as values of their types, defaults filled in.
pub(crate) fn typed(info: &KindInfo, settings: &Settings) -> Result<Map<String, Value>, SettingsError> {
    let mut problems = Problems::default();
    let mut values = Map::new();
    for name in settings.0.keys() {
        if !info.fields.iter().any(|field| field.name == name) {
            let known: Vec<&str> = info.fields.iter().map(|field| field.name).collect();
            let shown: String = name.chars().take(60).collect();
            problems.add(&shown, format!("is no setting of {}; it has {}", info.name, known.join(", ")));
        }
    }
    for field in info.fields {
        let given = settings.0.get(field.name).map(|text| text.trim()).filter(|text| !text.is_empty());
        match given.or(field.default) {
            Some(text) => match value(field, text) {
                Ok(value) => {
                    values.insert(field.name.to_owned(), value);
                }
                Err(reason) => problems.add(field.name, reason),
            },
            None if field.required => problems.add(field.name, format!("is missing: {}", field.about)),
            None => {}
        }
    }
    problems.finish().map(|()| values)
}

/// One setting's value. The words of an error never quote a secret.
fn value(field: &Field, text: &str) -> Result<Value, String> {
    let shown =
        || if field.secret { String::new() } else { format!("{:?} ", text.chars().take(80).collect::<String>()) };
    let most = if field.kind == FieldType::Document { MOST_DOCUMENT_BYTES } else { MOST_LINE_BYTES };
    if text.len() > most {
        return Err(format!("has more than {most} bytes; give {}", field.about));
    }
    if field.kind != FieldType::Document && text.chars().any(char::is_control) {
        return Err("has a line break or another control character; write it on one line".to_owned());
    }
    match field.kind {
        FieldType::Text | FieldType::Document => Ok(Value::from(text)),
        FieldType::Port => match text.parse::<u16>() {
            Ok(port) if port > 0 => Ok(Value::from(port)),
            _ => Err(format!("is {}no port; write a number from 1 to 65535", shown())),
        },
        FieldType::Choice(choices) if choices.contains(&text) => Ok(Value::from(text)),
        FieldType::Choice(choices) => Err(format!("is {}not known; write one of {}", shown(), choices.join(", "))),
        FieldType::Address => match Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
                Err(format!("is {}no web address; begin it with https://", shown()))
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Err("carries a user name or password; write these into their own settings".to_owned())
            }
            Ok(url) => Ok(Value::from(url.as_str())),
            Err(_) => Err(format!("is {}no web address; begin it with https://", shown())),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{Settings, by_name};

    fn problems(kind: &str, settings: Settings) -> Vec<(String, String)> {
        let error = by_name(kind).unwrap().ready(&settings).unwrap_err();
        error.problems.into_iter().map(|problem| (problem.field, problem.reason)).collect()
    }

    #[test]
    fn what_is_missing_unknown_or_wrong_is_named_with_its_remedy() {
        let found = problems("webhook", [("adress", "https://x.example/")].into());
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0].0, "adress");
        assert!(found[0].1.contains("address, secret"), "{found:?}");
        assert_eq!((found[1].0.as_str(), found[2].0.as_str()), ("address", "secret"));
        for (address, words) in [
            ("x.example", "begin it with https://"),
            ("ftp://x.example", "begin it with https://"),
            ("https://a:b@x.example/", "their own settings"),
            ("https://x.example/\n", ""),
            ("https://x.example/a\nb", "one line"),
        ] {
            let given = [("address", address), ("secret", "0123456789abcdef")].into();
            if words.is_empty() {
                assert!(by_name("webhook").unwrap().ready(&given).is_ok(), "what surrounds a text is left out");
                continue;
            }
            let found = problems("webhook", given);
            assert!(found[0].0 == "address" && found[0].1.contains(words), "{found:?}");
        }
    }

    #[test]
    fn a_wrong_secret_is_not_quoted() {
        for secret in ["short-marker", "marker\nmarker-in-two-lines"] {
            let found = problems("webhook", [("address", "https://x.example/"), ("secret", secret)].into());
            assert_eq!(found[0].0, "secret");
            assert!(!found[0].1.contains("marker"), "{found:?}");
        }
        let given: Settings = [("secret", "marker")].into();
        assert!(!format!("{given:?}").contains("marker"));
    }
}
