//! Named steps, whose results outlive a crash.

use std::future::Future;

use aerie_store::Tx;
use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};

use super::TaskContext;
use crate::{QueueError, TaskError, task::parse_json};

/// Most bytes of a step's result.
const MOST_RESULT_BYTES: usize = 1024 * 1024;

/// A step that was begun.
#[derive(Debug)]
pub enum Step<T> {
    /// It finished in an earlier run, with this result.
    Finished(T),
    /// It is to be done now.
    Open(OpenStep),
}

/// A step whose effect and result become lasting together.
#[derive(Debug)]
pub struct OpenStep {
    context: TaskContext,
    name: String,
    tx: Tx,
}

impl TaskContext {
    /// Does `work` once: when the task runs again after a crash, the stored result is returned instead.
    ///
    /// If the process dies after the work and before its result is stored, the work is done again. For effects in the
    /// person's store use [`TaskContext::step_in_tx`], which closes that gap.
    pub async fn step<T, F, W>(&self, name: &str, work: F) -> Result<T, TaskError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce() -> W,
        W: Future<Output = Result<T, TaskError>>,
    {
        let mut tx = self.inner.database.read().await?;
        let stored = self.stored(&mut tx, name).await?;
        drop(tx);
        if let Some(result) = stored {
            return Ok(result);
        }
        let result = work().await?;
        match self.begin_step(name).await? {
            Step::Open(step) => step.finish(result).await,
            // Another branch of this very run did the same step.
            Step::Finished(result) => Ok(result),
        }
    }

    /// Does `work` exactly once: what it writes through the transaction and its result are committed together.
    ///
    /// ```ignore
    /// let saved: u64 = context.step_in_tx("save", |tx| Box::pin(async move { Ok(save(tx, rows).await?) })).await?;
    /// ```
    pub async fn step_in_tx<T, F>(&self, name: &str, work: F) -> Result<T, TaskError>
    where
        T: Serialize + DeserializeOwned,
        F: for<'tx> FnOnce(&'tx mut Tx) -> BoxFuture<'tx, Result<T, TaskError>>,
    {
        match self.begin_step(name).await? {
            Step::Finished(result) => Ok(result),
            Step::Open(mut step) => {
                let result = work(&mut step.tx).await?;
                step.finish(result).await
            }
        }
    }

    /// Begins a step whose effect is written in the same transaction as its result. Keep it short: nobody else can
    /// write the task meanwhile, and on SQLite nobody else can write the store.
    pub async fn begin_step<T: DeserializeOwned>(&self, name: &str) -> Result<Step<T>, TaskError> {
        let mut tx = self.begin_fenced().await?;
        if let Some(result) = self.stored(&mut tx, name).await? {
            return Ok(Step::Finished(result));
        }
        Ok(Step::Open(OpenStep { context: self.clone(), name: name.to_owned(), tx }))
    }

    async fn stored<T: DeserializeOwned>(&self, tx: &mut Tx, name: &str) -> Result<Option<T>, TaskError> {
        let row = tx
            .fetch_optional(
                "select result from task_step where task_id = $1 and name = $2",
                vec![self.id().into(), name.into()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let value = parse_json("result", &row.private("task_step.result")?)?;
        serde_json::from_value(value).map(Some).map_err(|error| codec(name, &error))
    }
}

impl OpenStep {
    /// The transaction of the step's effect.
    pub fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Stores the result and commits.
    pub async fn finish<T: Serialize>(mut self, result: T) -> Result<T, TaskError> {
        let text = serde_json::to_string(&result).map_err(|error| codec(&self.name, &error))?;
        let inner = &self.context.inner;
        if text.len() > MOST_RESULT_BYTES {
            return Err(QueueError::TooLarge {
                what: "a step's result",
                kind: inner.task.lease.kind.clone(),
                found: text.len(),
                most: MOST_RESULT_BYTES,
            }
            .into());
        }
        let text = self.tx.private("task_step.result", &text)?;
        self.tx
            .execute(
                "insert into task_step (task_id, name, result, finished_at) values ($1, $2, $3, $4)",
                vec![self.context.id().into(), self.name.as_str().into(), text, inner.queue.now().into()],
            )
            .await?;
        inner.queue.commit(self.tx, inner.person).await?;
        Ok(result)
    }
}

fn codec(name: &str, error: &serde_json::Error) -> TaskError {
    QueueError::Codec { what: format!("result of step {name:?}"), detail: error.to_string() }.into()
}
