//! A streamed answer: bytes to events to pieces.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use aerie_config::Secret;
use futures::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::redaction::without_keys;
use crate::{
    answer::Piece,
    decode::{Event, EventDecoder},
    fault::{Fault, FaultKind, Stage},
    transport::Answer,
    wire::{EventReader, Framing},
};

/// Longest wait for what follows the end of an answer (tokens, the closing word): many servers send nothing, and some
/// keep the connection open all the same.
const AFTERMATH: Duration = Duration::from_secs(1);
/// Most pieces of a body that are read after the answer's end, to keep its connection.
const MOST_TRAILING: usize = 4;

/// The pieces of one answer. What one read of the network brought becomes ready without another.
pub(super) struct ProviderStream {
    source: Source,
    decoder: EventDecoder,
    reader: Box<dyn EventReader>,
    /// Pieces to give out, the next one last.
    ready: Vec<Piece>,
    /// Whether a piece of content was given out.
    is_committed: bool,
    fault: Option<Fault>,
    end: Pin<Box<Sleep>>,
    /// Whether only the aftermath is waited for.
    is_aftermath: bool,
    keys: [Secret; 2],
}

/// Where events come from.
enum Source {
    /// The body.
    Body(Answer),
    /// The body is over, or broke for this reason; events may be left in the decoder.
    Ended(Option<String>),
    /// Nothing comes any more.
    Closed,
}

impl ProviderStream {
    pub(super) fn new(
        answer: Answer,
        framing: Framing,
        reader: Box<dyn EventReader>,
        deadline: Instant,
        keys: [Secret; 2],
    ) -> Self {
        Self {
            source: Source::Body(answer),
            decoder: EventDecoder::new(framing),
            reader,
            ready: Vec::new(),
            is_committed: false,
            fault: None,
            end: Box::pin(sleep_until(deadline)),
            is_aftermath: false,
            keys,
        }
    }

    /// Reads the next event that is there, if any. Returns whether there was one.
    fn read_event(&mut self) -> bool {
        match self.decoder.next_event() {
            Ok(None) => return false,
            Ok(Some(Event::KeepAlive)) => self.ready.push(Piece::KeepAlive),
            Ok(Some(Event::Data { name, data })) => {
                if let Err(fault) = self.reader.read(name, data, &mut self.ready) {
                    self.fail(fault);
                }
                self.ready.reverse();
            }
            Err(error) => self.fail(Fault::new(FaultKind::Malformed, error.to_string())),
        }
        if self.reader.is_done() {
            self.leave();
        }
        true
    }

    /// Stops reading. A body that is over but for its last mark gives its connection back.
    fn leave(&mut self) {
        if let Source::Body(mut answer) = std::mem::replace(&mut self.source, Source::Closed) {
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..MOST_TRAILING {
                if !matches!(answer.poll_bytes(&mut context), Poll::Ready(Some(Ok(_)))) {
                    break;
                }
            }
        }
    }

    fn fail(&mut self, mut fault: Fault) {
        let [configured, own] = &self.keys;
        fault.message = without_keys(&fault.message, &[Some(configured), Some(own)]);
        self.fault = Some(fault);
        self.source = Source::Closed;
    }

    /// Whether the time is up.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        if self.reader.is_finished() && !self.is_aftermath {
            self.is_aftermath = true;
            let soon = self.end.deadline().min(Instant::now() + AFTERMATH);
            self.end.as_mut().reset(soon);
        }
        self.end.as_mut().poll(context).is_ready()
    }

    /// All events are read: whether that was the answer's end.
    fn judge(&mut self, reason: Option<String>) {
        self.source = Source::Closed;
        if self.reader.is_finished() {
            return;
        }
        let kind = if self.is_committed { FaultKind::Incomplete } else { FaultKind::Malformed };
        let reason = reason.unwrap_or_else(|| "the connection was closed".to_owned());
        self.fail(Fault::new(kind, format!("the answer broke off before its end: {reason}")));
    }
}

impl Stream for ProviderStream {
    type Item = Result<Piece, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.ready.pop() {
                this.is_committed |= piece.is_content();
                return Poll::Ready(Some(Ok(piece)));
            }
            if let Some(fault) = this.fault.take() {
                return Poll::Ready(Some(Err(fault)));
            }
            if !matches!(this.source, Source::Closed) && this.read_event() {
                continue;
            }
            match &mut this.source {
                Source::Closed => return Poll::Ready(None),
                Source::Ended(reason) => {
                    let reason = reason.take();
                    this.judge(reason);
                }
                Source::Body(answer) => match answer.poll_bytes(context) {
                    Poll::Ready(Some(Ok(bytes))) => this.decoder.push(&bytes),
                    Poll::Ready(Some(Err(error))) => this.source = Source::Ended(Some(error.to_string())),
                    Poll::Ready(None) => {
                        this.decoder.finish();
                        this.source = Source::Ended(None);
                    }
                    Poll::Pending => {
                        if !this.is_late(context) {
                            return Poll::Pending;
                        }
                        if this.reader.is_finished() {
                            this.source = Source::Closed;
                        } else {
                            this.fail(Fault::new(FaultKind::Timeout(Stage::Total), "the answer did not end in time"));
                        }
                    }
                },
            }
        }
    }
}
