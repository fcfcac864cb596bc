//! What tasks make for a job: letters, tailored résumés, answers, briefs, practice. What all of these share.

use std::fmt;

use aerie_documents::resume::YearMonth;
use aerie_store::{
    Database, PersonId, StoreError, Tx, jobs as job_rows,
    jobs::Job,
    materials::{self as rows, Material},
};
use aerie_tasks::{NewTask, Outcome, QueueError, Step, Submitted, TaskContext, TaskError, TaskHandler, TaskId};
use chrono::{DateTime, Datelike, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use uuid::Uuid;

use crate::{core::Core, jobs::job_event, models::ModelError};

/// What stands for the writer where no model was asked.
pub(crate) const RULES: &str = "rules";

/// The same for a text that a template wrote.
pub(crate) const TEMPLATE: &str = "template";

/// What stands for the writer after an edit.
pub(crate) const PERSON: &str = "you";

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Letter,
    TailoredResume,
    Question,
    Research,
    Preparation,
    MockInterview,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::TailoredResume => "tailored_resume",
            Self::Question => "question",
            Self::Research => "research",
            Self::Preparation => "preparation",
            Self::MockInterview => "mock_interview",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Letter => "letter",
            Self::TailoredResume => "tailored résumé",
            Self::Question => "question",
            Self::Research => "brief",
            Self::Preparation => "preparation",
            Self::MockInterview => "mock interview",
        })
    }
}

/// How far a material has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Ready,
    Failed,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn of(name: &str) -> Self {
        match name {
            "ready" => Self::Ready,
            "failed" => Self::Failed,
            _ => Self::Waiting,
        }
    }
}

/// Said of what was cancelled before there was any of it.
const STOPPED: &str = "it was stopped before it was done; ask for it again";

/// Why something was not made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MaterialError {
    #[error("job {0} does not exist; see the list of jobs")]
    NoJob(Uuid),
    #[error("{0} {1} does not exist; it may have been deleted meanwhile")]
    NotFound(Kind, Uuid),
    #[error("job {1} has no {0} yet; ask for one first")]
    None(Kind, Uuid),
    #[error("the letter has no version {0}; GetLetter lists those that there are")]
    NoVersion(i64),
    #[error("the {0} is being worked on by task {1}; wait for it or cancel it")]
    Busy(Kind, String),
    #[error("no résumé is known: import one, or fill in the profile")]
    NoResume,
    /// What the person asked for cannot be done now.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Typeset(#[from] aerie_typesetting::TypesetError),
    #[error("the document cannot be written: {0}")]
    Docx(#[from] aerie_documents::output::DocxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Event(#[from] aerie_events::EventError),
    #[error("a thread that worked on it ended: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// One person's materials.
pub(crate) struct Materials<'a> {
    pub(crate) core: &'a Core,
    pub(crate) database: &'a Database,
    pub(crate) person: PersonId,
}

