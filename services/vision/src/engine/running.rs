//! A request that the model is answering.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tracing::Span;

use super::ask::{Job, Piece, Summary};
use super::images::ImageKey;
use super::{EngineError, telemetry};
use crate::model::{Event, Finish, ServedGeneration};

pub(crate) struct Running<G> {
    pub(crate) generation: G,
    pub(crate) image: Option<ImageKey>,
    sender: mpsc::Sender<Result<Piece, EngineError>>,
    deadline: Instant,
    asked: Instant,
    queue_time: Duration,
    image_time: Duration,
    image_tokens: usize,
    image_cached: bool,
    first: Option<Instant>,
    span: Span,
}

/// What became of a request in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    GoesOn,
    Ended,
    /// It ended because its numbers cannot be used.
    Damaged,
}

impl<G: ServedGeneration> Running<G> {
    pub(crate) fn new(job: Job, generation: G, taken: Instant, image_cached: bool, image_tokens: usize) -> Self {
        let span = tracing::info_span!(
            parent: &job.span,
            "decode",
            aerie.vision.image_cached = image_cached,
            aerie.vision.output_tokens = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
        );
        Self {
            generation,
            image: job.picture.map(|picture| picture.key),
            sender: job.sender,
            deadline: job.ask.deadline,
            asked: job.asked,
            queue_time: taken.saturating_duration_since(job.queued),
            image_time: taken.elapsed(),
            image_tokens,
            image_cached,
            first: None,
            span,
        }
    }

    /// Whether it has to leave now; a late caller is told.
    pub(crate) fn must_leave(&self, now: Instant) -> bool {
        if self.sender.is_closed() {
            telemetry::cancelled();
            return true;
        }
        if self.deadline <= now {
            self.fail(EngineError::DeadlineExceeded);
            return true;
        }
        false
    }

    /// Tells the caller that nothing more will come.
    pub(crate) fn fail(&self, error: EngineError) {
        telemetry::refused(&error);
        self.span.record("error.type", error.reason());
        // A caller who has left does not need to know.
        let _ = self.sender.try_send(Err(error));
    }

    /// Passes on what the last step gave.
    pub(crate) fn deliver(&mut self, now: Instant) -> Outcome {
        for event in self.generation.take_events() {
            let outcome = match event {
                Event::Finished(Finish::Failed(reason)) => {
                    self.fail(EngineError::NoNumbers(reason));
                    return Outcome::Damaged;
                }
                Event::Finished(finish) => {
                    let summary = self.summary(finish, now);
                    telemetry::answered(&summary);
                    self.span.record("aerie.vision.output_tokens", summary.output_tokens);
                    let _ = self.sender.try_send(Ok(Piece::End(summary)));
                    return Outcome::Ended;
                }
                event => {
                    self.first.get_or_insert(now);
                    self.sender.try_send(Ok(Piece::Event(event)))
                }
            };
            match outcome {
                Ok(()) => {}
                Err(TrySendError::Closed(_)) => {
                    telemetry::cancelled();
                    return Outcome::Ended;
                }
                // There is room for all that it may say; this is only for the case that the count is wrong.
                Err(TrySendError::Full(_)) => return Outcome::Ended,
            }
        }
        Outcome::GoesOn
    }

    fn summary(&self, finish: Finish, now: Instant) -> Summary {
        Summary {
            finish,
            image_tokens: self.image_tokens,
            prompt_tokens: self.generation.prompt_tokens(),
            output_tokens: self.generation.generated_tokens(),
            image_cached: self.image_cached,
            queue_time: self.queue_time,
            image_time: self.image_time,
            first_piece_time: self.first.unwrap_or(now).saturating_duration_since(self.asked),
            total_time: now.saturating_duration_since(self.asked),
        }
    }
}
