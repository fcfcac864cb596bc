//! From a folder of safetensors to one with quantised linear layers.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};

use super::{TensorRole, Weights, expected_tensors};
use crate::model::{Config, ModelError};

/// How the linear layers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantization {
    /// 8 bits, one scale for 32 numbers.
    Q8_0,
    /// 4 bits, one scale for 32 numbers.
    Q4_0,
    /// 4 bits, scales and offsets in two levels for 256 numbers.
    Q4K,
}

impl Quantization {
    fn dtype(self) -> GgmlDType {
        match self {
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q4_0 => GgmlDType::Q4_0,
            Self::Q4K => GgmlDType::Q4K,
        }
    }
}

impl std::str::FromStr for Quantization {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "q8_0" => Ok(Self::Q8_0),
            "q4_0" => Ok(Self::Q4_0),
            "q4_k" => Ok(Self::Q4K),
            other => Err(format!("quantisation {other:?} is not known; use q8_0, q4_0 or q4_k")),
        }
    }
}

/// What a conversion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuantizeReport {
    /// Tensors in the new file.
    pub tensors: usize,
    /// Linear layers among them that were quantised.
    pub quantized: usize,
    /// Bytes of all tensors.
    pub bytes: u64,
}

/// Writes `target` (a new or empty folder) with `model.gguf`, `config.json` and `tokenizer.json` from `source`.
///
/// The linear layers of the image encoder and the text decoder are quantised, their rows padded with zeros to whole
/// blocks; the region networks, embeddings, norms and biases stay as they are.
///
/// # Errors
/// [`ModelError::File`] where a file cannot be read or written, [`ModelError::Weights`] for weights that do not fit.
pub fn quantize(source: &Path, target: &Path, quantization: Quantization) -> Result<QuantizeReport, ModelError> {
    let config = Config::read(&source.join("config.json"))?;
    let weights = Weights::open_folder(source)?;
    weights.check(&config)?;
    std::fs::create_dir_all(target).map_err(|error| ModelError::file(target, error))?;
    for name in ["config.json", "tokenizer.json"] {
        let from = source.join(name);
        if from.is_file() {
            std::fs::copy(&from, target.join(name)).map_err(|error| ModelError::file(&from, error))?;
        }
    }
    let mut report = QuantizeReport::default();
    let mut tensors = Vec::new();
    for expected in expected_tensors(&config) {
        let tensor = weights.tensor(&expected.name, DType::F32, &Device::Cpu)?.reshape(expected.shape.as_slice())?;
        let tensor = match expected.role {
            TensorRole::Linear => {
                report.quantized += 1;
                quantize_rows(&tensor, quantization.dtype())?
            }
            TensorRole::Plain => QTensor::quantize(&tensor, plain_dtype(&weights, &tensor))?,
        };
        report.tensors += 1;
        report.bytes += tensor.storage_size_in_bytes() as u64;
        tensors.push((expected.name, tensor));
    }
    write(&target.join("model.gguf"), &tensors)?;
    Ok(report)
}

/// Tables keep the width they were stored in; vectors are so small that f32 costs nothing.
fn plain_dtype(weights: &Weights, tensor: &Tensor) -> GgmlDType {
    match (tensor.rank(), weights.stored_dtype()) {
        (1, _) => GgmlDType::F32,
        (_, DType::BF16) => GgmlDType::BF16,
        (_, DType::F16) => GgmlDType::F16,
        _ => GgmlDType::F32,
    }
}

fn quantize_rows(weight: &Tensor, dtype: GgmlDType) -> Result<QTensor, ModelError> {
    let input = weight.dim(1)?;
    let padding = input.next_multiple_of(dtype.block_size()) - input;
    let padded = if padding > 0 { weight.pad_with_zeros(1, 0, padding)? } else { weight.clone() };
    Ok(QTensor::quantize(&padded.contiguous()?, dtype)?)
}

fn write(file: &Path, tensors: &[(String, QTensor)]) -> Result<(), ModelError> {
    let failed = |error: &dyn std::fmt::Display| ModelError::file(file, error);
    let created = File::create(file).map_err(|error| failed(&error))?;
    let mut writer = BufWriter::with_capacity(1 << 20, created);
    let architecture = Value::String("moondream2".to_owned());
    let list: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut writer, &[("general.architecture", &architecture)], &list).map_err(|error| failed(&error))?;
    writer.flush().map_err(|error| failed(&error))
}
