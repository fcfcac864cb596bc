//! Taking over what a person has in Peregrine: its YAML files and its `staging.db`.
//!
//! Every file says what was taken from it and what could not be; a file that cannot be read stops none of the others.
//! The same folder may be imported again: jobs that are known stay as they are.

mod history;
mod resume;
mod settings;

use std::collections::BTreeMap;

use aerie_store::{Database, PersonId, StoreError};
use serde_yaml_ng::Value;

use crate::{core::Core, discovery::importing::ImportError, materials::MaterialError};

/// One file of the folder.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Its name without folders.
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// What was taken from a file, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileReport {
    pub(crate) name: String,
    pub(crate) taken: Vec<String>,
    pub(crate) left: Vec<String>,
}

impl FileReport {
    fn of(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn took(&mut self, words: impl Into<String>) {
        self.taken.push(words.into());
    }

    fn left(&mut self, words: impl Into<String>) {
        self.left.push(words.into());
    }

    /// The same for a number of things, unless there are none.
    fn took_many(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.took(format!("{count} {what}"));
        }
    }
}

/// Why an import could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeregrineError {
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Material(#[from] MaterialError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] aerie_tasks::QueueError),
    #[error(transparent)]
    Task(#[from] aerie_tasks::TaskError),
    #[error(transparent)]
    Event(#[from] aerie_events::EventError),
    #[error("{0}")]
    File(std::io::Error),
}

/// Who takes over.
pub(crate) struct Importer<'a> {
    pub(crate) core: &'a Core,
    pub(crate) database: &'a Database,
    pub(crate) person: PersonId,
}

impl Importer<'_> {
    /// Takes over everything that is known in these files.
    pub(crate) async fn import(&self, files: &[File]) -> Result<Vec<FileReport>, PeregrineError> {
        let mut reports = Vec::new();
        let mut yaml: BTreeMap<&str, Value> = BTreeMap::new();
        let mut staging = None;
        for file in files {
            match file.name.as_str() {
                "staging.db" => staging = Some(file),
                "user.yaml"
                | "search_profiles.yaml"
                | "resume_keywords.yaml"
                | "blocklist.yaml"
                | "plain_text_resume.yaml" => match parse(&file.content) {
                    Ok(value) => _ = yaml.insert(&file.name, value),
                    Err(reason) => {
                        let mut report = FileReport::of(&file.name);
                        report.left(format!("it cannot be read: {reason}"));
                        reports.push(report);
                    }
                },
                "llm.yaml" => {
                    let mut report = FileReport::of(&file.name);
                    report.left(
                        "model backends are settings of the program, not of a person: put the file beside aerie.yaml, or \
                         name it as llm.file there; it is read as it is",
                    );
                    reports.push(report);
                }
                name => {
                    let mut report = FileReport::of(name);
                    report.left(why_not(name));
                    reports.push(report);
                }
            }
        }
        reports.extend(self.take_settings(&yaml).await?);
        if let Some(file) = staging {
            reports.push(self.take_history(file).await?);
        }
        reports.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(reports)
    }
}

/// What to do with files that hold credentials or settings of things that work differently here.
fn why_not(name: &str) -> &'static str {
    match name {
        "email.yaml" => "it holds a password: add the mailbox with `aerie mail add`",
        "notion.yaml" => "it holds a token: add the integration with `aerie integrations add notion`",
        "adzuna.yaml" => "keys of job boards are settings: discovery.keys in aerie.yaml",
        "craigslist.yaml" => "places of Craigslist are found by the search profile's places",
        _ => "nothing here is taken from it",
    }
}

/// A YAML document. Aliases are not expanded without bound by the parser; the size is bounded by the message.
fn parse(content: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
    serde_yaml_ng::from_str(text).map_err(|error| error.to_string())
}

/// A text under a key; numbers count as their text.
fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The first of several keys that has a text.
fn first_text(value: &Value, keys: &[&str]) -> String {
    keys.iter().map(|key| text(value, key)).find(|text| !text.is_empty()).unwrap_or_default()
}

/// Texts under a key: a list, or one text alone.
fn texts(value: &Value, key: &str) -> Vec<String> {
    match value.get(key) {
        Some(Value::Sequence(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect(),
        Some(Value::String(text)) if !text.trim().is_empty() => vec![text.trim().to_owned()],
        _ => vec![],
    }
}

/// The first of several keys that has texts.
fn first_texts(value: &Value, keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| texts(value, key)).find(|texts| !texts.is_empty()).unwrap_or_default()
}

/// Entries under a key.
fn entries<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_sequence).map_or(&[], Vec::as_slice)
}
