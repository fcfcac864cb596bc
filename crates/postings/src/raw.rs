//! What a source parser hands over: the fields of one format, untouched except for being found.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{EmploymentType, RemoteKind};

/// One posting as a source's format carries it. Every field is optional but `source`; [`crate::normalise`] decides
/// whether what is there makes a posting (it needs a title and an http(s) URL).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RawPosting {
    /// Name of the source.
    pub source: String,
    /// The source's own id.
    pub source_id: Option<String>,
    /// Title; may hold entities.
    pub title: Option<String>,
    /// Employer; may hold entities.
    pub company: Option<String>,
    /// Page of the posting, absolute.
    pub url: Option<String>,
    /// Page to apply at.
    pub apply_url: Option<String>,
    /// Places in the order given.
    pub places: Vec<RawPlace>,
    /// Where the work is done, when a typed field of the format says so. Wins over words in texts.
    pub remote: Option<RemoteKind>,
    /// Words about where a remote worker may live ("USA Only").
    pub remote_scope: Option<String>,
    /// Employment types, when the format has codes the parser knows.
    pub employment: Vec<EmploymentType>,
    /// Employment types as free words or unknown codes ("Full-time", "Festanstellung").
    pub employment_text: Vec<String>,
    /// Level as written ("Mid-Senior level").
    pub seniority_text: Option<String>,
    /// Pay as given.
    pub salary: Option<RawSalary>,
    /// Description as HTML, already decoded once when the format escapes it inside a string.
    pub description_html: Option<String>,
    /// Description as plain text, when the format has no HTML.
    pub description_text: Option<String>,
    /// Whether the format is known to cut descriptions (Adzuna).
    pub snippet: bool,
    /// Department, team or category.
    pub department: Option<String>,
    /// Tags, skills, categories.
    pub tags: Vec<String>,
    /// Language code or name.
    pub language: Option<String>,
    /// First posted.
    pub posted: Option<RawDate>,
    /// Last changed.
    pub updated: Option<RawDate>,
    /// Expires.
    pub expires: Option<RawDate>,
    /// Whether the format says that the posting is closed.
    pub closed: bool,
}

/// A place as given: either one string, or parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawPlace {
    /// The whole place as one string ("Berlin, Germany"; may hold several joined by `;`, `|` or ` or `).
    pub text: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or region: name or code.
    pub region: Option<String>,
    /// Country: name or code.
    pub country: Option<String>,
}

impl RawPlace {
    /// A place given as one string.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

/// Pay as given: numbers when the format has them, otherwise words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RawSalary {
    /// Free text ("$90k – $120k + 401k").
    pub text: Option<String>,
    /// Lower end.
    pub min: Option<f64>,
    /// Upper end.
    pub max: Option<f64>,
    /// Currency code or sign.
    pub currency: Option<String>,
    /// Period as written ("YEARLY", "per-hour-wage", "1 YEAR").
    pub period: Option<String>,
    /// Whether the source estimated it.
    pub predicted: bool,
}

/// A date as given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RawDate {
    /// An exact moment.
    At(DateTime<Utc>),
    /// A calendar day without a time.
    Day(NaiveDate),
    /// Anything else, to be read by [`crate::dates`] ("Posted 3 Days Ago", RFC 2822, ISO without offset).
    Text(String),
}

impl RawDate {
    /// Seconds since the epoch; `None` when out of range or not positive.
    pub fn from_epoch_seconds(seconds: i64) -> Option<Self> {
        (seconds > 0).then(|| DateTime::from_timestamp(seconds, 0).map(Self::At)).flatten()
    }

    /// Milliseconds since the epoch; `None` when out of range or not positive.
    pub fn from_epoch_milliseconds(milliseconds: i64) -> Option<Self> {
        (milliseconds > 0).then(|| DateTime::from_timestamp_millis(milliseconds).map(Self::At)).flatten()
    }
}
