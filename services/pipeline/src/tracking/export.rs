//! Jobs as a file for people and other programs.

use std::collections::HashMap;

use aerie_store::{
    StoreError, Tx,
    jobs::{self as rows, JobFilter, JobOrder, JobSummary, PageToken},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::status::JobStatus;

/// Jobs read at a time.
const PAGE: u32 = 200;

/// Most jobs in one file.
const MOST: usize = 100_000;

/// Form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Json,
}

/// Why no file was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there are more than {MOST} jobs; name statuses to export fewer")]
    TooMany,
    #[error("the file could not be written: {0}")]
    Write(String),
}

/// One line.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    status: String,
    title: String,
    company: String,
    url: String,
    source: String,
    score: Option<f64>,
    found_at: String,
    approved_at: String,
    applied_at: String,
    phone_screen_at: String,
    interviewing_at: String,
    offer_at: String,
    hired_at: String,
    rejected_at: String,
    rejection_stage: String,
    notes: String,
}

impl Line {
    /// With texts that no spreadsheet takes for formulas: titles and notes come from outside
    /// (<https://owasp.org/www-community/attacks/CSV_Injection>).
    fn harmless(mut self) -> Self {
        for text in [&mut self.title, &mut self.company, &mut self.url, &mut self.source, &mut self.notes] {
            if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                text.insert(0, '\'');
            }
        }
        self
    }
}

/// The file and how many jobs it has.
pub(crate) async fn write(
    tx: &mut Tx,
    statuses: &[JobStatus],
    format: Format,
) -> Result<(Vec<u8>, usize), ExportError> {
    let filter = JobFilter {
        statuses: statuses.iter().map(|status| status.as_str().to_owned()).collect(),
        ..JobFilter::default()
    };
    let mut reached: HashMap<Uuid, HashMap<String, DateTime<Utc>>> = HashMap::new();
    rows::each_move(tx, |one| {
        reached.entry(one.job_id).or_default().entry(one.to).or_insert(one.at);
        Ok(())
    })
    .await?;
    let mut lines = Vec::new();
    let mut after: Option<PageToken> = None;
    loop {
        let page = rows::list(tx, &filter, JobOrder::Added, after, PAGE).await?;
        let ids: Vec<Uuid> = page.jobs.iter().map(|job| job.id).collect();
        let notes = rows::notes(tx, &ids).await?;
        for job in page.jobs {
            let times = reached.remove(&job.id).unwrap_or_default();
            let notes = notes.get(&job.id).cloned().unwrap_or_default();
            lines.push(match format {
                Format::Json => line(job, &times, notes),
                Format::Csv => line(job, &times, notes).harmless(),
            });
        }
        if lines.len() > MOST {
            return Err(ExportError::TooMany);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let content = match format {
        Format::Json => serde_json::to_vec_pretty(&lines).map_err(|error| ExportError::Write(error.to_string()))?,
        Format::Csv => csv(&lines)?,
    };
    Ok((content, lines.len()))
}

fn line(job: JobSummary, times: &HashMap<String, DateTime<Utc>>, notes: String) -> Line {
    let at = |status: JobStatus| times.get(status.as_str()).map(|time| words(*time)).unwrap_or_default();
    Line {
        id: job.id.to_string(),
        approved_at: at(JobStatus::Approved),
        applied_at: at(JobStatus::Applied),
        phone_screen_at: at(JobStatus::PhoneScreen),
        interviewing_at: at(JobStatus::Interviewing),
        offer_at: at(JobStatus::Offer),
        hired_at: at(JobStatus::Hired),
        rejected_at: at(JobStatus::Rejected),
        status: job.status,
        title: job.title,
        company: job.company,
        url: job.url,
        source: job.source,
        score: job.score,
        found_at: words(job.created_at),
        rejection_stage: job.rejection_stage.unwrap_or_default(),
        notes,
    }
}

fn words(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn csv(lines: &[Line]) -> Result<Vec<u8>, ExportError> {
    let failed = |error: String| ExportError::Write(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        writer.serialize(line).map_err(|error| failed(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| failed(error.to_string()))
}
