//! The image encoder: crops to patch features, stitched, pooled and projected to image tokens.

mod host;

use candle_core::{DType, Device, Result, Tensor};

use super::linear::{Builder, Linear, Mlp, Norm, softmax};
use super::{ModelError, VisionConfig};
use crate::image::Crops;

/// The encoder with its projection.
pub(crate) struct VisionEncoder {
    config: VisionConfig,
    patch_embedding: Linear,
    position_embedding: Tensor,
    blocks: Vec<Block>,
    post_norm: Norm,
    projection: Mlp,
    device: Device,
    computed: DType,
    #[cfg(feature = "cuda")]
    fused: Option<crate::cuda::FusedVision>,
}

struct Block {
    norm1: Norm,
    qkv: Linear,
    proj: Linear,
    norm2: Norm,
    mlp: Mlp,
}

impl VisionEncoder {
    pub(crate) fn load(builder: &Builder<'_>, config: &VisionConfig) -> std::result::Result<Self, ModelError> {
        let dim = config.enc_dim;
        let block = |index: usize| {
            let name = format!("vision.blocks.{index}");
            Ok::<_, ModelError>(Block {
                norm1: builder.norm(&format!("{name}.ln1"))?,
                qkv: builder.linear(&format!("{name}.attn.qkv"), dim, 3 * dim)?,
                proj: builder.linear(&format!("{name}.attn.proj"), dim, dim)?,
                norm2: builder.norm(&format!("{name}.ln2"))?,
                mlp: builder.mlp(&format!("{name}.mlp"), [dim, config.enc_ff_dim, dim])?,
            })
        };
        #[allow(unused_mut, reason = "the kernels of a GPU are added where there are any")]
        let mut encoder = Self {
            config: config.clone(),
            patch_embedding: builder.linear("vision.patch_emb", config.patch_dim(), dim)?,
            position_embedding: builder.tensor("vision.pos_emb")?,
            blocks: (0..config.enc_n_layers).map(block).collect::<std::result::Result<_, _>>()?,
            post_norm: builder.norm("vision.post_ln")?,
            projection: builder.mlp("vision.proj_mlp", [2 * dim, config.proj_inner_dim, config.proj_out_dim])?,
            device: builder.device.clone(),
            computed: builder.computed,
            #[cfg(feature = "cuda")]
            fused: None,
        };
        #[cfg(feature = "cuda")]
        {
            encoder.fused = encoder.fuse(builder)?;
        }
        Ok(encoder)
    }

    /// The encoder with kernels for a GPU, where they fit it.
    #[cfg(feature = "cuda")]
    fn fuse(&self, builder: &Builder<'_>) -> Result<Option<crate::cuda::FusedVision>> {
        let Some(gpu) = &builder.fused else { return Ok(None) };
        let blocks = self.blocks.iter().map(|block| crate::cuda::VisionBlock {
            norm1: &block.norm1,
            qkv: &block.qkv,
            proj: &block.proj,
            norm2: &block.norm2,
            mlp: &block.mlp,
        });
        let parts = crate::cuda::VisionParts {
            config: &self.config,
            patch_embedding: &self.patch_embedding,
            position_embedding: &self.position_embedding,
            blocks: blocks.collect(),
            norm: &self.post_norm,
            projection: &self.projection,
        };
        crate::cuda::FusedVision::new(gpu, &parts)
    }

