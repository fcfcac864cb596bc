//! The course of jobs after applying: appointments, contacts, reminders. Functions take a transaction of the person's
//! store ([`crate::Stores::person`]).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Row, StoreError, Tx, Value, jobs::number_of, private::is_private};

/// Most entries that one call returns.
const MOST: i64 = 1_000;

/// Something at a certain time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// Id.
    pub id: Uuid,
    /// Job that it is about.
    pub job_id: Uuid,
    /// Kind; the pipeline says which there are.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Begin.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
    /// Name of the time zone that it was agreed in.
    pub zone: String,
    /// Address, room or link.
    pub location: String,
    /// Notes.
    pub notes: String,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Somebody at the employer or in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Id.
    pub id: Uuid,
    /// Job.
    pub job_id: Uuid,
    /// Name.
    pub name: String,
    /// What they do.
    pub role: String,
    /// Mail address.
    pub email: String,
    /// Telephone number.
    pub phone: String,
    /// Notes.
    pub notes: String,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Id.
    pub id: Uuid,
    /// Job.
    pub job_id: Uuid,
    /// What to do.
    pub text: String,
    /// When.
    pub due_at: DateTime<Utc>,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
    /// Whether a move of the job set it.
    pub automatic: bool,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// A kind of entry that belongs to a job.
trait Entry: Sized {
    const TABLE: &'static str;
    /// Columns between `job` and `updated_at`.
    const COLUMNS: &'static [&'static str];
    fn decode(row: &Row) -> Result<Self, StoreError>;
    /// Id, job, values of [`Entry::COLUMNS`], last change.
    fn parts(&self) -> (Uuid, Uuid, Vec<Value>, DateTime<Utc>);
}

impl Entry for Appointment {
    const TABLE: &'static str = "appointment";
    const COLUMNS: &'static [&'static str] = &["kind", "title", "starts_at", "ends_at", "zone", "location", "notes"];

    fn decode(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id("id")?,
            job_id: row.id("job_id")?,
            kind: row.text("kind")?,
            title: row.text("title")?,
            starts_at: row.time("starts_at")?,
            ends_at: row.time("ends_at")?,
            zone: row.text("zone")?,
            location: row.private("appointment.location")?,
            notes: row.private("appointment.notes")?,
            updated_at: row.time("updated_at")?,
        })
    }

    fn parts(&self) -> (Uuid, Uuid, Vec<Value>, DateTime<Utc>) {
        let values = vec![
            self.kind.as_str().into(),
            self.title.as_str().into(),
            self.starts_at.into(),
            self.ends_at.into(),
            self.zone.as_str().into(),
            self.location.as_str().into(),
            self.notes.as_str().into(),
        ];
        (self.id, self.job_id, values, self.updated_at)
    }
}

impl Entry for Contact {
    const TABLE: &'static str = "contact";
    const COLUMNS: &'static [&'static str] = &["name", "role", "email", "phone", "notes"];

    fn decode(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id("id")?,
            job_id: row.id("job_id")?,
            name: row.text("name")?,
            role: row.text("role")?,
            email: row.private("contact.email")?,
            phone: row.private("contact.phone")?,
            notes: row.private("contact.notes")?,
            updated_at: row.time("updated_at")?,
        })
    }

    fn parts(&self) -> (Uuid, Uuid, Vec<Value>, DateTime<Utc>) {
        let texts = [&self.name, &self.role, &self.email, &self.phone, &self.notes];
        (self.id, self.job_id, texts.map(|text| text.as_str().into()).to_vec(), self.updated_at)
    }
}

impl Entry for Reminder {
    const TABLE: &'static str = "reminder";
    const COLUMNS: &'static [&'static str] = &["text", "due_at", "done_at", "automatic"];

    fn decode(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id("id")?,
            job_id: row.id("job_id")?,
            text: row.private("reminder.text")?,
            due_at: row.time("due_at")?,
            done_at: row.optional_time("done_at")?,
            automatic: row.bool("automatic")?,
            updated_at: row.time("updated_at")?,
        })
    }

    fn parts(&self) -> (Uuid, Uuid, Vec<Value>, DateTime<Utc>) {
        let values = vec![self.text.as_str().into(), self.due_at.into(), self.done_at.into(), self.automatic.into()];
        (self.id, self.job_id, values, self.updated_at)
    }
}

/// Entries that meet a condition. `rest` follows the join with `job`.
async fn entries<One: Entry + Send>(tx: &mut Tx, rest: &str, values: Vec<Value>) -> Result<Vec<One>, StoreError> {
    let table = One::TABLE;
    let columns: Vec<String> = One::COLUMNS.iter().map(|column| format!("{table}.{column} as {column}")).collect();
    let sql = format!(
        "select {table}.id as id, job.id as job_id, {}, {table}.updated_at as updated_at \
         from {table} join job on job.number = {table}.job {rest} limit {MOST}",
        columns.join(", ")
    );
    tx.fetch_all(sql, values).await?.iter().map(One::decode).collect()
}

