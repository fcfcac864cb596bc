//! Linear layers over plain and quantised weights, and what else every block is built from.

use candle_core::quantized::QMatMul;
use candle_core::{CpuStorage, D, DType, Device, Module, Result, Storage, Tensor};
use candle_nn::LayerNorm;

use super::ModelError;
use crate::kernels::{self, Finish, Level, Matrix};
use crate::weights::{LinearWeight, Weights};

/// Added to the variance by every layer norm.
const NORM_EPSILON: f64 = 1e-5;

/// `x W^T + b` for rows `x`.
pub(crate) enum Linear {
    /// On a CPU, with the kernels of this crate.
    Host { matrix: Matrix, bias: Vec<f32> },
    /// `(out, in)`, perhaps narrower than the numbers computed with.
    Dense { weight: Tensor, bias: Tensor },
    /// Rows padded with zeros to whole blocks.
    Quantized { matmul: QMatMul, padding: usize, bias: Tensor },
}

impl Linear {
    /// `x (rows, in)` to `(rows, out)`, in the type of `x`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Host { matrix, .. } => on_host(x, matrix.outputs(), |x, out| self.rows(x, Finish::Store, out)),
            Self::Dense { weight, bias } => x.matmul(&weight.to_dtype(x.dtype())?.t()?)?.broadcast_add(bias),
            Self::Quantized { matmul, padding, bias } => {
                let padded = if *padding > 0 { x.pad_with_zeros(D::Minus1, 0, *padding)? } else { x.clone() };
                let product = matmul.forward(&padded.to_dtype(DType::F32)?.contiguous()?)?;
                product.to_dtype(x.dtype())?.broadcast_add(bias)
            }
        }
    }

    /// As [`Self::forward`] for the rows of a slice, on a CPU.
    pub(crate) fn rows(&self, x: &[f32], finish: Finish, out: &mut [f32]) -> Result<()> {
        let Self::Host { matrix, bias } = self else { candle_core::bail!("the layer is not on the CPU") };
        if x.len() / matrix.inputs() * matrix.outputs() != out.len() || !x.len().is_multiple_of(matrix.inputs()) {
            candle_core::bail!("{} numbers to {} do not fit the layer", x.len(), out.len());
        }
        matrix.multiply(x, bias, finish, out);
        Ok(())
    }

    /// Whether the kernels of a CPU round its input to bf16 or less.
    pub(crate) fn is_narrow(&self) -> bool {
        matches!(self, Self::Host { matrix, .. } if matrix.is_narrow())
    }

    /// Numbers of a row of the result.
    fn outputs(&self) -> Result<usize> {
        match self {
            Self::Host { bias, .. } => Ok(bias.len()),
            Self::Dense { bias, .. } | Self::Quantized { bias, .. } => bias.dim(0),
        }
    }
}

/// Two linear layers with the tanh form of GELU between them.
pub(crate) struct Mlp {
    pub(crate) fc1: Linear,
    pub(crate) fc2: Linear,
}

impl Mlp {
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if matches!(self.fc1, Linear::Host { .. }) {
            let inner = on_host(x, self.fc1.outputs()?, |x, out| self.fc1.rows(x, Finish::Gelu, out))?;
            return self.fc2.forward(&inner);
        }
        self.fc2.forward(&self.fc1.forward(x)?.gelu()?)
    }
}

/// Layer norm with a weight and a bias.
pub(crate) struct Norm {
    layer: LayerNorm,
    /// Weight and bias, on a CPU.
    host: Option<(Vec<f32>, Vec<f32>)>,
}

impl Norm {
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.host {
            Some((weight, _)) => on_host(x, weight.len(), |x, out| self.rows(x, out)),
            None => self.layer.forward(x),
        }
    }

    /// Weight and bias.
    #[cfg(feature = "cuda")]
    pub(crate) fn tensors(&self) -> Option<(&Tensor, &Tensor)> {
        Some((self.layer.weight(), self.layer.bias()?))
    }

    /// As [`Self::forward`] for the rows of a slice, on a CPU.
    pub(crate) fn rows(&self, x: &[f32], out: &mut [f32]) -> Result<()> {
        let Some((weight, bias)) = &self.host else { candle_core::bail!("the norm is not on the CPU") };
        if x.len() != out.len() {
            candle_core::bail!("{} numbers to {}", x.len(), out.len());
        }
        kernels::layer_norm(Level::detect(), x, weight, bias, NORM_EPSILON as f32, out);
        Ok(())
    }
}

