//! Keys and values: one plan with a fixed budget, from which sequences take blocks and give them back.
//!
//! An image's keys and values are computed once and shared by every request about that image. What a request adds
//! lies in blocks of its own. A request reserves all that it may need before it starts, so that none fails half way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Result, Tensor};
use half::bf16;

use super::{ModelError, TextConfig};
use crate::weights::Variant;

/// Positions of one block.
const BLOCK: usize = 64;

/// The memory for keys and values of one model.
pub(crate) struct CachePool {
    layers: usize,
    heads: usize,
    head: usize,
    dtype: DType,
    device: Device,
    budget: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reserved: u64,
    spare: Vec<Block>,
}

/// Keys and values `(heads, positions, head)` of every layer. On a GPU they are parts of one tensor
/// `(layers, 2, heads, positions, head)`, where kernels find them by its address.
struct Block {
    keys: Vec<Tensor>,
    values: Vec<Tensor>,
    #[cfg(feature = "cuda")]
    address: u64,
    #[cfg(feature = "cuda")]
    positions: usize,
}

/// How much of the cache is promised to running requests and to images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheUse {
    /// Bytes promised.
    pub reserved: u64,
    /// Bytes there are.
    pub budget: u64,
}

impl CachePool {
    pub(crate) fn new(config: &TextConfig, dtype: DType, device: &Device, budget: u64) -> Arc<Self> {
        Arc::new(Self {
            layers: config.n_layers,
            heads: config.n_kv_heads,
            head: config.head_dim(),
            dtype,
            device: device.clone(),
            budget,
            state: Mutex::default(),
        })
    }

    pub(crate) fn usage(&self) -> CacheUse {
        CacheUse { reserved: self.state().reserved, budget: self.budget }
    }

    /// Bytes of `positions` positions.
    pub(crate) fn bytes(&self, positions: usize) -> u64 {
        let numbers = 2 * self.layers * self.heads * self.head * positions;
        (numbers * self.dtype.size_in_bytes()) as u64
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises `bytes` to somebody.
    pub(super) fn reserve(self: &Arc<Self>, bytes: u64) -> std::result::Result<Reservation, ModelError> {
        let mut state = self.state();
        let free = self.budget.saturating_sub(state.reserved);
        if bytes > free {
            return Err(ModelError::CacheFull { needed: bytes, free, budget: self.budget });
        }
        state.reserved += bytes;
        self.trim(&mut state);
        Ok(Reservation { pool: Arc::clone(self), bytes })
    }

    /// Frees spare blocks whose memory is promised to somebody, so that spare and promised bytes keep to the budget.
    fn trim(&self, state: &mut State) {
        let free = self.budget.saturating_sub(state.reserved);
        let most = free / self.bytes(BLOCK).max(1);
        state.spare.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }

    fn allocate(&self, positions: usize) -> Result<Block> {
        #[cfg(feature = "cuda")]
        if self.device.is_cuda() {
            let shape = (self.layers, 2, self.heads, positions, self.head);
            let whole = Tensor::zeros(shape, self.dtype, &self.device)?;
            let part = |layer: usize, kind: usize| whole.get(layer)?.get(kind);
            let layers = |kind| (0..self.layers).map(|layer| part(layer, kind)).collect::<Result<Vec<_>>>();
            let (keys, values) = (layers(0)?, layers(1)?);
            return Ok(Block { keys, values, address: crate::cuda::address(&whole)?, positions });
        }
        let tensor = || Tensor::zeros((self.heads, positions, self.head), self.dtype, &self.device);
        let layers = || (0..self.layers).map(|_| tensor()).collect::<Result<Vec<_>>>();
        Ok(Block {
            keys: layers()?,
            values: layers()?,
            #[cfg(feature = "cuda")]
            address: 0,
            #[cfg(feature = "cuda")]
            positions,
        })
    }

    fn take(&self) -> Result<Block> {
        match self.state().spare.pop() {
            Some(block) => Ok(block),
            None => self.allocate(BLOCK),
        }
    }
}

/// Bytes promised to one holder; they are free again when it is dropped.
pub(super) struct Reservation {
    pool: Arc<CachePool>,
    bytes: u64,
}

impl Reservation {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.reserved -= self.bytes;
        self.pool.trim(&mut state);
    }
}

