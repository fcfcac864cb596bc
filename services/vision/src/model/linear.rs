//! Linear layers over plain and quantised weights, and what else every block is built from.

use candle_core::quantized::QMatMul;
use candle_core::{D, DType, Device, Module, Result, Tensor};
use candle_nn::LayerNorm;

use super::ModelError;
use crate::weights::{LinearWeight, Weights};

/// Added to the variance by every layer norm.
const NORM_EPSILON: f64 = 1e-5;

/// `x W^T + b` for rows `x`.
pub(crate) struct Linear {
    weight: Weight,
    bias: Tensor,
}

enum Weight {
    /// `(out, in)`, perhaps narrower than the numbers computed with.
    Dense(Tensor),
    /// Rows padded with zeros to whole blocks.
    Quantized { matmul: QMatMul, padding: usize },
}

impl Linear {
    /// `x (rows, in)` to `(rows, out)`, in the type of `x`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let product = match &self.weight {
            Weight::Dense(weight) => x.matmul(&weight.to_dtype(x.dtype())?.t()?)?,
            Weight::Quantized { matmul, padding } => {
                let padded = if *padding > 0 { x.pad_with_zeros(D::Minus1, 0, *padding)? } else { x.clone() };
                matmul.forward(&padded.to_dtype(DType::F32)?.contiguous()?)?.to_dtype(x.dtype())?
            }
        };
        product.broadcast_add(&self.bias)
    }
}

/// Two linear layers with the tanh form of GELU between them.
pub(crate) struct Mlp {
    pub(crate) fc1: Linear,
    pub(crate) fc2: Linear,
}

impl Mlp {
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.fc2.forward(&self.fc1.forward(x)?.gelu()?)
    }
}

/// Reads the layers of a model from its weights.
pub(crate) struct Builder<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) device: &'a Device,
    /// Type that the weights of linear layers and embeddings are kept in.
    pub(crate) stored: DType,
    /// Type of everything that is computed.
    pub(crate) computed: DType,
}

impl Builder<'_> {
    /// The linear layer `name`.
    pub(crate) fn linear(&self, name: &str, input: usize, output: usize) -> std::result::Result<Linear, ModelError> {
        let weight = match self.weights.linear(name, self.stored, self.device)? {
            LinearWeight::Dense(weight) => Weight::Dense(weight.reshape((output, input))?),
            LinearWeight::Quantized(weight) => {
                let padding = weight.shape().dims2()?.1.saturating_sub(input);
                Weight::Quantized { matmul: QMatMul::from_qtensor(weight)?, padding }
            }
        };
        Ok(Linear { weight, bias: self.tensor(&format!("{name}.bias"))? })
    }

    /// The layers `name.fc1` and `name.fc2`.
    pub(crate) fn mlp(&self, name: &str, sides: [usize; 3]) -> std::result::Result<Mlp, ModelError> {
        let fc1 = self.linear(&format!("{name}.fc1"), sides[0], sides[1])?;
        Ok(Mlp { fc1, fc2: self.linear(&format!("{name}.fc2"), sides[1], sides[2])? })
    }

    /// The layer norm `name`.
    pub(crate) fn norm(&self, name: &str) -> std::result::Result<LayerNorm, ModelError> {
        let (weight, bias) = (self.tensor(&format!("{name}.weight"))?, self.tensor(&format!("{name}.bias"))?);
        Ok(LayerNorm::new(weight, bias, NORM_EPSILON))
    }

    /// The tensor `name` in the type that is computed with.
    pub(crate) fn tensor(&self, name: &str) -> std::result::Result<Tensor, ModelError> {
        self.weights.tensor(name, self.computed, self.device)
    }

    /// The table `name` in the type that weights are kept in.
    pub(crate) fn table(&self, name: &str) -> std::result::Result<Tensor, ModelError> {
        self.weights.tensor(name, self.stored, self.device)
    }
}
