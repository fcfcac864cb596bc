//! Weights of a model folder under one set of names, whatever the file's layout.
//!
//! Known are safetensors in one file or in shards, in the layout of the 2025 releases and the one before it, plain or
//! packed to 4 bits, and GGUF with quantised linear layers. [`Weights::check`] compares a folder with a configuration
//! before anything is read.

mod expected;
mod gguf;
mod host;
mod lora;
mod names;
mod packed;
mod quantize;
mod random;
mod stored;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};

/// Type of a tensor's numbers.
pub use candle_core::DType as WeightType;
use candle_core::DType;

pub use expected::{ExpectedTensor, TensorRole, expected_tensors};
pub use lora::{Adapter, BlockAdapters, Variant};
pub(crate) use names::canonical_name;
pub use quantize::{Quantization, QuantizeReport, quantize};
#[cfg(test)]
pub(crate) use random::byte_tokenizer;
pub(crate) use random::write_random_earlier_model;
pub use random::write_random_model;

use crate::kernels::Matrix;
use crate::model::{Config, ModelError, Revision, TensorMismatch};
use gguf::GgufFile;
use stored::{StoredTensor, index_shards};

/// A linear layer's weight as it is in the file.
pub(crate) enum LinearWeight {
    /// `(out, in)`.
    Dense(Tensor),
    /// `(out, padded in)`: the file's rows may be padded with zeros to whole blocks.
    Quantized(Box<QTensor>),
}

/// The tensors of a folder, by canonical name.
pub struct Weights {
    source: Source,
}

enum Source {
    Safetensors(BTreeMap<String, StoredTensor>),
    Gguf(Box<GgufFile>),
}

impl Weights {
    /// Opens the weights of `folder`: `model.safetensors.index.json` with its shards, `model.safetensors` or
    /// `model.gguf`, or the only file of such a kind.
    ///
    /// # Errors
    /// [`ModelError::NoFolder`], [`ModelError::MissingFile`] or [`ModelError::File`].
    pub fn open_folder(folder: &Path) -> Result<Self, ModelError> {
        if !folder.is_dir() {
            return Err(ModelError::NoFolder(folder.to_owned()));
        }
        Self::open(&find(folder)?)
    }

    /// Opens one file: a `.safetensors`, a `.safetensors.index.json` or a `.gguf`.
    ///
    /// # Errors
    /// [`ModelError::File`] for a file that cannot be read or is none of these.
    pub fn open(file: &Path) -> Result<Self, ModelError> {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let source = if name.ends_with(".gguf") {
            Source::Gguf(Box::new(GgufFile::open(file)?))
        } else if name.ends_with(".json") {
            Source::Safetensors(names::canonical(stored::open_all(&index_shards(file)?)?)?)
        } else {
            Source::Safetensors(names::canonical(stored::open_all(&[file.to_owned()])?)?)
        };
        Ok(Self { source })
    }

    /// The revision of Moondream2 that they belong to.
    ///
    /// # Errors
    /// [`ModelError::Request`] for those of none that can be run.
    pub fn revision(&self) -> Result<Revision, ModelError> {
        Revision::of(&self.shapes())
    }

    /// Compares names and shapes with what `config` asks for.
    ///
    /// # Errors
    /// [`ModelError::Weights`] naming every tensor that is missing, has another shape, or is not known;
    /// [`ModelError::Request`] for those of another revision.
    pub fn check(&self, config: &Config) -> Result<(), ModelError> {
        let revision = self.revision()?;
        if revision != Revision::Current {
            let message = format!(
                "the weights are of Moondream2 {}, with which this cannot be done; fetch the current ones with `aerie \
                 vision fetch`",
                revision.name()
            );
            return Err(ModelError::Request(message));
        }
        let mut mismatch = TensorMismatch::default();
        let mut unknown: BTreeMap<String, String> = self.describe();
        for expected in expected_tensors(config) {
            match unknown.remove(&expected.name) {
                None => mismatch.missing.push((expected.name, expected.shape)),
                Some(found) if !self.fits(&expected) => mismatch.wrong.push((expected.name, found, expected.shape)),
                Some(_) => {}
            }
        }
        mismatch.extra = unknown.into_keys().collect();
        if mismatch.is_empty() { Ok(()) } else { Err(ModelError::Weights(mismatch)) }
    }

