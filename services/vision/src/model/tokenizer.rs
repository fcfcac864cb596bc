//! Text to token ids and back.

use std::path::Path;

use super::{ModelError, files};

/// Largest tokenizer file that is read.
const LARGEST_FILE: u64 = 64 << 20;

/// The model's tokenizer: a `tokenizer.json`.
pub struct Tokenizer {
    /// Encodes and decodes; special tokens spelled out in a text become special ids.
    inner: tokenizers::Tokenizer,
    /// Encodes text of callers: special tokens spelled out in it stay plain text.
    plain: tokenizers::Tokenizer,
}

impl Tokenizer {
    /// Reads `file`, which belongs to a model of `most` tokens.
    ///
    /// # Errors
    /// [`ModelError::File`] for a file that cannot be read, is no tokenizer, or holds more tokens than the model.
    pub fn read(file: &Path, most: usize) -> Result<Self, ModelError> {
        let bytes = files::read_bounded(file, LARGEST_FILE)?;
        Self::parse(&bytes, most).map_err(|reason| ModelError::file(file, reason))
    }

    /// Parses the bytes of a `tokenizer.json` of at most `most` tokens; the error says what is wrong with them.
    pub(crate) fn parse(bytes: &[u8], most: usize) -> Result<Self, String> {
        let inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| error.to_string())?;
        let found = inner.get_vocab_size(true);
        if found > most {
            return Err(format!("it has {found} tokens and the model has {most}; they do not belong together"));
        }
        let mut plain = inner.clone();
        plain.set_encode_special_tokens(true);
        Ok(Self { inner, plain })
    }

    /// The id of the token that is spelled so.
    pub(crate) fn id_of(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Token ids of `text`.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] when the tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        encode(&self.inner, text)
    }

    /// Token ids of a caller's text: the name of a special token in it does not become that token.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] when the tokenizer fails.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        encode(&self.plain, text)
    }

    /// The text of `ids`; special tokens have none, and bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] when the tokenizer fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.inner.decode(ids, true).map_err(|error| ModelError::Tokenizer(error.to_string()))
    }
}

fn encode(tokenizer: &tokenizers::Tokenizer, text: &str) -> Result<Vec<u32>, ModelError> {
    let encoding = tokenizer.encode(text, true).map_err(|error| ModelError::Tokenizer(error.to_string()))?;
    Ok(encoding.get_ids().to_vec())
}
