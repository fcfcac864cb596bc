//! The image encoder on a CPU.

use candle_core::{Device, Result, Tensor};

use super::{Block, VisionEncoder, patch_rows};
use crate::kernels::{Finish, Level, attend_crops};
use crate::model::linear::{Linear, with_numbers};

/// Rows on their way through a block, kept for the next one.
struct Rows {
    x: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    inner: Vec<f32>,
}

impl VisionEncoder {
    /// As [`VisionEncoder::features`], with the kernels of this crate.
    pub(super) fn features_on_host(&self, pixels: &[u8], crops: usize) -> Result<Tensor> {
        let config = &self.config;
        let (patches, dim) = (config.patches(), config.enc_dim);
        let (rows, input) = (crops * patches, patch_rows(pixels, config.crop_size, config.enc_patch_size));
        let mut buffers = Rows {
            x: vec![0.0; rows * dim],
            normed: vec![0.0; rows * dim],
            qkv: vec![0.0; rows * 3 * dim],
            inner: vec![0.0; rows * config.enc_ff_dim],
        };
        with_numbers(&self.position_embedding, |positions| {
            for x in buffers.x.chunks_exact_mut(patches * dim) {
                x.copy_from_slice(positions);
            }
            Ok(())
        })?;
        self.patch_embedding.rows(&input, Finish::Add, &mut buffers.x)?;
        for block in &self.blocks {
            block.rows(&mut buffers, (crops, patches), config.enc_n_heads)?;
        }
        self.post_norm.rows(&buffers.x, &mut buffers.normed)?;
        Tensor::from_vec(buffers.normed, (crops, patches, dim), &Device::Cpu)
    }
}

impl Block {
    fn rows(&self, buffers: &mut Rows, crops: (usize, usize), heads: usize) -> Result<()> {
        let Rows { x, normed, qkv, inner } = buffers;
        let head = x.len() / (crops.0 * crops.1).max(1) / heads;
        self.norm1.rows(x, normed)?;
        self.qkv.rows(normed, Finish::Store, qkv)?;
        attend_crops(Level::detect(), qkv, crops, (heads, head), self.qkv.is_narrow(), normed);
        self.proj.rows(normed, Finish::Add, x)?;
        self.norm2.rows(x, normed)?;
        self.mlp.fc1.rows(normed, Finish::Gelu, inner)?;
        self.mlp.fc2.rows(inner, Finish::Add, x)
    }
}

impl VisionEncoder {
    /// Whether the layers are on a CPU.
    pub(super) fn is_on_host(&self) -> bool {
        matches!(self.patch_embedding, Linear::Host { .. })
    }
}
