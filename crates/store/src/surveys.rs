//! Surveys of employers. Functions take a transaction of the person's store ([`crate::Stores::person`]).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Row, StoreError, Tx, jobs::number_of};

/// A survey with suggested answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Id.
    pub id: Uuid,
    /// Job.
    pub job_id: Uuid,
    /// Name.
    pub name: String,
    /// How detailed the answers are; the pipeline says which ways there are.
    pub mode: String,
    /// `waiting`, `answered` or `failed`.
    pub state: String,
    /// Whether it came as a picture.
    pub from_screenshot: bool,
    /// The questions.
    pub questions: String,
    /// The answers.
    pub answers: String,
    /// Who wrote them.
    pub answered_by: String,
    /// Why there are none.
    pub problem: String,
    /// Score that the employer reported.
    pub reported_score: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "survey.id as id, job.id as job_id, name, mode, state, from_screenshot, questions, answers, \
    answered_by, problem, reported_score, survey.created_at as created_at, survey.updated_at as updated_at";

fn decode(row: &Row) -> Result<Survey, StoreError> {
    Ok(Survey {
        id: row.id("id")?,
        job_id: row.id("job_id")?,
        name: row.text("name")?,
        mode: row.text("mode")?,
        state: row.text("state")?,
        from_screenshot: row.bool("from_screenshot")?,
        questions: row.private("survey.questions")?,
        answers: row.private("survey.answers")?,
        answered_by: row.text("answered_by")?,
        problem: row.text("problem")?,
        reported_score: row.text("reported_score")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Adds a survey. Whether its job exists.
pub async fn insert(tx: &mut Tx, survey: &Survey, screenshot: Option<Vec<u8>>) -> Result<bool, StoreError> {
    let Some(number) = number_of(tx, survey.job_id).await? else { return Ok(false) };
    let questions = tx.private("survey.questions", &survey.questions)?;
    let answers = tx.private("survey.answers", &survey.answers)?;
    tx.execute(
        "insert into survey (id, job, name, mode, state, from_screenshot, questions, answers, answered_by, problem, \
         reported_score, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        vec![
            survey.id.into(),
            number.into(),
            survey.name.as_str().into(),
            survey.mode.as_str().into(),
            survey.state.as_str().into(),
            survey.from_screenshot.into(),
            questions,
            answers,
            survey.answered_by.as_str().into(),
            survey.problem.as_str().into(),
            survey.reported_score.as_str().into(),
            survey.created_at.into(),
            survey.updated_at.into(),
        ],
    )
    .await?;
    if let Some(content) = screenshot {
        let sql = "insert into survey_screenshot (survey, content) values ($1, $2)";
        tx.execute(sql, vec![survey.id.into(), content.into()]).await?;
    }
    Ok(true)
}

/// Writes everything of a survey that changes. Whether it exists.
pub async fn update(tx: &mut Tx, survey: &Survey) -> Result<bool, StoreError> {
    let questions = tx.private("survey.questions", &survey.questions)?;
    let answers = tx.private("survey.answers", &survey.answers)?;
    let changed = tx
        .execute(
            "update survey set name = $2, state = $3, questions = $4, answers = $5, answered_by = $6, problem = $7, \
             reported_score = $8, updated_at = $9 where id = $1",
            vec![
                survey.id.into(),
                survey.name.as_str().into(),
                survey.state.as_str().into(),
                questions,
                answers,
                survey.answered_by.as_str().into(),
                survey.problem.as_str().into(),
                survey.reported_score.as_str().into(),
                survey.updated_at.into(),
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// One survey.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Survey>, StoreError> {
    let sql = format!("select {COLUMNS} from survey join job on job.number = survey.job where survey.id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// The surveys of a job, newest first, 200 at most.
pub async fn of_job(tx: &mut Tx, job: Uuid) -> Result<Vec<Survey>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from survey join job on job.number = survey.job where job.id = $1 \
         order by survey.created_at desc, survey.id desc limit 200"
    );
    tx.fetch_all(sql, vec![job.into()]).await?.iter().map(decode).collect()
}

/// The picture that a survey came as.
pub async fn screenshot(tx: &mut Tx, id: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.fetch_optional("select content from survey_screenshot where survey = $1", vec![id.into()]).await?;
    row.map(|row| row.bytes("content")).transpose()
}

/// Deletes a survey with its picture; returns its job if it existed.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<Option<Uuid>, StoreError> {
    let Some(survey) = get(tx, id).await? else { return Ok(None) };
    tx.execute("delete from survey_screenshot where survey = $1", vec![id.into()]).await?;
    tx.execute("delete from survey where id = $1", vec![id.into()]).await?;
    Ok(Some(survey.job_id))
}
