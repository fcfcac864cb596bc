//! `aerie tasks`: look at background work.

use std::process::ExitCode;

use aerie_proto::pipeline::v1 as pb;
use comfy_table::Cell;

use crate::{
    cli::{Cli, Tasks},
    output,
    session::Session,
};

/// Lists, shows, cancels or retries.
pub async fn run(cli: &Cli, command: &Tasks) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn dispatch(session: &Session, command: &Tasks) -> anyhow::Result<()> {
    let mut tasks = session.tasks();
    match command {
        Tasks::List { active, limit, json } => {
            let states = if *active {
                vec![pb::TaskState::Queued as i32, pb::TaskState::Running as i32, pb::TaskState::Waiting as i32]
            } else {
                vec![]
            };
            let request = pb::ListTasksRequest { states, page_size: *limit, ..Default::default() };
            let response = tasks.list_tasks(request).await?.into_inner();
            if *json {
                return output::print_json("aerie.pipeline.v1.ListTasksResponse", &response);
            }
            let mut table = output::table(&["id", "kind", "state", "attempt", "progress", "stage or error"]);
            for task in &response.tasks {
                table.add_row([
                    Cell::new(&task.id),
                    Cell::new(&task.kind),
                    Cell::new(state_words(task.state())),
                    output::number(task.attempt),
                    output::number(format!("{:.0}%", task.progress * 100.0)),
                    Cell::new(if task.error.is_empty() { &task.stage } else { &task.error }),
                ]);
            }
            println!("{table}");
        }
        Tasks::Show { task, json } => {
            let request = pb::GetTaskRequest { task_id: task.clone() };
            let response = tasks.get_task(request).await?.into_inner();
            if *json {
                return output::print_json("aerie.pipeline.v1.GetTaskResponse", &response);
            }
            show(&response.task.unwrap_or_default());
        }
        Tasks::Cancel { task } => {
            let request = pb::CancelTaskRequest { task_id: task.clone() };
            let task = tasks.cancel_task(request).await?.into_inner().task.unwrap_or_default();
            println!("{} is {}", task.id, state_words(task.state()));
        }
        Tasks::Retry { task } => {
            let request = pb::RetryTaskRequest { task_id: task.clone() };
            let task = tasks.retry_task(request).await?.into_inner().task.unwrap_or_default();
            println!("{} is {}", task.id, state_words(task.state()));
        }
    }
    Ok(())
}

fn show(task: &pb::Task) {
    println!("{}  {}  {}", task.id, task.kind, state_words(task.state()));
    println!("attempt {} of {}, {:.0}% {}", task.attempt, task.max_attempts, task.progress * 100.0, task.stage);
    if !task.error.is_empty() {
        println!("error: {}", task.error);
    }
    for step in &task.steps {
        println!("step done: {}", step.name);
    }
    for line in &task.log {
        println!("[{}] {}", line.level, line.message);
    }
}

/// A state in lower case.
fn state_words(state: pb::TaskState) -> &'static str {
    match state {
        pb::TaskState::Unspecified => "unknown",
        pb::TaskState::Queued => "queued",
        pb::TaskState::Running => "running",
        pb::TaskState::Waiting => "waiting",
        pb::TaskState::Completed => "completed",
        pb::TaskState::Failed => "failed",
        pb::TaskState::Cancelled => "cancelled",
    }
}
