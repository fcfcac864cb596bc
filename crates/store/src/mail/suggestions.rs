//! What mails suggest, and what the person made of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Suggestion;
use crate::{Row, StoreError, Tx, Value, jobs::number_of};

const COLUMNS: &str = "mail_suggestion.id as id, mail_suggestion.mail as mail, job.id as job_id, \
    mail_suggestion.label as label, mail_suggestion.status as status, state, mail_suggestion.certain as certain, \
    mail_suggestion.event as event, event_uid, appointment, mail_suggestion.created_at as created_at, decided_at";

fn decode(row: &Row) -> Result<Suggestion, StoreError> {
    Ok(Suggestion {
        id: row.id("id")?,
        mail_id: row.id("mail")?,
        job_id: row.id("job_id")?,
        label: row.text("label")?,
        status: row.text("status")?,
        state: row.text("state")?,
        certain: row.bool("certain")?,
        event: row.optional_private("mail_suggestion.event")?,
        event_uid: row.text("event_uid")?,
        appointment: row.optional_id("appointment")?,
        created_at: row.time("created_at")?,
        decided_at: row.optional_time("decided_at")?,
    })
}

/// Adds a suggestion. Whether its job exists.
pub async fn insert_suggestion(tx: &mut Tx, one: &Suggestion) -> Result<bool, StoreError> {
    let Some(number) = number_of(tx, one.job_id).await? else { return Ok(false) };
    let sql = "insert into mail_suggestion (id, mail, job, label, status, state, certain, event, event_uid, appointment, \
               created_at, decided_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let values = vec![
        one.id.into(),
        one.mail_id.into(),
        number.into(),
        one.label.as_str().into(),
        one.status.as_str().into(),
        one.state.as_str().into(),
        one.certain.into(),
        tx.optional_private("mail_suggestion.event", one.event.as_deref())?,
        one.event_uid.as_str().into(),
        one.appointment.into(),
        one.created_at.into(),
        one.decided_at.into(),
    ];
    tx.execute(sql, values).await?;
    Ok(true)
}

/// One suggestion.
pub async fn suggestion(tx: &mut Tx, id: Uuid) -> Result<Option<Suggestion>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from mail_suggestion join job on job.number = mail_suggestion.job where mail_suggestion.id = $1"
    );
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// The suggestions of a mail, oldest first.
pub async fn suggestions_of(tx: &mut Tx, mail: Uuid) -> Result<Vec<Suggestion>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from mail_suggestion join job on job.number = mail_suggestion.job \
         where mail_suggestion.mail = $1 order by mail_suggestion.created_at, mail_suggestion.id"
    );
    tx.fetch_all(sql, vec![mail.into()]).await?.iter().map(decode).collect()
}

/// Which suggestions to list.
#[derive(Debug, Clone, Default)]
pub struct SuggestionFilter {
    /// `open`, `accepted` or `dismissed`; none means all.
    pub state: Option<String>,
    /// Only of this job.
    pub job: Option<Uuid>,
    /// Only of this mail.
    pub mail: Option<Uuid>,
    /// Only this one.
    pub id: Option<Uuid>,
}

/// A suggestion with what a list shows beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedSuggestion {
    /// The suggestion.
    pub suggestion: Suggestion,
    /// Employer.
    pub company: String,
    /// Title.
    pub title: String,
    /// Where the job stands.
    pub job_status: String,
    /// Subject of the mail.
    pub subject: String,
    /// Sentence of the mail that says so.
    pub evidence: String,
    /// Who labelled the mail.
    pub labelled_by: String,
    /// How sure the label is.
    pub confidence: f64,
}

/// Suggestions, newest first, `most` of them at most. An open one whose job has arrived there by itself, with nothing to
/// enter into the calendar, is left out.
pub async fn list_suggestions(
    tx: &mut Tx,
    filter: &SuggestionFilter,
    most: u32,
) -> Result<Vec<ListedSuggestion>, StoreError> {
    let mut conditions = vec![
        "not (state = 'open' and mail_suggestion.event is null and mail_suggestion.status = job.status)".to_owned(),
    ];
    let mut values: Vec<Value> = Vec::new();
    if let Some(state) = &filter.state {
        values.push(state.as_str().into());
        conditions.push(format!("state = ${}", values.len()));
    }
    for (column, id) in
        [("job.id", filter.job), ("mail_suggestion.mail", filter.mail), ("mail_suggestion.id", filter.id)]
    {
        if let Some(id) = id {
            values.push(id.into());
            conditions.push(format!("{column} = ${}", values.len()));
        }
    }
    let sql = format!(
        "select {COLUMNS}, company, title, job.status as job_status, subject, evidence, labelled_by, confidence \
         from mail_suggestion join job on job.number = mail_suggestion.job join mail on mail.id = mail_suggestion.mail \
         where {} order by mail_suggestion.created_at desc, mail_suggestion.id desc limit {most}",
        conditions.join(" and ")
    );
    let rows = tx.fetch_all(sql, values).await?;
    rows.iter()
        .map(|row| {
            Ok(ListedSuggestion {
                suggestion: decode(row)?,
                company: row.text("company")?,
                title: row.text("title")?,
                job_status: row.text("job_status")?,
                subject: row.private("mail.subject")?,
                evidence: row.private("mail.evidence")?,
                labelled_by: row.text("labelled_by")?,
                confidence: row.float("confidence")?,
            })
        })
        .collect()
}

/// Writes what the person decided. Whether it was still open.
pub async fn decide(
    tx: &mut Tx,
    id: Uuid,
    state: &str,
    appointment: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "update mail_suggestion set state = $2, appointment = coalesce($3, appointment), decided_at = $4 \
               where id = $1 and state = 'open'";
    Ok(tx.execute(sql, vec![id.into(), state.into(), appointment.into(), at.into()]).await? > 0)
}

/// Takes back the open suggestions of a mail, as when it turns out to be about something else.
pub async fn withdraw(tx: &mut Tx, mail: Uuid) -> Result<u64, StoreError> {
    tx.execute("delete from mail_suggestion where mail = $1 and state = 'open'", vec![mail.into()]).await
}

/// The appointment that an earlier mail about the same event made for a job.
pub async fn appointment_of_event(tx: &mut Tx, job: Uuid, event_uid: &str) -> Result<Option<Uuid>, StoreError> {
    let sql = "select appointment from mail_suggestion join job on job.number = mail_suggestion.job \
               where event_uid = $2 and job.id = $1 and appointment is not null order by decided_at desc limit 1";
    let row = tx.fetch_optional(sql, vec![job.into(), event_uid.into()]).await?;
    row.map(|row| row.id("appointment")).transpose()
}

/// Whether a suggestion to move a job there waits already.
pub async fn is_open(tx: &mut Tx, job: Uuid, status: &str) -> Result<bool, StoreError> {
    let sql = "select 1 as found from mail_suggestion join job on job.number = mail_suggestion.job \
               where job.id = $1 and mail_suggestion.status = $2 and state = 'open' limit 1";
    Ok(tx.fetch_optional(sql, vec![job.into(), status.into()]).await?.is_some())
}
