//! Asking a model for prose and telling the text as it grows.

use aerie_proto::llm::v1::{self as llm, llm_service_client::LlmServiceClient, stream_complete_response::Event};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_tasks::{TaskContext, TaskError};
use tonic::Streaming;

use super::{Asked, PATIENCE, Question, for_person, refused, request, written};
use crate::core::Core;

/// The router's word for an answer that broke off after its beginning had been delivered.
const INCOMPLETE: &str = "INCOMPLETE";

/// Longest answer in bytes: far above what any question here asks for.
const MOST_BYTES: usize = 256 * 1024;

/// How a streamed answer ended.
enum End {
    Whole {
        text: String,
        trail: llm::Trail,
    },
    /// The rest is missing; the router does not ask another backend once a beginning was delivered.
    BrokenOff {
        reason: String,
    },
    Refused(RpcError),
}

/// Asks a model; its text is the task's draft while it grows. An answer that breaks off is taken back and asked for whole,
/// so that the next backend can give it.
pub(super) async fn ask(core: &Core, context: &TaskContext, question: Question<'_>) -> Asked {
    let Some(router) = &core.inner.router else { return Ok(Ok(None)) };
    let (question, person) = (request(question), context.person());
    let mut client = LlmServiceClient::new(router.clone());
    let streamed = llm::StreamCompleteRequest { question: Some(question.clone()) };
    let end = match client.stream_complete(for_person(streamed, person, PATIENCE)).await {
        Ok(answer) => follow(context, answer.into_inner()).await?,
        Err(status) => End::Refused(RpcError::from(&status)),
    };
    match end {
        End::Whole { text, trail } => Ok(Ok(Some(written(&text, Some(trail))))),
        End::Refused(error) => Ok(refused(error)),
        End::BrokenOff { reason } => {
            tracing::info!(task = %context.id(), "an answer is asked for once more: {reason}");
            context.draft("").await?;
            match client.complete(for_person(question, person, PATIENCE)).await {
                Ok(answer) => {
                    let answer = answer.into_inner();
                    Ok(Ok(Some(written(&answer.text, answer.trail))))
                }
                Err(status) => Ok(refused(RpcError::from(&status))),
            }
        }
    }
}

/// Reads an answer to its end.
async fn follow(context: &TaskContext, mut answer: Streaming<llm::StreamCompleteResponse>) -> Result<End, TaskError> {
    let mut text = String::new();
    loop {
        match answer.message().await {
            Ok(Some(llm::StreamCompleteResponse { event: Some(Event::Text(more)) })) => {
                text.push_str(&more);
                if text.len() > MOST_BYTES {
                    return Ok(End::Refused(too_long()));
                }
                context.draft(text.trim_start()).await?;
            }
            Ok(Some(llm::StreamCompleteResponse { event: Some(Event::End(trail)) })) => {
                return Ok(End::Whole { text, trail });
            }
            Ok(Some(_)) => {}
            Ok(None) => return Ok(End::BrokenOff { reason: "the router ended it without a word".to_owned() }),
            Err(status) => {
                let error = RpcError::from(&status);
                return Ok(match error.reason == INCOMPLETE {
                    true => End::BrokenOff { reason: error.message },
                    false => End::Refused(error),
                });
            }
        }
    }
}

fn too_long() -> RpcError {
    let message = format!("the model's answer is longer than {MOST_BYTES} bytes; choose another model for this work");
    RpcError::new(ErrorCode::OutOfRange, "ANSWER_TOO_LONG", message)
}
