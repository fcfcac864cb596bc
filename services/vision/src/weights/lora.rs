//! Variants: low-rank adapters of the text decoder.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::host::pack_tensor;
use super::names;
use super::stored::{self, StoredTensor};
use crate::kernels::{Finish, Matrix};
use crate::model::{Config, ModelError, TensorMismatch};

/// Adapters of every text block; they change what the model says without changing its weights.
pub struct Variant {
    blocks: Vec<BlockAdapters>,
}

/// The adapters of one block. A layer without one is as it was.
#[derive(Default)]
pub struct BlockAdapters {
    /// Of the layer that makes queries, keys and values.
    pub qkv: Option<Adapter>,
    /// Of the attention's output layer. It reads the block's input, not the attention's result.
    pub proj: Option<Adapter>,
    /// Of the MLP's first layer.
    pub fc1: Option<Adapter>,
    /// Of the MLP's second layer.
    pub fc2: Option<Adapter>,
}

/// `B (A x)`, added to a layer's output.
pub struct Adapter {
    /// `(rank, in)`.
    a: Tensor,
    /// `(out, rank)`.
    b: Tensor,
    /// Both, packed for a CPU.
    host: Option<[Matrix; 2]>,
}

impl Adapter {
    /// The addition to the output for `input (rows, in)`.
    pub(crate) fn forward(&self, input: &Tensor) -> candle_core::Result<Tensor> {
        input.matmul(&self.a.t()?)?.matmul(&self.b.t()?)
    }

    /// Adds to `output` what [`Self::forward`] makes of the rows of `input`, on a CPU.
    pub(crate) fn add_rows(&self, input: &[f32], output: &mut [f32]) -> candle_core::Result<()> {
        let Some([a, b]) = &self.host else { candle_core::bail!("the adapter is not on the CPU") };
        let mut inner = vec![0.0; input.len() / a.inputs() * a.outputs()];
        a.multiply(input, &vec![0.0; a.outputs()], Finish::Store, &mut inner);
        b.multiply(&inner, &vec![0.0; b.outputs()], Finish::Add, output);
        Ok(())
    }
}

impl Variant {
    /// Reads a safetensors file with `text.blocks.I.{attn.qkv,attn.proj,mlp.fc1,mlp.fc2}.{A,B}`.
    ///
    /// # Errors
    /// [`ModelError::File`] where it cannot be read, [`ModelError::Weights`] naming tensors that do not fit.
    pub(crate) fn read(
        file: &Path,
        config: &Config,
        dtype: DType,
        device: &Device,
        on_host: bool,
    ) -> Result<Self, ModelError> {
        let mut tensors = names::canonical(stored::open_all(&[file.to_owned()])?)?;
        let text = &config.text;
        let mut mismatch = TensorMismatch::default();
        let mut blocks = Vec::with_capacity(text.n_layers);
        for index in 0..text.n_layers {
            let mut adapter = |layer: &str, input: usize, output: usize| {
                let name = format!("text.blocks.{index}.{layer}");
                let mut part = |side: &str| tensors.remove(&format!("{name}.{side}"));
                let parts = (part("A"), part("B"));
                read_adapter(&name, parts, (input, output), &mut mismatch, |tensor| {
                    let tensor = tensor.read(dtype, device)?;
                    let host = if on_host { Some(pack_tensor(&tensor, tensor.dims2()?, dtype)?) } else { None };
                    Ok((tensor, host))
                })
            };
            blocks.push(BlockAdapters {
                qkv: adapter("attn.qkv", text.dim, text.dim + 2 * text.kv_dim())?,
                proj: adapter("attn.proj", text.dim, text.dim)?,
                fc1: adapter("mlp.fc1", text.dim, text.ff_dim)?,
                fc2: adapter("mlp.fc2", text.ff_dim, text.dim)?,
            });
        }
        mismatch.extra = tensors.into_keys().collect();
        if mismatch.is_empty() { Ok(Self { blocks }) } else { Err(ModelError::Weights(mismatch)) }
    }

    /// The adapters of the text block `index`.
    pub(crate) fn block(&self, index: usize) -> Option<&BlockAdapters> {
        self.blocks.get(index)
    }
}

fn read_adapter(
    name: &str,
    parts: (Option<StoredTensor>, Option<StoredTensor>),
    (input, output): (usize, usize),
    mismatch: &mut TensorMismatch,
    read: impl Fn(&StoredTensor) -> Result<(Tensor, Option<Matrix>), ModelError>,
) -> Result<Option<Adapter>, ModelError> {
    match parts {
        (None, None) => Ok(None),
        (Some(a), Some(b)) => {
            let rank = match &a {
                StoredTensor::Plain { tensor, .. } => tensor.shape().first().copied().unwrap_or_default(),
                StoredTensor::Packed { .. } => 0,
            };
            for (side, tensor, shape) in [("A", &a, vec![rank, input]), ("B", &b, vec![output, rank])] {
                if rank == 0 || !tensor.fits(&shape) {
                    mismatch.wrong.push((format!("{name}.{side}"), tensor.describe(), shape));
                }
            }
            if !mismatch.wrong.is_empty() {
                return Ok(None);
            }
            let ((a, host_a), (b, host_b)) = (read(&a)?, read(&b)?);
            Ok(Some(Adapter { a, b, host: host_a.zip(host_b).map(<[Matrix; 2]>::from) }))
        }
        (a, _) => {
            let side = if a.is_some() { "B" } else { "A" };
            mismatch.missing.push((format!("{name}.{side}"), Vec::new()));
            Ok(None)
        }
    }
}
