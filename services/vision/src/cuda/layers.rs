//! Addresses of the weights that the kernels read.

use candle_core::{DType, Result, Tensor};

use super::{Address, address};
use crate::model::linear::{Linear, Norm};

/// A linear layer in bf16.
pub(super) struct LinearAt {
    pub(super) weight: Address,
    pub(super) bias: Address,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// What the addresses point to.
    _kept: [Tensor; 2],
}

impl LinearAt {
    /// None where the layer is not one in bf16 whose sides are multiples of 8.
    pub(super) fn new(layer: &Linear) -> Result<Option<Self>> {
        let Linear::Dense { weight, bias } = layer else { return Ok(None) };
        Self::of(weight, bias)
    }

    /// As [`Self::new`], with zeros behind the inputs to a multiple of 8.
    pub(super) fn padded(layer: &Linear) -> Result<Option<Self>> {
        let Linear::Dense { weight, bias } = layer else { return Ok(None) };
        let inputs = weight.dim(1)?;
        Self::of(&weight.pad_with_zeros(1, 0, inputs.next_multiple_of(8) - inputs)?.contiguous()?, bias)
    }

    fn of(weight: &Tensor, bias: &Tensor) -> Result<Option<Self>> {
        let (outputs, inputs) = weight.dims2()?;
        let fits = [weight, bias].iter().all(|tensor| tensor.dtype() == DType::BF16 && tensor.is_contiguous());
        if !fits || !outputs.is_multiple_of(8) || !inputs.is_multiple_of(8) {
            return Ok(None);
        }
        let (at_weight, at_bias) = (address(weight)?, address(bias)?);
        Ok(Some(Self { weight: at_weight, bias: at_bias, inputs, outputs, _kept: [weight.clone(), bias.clone()] }))
    }
}

/// A layer norm in bf16.
pub(super) struct NormAt {
    pub(super) weight: Address,
    pub(super) bias: Address,
    pub(super) dim: usize,
    _kept: [Tensor; 2],
}

impl NormAt {
    pub(super) fn new(norm: &Norm) -> Result<Option<Self>> {
        let Some((weight, bias)) = norm.tensors() else { return Ok(None) };
        let fits = [weight, bias].iter().all(|tensor| tensor.dtype() == DType::BF16 && tensor.is_contiguous());
        let dim = weight.elem_count();
        if !fits || !dim.is_multiple_of(8) {
            return Ok(None);
        }
        let (at_weight, at_bias) = (address(weight)?, address(bias)?);
        Ok(Some(Self { weight: at_weight, bias: at_bias, dim, _kept: [weight.clone(), bias.clone()] }))
    }
}
