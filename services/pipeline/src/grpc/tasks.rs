//! `TasksService`.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use aerie_events::{Delivery, SubscribeOptions};
use aerie_proto::pipeline::v1::{self as pb, tasks_service_server::TasksService};
use aerie_rpc::RpcError;
use aerie_store::Database;
use aerie_tasks::{Filter, LogLine, NewTask, StepDone, Task, TaskHandler, TaskId, TaskState};
use futures::{Stream, StreamExt};
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use super::{caller, convert, errors, id, optional_id, validation};
use crate::{core::Core, discovery::adding::UrlTask, materials, rescore::RescoreTask};

pub(crate) struct TasksApi {
    pub(crate) core: Core,
}

/// Kinds that a client may submit; the others are submitted by calls of their own, which check what they ask for.
const SUBMITTABLE: [&str; 2] = [RescoreTask::KIND, UrlTask::KIND];

/// Events after which a watched task is read again.
const TASK_EVENTS: [&str; 7] =
    ["task.queued", "task.running", "task.progress", "task.waiting", "task.completed", "task.failed", "task.cancelled"];

/// How often a running task is looked at for the text that it writes: no event tells of that.
const DRAFT_LOOKS: Duration = Duration::from_millis(250);

type WatchStream = Pin<Box<dyn Stream<Item = Result<pb::WatchTaskResponse, Status>> + Send>>;

#[tonic::async_trait]
impl TasksService for TasksApi {
    type WatchTaskStream = WatchStream;

    async fn submit_task(
        &self,
        request: Request<pb::SubmitTaskRequest>,
    ) -> Result<Response<pb::SubmitTaskResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        if !SUBMITTABLE.contains(&request.kind.as_str()) {
            let description = format!("is {:?}; clients may submit {}", request.kind, SUBMITTABLE.join(", "));
            return Err(RpcError::invalid_field("kind", description).into());
        }
        let mut check = validation(&self.core);
        check.text("dedupe_key", &request.dedupe_key);
        check.finish()?;
        let payload = request.payload.as_ref().map_or_else(|| serde_json::json!({}), convert::struct_json);
        if request.kind == UrlTask::KIND {
            let url = payload.get("url").and_then(|url| url.as_str()).unwrap_or_default();
            if aerie_postings::identity::canonical_url(url).is_none() {
                return Err(RpcError::invalid_field(
                    "payload.url",
                    format!("is {url:?}; it must begin with http:// or https://"),
                )
                .into());
            }
        }
        let default_key = match request.kind.as_str() {
            RescoreTask::KIND => caller.person.to_string(),
            _ => payload.to_string(),
        };
        let key = if request.dedupe_key.is_empty() { default_key } else { request.dedupe_key };
        let task = NewTask::of_kind(request.kind, payload)
            .with_key(key)
            .with_trace_context(aerie_telemetry::current_traceparent());
        let queue = &self.core.inner.queue;
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        let submitted = queue.submit(&mut tx, task).await.map_err(errors::queue)?;
        queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        let task = queue.get(&caller.database, submitted.id).await.map_err(errors::queue)?;
        Ok(Response::new(pb::SubmitTaskResponse { task: Some(to_wire(&task)), created: submitted.created }))
    }

    async fn get_task(&self, request: Request<pb::GetTaskRequest>) -> Result<Response<pb::GetTaskResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("task_id", &request.into_inner().task_id)?;
        let queue = &self.core.inner.queue;
        let task = queue.get(&caller.database, id).await.map_err(errors::queue)?;
        let mut wire = to_wire(&task);
        wire.log =
            queue.log_lines(&caller.database, id, 0).await.map_err(errors::queue)?.iter().map(log_line).collect();
        wire.steps = queue.steps(&caller.database, id).await.map_err(errors::queue)?.iter().map(step).collect();
        Ok(Response::new(pb::GetTaskResponse { task: Some(wire) }))
    }

    async fn list_tasks(
        &self,
        request: Request<pb::ListTasksRequest>,
    ) -> Result<Response<pb::ListTasksResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        let size = check.page_size("page_size", request.page_size);
        check.list("states", &request.states);
        check.finish()?;
        let filter = Filter {
            kinds: if request.kind.is_empty() { vec![] } else { vec![request.kind] },
            states: request.states.iter().filter_map(|state| state_from_wire(*state)).collect(),
            parent: optional_id("parent_id", &request.parent_id)?,
        };
        let token = (!request.page_token.is_empty()).then_some(request.page_token.as_str());
        let page =
            self.core.inner.queue.list(&caller.database, &filter, size as usize, token).await.map_err(errors::queue)?;
        Ok(Response::new(pb::ListTasksResponse {
            tasks: page.tasks.iter().map(to_wire).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn cancel_task(
        &self,
        request: Request<pb::CancelTaskRequest>,
    ) -> Result<Response<pb::CancelTaskResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("task_id", &request.into_inner().task_id)?;
        let queue = &self.core.inner.queue;
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        let cancelled = queue.cancel_in(&mut tx, id).await.map_err(errors::queue)?;
        // Whoever waits for what these tasks write is told in the same moment.
        materials::stopped(&self.core, &mut tx, &cancelled).await.map_err(errors::queue)?;
        queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        queue.stop_runs(&cancelled);
        let task = queue.get(&caller.database, id).await.map_err(errors::queue)?;
        Ok(Response::new(pb::CancelTaskResponse { task: Some(to_wire(&task)) }))
    }

    async fn retry_task(
        &self,
        request: Request<pb::RetryTaskRequest>,
    ) -> Result<Response<pb::RetryTaskResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("task_id", &request.into_inner().task_id)?;
        let queue = &self.core.inner.queue;
        queue.retry(&caller.database, id).await.map_err(errors::queue)?;
        let task = queue.get(&caller.database, id).await.map_err(errors::queue)?;
        Ok(Response::new(pb::RetryTaskResponse { task: Some(to_wire(&task)) }))
    }

    async fn watch_task(&self, request: Request<pb::WatchTaskRequest>) -> Result<Response<WatchStream>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("task_id", &request.into_inner().task_id)?;
        let core = self.core.clone();
        let kinds = TASK_EVENTS.map(str::to_owned).to_vec();
        let stream = watch(&self.core, caller.database.clone(), kinds, Some(id), move |database| {
            let core = core.clone();
            async move {
                let queue = &core.inner.queue;
                let task = queue.get(&database, id).await.map_err(errors::queue)?;
                let mut wire = to_wire(&task);
                let next = match task.state {
                    TaskState::Running => {
                        wire.draft = queue.draft(&database, id).await.map_err(errors::queue)?.unwrap_or_default();
                        Next::EventOrAfter(DRAFT_LOOKS)
                    }
                    state if state.is_final() => Next::End,
                    _ => Next::Event,
                };
                Ok((pb::WatchTaskResponse { task: Some(wire) }, next))
            }
        });
        Ok(Response::new(Box::pin(stream)))
    }
}

