//! A streamed answer as server-sent events of `chat.completion.chunk`.
//!
//! The first event leaves at once. After it everything that the engine has ready when the connection asks is written into
//! one frame: a burst of tokens that came with one read of the backend leaves with one write.

use std::{
    fmt,
    task::{Context, Poll},
};

use bytes::{BufMut, Bytes, BytesMut};
use futures::StreamExt;
use serde::Serialize;

use super::{
    chat::own_id,
    completion::finish_word,
    error,
    trail::{TrailBody, UsageBody},
};
use crate::{
    answer::{FinishReason, Piece, ToolCallPiece, Trail, Usage},
    call::{AnswerEvent, CallError},
    engine::AnswerStream,
    json::write_escaped,
};

/// A frame is handed out when it is this long, however much more is ready.
const FRAME_BYTES: usize = 32 * 1024;
const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";

/// Events of one answer.
pub(super) struct EventStream {
    answers: AnswerStream,
    writer: Writer,
    over: bool,
    beginning: Beginning,
}

/// How far the first event is on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// It waits to be handed out.
    Waits,
    /// It was handed out; the connection sends it when it is told that nothing more is there yet.
    Leaves,
    /// It has left.
    Left,
}

impl EventStream {
    /// Goes on with an answer whose first event was taken to see whether there is one.
    pub(super) fn new(first: AnswerEvent, answers: AnswerStream, mut writer: Writer) -> Self {
        let over = writer.write(Ok(first));
        Self { answers, writer, over, beginning: Beginning::Waits }
    }

