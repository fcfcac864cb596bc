//! How well duplicates are recognised: pair precision, recall and F1 on labelled records.
//!
//! Three steps that share nothing but record numbers: [`load`] reads what may be seen, [`predict`] clusters it, and
//! [`score`] compares with the gold column. The gold column is read by its own reader ([`gold`]), so predictions are the
//! same when it is absent.

use std::fmt;
use std::io::Read;

use serde::Serialize;

mod gold;
mod load;
mod predict;
mod score;

pub use gold::gold;
pub use load::{Format, Records, load};
pub use predict::{Prediction, Predictions, predict, write_predictions};
pub use score::{TierFigures, score};

/// Most bytes of one file that are read.
pub const MAX_BYTES: u64 = 1 << 30;

/// Why a file cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum DedupeError {
    /// The file cannot be read.
    #[error("cannot read the records: {0}; check that the file exists and is plain text in UTF-8")]
    Read(#[from] std::io::Error),
    /// The file holds no record.
    #[error("no records found; give JSON lines with at least `title`, or CSV with a header that has a `name` column")]
    Empty,
    /// The file is larger than is read.
    #[error("the records are larger than {} bytes; split the file", MAX_BYTES)]
    TooLarge,
    /// A line is not what the format says.
    #[error("line {line}: {problem}; {remedy}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// The figures of one measurement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `jsonl` or `csv`.
    pub format: Format,
    /// Whether addresses were hidden from the recognition.
    pub url_hidden: bool,
    /// Number of records.
    pub records: usize,
    /// Whether the file has a gold column; without one there are predictions and no figures.
    pub labelled: bool,
    /// Pairs that are the same by the gold column.
    pub true_pairs: usize,
    /// The merge tier.
    pub merge: TierFigures,
    /// The possible tier.
    pub possible: TierFigures,
    /// Best F1 that any threshold on the pair score reaches.
    pub best_f1: f64,
    /// That threshold, 0 to 1.
    pub best_f1_threshold: f64,
    /// Precision at that threshold.
    pub best_f1_precision: f64,
    /// Recall at that threshold.
    pub best_f1_recall: f64,
}

/// A report with the predictions that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The figures.
    pub report: Report,
    /// One row a record, in the order of the file.
    pub predictions: Vec<Prediction>,
}

/// Reads records, recognises duplicates without the gold column, and compares with it. JSON lines (`rid`, `list`,
/// `company`, `title`, `locations`, `posted`, `url`; gold `key`) and CSV with a header (`name`, `address`, `city`, a
/// category column; gold `unique_id`) are told apart by the first character. With `hide_url` addresses are not seen.
pub fn evaluate_dedupe(mut reader: impl Read, hide_url: bool) -> Result<Evaluation, DedupeError> {
    let mut text = String::new();
    reader.by_ref().take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(DedupeError::TooLarge);
    }
    let records = load(&text, hide_url)?;
    let predictions = predict(&records);
    let labels = gold(&text, records.format);
    let report = score(&records, &predictions, &labels, hide_url);
    Ok(Evaluation { report, predictions: predictions.rows })
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = if self.url_hidden { "hidden" } else { "visible" };
        writeln!(formatter, "{} records, {} true pairs, urls {urls}", self.records, self.true_pairs)?;
        if !self.labelled {
            return writeln!(
                formatter,
                "no gold column: merge {} pairs, possible {} pairs",
                self.merge.predicted_pairs, self.possible.predicted_pairs
            );
        }
        writeln!(formatter, "merge:    {}", self.merge)?;
        writeln!(formatter, "possible: {}", self.possible)?;
        writeln!(
            formatter,
            "best F1:  {:.4} at threshold {:.3} (precision {:.4}, recall {:.4})",
            self.best_f1, self.best_f1_threshold, self.best_f1_precision, self.best_f1_recall
        )
    }
}

#[cfg(test)]
mod tests;
