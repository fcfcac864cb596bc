//! The release's 4-bit form of a linear layer's weight.
//!
//! The weight, flattened, is cut into groups of 128 numbers `(q - zero_point) * scale`. The high halves of the bytes
//! hold the first half of the groups, the low halves the second.

use candle_core::{DType, Device, Tensor};

use super::stored::RawTensor;
use crate::model::ModelError;

/// Names of the parts, after the weight's own.
pub(crate) const PACKED_PARTS: [&str; 3] = [".packed", ".scale", ".zero_point"];
/// Numbers that share a scale.
const GROUP: usize = 128;

/// Whether the parts make a weight of `shape`.
pub(crate) fn fits(packed: &RawTensor, scale: &RawTensor, zero_point: &RawTensor, shape: &[usize]) -> bool {
    let elements: usize = shape.iter().product();
    let groups = [elements / GROUP, 1];
    elements.is_multiple_of(2 * GROUP)
        && packed.shape() == [elements / (2 * GROUP), GROUP]
        && packed.bytes().len() == elements / 2
        && scale.shape() == groups
        && zero_point.shape() == groups
}

/// The numbers of a weight as f32, in one row.
pub(crate) fn unpack(packed: &RawTensor, scale: &RawTensor, zero_point: &RawTensor) -> Result<Tensor, ModelError> {
    let numbers = |tensor: &RawTensor| -> Result<Vec<f32>, ModelError> {
        Ok(tensor.read(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    };
    let (scales, zeros) = (numbers(scale)?, numbers(zero_point)?);
    let bytes = packed.bytes();
    let mut values = Vec::with_capacity(bytes.len() * 2);
    values.extend(bytes.iter().map(|byte| f32::from(byte >> 4)));
    values.extend(bytes.iter().map(|byte| f32::from(byte & 15)));
    for ((group, scale), zero) in values.chunks_mut(GROUP).zip(&scales).zip(&zeros) {
        group.iter_mut().for_each(|value| *value = (*value - zero) * scale);
    }
    let count = values.len();
    Ok(Tensor::from_vec(values, count, &Device::Cpu)?)
}
