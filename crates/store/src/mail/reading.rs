//! Reading mails, and what linking them to jobs needs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::MailRow;
use crate::{Row, StoreError, Tx, Value, batch::fetch_in, json};

const COLUMNS: &str = "mail.id as id, mail.account as account, mail.key as key, mail.mailbox as mailbox, message_id, \
    thread, sent, subject, from_name, from_address, recipients, received_at, label, confidence, certain, labelled_by, \
    asked, evidence, job.id as job_id, linked_by, candidates, event, postings, mail.created_at as created_at, \
    mail.updated_at as updated_at";

fn decode(row: &Row, with_body: bool) -> Result<MailRow, StoreError> {
    Ok(MailRow {
        id: row.id("id")?,
        account: row.id("account")?,
        key: row.text("key")?,
        mailbox: row.text("mailbox")?,
        message_id: row.optional_text("message_id")?,
        thread: json::decode(row, "thread")?,
        sent: row.bool("sent")?,
        subject: row.private("mail.subject")?,
        from_name: row.private("mail.from_name")?,
        from_address: row.private("mail.from_address")?,
        recipients: json::decode_private(row, "mail.recipients")?,
        received_at: row.time("received_at")?,
        body: if with_body { row.private("mail.body")? } else { String::new() },
        label: row.text("label")?,
        confidence: row.float("confidence")?,
        certain: row.bool("certain")?,
        labelled_by: row.text("labelled_by")?,
        asked: row.bool("asked")?,
        evidence: row.private("mail.evidence")?,
        job_id: row.optional_id("job_id")?,
        linked_by: row.text("linked_by")?,
        candidates: json::decode(row, "candidates")?,
        event: row.optional_private("mail.event")?,
        postings: row.private("mail.postings")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// One mail with its text.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<MailRow>, StoreError> {
    let sql = format!("select {COLUMNS}, body from mail left join job on job.number = mail.job where mail.id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row, true)).transpose()
}

/// Which mails to list.
#[derive(Debug, Clone, Default)]
pub struct MailFilter {
    /// Only of this job.
    pub job: Option<Uuid>,
    /// Only of this account.
    pub account: Option<Uuid>,
    /// Only of these labels; none means all.
    pub labels: Vec<String>,
    /// Only those that belong to no job.
    pub unlinked: bool,
}

/// Mails of a list, without their text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MailPage {
    /// The mails, newest first.
    pub mails: Vec<MailRow>,
    /// Where the next page begins.
    pub next: Option<(DateTime<Utc>, Uuid)>,
}

/// Mails, newest first, `size` of them at most, beginning behind `after`.
pub async fn list(
    tx: &mut Tx,
    filter: &MailFilter,
    after: Option<(DateTime<Utc>, Uuid)>,
    size: u32,
) -> Result<MailPage, StoreError> {
    let mut conditions = vec!["true".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    if let Some(job) = filter.job {
        conditions.push(format!("job.id = {}", place(job.into())));
    }
    if let Some(account) = filter.account {
        conditions.push(format!("mail.account = {}", place(account.into())));
    }
    if !filter.labels.is_empty() {
        let places: Vec<String> = filter.labels.iter().map(|label| place(label.as_str().into())).collect();
        conditions.push(format!("label in ({})", places.join(", ")));
    }
    if filter.unlinked {
        conditions.push("mail.job is null".to_owned());
    }
    if let Some((time, id)) = after {
        let (time, id) = (place(time.into()), place(id.into()));
        conditions.push(format!("(received_at, mail.id) < ({time}, {id})"));
    }
    let sql = format!(
        "select {COLUMNS} from mail left join job on job.number = mail.job where {} \
         order by received_at desc, mail.id desc limit {}",
        conditions.join(" and "),
        u64::from(size) + 1
    );
    let rows = tx.fetch_all(sql, values).await?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut mails = rows.iter().take(size).map(|row| decode(row, false)).collect::<Result<Vec<_>, _>>()?;
    let next = if rows.len() > size { mails.last().map(|mail| (mail.received_at, mail.id)) } else { None };
    mails.shrink_to_fit();
    Ok(MailPage { mails, next })
}

/// Ids of mails of which rules were not sure and no model was asked yet, oldest first.
pub async fn unsure(tx: &mut Tx, account: Uuid, most: u32) -> Result<Vec<Uuid>, StoreError> {
    let sql = match tx.engine() {
        crate::Engine::Sqlite => "select id from mail where asked = 0 and account = $1 order by number limit ",
        crate::Engine::Postgres => "select id from mail where not asked and account = $1 order by number limit ",
    };
    tx.fetch_all(format!("{sql}{most}"), vec![account.into()]).await?.iter().map(|row| row.id("id")).collect()
}

/// A job that mail may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobForMail {
    /// Job.
    pub id: Uuid,
    /// Employer.
    pub company: String,
    /// Title.
    pub title: String,
    /// Page of the posting.
    pub url: String,
}

/// Jobs of these statuses, newest change first, `most` of them at most.
pub async fn jobs_for_mail(tx: &mut Tx, statuses: &[&str], most: u32) -> Result<Vec<JobForMail>, StoreError> {
    let places = (1..=statuses.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "select id, company, title, url from job where joined_into is null and status in ({places}) \
         order by updated_at desc, number desc limit {most}"
    );
    let rows = tx.fetch_all(sql, statuses.iter().map(|status| Value::from(*status)).collect()).await?;
    rows.iter()
        .map(|row| {
            Ok(JobForMail {
                id: row.id("id")?,
                company: row.text("company")?,
                title: row.text("title")?,
                url: row.text("url")?,
            })
        })
        .collect()
}

/// Jobs to which the messages of these ids are linked, by message id.
pub async fn linked_by_messages(tx: &mut Tx, messages: &[String]) -> Result<HashMap<String, Uuid>, StoreError> {
    let mut found = HashMap::new();
    let keys: Vec<Value> = messages.iter().map(|id| Value::from(id.as_str())).collect();
    fetch_in(
        tx,
        "select message_id, job.id as job_id from mail join job on job.number = mail.job where message_id in (",
        ")",
        keys,
        |row| {
            found.insert(row.text("message_id")?, row.id("job_id")?);
            Ok(())
        },
    )
    .await?;
    Ok(found)
}
