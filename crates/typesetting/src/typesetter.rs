//! From content to a PDF file.

use std::sync::Arc;

use aerie_documents::content::{LetterContent, ResumeContent};
use serde::Serialize;
use thiserror::Error;
use typst::{diag::SourceDiagnostic, ecow::EcoVec};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, pdf};

use crate::{
    templates::{Kind, Templates},
    world::{DocumentWorld, Shared},
};

/// Longest content, in bytes of its JSON: some hundred pages.
const MOST_BYTES: usize = 1 << 20;

/// How many documents the memory of layouts outlives when it is not used.
const CACHE_AGE: usize = 8;

/// Size of the paper.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 inches.
    UsLetter,
}

impl Paper {
    fn name(self) -> &'static str {
        match self {
            Self::A4 => "a4",
            Self::UsLetter => "us-letter",
        }
    }
}

/// Why there is no PDF.
#[derive(Debug, Error)]
pub enum TypesetError {
    /// No template of this name.
    #[error("there is no template {name:?}; there are {}", known.join(", "))]
    UnknownTemplate {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// More text than a letter or résumé can have.
    #[error("the document has {bytes} bytes of text, at most {MOST_BYTES} can be set")]
    TooLong {
        /// How much there is.
        bytes: usize,
    },
    /// The content could not be written as JSON.
    #[error("the content is no JSON: {0}")]
    Content(#[from] serde_json::Error),
    /// The template has a fault.
    #[error("the template {name:?} cannot be set: {message}")]
    Template {
        /// Its name.
        name: String,
        /// What typst says.
        message: String,
    },
}

/// A document that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typeset {
    /// The PDF file: tagged, with embedded fonts, title, author and language.
    pub pdf: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
    /// Characters that no font has; they show as empty boxes. A font that has them can be put into the folder of
    /// templates.
    pub missing: Vec<char>,
}

/// Fonts and templates, ready to set documents. Cheap to clone, and shared between threads.
#[derive(Clone)]
pub struct Typesetter {
    shared: Arc<Shared>,
}

#[derive(Serialize)]
struct Data<'content, Content> {
    paper: &'static str,
    content: &'content Content,
}

impl Typesetter {
    /// Reads the fonts; some milliseconds.
    pub fn new(templates: Templates) -> Self {
        Self { shared: Arc::new(Shared::new(templates)) }
    }

    /// The templates that it can use.
    pub fn templates(&self) -> &Templates {
        &self.shared.templates
    }

    /// Sets a letter.
    ///
    /// # Errors
    /// [`TypesetError`]; a built-in template fails on no content.
    pub fn letter(&self, letter: &LetterContent, template: &str, paper: Paper) -> Result<Typeset, TypesetError> {
        self.set(Kind::Letter, template, paper, letter)
    }

    /// Sets a résumé.
    ///
    /// # Errors
    /// As [`Typesetter::letter`].
    pub fn resume(&self, resume: &ResumeContent, template: &str, paper: Paper) -> Result<Typeset, TypesetError> {
        self.set(Kind::Resume, template, paper, resume)
    }

    fn set(&self, kind: Kind, template: &str, paper: Paper, content: &impl Serialize) -> Result<Typeset, TypesetError> {
        let Some(source) = self.templates().source(kind, template) else {
            let known = self.templates().names(kind).into_iter().map(str::to_owned).collect();
            return Err(TypesetError::UnknownTemplate { name: template.to_owned(), known });
        };
        let data = serde_json::to_vec(&Data { paper: paper.name(), content })?;
        if data.len() > MOST_BYTES {
            return Err(TypesetError::TooLong { bytes: data.len() });
        }
        let missing = self.shared.missing(&String::from_utf8_lossy(&data));
        let failed = |errors: &EcoVec<SourceDiagnostic>| TypesetError::Template {
            name: template.to_owned(),
            message: errors.iter().map(|error| error.message.to_string()).collect::<Vec<_>>().join("; "),
        };
        let world = DocumentWorld::new(Arc::clone(&self.shared), "template.typ", source, data).ok_or_else(|| {
            TypesetError::Template { name: template.to_owned(), message: "its name is no path".to_owned() }
        })?;
        let document: PagedDocument = typst::compile(&world).output.map_err(|errors| failed(&errors))?;
        let options = PdfOptions {
            creator: typst::foundations::Smart::Custom(Some("Aerie".to_owned())),
            ..PdfOptions::default()
        };
        let file = pdf(&document, &options).map_err(|errors| failed(&errors))?;
        typst::comemo::evict(CACHE_AGE);
        Ok(Typeset { pdf: file, pages: document.pages().len(), missing })
    }
}
