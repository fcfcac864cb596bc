//! One request on its way: what the model is fed next, and what its outputs mean.

mod stage;
mod transcript;

use std::collections::VecDeque;
use std::sync::Arc;

use super::cache::SequenceCache;
use super::sampling::Sampler;
use super::stream::TextStream;
use super::{Event, Finish, ModelError, Sampling, Tokenizer, TokenizerConfig};
use crate::weights::Variant;
use stage::{Objects, Reasoning};

pub use transcript::{PromptTrace, Transcript};

/// What stands at one position of a sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Input {
    Token(u32),
    Coordinate(f32),
    Size([f32; 2]),
}

/// What is said of logits that nothing can be decided with.
pub(super) const NOT_NUMBERS: &str =
    "the model's logits are not numbers; its weights or the device's memory are damaged";

/// Stands where there is no token.
pub(crate) const NO_TOKEN: u32 = u32::MAX;

/// What a generation has to know of the hidden state at its last position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Token,
    Coordinate,
    Size,
}

/// A request that the model is answering.
///
/// [`Model::step`](super::Model::step) moves it on, alone or together with others; what it gave since is in
/// [`take_events`](Self::take_events). It may be dropped at any time, which gives its memory back.
pub struct Generation {
    parts: Parts,
    stage: Stage,
}

/// What every stage works on.
struct Parts {
    tokenizer: Arc<Tokenizer>,
    special: Arc<TokenizerConfig>,
    pub(super) cache: SequenceCache,
    variant: Option<Arc<Variant>>,
    sampler: Sampler,
    max_tokens: usize,
    pending: VecDeque<Input>,
    /// Positions that the sequence may have.
    limit: usize,
    /// Whether the next decision is the first after a prompt.
    after_prompt: bool,
    events: Vec<Event>,
    transcript: Transcript,
}

enum Stage {
    Reasoning(Reasoning),
    Answer { stream: TextStream, made: usize },
    Objects(Objects),
    Finished,
}

/// What a generation begins with.
pub(crate) struct Start {
    pub(crate) tokenizer: Arc<Tokenizer>,
    pub(crate) special: Arc<TokenizerConfig>,
    pub(crate) cache: SequenceCache,
    pub(crate) variant: Option<Arc<Variant>>,
    pub(crate) sampling: Sampling,
    pub(crate) prompt: Vec<Input>,
    pub(crate) limit: usize,
    pub(crate) task: Task,
}

/// What follows the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Answer,
    ReasonedAnswer,
    Objects { boxes: bool, most: usize },
}

impl Generation {
    pub(crate) fn new(start: Start) -> Self {
        let stage = match start.task {
            Task::Answer => Stage::Answer { stream: TextStream::default(), made: 0 },
            Task::ReasonedAnswer => Stage::Reasoning(Reasoning::default()),
            Task::Objects { boxes, most } => Stage::Objects(Objects::new(boxes, most)),
        };
        let mut parts = Parts {
            tokenizer: start.tokenizer,
            special: start.special,
            cache: start.cache,
            variant: start.variant,
            sampler: Sampler::new(&start.sampling),
            max_tokens: start.sampling.max_tokens,
            pending: VecDeque::new(),
            limit: start.limit,
            after_prompt: true,
            events: Vec::new(),
            transcript: Transcript::default(),
        };
        parts.prompt(start.prompt);
        Self { parts, stage }
    }

