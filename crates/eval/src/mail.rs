//! How well mails are classified: accuracy, F1 of every label, and how often what is shown as certain is right.
//!
//! The file is JSON Lines: `from`, `subject` and `body` (plain, HTML, or still in its transfer encoding), and the gold
//! columns `label` and `company`. The gold is read by the scoring half only, so predictions are the same without it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;

use aerie_mail::classify::guess_company;
use aerie_mail::{Label, Mail, classify};
use aerie_postings::company::company_key;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

mod gold;

pub use gold::{Gold, gold};

/// Most bytes of one file that are read.
const MAX_BYTES: u64 = 1 << 30;

/// Why a file cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The file cannot be read.
    #[error("cannot read the mails: {0}; check that the file exists and is plain text in UTF-8")]
    Read(#[from] std::io::Error),
    /// The file is larger than is read.
    #[error("the mails are larger than {MAX_BYTES} bytes; split the file")]
    TooLarge,
    /// The file holds no mail.
    #[error("no mails found; give JSON lines with `from`, `subject` and `body`")]
    Empty,
    /// A line is not what the format says.
    #[error(
        "line {line}: not a JSON object ({source}); every line must be one object with `from`, `subject` and `body`"
    )]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// One predicted mail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MailPrediction {
    /// Number of the row, from 0.
    pub row: usize,
    /// What the mail is about.
    pub label: Label,
    /// The company, when one is named.
    pub company: Option<String>,
    /// How sure the label is, 0 to 1.
    pub confidence: f32,
    /// Whether the label would be shown as certain.
    pub certain: bool,
    /// The sentence that says so.
    pub evidence: Option<String>,
}

/// Figures of one label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LabelFigures {
    /// Mails with this gold label.
    pub support: usize,
    /// Share of those predicted that are right.
    pub precision: f64,
    /// Share of those there that are found.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// The figures of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MailReport {
    /// Mails in the file.
    pub mails: usize,
    /// Mails with a gold label.
    pub labelled: usize,
    /// Share of these whose label is right.
    pub accuracy: Option<f64>,
    /// Mean F1 over the labels that the file has.
    pub macro_f1: Option<f64>,
    /// Each label that the file has.
    pub labels: BTreeMap<&'static str, LabelFigures>,
    /// Rejected against all others: the mean F1 of the two.
    pub rejection_macro_f1: Option<f64>,
    /// Share of the rejections that are found.
    pub rejection_recall: Option<f64>,
    /// Mails whose label would be shown as certain.
    pub certain: usize,
    /// Share of these that are right.
    pub certain_precision: Option<f64>,
    /// Share of the named companies that are found, by their comparison key; one may be a longer form of the other.
    pub company_accuracy: Option<f64>,
    /// Gold and predicted label, with their number, where they differ.
    pub confusions: BTreeMap<String, usize>,
}

/// A report with the predictions that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct MailEvaluation {
    /// The figures.
    pub report: MailReport,
    /// One row a mail, in the order of the file.
    pub predictions: Vec<MailPrediction>,
}

/// Reads mails, classifies them without the gold columns, and compares.
///
/// # Errors
/// A reader that fails, a file that is too large or empty, or a line that is no JSON object.
pub fn evaluate_mail(mut reader: impl Read) -> Result<MailEvaluation, MailError> {
    let mut text = String::new();
    reader.by_ref().take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(MailError::TooLarge);
    }
    let mails = load(&text)?;
    let predictions = predict(&mails);
    let report = score(&predictions, &gold(&text));
    Ok(MailEvaluation { report, predictions })
}

/// The part of the file that predicting may see.
fn load(text: &str) -> Result<Vec<Mail>, MailError> {
    let mut mails = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line).map_err(|source| MailError::Line { line: number + 1, source })?;
        let field = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or("");
        mails.push(Mail::from_fields(field("from"), field("subject"), field("body")));
    }
    if mails.is_empty() { Err(MailError::Empty) } else { Ok(mails) }
}

fn predict(mails: &[Mail]) -> Vec<MailPrediction> {
    let predict = |(row, mail): (usize, &Mail)| {
        let found = classify(mail);
        MailPrediction {
            row,
            label: found.label,
            company: guess_company(mail),
            confidence: found.confidence,
            certain: found.certain,
            evidence: found.evidence,
        }
    };
    mails.par_iter().enumerate().map(predict).collect()
}

