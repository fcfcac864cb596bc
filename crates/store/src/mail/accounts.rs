//! Accounts, and how far each of their mailboxes was read.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{MailAccount, MailboxRow};
use crate::{Row, Sealed, StoreError, Tx, Value, json};

/// Most accounts that are read.
const MOST_ACCOUNTS: u32 = 100;

const COLUMNS: &str = "id, name, host, port, security, login, password, certificates, mailboxes, since_days, automatic, \
    synced_at, problem, created_at, updated_at";

pub(super) fn number<T: TryFrom<i64>>(row: &Row, column: &str) -> Result<T, StoreError> {
    let value = row.int(column)?;
    T::try_from(value)
        .map_err(|_| StoreError::Decode { column: column.to_owned(), detail: format!("{value} is out of range") })
}

fn decode(row: &Row) -> Result<MailAccount, StoreError> {
    Ok(MailAccount {
        id: row.id("id")?,
        name: row.text("name")?,
        host: row.text("host")?,
        port: number(row, "port")?,
        security: row.text("security")?,
        login: row.text("login")?,
        password: Sealed(row.bytes("password")?),
        certificates: row.text("certificates")?,
        mailboxes: json::decode(row, "mailboxes")?,
        since_days: number(row, "since_days")?,
        automatic: row.bool("automatic")?,
        synced_at: row.optional_time("synced_at")?,
        problem: row.text("problem")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn values(account: &MailAccount) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        account.id.into(),
        account.name.as_str().into(),
        account.host.as_str().into(),
        i64::from(account.port).into(),
        account.security.as_str().into(),
        account.login.as_str().into(),
        account.password.0.clone().into(),
        account.certificates.as_str().into(),
        json::encode("mailboxes", &account.mailboxes)?.into(),
        account.since_days.into(),
        account.automatic.into(),
        account.updated_at.into(),
    ])
}

/// Every account, by name.
pub async fn accounts(tx: &mut Tx) -> Result<Vec<MailAccount>, StoreError> {
    let sql = format!("select {COLUMNS} from mail_account order by name, id limit {MOST_ACCOUNTS}");
    tx.fetch_all(sql, vec![]).await?.iter().map(decode).collect()
}

/// One account.
pub async fn account(tx: &mut Tx, id: Uuid) -> Result<Option<MailAccount>, StoreError> {
    let sql = format!("select {COLUMNS} from mail_account where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// Adds an account.
pub async fn insert_account(tx: &mut Tx, account: &MailAccount) -> Result<(), StoreError> {
    let mut all = values(account)?;
    all.push(account.created_at.into());
    tx.execute(
        "insert into mail_account (id, name, host, port, security, login, password, certificates, mailboxes, since_days, \
         automatic, problem, updated_at, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', $12, $13)",
        all,
    )
    .await?;
    Ok(())
}

/// Writes what a person changes of an account. Whether it exists.
pub async fn update_account(tx: &mut Tx, account: &MailAccount) -> Result<bool, StoreError> {
    let sql = "update mail_account set name = $2, host = $3, port = $4, security = $5, login = $6, password = $7, \
               certificates = $8, mailboxes = $9, since_days = $10, automatic = $11, problem = '', updated_at = $12 \
               where id = $1";
    Ok(tx.execute(sql, values(account)?).await? > 0)
}

/// Deletes an account with its mails. Whether it existed.
pub async fn delete_account(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(tx.execute("delete from mail_account where id = $1", vec![id.into()]).await? > 0)
}

/// Notes how a sync ended: completely at a time, or not, and why.
pub async fn synced(tx: &mut Tx, id: Uuid, at: Option<DateTime<Utc>>, problem: &str) -> Result<(), StoreError> {
    let sql = "update mail_account set synced_at = coalesce($2, synced_at), problem = $3 where id = $1";
    tx.execute(sql, vec![id.into(), at.into(), problem.into()]).await?;
    Ok(())
}

/// How far the mailboxes of an account were read, by name.
pub async fn mailbox_states(tx: &mut Tx, account: Uuid) -> Result<Vec<MailboxRow>, StoreError> {
    let sql = "select name, uid_validity, last_uid, modseq from mail_mailbox where account = $1 order by name";
    let rows = tx.fetch_all(sql, vec![account.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(MailboxRow {
                name: row.text("name")?,
                uid_validity: number(row, "uid_validity")?,
                last_uid: number(row, "last_uid")?,
                modseq: row.optional_int("modseq")?.and_then(|modseq| u64::try_from(modseq).ok()),
            })
        })
        .collect()
}

/// Writes how far a mailbox was read.
pub async fn save_mailbox_state(tx: &mut Tx, account: Uuid, state: &MailboxRow) -> Result<(), StoreError> {
    // RFC 7162 keeps it below 2^63; a server that does not is asked for everything the next time.
    let modseq = state.modseq.and_then(|modseq| i64::try_from(modseq).ok());
    let values = vec![
        account.into(),
        state.name.as_str().into(),
        state.uid_validity.into(),
        state.last_uid.into(),
        modseq.into(),
    ];
    let on_conflict = match tx.engine() {
        crate::Engine::Sqlite => "(account, name)",
        crate::Engine::Postgres => "(tenant_id, account, name)",
    };
    let sql = format!(
        "insert into mail_mailbox (account, name, uid_validity, last_uid, modseq) values ($1, $2, $3, $4, $5) \
         on conflict {on_conflict} do update set uid_validity = excluded.uid_validity, last_uid = excluded.last_uid, \
         modseq = excluded.modseq"
    );
    tx.execute(sql, values).await?;
    Ok(())
}

/// Forgets how far an account was read: the next sync reads everything again.
pub async fn forget_mailboxes(tx: &mut Tx, account: Uuid) -> Result<(), StoreError> {
    tx.execute("delete from mail_mailbox where account = $1", vec![account.into()]).await?;
    Ok(())
}
