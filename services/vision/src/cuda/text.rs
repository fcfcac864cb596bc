//! The text decoder: any rows of any sequences at once, and steps of one row for each sequence.

use std::sync::{Arc, Mutex};

use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{DType, Result, Tensor};

use super::layers::{LinearAt, NormAt};
use super::products::Finish;
use super::step::Stepper;
use super::{Address, Gpu, Grid, address, at, count, shared_of_tile, start_of};
use crate::model::TextConfig;
use crate::model::linear::{Linear, Mlp, Norm};
use crate::model::text::{Chosen, Part};

/// Size of a head that the kernels know.
const HEAD: usize = 64;
/// Positions of a block of the cache that the kernels know.
pub(super) const BLOCK: usize = 64;
/// Largest input of the products for few rows.
const FEW_ROWS_INPUTS: usize = 2048;
/// Bytes of shared memory that their inputs may take.
pub(super) const FEW_ROWS_SHARED: i32 = 96 << 10;
/// Threads of a block where products are added.
const OUT_THREADS: u32 = 512;
/// Rows from which on a tile has 128 of them.
const LONG: usize = 256;

/// The text decoder with kernels of this crate.
pub(crate) struct FusedText {
    pub(super) gpu: Arc<Gpu>,
    pub(super) shape: Shape,
    layers: Vec<Layer>,
    norm: NormAt,
    head: LinearAt,
    embedding: Tensor,
    cosines: CudaSlice<f32>,
    sines: CudaSlice<f32>,
    stepper: Mutex<Stepper>,
}

/// Sizes of the decoder.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) dim: usize,
    pub(super) inner: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) vocabulary: usize,
    pub(super) context: usize,
}

impl Shape {
    /// Numbers of a row's queries, keys and values.
    pub(super) fn qkv(self) -> usize {
        (self.heads + 2 * self.kv_heads) * HEAD
    }

    /// Words of a sequence's table.
    pub(super) fn width(self) -> usize {
        3 + self.context.div_ceil(BLOCK) + 1
    }
}

/// The layers of one block.
pub(crate) struct BlockLayers<'a> {
    pub(crate) norm: &'a Norm,
    pub(crate) qkv: &'a Linear,
    pub(crate) proj: &'a Linear,
    pub(crate) mlp: &'a Mlp,
}

struct Layer {
    norm: NormAt,
    qkv: LinearAt,
    proj: LinearAt,
    fc1: LinearAt,
    fc2: LinearAt,
}

/// Where the rows of a pass are on their way.
pub(super) struct Rows {
    pub(super) x: Tensor,
    pub(super) normed: Tensor,
    pub(super) qkv: Tensor,
    pub(super) attended: Tensor,
    pub(super) inner: Tensor,
}

impl Rows {
    pub(super) fn new(gpu: &Gpu, shape: Shape, x: Tensor) -> Result<Self> {
        let empty = |width| gpu.empty((x.dim(0)?, width), DType::BF16);
        Ok(Self {
            normed: empty(shape.dim)?,
            qkv: empty(shape.qkv())?,
            attended: empty(shape.dim)?,
            inner: empty(shape.inner)?,
            x,
        })
    }
}

/// Where the kernels read which sequence and position a row has.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) tables: Address,
    pub(super) rows: Address,
}

/// How rows attend.
#[derive(Clone, Copy)]
pub(super) enum Attention {
    /// In tiles of rows of one sequence.
    Tiles { kernel: &'static str, queries: usize, tiles: Address, number: usize },
    /// One row for each sequence, its positions shared out.
    Ones { partial: Address, shares: usize, share: usize },
}

/// All that a decoder is made of.
pub(crate) struct Parts<'a> {
    pub(crate) config: &'a TextConfig,
    pub(crate) blocks: Vec<BlockLayers<'a>>,
    pub(crate) norm: &'a Norm,
    pub(crate) head: &'a Linear,
    pub(crate) embedding: &'a Tensor,
    /// Cosines and sines, as f32.
    pub(crate) turns: [Vec<f32>; 2],
    /// Whether steps are recorded once and played again.
    pub(crate) graphs: bool,
}

