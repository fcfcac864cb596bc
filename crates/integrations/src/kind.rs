//! Kinds of integrations: what they take, what they need to know, how they are made of settings.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Delivered, Delivery, PushError, Settings, SettingsError, Wire, redact::Redactor, settings::Problems,
    settings::typed,
};

/// Longest time of one whole push or test, over all its requests.
const PATIENCE: Duration = Duration::from_secs(90);

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Moves of jobs.
    Jobs,
    /// Interviews and other dates.
    Appointments,
    /// The daily summary.
    Digests,
    /// Letters, résumés and other files.
    Documents,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Jobs, Self::Appointments, Self::Digests, Self::Documents];

    /// Name as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Appointments => "appointments",
            Self::Digests => "digests",
            Self::Documents => "documents",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Topic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|topic| topic.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no topic; use jobs, appointments, digests or documents"))
    }
}

/// How a service keeps what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One record for each subject, which later pushes change: a row, an event, a file.
    Record,
    /// One message for each event.
    Message {
        /// Whether the service, or this integration by asking it, recognises a message that it has already. Otherwise
        /// a push whose end is not known is not repeated by itself.
        repeatable: bool,
    },
}

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A line of text.
    Text,
    /// Text of many lines, such as a key file.
    Document,
    /// A web address.
    Address,
    /// A whole number from 1 to 65535.
    Port,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A setting of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name, as in the settings.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldType,
    /// What it is and where to get it, for people.
    pub about: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it is a credential: stored sealed, never shown again.
    pub secret: bool,
    /// What stands for it when it is left out.
    pub default: Option<&'static str>,
}

impl Field {
    /// A setting that must be given.
    #[must_use]
    pub const fn required(name: &'static str, kind: FieldType, about: &'static str) -> Self {
        Self { name, kind, about, required: true, secret: false, default: None }
    }

    /// A setting that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, kind: FieldType, about: &'static str) -> Self {
        Self { name, kind, about, required: false, secret: false, default: None }
    }

    /// A credential that must be given.
    #[must_use]
    pub const fn secret(name: &'static str, kind: FieldType, about: &'static str) -> Self {
        Self { name, kind, about, required: true, secret: true, default: None }
    }

    /// The same with what stands for it when it is left out.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), required: false, ..self }
    }
}

/// What people and programs are told about a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindInfo {
    /// Stable name, stored in rows.
    pub name: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    /// What it takes.
    pub topics: &'static [Topic],
    /// How the service keeps what it is given.
    pub style: Style,
    /// Whether it pushes as soon as it is added; otherwise it waits to be switched on.
    pub starts_on: bool,
    /// Its settings.
    pub fields: &'static [Field],
}

/// One integration with its settings.
#[async_trait]
pub trait Integration: Send + Sync {
    /// Asks the service whether pushing would work, and says in words what was found.
    async fn test(&self, wire: &Wire) -> Result<String, PushError>;

    /// Delivers. The same delivery again changes nothing.
    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError>;
}

/// A type that is a kind's settings and its integration: one file.
pub trait Adapter: Integration + DeserializeOwned + 'static {
    /// The kind.
    const INFO: KindInfo;

    /// Checks what the types of the settings do not.
    fn check(&self, problems: &mut Problems) {
        let _ = problems;
    }
}

/// A kind of integration.
#[derive(Clone, Copy)]
pub struct Kind {
    /// What people are told about it.
    pub info: KindInfo,
    build: fn(Value) -> Result<Box<dyn Integration>, SettingsError>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Kind").field(&self.info.name).finish()
    }
}

impl Kind {
    pub(crate) const fn of<A: Adapter>() -> Self {
        Self { info: A::INFO, build: build::<A> }
    }

    /// An integration with these settings.
    ///
    /// # Errors
    /// [`SettingsError`] with every setting that is missing, unknown or wrong.
    pub fn ready(&self, settings: &Settings) -> Result<Ready, SettingsError> {
        let values = typed(&self.info, settings)?;
        Ok(Ready {
            integration: (self.build)(Value::Object(values))?,
            redactor: Redactor::of(&self.info, settings),
            label: self.info.label,
            style: self.info.style,
        })
    }

    /// A setting of this kind.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.info.fields.iter().find(|field| field.name == name)
    }
}

fn build<A: Adapter>(values: Value) -> Result<Box<dyn Integration>, SettingsError> {
    // The words of serde may quote what was given, which may be a secret: they are not passed on.
    let adapter: A = serde_json::from_value(values).map_err(|_| {
        SettingsError::of("settings", "do not fit this kind; compare them with the list of its settings")
    })?;
    let mut problems = Problems::default();
    adapter.check(&mut problems);
    problems.finish()?;
    Ok(Box::new(adapter))
}

/// An integration that can be tested and pushed to.
pub struct Ready {
    integration: Box<dyn Integration>,
    redactor: Redactor,
    label: &'static str,
    style: Style,
}

impl fmt::Debug for Ready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Ready").field(&self.label).finish()
    }
}

impl Ready {
    /// Asks the service whether pushing would work.
    ///
    /// # Errors
    /// [`PushError`] without any secret in it.
    pub async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        match tokio::time::timeout(PATIENCE, self.integration.test(wire)).await {
            Ok(Ok(words)) => Ok(self.redactor.clean(words)),
            Ok(Err(error)) => Err(self.told(error)),
            Err(_) => Err(self.late()),
        }
    }

    /// Delivers.
    ///
    /// # Errors
    /// [`PushError`] without any secret in it.
    pub async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        match tokio::time::timeout(PATIENCE, self.integration.push(wire, delivery)).await {
            Ok(Ok(delivered)) => Ok(delivered),
            Ok(Err(error)) => Err(self.told(error)),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> PushError {
        let reason = format!("{} took longer than {} seconds", self.label, PATIENCE.as_secs());
        self.told(PushError::Uncertain { reason })
    }

    /// An error for people. Where a repeated push changes nothing, it does not matter whether the first one arrived.
    fn told(&self, error: PushError) -> PushError {
        let error = error.map(|words| self.redactor.clean(words));
        match (error, self.style) {
            (PushError::Uncertain { reason }, Style::Record | Style::Message { repeatable: true }) => {
                PushError::Again { after: None, reason }
            }
            (error, _) => error,
        }
    }
}