impl Materials<'_> {
    /// A material of a kind, by its id.
    pub(crate) async fn get(&self, kind: Kind, id: Uuid) -> Result<Material, MaterialError> {
        let mut tx = self.database.read().await?;
        let found = rows::get(&mut tx, id).await?.filter(|material| material.kind == kind.as_str());
        found.ok_or(MaterialError::NotFound(kind, id))
    }

    /// A job's newest material of a kind.
    pub(crate) async fn newest(&self, kind: Kind, job: Uuid) -> Result<Option<Material>, MaterialError> {
        let mut tx = self.database.read().await?;
        self::job(&mut tx, job).await?;
        Ok(rows::of_job(&mut tx, job, kind.as_str()).await?.into_iter().next())
    }

    /// Asks for a job's one material of a kind to be made, or made again.
    pub(crate) async fn request<Task: TaskHandler>(
        &self,
        kind: Kind,
        job: Uuid,
        payload: impl FnOnce(Uuid) -> Task::Payload,
    ) -> Result<String, MaterialError> {
        let mut tx = self.database.begin().await?;
        let submitted = request_in::<Task>(self.core, &mut tx, kind, job, payload).await?;
        self.core.inner.queue.commit(tx, self.person).await?;
        Ok(submitted.id.to_string())
    }

    /// The same for what must not be taken for something else that was asked before.
    pub(crate) async fn request_alone<Task: TaskHandler>(
        &self,
        kind: Kind,
        job: Uuid,
        payload: impl FnOnce(Uuid) -> Task::Payload,
    ) -> Result<String, MaterialError> {
        let mut tx = self.database.begin().await?;
        let submitted = request_in::<Task>(self.core, &mut tx, kind, job, payload).await?;
        if !submitted.created {
            return Err(MaterialError::Busy(kind, submitted.id.to_string()));
        }
        self.core.inner.queue.commit(tx, self.person).await?;
        Ok(submitted.id.to_string())
    }

    /// Adds a material and a task that works on it.
    pub(crate) async fn start<Task: TaskHandler>(
        &self,
        material: &Material,
        payload: &Task::Payload,
    ) -> Result<String, MaterialError> {
        let mut tx = self.database.begin().await?;
        if !rows::insert(&mut tx, material).await? {
            return Err(MaterialError::NoJob(material.job_id));
        }
        let submitted = submit::<Task>(self.core, &mut tx, material.id, payload).await?;
        self.changed(tx, material).await?;
        Ok(submitted.id.to_string())
    }

    /// Writes a material that the person changed, and asks for a task to go on with it where `payload` is given.
    pub(crate) async fn update<Task: TaskHandler>(
        &self,
        kind: Kind,
        material: &Material,
        payload: Option<&Task::Payload>,
    ) -> Result<String, MaterialError> {
        let mut tx = self.database.begin().await?;
        if !rows::update(&mut tx, material).await? {
            return Err(MaterialError::NotFound(kind, material.id));
        }
        let task = match payload {
            Some(payload) => {
                let submitted = submit::<Task>(self.core, &mut tx, material.id, payload).await?;
                if !submitted.created {
                    return Err(MaterialError::Busy(kind, submitted.id.to_string()));
                }
                submitted.id.to_string()
            }
            None => String::new(),
        };
        self.changed(tx, material).await?;
        Ok(task)
    }

    /// Deletes a material.
    pub(crate) async fn delete(&self, kind: Kind, id: Uuid) -> Result<(), MaterialError> {
        let material = self.get(kind, id).await?;
        let mut tx = self.database.begin().await?;
        rows::delete(&mut tx, id).await?;
        self.changed(tx, &material).await
    }

    /// Commits with the event that a material changed.
    pub(crate) async fn changed(&self, mut tx: Tx, material: &Material) -> Result<(), MaterialError> {
        announce(self.core, &mut tx, material).await?;
        Ok(self.core.inner.queue.commit(tx, self.person).await?)
    }
}

/// The job, which must exist.
pub(crate) async fn job(tx: &mut Tx, id: Uuid) -> Result<Job, MaterialError> {
    job_rows::get(tx, id).await?.ok_or(MaterialError::NoJob(id))
}

/// Asks, within a transaction, for a job's one material of a kind to be made. While a task is at it, its id is returned.
pub(crate) async fn request_in<Task: TaskHandler>(
    core: &Core,
    tx: &mut Tx,
    kind: Kind,
    job: Uuid,
    payload: impl FnOnce(Uuid) -> Task::Payload,
) -> Result<Submitted, MaterialError> {
    let now = core.now();
    let material = match rows::of_job(tx, job, kind.as_str()).await?.into_iter().next() {
        Some(known) => {
            let again = Material {
                state: State::Waiting.as_str().to_owned(),
                problem: String::new(),
                updated_at: now,
                ..known
            };
            rows::update(tx, &again).await?;
            again
        }
        None => {
            let new = new_material(kind, job, now);
            if !rows::insert(tx, &new).await? {
                return Err(MaterialError::NoJob(job));
            }
            new
        }
    };
    let submitted = submit::<Task>(core, tx, material.id, &payload(material.id)).await?;
    announce(core, tx, &material).await?;
    Ok(submitted)
}

/// What the tasks that were cancelled worked on waits for nothing any more: it is again what it was before, or says that it
/// was stopped.
pub(crate) async fn stopped(core: &Core, tx: &mut Tx, tasks: &[TaskId]) -> Result<(), QueueError> {
    for task in tasks {
        let Some(material) = rows::of_task(tx, *task).await? else { continue };
        if State::of(&material.state) != State::Waiting {
            continue;
        }
        let (state, problem) = match material.written_by.is_empty() {
            true => (State::Failed, STOPPED.to_owned()),
            false => (State::Ready, String::new()),
        };
        let material = Material { state: state.as_str().to_owned(), problem, updated_at: core.now(), ..material };
        rows::update(tx, &material).await?;
        announce(core, tx, &material).await?;
    }
    Ok(())
}