impl FusedText {
    /// None where the decoder has other sizes or types than the kernels.
    pub(crate) fn new(gpu: &Arc<Gpu>, parts: &Parts<'_>) -> Result<Option<Self>> {
        let config = parts.config;
        let is_table = parts.embedding.dtype() == DType::BF16 && parts.embedding.is_contiguous();
        if config.head_dim() != HEAD || !config.n_heads.is_multiple_of(config.n_kv_heads) || !is_table {
            return Ok(None);
        }
        let mut layers = Vec::with_capacity(parts.blocks.len());
        for block in &parts.blocks {
            let (Some(norm), Some(qkv), Some(proj), Some(fc1), Some(fc2)) = (
                NormAt::new(block.norm)?,
                LinearAt::new(block.qkv)?,
                LinearAt::new(block.proj)?,
                LinearAt::new(&block.mlp.fc1)?,
                LinearAt::new(&block.mlp.fc2)?,
            ) else {
                return Ok(None);
            };
            layers.push(Layer { norm, qkv, proj, fc1, fc2 });
        }
        let (Some(norm), Some(head)) = (NormAt::new(parts.norm)?, LinearAt::new(parts.head)?) else {
            return Ok(None);
        };
        let shape = Shape {
            dim: config.dim,
            inner: config.ff_dim,
            heads: config.n_heads,
            kv_heads: config.n_kv_heads,
            vocabulary: config.vocab_size,
            context: config.max_context,
        };
        let [cosines, sines] = &parts.turns;
        Ok(Some(Self {
            gpu: Arc::clone(gpu),
            shape,
            layers,
            norm,
            head,
            embedding: parts.embedding.clone(),
            cosines: gpu.upload(cosines)?,
            sines: gpu.upload(sines)?,
            stepper: Mutex::new(Stepper::new(parts.graphs)),
        }))
    }

    pub(super) fn stepper(&self) -> &Mutex<Stepper> {
        &self.stepper
    }