/// Writes an entry over the one of the same id, or adds it. Whether its job exists.
async fn save<One: Entry + Sync>(tx: &mut Tx, entry: &One) -> Result<bool, StoreError> {
    let (id, job, values, updated_at) = entry.parts();
    let Some(number) = number_of(tx, job).await? else { return Ok(false) };
    let columns = One::COLUMNS.join(", ");
    let places: Vec<String> = (3..3 + One::COLUMNS.len()).map(|place| format!("${place}")).collect();
    let changes: Vec<String> =
        One::COLUMNS.iter().zip(&places).map(|(column, place)| format!("{column} = {place}")).collect();
    let last = 3 + One::COLUMNS.len();
    let mut all: Vec<Value> = vec![id.into(), number.into()];
    for (column, value) in One::COLUMNS.iter().zip(values) {
        let column = format!("{}.{column}", One::TABLE);
        all.push(match value {
            Value::Text(text) if is_private(&column) => tx.optional_private(&column, text.as_deref())?,
            other => other,
        });
    }
    all.push(updated_at.into());
    let update =
        format!("update {} set job = $2, {}, updated_at = ${last} where id = $1", One::TABLE, changes.join(", "));
    if tx.execute(update, all.clone()).await? == 0 {
        let insert = format!(
            "insert into {} (id, job, {columns}, updated_at) values ($1, $2, {}, ${last})",
            One::TABLE,
            places.join(", ")
        );
        tx.execute(insert, all).await?;
    }
    Ok(true)
}

async fn one<One: Entry + Send>(tx: &mut Tx, id: Uuid) -> Result<Option<One>, StoreError> {
    let rest = format!("where {}.id = $1", One::TABLE);
    Ok(entries(tx, &rest, vec![id.into()]).await?.pop())
}

async fn delete(tx: &mut Tx, table: &str, id: Uuid) -> Result<bool, StoreError> {
    Ok(tx.execute(format!("delete from {table} where id = $1"), vec![id.into()]).await? > 0)
}

/// One appointment.
pub async fn appointment(tx: &mut Tx, id: Uuid) -> Result<Option<Appointment>, StoreError> {
    one(tx, id).await
}

/// Appointments of a job in order of time.
pub async fn appointments_of(tx: &mut Tx, job: Uuid) -> Result<Vec<Appointment>, StoreError> {
    entries(tx, "where job.id = $1 order by starts_at, appointment.id", vec![job.into()]).await
}

/// Appointments that end after `from` and begin before `until`, in order of time; those of jobs that were joined into
/// another too.
pub async fn appointments(
    tx: &mut Tx,
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<Appointment>, StoreError> {
    let order = "order by starts_at, appointment.id";
    match until {
        Some(until) => {
            let rest = format!("where ends_at >= $1 and starts_at < $2 {order}");
            entries(tx, &rest, vec![from.into(), until.into()]).await
        }
        None => entries(tx, &format!("where ends_at >= $1 {order}"), vec![from.into()]).await,
    }
}

/// Adds or replaces an appointment. Whether its job exists.
pub async fn save_appointment(tx: &mut Tx, appointment: &Appointment) -> Result<bool, StoreError> {
    save(tx, appointment).await
}

/// Deletes an appointment. Whether it existed.
pub async fn delete_appointment(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    delete(tx, Appointment::TABLE, id).await
}

/// One contact.
pub async fn contact(tx: &mut Tx, id: Uuid) -> Result<Option<Contact>, StoreError> {
    one(tx, id).await
}

/// Contacts of a job by name.
pub async fn contacts_of(tx: &mut Tx, job: Uuid) -> Result<Vec<Contact>, StoreError> {
    entries(tx, "where job.id = $1 order by name, contact.id", vec![job.into()]).await
}

/// Adds or replaces a contact. Whether its job exists.
pub async fn save_contact(tx: &mut Tx, contact: &Contact) -> Result<bool, StoreError> {
    save(tx, contact).await
}

/// Deletes a contact. Whether it existed.
pub async fn delete_contact(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    delete(tx, Contact::TABLE, id).await
}

/// One reminder.
pub async fn reminder(tx: &mut Tx, id: Uuid) -> Result<Option<Reminder>, StoreError> {
    one(tx, id).await
}

/// Reminders of a job, open ones first, then by time.
pub async fn reminders_of(tx: &mut Tx, job: Uuid) -> Result<Vec<Reminder>, StoreError> {
    let rest = "where job.id = $1 order by (done_at is not null), due_at, reminder.id";
    entries(tx, rest, vec![job.into()]).await
}

/// Reminders of all jobs, the most urgent first.
pub async fn reminders(tx: &mut Tx, include_done: bool) -> Result<Vec<Reminder>, StoreError> {
    let filter = if include_done { "" } else { "where done_at is null" };
    entries(tx, &format!("{filter} order by (done_at is not null), due_at, reminder.id"), vec![]).await
}

/// Adds or replaces a reminder. Whether its job exists.
pub async fn save_reminder(tx: &mut Tx, reminder: &Reminder) -> Result<bool, StoreError> {
    save(tx, reminder).await
}

/// Deletes a reminder. Whether it existed.
pub async fn delete_reminder(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    delete(tx, Reminder::TABLE, id).await
}

/// Deletes the open reminders of a job that a move set.
pub async fn clear_automatic_reminders(tx: &mut Tx, job: Uuid) -> Result<(), StoreError> {
    let sql = "delete from reminder where automatic = $2 and done_at is null \
               and job in (select number from job where id = $1)";
    tx.execute(sql, vec![job.into(), true.into()]).await?;
    Ok(())
}

/// Gives everything that is kept about the course of one job to another, as when the two are joined.
pub async fn hand_over(tx: &mut Tx, from: Uuid, to: Uuid) -> Result<(), StoreError> {
    let (Some(from), Some(to)) = (number_of(tx, from).await?, number_of(tx, to).await?) else { return Ok(()) };
    for table in [Appointment::TABLE, Contact::TABLE, Reminder::TABLE] {
        tx.execute(format!("update {table} set job = $2 where job = $1"), vec![from.into(), to.into()]).await?;
    }
    Ok(())
}