    /// Features `(crops, patches, dim)` of the pixels of some crops.
    pub(crate) fn features(&self, crops: &[&[u8]]) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if let Some(fused) = &self.fused {
            return fused.features(crops);
        }
        let (pixels, crops) = (crops.concat(), crops.len());
        if self.is_on_host() {
            return self.features_on_host(&pixels, crops);
        }
        let config = &self.config;
        let (patches, dim) = (config.patches(), config.enc_dim);
        let patch_rows = patch_rows(&pixels, config.crop_size, config.enc_patch_size);
        let input = Tensor::from_vec(patch_rows, (crops * patches, config.patch_dim()), &self.device)?;
        let embedded = self.patch_embedding.forward(&input.to_dtype(self.computed)?)?;
        let embedded = embedded.reshape((crops, patches, dim))?.broadcast_add(&self.position_embedding)?;
        let mut x = embedded.reshape((crops * patches, dim))?;
        for block in &self.blocks {
            x = block.forward(&x, crops, config.enc_n_heads)?;
        }
        self.post_norm.forward(&x)?.reshape((crops, patches, dim))
    }

    /// The features of `crops` local crops, `(crops, patches, dim)`, stitched to one grid `(rows, columns, dim)`.
    pub(crate) fn stitch(&self, local: &Tensor, crops: &Crops) -> Result<Tensor> {
        let (grid, margin) = (self.config.grid(), self.config.overlap_margin);
        let tiling = crops.tiling();
        // The first tile keeps its leading margin and the last one its trailing margin; all others lose both.
        let kept = |index: usize, count: usize| {
            let start = if index == 0 { 0 } else { margin };
            let end = if index + 1 == count { grid } else { grid - margin };
            (start, end - start)
        };
        let mut rows = Vec::with_capacity(tiling.rows);
        for row in 0..tiling.rows {
            let (top, height) = kept(row, tiling.rows);
            let mut tiles = Vec::with_capacity(tiling.columns);
            for column in 0..tiling.columns {
                let (left, width) = kept(column, tiling.columns);
                let tile = local.get(row * tiling.columns + column)?.reshape((grid, grid, ()))?;
                tiles.push(tile.narrow(0, top, height)?.narrow(1, left, width)?);
            }
            rows.push(Tensor::cat(&tiles, 1)?);
        }
        Tensor::cat(&rows, 0)
    }

    /// Image tokens `(patches, text dim)` of every picture of `images`, whose crops' features `(crops, patches, dim)`
    /// follow each other.
    pub(crate) fn project_all(&self, features: &Tensor, images: &[&Crops]) -> Result<Vec<Tensor>> {
        #[cfg(feature = "cuda")]
        if let Some(fused) = &self.fused {
            let tilings: Vec<_> = images.iter().map(|crops| crops.tiling()).collect();
            let (tokens, patches) = (fused.project(features, &tilings)?, self.config.patches());
            return (0..images.len()).map(|index| tokens.narrow(0, index * patches, patches)).collect();
        }
        let mut tokens = Vec::with_capacity(images.len());
        let mut start = 0;
        for crops in images {
            let local = features.narrow(0, start + 1, crops.tiling().tiles())?;
            tokens.push(self.project(&features.get(start)?, &self.stitch(&local, crops)?)?);
            start += crops.count();
        }
        Ok(tokens)
    }

    /// Image tokens `(patches, text dim)` from the whole picture's features `(patches, dim)` and the stitched ones.
    fn project(&self, whole: &Tensor, stitched: &Tensor) -> Result<Tensor> {
        let pooled = self.pool(stitched)?;
        self.projection.forward(&Tensor::cat(&[whole, &pooled], 1)?)
    }

    /// Adaptive average pooling of `(rows, columns, dim)` to one vector for every patch of a crop.
    fn pool(&self, stitched: &Tensor) -> Result<Tensor> {
        let (rows, columns, dim) = stitched.dims3()?;
        let grid = self.config.grid();
        if (rows, columns) == (grid, grid) {
            return stitched.reshape((grid * grid, dim));
        }
        let matrix = |from: usize| {
            Tensor::from_vec(pooling_matrix(from, grid), (grid, from), &self.device)?.to_dtype(stitched.dtype())
        };
        let over_rows = matrix(rows)?.matmul(&stitched.reshape((rows, columns * dim))?)?;
        let over_rows = over_rows.reshape((grid, columns, dim))?;
        matrix(columns)?.broadcast_left(grid)?.matmul(&over_rows)?.reshape((grid * grid, dim))
    }
}

impl Block {
    fn forward(&self, x: &Tensor, crops: usize, heads: usize) -> Result<Tensor> {
        let qkv = self.qkv.forward(&self.norm1.forward(x)?)?;
        let x = (x + self.proj.forward(&attend(&qkv, crops, heads)?)?)?;
        &x + self.mlp.forward(&self.norm2.forward(&x)?)?
    }
}

/// Attention of every crop's patches over all of that crop's patches: `qkv (crops * patches, 3 dim)` to
/// `(crops * patches, dim)`.
fn attend(qkv: &Tensor, crops: usize, heads: usize) -> Result<Tensor> {
    let (rows, width) = qkv.dims2()?;
    let (patches, dim) = (rows / crops, width / 3);
    let head = dim / heads;
    let scale = 1.0 / (head as f64).sqrt();
    let split = qkv.reshape((crops, patches, 3, heads, head))?;
    let mut outputs = Vec::with_capacity(crops);
    for crop in 0..crops {
        let part = |index: usize| split.get(crop)?.narrow(1, index, 1)?.squeeze(1)?.transpose(0, 1)?.contiguous();
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let scores = (q.matmul(&k.t()?)? * scale)?;
        let attended = softmax(&scores)?.matmul(&v)?;
        outputs.push(attended.transpose(0, 1)?.reshape((patches, dim))?);
    }
    Tensor::cat(&outputs, 0)
}

/// Pixels to rows of patches, each ordered channel, row, column, scaled from 0..255 to -1..1.
fn patch_rows(pixels: &[u8], side: usize, patch: usize) -> Vec<f32> {
    let mut rows = Vec::with_capacity(pixels.len());
    for crop in pixels.chunks_exact(side * side * 3) {
        for patch_row in crop.chunks_exact(side * patch * 3) {
            for left in (0..side).step_by(patch) {
                for channel in 0..3 {
                    for line in patch_row.chunks_exact(side * 3) {
                        let start = left * 3 + channel;
                        rows.extend(line.iter().skip(start).step_by(3).take(patch).map(|level| normalise(*level)));
                    }
                }
            }
        }
    }
    rows
}

fn normalise(level: u8) -> f32 {
    (f32::from(level) / 255.0 - 0.5) / 0.5
}

/// A `(to, from)` matrix whose row `i` averages the inputs from `floor(i from / to)` to `ceil((i + 1) from / to)`.
fn pooling_matrix(from: usize, to: usize) -> Vec<f32> {
    let mut matrix = vec![0.0; from * to];
    for (index, row) in matrix.chunks_exact_mut(from).enumerate() {
        let (start, end) = (index * from / to, ((index + 1) * from).div_ceil(to));
        row[start..end].fill(1.0 / (end - start) as f32);
    }
    matrix
}
