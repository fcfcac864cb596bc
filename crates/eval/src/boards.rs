//! Parsing of recorded answers: one file an answer, read without being told what it is.

use std::{collections::BTreeMap, fmt, path::Path};

use aerie_postings::{Posting, RemoteKind, normalise};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::folder::{self, FolderError};

/// What one file gave.
#[derive(Debug, Clone, Serialize)]
pub struct BoardPrediction {
    /// File name, relative to the folder.
    pub file: String,
    /// The source that read it, when one did.
    pub source: Option<String>,
    /// Its postings, normalised.
    pub postings: Vec<Posting>,
}

/// Figures of one file.
#[derive(Debug, Clone, Serialize)]
pub struct BoardFigures {
    /// File name, relative to the folder.
    pub file: String,
    /// The source that read it, when one did.
    pub source: Option<String>,
    /// Postings read.
    pub postings: usize,
    /// Rows without title or address.
    pub dropped: usize,
    /// How many of the postings have each field.
    pub fields: BTreeMap<&'static str, usize>,
    /// Why it could not be read.
    pub error: Option<String>,
}

/// Figures of a folder.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BoardsReport {
    /// Files looked at.
    pub files: usize,
    /// Files that a source read.
    pub read: usize,
    /// Postings of all files.
    pub postings: usize,
    /// Figures of each file.
    pub boards: Vec<BoardFigures>,
    /// What each file gave.
    #[serde(skip)]
    pub predictions: Vec<BoardPrediction>,
}

/// Reads every file of a folder and its folders; dates count back from `now`.
///
/// # Errors
/// A folder that cannot be listed. A file that cannot be read is reported, not an error.
pub fn evaluate_boards(folder: &Path, now: DateTime<Utc>) -> Result<BoardsReport, FolderError> {
    let paths = folder::files(folder)?;
    let mut report = BoardsReport { files: paths.len(), ..BoardsReport::default() };
    for path in paths {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let (prediction, figures) = read(&path, name, now);
        report.read += usize::from(figures.error.is_none());
        report.postings += figures.postings;
        report.boards.push(figures);
        report.predictions.push(prediction);
    }
    Ok(report)
}

fn read(path: &Path, file: String, now: DateTime<Utc>) -> (BoardPrediction, BoardFigures) {
    let mut prediction = BoardPrediction { file: file.clone(), source: None, postings: vec![] };
    let mut figures =
        BoardFigures { file, source: None, postings: 0, dropped: 0, fields: BTreeMap::new(), error: None };
    let body = match folder::read(path) {
        Ok(body) => body,
        Err(error) => {
            figures.error = Some(error.to_string());
            return (prediction, figures);
        }
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match aerie_boards::parse_recorded(&name, &body) {
        Ok((source, parsed)) => {
            figures.dropped = parsed.dropped.len();
            let rows = parsed.postings.len();
            prediction.postings = parsed.postings.into_iter().filter_map(|raw| normalise(raw, now).ok()).collect();
            figures.dropped += rows - prediction.postings.len();
            figures.postings = prediction.postings.len();
            figures.fields = fields(&prediction.postings);
            figures.source = Some(source.to_owned());
            prediction.source = Some(source.to_owned());
        }
        Err(error) => figures.error = Some(error.to_string()),
    }
    (prediction, figures)
}

/// How many postings have each field.
fn fields(postings: &[Posting]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for posting in postings {
        let filled = [
            ("source_id", posting.source_id.is_some()),
            ("title", !posting.title.is_empty()),
            ("company", !posting.company.is_empty()),
            ("url", !posting.url.is_empty()),
            ("apply_url", posting.apply_url.is_some()),
            ("places", !posting.places.is_empty()),
            ("remote", posting.remote != RemoteKind::Unknown),
            ("remote_scope", posting.remote_scope.is_some()),
            ("employment", !posting.employment.is_empty()),
            ("seniority", posting.seniority.is_some()),
            ("salary", posting.salary.is_some()),
            ("description", !posting.description_text.is_empty()),
            ("department", posting.department.is_some()),
            ("tags", !posting.tags.is_empty()),
            ("language", posting.language.is_some()),
            ("posted_at", posting.posted_at.is_some()),
            ("updated_at", posting.updated_at.is_some()),
            ("expires_at", posting.expires_at.is_some()),
            ("closed", posting.closed),
        ];
        for (name, is_filled) in filled {
            *counts.entry(name).or_default() += usize::from(is_filled);
        }
    }
    counts
}

impl fmt::Display for BoardsReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} of {} files read, {} postings", self.read, self.files, self.postings)?;
        for board in &self.boards {
            match &board.error {
                Some(error) => writeln!(formatter, "  {:40} {error}", board.file)?,
                None => {
                    let filled: Vec<String> = board
                        .fields
                        .iter()
                        .filter(|(_, count)| **count > 0)
                        .map(|(name, count)| format!("{name} {count}"))
                        .collect();
                    let source = board.source.as_deref().unwrap_or("?");
                    writeln!(
                        formatter,
                        "  {:40} {source}: {} postings, {} dropped; {}",
                        board.file,
                        board.postings,
                        board.dropped,
                        filled.join(", ")
                    )?;
                }
            }
        }
        Ok(())
    }
}
