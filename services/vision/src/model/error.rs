//! What can be wrong with a model folder, a request, or during inference.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::image::ImageError;

/// Names of tensors shown in one message.
const SHOWN: usize = 12;

/// Why the model did not load or did not answer. The messages name the value and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The configured folder does not exist or is a file.
    #[error(
        "model folder {0} is not a folder; point the setting at one that holds config.json, tokenizer.json and the \
         weights"
    )]
    NoFolder(PathBuf),
    /// None of the files that could serve a purpose is there.
    #[error("model folder {folder} has none of {wanted}; copy it from the model's download")]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The file names that would do.
        wanted: &'static str,
    },
    /// A file is there but is not usable.
    #[error("{file} is not usable: {reason}")]
    File {
        /// The file.
        file: PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// Tensors that are missing, of the wrong shape, or unknown.
    #[error("weights do not fit the configuration: {0}; use the config.json that belongs to them")]
    Weights(TensorMismatch),
    /// The picture was refused.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The request cannot be answered as it is.
    #[error("{0}")]
    Request(String),
    /// The prompt leaves no room for an answer.
    #[error("prompt of {tokens} tokens is too long: {limit} are left in the context of the model; shorten it")]
    PromptTooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that would fit.
        limit: usize,
    },
    /// The memory for keys and values is taken by other requests.
    #[error(
        "{needed} bytes of the model's cache are needed and {free} of {budget} are free; wait for other requests or \
         raise the cache budget"
    )]
    CacheFull {
        /// Bytes that the request needs.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// All bytes there are.
        budget: u64,
    },
    /// The tokenizer failed on a text.
    #[error("tokenizer failed: {0}")]
    Tokenizer(String),
    /// A computation failed: out of memory, a device fault, or weights that are damaged.
    #[error("inference failed: {0}")]
    Inference(#[from] candle_core::Error),
}

impl ModelError {
    pub(crate) fn file(file: &Path, reason: impl std::fmt::Display) -> Self {
        Self::File { file: file.to_owned(), reason: reason.to_string() }
    }
}

/// Tensors that do not fit the configuration, each with the shape that it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorMismatch {
    /// Names that are not in the weights, and the expected shape.
    pub missing: Vec<(String, Vec<usize>)>,
    /// Names with another shape or type: what was found, what was expected.
    pub wrong: Vec<(String, String, Vec<usize>)>,
    /// Names that the configuration does not know.
    pub extra: Vec<String>,
}

impl TensorMismatch {
    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.wrong.is_empty() && self.extra.is_empty()
    }
}

impl std::fmt::Display for TensorMismatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let missing = self.missing.iter().map(|(name, shape)| match shape.as_slice() {
            // Nothing is known of a tensor that others are measured by.
            [] => format!("{name} is missing"),
            shape => format!("{name} {shape:?} is missing"),
        });
        let wrong = self.wrong.iter().map(|(name, found, shape)| format!("{name} is {found} and should be {shape:?}"));
        let extra = self.extra.iter().map(|name| format!("{name} is not part of the model"));
        let mut text = String::new();
        let count = self.missing.len() + self.wrong.len() + self.extra.len();
        for (index, line) in missing.chain(wrong).chain(extra).take(SHOWN).enumerate() {
            write!(text, "{}{line}", if index == 0 { "" } else { ", " })?;
        }
        if count > SHOWN {
            write!(text, ", and {} more", count - SHOWN)?;
        }
        formatter.write_str(&text)
    }
}
