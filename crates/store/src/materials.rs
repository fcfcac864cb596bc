//! What is made for jobs, with earlier versions, and what it is made from: the résumé and how the person writes.
//! Functions take a transaction of the person's store ([`crate::Stores::person`]). The documents are JSON that the
//! pipeline defines.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Row, StoreError, Tx, jobs::number_of};

/// Most materials or versions that one call returns.
const MOST: usize = 200;

/// Something that is made for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// Id.
    pub id: Uuid,
    /// Job.
    pub job_id: Uuid,
    /// What it is; the pipeline says which kinds there are.
    pub kind: String,
    /// `waiting`, `ready` or `failed`.
    pub state: String,
    /// JSON.
    pub document: String,
    /// Who wrote it.
    pub written_by: String,
    /// Why there is none.
    pub problem: String,
    /// Number of the version that was chosen; 0 where there are no versions.
    pub chosen: i64,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// A version of a material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// From 1.
    pub number: i64,
    /// JSON.
    pub document: String,
    /// Who wrote it.
    pub written_by: String,
    /// The wish that it follows.
    pub note: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

const COLUMNS: &str = "material.id as id, job.id as job_id, kind, state, document, written_by, problem, chosen, \
    material.created_at as created_at, material.updated_at as updated_at";

fn decode(row: &Row) -> Result<Material, StoreError> {
    Ok(Material {
        id: row.id("id")?,
        job_id: row.id("job_id")?,
        kind: row.text("kind")?,
        state: row.text("state")?,
        document: row.private("material.document")?,
        written_by: row.text("written_by")?,
        problem: row.text("problem")?,
        chosen: row.int("chosen")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Adds a material. Whether its job exists.
pub async fn insert(tx: &mut Tx, material: &Material) -> Result<bool, StoreError> {
    let Some(number) = number_of(tx, material.job_id).await? else { return Ok(false) };
    let document = tx.private("material.document", &material.document)?;
    tx.execute(
        "insert into material (id, job, kind, state, document, written_by, problem, chosen, created_at, updated_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        vec![
            material.id.into(),
            number.into(),
            material.kind.as_str().into(),
            material.state.as_str().into(),
            document,
            material.written_by.as_str().into(),
            material.problem.as_str().into(),
            material.chosen.into(),
            material.created_at.into(),
            material.updated_at.into(),
        ],
    )
    .await?;
    Ok(true)
}

/// Writes everything of a material that changes. Whether it exists.
pub async fn update(tx: &mut Tx, material: &Material) -> Result<bool, StoreError> {
    let document = tx.private("material.document", &material.document)?;
    let changed = tx
        .execute(
            "update material set state = $2, document = $3, written_by = $4, problem = $5, chosen = $6, \
             updated_at = $7 where id = $1",
            vec![
                material.id.into(),
                material.state.as_str().into(),
                document,
                material.written_by.as_str().into(),
                material.problem.as_str().into(),
                material.chosen.into(),
                material.updated_at.into(),
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// One material.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Material>, StoreError> {
    let sql = format!("select {COLUMNS} from material join job on job.number = material.job where material.id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// The material that a task works on: its id is the task's key.
pub async fn of_task(tx: &mut Tx, task: Uuid) -> Result<Option<Material>, StoreError> {
    let row = tx.fetch_optional("select dedupe_key from task where id = $1", vec![task.into()]).await?;
    let key = row.map(|row| row.optional_text("dedupe_key")).transpose()?.flatten();
    match key.and_then(|key| Uuid::parse_str(&key).ok()) {
        Some(id) => get(tx, id).await,
        None => Ok(None),
    }
}

/// A job's materials of one kind, newest first, 200 at most.
pub async fn of_job(tx: &mut Tx, job: Uuid, kind: &str) -> Result<Vec<Material>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from material join job on job.number = material.job where job.id = $1 and kind = $2 \
         order by material.created_at desc, material.id desc limit {MOST}"
    );
    tx.fetch_all(sql, vec![job.into(), kind.into()]).await?.iter().map(decode).collect()
}

/// The newest materials of one kind over all jobs, 200 at most.
pub async fn of_kind(tx: &mut Tx, kind: &str) -> Result<Vec<Material>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from material join job on job.number = material.job where kind = $1 \
         order by material.updated_at desc, material.id desc limit {MOST}"
    );
    tx.fetch_all(sql, vec![kind.into()]).await?.iter().map(decode).collect()
}

/// Deletes a material with its versions. Whether it existed.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    tx.execute("delete from material_version where material = $1", vec![id.into()]).await?;
    Ok(tx.execute("delete from material where id = $1", vec![id.into()]).await? > 0)
}

/// Adds a version after the last one, and returns its number; the oldest ones over `keep` go.
pub async fn add_version(tx: &mut Tx, material: Uuid, version: &Version, keep: u32) -> Result<i64, StoreError> {
    let last = tx
        .fetch_one(
            "select coalesce(max(number), 0) as number from material_version where material = $1",
            vec![material.into()],
        )
        .await?
        .int("number")?;
    let number = last + 1;
    let document = tx.private("material_version.document", &version.document)?;
    let note = tx.private("material_version.note", &version.note)?;
    tx.execute(
        "insert into material_version (material, number, document, written_by, note, created_at) \
         values ($1, $2, $3, $4, $5, $6)",
        vec![
            material.into(),
            number.into(),
            document,
            version.written_by.as_str().into(),
            note,
            version.created_at.into(),
        ],
    )
    .await?;
    let oldest = number - i64::from(keep);
    let sql = "delete from material_version where material = $1 and number <= $2 \
               and number <> (select chosen from material where id = $1)";
    tx.execute(sql, vec![material.into(), oldest.into()]).await?;
    Ok(number)
}

/// The versions of a material, newest first.
pub async fn versions(tx: &mut Tx, material: Uuid) -> Result<Vec<Version>, StoreError> {
    let sql = format!(
        "select number, document, written_by, note, created_at from material_version where material = $1 \
         order by number desc limit {MOST}"
    );
    tx.fetch_all(sql, vec![material.into()]).await?.iter().map(decode_version).collect()
}

/// One version of a material.
pub async fn version(tx: &mut Tx, material: Uuid, number: i64) -> Result<Option<Version>, StoreError> {
    let sql = "select number, document, written_by, note, created_at from material_version \
               where material = $1 and number = $2";
    tx.fetch_optional(sql, vec![material.into(), number.into()]).await?.map(|row| decode_version(&row)).transpose()
}

fn decode_version(row: &Row) -> Result<Version, StoreError> {
    Ok(Version {
        number: row.int("number")?,
        document: row.private("material_version.document")?,
        written_by: row.text("written_by")?,
        note: row.private("material_version.note")?,
        created_at: row.time("created_at")?,
    })
}

/// Gives the materials of one job to another, as when the two are joined. A kind that both have stays with each: lists
/// show the newest.
pub async fn hand_over(tx: &mut Tx, from: Uuid, to: Uuid) -> Result<(), StoreError> {
    let (Some(from), Some(to)) = (number_of(tx, from).await?, number_of(tx, to).await?) else { return Ok(()) };
    tx.execute("update material set job = $2 where job = $1", vec![from.into(), to.into()]).await?;
    Ok(())
}

/// The résumé as it was read and corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Format of the file.
    pub format: String,
    /// Its name.
    pub file_name: String,
    /// The text that it was read from.
    pub source_text: String,
    /// JSON.
    pub document: String,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// The person's résumé, if one was imported.
pub async fn resume(tx: &mut Tx) -> Result<Option<Resume>, StoreError> {
    let sql = "select format, file_name, source_text, document, updated_at from resume";
    let Some(row) = tx.fetch_optional(sql, vec![]).await? else { return Ok(None) };
    Ok(Some(Resume {
        format: row.text("format")?,
        file_name: row.text("file_name")?,
        source_text: row.private("resume.source_text")?,
        document: row.private("resume.document")?,
        updated_at: row.time("updated_at")?,
    }))
}

/// Keeps the résumé in the place of an earlier one.
pub async fn save_resume(tx: &mut Tx, resume: &Resume) -> Result<(), StoreError> {
    tx.execute("delete from resume", vec![]).await?;
    let source_text = tx.private("resume.source_text", &resume.source_text)?;
    let document = tx.private("resume.document", &resume.document)?;
    tx.execute(
        "insert into resume (format, file_name, source_text, document, updated_at) values ($1, $2, $3, $4, $5)",
        vec![
            resume.format.as_str().into(),
            resume.file_name.as_str().into(),
            source_text,
            document,
            resume.updated_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// How the person's letters are written, as JSON.
pub async fn writing(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    tx.fetch_optional("select document from writing", vec![])
        .await?
        .map(|row| row.private("writing.document"))
        .transpose()
}

/// Keeps how the person's letters are written.
pub async fn save_writing(tx: &mut Tx, document: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.execute("delete from writing", vec![]).await?;
    let sql = "insert into writing (document, updated_at) values ($1, $2)";
    let document = tx.private("writing.document", document)?;
    tx.execute(sql, vec![document, now.into()]).await?;
    Ok(())
}

/// Keeps a picture for the task that is to read it.
pub async fn save_picture(tx: &mut Tx, id: Uuid, content: Vec<u8>, now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "insert into picture (id, content, created_at) values ($1, $2, $3)";
    tx.execute(sql, vec![id.into(), content.into(), now.into()]).await?;
    Ok(())
}

/// A picture that is to be read.
pub async fn picture(tx: &mut Tx, id: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.fetch_optional("select content from picture where id = $1", vec![id.into()]).await?;
    row.map(|row| row.bytes("content")).transpose()
}

/// Forgets a picture.
pub async fn delete_picture(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    tx.execute("delete from picture where id = $1", vec![id.into()]).await.map(|_| ())
}

/// Forgets pictures whose task never came to its end. How many.
pub async fn forget_pictures_before(tx: &mut Tx, before: DateTime<Utc>) -> Result<u64, StoreError> {
    tx.execute("delete from picture where created_at < $1", vec![before.into()]).await
}
