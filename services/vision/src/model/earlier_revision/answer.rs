//! A request to the earlier revision on its way.

use std::collections::VecDeque;
use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::network::Decoder;
use crate::model::cache::Reservation;
use crate::model::generation::NOT_NUMBERS;
use crate::model::sampling::Sampler;
use crate::model::stream::TextStream;
use crate::model::{Event, Finish, ModelError, ReadImage, Sampling, ServedGeneration, Tokenizer};

/// The tokenizer and the tokens that mean something to the model.
pub(super) struct Words {
    pub(super) tokenizer: Tokenizer,
    /// Begins every sequence and ends every answer.
    pub(super) end_of_text: u32,
    /// Tokens that end an answer, too.
    pub(super) end_mark: Vec<u32>,
}

/// An image that was encoded.
pub(crate) struct EarlierImage {
    /// `(1, patches, dim)`.
    pub(super) tokens: Tensor,
    /// Positions of the first token and the image.
    pub(super) positions: usize,
    pub(super) reservation: Reservation,
}

impl ReadImage for EarlierImage {
    fn bytes(&self) -> u64 {
        self.reservation.bytes()
    }

    fn positions(&self) -> usize {
        self.positions
    }
}

/// How long an answer may be.
pub(super) struct Answered {
    /// Positions of the sequence.
    pub(super) limit: usize,
    pub(super) max_tokens: usize,
}

/// A request that the model is answering.
pub(crate) struct EarlierGeneration {
    words: Arc<Words>,
    decoder: Decoder,
    next: Next,
    sampler: Sampler,
    text: AnswerText,
    answered: Answered,
    prompt_tokens: usize,
    made: usize,
    /// Positions that were computed.
    positions: usize,
    events: Vec<Event>,
    _reservation: Reservation,
}

/// What the decoder reads next.
enum Next {
    Prompt { tokens: Vec<u32>, image: Option<Arc<EarlierImage>> },
    Token(u32),
    Nothing,
}

impl EarlierGeneration {
    pub(super) fn new(
        words: Arc<Words>,
        decoder: Decoder,
        prompt: Vec<u32>,
        image: Option<Arc<EarlierImage>>,
        sampling: &Sampling,
        answered: Answered,
        reservation: Reservation,
    ) -> Self {
        Self {
            words,
            decoder,
            prompt_tokens: prompt.len(),
            next: Next::Prompt { tokens: prompt, image },
            sampler: Sampler::new(sampling),
            text: AnswerText::default(),
            answered,
            made: 0,
            positions: 0,
            events: Vec::new(),
            _reservation: reservation,
        }
    }

    /// Reads the prompt or the last token, and decides on the next one.
    pub(super) fn step(&mut self, device: &Device) -> Result<(), ModelError> {
        let first = self.words.end_of_text;
        let logits = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return Ok(()),
            Next::Token(token) => {
                self.positions += 1;
                self.decoder.read(&[token], device)?
            }
            Next::Prompt { tokens, image: Some(image) } => {
                self.positions = image.positions + tokens.len();
                self.decoder.read_image(first, &image.tokens, &tokens, device)?
            }
            Next::Prompt { mut tokens, image: None } => {
                tokens.insert(0, first);
                self.positions = tokens.len();
                self.decoder.read(&tokens, device)?
            }
        };
        match self.sampler.choose(&logits, &[]) {
            Some(token) => self.accept(token),
            None => {
                self.events.push(Event::Finished(Finish::Failed(NOT_NUMBERS.to_owned())));
                Ok(())
            }
        }
    }

    fn accept(&mut self, token: u32) -> Result<(), ModelError> {
        if token == self.words.end_of_text {
            return self.finish(Finish::Stop);
        }
        self.made += 1;
        let piece = self.text.push(&self.words.tokenizer, &self.words.end_mark, token)?;
        self.events.extend(piece.map(Event::Text));
        if self.text.has_ended(&self.words.end_mark) {
            self.made -= self.text.drop_mark();
            self.finish(Finish::Stop)
        } else if self.made >= self.answered.max_tokens {
            self.finish(Finish::MaxTokens)
        } else if self.positions >= self.answered.limit {
            self.finish(Finish::ContextFull)
        } else {
            self.next = Next::Token(token);
            Ok(())
        }
    }

    fn finish(&mut self, finish: Finish) -> Result<(), ModelError> {
        let rest = self.text.finish(&self.words.tokenizer)?;
        self.events.extend(rest.map(Event::Text));
        self.events.push(Event::Finished(finish));
        Ok(())
    }
}

