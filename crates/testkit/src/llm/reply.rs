//! What a provider replies, step by step.

use std::{collections::VecDeque, io, sync::Arc};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{DropWatch, Received};

/// A reply: head and body, with silences and breaks where a test wants them.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    before_head: Vec<Step>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Bytes(Bytes),
    /// Waits for the gate.
    Wait(Gate),
    /// Says nothing more and keeps the connection open.
    Hang,
    /// Breaks the connection.
    Cut,
}

/// Lets a reply go on when the test says so.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one waiting reply through, or the next that comes.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    async fn pass(&self) {
        match self.0.acquire().await {
            Ok(permit) => permit.forget(),
            // It is never closed.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Reply {
    /// A status without a body.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers: HeaderMap::new(), before_head: Vec::new(), steps: Vec::new() }
    }

    /// A JSON document with status 200.
    pub fn json(value: &Value) -> Self {
        Self::status(200).header("content-type", "application/json").bytes(value.to_string())
    }

    /// A JSON document with another status.
    pub fn error(status: u16, value: &Value) -> Self {
        Self { status: Self::status(status).status, ..Self::json(value) }
    }

    /// Server-sent events with this text.
    pub fn sse(text: impl Into<Bytes>) -> Self {
        Self::status(200).header("content-type", "text/event-stream").bytes(text)
    }

    /// JSON lines with this text.
    pub fn json_lines(text: impl Into<Bytes>) -> Self {
        Self::status(200).header("content-type", "application/x-ndjson").bytes(text)
    }

    /// Never any head.
    pub fn silent() -> Self {
        Self { before_head: vec![Step::Hang], ..Self::status(200) }
    }

    /// A whole answer in OpenAI's form.
    pub fn chat(text: &str) -> Self {
        Self::json(&json!({
            "id": "chatcmpl-1", "object": "chat.completion", "model": "test-model",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        }))
    }

    /// A streamed answer in OpenAI's form: role, texts, reason, usage, end.
    pub fn chat_stream(texts: &[&str]) -> Self {
        let reply = texts.iter().fold(Self::chat_beginning(), |reply, text| reply.chat_text(text));
        reply.chat_end()
    }

    /// An answer in OpenAI's form, streamed if the request asks for that.
    pub fn chat_as_asked(request: &Received, text: &str) -> Self {
        if request.json()["stream"] == true { Self::chat_stream(&[text]) } else { Self::chat(text) }
    }

    /// The beginning of a streamed answer in OpenAI's form: the frame that only names the role.
    pub fn chat_beginning() -> Self {
        Self::sse(event(json!({"role": "assistant", "content": ""}), Value::Null))
    }

    /// Goes on with a text.
    #[must_use]
    pub fn chat_text(self, text: &str) -> Self {
        self.bytes(event(json!({"content": text}), Value::Null))
    }

    /// Ends a streamed answer in OpenAI's form.
    #[must_use]
    pub fn chat_end(self) -> Self {
        let usage = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "test-model", "choices": [],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        });
        let end = event(json!({}), "stop".into());
        self.bytes(format!("{end}data: {usage}\n\ndata: [DONE]\n\n"))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Goes on with these bytes, sent by themselves.
    #[must_use]
    pub fn bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        self.steps.push(Step::Bytes(bytes.into()));
        self
    }

    /// Sends the bytes so far in pieces of `length`.
    #[must_use]
    pub fn split_every(mut self, length: usize) -> Self {
        let split = |step| match step {
            Step::Bytes(bytes) => {
                bytes.chunks(length.max(1)).map(|piece| Step::Bytes(bytes.slice_ref(piece))).collect()
            }
            other => vec![other],
        };
        self.steps = self.steps.into_iter().flat_map(split).collect();
        self
    }

    /// Waits for the gate before it goes on.
    #[must_use]
    pub fn wait(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Wait(gate.clone()));
        self
    }

    /// Waits for the gate before it sends its head.
    #[must_use]
    pub fn late(mut self, gate: &Gate) -> Self {
        self.before_head.push(Step::Wait(gate.clone()));
        self
    }

    /// Falls silent here.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.steps.push(Step::Hang);
        self
    }

    /// Breaks the connection here.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.steps.push(Step::Cut);
        self
    }

    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        // A known length makes the answer look like that of a server that does not stream.
        if let [Step::Bytes(whole)] = self.steps.as_slice() {
            headers.insert(header::CONTENT_LENGTH, whole.len().into());
        }
        headers
    }

    pub(super) fn code(&self) -> StatusCode {
        self.status
    }
}

fn event(delta: Value, finish: Value) -> String {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "test-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]
    });
    format!("data: {chunk}\n\n")
}

/// A reply that is being given.
pub(super) struct Played {
    before_head: Vec<Step>,
    steps: VecDeque<Step>,
}

impl Played {
    pub(super) fn new(reply: Reply) -> Self {
        Self { before_head: reply.before_head, steps: reply.steps.into() }
    }

    /// Waits until the head may be sent.
    pub(super) async fn head(&mut self) {
        for step in std::mem::take(&mut self.before_head) {
            match step {
                Step::Wait(gate) => gate.pass().await,
                Step::Hang => std::future::pending().await,
                Step::Bytes(_) | Step::Cut => {}
            }
        }
    }

    pub(super) fn body(self, watch: DropWatch) -> impl Stream<Item = io::Result<Bytes>> {
        stream::unfold((self.steps, watch), |(mut steps, mut watch)| async move {
            loop {
                let Some(step) = steps.pop_front() else {
                    watch.finish();
                    return None;
                };
                match step {
                    Step::Bytes(bytes) => {
                        if steps.is_empty() {
                            watch.finish();
                        }
                        return Some((Ok(bytes), (steps, watch)));
                    }
                    Step::Wait(gate) => gate.pass().await,
                    Step::Hang => std::future::pending().await,
                    Step::Cut => {
                        watch.finish();
                        // What was given before is to arrive before the break.
                        tokio::task::yield_now().await;
                        return Some((Err(io::ErrorKind::ConnectionReset.into()), (VecDeque::new(), watch)));
                    }
                }
            }
        })
    }
}