    /// The next frame; none at the end.
    pub(super) fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.beginning {
            Beginning::Waits if !self.writer.buffer.is_empty() => {
                self.beginning = Beginning::Leaves;
                return Poll::Ready(Some(self.writer.buffer.split().freeze()));
            }
            Beginning::Leaves if !self.over => {
                self.beginning = Beginning::Left;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ => {}
        }
        while !self.over && self.writer.buffer.len() < FRAME_BYTES {
            match self.answers.poll_next_unpin(context) {
                Poll::Ready(Some(event)) => self.over = self.writer.write(event),
                Poll::Ready(None) => self.over = true,
                Poll::Pending if self.writer.buffer.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        let frame = self.writer.buffer.split().freeze();
        Poll::Ready((!frame.is_empty()).then_some(frame))
    }

    /// Whether everything was handed out.
    pub(super) fn is_over(&self) -> bool {
        self.over && self.writer.buffer.is_empty()
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EventStream")
    }
}

/// Writes chunks.
pub(super) struct Writer {
    created: u64,
    include_usage: bool,
    usage: Option<Usage>,
    /// Whether a chunk said why the answer ended.
    finished: bool,
    /// Everything of a chunk up to its delta; made with the first one.
    head: Vec<u8>,
    buffer: BytesMut,
}

impl Writer {
    /// Begins with nothing.
    pub(super) fn new(created: u64, include_usage: bool) -> Self {
        Self {
            created,
            include_usage,
            usage: None,
            finished: false,
            head: Vec::new(),
            buffer: BytesMut::with_capacity(2048),
        }
    }

    /// Writes an event; true when it was the last one.
    fn write(&mut self, event: Result<AnswerEvent, CallError>) -> bool {
        match event {
            Ok(AnswerEvent::Piece(piece)) => self.piece(piece),
            Ok(AnswerEvent::End(trail)) => {
                self.end(&trail);
                return true;
            }
            Err(error) => {
                self.buffer.put_slice(b"data: ");
                self.buffer.put_slice(&error::event_data(&error));
                self.buffer.put_slice(b"\n\n");
                return true;
            }
        }
        false
    }

    fn piece(&mut self, piece: Piece) {
        match piece {
            Piece::KeepAlive => self.buffer.put_slice(KEEP_ALIVE),
            Piece::Started { id, model } => self.begin(&id, &model),
            Piece::Content(text) => self.text(b"{\"content\":", &text),
            Piece::Reasoning(text) => self.text(b"{\"reasoning_content\":", &text),
            Piece::ToolCall(part) => self.delta(&ToolCallsDelta { tool_calls: [ToolCallDelta::of(&part)] }, "null"),
            Piece::Finish(finish) => self.finish(finish),
            Piece::Usage(usage) => self.usage = Some(usage),
            Piece::Dropped => {}
        }
    }

    fn finish(&mut self, finish: FinishReason) {
        self.finished = true;
        let word = format!("\"{}\"", finish_word(finish));
        self.delta(&Nothing {}, &word);
    }

    /// The first chunk says the role.
    fn begin(&mut self, id: &str, model: &str) {
        if !self.head.is_empty() {
            return;
        }
        let id = if id.is_empty() { own_id() } else { id.to_owned() };
        let head = Head { id: &id, object: "chat.completion.chunk", created: self.created, model };
        // Texts and numbers can always be written.
        let mut text = serde_json::to_vec(&head).unwrap_or_default();
        text.pop();
        self.head = [b"data: ".as_slice(), &text, b",\"choices\":[{\"index\":0,\"delta\":"].concat();
        self.delta(&RoleDelta { role: "assistant", content: "" }, "null");
    }

    fn text(&mut self, opening: &[u8], text: &str) {
        self.begin("", "");
        self.buffer.put_slice(&self.head);
        self.buffer.put_slice(opening);
        self.buffer.put_u8(b'"');
        write_escaped(&mut self.buffer, text);
        self.buffer.put_slice(b"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
    }

    fn delta(&mut self, delta: &impl Serialize, finish: &str) {
        self.begin("", "");
        self.buffer.put_slice(&self.head);
        put_json(&mut self.buffer, delta);
        self.buffer.put_slice(b",\"logprobs\":null,\"finish_reason\":");
        self.buffer.put_slice(finish.as_bytes());
        self.buffer.put_slice(b"}]}\n\n");
    }

    /// The clean end: the tokens when they were asked for, how it came about, and the mark that says it is whole.
    fn end(&mut self, trail: &Trail) {
        self.begin("", &trail.model);
        if !self.finished {
            self.finish(FinishReason::Stop);
        }
        if self.include_usage {
            let opening = self.head.len().saturating_sub(CHOICE.len());
            self.buffer.put_slice(self.head.get(..opening).unwrap_or_default());
            let last = Last { usage: self.usage.map(UsageBody::from), aerie: TrailBody::of(trail, None) };
            self.buffer.put_slice(b"\"choices\":[],");
            let text = serde_json::to_vec(&last).unwrap_or_default();
            self.buffer.put_slice(text.get(1..).unwrap_or_default());
            self.buffer.put_slice(b"\n\n");
        }
        self.buffer.put_slice(DONE);
    }
}

/// How the head ends.
const CHOICE: &str = "\"choices\":[{\"index\":0,\"delta\":";

fn put_json(buffer: &mut BytesMut, value: &impl Serialize) {
    // Writing into memory cannot fail, and neither can texts and numbers.
    let _ = serde_json::to_writer(buffer.writer(), value);
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct RoleDelta {
    role: &'static str,
    content: &'static str,
}

#[derive(Serialize)]
struct ToolCallsDelta<'a> {
    tool_calls: [ToolCallDelta<'a>; 1],
}

#[derive(Serialize)]
struct ToolCallDelta<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    kind: Option<&'static str>,
    function: FunctionDelta<'a>,
}

#[derive(Serialize)]
struct FunctionDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

impl<'a> ToolCallDelta<'a> {
    fn of(part: &'a ToolCallPiece) -> Self {
        Self {
            index: part.index,
            id: part.id.as_deref(),
            kind: part.id.is_some().then_some("function"),
            function: FunctionDelta { name: part.name.as_deref(), arguments: &part.arguments },
        }
    }
}

#[derive(Serialize)]
struct Last<'a> {
    usage: Option<UsageBody>,
    aerie: TrailBody<'a>,
}
