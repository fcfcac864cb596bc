//! What can be wrong with a model folder, or during inference.

use std::path::PathBuf;

/// Why texts could not be embedded. The messages name the file and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// The configured folder does not exist or is a file.
    #[error(
        "embedding model folder {folder} is not a folder; point the setting at one that holds config.json, \
         tokenizer.json and model.safetensors"
    )]
    NoFolder {
        /// The configured folder.
        folder: PathBuf,
    },
    /// None of the files that could serve a purpose is there.
    #[error("embedding model folder {folder} has none of {wanted}; copy it from the model's download")]
    MissingFile {
        /// The configured folder.
        folder: PathBuf,
        /// The file names that would do.
        wanted: &'static str,
    },
    /// A file is there but cannot be read.
    #[error("cannot read {file}: {reason}; check its permissions")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file is there but is not what its name says.
    #[error(
        "{file} is not usable: {reason}; fetch it again or use a BERT-type sentence model such as all-MiniLM-L6-v2"
    )]
    InvalidFile {
        /// The file.
        file: PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// The file that keeps vectors cannot be read or written.
    #[error("cannot use the cache of vectors {file}: {reason}; free space or mend its permissions, or delete it")]
    Cache {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The model failed on a text.
    #[error("embedding failed: {0}")]
    Inference(String),
}
