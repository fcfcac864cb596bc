//! Adding mails and changing what is thought of them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::MailRow;
use crate::{Engine, StoreError, Tx, jobs::number_of, json};

/// Adds those mails that are not there yet, told by account and key; says for each whether it was added.
pub async fn insert_new(tx: &mut Tx, mail: &MailRow) -> Result<bool, StoreError> {
    let number = match mail.job_id {
        Some(job) => number_of(tx, job).await?,
        None => None,
    };
    let conflict = match tx.engine() {
        Engine::Sqlite => "(account, key)",
        Engine::Postgres => "(tenant_id, account, key)",
    };
    let sql = format!(
        "insert into mail (id, account, key, mailbox, message_id, thread, sent, subject, from_name, from_address, \
         recipients, received_at, body, label, confidence, certain, labelled_by, asked, evidence, job, linked_by, \
         candidates, event, postings, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
         $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26) on conflict {conflict} do nothing"
    );
    let linked_by = if number.is_some() { mail.linked_by.as_str() } else { "" };
    let values = vec![
        mail.id.into(),
        mail.account.into(),
        mail.key.as_str().into(),
        mail.mailbox.as_str().into(),
        mail.message_id.as_deref().into(),
        json::encode("thread", &mail.thread)?.into(),
        mail.sent.into(),
        tx.private("mail.subject", &mail.subject)?,
        tx.private("mail.from_name", &mail.from_name)?,
        tx.private("mail.from_address", &mail.from_address)?,
        tx.private("mail.recipients", &json::encode("recipients", &mail.recipients)?)?,
        mail.received_at.into(),
        tx.private("mail.body", &mail.body)?,
        mail.label.as_str().into(),
        mail.confidence.into(),
        mail.certain.into(),
        mail.labelled_by.as_str().into(),
        mail.asked.into(),
        tx.private("mail.evidence", &mail.evidence)?,
        number.into(),
        linked_by.into(),
        json::encode("candidates", &mail.candidates)?.into(),
        tx.optional_private("mail.event", mail.event.as_deref())?,
        tx.private("mail.postings", &mail.postings)?,
        mail.created_at.into(),
        mail.updated_at.into(),
    ];
    Ok(tx.execute(sql, values).await? > 0)
}

/// Writes what a mail is about, and who says so. Whether it exists.
pub async fn set_label(tx: &mut Tx, mail: &MailRow) -> Result<bool, StoreError> {
    let sql = "update mail set label = $2, confidence = $3, certain = $4, labelled_by = $5, asked = $6, updated_at = $7 \
               where id = $1";
    let values = vec![
        mail.id.into(),
        mail.label.as_str().into(),
        mail.confidence.into(),
        mail.certain.into(),
        mail.labelled_by.as_str().into(),
        mail.asked.into(),
        mail.updated_at.into(),
    ];
    Ok(tx.execute(sql, values).await? > 0)
}

/// Notes that no model needs to be asked about a mail any more.
pub async fn set_asked(tx: &mut Tx, mail: Uuid) -> Result<(), StoreError> {
    tx.execute("update mail set asked = $2 where id = $1", vec![mail.into(), true.into()]).await?;
    Ok(())
}

/// Links a mail to a job, or to none. Whether the job exists.
pub async fn set_link(
    tx: &mut Tx,
    mail: Uuid,
    job: Option<Uuid>,
    linked_by: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let number = match job {
        Some(job) => match number_of(tx, job).await? {
            Some(number) => Some(number),
            None => return Ok(false),
        },
        None => None,
    };
    let sql = "update mail set job = $2, linked_by = $3, candidates = '[]', updated_at = $4 where id = $1";
    tx.execute(sql, vec![mail.into(), number.into(), linked_by.into(), at.into()]).await?;
    Ok(true)
}

/// Gives the mail of one job, and what it suggests, to another, as when the two are joined.
pub async fn hand_over(tx: &mut Tx, from: Uuid, to: Uuid) -> Result<(), StoreError> {
    let (Some(from), Some(to)) = (number_of(tx, from).await?, number_of(tx, to).await?) else { return Ok(()) };
    for table in ["mail", "mail_suggestion"] {
        tx.execute(format!("update {table} set job = $2 where job = $1"), vec![from.into(), to.into()]).await?;
    }
    Ok(())
}