/// The keys and values of the first token and an image: all that the model has to know of it.
pub struct ImagePrefix {
    block: Block,
    length: usize,
    variant: Option<Arc<Variant>>,
    reservation: Reservation,
}

impl ImagePrefix {
    /// Bytes that it holds.
    pub fn bytes(&self) -> u64 {
        self.reservation.bytes
    }

    /// Positions that it takes of the context.
    pub fn positions(&self) -> usize {
        self.length
    }

    /// The variant that it was computed with; requests on it answer with the same one.
    pub fn variant(&self) -> Option<&Arc<Variant>> {
        self.variant.as_ref()
    }

    /// Values `(heads, positions, head)` of the last layer, as f32.
    pub(crate) fn last_values(&self) -> Result<Tensor> {
        let values = self.block.values.last().ok_or(candle_core::Error::Msg("a model without layers".into()))?;
        values.narrow(1, 0, self.length)?.to_dtype(DType::F32)
    }
}

/// The keys and values of one sequence.
pub(crate) struct SequenceCache {
    pool: Arc<CachePool>,
    prefix: Option<Arc<ImagePrefix>>,
    blocks: Vec<Block>,
    /// Positions of a block: all blocks of a request have `BLOCK`, the only one of an image has all of it.
    block: usize,
    own: usize,
    reservation: Option<Reservation>,
}

impl SequenceCache {
    /// A sequence that may add `positions` to `prefix`.
    pub(crate) fn new(
        pool: &Arc<CachePool>,
        prefix: Option<Arc<ImagePrefix>>,
        positions: usize,
    ) -> std::result::Result<Self, ModelError> {
        let reservation = pool.reserve(pool.bytes(positions.next_multiple_of(BLOCK)))?;
        let pool = Arc::clone(pool);
        Ok(Self { pool, prefix, blocks: Vec::new(), block: BLOCK, own: 0, reservation: Some(reservation) })
    }

    /// A sequence of exactly `positions`, to become an image's prefix.
    pub(crate) fn for_image(pool: &Arc<CachePool>, positions: usize) -> std::result::Result<Self, ModelError> {
        let reservation = pool.reserve(pool.bytes(positions))?;
        let blocks = vec![pool.allocate(positions)?];
        let pool = Arc::clone(pool);
        Ok(Self { pool, prefix: None, blocks, block: positions, own: 0, reservation: Some(reservation) })
    }

    /// The image's prefix that this sequence has become.
    pub(crate) fn into_prefix(mut self, variant: Option<Arc<Variant>>) -> Option<ImagePrefix> {
        let (block, reservation) = (self.blocks.pop()?, self.reservation.take()?);
        Some(ImagePrefix { block, length: self.own, variant, reservation })
    }

    /// Positions so far.
    pub(crate) fn length(&self) -> usize {
        self.prefix.as_ref().map_or(0, |prefix| prefix.length) + self.own
    }

    /// Makes room for `rows` more positions.
    pub(crate) fn grow(&mut self, rows: usize) -> Result<()> {
        while self.blocks.len() * self.block < self.own + rows {
            self.blocks.push(self.pool.take()?);
        }
        Ok(())
    }

    /// Counts `rows` positions that were appended in every layer.
    pub(crate) fn advance(&mut self, rows: usize) {
        self.own += rows;
    }

    /// Appends `width` words that tell a GPU's kernels where the keys and values lie: address, capacity and length of the
    /// prefix, then the addresses of the blocks. The only block of an image is a prefix that is still to be filled.
    #[cfg(feature = "cuda")]
    pub(crate) fn write_table(&self, words: &mut Vec<u64>, width: usize) {
        let end = words.len() + width;
        let is_image = self.block != BLOCK;
        match (&self.prefix, self.blocks.first()) {
            (Some(prefix), _) => {
                words.extend([prefix.block.address, prefix.block.positions as u64, prefix.length as u64]);
            }
            (None, Some(block)) if is_image => {
                words.extend([block.address, block.positions as u64, block.positions as u64]);
            }
            _ => words.extend([0; 3]),
        }
        if !is_image {
            words.extend(self.blocks.iter().map(|block| block.address));
        }
        words.resize(end, 0);
    }