fn score(predictions: &[MailPrediction], golds: &[Gold]) -> MailReport {
    let pairs: Vec<(&MailPrediction, &Gold)> =
        predictions.iter().zip(golds).filter(|(_, gold)| !gold.labels.is_empty()).collect();
    // A prediction that the gold label allows counts as that label.
    let seen = |prediction: &MailPrediction, gold: &Gold| match gold.labels.first() {
        Some(first) if gold.labels.contains(&prediction.label) => *first,
        _ => prediction.label,
    };
    let classes: BTreeSet<Label> = pairs.iter().filter_map(|(_, gold)| gold.class()).collect();
    let labels: BTreeMap<&'static str, LabelFigures> = classes
        .iter()
        .map(|class| {
            let of_gold = |gold: &Gold| gold.class() == Some(*class);
            (
                class.name(),
                figures(pairs.iter().map(|(prediction, gold)| (seen(prediction, gold) == *class, of_gold(gold)))),
            )
        })
        .collect();
    let right = |prediction: &MailPrediction, gold: &Gold| gold.labels.contains(&prediction.label);
    let rejection = |wanted: bool| {
        figures(pairs.iter().map(|(prediction, gold)| {
            ((prediction.label == Label::Rejected) == wanted, (gold.class() == Some(Label::Rejected)) == wanted)
        }))
    };
    let certain: Vec<_> = pairs.iter().filter(|(prediction, _)| prediction.certain).collect();
    let companies: Vec<bool> =
        predictions.iter().zip(golds).filter_map(|(prediction, gold)| company(prediction, gold)).collect();
    let mut confusions = BTreeMap::new();
    for (prediction, gold) in pairs.iter().filter(|(prediction, gold)| !right(prediction, gold)) {
        let expected = if gold.labels.len() > 2 { "not rejected" } else { gold.class().map_or("", Label::name) };
        *confusions.entry(format!("{expected} as {}", prediction.label.name())).or_default() += 1;
    }
    let both = rejection(true).support > 0 && rejection(false).support > 0;
    MailReport {
        mails: predictions.len(),
        labelled: pairs.len(),
        accuracy: share(pairs.iter().filter(|(prediction, gold)| right(prediction, gold)).count(), pairs.len()),
        macro_f1: mean(labels.values().map(|label| label.f1)),
        labels,
        rejection_macro_f1: both.then(|| f64::midpoint(rejection(true).f1, rejection(false).f1)),
        rejection_recall: (rejection(true).support > 0).then(|| rejection(true).recall),
        certain: certain.len(),
        certain_precision: share(
            certain.iter().filter(|(prediction, gold)| right(prediction, gold)).count(),
            certain.len(),
        ),
        company_accuracy: share(companies.iter().filter(|right| **right).count(), companies.len()),
        confusions,
    }
}

/// Figures of one class from whether it was predicted and whether it is there.
fn figures(pairs: impl Iterator<Item = (bool, bool)>) -> LabelFigures {
    let (mut predicted, mut there, mut both) = (0, 0, 0);
    for (was_predicted, is_there) in pairs {
        predicted += usize::from(was_predicted);
        there += usize::from(is_there);
        both += usize::from(was_predicted && is_there);
    }
    let precision = share(both, predicted).unwrap_or(0.0);
    let recall = share(both, there).unwrap_or(0.0);
    let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    LabelFigures { support: there, precision, recall, f1 }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

fn company(prediction: &MailPrediction, gold: &Gold) -> Option<bool> {
    let expected = gold.company.as_deref().map(company_key).filter(|key| !key.is_empty())?;
    let found = prediction.company.as_deref().map(company_key).unwrap_or_default();
    let longer = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with(' '));
    let squashed = |key: &str| key.replace(' ', "");
    Some(
        squashed(&expected) == squashed(&found)
            || (!found.is_empty() && (longer(&expected, &found) || longer(&found, &expected))),
    )
}

impl fmt::Display for MailReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "mail: {} mails, {} with a label", self.mails, self.labelled)?;
        if let (Some(accuracy), Some(macro_f1)) = (self.accuracy, self.macro_f1) {
            write!(formatter, "\n  accuracy {accuracy:.4}, macro F1 {macro_f1:.4} over {} labels", self.labels.len())?;
        }
        for (name, figures) in &self.labels {
            write!(
                formatter,
                "\n  {name:<20} precision {:.3}, recall {:.3}, F1 {:.3} ({} mails)",
                figures.precision, figures.recall, figures.f1, figures.support
            )?;
        }
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        write!(
            formatter,
            "\n  rejected against the rest: macro F1 {}, recall {}",
            figure(self.rejection_macro_f1),
            figure(self.rejection_recall)
        )?;
        write!(formatter, "\n  certain: {} mails, right {}", self.certain, figure(self.certain_precision))?;
        write!(formatter, "\n  company right {}", figure(self.company_accuracy))?;
        for (confusion, number) in &self.confusions {
            write!(formatter, "\n  {number} {confusion}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
