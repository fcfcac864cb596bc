//! The text decoder on a CPU.

use candle_core::{CpuStorage, Device, Result, Storage, Tensor};

use super::{Block, Part, TextModel};
use crate::kernels::{self, Attention, Finish, KeyValue, Level, Segment};
use crate::model::cache::QkvRows;
use crate::model::linear::with_numbers;
use crate::weights::{Adapter, BlockAdapters};

/// Rows on their way through a block, kept for the next one.
struct Rows {
    x: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    inner: Vec<f32>,
}

impl TextModel {
    /// As [`TextModel::forward`] once the caches have room, with the kernels of this crate.
    pub(super) fn forward_on_host(&self, x: &Tensor, parts: &mut [Part<'_>]) -> Result<Tensor> {
        let config = &self.config;
        let (rows, dim) = x.dims2()?;
        let (cos, sin) = self.turns(parts)?;
        let mut buffers = Rows {
            x: with_numbers(x, |x| Ok(x.to_vec()))?,
            normed: vec![0.0; rows * dim],
            qkv: vec![0.0; rows * (dim + 2 * config.kv_dim())],
            attended: vec![0.0; rows * dim],
            inner: vec![0.0; rows * config.ff_dim],
        };
        for (layer, block) in self.blocks.iter().enumerate() {
            self.block_on_host(layer, block, &mut buffers, (&cos, &sin), parts)?;
        }
        Tensor::from_vec(buffers.x, (rows, dim), &Device::Cpu)
    }

    /// Cosines and sines of all rows.
    fn turns(&self, parts: &[Part<'_>]) -> Result<(Vec<f32>, Vec<f32>)> {
        let pairs = self.rotary.0.dim(1)?;
        let of = |table: &Tensor| {
            with_numbers(table, |table| {
                let mut turns = Vec::new();
                for part in parts {
                    let start = part.cache.length() * pairs;
                    turns.extend_from_slice(&table[start..start + part.rows * pairs]);
                }
                Ok(turns)
            })
        };
        Ok((of(&self.rotary.0)?, of(&self.rotary.1)?))
    }

    fn block_on_host(
        &self,
        layer: usize,
        block: &Block,
        buffers: &mut Rows,
        turns: (&[f32], &[f32]),
        parts: &mut [Part<'_>],
    ) -> Result<()> {
        let (level, config) = (Level::detect(), &self.config);
        let Rows { x, normed, qkv, attended, inner } = buffers;
        let width = config.dim + 2 * config.kv_dim();
        block.norm.rows(x, normed)?;
        block.qkv.rows(normed, Finish::Store, qkv)?;
        add_adapted(parts, layer, |adapters| adapters.qkv.as_ref(), normed, qkv)?;
        // Queries and keys stand before the values.
        let turned = config.n_heads + config.n_kv_heads;
        kernels::rotate(level, qkv, (width, config.head_dim(), turned), turns);
        self.attend_on_host(layer, qkv, parts, attended)?;
        block.proj.rows(attended, Finish::Add, x)?;
        add_adapted(parts, layer, |adapters| adapters.proj.as_ref(), normed, x)?;
        if parts.iter().all(|part| part.variant.is_none()) {
            block.mlp.fc1.rows(normed, Finish::Gelu, inner)?;
        } else {
            block.mlp.fc1.rows(normed, Finish::Store, inner)?;
            add_adapted(parts, layer, |adapters| adapters.fc1.as_ref(), normed, inner)?;
            kernels::gelu(level, inner);
        }
        block.mlp.fc2.rows(inner, Finish::Add, x)?;
        add_adapted(parts, layer, |adapters| adapters.fc2.as_ref(), inner, x)
    }

    /// Stores keys and values of all rows and attends to those of each sequence.
    fn attend_on_host(&self, layer: usize, qkv: &[f32], parts: &mut [Part<'_>], out: &mut [f32]) -> Result<()> {
        let config = &self.config;
        let stride = config.dim + 2 * config.kv_dim();
        let mut first = 0;
        let mut stored = Vec::with_capacity(parts.len());
        for part in parts.iter_mut() {
            let rows = &qkv[first * stride..(first + part.rows) * stride];
            let values = config.dim + config.kv_dim();
            part.cache.append_rows(layer, &QkvRows { rows, stride, keys: config.dim, values })?;
            stored.push(part.cache.segments(layer, part.rows)?);
            first += part.rows;
        }
        let locked: Vec<Vec<_>> = stored
            .iter()
            .map(|segments| segments.iter().map(|(k, v)| (k.storage_and_layout(), v.storage_and_layout())).collect())
            .collect();
        let mut sequences = Vec::with_capacity(parts.len());
        let mut first = 0;
        for (part, locked) in parts.iter().zip(&locked) {
            let segments = locked.iter().map(|((keys, layout), (values, _))| {
                let (_, count, head) = layout.shape().dims3()?;
                let capacity = layout.stride()[0] / head.max(1);
                Ok(Segment { keys: numbers(keys)?, values: numbers(values)?, capacity, count })
            });
            sequences.push(Attention {
                queries: &qkv[first * stride..],
                stride,
                rows: part.rows,
                heads: config.n_heads,
                kv_heads: config.n_kv_heads,
                head: config.head_dim(),
                segments: segments.collect::<Result<_>>()?,
                bidirectional: part.bidirectional,
            });
            first += part.rows;
        }
        kernels::attend(Level::detect(), &sequences, out);
        Ok(())
    }
}

/// The keys or values of a block of the cache.
fn numbers(storage: &Storage) -> Result<KeyValue<'_>> {
    match storage {
        Storage::Cpu(CpuStorage::F32(numbers)) => Ok(KeyValue::F32(numbers)),
        Storage::Cpu(CpuStorage::BF16(numbers)) => Ok(KeyValue::Bf16(numbers)),
        _ => candle_core::bail!("a cache that is not on the CPU"),
    }
}

/// Adds to `output` what the adapters of those sequences that have one make of their rows of `input`.
fn add_adapted(
    parts: &[Part<'_>],
    layer: usize,
    adapter: impl Fn(&BlockAdapters) -> Option<&Adapter>,
    input: &[f32],
    output: &mut [f32],
) -> Result<()> {
    let rows: usize = parts.iter().map(|part| part.rows).sum();
    let (wide_in, wide_out) = (input.len() / rows.max(1), output.len() / rows.max(1));
    let mut first = 0;
    for part in parts {
        let end = first + part.rows;
        if let Some(adapter) = part.variant.and_then(|variant| variant.block(layer)).and_then(&adapter) {
            adapter.add_rows(&input[first * wide_in..end * wide_in], &mut output[first * wide_out..end * wide_out])?;
        }
        first = end;
    }
    Ok(())
}