    /// Stores keys and values `(heads, rows, head)` of the next rows of `layer`.
    pub(crate) fn append(&mut self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<()> {
        let rows = keys.dim(1)?;
        let mut done = 0;
        while done < rows {
            let position = self.own + done;
            let (index, offset) = (position / self.block, position % self.block);
            let count = (self.block - offset).min(rows - done);
            let Some(block) = self.blocks.get(index) else { candle_core::bail!("no block for position {position}") };
            let part = |tensor: &Tensor| tensor.narrow(1, done, count)?.contiguous();
            block.keys[layer].slice_set(&part(keys)?, 1, offset)?;
            block.values[layer].slice_set(&part(values)?, 1, offset)?;
            done += count;
        }
        Ok(())
    }

    /// As [`Self::append`] for rows in memory, on a CPU.
    pub(crate) fn append_rows(&mut self, layer: usize, qkv: &QkvRows<'_>) -> Result<()> {
        let rows = qkv.rows.len() / qkv.stride;
        let mut done = 0;
        while done < rows {
            let position = self.own + done;
            let (index, offset) = (position / self.block, position % self.block);
            let count = (self.block - offset).min(rows - done);
            let Some(block) = self.blocks.get(index) else { candle_core::bail!("no block for position {position}") };
            let rows = &qkv.rows[done * qkv.stride..(done + count) * qkv.stride];
            for (tensor, column) in [(&block.keys[layer], qkv.keys), (&block.values[layer], qkv.values)] {
                tensor.inplace_op1(&Write { rows, stride: qkv.stride, column, position: offset })?;
            }
            done += count;
        }
        Ok(())
    }

    /// Keys and values `(heads, positions, head)` of `layer` in order: the image's, then this sequence's with the
    /// `rows` just appended.
    pub(crate) fn segments(&self, layer: usize, rows: usize) -> Result<Vec<(Tensor, Tensor)>> {
        let mut segments = Vec::with_capacity(self.blocks.len() + 1);
        if let Some(prefix) = &self.prefix {
            segments.push((prefix.block.keys[layer].clone(), prefix.block.values[layer].clone()));
        }
        let mut left = self.own + rows;
        for block in &self.blocks {
            let count = left.min(self.block);
            if count > 0 {
                segments.push((block.keys[layer].narrow(1, 0, count)?, block.values[layer].narrow(1, 0, count)?));
            }
            left -= count;
        }
        Ok(segments)
    }
}

impl Drop for SequenceCache {
    fn drop(&mut self) {
        if self.block == BLOCK {
            self.pool.state().spare.append(&mut self.blocks);
        }
    }
}

/// Queries, keys and values of some rows.
pub(crate) struct QkvRows<'a> {
    /// Rows of `stride` numbers.
    pub(crate) rows: &'a [f32],
    pub(crate) stride: usize,
    /// Where the keys `(heads, head)` of a row begin.
    pub(crate) keys: usize,
    /// Where its values begin.
    pub(crate) values: usize,
}

/// Writes one row after the other to the positions of a block `(heads, positions, head)`.
struct Write<'a> {
    rows: &'a [f32],
    stride: usize,
    /// Where the numbers `(heads, head)` of a row begin.
    column: usize,
    /// Position of the first row.
    position: usize,
}

impl InplaceOp1 for Write<'_> {
    fn name(&self) -> &'static str {
        "write-rows"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (heads, positions, head) = layout.shape().dims3()?;
        for (index, row) in self.rows.chunks_exact(self.stride).enumerate() {
            for number in 0..heads {
                let source = &row[self.column + number * head..][..head];
                let start = layout.start_offset() + (number * positions + self.position + index) * head;
                match storage {
                    CpuStorage::F32(numbers) => numbers[start..start + head].copy_from_slice(source),
                    CpuStorage::BF16(numbers) => {
                        for (number, value) in numbers[start..start + head].iter_mut().zip(source) {
                            *number = bf16::from_f32(*value);
                        }
                    }
                    _ => candle_core::bail!("a cache that is neither f32 nor bf16"),
                }
            }
        }
        Ok(())
    }
}
