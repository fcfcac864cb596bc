//! Looking at tasks.

use std::collections::BTreeMap;

use aerie_store::{Database, Tx, Value};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Queue;
use crate::{LogLine, QueueError, StepDone, Task, TaskId, TaskState, lease::tenant_clause};

/// Most tasks or log lines in one page.
const MOST_PAGE: usize = 1_000;

/// Which tasks a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these kinds; all when empty.
    pub kinds: Vec<String>,
    /// Only these states; all when empty.
    pub states: Vec<TaskState>,
    /// Only children of this task.
    pub parent: Option<TaskId>,
}

/// One page of a list, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Continues the list; `None` at its end.
    pub next_page_token: Option<String>,
}

/// How many unfinished tasks there are of each kind and state.
pub type Counts = BTreeMap<(String, TaskState), i64>;

/// Tasks of one kind whose time has come and that nobody works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// How many.
    pub count: i64,
    /// Since when the first of them waits.
    pub since: DateTime<Utc>,
}

impl Queue {
    /// One task.
    pub async fn get(&self, database: &Database, id: TaskId) -> Result<Task, QueueError> {
        let mut tx = database.read().await?;
        get(&mut tx, id).await?.ok_or(QueueError::NotFound { id })
    }

    /// Tasks, the newest first. `page_size` 0 means 50; at most 1,000.
    pub async fn list(
        &self,
        database: &Database,
        filter: &Filter,
        page_size: usize,
        page_token: Option<&str>,
    ) -> Result<Page, QueueError> {
        let size = if page_size == 0 { 50 } else { page_size.min(MOST_PAGE) };
        let mut values: Vec<Value> = vec![i64::try_from(size + 1).unwrap_or(i64::MAX).into()];
        let mut clauses = String::new();
        let mut one_of = |column: &str, allowed: Vec<Value>, comparison: &str| {
            if allowed.is_empty() {
                return;
            }
            let numbers: Vec<String> =
                (values.len() + 1..=values.len() + allowed.len()).map(|number| format!("${number}")).collect();
            clauses.push_str(&format!(" and {column} {comparison} ({})", numbers.join(", ")));
            values.extend(allowed);
        };
        one_of("kind", filter.kinds.iter().map(|kind| kind.as_str().into()).collect(), "in");
        one_of("state", filter.states.iter().map(|state| state.as_str().into()).collect(), "in");
        one_of("parent_id", filter.parent.into_iter().map(Value::from).collect(), "=");
        if let Some(token) = page_token {
            let before = Uuid::parse_str(token).map_err(|_| QueueError::BadPageToken { token: token.to_owned() })?;
            one_of("id", vec![before.into()], "<");
        }
        let sql = format!(
            "select {} from task where true{clauses}{} order by id desc limit $1",
            Task::COLUMNS,
            tenant_clause(database)
        );
        let rows = database.read().await?.fetch_all(sql, values).await?;
        let mut tasks = rows.iter().map(Task::from_row).collect::<Result<Vec<_>, _>>()?;
        let more = tasks.len() > size;
        tasks.truncate(size);
        let next_page_token = tasks.last().filter(|_| more).map(|task| task.id.to_string());
        Ok(Page { tasks, next_page_token })
    }

    /// Lines of a task's log after line `after` (0 for the start), at most 1,000.
    pub async fn log_lines(&self, database: &Database, id: TaskId, after: i64) -> Result<Vec<LogLine>, QueueError> {
        let rows = database
            .read()
            .await?
            .fetch_all(
                "select line, attempt, at, level, message from task_log where task_id = $1 and line > $2 \
                 order by line limit $3",
                vec![id.into(), after.into(), i64::try_from(MOST_PAGE).unwrap_or(i64::MAX).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(LogLine {
                    line: row.int("line")?,
                    attempt: row.int("attempt")?,
                    at: row.time("at")?,
                    level: row.text("level")?,
                    message: row.text("message")?,
                })
            })
            .collect()
    }

    /// The text that a running task is writing, as far as it has come; none while there is nothing to show.
    pub async fn draft(&self, database: &Database, id: TaskId) -> Result<Option<String>, QueueError> {
        let sql = "select draft from task where id = $1 and state = 'running'";
        let row = database.read().await?.fetch_optional(sql, vec![id.into()]).await?;
        Ok(row.map(|row| row.optional_private("task.draft")).transpose()?.flatten())
    }

    /// Finished steps of a task, the earliest first.
    pub async fn steps(&self, database: &Database, id: TaskId) -> Result<Vec<StepDone>, QueueError> {
        let mut tx = database.read().await?;
        let rows = tx
            .fetch_all(
                "select name, finished_at from task_step where task_id = $1 order by finished_at, name",
                vec![id.into()],
            )
            .await?;
        rows.iter().map(|row| Ok(StepDone { name: row.text("name")?, finished_at: row.time("finished_at")? })).collect()
    }

    /// Unfinished tasks by kind and state.
    pub async fn counts(&self, database: &Database) -> Result<Counts, QueueError> {
        let sql = format!(
            "select kind, state, count(*) as found from task where finished_at is null{} \
             group by kind, state",
            tenant_clause(database)
        );
        let mut counts = Counts::new();
        for row in database.read().await?.fetch_all(sql, vec![]).await? {
            counts.insert((row.text("kind")?, row.text("state")?.parse()?), row.int("found")?);
        }
        Ok(counts)
    }

    /// What waits for a worker, by kind.
    pub async fn due(&self, database: &Database) -> Result<BTreeMap<String, Due>, QueueError> {
        let sql = format!(
            "select kind, count(*) as found, min(run_at) as since from task where state = 'queued' and run_at <= $1{} \
             group by kind",
            tenant_clause(database)
        );
        let rows = database.read().await?.fetch_all(sql, vec![self.now().into()]).await?;
        rows.iter()
            .map(|row| Ok((row.text("kind")?, Due { count: row.int("found")?, since: row.time("since")? })))
            .collect()
    }
}

pub(crate) async fn get(tx: &mut Tx, id: TaskId) -> Result<Option<Task>, QueueError> {
    let sql = format!("select {} from task where id = $1", Task::COLUMNS);
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| Task::from_row(&row)).transpose()
}