/// A material that waits for its task.
pub(crate) fn new_material(kind: Kind, job: Uuid, now: DateTime<Utc>) -> Material {
    Material {
        id: Uuid::now_v7(),
        job_id: job,
        kind: kind.as_str().to_owned(),
        state: State::Waiting.as_str().to_owned(),
        document: "{}".to_owned(),
        written_by: String::new(),
        problem: String::new(),
        chosen: 0,
        created_at: now,
        updated_at: now,
    }
}

async fn submit<Task: TaskHandler>(
    core: &Core,
    tx: &mut Tx,
    material: Uuid,
    payload: &Task::Payload,
) -> Result<Submitted, QueueError> {
    let task = NewTask::new::<Task>(payload)?
        .with_key(material.to_string())
        .with_trace_context(aerie_telemetry::current_traceparent());
    core.inner.queue.submit(tx, task).await
}

async fn announce(core: &Core, tx: &mut Tx, material: &Material) -> Result<(), aerie_events::EventError> {
    let data = json!({ "material_id": material.id, "kind": material.kind, "state": material.state });
    aerie_events::append(tx, job_event("material.changed", material.job_id, data, core.now())).await.map(|_| ())
}

/// A material's document.
pub(crate) fn document<T: DeserializeOwned>(material: &Material) -> Result<T, StoreError> {
    parse(&material.document)
}

/// A version's document.
pub(crate) fn parse<T: DeserializeOwned>(document: &str) -> Result<T, StoreError> {
    serde_json::from_str(document)
        .map_err(|error| StoreError::Decode { column: "document".to_owned(), detail: error.to_string() })
}

/// A document as it is stored.
pub(crate) fn written(document: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(document)
        .map_err(|error| StoreError::Decode { column: "document".to_owned(), detail: error.to_string() })
}

/// The month that a time lies in.
pub(crate) fn month(time: DateTime<Utc>) -> YearMonth {
    let year = u16::try_from(time.year()).unwrap_or_default();
    YearMonth { year, month: u8::try_from(time.month()).ok() }
}

/// What a running task does with its material.
pub(crate) struct Making<'a> {
    pub(crate) core: &'a Core,
    pub(crate) context: &'a TaskContext,
}

impl Making<'_> {
    /// The material and its job; `None` when it was deleted meanwhile.
    pub(crate) async fn read(&self, id: Uuid) -> Result<Option<(Material, Job)>, TaskError> {
        let mut tx = self.context.database().read().await?;
        let Some(material) = rows::get(&mut tx, id).await? else { return Ok(None) };
        let job = job_rows::get(&mut tx, material.job_id).await?;
        Ok(job.map(|job| (material, job)))
    }

    /// Keeps a finished material, once and only while the task is this run's.
    pub(crate) async fn finish(&self, mut material: Material, by: String) -> Result<(), TaskError> {
        material.state = State::Ready.as_str().to_owned();
        material.problem = String::new();
        material.written_by = by;
        self.keep(material).await
    }

    async fn keep(&self, mut material: Material) -> Result<(), TaskError> {
        let mut step = match self.context.begin_step::<()>("keep").await? {
            Step::Finished(()) => return Ok(()),
            Step::Open(step) => step,
        };
        material.updated_at = self.core.now();
        rows::update(step.tx(), &material).await?;
        announce(self.core, step.tx(), &material).await.map_err(QueueError::from)?;
        step.finish(()).await
    }

    /// The task cannot make it: says why, in the material too.
    pub(crate) async fn fail<T>(&self, mut material: Material, reason: &str) -> Result<Outcome<T>, TaskError> {
        material.state = State::Failed.as_str().to_owned();
        material.problem = reason.to_owned();
        self.keep(material).await?;
        Ok(Outcome::Fail { reason: reason.to_owned() })
    }

    /// A model that is there did not answer: later, or not at all.
    pub(crate) async fn give_up<T>(&self, material: Material, error: ModelError) -> Result<Outcome<T>, TaskError> {
        match error.outcome() {
            Outcome::Fail { reason } => self.fail(material, &reason).await,
            later if self.context.is_last_attempt() => {
                let reason = match &later {
                    Outcome::Retry { reason, .. } => reason.clone(),
                    _ => "the model did not answer".to_owned(),
                };
                self.fail(material, &reason).await
            }
            later => Ok(later),
        }
    }
}

/// The task has nothing left to work on.
pub(crate) fn deleted<T>() -> Outcome<T> {
    Outcome::Fail { reason: "it was deleted meanwhile".to_owned() }
}
