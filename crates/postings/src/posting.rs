//! The normalised posting: types that cannot hold a value the rest of Aerie would have to check again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One opening as one source shows it, normalised. Built by [`crate::normalise`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Posting {
    /// Name of the source that carried it, for example `greenhouse`.
    pub source: String,
    /// The source's own id of the posting, unique within the source when present.
    pub source_id: Option<String>,
    /// Title, one line, entities decoded, at most 300 characters.
    pub title: String,
    /// Employer as shown, or empty when the source does not name one (Craigslist).
    pub company: String,
    /// Page of the posting: absolute http(s), canonical (see [`crate::identity::canonical_url`]).
    pub url: String,
    /// Page to apply at, when it differs from `url`.
    pub apply_url: Option<String>,
    /// Every place the posting names, most precise form first; empty when none is known.
    pub places: Vec<Place>,
    /// Where the work is done.
    pub remote: RemoteKind,
    /// Where a remote worker may live, as written ("US only", "Europe").
    pub remote_scope: Option<String>,
    /// Kinds of employment named; empty when unknown.
    pub employment: Vec<EmploymentType>,
    /// Level, from the source's field or from whole words of the title.
    pub seniority: Option<Seniority>,
    /// Pay, when the source or the text states it.
    pub salary: Option<Salary>,
    /// Sanitised HTML, safe to show (no script, style, event handler, form or frame).
    pub description_html: String,
    /// The same as plain text: paragraphs and bullets on lines of their own.
    pub description_text: String,
    /// How much of the description the source gave.
    pub extent: TextExtent,
    /// Department, team or category as shown.
    pub department: Option<String>,
    /// Tags, skills or categories the source lists.
    pub tags: Vec<String>,
    /// ISO 639-1 language code when the source names it.
    pub language: Option<String>,
    /// When it was first posted.
    pub posted_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// When it expires or the application period ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether the source says that it no longer accepts applications.
    pub closed: bool,
}

/// A place of work. All parts empty means "somewhere", which is never stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// City or locality, as commonly written ("Berlin", "New York").
    pub city: Option<String>,
    /// State, province or region; for the US, Canada and Australia its postal code ("CA", "ON").
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2 country code in upper case.
    pub country: Option<String>,
}

/// Where the work is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteKind {
    /// The posting does not say.
    #[default]
    Unknown,
    /// At the employer's place.
    OnSite,
    /// Part at the employer's place, part elsewhere.
    Hybrid,
    /// Anywhere, or anywhere within the posting's scope.
    Remote,
}

/// Kind of employment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmploymentType {
    /// Permanent or open-ended, full hours.
    FullTime,
    /// Fewer hours than full time.
    PartTime,
    /// Contractor or freelance.
    Contract,
    /// For a limited time.
    Temporary,
    /// Internship, working student or apprenticeship.
    Internship,
    /// Unpaid volunteering.
    Volunteer,
    /// By the day or on call.
    PerDiem,
    /// Named by the source, but none of the above.
    Other,
}

/// Level of a role, in rising order; the order is used for the distance between two levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seniority {
    /// Intern, working student, apprentice.
    Intern,
    /// Junior, graduate, entry level, associate.
    Junior,
    /// No level word, or an explicit "mid".
    Mid,
    /// Senior.
    Senior,
    /// Lead, staff, principal.
    Lead,
    /// Manager or head of a team.
    Manager,
    /// Director.
    Director,
    /// Vice president.
    VicePresident,
    /// Chief officer (CTO, CEO …), founder.
    Executive,
}

/// Pay range. Amounts are in whole minor-free units of the currency (dollars, not cents) and may have a fraction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Salary {
    /// Lower end, or the only amount given.
    pub min: Option<f64>,
    /// Upper end; equal to `min` when one exact amount was given.
    pub max: Option<f64>,
    /// ISO 4217 code in upper case, when known.
    pub currency: Option<String>,
    /// What one amount pays for.
    pub period: PayPeriod,
    /// Whether the source estimated it rather than the employer stated it.
    pub predicted: bool,
}

/// The time that one amount of pay covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayPeriod {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// How much of a posting's text is at hand; a score says which of these it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextExtent {
    /// No description at all.
    TitleOnly,
    /// A cut or very short description (fewer than 400 characters, or the source is known to clip).
    Snippet,
    /// The whole description.
    FullText,
}