    /// The tensor `name` in `dtype` on `device`.
    ///
    /// # Errors
    /// [`ModelError::Weights`] where it is missing, [`ModelError::Inference`] where the device has no room for it.
    pub(crate) fn tensor(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor, ModelError> {
        match &self.source {
            Source::Safetensors(tensors) => tensors.get(name).ok_or_else(|| missing(name))?.read(dtype, device),
            Source::Gguf(file) => {
                let tensor = file.read(name, device)?.ok_or_else(|| missing(name))?;
                Ok(tensor.dequantize(device)?.to_dtype(dtype)?)
            }
        }
    }

    /// The weight of the linear layer `name`, in `dtype` where it is not quantised.
    ///
    /// # Errors
    /// As [`Self::tensor`].
    pub(crate) fn linear(&self, name: &str, dtype: DType, device: &Device) -> Result<LinearWeight, ModelError> {
        let name = format!("{name}.weight");
        if let Source::Gguf(file) = &self.source
            && file.is_quantized(&name)
        {
            let tensor = file.read(&name, device)?.ok_or_else(|| missing(&name))?;
            return Ok(LinearWeight::Quantized(Box::new(tensor)));
        }
        self.tensor(&name, dtype, device).map(LinearWeight::Dense)
    }

    /// The weight `(outputs, inputs)` of the linear layer `name`, packed for the CPU; as `dtype` where it is not quantised.
    ///
    /// # Errors
    /// As [`Self::tensor`].
    pub(crate) fn matrix(&self, name: &str, sides: (usize, usize), dtype: DType) -> Result<Matrix, ModelError> {
        let name = format!("{name}.weight");
        let packed = match &self.source {
            Source::Safetensors(tensors) => tensors.get(&name).and_then(|tensor| tensor.pack(sides, dtype)),
            Source::Gguf(file) => file.read(&name, &Device::Cpu)?.and_then(|tensor| host::pack(&tensor, sides, dtype)),
        };
        match packed {
            Some(matrix) => Ok(matrix.map_err(candle_core::Error::from)?),
            None => host::pack_tensor(&self.tensor(&name, DType::F32, &Device::Cpu)?, sides, dtype),
        }
    }

    /// Whether linear layers are quantised.
    pub(crate) fn is_quantized(&self) -> bool {
        matches!(self.source, Source::Gguf(_))
    }

    /// The type most of the numbers that are not quantised are stored in.
    pub fn stored_dtype(&self) -> DType {
        match &self.source {
            Source::Safetensors(tensors) => {
                let largest = tensors.values().max_by_key(|tensor| tensor.elements());
                largest.map_or(DType::F32, StoredTensor::dtype)
            }
            Source::Gguf(file) => file.plain_dtype(),
        }
    }

    /// How many numbers there are in all tensors.
    pub(crate) fn parameters(&self) -> usize {
        match &self.source {
            Source::Safetensors(tensors) => tensors.values().map(StoredTensor::elements).sum(),
            Source::Gguf(file) => file.parameters(),
        }
    }

    /// Shapes by canonical name.
    pub(crate) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        match &self.source {
            Source::Safetensors(tensors) => {
                tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect()
            }
            Source::Gguf(file) => {
                file.shapes().into_iter().map(|(name, shape)| (names::canonical_name(&name).0, shape)).collect()
            }
        }
    }

    /// The file, where it is a GGUF.
    pub(crate) fn gguf_file(&self) -> Option<&Path> {
        match &self.source {
            Source::Safetensors(_) => None,
            Source::Gguf(file) => Some(file.path()),
        }
    }

    fn describe(&self) -> BTreeMap<String, String> {
        match &self.source {
            Source::Safetensors(tensors) => {
                tensors.iter().map(|(name, tensor)| (name.clone(), tensor.describe())).collect()
            }
            Source::Gguf(file) => file.describe(),
        }
    }

    fn fits(&self, expected: &ExpectedTensor) -> bool {
        match &self.source {
            Source::Safetensors(tensors) => {
                tensors.get(&expected.name).is_some_and(|found| found.fits(&expected.shape))
            }
            Source::Gguf(file) => file.fits(expected),
        }
    }
}

fn missing(name: &str) -> ModelError {
    let missing = vec![(name.to_owned(), Vec::new())];
    ModelError::Weights(TensorMismatch { missing, ..TensorMismatch::default() })
}

/// The file of `folder` that holds the weights or lists their shards.
fn find(folder: &Path) -> Result<PathBuf, ModelError> {
    for name in ["model.safetensors.index.json", "model.safetensors", "model.gguf"] {
        let file = folder.join(name);
        if file.is_file() {
            return Ok(file);
        }
    }
    let entries = std::fs::read_dir(folder).map_err(|error| ModelError::file(folder, error))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let extension = path.extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("safetensors" | "gguf")) && !matches!(stem, "lora" | "golden")
        })
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(ModelError::MissingFile {
            folder: folder.to_owned(),
            wanted: "model.safetensors, model.safetensors.index.json, model.gguf",
        }),
    }
}
