//! Weights packed for the kernels of the CPU.

use std::io;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Tensor};

use crate::kernels::{Kind, Matrix, Source};
use crate::model::ModelError;

/// How weights of `dtype` are packed.
pub(crate) fn kind(dtype: DType) -> Kind {
    match dtype {
        DType::BF16 => Kind::Bf16,
        DType::F16 => Kind::F16,
        _ => Kind::F32,
    }
}

/// A tensor of a GGUF file, packed; none where there is no kernel for its type.
pub(crate) fn pack(tensor: &QTensor, (outputs, inputs): (usize, usize), dtype: DType) -> Option<io::Result<Matrix>> {
    let bytes = tensor.data().ok()?;
    let source = match tensor.dtype() {
        GgmlDType::F32 => Source::F32(&bytes),
        GgmlDType::F16 => Source::F16(&bytes),
        GgmlDType::BF16 => Source::Bf16(&bytes),
        GgmlDType::Q8_0 => Source::Q8_0(&bytes),
        GgmlDType::Q4_0 => Source::Q4_0(&bytes),
        GgmlDType::Q4K => Source::Q4K(&bytes),
        _ => return None,
    };
    Some(Matrix::pack(source, outputs, inputs, kind(dtype)))
}

/// A tensor of f32, packed. Inputs beyond those that are wanted are left out.
pub(crate) fn pack_tensor(tensor: &Tensor, sides: (usize, usize), dtype: DType) -> Result<Matrix, ModelError> {
    let (outputs, inputs) = sides;
    let numbers: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
    let stored = numbers.len() / outputs.max(1);
    let rows = numbers.chunks_exact(stored.max(1)).map(|row| row.get(..inputs).unwrap_or(row));
    let bytes: Vec<u8> = rows.flatten().flat_map(|value| value.to_le_bytes()).collect();
    Ok(Matrix::pack(Source::F32(&bytes), outputs, inputs, kind(dtype)).map_err(candle_core::Error::from)?)
}
