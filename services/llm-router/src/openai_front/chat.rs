//! `POST /v1/chat/completions`.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{Response, StatusCode};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    body::FrontBody,
    completion,
    error::{self, Problem},
    event_stream::{EventStream, Writer},
    event_stream_headers, request, seconds,
};
use crate::{
    answer::{Completion, Piece, Trail},
    call::{Answer, AnswerEvent, Call, CallError},
    chat::{ChatRequest, OutputFormat},
    engine::AnswerStream,
    router::{Current, Router},
};

/// Signs of life alone do not begin an answer at once: an error that follows soon still has a real HTTP status.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers.
pub(super) async fn answer(router: &Router, mut call: Call, body: &Bytes) -> Result<Response<FrontBody>, Problem> {
    let current = router.current();
    let mut chat = request::parse(body)?;
    let stream = chat.stream.unwrap_or(false);
    let include_usage = chat.stream_options.and_then(|options| options.include_usage).unwrap_or(false);
    if let Some(model) = &chat.model {
        let unknown = |error: crate::directory::UnknownModel| {
            Problem::new("model", error.to_string()).status(StatusCode::NOT_FOUND).coded("model_not_found")
        };
        current.directory.direct(model, &mut call).map_err(unknown)?;
    }
    if let Some(extension) = chat.aerie.take() {
        extension.apply(&mut call, &current.directory)?;
    }
    let question = chat.question(body)?;
    current.directory.prefer_vision(question.has_images(), &mut call);
    let created = seconds(router.clock().now());
    if stream {
        let answers = current.engine.stream(question, call);
        let writer = Writer::new(created, include_usage);
        return Ok(streamed(answers, writer).await);
    }
    Ok(match whole(&current, question, call).await {
        Ok((answer, untold)) => completion::response(&answer.completion, &answer.trail, &untold, created),
        Err(error) => error::response(&error),
    })
}

/// Stands in for the id of an answer whose provider gave none.
pub(super) fn own_id() -> String {
    format!("chatcmpl-{}", Uuid::now_v7().simple())
}

/// The answer, and what of a schema the backend was not told.
async fn whole(current: &Current, question: ChatRequest, call: Call) -> Result<(Answer, Vec<String>), CallError> {
    match &question.output {
        OutputFormat::Schema { schema, .. } if question.tools.is_empty() => {
            let schema = schema.clone();
            let extraction = current.engine.extract(question, schema, call).await?;
            let completion = Completion { content: extraction.document, ..extraction.completion };
            Ok((Answer { completion, trail: extraction.trail }, extraction.untold))
        }
        _ => Ok((current.engine.complete(question, call).await?, Vec::new())),
    }
}

/// Waits for the first event: an error until then is an answer with a real status.
async fn streamed(mut answers: AnswerStream, writer: Writer) -> Response<FrontBody> {
    let patience = Instant::now() + PATIENCE;
    let first = loop {
        let is_patient = Instant::now() < patience;
        match answers.next().await {
            Some(Ok(AnswerEvent::Piece(Piece::KeepAlive))) if is_patient => {}
            Some(Ok(event)) => break event,
            Some(Err(error)) => return error::response(&error),
            None => break AnswerEvent::End(Trail::default()),
        }
    };
    let mut response = Response::new(FrontBody::events(EventStream::new(first, answers, writer)));
    event_stream_headers(response.headers_mut());
    response
}
