//! The image encoder and the projection.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Result, Tensor};

use super::layers::{LinearAt, NormAt};
use super::products::Finish;
use super::staging::Staging;
use super::{Gpu, Grid, address, at, count, shared_of_tile, start_of};
use crate::image::Tiling;
use crate::model::VisionConfig;
use crate::model::linear::{Linear, Mlp, Norm};

/// Queries of a tile.
const QUERIES: usize = 128;

/// The encoder with kernels of this crate.
pub(crate) struct FusedVision {
    gpu: Arc<Gpu>,
    config: VisionConfig,
    patch_embedding: LinearAt,
    position_embedding: Tensor,
    layers: Vec<Layer>,
    norm: NormAt,
    projection: [LinearAt; 2],
    /// Kernel for the heads' size, and the size that it fills them to.
    attention: (&'static str, i32),
    staging: Mutex<Staging>,
}

struct Layer {
    norm1: NormAt,
    qkv: LinearAt,
    proj: LinearAt,
    norm2: NormAt,
    fc1: LinearAt,
    fc2: LinearAt,
}

/// The layers of one block.
pub(crate) struct BlockLayers<'a> {
    pub(crate) norm1: &'a Norm,
    pub(crate) qkv: &'a Linear,
    pub(crate) proj: &'a Linear,
    pub(crate) norm2: &'a Norm,
    pub(crate) mlp: &'a Mlp,
}

/// All that an encoder is made of.
pub(crate) struct Parts<'a> {
    pub(crate) config: &'a VisionConfig,
    pub(crate) patch_embedding: &'a Linear,
    pub(crate) position_embedding: &'a Tensor,
    pub(crate) blocks: Vec<BlockLayers<'a>>,
    pub(crate) norm: &'a Norm,
    pub(crate) projection: &'a Mlp,
}

