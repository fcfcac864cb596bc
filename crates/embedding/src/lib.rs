//! Sentence embeddings from a local MiniLM-class model on candle.
//!
//! Ranking works without any model; where a folder with one is configured, its vectors add a similarity part to the
//! score. The crate reads only that folder (`config.json`, `tokenizer.json` or `vocab.txt`, and the weights as
//! `model.safetensors` or `pytorch_model.bin`) and never the network.
//!
//! A text of any length is cut into chunks of one window each, and its vector is the mean of all of them: a résumé's
//! second page counts as much as its first. Vectors have length one, so their dot product is their cosine.

mod cache;
mod chunks;
mod embedder;
mod error;
mod folder;
mod table;

pub use cache::CachedEmbedder;
pub use embedder::{Embedder, cosine};
pub use error::EmbeddingError;
pub use table::VectorTable;