    /// The events since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.parts.events)
    }

    /// Whether the last event was given.
    pub fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished)
    }

    /// Positions that are computed: the image's, the prompt's and those generated so far.
    pub fn positions(&self) -> usize {
        self.parts.cache.length()
    }

    /// What was fed and decided so far.
    pub fn transcript(&self) -> &Transcript {
        &self.parts.transcript
    }

    /// Keeps the logits of every prompt and of its first `steps` steps in the transcript, for comparisons.
    pub fn keep_logits(&mut self, steps: usize) {
        self.parts.transcript.keep_logits(steps);
    }

    /// Positions that wait to be computed, at most `most` of them; none when finished.
    pub(crate) fn next_inputs(&mut self, most: usize) -> Vec<Input> {
        let count = self.parts.pending.len().min(most);
        self.parts.pending.drain(..count).collect()
    }

    /// The cache, and the adapters that the sequence is computed with.
    pub(crate) fn sequence(&mut self) -> (&mut SequenceCache, Option<&Variant>) {
        (&mut self.parts.cache, self.parts.variant.as_deref())
    }

    /// What is wanted of the hidden state of the last position; nothing while positions of a prompt wait.
    pub(crate) fn wanted(&self) -> Option<Wanted> {
        if !self.parts.pending.is_empty() {
            return None;
        }
        match &self.stage {
            Stage::Finished => None,
            Stage::Objects(objects) => Some(objects.wanted()),
            Stage::Reasoning(_) | Stage::Answer { .. } => Some(Wanted::Token),
        }
    }

    /// Whether the transcript wants the hidden state of this position.
    pub(crate) fn wants_hidden(&self) -> bool {
        self.parts.after_prompt && self.parts.transcript.keeps_logits()
    }

    /// Records the hidden state after a prompt.
    pub(crate) fn record_hidden(&mut self, hidden: Vec<f32>) {
        self.parts.transcript.record_hidden(hidden);
    }

    /// The tokens that may not be decided on next; [`NO_TOKEN`] is none.
    pub(crate) fn banned(&self) -> [u32; 2] {
        let special = &self.parts.special;
        match &self.stage {
            _ if self.parts.after_prompt => [NO_TOKEN; 2],
            Stage::Reasoning(_) => [special.eos_id, special.size_id],
            Stage::Answer { .. } => [special.answer_id, NO_TOKEN],
            Stage::Objects(_) | Stage::Finished => [NO_TOKEN; 2],
        }
    }

    /// Whether the likeliest token is the one to take.
    pub(crate) fn is_greedy(&self) -> bool {
        self.parts.sampler.is_greedy()
    }

    /// Whether the transcript wants logits.
    pub(crate) fn keeps_logits(&self) -> bool {
        self.parts.transcript.keeps_logits()
    }

    /// Decides on a token from its logits; none of logits that are no numbers.
    pub(crate) fn choose(&mut self, logits: &[f32]) -> Option<u32> {
        let banned = self.banned();
        self.parts.sampler.choose(logits, &banned)
    }

    /// Takes the token that was decided on and, where they are kept, its logits; what is wanted next of the same hidden
    /// state, if anything.
    pub(crate) fn accept_choice(&mut self, chosen: Option<u32>, logits: &[f32]) -> Result<Option<Wanted>, ModelError> {
        let parts = &mut self.parts;
        let after_prompt = std::mem::replace(&mut parts.after_prompt, false);
        parts.transcript.record_logits(logits, after_prompt);
        let Some(token) = chosen else {
            self.fail(NOT_NUMBERS);
            return Ok(None);
        };
        self.accept_token(token)
    }

    fn accept_token(&mut self, token: u32) -> Result<Option<Wanted>, ModelError> {
        let parts = &mut self.parts;
        match &mut self.stage {
            Stage::Finished => Ok(None),
            Stage::Reasoning(reasoning) => {
                let suffix = parts.special.templates.query.as_ref().map_or(0, |query| query.suffix.len());
                let full = parts.cache.length() + suffix + 2 > parts.limit;
                if token == parts.special.answer_id || reasoning.tokens() == parts.max_tokens || full {
                    let event = reasoning.finish(&parts.tokenizer)?;
                    parts.events.push(event);
                    let suffix = parts.special.templates.query.iter().flat_map(|query| query.suffix.clone());
                    parts.prompt(suffix.map(Input::Token).collect());
                    self.stage = Stage::Answer { stream: TextStream::default(), made: 0 };
                    return Ok(None);
                }
                parts.transcript.record_token(token);
                reasoning.push(token, &parts.special);
                if token == parts.special.coord_id {
                    return Ok(Some(Wanted::Coordinate));
                }
                parts.pending.push_back(Input::Token(token));
                Ok(None)
            }
            Stage::Answer { stream, made } => {
                if token == parts.special.eos_id {
                    self.finish(Finish::Stop)?;
                    return Ok(None);
                }
                parts.transcript.record_token(token);
                let piece = stream.push(&parts.tokenizer, token)?;
                parts.events.extend(piece.map(Event::Text));
                *made += 1;
                if *made >= parts.max_tokens {
                    self.finish(Finish::MaxTokens)?;
                } else if parts.cache.length() >= parts.limit {
                    self.finish(Finish::ContextFull)?;
                } else {
                    parts.pending.push_back(Input::Token(token));
                }
                Ok(None)
            }
            Stage::Objects(_) if token == parts.special.eos_id => {
                self.finish(Finish::Stop)?;
                Ok(None)
            }
            Stage::Objects(_) => Ok(Some(Wanted::Coordinate)),
        }
    }

    /// Takes the bin of a coordinate and its value 0..1.
    pub(crate) fn accept_coordinate(&mut self, bin: u32, value: f32) -> Result<(), ModelError> {
        let parts = &mut self.parts;
        parts.pending.push_back(Input::Coordinate(value));
        match &mut self.stage {
            Stage::Reasoning(reasoning) => {
                parts.transcript.record_coordinate(bin);
                reasoning.push_coordinate(value);
                Ok(())
            }
            Stage::Objects(objects) => {
                parts.transcript.record_object_coordinate(bin, objects.wants_x());
                let found = objects.accept_coordinate(value);
                self.found(found)
            }
            Stage::Answer { .. } | Stage::Finished => Ok(()),
        }
    }

    /// Takes the bins of a width and height and their values 0..1.
    pub(crate) fn accept_size(&mut self, bins: [u32; 2], size: [f32; 2]) -> Result<(), ModelError> {
        self.parts.pending.push_back(Input::Size(size));
        self.parts.transcript.record_size(bins);
        let Stage::Objects(objects) = &mut self.stage else { return Ok(()) };
        let found = objects.accept_size(size);
        self.found(found)
    }

    /// Ends the generation because its numbers cannot be used.
    pub(crate) fn fail(&mut self, reason: &str) {
        self.parts.pending.clear();
        self.parts.events.push(Event::Finished(Finish::Failed(reason.to_owned())));
        self.stage = Stage::Finished;
    }

    fn found(&mut self, object: Option<Event>) -> Result<(), ModelError> {
        let Stage::Objects(objects) = &self.stage else { return Ok(()) };
        let (done, positions) = (objects.is_full(), objects.positions());
        let Some(object) = object else { return Ok(()) };
        self.parts.events.push(object);
        if done {
            self.finish(Finish::MaxObjects)
        } else if self.parts.cache.length() + positions > self.parts.limit {
            self.finish(Finish::ContextFull)
        } else {
            Ok(())
        }
    }

    fn finish(&mut self, finish: Finish) -> Result<(), ModelError> {
        if let Stage::Answer { stream, .. } = &mut self.stage {
            let rest = stream.finish(&self.parts.tokenizer)?;
            self.parts.events.extend(rest.map(Event::Text));
        }
        self.parts.pending.clear();
        self.parts.events.push(Event::Finished(finish));
        self.stage = Stage::Finished;
        Ok(())
    }
}

impl Parts {
    fn prompt(&mut self, inputs: Vec<Input>) {
        self.transcript.begin(&inputs, self.cache.length(), &self.special);
        self.pending.extend(inputs);
        self.after_prompt = true;
    }
}