/// When something that is watched is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// After the next event about it.
    Event,
    /// After that, or after this time without one.
    EventOrAfter(Duration),
    /// Never: it is final.
    End,
}

/// Reads something at once and again when `read` says so, and gives it whenever it changed and at its end.
pub(crate) fn watch<T, Read, Reading>(
    core: &Core,
    database: Database,
    kinds: Vec<String>,
    subject: Option<TaskId>,
    read: Read,
) -> impl Stream<Item = Result<T, Status>> + Send + 'static
where
    T: PartialEq + Clone + Send + Sync + 'static,
    Read: Fn(Database) -> Reading + Send + Sync + 'static,
    Reading: Future<Output = Result<(T, Next), Status>> + Send,
{
    let options = SubscribeOptions { kinds, ..SubscribeOptions::default() };
    let bus = Arc::clone(core.inner.queue.bus());
    let triggers = aerie_events::changes(database.clone(), bus, options).map(move |delivery| match delivery {
        Ok(Delivery::Event(event)) => subject.is_none() || event.subject_id == subject,
        // At the beginning, after a gap, or after an error of the event stream, only the rows tell.
        Ok(Delivery::Resync { .. }) | Err(_) => true,
    });
    let state = (Box::pin(triggers), None::<T>, Next::Event);
    futures::stream::unfold(
        (state, database, read),
        |((mut triggers, mut last, mut next), database, read)| async move {
            loop {
                let is_due = match next {
                    Next::End => return None,
                    Next::Event => triggers.next().await?,
                    // Nothing is lost when the wait is given up: what the stream has read stays in it.
                    Next::EventOrAfter(time) => match timeout(time, triggers.next()).await {
                        Ok(trigger) => trigger?,
                        Err(_) => true,
                    },
                };
                if !is_due {
                    continue;
                }
                match read(database.clone()).await {
                    Ok((value, then)) => {
                        next = then;
                        if last.as_ref() == Some(&value) && next != Next::End {
                            continue;
                        }
                        last = Some(value.clone());
                        return Some((Ok(value), ((triggers, last, next), database, read)));
                    }
                    Err(status) => return Some((Err(status), ((triggers, last, Next::End), database, read))),
                }
            }
        },
    )
}

/// A task on the wire, without steps, log and draft.
pub(crate) fn to_wire(task: &Task) -> pb::Task {
    pb::Task {
        id: task.id.to_string(),
        kind: task.kind.clone(),
        dedupe_key: task.dedupe_key.clone().unwrap_or_default(),
        state: state_to_wire(task.state) as i32,
        attempt: small(task.attempt),
        max_attempts: small(task.max_attempts),
        stage: task.stage.clone().unwrap_or_default(),
        progress: if task.state == TaskState::Completed { 1.0 } else { task.progress.unwrap_or_default() },
        error: task.error.clone().unwrap_or_default(),
        parent_id: task.parent_id.map(|id| id.to_string()).unwrap_or_default(),
        create_time: Some(convert::timestamp(task.created_at)),
        start_time: task.started_at.map(convert::timestamp),
        end_time: task.finished_at.map(convert::timestamp),
        run_time: Some(convert::timestamp(task.run_at)),
        payload: convert::json_struct(&task.payload),
        result: task.result.as_ref().and_then(convert::json_struct),
        steps: vec![],
        log: vec![],
        draft: String::new(),
    }
}

fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn state_to_wire(state: TaskState) -> pb::TaskState {
    match state {
        TaskState::Queued => pb::TaskState::Queued,
        TaskState::Running => pb::TaskState::Running,
        TaskState::Waiting => pb::TaskState::Waiting,
        TaskState::Completed => pb::TaskState::Completed,
        TaskState::Failed => pb::TaskState::Failed,
        TaskState::Cancelled => pb::TaskState::Cancelled,
    }
}

fn state_from_wire(state: i32) -> Option<TaskState> {
    let wanted = pb::TaskState::try_from(state).ok()?;
    TaskState::ALL.into_iter().find(|state| state_to_wire(*state) == wanted)
}

fn log_line(line: &LogLine) -> pb::TaskLogLine {
    pb::TaskLogLine {
        time: Some(convert::timestamp(line.at)),
        level: line.level.clone(),
        message: line.message.clone(),
        attempt: small(line.attempt),
    }
}

fn step(step: &StepDone) -> pb::TaskStep {
    pb::TaskStep { name: step.name.clone(), end_time: Some(convert::timestamp(step.finished_at)) }
}
