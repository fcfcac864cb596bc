//! Asking language models through the router, and what it means when there is none.

mod aloud;

use std::time::Duration;

use aerie_proto::llm::v1::{self as llm, image::Source, llm_service_client::LlmServiceClient, part::Kind};
use aerie_rpc::{ErrorCode, PERSON_HEADER, RpcError};
use aerie_store::PersonId;
use aerie_tasks::{Outcome, TaskContext, TaskError};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tonic::Request;

use crate::core::Core;

/// The router's word for "nobody can be asked".
pub(crate) const NO_BACKEND: &str = "NO_BACKEND";

/// Longest wait for an answer; the router shares it out over its backends.
const PATIENCE: Duration = Duration::from_secs(180);

/// What to ask.
pub(crate) struct Question<'a> {
    /// Kind of work, which chooses the models.
    pub(crate) chain: &'a str,
    /// Instruction. Never holds text from outside.
    pub(crate) system: &'a str,
    /// What to work on; text from outside stands within marks ([`aerie_boards::article::delimited`]).
    pub(crate) prompt: String,
    /// A picture to look at.
    pub(crate) image: Option<Vec<u8>>,
    /// Longest answer in tokens.
    pub(crate) max_tokens: u32,
}

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// Backend and model, for people.
    pub(crate) by: String,
}

/// Why a model that is there did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub(crate) struct ModelError(RpcError);

impl ModelError {
    /// What a task does about it: a model that is only busy or away is asked again later.
    pub(crate) fn outcome<T>(self) -> Outcome<T> {
        let reason = self.0.message;
        match self.0.code {
            ErrorCode::Unavailable
            | ErrorCode::ResourceExhausted
            | ErrorCode::DeadlineExceeded
            | ErrorCode::Aborted => Outcome::Retry { after: self.0.retry_after, reason },
            _ => Outcome::Fail { reason },
        }
    }
}

/// What became of a question; the outer error is the task's own.
type Asked = Result<Result<Option<Written>, ModelError>, TaskError>;

/// Asks a model once in a task's life: an answer outlives a crash under the step's name, a failure does not.
pub(crate) async fn ask_once(core: &Core, context: &TaskContext, step: &str, question: Question<'_>) -> Asked {
    once(context, step, Box::pin(async move { Ok(ask(core, context.person(), question).await) })).await
}

/// [`ask_once`] for prose: whoever watches the task sees the text grow.
pub(crate) async fn ask_aloud_once(core: &Core, context: &TaskContext, step: &str, question: Question<'_>) -> Asked {
    once(context, step, Box::pin(aloud::ask(core, context, question))).await
}

/// `asked` is on the heap, as every layer above would hold it anew.
async fn once(context: &TaskContext, step: &str, asked: BoxFuture<'_, Asked>) -> Asked {
    let mut failure = None;
    let slot = &mut failure;
    let answered = context
        .step(step, move || async move {
            asked.await?.map_err(|error| {
                let message = error.to_string();
                *slot = Some(error);
                TaskError::work(message)
            })
        })
        .await;
    match (answered, failure) {
        (_, Some(failure)) => Ok(Err(failure)),
        (answered, None) => answered.map(Ok),
    }
}

/// Asks a model; `None` when no model is there for this kind of work.
pub(crate) async fn ask(core: &Core, person: PersonId, question: Question<'_>) -> Result<Option<Written>, ModelError> {
    let Some(router) = &core.inner.router else { return Ok(None) };
    let request = request(question);
    let answer = LlmServiceClient::new(router.clone()).complete(for_person(request, person, PATIENCE)).await;
    match answer {
        Ok(answer) => {
            let answer = answer.into_inner();
            Ok(Some(written(&answer.text, answer.trail)))
        }
        Err(status) => refused(RpcError::from(&status)),
    }
}

fn request(question: Question<'_>) -> llm::CompleteRequest {
    let text = llm::Part { kind: Some(Kind::Text(question.prompt)) };
    let image = question.image.map(|content| llm::Part {
        kind: Some(Kind::Image(llm::Image {
            source: Some(Source::Content(content.into())),
            detail: "high".to_owned(),
        })),
    });
    let message = llm::Message {
        role: llm::Role::User as i32,
        parts: image.into_iter().chain([text]).collect(),
        ..llm::Message::default()
    };
    llm::CompleteRequest {
        chain: question.chain.to_owned(),
        system: question.system.to_owned(),
        messages: vec![message],
        sampling: Some(llm::Sampling { max_tokens: Some(question.max_tokens), ..llm::Sampling::default() }),
        routing: Some(llm::Routing { priority: llm::Priority::Background as i32, ..llm::Routing::default() }),
        ..llm::CompleteRequest::default()
    }
}

fn written(text: &str, trail: Option<llm::Trail>) -> Written {
    Written { text: text.trim().to_owned(), by: written_by(&trail.unwrap_or_default()) }
}

/// What the router's refusal means: that nobody is there to be asked is no failure.
fn refused(error: RpcError) -> Result<Option<Written>, ModelError> {
    if error.reason == NO_BACKEND { Ok(None) } else { Err(ModelError(error)) }
}

/// A call to the router on behalf of a person.
pub(crate) fn for_person<T>(message: T, person: PersonId, patience: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(patience);
    // An id has only characters that a header may carry.
    if let Ok(person) = person.to_string().parse() {
        request.metadata_mut().insert(PERSON_HEADER, person);
    }
    request
}

/// Who answered, for people: "ollama (qwen3:8b)".
pub(crate) fn written_by(trail: &llm::Trail) -> String {
    format!("{} ({})", trail.backend, trail.model)
}
