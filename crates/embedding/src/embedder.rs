//! From texts to vectors.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::EmbeddingError;
use crate::chunks::{Chunk, batches, cut};
use crate::folder::{self, ModelFolder};

/// A loaded model. Cheap to share behind an `Arc`; all methods take `&self` and use all cores.
pub struct Embedder {
    folder: PathBuf,
    parts: ModelFolder,
}

impl Embedder {
    /// Loads a model from a local folder.
    ///
    /// # Errors
    /// A folder or file that is missing, unreadable or of another kind; the message names it and the remedy.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, EmbeddingError> {
        let folder = folder.as_ref();
        Ok(Self { folder: folder.to_owned(), parts: folder::read(folder)? })
    }

    /// A name, in hexadecimal digits, of everything that vectors depend on; models with the same one give the same vectors.
    /// Reads the folder again, which takes a tenth of a second.
    ///
    /// # Errors
    /// A file that can no longer be read.
    pub fn fingerprint(&self) -> Result<String, EmbeddingError> {
        folder::fingerprint(&self.folder)
    }

    /// Length of every vector.
    pub fn dimensions(&self) -> usize {
        self.parts.dimensions
    }

    /// One vector of length one per text: the mean over all chunks of the text.
    ///
    /// # Errors
    /// A text the tokenizer refuses, or a failure of the model.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let chunks = self.chunks(texts)?;
        let vectors = self.run(&chunks)?;
        let mut sums = vec![vec![0.0_f32; self.parts.dimensions]; texts.len()];
        for (chunk, vector) in chunks.iter().zip(&vectors) {
            if let Some(sum) = sums.get_mut(chunk.text) {
                for (total, value) in sum.iter_mut().zip(vector) {
                    *total += value;
                }
            }
        }
        sums.iter_mut().for_each(|sum| normalise(sum));
        Ok(sums)
    }

    /// The vectors of the chunks of one text, in the order of the text, each of length one.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn embed_chunks(&self, text: &str) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        self.run(&self.chunks(&[text])?)
    }

    fn chunks(&self, texts: &[&str]) -> Result<Vec<Chunk>, EmbeddingError> {
        let parts = &self.parts;
        let cut_one = |(index, text): (usize, &&str)| {
            let encoding = parts.tokenizer.encode_fast(*text, false).map_err(inference)?;
            Ok(cut(index, encoding.get_ids(), parts.window, parts.classify_token, parts.separate_token))
        };
        let cut_texts: Vec<Vec<Chunk>> =
            texts.par_iter().enumerate().map(cut_one).collect::<Result<_, EmbeddingError>>()?;
        Ok(cut_texts.into_iter().flatten().collect())
    }

    /// Vectors of the chunks, in their order.
    fn run(&self, chunks: &[Chunk]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let batches = batches(chunks);
        let done: Vec<Vec<(usize, Vec<f32>)>> =
            batches.par_iter().map(|batch| self.run_batch(chunks, batch)).collect::<Result<_, _>>()?;
        let mut vectors = vec![Vec::new(); chunks.len()];
        for (index, vector) in done.into_iter().flatten() {
            if let Some(slot) = vectors.get_mut(index) {
                *slot = vector;
            }
        }
        Ok(vectors)
    }

    fn run_batch(&self, chunks: &[Chunk], batch: &[usize]) -> Result<Vec<(usize, Vec<f32>)>, EmbeddingError> {
        let members: Vec<(usize, &[u32])> =
            batch.iter().filter_map(|&index| chunks.get(index).map(|chunk| (index, chunk.tokens.as_slice()))).collect();
        let width = members.iter().map(|(_, tokens)| tokens.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(members.len() * width);
        let mut mask = Vec::with_capacity(members.len() * width);
        for (_, tokens) in &members {
            ids.extend_from_slice(tokens);
            ids.resize(ids.len() + width - tokens.len(), self.parts.pad_token);
            mask.resize(mask.len() + tokens.len(), 1_u32);
            mask.resize(mask.len() + width - tokens.len(), 0_u32);
        }
        let pooled = self.forward(ids, mask, members.len(), width).map_err(inference)?;
        let named = members.iter().zip(pooled).map(|(&(index, _), mut vector)| {
            normalise(&mut vector);
            (index, vector)
        });
        Ok(named.collect())
    }

    /// Mean of the last hidden states over the real tokens of each row.
    fn forward(&self, ids: Vec<u32>, mask: Vec<u32>, rows: usize, width: usize) -> candle_core::Result<Vec<Vec<f32>>> {
        let shape = (rows, width);
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
        let states = self.parts.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let weights = mask.to_dtype(states.dtype())?.unsqueeze(2)?;
        let sums = states.broadcast_mul(&weights)?.sum(1)?;
        sums.broadcast_div(&weights.sum(1)?)?.to_vec2::<f32>()
    }
}

impl std::fmt::Debug for Embedder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Embedder").field("dimensions", &self.parts.dimensions).finish_non_exhaustive()
    }
}

/// Cosine of two vectors of length one; 0 when their lengths differ.
pub fn cosine(left: &[f32], right: &[f32]) -> f32 {
    if left.len() != right.len() {
        return 0.0;
    }
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > f32::EPSILON {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

pub(crate) fn inference(error: impl ToString) -> EmbeddingError {
    EmbeddingError::Inference(error.to_string())
}