/// Softmax of the last dimension. On a CPU it is computed in f32, since candle adds up there in the numbers' own type.
pub(crate) fn softmax(scores: &Tensor) -> Result<Tensor> {
    if scores.device().is_cpu() {
        return candle_nn::ops::softmax_last_dim(&scores.to_dtype(DType::F32)?)?.to_dtype(scores.dtype());
    }
    candle_nn::ops::softmax_last_dim(scores)
}

/// What `compute` makes of the rows of `x`, as rows of `width`.
fn on_host(x: &Tensor, width: usize, compute: impl FnOnce(&[f32], &mut [f32]) -> Result<()>) -> Result<Tensor> {
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = width;
    }
    let mut out = vec![0.0; shape.iter().product()];
    with_numbers(x, |x| compute(x, &mut out))?;
    Tensor::from_vec(out, shape, &Device::Cpu)
}

/// Calls `read` with the numbers of a tensor of f32 on the CPU.
pub(crate) fn with_numbers<T>(x: &Tensor, read: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(numbers)), Some((start, end))) => read(&numbers[start..end]),
        _ => candle_core::bail!("a tensor of {:?} where f32 on the CPU is wanted", x.dtype()),
    }
}

/// Reads the layers of a model from its weights.
pub(crate) struct Builder<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) device: &'a Device,
    /// Whether the kernels of this crate compute.
    pub(crate) on_host: bool,
    /// Type that the weights of linear layers and embeddings are kept in.
    pub(crate) stored: DType,
    /// Type of everything that is computed.
    pub(crate) computed: DType,
    /// The kernels for bf16 on a GPU.
    #[cfg(feature = "cuda")]
    pub(crate) fused: Option<std::sync::Arc<crate::cuda::Gpu>>,
    /// Whether a GPU records steps.
    #[cfg(feature = "cuda")]
    pub(crate) graphs: bool,
}

impl Builder<'_> {
    /// The linear layer `name`.
    pub(crate) fn linear(&self, name: &str, input: usize, output: usize) -> std::result::Result<Linear, ModelError> {
        let bias = self.tensor(&format!("{name}.bias"))?;
        if self.on_host {
            let matrix = self.weights.matrix(name, (output, input), self.stored)?;
            return Ok(Linear::Host { matrix, bias: bias.flatten_all()?.to_vec1()? });
        }
        Ok(match self.weights.linear(name, self.stored, self.device)? {
            LinearWeight::Dense(weight) => Linear::Dense { weight: weight.reshape((output, input))?, bias },
            LinearWeight::Quantized(weight) => {
                let padding = weight.shape().dims2()?.1.saturating_sub(input);
                Linear::Quantized { matmul: QMatMul::from_qtensor(*weight)?, padding, bias }
            }
        })
    }

    /// The layers `name.fc1` and `name.fc2`.
    pub(crate) fn mlp(&self, name: &str, sides: [usize; 3]) -> std::result::Result<Mlp, ModelError> {
        let fc1 = self.linear(&format!("{name}.fc1"), sides[0], sides[1])?;
        Ok(Mlp { fc1, fc2: self.linear(&format!("{name}.fc2"), sides[1], sides[2])? })
    }

    /// The layer norm `name`.
    pub(crate) fn norm(&self, name: &str) -> std::result::Result<Norm, ModelError> {
        let (weight, bias) = (self.tensor(&format!("{name}.weight"))?, self.tensor(&format!("{name}.bias"))?);
        let host = if self.on_host { Some((weight.to_vec1()?, bias.to_vec1()?)) } else { None };
        Ok(Norm { layer: LayerNorm::new(weight, bias, NORM_EPSILON), host })
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
