//! Comparing tensors.

use candle_core::{DType, Tensor};

/// The largest absolute difference of two tensors; infinite where shapes differ or a number is none.
pub(crate) fn largest_difference(one: &Tensor, other: &Tensor) -> f32 {
    let numbers = |tensor: &Tensor| tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>();
    match (numbers(one), numbers(other)) {
        (Ok(one_numbers), Ok(other_numbers)) if one.dims() == other.dims() => largest(&one_numbers, &other_numbers),
        _ => f32::INFINITY,
    }
}

/// The largest absolute difference of two rows; infinite where lengths differ or a number is none.
pub(crate) fn largest(one: &[f32], other: &[f32]) -> f32 {
    if one.len() != other.len() {
        return f32::INFINITY;
    }
    let difference = |(a, b): (&f32, &f32)| if (a - b).is_nan() { f32::INFINITY } else { (a - b).abs() };
    one.iter().zip(other).map(difference).fold(0.0, f32::max)
}
