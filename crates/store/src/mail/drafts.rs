//! Replies that were drafted.

use uuid::Uuid;

use super::MailDraft;
use crate::{Row, StoreError, Tx};

const COLUMNS: &str = "id, mail, wish, state, subject, body, written_by, problem, created_at, updated_at";

fn decode(row: &Row) -> Result<MailDraft, StoreError> {
    Ok(MailDraft {
        id: row.id("id")?,
        mail_id: row.id("mail")?,
        wish: row.private("mail_draft.wish")?,
        state: row.text("state")?,
        subject: row.private("mail_draft.subject")?,
        body: row.private("mail_draft.body")?,
        written_by: row.text("written_by")?,
        problem: row.text("problem")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Adds a draft.
pub async fn insert_draft(tx: &mut Tx, draft: &MailDraft) -> Result<(), StoreError> {
    let sql = "insert into mail_draft (id, mail, wish, state, subject, body, written_by, problem, created_at, \
               updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let values = vec![
        draft.id.into(),
        draft.mail_id.into(),
        tx.private("mail_draft.wish", &draft.wish)?,
        draft.state.as_str().into(),
        tx.private("mail_draft.subject", &draft.subject)?,
        tx.private("mail_draft.body", &draft.body)?,
        draft.written_by.as_str().into(),
        draft.problem.as_str().into(),
        draft.created_at.into(),
        draft.updated_at.into(),
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

/// One draft.
pub async fn draft(tx: &mut Tx, id: Uuid) -> Result<Option<MailDraft>, StoreError> {
    let sql = format!("select {COLUMNS} from mail_draft where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// The newest draft of a reply to a mail.
pub async fn latest_draft(tx: &mut Tx, mail: Uuid) -> Result<Option<MailDraft>, StoreError> {
    let sql = format!("select {COLUMNS} from mail_draft where mail = $1 order by created_at desc, id desc limit 1");
    tx.fetch_optional(sql, vec![mail.into()]).await?.map(|row| decode(&row)).transpose()
}

/// Writes what a draft says. Whether it exists.
pub async fn update_draft(tx: &mut Tx, draft: &MailDraft) -> Result<bool, StoreError> {
    let sql = "update mail_draft set state = $2, subject = $3, body = $4, written_by = $5, problem = $6, \
               updated_at = $7 where id = $1";
    let values = vec![
        draft.id.into(),
        draft.state.as_str().into(),
        tx.private("mail_draft.subject", &draft.subject)?,
        tx.private("mail_draft.body", &draft.body)?,
        draft.written_by.as_str().into(),
        draft.problem.as_str().into(),
        draft.updated_at.into(),
    ];
    Ok(tx.execute(sql, values).await? > 0)
}
