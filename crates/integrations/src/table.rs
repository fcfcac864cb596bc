//! A job as the columns of a table.

use crate::{Item, Job, PushError, item::words};

/// The column by which a job is found again.
pub(crate) const ID: &str = "Aerie ID";

/// Columns after the id, in their order.
pub(crate) const COLUMNS: [&str; 8] = ["Title", "Company", "Status", "Link", "Place", "Salary", "Source", "Score"];

/// The value of a column; a number only for the score.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CellValue {
    Text(String),
    Number(f64),
    Empty,
}

impl CellValue {
    /// As text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Empty => String::new(),
        }
    }
}

/// The columns of a job in the order of [`COLUMNS`].
pub(crate) fn cells(job: &Job) -> [CellValue; 8] {
    let text = |text: &str| if text.is_empty() { CellValue::Empty } else { CellValue::Text(text.to_owned()) };
    [
        text(&job.name.title),
        text(&job.name.company),
        text(&words(&job.status)),
        text(&job.name.url),
        text(&job.place),
        text(&job.salary),
        text(&job.source),
        // Whole points: a change behind the decimal point is none that a person sees.
        job.score.map_or(CellValue::Empty, |score| CellValue::Number(score.round())),
    ]
}

/// The job of an item, for kinds that take nothing else.
pub(crate) fn job_of(item: &Item) -> Result<&Job, PushError> {
    match item {
        Item::Job(job) => Ok(job),
        other => Err(not_taken(other)),
    }
}

/// An item that a kind does not take.
pub(crate) fn not_taken(item: &Item) -> PushError {
    PushError::refused(format!("this integration takes no {}", item.topic()))
}
