//! Where streamed text may be cut.

use super::{ModelError, Tokenizer};

/// Collects the tokens of an answer and hands out its text in pieces that end at words.
///
/// The pieces, joined, are the text. They are the reference's: all text since the last newline is decoded anew for
/// every token; after a newline everything is handed out, after a Chinese, Japanese or Korean ideograph too, and else
/// what reaches to the last space.
#[derive(Default)]
pub(crate) struct TextStream {
    tokens: Vec<u32>,
    /// Characters of the decoded tokens that were handed out.
    printed: usize,
}

impl TextStream {
    /// Adds a token; the piece that it completes, if any.
    pub(crate) fn push(&mut self, tokenizer: &Tokenizer, token: u32) -> Result<Option<String>, ModelError> {
        self.tokens.push(token);
        let text = tokenizer.decode(&self.tokens)?;
        if text.ends_with('\n') {
            let piece = self.rest(&text);
            *self = Self::default();
            return Ok(piece);
        }
        let end = match text.chars().next_back() {
            Some(last) if is_ideograph(last) => text.len(),
            _ => text.rfind(' ').map_or(0, |space| space + 1),
        };
        let piece = self.rest(text.get(..end).unwrap_or_default());
        self.printed += piece.as_ref().map_or(0, |piece| piece.chars().count());
        Ok(piece)
    }

    /// What is left when no token follows.
    pub(crate) fn finish(&mut self, tokenizer: &Tokenizer) -> Result<Option<String>, ModelError> {
        let text = tokenizer.decode(&self.tokens)?;
        let piece = self.rest(&text);
        *self = Self::default();
        Ok(piece)
    }

    fn rest(&self, text: &str) -> Option<String> {
        let rest: String = text.chars().skip(self.printed).collect();
        (!rest.is_empty()).then_some(rest)
    }
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{2f800}'..='\u{2fa1f}')
}