    /// Hidden states of the rows `x`, those of the first part first.
    pub(crate) fn forward(&self, x: &Tensor, parts: &[Part<'_>]) -> Result<Tensor> {
        let rows = x.dim(0)?;
        let longest = parts.iter().map(|part| part.rows).max().unwrap_or_default();
        let (kernel, queries) = if longest >= LONG { ("attend_rows_128", 128) } else { ("attend_rows_64", 64) };
        let (mut words, mut places, mut tiles) = (Vec::new(), Vec::with_capacity(rows), Vec::new());
        for (sequence, part) in parts.iter().enumerate() {
            part.cache.write_table(&mut words, self.shape.width());
            let start = part.cache.length();
            let first_row = places.len();
            places.extend((start..start + part.rows).map(|position| two(sequence, position)));
            for first in (0..part.rows).step_by(queries) {
                let number = queries.min(part.rows - first);
                tiles.push(two(first_row + first, sequence));
                tiles.push(two(number, usize::from(!part.bidirectional)));
                tiles.push(two(start + first, start + part.rows));
            }
        }
        if places.len() != rows {
            candle_core::bail!("{rows} rows, and {} of sequences", places.len());
        }
        let number = tiles.len() / 3;
        let (at_rows, at_tiles) = (8 * words.len(), 8 * (words.len() + rows));
        words.append(&mut places);
        words.append(&mut tiles);
        let words = self.gpu.upload(&words)?;
        let start = start_of(&words, &self.gpu.stream);
        let places = Places { tables: start, rows: start + at_rows as u64 };
        let attention = Attention::Tiles { kernel, queries, tiles: start + at_tiles as u64, number };
        let scratch = Rows::new(&self.gpu, self.shape, x.contiguous()?.copy()?)?;
        self.blocks(&scratch, rows, places, attention)?;
        Ok(scratch.x)
    }

    /// All blocks for the first `rows` rows of `scratch`, whose `x` becomes the hidden states.
    pub(super) fn blocks(&self, scratch: &Rows, rows: usize, places: Places, attention: Attention) -> Result<()> {
        let [x, normed, qkv, attended, inner] = [
            address(&scratch.x)?,
            address(&scratch.normed)?,
            address(&scratch.qkv)?,
            address(&scratch.attended)?,
            address(&scratch.inner)?,
        ];
        let few = self.few_rows(rows).filter(|_| matches!(attention, Attention::Ones { .. }));
        for (index, layer) in self.layers.iter().enumerate() {
            if let Some(kernels) = few {
                self.block_in(kernels, layer, x, qkv, inner)?;
                self.attend(index, rows, qkv, attended, places, attention)?;
                self.block_out(kernels, layer, x, attended, inner)?;
                continue;
            }
            let multiply =
                |x, linear: &LinearAt, finish, out| self.gpu.products().multiply(x, linear, finish, out, rows);
            self.gpu.layer_norm(x, &layer.norm, normed, rows)?;
            multiply(normed, &layer.qkv, Finish::Store, qkv)?;
            self.attend(index, rows, qkv, attended, places, attention)?;
            multiply(attended, &layer.proj, Finish::Add, x)?;
            multiply(normed, &layer.fc1, Finish::Gelu, inner)?;
            multiply(inner, &layer.fc2, Finish::Add, x)?;
        }
        Ok(())
    }

    /// Names of the kernels for exactly `rows` rows.
    fn few_rows(&self, rows: usize) -> Option<[&'static str; 3]> {
        match rows {
            _ if self.shape.dim > FEW_ROWS_INPUTS => None,
            _ if 2 * rows * (self.shape.dim + self.shape.inner) > FEW_ROWS_SHARED as usize => None,
            1 => Some(["block_in_1", "block_out_1", "head_1"]),
            2 => Some(["block_in_2", "block_out_2", "head_2"]),
            4 => Some(["block_in_4", "block_out_4", "head_4"]),
            _ => None,
        }
    }

    /// Blocks for each processor that multiply a kernel's rows best, as measured on an H200.
    fn blocks_of(name: &str) -> usize {
        if name.ends_with('1') { 3 } else { 2 }
    }

    /// Bytes of shared memory for `numbers` numbers of each of the rows that a kernel is made for.
    fn shared(name: &str, numbers: usize) -> i32 {
        let rows = if name.ends_with('1') {
            1
        } else if name.ends_with('2') {
            2
        } else {
            4
        };
        i32::try_from(2 * rows * numbers).unwrap_or(i32::MAX)
    }

    fn block_in(
        &self,
        kernels: [&'static str; 3],
        layer: &Layer,
        x: Address,
        qkv: Address,
        inner: Address,
    ) -> Result<()> {
        let blocks = [self.gpu.processors * Self::blocks_of(kernels[0]), 1, 1];
        let grid = Grid { blocks, threads: 256, shared: Self::shared(kernels[0], self.shape.dim), early: true };
        let (norm, first, second) = (&layer.norm, &layer.qkv, &layer.fc1);
        let arguments = [
            [at(x), at(norm.weight), at(norm.bias), count(norm.dim)],
            [at(first.weight), at(first.bias), at(qkv), count(first.outputs)],
            [at(second.weight), at(second.bias), at(inner), count(second.outputs)],
        ];
        self.gpu.launch(kernels[0], grid, arguments.as_flattened())
    }

    fn block_out(
        &self,
        kernels: [&'static str; 3],
        layer: &Layer,
        x: Address,
        attended: Address,
        inner: Address,
    ) -> Result<()> {
        let (first, second) = (&layer.proj, &layer.fc2);
        let shared = Self::shared(kernels[1], first.inputs + second.inputs);
        let warps = OUT_THREADS as usize / 32;
        let grid = Grid { blocks: [first.outputs.div_ceil(warps), 1, 1], threads: OUT_THREADS, shared, early: true };
        let arguments = [
            at(x),
            count(first.outputs),
            at(attended),
            at(first.weight),
            at(first.bias),
            count(first.inputs),
            at(inner),
            at(second.weight),
            at(second.bias),
            count(second.inputs),
        ];
        self.gpu.launch(kernels[1], grid, &arguments)
    }

    fn attend(
        &self,
        layer: usize,
        rows: usize,
        qkv: Address,
        out: Address,
        places: Places,
        attention: Attention,
    ) -> Result<()> {
        let (heads, kv_heads, width) = (self.shape.heads, self.shape.kv_heads, self.shape.width());
        let cosines = start_of(&self.cosines, &self.gpu.stream);
        let sines = start_of(&self.sines, &self.gpu.stream);
        match attention {
            Attention::Tiles { kernel, queries, tiles, number } => {
                let grid = Grid { blocks: [rows, 1, 1], threads: 256, shared: 0, early: false };
                let arguments = [
                    at(qkv),
                    at(cosines),
                    at(sines),
                    at(places.tables),
                    count(width),
                    at(places.rows),
                    count(layer),
                    count(heads),
                    count(kv_heads),
                ];
                self.gpu.launch("rotate_and_store", grid, &arguments)?;
                let shared = shared_of_tile(if queries == 64 { 64 } else { 128 }, 64);
                let grid = Grid { blocks: [number, heads, 1], threads: 128, shared, early: false };
                let arguments = [
                    at(qkv),
                    at(out),
                    at(places.tables),
                    count(width),
                    at(tiles),
                    count(layer),
                    count(heads),
                    count(kv_heads),
                ];
                self.gpu.launch(kernel, grid, &arguments)
            }
            Attention::Ones { partial, shares, share } => {
                let early = self.few_rows(rows).is_some();
                let grid = Grid { blocks: [heads, rows, shares], threads: 128, shared: 0, early };
                let arguments = [
                    at(qkv),
                    at(partial),
                    at(cosines),
                    at(sines),
                    at(places.tables),
                    count(width),
                    at(places.rows),
                    count(layer),
                    count(heads),
                    count(kv_heads),
                    count(share),
                ];
                self.gpu.launch("attend_one", grid, &arguments)?;
                let grid = Grid { blocks: [heads, rows, 1], threads: 64, shared: 0, early };
                let arguments = [at(partial), at(out), at(places.rows), count(heads), count(shares), count(share)];
                self.gpu.launch("join_shares", grid, &arguments)
            }
        }
    }

    /// Vectors of the tokens `ids` to the rows of `x`.
    pub(super) fn embed(&self, ids: Address, x: Address, rows: usize) -> Result<()> {
        let grid = Grid { blocks: [rows, 1, 1], threads: 128, shared: 0, early: false };
        let arguments = [at(address(&self.embedding)?), at(ids), at(x), count(self.shape.dim)];
        self.gpu.launch("embed", grid, &arguments)
    }

    /// Logits of hidden states `x`, and the likeliest token of each row that is not one of its two in `banned`.
    pub(super) fn decide(&self, rows: usize, decision: &Decision) -> Result<()> {
        let Decision { x, normed, logits, banned, chosen } = *decision;
        let (norm, head) = (&self.norm, &self.head);
        if let Some(kernels) = self.few_rows(rows) {
            let grid = Grid {
                blocks: [self.gpu.processors * Self::blocks_of(kernels[2]), 1, 1],
                threads: 256,
                shared: Self::shared(kernels[2], self.shape.dim),
                early: true,
            };
            let arguments = [
                at(x),
                at(norm.weight),
                at(norm.bias),
                count(norm.dim),
                at(head.weight),
                at(logits),
                count(head.outputs),
            ];
            self.gpu.launch(kernels[2], grid, &arguments)?;
        } else {
            self.gpu.layer_norm(x, norm, normed, rows)?;
            self.gpu.products().multiply(normed, head, Finish::Plain, logits, rows)?;
        }
        let grid = Grid { blocks: [rows, 1, 1], threads: 1024, shared: 0, early: self.few_rows(rows).is_some() };
        let arguments = [at(logits), at(head.bias), at(banned), at(chosen), count(self.shape.vocabulary)];
        self.gpu.launch("decide", grid, &arguments)
    }

    /// The likeliest tokens after hidden states `(rows, dim)`, each without its two of `banned`.
    pub(crate) fn choose(&self, hidden: &Tensor, banned: &[[u32; 2]]) -> Result<Chosen> {
        let rows = hidden.dim(0)?;
        let hidden = hidden.contiguous()?;
        let normed = self.gpu.empty((rows, self.shape.dim), DType::BF16)?;
        let logits = self.gpu.empty((rows, self.shape.vocabulary), DType::F32)?;
        let words: Vec<u64> = banned.iter().map(banned_word).collect();
        let words = self.gpu.upload(&words)?;
        let chosen = self.gpu.upload(&vec![NOWHERE; rows])?;
        let decision = Decision {
            x: address(&hidden)?,
            normed: address(&normed)?,
            logits: address(&logits)?,
            banned: start_of(&words, &self.gpu.stream),
            chosen: start_of(&chosen, &self.gpu.stream),
        };
        self.decide(rows, &decision)?;
        let tokens = self.gpu.stream.clone_dtoh(&chosen).map_err(candle_core::Error::wrap)?;
        Ok(Chosen::on_device(tokens.into_iter().map(token).collect(), logits))
    }
}

/// What stands for no token and for no position.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Where a decision on tokens reads and writes.
#[derive(Clone, Copy)]
pub(super) struct Decision {
    pub(super) x: Address,
    pub(super) normed: Address,
    pub(super) logits: Address,
    pub(super) banned: Address,
    pub(super) chosen: Address,
}

/// A word of two numbers, the first in its upper half.
pub(super) fn two(upper: usize, lower: usize) -> u64 {
    (upper as u64) << 32 | lower as u64
}

pub(super) fn banned_word(banned: &[u32; 2]) -> u64 {
    two(banned[1] as usize, banned[0] as usize)
}

pub(super) fn token(chosen: u32) -> Option<u32> {
    (chosen != NOWHERE).then_some(chosen)
}
