//! Vectors of texts that were embedded before, kept in a file of a cache folder.
//!
//! One file a model, named by the [fingerprint](Embedder::fingerprint) of its folder. It holds records of one length: the
//! first 16 bytes of the text's SHA-256, then the vector as little-endian `f32`. Records are only ever appended, under a
//! lock; a record that was cut off at the end, as by a full disk, is overwritten by the next writer. Losing the file loses
//! time, nothing else.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{ErrorKind, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ring::digest::{SHA256, digest};

use crate::{Embedder, EmbeddingError, cosine};

/// Bytes of a text's SHA-256 that name it.
const NAME_BYTES: usize = 16;

/// Texts embedded before their vectors are written, so that work that is stopped is not lost.
const PORTION: usize = 4_096;

type Name = [u8; NAME_BYTES];

/// An [`Embedder`] that embeds no text twice, in this run or a later one.
#[derive(Debug)]
pub struct CachedEmbedder {
    embedder: Embedder,
    /// `None` keeps vectors in memory only.
    file: Option<PathBuf>,
    known: Mutex<HashMap<Name, Vec<f32>>>,
}

impl CachedEmbedder {
    /// Keeps vectors for as long as this value lives.
    pub fn in_memory(embedder: Embedder) -> Self {
        Self { embedder, file: None, known: Mutex::default() }
    }

    /// Reads what was kept for this model in `folder`, which is made when it is missing.
    ///
    /// # Errors
    /// A folder that cannot be made, a file that cannot be read, or a model whose fingerprint cannot be taken.
    pub fn open(embedder: Embedder, folder: &Path) -> Result<Self, EmbeddingError> {
        let file = folder.join(format!("{}.vectors", embedder.fingerprint()?));
        fs::create_dir_all(folder).map_err(|error| failed(&file, &error))?;
        let bytes = match fs::read(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|error| failed(&file, &error))?,
        };
        let known = bytes.chunks_exact(record_length(&embedder)).filter_map(decode).collect();
        Ok(Self { embedder, file: Some(file), known: Mutex::new(known) })
    }

    /// As [`Embedder::embed`].
    ///
    /// # Errors
    /// As [`Embedder::embed`], and when new vectors cannot be written.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let names: Vec<Name> = texts.iter().map(|text| name_of(text)).collect();
        for portion in self.missing(texts, &names).chunks(PORTION) {
            let portion_texts: Vec<&str> = portion.iter().map(|(_, text)| *text).collect();
            let vectors = self.embedder.embed(&portion_texts)?;
            let records: Vec<(Name, Vec<f32>)> = portion.iter().map(|(name, _)| *name).zip(vectors).collect();
            if let Some(file) = &self.file {
                append(file, &records, record_length(&self.embedder) as u64).map_err(|error| failed(file, &error))?;
            }
            self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(records);
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names.iter().map(|name| known.get(name).cloned().unwrap_or_default()).collect())
    }

    /// Texts without a vector, each once, the longest last so that portions hold texts of similar length.
    fn missing<'text>(&self, texts: &[&'text str], names: &[Name]) -> Vec<(Name, &'text str)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = HashSet::new();
        let unknown = names.iter().copied().zip(texts.iter().copied());
        let mut missing: Vec<(Name, &str)> =
            unknown.filter(|(name, _)| !known.contains_key(name) && seen.insert(*name)).collect();
        missing.sort_by_key(|(_, text)| text.len());
        missing
    }
}

/// Writes records behind the last whole one.
fn append(path: &Path, records: &[(Name, Vec<f32>)], length: u64) -> std::io::Result<()> {
    let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
    file.lock()?;
    file.seek(SeekFrom::Start(file.metadata()?.len() / length * length))?;
    let bytes: Vec<u8> = records.iter().flat_map(|(name, vector)| encode(name, vector)).collect();
    file.write_all(&bytes)
}

fn record_length(embedder: &Embedder) -> usize {
    NAME_BYTES + embedder.dimensions() * size_of::<f32>()
}

fn name_of(text: &str) -> Name {
    let hash = digest(&SHA256, text.as_bytes());
    let mut name = Name::default();
    name.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    name
}

fn encode(name: &Name, vector: &[f32]) -> Vec<u8> {
    name.iter().copied().chain(vector.iter().flat_map(|value| value.to_le_bytes())).collect()
}

/// A record whose vector has length one; others were damaged.
fn decode(record: &[u8]) -> Option<(Name, Vec<f32>)> {
    let (name, vector) = record.split_first_chunk::<NAME_BYTES>()?;
    let vector: Vec<f32> = vector.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    ((cosine(&vector, &vector) - 1.0).abs() < 1e-3).then_some((*name, vector))
}

fn failed(file: &Path, error: &std::io::Error) -> EmbeddingError {
    EmbeddingError::Cache { file: file.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn records_come_back_and_damaged_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.vectors");
        let records = |texts: &[&str]| texts.iter().map(|text| (name_of(text), vec![0.6, 0.8])).collect::<Vec<_>>();
        let length = NAME_BYTES + 8;
        let read = || {
            let bytes = fs::read(&file).unwrap();
            bytes.chunks_exact(length).filter_map(decode).collect::<Vec<_>>()
        };
        append(&file, &records(&["nurse", "cook"]), length as u64).unwrap();
        assert_eq!(read(), records(&["nurse", "cook"]));

        let mut bytes = fs::read(&file).unwrap();
        bytes.truncate(length + 5);
        fs::write(&file, &bytes).unwrap();
        append(&file, &records(&["smith"]), length as u64).unwrap();
        assert_eq!(read(), records(&["nurse", "smith"]), "the half record is overwritten");

        let mut bytes = fs::read(&file).unwrap();
        bytes[length - 1] = 0xff;
        fs::write(&file, &bytes).unwrap();
        assert_eq!(read(), records(&["smith"]), "a vector of another length is not taken");
    }
}