impl FusedVision {
    /// None where the encoder has other sizes or types than the kernels.
    pub(crate) fn new(gpu: &Arc<Gpu>, parts: &Parts<'_>) -> Result<Option<Self>> {
        let config = parts.config;
        let head = config.enc_dim / config.enc_n_heads.max(1);
        let kernels = [
            ("attend_crop_16", 16),
            ("attend_crop_32", 32),
            ("attend_crop_64", 64),
            ("attend_crop_80", 80),
            ("attend_crop_128", 128),
        ];
        let attention = kernels.into_iter().find(|(_, padded)| head.is_multiple_of(8) && head <= *padded as usize);
        let Some(attention) = attention else { return Ok(None) };
        let mut layers = Vec::with_capacity(parts.blocks.len());
        for block in &parts.blocks {
            let (Some(norm1), Some(qkv), Some(proj), Some(norm2), Some(fc1), Some(fc2)) = (
                NormAt::new(block.norm1)?,
                LinearAt::new(block.qkv)?,
                LinearAt::new(block.proj)?,
                NormAt::new(block.norm2)?,
                LinearAt::new(&block.mlp.fc1)?,
                LinearAt::new(&block.mlp.fc2)?,
            ) else {
                return Ok(None);
            };
            layers.push(Layer { norm1, qkv, proj, norm2, fc1, fc2 });
        }
        let positions = parts.position_embedding.contiguous()?;
        let projection = (LinearAt::new(&parts.projection.fc1)?, LinearAt::new(&parts.projection.fc2)?);
        let (Some(patch_embedding), Some(norm), (Some(fc1), Some(fc2)), DType::BF16) =
            (LinearAt::padded(parts.patch_embedding)?, NormAt::new(parts.norm)?, projection, positions.dtype())
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            gpu: Arc::clone(gpu),
            config: config.clone(),
            patch_embedding,
            position_embedding: positions,
            layers,
            norm,
            projection: [fc1, fc2],
            attention,
            staging: Mutex::default(),
        }))
    }

    /// Features `(crops, patches, dim)` of the pixels of some crops.
    pub(crate) fn features(&self, crops: &[&[u8]]) -> Result<Tensor> {
        let pixels = self.staging.lock().unwrap_or_else(PoisonError::into_inner).upload(&self.gpu, crops)?;
        let crops = crops.len();
        let (gpu, config) = (&self.gpu, &self.config);
        let (patches, dim) = (config.patches(), config.enc_dim);
        let rows = crops * patches;
        let empty = |width: usize| gpu.empty((rows, width), DType::BF16);
        let (x, normed, inner) = (empty(dim)?, empty(dim)?, empty(config.enc_ff_dim.max(self.patch_embedding.inputs))?);
        let qkv = empty(3 * dim)?;
        let [at_x, at_normed, at_inner, at_qkv] = [address(&x)?, address(&normed)?, address(&inner)?, address(&qkv)?];

        let width = self.patch_embedding.inputs;
        let grid = Grid { blocks: [patches, crops, 1], threads: 128, shared: 0, early: false };
        let sides = [count(config.crop_size), count(config.enc_patch_size), count(width)];
        let from = at(start_of(&pixels, &gpu.stream));
        gpu.launch("patches", grid, &[from, at(at_inner), sides[0], sides[1], sides[2]])?;
        let numbers = patches * dim;
        let grid = Grid { blocks: [(numbers / 8).div_ceil(256), crops, 1], threads: 256, shared: 0, early: false };
        let positions = at(address(&self.position_embedding)?);
        gpu.launch("begin_crops", grid, &[positions, at(at_x), count(numbers)])?;

        let multiply = |x, linear: &LinearAt, finish, out| gpu.products().multiply(x, linear, finish, out, rows);
        multiply(at_inner, &self.patch_embedding, Finish::Add, at_x)?;
        let (kernel, padded) = self.attention;
        let heads = config.enc_n_heads;
        let grid = Grid {
            blocks: [patches.div_ceil(QUERIES), heads, crops],
            threads: 128,
            shared: shared_of_tile(QUERIES as i32, padded),
            early: false,
        };
        let sizes = [count(patches), count(heads), count(dim / heads)];
        for layer in &self.layers {
            gpu.layer_norm(at_x, &layer.norm1, at_normed, rows)?;
            multiply(at_normed, &layer.qkv, Finish::Store, at_qkv)?;
            gpu.launch(kernel, grid, &[at(at_qkv), at(at_normed), sizes[0], sizes[1], sizes[2]])?;
            multiply(at_normed, &layer.proj, Finish::Add, at_x)?;
            gpu.layer_norm(at_x, &layer.norm2, at_normed, rows)?;
            multiply(at_normed, &layer.fc1, Finish::Gelu, at_inner)?;
            multiply(at_inner, &layer.fc2, Finish::Add, at_x)?;
        }
        gpu.layer_norm(at_x, &self.norm, at_normed, rows)?;
        normed.reshape((crops, patches, dim))
    }

    /// Image tokens `(images * patches, text dim)` of pictures whose crops' features `(crops, patches, dim)` follow each
    /// other, the whole picture's first.
    pub(crate) fn project(&self, features: &Tensor, tilings: &[Tiling]) -> Result<Tensor> {
        let (gpu, config) = (&self.gpu, &self.config);
        let (patches, dim) = (config.patches(), config.enc_dim);
        let rows = tilings.len() * patches;
        let [fc1, fc2] = &self.projection;
        let features = features.contiguous()?;
        let (joined, inner) = (gpu.empty((rows, 2 * dim), DType::BF16)?, gpu.empty((rows, fc1.outputs), DType::BF16)?);
        let out = gpu.empty((rows, fc2.outputs), DType::BF16)?;
        let [mut from, mut to] = [address(&features)?, address(&joined)?];
        let grid = Grid { blocks: [patches, 1, 1], threads: 256, shared: 0, early: false };
        for tiling in tilings {
            let sizes = [count(config.grid()), count(dim), count(config.overlap_margin)];
            let tiles = [count(tiling.rows), count(tiling.columns)];
            gpu.launch("join_crops", grid, &[at(from), at(to), sizes[0], sizes[1], sizes[2], tiles[0], tiles[1]])?;
            from += (2 * (1 + tiling.tiles()) * patches * dim) as u64;
            to += (2 * patches * 2 * dim) as u64;
        }
        let mut products = gpu.products();
        products.multiply(address(&joined)?, fc1, Finish::Gelu, address(&inner)?, rows)?;
        products.multiply(address(&inner)?, fc2, Finish::Store, address(&out)?, rows)?;
        drop(products);
        Ok(out)
    }
}