impl ServedGeneration for EarlierGeneration {
    fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn is_finished(&self) -> bool {
        matches!(self.next, Next::Nothing)
    }

    fn prompt_tokens(&self) -> usize {
        self.prompt_tokens
    }

    fn generated_tokens(&self) -> usize {
        self.made
    }
}

/// The text of an answer in pieces that end at words, without the mark that ends it and the space around it.
#[derive(Default)]
pub(crate) struct AnswerText {
    stream: TextStream,
    /// Tokens that may be the beginning of the mark.
    held: VecDeque<u32>,
    /// Space that only counts when something follows.
    space: String,
    begun: bool,
}

impl AnswerText {
    /// Adds a token; the piece that it completes, if any. Tokens that may become `mark` are held back.
    pub(crate) fn push(
        &mut self,
        tokenizer: &Tokenizer,
        mark: &[u32],
        token: u32,
    ) -> Result<Option<String>, ModelError> {
        self.held.push_back(token);
        let mut pieces = String::new();
        while self.held.len() > mark.len() || !self.held.iter().eq(mark.iter().take(self.held.len())) {
            let Some(token) = self.held.pop_front() else { break };
            pieces.extend(self.stream.push(tokenizer, token)?);
        }
        Ok(self.trim(&pieces))
    }

    /// Whether the mark is whole.
    pub(crate) fn has_ended(&self, mark: &[u32]) -> bool {
        !mark.is_empty() && self.held.len() == mark.len()
    }

    /// Drops the mark; how many tokens that were.
    pub(crate) fn drop_mark(&mut self) -> usize {
        self.held.drain(..).count()
    }

    /// What is left when no token follows.
    pub(crate) fn finish(&mut self, tokenizer: &Tokenizer) -> Result<Option<String>, ModelError> {
        let mut rest = String::new();
        for token in self.held.drain(..) {
            rest.extend(self.stream.push(tokenizer, token)?);
        }
        rest.extend(self.stream.finish(tokenizer)?);
        Ok(self.trim(&rest))
    }

    /// `piece` after the space that was held back, without the space at its end and at the beginning of all.
    fn trim(&mut self, piece: &str) -> Option<String> {
        let mut text = std::mem::take(&mut self.space) + piece;
        if !self.begun {
            text = text.trim_start().to_owned();
        }
        self.space = text.split_off(text.trim_end().len());
        self.begun |= !text.is_empty();
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::weights::byte_tokenizer;

    /// The pieces of a text whose bytes are tokens, up to the mark, and whether that came.
    fn pieces(text: &str) -> (Vec<String>, bool) {
        let tokenizer = Tokenizer::parse(byte_tokenizer().to_string().as_bytes(), 300).unwrap();
        let mark = tokenizer.encode_plain("<END>").unwrap();
        let mut answer = AnswerText::default();
        let mut pieces = Vec::new();
        for byte in text.bytes() {
            pieces.extend(answer.push(&tokenizer, &mark, 10 + u32::from(byte)).unwrap());
            if answer.has_ended(&mark) {
                assert_eq!(answer.drop_mark(), 5);
                pieces.extend(answer.finish(&tokenizer).unwrap());
                return (pieces, true);
            }
        }
        pieces.extend(answer.finish(&tokenizer).unwrap());
        (pieces, false)
    }

    #[test]
    fn the_mark_that_ends_an_answer_is_never_seen() {
        for (text, expected, ended) in [
            (" A red square<END> and more", "A red square", true),
            ("\n 3 < 4 <<END>", "3 < 4 <", true),
            ("<EN <END", "<EN <END", false),
            ("<END>", "", true),
            (" two  words \n ", "two  words", false),
            ("", "", false),
        ] {
            let (pieces, found) = pieces(text);
            assert_eq!((pieces.concat().as_str(), found), (expected, ended), "{text:?}");
        }
    }

    #[test]
    fn pieces_come_as_soon_as_words_end() {
        assert_eq!(pieces(" A red square.").0, ["A", " red", " square."]);
    }
}
