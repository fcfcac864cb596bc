//! A request on its way in, and its answer on the way out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::pictures::OpenedPicture;
use super::{EngineError, EngineSettings, ModelInfo};
use crate::model::{Event, Finish, Request, Sampling, Skill};

/// Longest name of a caller that tells callers apart.
const CALLER_BYTES: usize = 64;
/// Pieces beside tokens and objects: the reasoning, the rest of a text, and the end.
const MORE_PIECES: usize = 8;

/// What a caller wants.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks; callers take turns. Empty for all who are not known.
    pub caller: String,
    /// The encoded image, if the request is about one.
    pub image: Option<Bytes>,
    /// Name of a variant; empty for the plain model.
    pub variant: String,
    /// What is asked.
    pub request: Request,
    /// When the answer must be whole; the settings' limit where this is later.
    pub deadline: Option<Instant>,
}

/// An ask whose fields are checked.
pub(crate) struct CheckedAsk {
    pub(crate) caller: Arc<str>,
    pub(crate) image: Option<Bytes>,
    pub(crate) variant: Arc<str>,
    pub(crate) request: Request,
    pub(crate) deadline: Instant,
}

impl Ask {
    /// Checks what can be checked without the model, and bounds time and tokens.
    pub(crate) fn checked(
        mut self,
        model: &ModelInfo,
        settings: &EngineSettings,
        now: Instant,
    ) -> Result<CheckedAsk, EngineError> {
        for skill in self.skills() {
            if !model.skills.contains(&skill) {
                return Err(EngineError::NotOffered { skill, model: model.name.clone(), revision: model.revision });
            }
        }
        if !self.variant.is_empty() && !model.variants.contains(&self.variant) {
            let known = if model.variants.is_empty() { "none".to_owned() } else { model.variants.join(", ") };
            return Err(EngineError::UnknownVariant { name: self.variant, known });
        }
        if let Request::Caption { sampling, .. } | Request::Query { sampling, .. } = &mut self.request {
            if sampling.max_tokens == 0 {
                sampling.max_tokens = Sampling::default().max_tokens;
            }
            // What is asked for is the most that the caller wants, so the service's own limit may be less.
            sampling.max_tokens = sampling.max_tokens.min(settings.max_tokens);
        }
        let latest = now + settings.deadline;
        let deadline = self.deadline.map_or(latest, |deadline| deadline.min(latest));
        if deadline <= now {
            return Err(EngineError::DeadlineExceeded);
        }
        let mut end = self.caller.len().min(CALLER_BYTES);
        while !self.caller.is_char_boundary(end) {
            end -= 1;
        }
        Ok(CheckedAsk {
            caller: self.caller[..end].into(),
            image: self.image,
            variant: self.variant.into(),
            request: self.request,
            deadline,
        })
    }
}

impl Ask {
    /// What a model has to be able to do for it.
    fn skills(&self) -> impl Iterator<Item = Skill> + use<> {
        let (first, more) = match &self.request {
            Request::Caption { .. } => (Skill::Caption, [None, None]),
            Request::Query { references, reasoning, .. } => {
                let places = (!references.is_empty()).then_some(Skill::References);
                (Skill::Query, [places, reasoning.then_some(Skill::Reasoning)])
            }
            Request::Detect { .. } => (Skill::Detect, [None, None]),
            Request::Point { .. } => (Skill::Point, [None, None]),
        };
        std::iter::once(first).chain(more.into_iter().flatten())
    }
}

impl CheckedAsk {
    /// Pieces that the answer can have at most, so that the model never waits for a slow reader.
    pub(crate) fn most_pieces(&self, context: usize) -> usize {
        let asked = match &self.request {
            Request::Caption { sampling, .. } | Request::Query { sampling, .. } => sampling.max_tokens,
            Request::Detect { max_objects, .. } | Request::Point { max_objects, .. } => *max_objects,
        };
        asked.min(context) + MORE_PIECES
    }
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// What the model gave; never [`Event::Finished`].
    Event(Event),
    /// The end; nothing follows.
    End(Summary),
}

/// What an answer took.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Why it ended.
    pub finish: Finish,
    /// Positions of the image; 0 without one.
    pub image_tokens: usize,
    /// Tokens of the prompts.
    pub prompt_tokens: usize,
    /// Tokens and parts of objects that were decided.
    pub output_tokens: usize,
    /// Whether the image's keys and values were there before the request came.
    pub image_cached: bool,
    /// Time in the queue.
    pub queue_time: Duration,
    /// Time from there until the image was read.
    pub image_time: Duration,
    /// Time from the call to the first piece.
    pub first_piece_time: Duration,
    /// Time from the call to the end.
    pub total_time: Duration,
}

/// An answer as it comes. Dropping it ends the request at the next step.
pub struct Answer {
    pieces: mpsc::Receiver<Result<Piece, EngineError>>,
    ended: bool,
}

impl Answer {
    pub(crate) fn new(pieces: mpsc::Receiver<Result<Piece, EngineError>>) -> Self {
        Self { pieces, ended: false }
    }

    /// Reads what has come; whether the end is among it.
    #[cfg(test)]
    pub(crate) fn has_ended(&mut self) -> bool {
        while let Ok(piece) = self.pieces.try_recv() {
            self.ended |= !matches!(piece, Ok(Piece::Event(_)));
        }
        self.ended
    }

    /// The next piece; none after the end or an error.
    pub async fn next(&mut self) -> Option<Result<Piece, EngineError>> {
        if self.ended {
            return None;
        }
        let piece = self.pieces.recv().await.unwrap_or(Err(EngineError::Stopping));
        self.ended = !matches!(piece, Ok(Piece::Event(_)));
        Some(piece)
    }
}

/// A request in the queue.
pub(crate) struct Job {
    pub(crate) ask: CheckedAsk,
    pub(crate) picture: Option<OpenedPicture>,
    pub(crate) sender: mpsc::Sender<Result<Piece, EngineError>>,
    pub(crate) asked: Instant,
    pub(crate) queued: Instant,
    pub(crate) span: tracing::Span,
}

impl Job {
    /// Whether the caller has left.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether there is no time left.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        self.ask.deadline <= now
    }

    /// Ends the request without an answer.
    pub(crate) fn refuse(self, error: EngineError) {
        if self.is_abandoned() {
            super::telemetry::cancelled();
            return;
        }
        super::telemetry::refused(&error);
        // A caller who has left does not need to know.
        let _ = self.sender.try_send(Err(error));
    }
}
