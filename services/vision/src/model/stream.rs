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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::weights::byte_tokenizer;

    /// The pieces of a text whose bytes are tokens.
    fn pieces(bytes: &[u8]) -> Vec<String> {
        let tokenizer = Tokenizer::parse(byte_tokenizer().to_string().as_bytes(), 300).unwrap();
        let mut stream = TextStream::default();
        let mut pieces = Vec::new();
        for byte in bytes {
            pieces.extend(stream.push(&tokenizer, 10 + u32::from(*byte)).unwrap());
        }
        pieces.extend(stream.finish(&tokenizer).unwrap());
        pieces
    }

    #[test]
    fn pieces_end_at_words_lines_and_ideographs() {
        assert_eq!(pieces(b"A red square"), ["A ", "red ", "square"]);
        assert_eq!(pieces(b"one\ntwo three\n"), ["one\n", "two ", "three\n"]);
        assert_eq!(pieces("h\u{e9}llo \u{4e16}\u{754c}!".as_bytes()), ["h\u{e9}llo ", "\u{4e16}", "\u{754c}", "!"]);
        assert_eq!(pieces("\u{20000} \u{2f800}".as_bytes()), ["\u{20000} ", "\u{2f800}"]);
        assert!(pieces(b"").is_empty());
    }

    #[test]
    fn half_a_character_is_held_back_until_a_word_ends() {
        assert_eq!(pieces(&[b'a', 0xe4, 0xb8, b' ', b'b']), ["a\u{fffd} ", "b"]);
        assert_eq!(pieces("x\u{1f642}y z".as_bytes()), ["x\u{1f642}y ", "z"]);
    }
}
