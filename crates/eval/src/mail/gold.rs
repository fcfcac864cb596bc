//! The gold columns of a file of mails. Files name labels in their own way; each name allows one or more of ours.

use std::collections::BTreeSet;

use aerie_mail::Label;
use serde_json::Value;

/// What is right for one mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gold {
    /// Labels that are right, the one that it counts as first; empty when the file gives none.
    pub labels: Vec<Label>,
    /// The company, when the file gives one.
    pub company: Option<String>,
}

impl Gold {
    /// The label that this mail counts as.
    pub fn class(&self) -> Option<Label> {
        self.labels.first().copied()
    }
}

/// The gold of every row, in the order of the file.
pub fn gold(text: &str) -> Vec<Gold> {
    let rows: Vec<Value> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap_or_default())
        .collect();
    let name = |row: &Value| row.get("label").and_then(Value::as_str).unwrap_or("").trim().to_lowercase();
    let names: BTreeSet<String> = rows.iter().map(name).collect();
    rows.iter()
        .map(|row| Gold {
            labels: allowed(&name(row), &names),
            company: row.get("company").and_then(Value::as_str).filter(|name| name.len() <= 200).map(str::to_owned),
        })
        .collect()
}

/// Labels that a file's name allows. A file that has no name for a finer label cannot tell it from its coarser one.
fn allowed(name: &str, names: &BTreeSet<String>) -> Vec<Label> {
    let has = |name: &str| names.contains(name);
    let mut labels = match name {
        "confirmation" | "in_process" | "neutral" => vec![Label::Neutral],
        "action_required" => vec![Label::Neutral, Label::SurveyReceived, Label::InterviewScheduled],
        "rejection" | "reject" | "rejected" => vec![Label::Rejected],
        "interview" => vec![Label::InterviewScheduled, Label::PositiveResponse],
        "acceptance" => vec![Label::OfferReceived],
        "not_reject" => {
            [Label::Neutral].into_iter().chain(Label::ALL).filter(|label| *label != Label::Rejected).collect()
        }
        other => Label::of_name(other).into_iter().collect(),
    };
    if name == "unrelated" && !has("digest") {
        labels.push(Label::Digest);
    }
    labels
}
