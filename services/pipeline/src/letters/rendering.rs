//! Files of letters and résumés.

use aerie_documents::{
    content::ResumeContent,
    letters::mask,
    output::{DocumentKind, file_name, letter_docx, letter_markdown, resume_docx, resume_markdown},
    resume::to_json_resume,
};
use aerie_typesetting::{Paper, Typeset};
use uuid::Uuid;

use super::Applicant;
use crate::materials::{self, Kind, MaterialError, Materials, State};

/// Template that is used when the person chose none.
const TEMPLATE: &str = "classic";

/// Format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Pdf,
    Docx,
    Markdown,
    JsonResume,
}

impl FileFormat {
    fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Markdown => "md",
            Self::JsonResume => "json",
        }
    }

    /// Its media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::JsonResume => "application/json",
        }
    }
}

/// How a file is to look; empty texts mean the person's choice.
pub(crate) struct Look<'a> {
    pub(crate) format: FileFormat,
    pub(crate) template: &'a str,
    pub(crate) paper: Option<Paper>,
}

/// A finished file.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    pub(crate) pages: usize,
    pub(crate) missing: Vec<char>,
}

/// The paper with this name.
pub(crate) fn paper(name: &str) -> Option<Paper> {
    match name {
        "a4" => Some(Paper::A4),
        "us-letter" => Some(Paper::UsLetter),
        _ => None,
    }
}

fn first<'a>(texts: &[&'a str]) -> &'a str {
    texts.iter().copied().find(|text| !text.is_empty()).unwrap_or(TEMPLATE)
}

impl File {
    fn of(set: Typeset) -> Self {
        Self { content: set.pdf, pages: set.pages, missing: set.missing, name: String::new() }
    }

    fn text(text: String) -> Self {
        Self { content: text.into_bytes(), ..Self::default() }
    }
}

impl Materials<'_> {
    /// A job's letter as a file.
    pub(crate) async fn letter_file(&self, job: Uuid, version: i64, look: &Look<'_>) -> Result<File, MaterialError> {
        let (full, document) = self.letter_version(job, version).await?;
        let mut tx = self.database.read().await?;
        let applicant = Applicant::read(&mut tx).await?;
        drop(tx);
        let letter = document.content;
        let template = first(&[look.template, &applicant.writing.letter_template]).to_owned();
        let paper = look.paper.or_else(|| paper(&applicant.writing.paper)).unwrap_or_default();
        let file = match look.format {
            FileFormat::Pdf => {
                let (typesetter, letter) = (self.core.inner.typesetter.clone(), letter.clone());
                let set = move || typesetter.letter(&letter, &template, paper);
                File::of(tokio::task::spawn_blocking(set).await??)
            }
            FileFormat::Docx => File { content: letter_docx(&letter)?, ..File::default() },
            FileFormat::Markdown => File::text(letter_markdown(&letter)),
            FileFormat::JsonResume => {
                return Err(MaterialError::Refused("a letter cannot be written as JSON Resume".to_owned()));
            }
        };
        let posting = &full.snapshot.posting;
        let day = self.core.now().date_naive();
        let ending = look.format.ending();
        let name = file_name(DocumentKind::Letter, &letter.name, &posting.company, &posting.title, day, ending);
        Ok(File { name, ..file })
    }

    /// The résumé as a file: as it is, or cut to a job where that was done.
    pub(crate) async fn resume_file(&self, job: Option<Uuid>, look: &Look<'_>) -> Result<File, MaterialError> {
        let mut tx = self.database.read().await?;
        let applicant = Applicant::read(&mut tx).await?;
        let full = match job {
            Some(job) => Some(materials::job(&mut tx, job).await?),
            None => None,
        };
        drop(tx);
        let cut = match job {
            Some(job) => self.newest(Kind::TailoredResume, job).await?,
            None => None,
        };
        let cut = cut.filter(|material| State::of(&material.state) == State::Ready);
        let profile = match &cut {
            Some(material) => materials::document::<super::tailoring::TailoredDocument>(material)?.profile,
            None if applicant.is_known() => applicant.resume.clone(),
            None => return Err(MaterialError::NoResume),
        };
        let posting = full.as_ref().map(|job| &job.snapshot.posting);
        let language = applicant.writing.language_for(posting.and_then(|posting| posting.language.as_deref()));
        let profile = mask(&profile, &applicant.writing.confidential_employers, language);
        let resume = ResumeContent::of(&profile, language);
        let template = first(&[look.template, &applicant.writing.resume_template]).to_owned();
        let paper = look.paper.or_else(|| paper(&applicant.writing.paper)).unwrap_or_default();
        let file = match look.format {
            FileFormat::Pdf => {
                let (typesetter, resume) = (self.core.inner.typesetter.clone(), resume.clone());
                let set = move || typesetter.resume(&resume, &template, paper);
                File::of(tokio::task::spawn_blocking(set).await??)
            }
            FileFormat::Docx => File { content: resume_docx(&resume)?, ..File::default() },
            FileFormat::Markdown => File::text(resume_markdown(&resume)),
            FileFormat::JsonResume => File::text(format!("{:#}", to_json_resume(&profile))),
        };
        // The file of a résumé that is the same for everybody names nobody.
        let (company, title) = match posting.filter(|_| cut.is_some()) {
            Some(posting) => (posting.company.as_str(), posting.title.as_str()),
            None => ("", ""),
        };
        let day = self.core.now().date_naive();
        let name = file_name(DocumentKind::Resume, &resume.name, company, title, day, look.format.ending());
        Ok(File { name, ..file })
    }
}
