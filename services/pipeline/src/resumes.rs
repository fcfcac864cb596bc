//! A person's résumé as it was read and corrected, and how they write.

use aerie_documents::{
    Format, ImportError, Imported, Limits, Profile as ResumeProfile,
    content::{Language, ResumeContent},
    letters::Mission,
    output::resume_markdown,
    resume::{Sourced, to_json_resume},
};
use aerie_store::{
    StoreError, Tx,
    materials::{self as rows, Resume},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::profile::Profile;

/// Largest file of a résumé, in bytes.
pub(crate) const MOST_FILE: usize = 10 << 20;

/// A résumé with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredResume {
    pub(crate) format: String,
    pub(crate) file_name: String,
    pub(crate) source_text: String,
    pub(crate) profile: ResumeProfile,
    pub(crate) updated_at: DateTime<Utc>,
}

/// How a person's letters are written. A field that a later version adds is empty when an earlier one wrote it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Writing {
    pub(crate) voice: String,
    pub(crate) missions: Vec<Mission>,
    pub(crate) confidential_employers: Vec<String>,
    /// Two-letter code; empty follows the posting.
    pub(crate) language: String,
    pub(crate) letter_template: String,
    pub(crate) resume_template: String,
    pub(crate) paper: String,
}

impl Writing {
    /// The language of what is written for a posting in a language.
    pub(crate) fn language_for(&self, posting: Option<&str>) -> Language {
        Language::from_code(&self.language).or_else(|| Language::from_code(posting?)).unwrap_or_default()
    }
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error("the thread that read it ended: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Reads a file; takes a while for a long PDF, so it runs on a thread of its own.
pub(crate) async fn read_file(name: String, content: Vec<u8>) -> Result<Imported, ReadError> {
    let limits = Limits { file_bytes: MOST_FILE, ..Limits::default() };
    Ok(tokio::task::spawn_blocking(move || aerie_documents::import(&name, &content, &limits)).await??)
}

/// The résumé as a text, for matching.
pub(crate) fn as_text(profile: &ResumeProfile) -> String {
    resume_markdown(&ResumeContent::of(profile, Language::English))
}

/// The word for a format.
pub(crate) fn format_name(format: Format) -> &'static str {
    match format {
        Format::Pdf => "pdf",
        Format::Docx => "docx",
        Format::Odt => "odt",
        Format::Markdown => "markdown",
        Format::PlainText => "text",
        Format::JsonResume => "json-resume",
        Format::LinkedIn => "linkedin",
    }
}

/// The résumé that was imported, if any.
pub(crate) async fn stored(tx: &mut Tx) -> Result<Option<StoredResume>, StoreError> {
    let Some(row) = rows::resume(tx).await? else { return Ok(None) };
    let profile = serde_json::from_str(&row.document).map_err(|error| decode("resume.document", &error))?;
    Ok(Some(StoredResume {
        format: row.format,
        file_name: row.file_name,
        source_text: row.source_text,
        profile,
        updated_at: row.updated_at,
    }))
}

/// Keeps a résumé.
pub(crate) async fn save(tx: &mut Tx, resume: &StoredResume) -> Result<(), StoreError> {
    let document = serde_json::to_string(&resume.profile).map_err(|error| decode("resume.document", &error))?;
    let row = Resume {
        format: resume.format.clone(),
        file_name: resume.file_name.clone(),
        source_text: resume.source_text.clone(),
        document,
        updated_at: resume.updated_at,
    };
    rows::save_resume(tx, &row).await
}

/// What is known of the person's past: the imported résumé, else what the profile's text and fields say.
pub(crate) async fn current(tx: &mut Tx, profile: &Profile) -> Result<ResumeProfile, StoreError> {
    if let Some(resume) = stored(tx).await? {
        return Ok(resume.profile);
    }
    let text = profile.resume_text.clone();
    let mut known = match read_file("resume.md".to_owned(), text.into_bytes()).await {
        Ok(imported) => imported.profile,
        // An empty text; the fields may still say something.
        Err(_) => ResumeProfile::default(),
    };
    let given = |text: &str| (!text.trim().is_empty()).then(|| Sourced::given(text.trim().to_owned()));
    if let Some(name) = given(&profile.full_name) {
        known.contact.name = Some(name);
    }
    known.summary = known.summary.or_else(|| given(&profile.summary));
    let listed: Vec<String> = known.all_skills().map(str::to_lowercase).collect();
    let missing: Vec<Sourced> = profile
        .skills
        .iter()
        .filter(|skill| !listed.contains(&skill.to_lowercase()))
        .map(|skill| Sourced::given(skill.clone()))
        .collect();
    if !missing.is_empty() {
        known.skills.push(aerie_documents::resume::SkillGroup { skills: missing, ..Default::default() });
    }
    Ok(known)
}

/// Takes from a résumé what matching needs and the person has not said themselves.
pub(crate) fn into_profile(mut profile: Profile, resume: &ResumeProfile, text: &str) -> Profile {
    profile.resume_text = text.to_owned();
    let value = |field: &Option<Sourced>| field.as_ref().map(|field| field.value.clone()).unwrap_or_default();
    if profile.full_name.is_empty() {
        profile.full_name = value(&resume.contact.name);
    }
    if profile.summary.is_empty() {
        profile.summary = value(&resume.summary);
    }
    if profile.skills.is_empty() {
        profile.skills = resume.all_skills().map(str::to_owned).collect();
    }
    if profile.places.is_empty() {
        profile.places.extend(resume.contact.place.iter().map(|place| place.value.clone()));
    }
    profile
}

/// The résumé for other programs.
pub(crate) fn json_resume(profile: &ResumeProfile) -> String {
    to_json_resume(profile).to_string()
}

/// How the person writes.
pub(crate) async fn writing(tx: &mut Tx) -> Result<Writing, StoreError> {
    match rows::writing(tx).await? {
        Some(document) => serde_json::from_str(&document).map_err(|error| decode("writing.document", &error)),
        None => Ok(Writing::default()),
    }
}

/// Keeps how the person writes.
pub(crate) async fn save_writing(tx: &mut Tx, writing: &Writing, now: DateTime<Utc>) -> Result<(), StoreError> {
    let document = serde_json::to_string(writing).map_err(|error| decode("writing.document", &error))?;
    rows::save_writing(tx, &document, now).await
}

fn decode(column: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Decode { column: column.to_owned(), detail: error.to_string() }
}
