//! What stands in a document, ready to be set in type: no layout, and nothing left to decide for a template.

use serde::{Deserialize, Serialize};

use crate::resume::{End, Period, Profile, Sourced, YearMonth};

mod labels;

pub use labels::{Labels, Language};

/// A résumé.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResumeContent {
    /// Language of the labels and months, which the file names too.
    pub language: Language,
    /// The document's title, for its properties.
    pub title: String,
    /// Full name.
    pub name: String,
    /// The line under the name; may be empty, as every text here.
    pub headline: String,
    /// E-mail, telephone, place.
    pub contact: Vec<String>,
    /// Web addresses.
    pub links: Vec<LinkContent>,
    /// The summary.
    pub summary: String,
    /// Positions, as they are to be printed.
    pub positions: Vec<EntryContent>,
    /// Schools.
    pub education: Vec<EntryContent>,
    /// Skills in their groups.
    pub skills: Vec<GroupContent>,
    /// Languages, one text each.
    pub languages: Vec<String>,
    /// Certificates, one text each.
    pub certificates: Vec<String>,
    /// Everything else.
    pub sections: Vec<GroupContent>,
    /// The heads, in the document's language.
    pub labels: Labels,
}

/// A web address: what is shown, and where it leads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkContent {
    /// The address without its scheme.
    pub text: String,
    /// The whole address; only `http`, `https` and `mailto`.
    pub url: String,
}

/// A position or a school.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryContent {
    /// Title or degree.
    pub title: String,
    /// Employer or school.
    pub organisation: String,
    /// Where.
    pub place: String,
    /// When, in words.
    pub period: String,
    /// Text before the points.
    pub summary: String,
    /// Points.
    pub points: Vec<String>,
}

/// Texts under a name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupContent {
    /// The name; may be empty.
    pub name: String,
    /// The texts.
    pub items: Vec<String>,
}

/// A letter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LetterContent {
    /// Language of the letter.
    pub language: Language,
    /// The document's title, for its properties.
    pub title: String,
    /// Who writes.
    pub name: String,
    /// The line under the name.
    pub headline: String,
    /// E-mail, telephone, place.
    pub contact: Vec<String>,
    /// Lines of the address.
    pub recipient: Vec<String>,
    /// Place and date.
    pub date: String,
    /// What it is about.
    pub subject: String,
    /// "Dear Ms Vega,"
    pub salutation: String,
    /// The text.
    pub paragraphs: Vec<String>,
    /// "Kind regards,"
    pub closing: String,
    /// The name under it.
    pub signature: String,
}

impl LetterContent {
    /// The letter's own words: salutation, paragraphs, closing and signature.
    pub fn body(&self) -> String {
        let mut parts = vec![self.salutation.clone()];
        parts.extend(self.paragraphs.iter().cloned());
        parts.push(format!("{}\n{}", self.closing, self.signature));
        parts.retain(|part| !part.trim().is_empty());
        parts.join("\n\n")
    }
}

impl ResumeContent {
    /// What a profile says, in a language's labels.
    pub fn of(profile: &Profile, language: Language) -> Self {
        let labels = Labels::of(language);
        let contact = &profile.contact;
        let lines = [&contact.email, &contact.phone, &contact.place];
        Self {
            language,
            title: [profile.name(), &labels.resume]
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(" – "),
            name: profile.name().to_owned(),
            headline: text(contact.headline.as_ref()),
            contact: lines.into_iter().flatten().map(|line| line.value.clone()).collect(),
            links: contact.links.iter().filter_map(|link| LinkContent::of(&link.url.value)).collect(),
            summary: text(profile.summary.as_ref()),
            positions: profile
                .positions
                .iter()
                .map(|position| EntryContent {
                    title: text(position.title.as_ref()),
                    organisation: text(position.employer.as_ref()),
                    place: text(position.place.as_ref()),
                    period: period(position.period.as_ref(), language),
                    summary: text(position.summary.as_ref()),
                    points: texts(&position.bullets),
                })
                .collect(),
            education: profile
                .education
                .iter()
                .map(|school| EntryContent {
                    title: joined([&school.degree, &school.field]),
                    organisation: text(school.institution.as_ref()),
                    place: text(school.place.as_ref()),
                    period: period(school.period.as_ref(), language),
                    summary: text(school.score.as_ref()),
                    points: texts(&school.notes),
                })
                .collect(),
            skills: profile
                .skills
                .iter()
                .map(|group| GroupContent { name: text(group.name.as_ref()), items: texts(&group.skills) })
                .collect(),
            languages: profile
                .languages
                .iter()
                .map(|spoken| match &spoken.level {
                    Some(level) => format!("{} ({})", spoken.name.value, level.value),
                    None => spoken.name.value.clone(),
                })
                .collect(),
            certificates: profile
                .certificates
                .iter()
                .map(|certificate| {
                    let mut parts = vec![certificate.name.value.clone()];
                    parts.extend(certificate.issuer.as_ref().map(|issuer| issuer.value.clone()));
                    parts.extend(certificate.date.as_ref().map(|date| labels::month_text(date.value, language)));
                    parts.join(", ")
                })
                .collect(),
            sections: profile
                .sections
                .iter()
                .map(|section| GroupContent { name: text(section.title.as_ref()), items: texts(&section.lines) })
                .collect(),
            labels,
        }
    }
}

impl LinkContent {
    /// A link that may stand in a document; `None` for anything but a web or mail address.
    pub fn of(url: &str) -> Option<Self> {
        let parsed = url::Url::parse(url).ok()?;
        let is_known = matches!(parsed.scheme(), "http" | "https" | "mailto");
        let text = url.split_once("://").map_or(url, |(_, rest)| rest).trim_start_matches("www.").trim_end_matches('/');
        is_known.then(|| Self { text: text.to_owned(), url: url.to_owned() })
    }
}

fn text(field: Option<&Sourced>) -> String {
    field.map(|field| field.value.clone()).unwrap_or_default()
}

fn texts(fields: &[Sourced]) -> Vec<String> {
    fields.iter().map(|field| field.value.clone()).collect()
}

fn joined(fields: [&Option<Sourced>; 2]) -> String {
    fields.into_iter().flatten().map(|field| field.value.as_str()).collect::<Vec<_>>().join(", ")
}

fn period(period: Option<&Sourced<Period>>, language: Language) -> String {
    let Some(period) = period else { return String::new() };
    let month = |month: YearMonth| labels::month_text(month, language);
    let start = period.value.start.map(month);
    let end = match period.value.end {
        Some(End::Present) => Some(Labels::of(language).present),
        Some(End::At(end)) => Some(month(end)),
        None => None,
    };
    match (start, end) {
        (Some(start), Some(end)) => format!("{start} – {end}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}
