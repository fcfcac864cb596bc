//! The text decoder over a ragged batch of sequences.

mod host;

use candle_core::{D, DType, Device, Result, Tensor};

use super::cache::SequenceCache;
use super::linear::{Builder, Linear, Mlp, Norm, softmax};
use super::{ModelError, TextConfig};
use crate::weights::Variant;

/// Base of the rotary angles.
const ROTARY_BASE: f64 = 10_000.0;

/// The decoder with its embedding table and its head.
pub(crate) struct TextModel {
    config: TextConfig,
    embedding: Tensor,
    blocks: Vec<Block>,
    post_norm: Norm,
    head: Linear,
    /// Cosines and sines of `(position, pair)`.
    rotary: (Tensor, Tensor),
    device: Device,
    computed: DType,
    #[cfg(feature = "cuda")]
    fused: Option<crate::cuda::FusedText>,
}

struct Block {
    norm: Norm,
    qkv: Linear,
    proj: Linear,
    mlp: Mlp,
}

/// The rows of one sequence in a batch.
pub(crate) struct Part<'a> {
    /// Keys and values so far; those of the rows are added to it.
    pub(crate) cache: &'a mut SequenceCache,
    /// Number of rows.
    pub(crate) rows: usize,
    /// Whether the rows see those behind them too.
    pub(crate) bidirectional: bool,
    /// Adapters of this sequence.
    pub(crate) variant: Option<&'a Variant>,
}

/// Logits of some rows, and what is likeliest of each where the device has found that out.
pub(crate) struct Chosen {
    tokens: Option<Vec<Option<u32>>>,
    logits: Tensor,
}

impl Chosen {
    /// The likeliest tokens, none where logits are no numbers, and the logits `(rows, vocabulary)` as f32.
    #[cfg(feature = "cuda")]
    pub(crate) fn on_device(tokens: Vec<Option<u32>>, logits: Tensor) -> Self {
        Self { tokens: Some(tokens), logits }
    }

    /// The token of a row, where it is known.
    pub(crate) fn token(&self, row: usize) -> Option<Option<u32>> {
        self.tokens.as_ref().and_then(|tokens| tokens.get(row).copied())
    }

    /// The logits of `rows`, read from the device in one go.
    pub(crate) fn logits(&self, rows: &[usize]) -> Result<Vec<Vec<f32>>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        if rows.iter().copied().eq(0..self.logits.dim(0)?) {
            return self.logits.to_vec2();
        }
        let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        self.logits.index_select(&Tensor::new(rows, self.logits.device())?, 0)?.to_vec2()
    }
}

impl TextModel {
    pub(crate) fn load(builder: &Builder<'_>, config: &TextConfig) -> std::result::Result<Self, ModelError> {
        let dim = config.dim;
        let block = |index: usize| {
            let name = format!("text.blocks.{index}");
            Ok::<_, ModelError>(Block {
                norm: builder.norm(&format!("{name}.ln"))?,
                qkv: builder.linear(&format!("{name}.attn.qkv"), dim, dim + 2 * config.kv_dim())?,
                proj: builder.linear(&format!("{name}.attn.proj"), dim, dim)?,
                mlp: builder.mlp(&format!("{name}.mlp"), [dim, config.ff_dim, dim])?,
            })
        };
        #[allow(unused_mut, reason = "the kernels of a GPU are added where there are any")]
        let mut model = Self {
            config: config.clone(),
            embedding: builder.table("text.wte")?,
            blocks: (0..config.n_layers).map(block).collect::<std::result::Result<_, _>>()?,
            post_norm: builder.norm("text.post_ln")?,
            head: builder.linear("text.lm_head", dim, config.vocab_size)?,
            rotary: rotary_tables(config, builder)?,
            device: builder.device.clone(),
            computed: builder.computed,
            #[cfg(feature = "cuda")]
            fused: None,
        };
        #[cfg(feature = "cuda")]
        {
            model.fused = model.fuse(builder)?;
        }
        Ok(model)
    }

    /// The decoder with kernels for a GPU, where they fit it.
    #[cfg(feature = "cuda")]
    fn fuse(&self, builder: &Builder<'_>) -> Result<Option<crate::cuda::FusedText>> {
        let Some(gpu) = &builder.fused else { return Ok(None) };
        let blocks = self.blocks.iter().map(|block| crate::cuda::TextBlock {
            norm: &block.norm,
            qkv: &block.qkv,
            proj: &block.proj,
            mlp: &block.mlp,
        });
        let parts = crate::cuda::TextParts {
            config: &self.config,
            blocks: blocks.collect(),
            norm: &self.post_norm,
            head: &self.head,
            embedding: &self.embedding,
            turns: rotary_values(&self.config),
            graphs: builder.graphs,
        };
        crate::cuda::FusedText::new(gpu, &parts)
    }

    /// One position of every part, in one go, where the kernels of a GPU can do it: the hidden states, and what each
    /// decides without its two of `banned`. The caches count the position then.
    #[cfg(feature = "cuda")]
    pub(crate) fn step(
        &self,
        inputs: &[crate::cuda::RowInput<'_>],
        parts: &mut [Part<'_>],
        banned: &[[u32; 2]],
    ) -> std::result::Result<Option<(Tensor, Chosen)>, ModelError> {
        let Some(fused) = self.fused.as_ref().filter(|fused| fused.steps(parts.len())) else { return Ok(None) };
        if parts.iter().any(|part| part.rows != 1 || part.variant.is_some()) {
            return Ok(None);
        }
        for part in parts.iter_mut() {
            part.cache.grow(1)?;
        }
        let outcome = fused.step(inputs, parts, banned)?;
        for part in parts {
            part.cache.advance(1);
        }
        Ok(Some(outcome))
    }

    /// The logits of hidden states `(n, dim)` and, on a GPU, the likeliest token of each that is not one of its two of
    /// `banned`.
    pub(crate) fn choose(
        &self,
        hidden: &Tensor,
        #[cfg_attr(not(feature = "cuda"), allow(unused_variables))] banned: &[[u32; 2]],
    ) -> Result<Chosen> {
        #[cfg(feature = "cuda")]
        if let Some(fused) = &self.fused {
            return fused.choose(hidden, banned);
        }
        Ok(Chosen { tokens: None, logits: self.logits(hidden)? })
    }

    /// Vectors `(n, dim)` of tokens.
    pub(crate) fn embed(&self, ids: &[u32]) -> Result<Tensor> {
        self.embedding.index_select(&Tensor::new(ids, &self.device)?, 0)?.to_dtype(self.computed)
    }

    /// Hidden states `(rows, dim)`, before the final norm, of the rows `x (rows, dim)`: those of the first part, then
    /// those of the second, and so on.
    pub(crate) fn forward(&self, x: &Tensor, parts: &mut [Part<'_>]) -> std::result::Result<Tensor, ModelError> {
        for part in parts.iter_mut() {
            part.cache.grow(part.rows)?;
        }
        let x = if matches!(self.head, Linear::Host { .. }) {
            self.forward_on_host(x, parts)?
        } else {
            self.forward_on_device(x, parts)?
        };
        for part in parts {
            part.cache.advance(part.rows);
        }
        Ok(x)
    }

    fn forward_on_device(&self, x: &Tensor, parts: &mut [Part<'_>]) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if let Some(fused) = &self.fused
            && parts.iter().all(|part| part.variant.is_none())
        {
            return fused.forward(x, parts);
        }
        let mut positions = Vec::with_capacity(x.dim(0)?);
        for part in parts.iter() {
            let start = part.cache.length();
            positions.extend((start..start + part.rows).map(|position| position as u32));
        }
        let positions = Tensor::new(positions, &self.device)?;
        let rotary = (self.rotary.0.index_select(&positions, 0)?, self.rotary.1.index_select(&positions, 0)?);
        let mut x = x.clone();
        for (layer, block) in self.blocks.iter().enumerate() {
            x = self.block(layer, block, &x, &rotary, parts)?;
        }
        Ok(x)
    }

    /// Logits `(n, vocabulary)` of hidden states `(n, dim)`, as f32.
    fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        self.head.forward(&self.post_norm.forward(hidden)?)?.to_dtype(DType::F32)
    }

    fn block(
        &self,
        layer: usize,
        block: &Block,
        x: &Tensor,
        rotary: &(Tensor, Tensor),
        parts: &mut [Part<'_>],
    ) -> Result<Tensor> {
        let config = &self.config;
        let (rows, head) = (x.dim(0)?, config.head_dim());
        let normed = block.norm.forward(x)?;
        let qkv = adapted(block.qkv.forward(&normed)?, &normed, parts, layer, |adapters| adapters.qkv.as_ref())?;
        let split = |start: usize, heads: usize| qkv.narrow(1, start, heads * head)?.reshape((rows, heads, head));
        let q = rotate(&split(0, config.n_heads)?, rotary)?;
        let k = rotate(&split(config.dim, config.n_kv_heads)?, rotary)?;
        let v = split(config.dim + config.kv_dim(), config.n_kv_heads)?;

        let mut attended = Vec::with_capacity(parts.len());
        let mut start = 0;
        for part in parts.iter_mut() {
            let of = |tensor: &Tensor| tensor.narrow(0, start, part.rows)?.transpose(0, 1)?.contiguous();
            let (q, k, v) = (of(&q)?, of(&k)?, of(&v)?);
            part.cache.append(layer, &k, &v)?;
            let output = attend(&q, &part.cache.segments(layer, part.rows)?, part.bidirectional)?;
            attended.push(output.transpose(0, 1)?.reshape((part.rows, config.dim))?);
            start += part.rows;
        }
        let attended = block.proj.forward(&Tensor::cat(&attended, 0)?)?;
        let attended = adapted(attended, &normed, parts, layer, |adapters| adapters.proj.as_ref())?;

        let inner = block.mlp.fc1.forward(&normed)?;
        let inner = adapted(inner, &normed, parts, layer, |adapters| adapters.fc1.as_ref())?.gelu()?;
        let mlp = adapted(block.mlp.fc2.forward(&inner)?, &inner, parts, layer, |adapters| adapters.fc2.as_ref())?;
        (x + attended)? + mlp
    }
}

/// `output`, with the adapters of those sequences that have one added to their rows.
fn adapted(
    output: Tensor,
    input: &Tensor,
    parts: &[Part<'_>],
    layer: usize,
    adapter: impl Fn(&crate::weights::BlockAdapters) -> Option<&crate::weights::Adapter>,
) -> Result<Tensor> {
    if parts.iter().all(|part| part.variant.is_none()) {
        return Ok(output);
    }
    let mut pieces = Vec::with_capacity(parts.len());
    let mut start = 0;
    for part in parts {
        let rows = output.narrow(0, start, part.rows)?;
        let adapter = part.variant.and_then(|variant| variant.block(layer)).and_then(&adapter);
        pieces.push(match adapter {
            Some(adapter) => (rows + adapter.forward(&input.narrow(0, start, part.rows)?.contiguous()?)?)?,
            None => rows,
        });
        start += part.rows;
    }
    Tensor::cat(&pieces, 0)
}

/// Rotates the first half of each head of `x (rows, heads, head)`; the pairs are the halves of that half.
fn rotate(x: &Tensor, (cos, sin): &(Tensor, Tensor)) -> Result<Tensor> {
    let pairs = cos.dim(1)?;
    let (cos, sin) = (cos.unsqueeze(1)?, sin.unsqueeze(1)?);
    let (real, imaginary) = (x.narrow(2, 0, pairs)?, x.narrow(2, pairs, pairs)?);
    let rest = x.narrow(2, 2 * pairs, x.dim(2)? - 2 * pairs)?;
    let turned_real = (real.broadcast_mul(&cos)? - imaginary.broadcast_mul(&sin)?)?;
    let turned_imaginary = (real.broadcast_mul(&sin)? + imaginary.broadcast_mul(&cos)?)?;
    Tensor::cat(&[turned_real, turned_imaginary, rest], D::Minus1)
}

/// Cosines and sines `(context, head / 4)`.
fn rotary_tables(config: &TextConfig, builder: &Builder<'_>) -> Result<(Tensor, Tensor)> {
    let shape = (config.max_context, config.head_dim() / 4);
    let table = |values| Tensor::from_vec(values, shape, builder.device)?.to_dtype(builder.computed);
    let [cosines, sines] = rotary_values(config);
    Ok((table(cosines)?, table(sines)?))
}

/// As [`rotary_tables`], one row after the other.
fn rotary_values(config: &TextConfig) -> [Vec<f32>; 2] {
    let pairs = config.head_dim() / 4;
    let frequency = |pair: usize| (1.0 / ROTARY_BASE.powf(pair as f64 / pairs as f64)) as f32;
    let frequencies: Vec<f32> = (0..pairs).map(frequency).collect();
    let angles: Vec<f32> =
        (0..config.max_context).flat_map(|position| frequencies.iter().map(move |f| position as f32 * f)).collect();
    [f32::cos, f32::sin].map(|function: fn(f32) -> f32| angles.iter().map(|angle| function(*angle)).collect())
}

/// Attention of `q (heads, rows, head)` over keys and values `(kv heads, positions, head)` in several pieces. The rows
/// are the last of all positions; unless `bidirectional`, a row sees no position behind its own.
fn attend(q: &Tensor, segments: &[(Tensor, Tensor)], bidirectional: bool) -> Result<Tensor> {
    let (heads, rows, head) = q.dims3()?;
    let Some((first, _)) = segments.first() else { return q.zeros_like() };
    let kv_heads = first.dim(0)?;
    let shared = heads / kv_heads;
    let q = (q.reshape((kv_heads, shared * rows, head))? * (1.0 / (head as f64).sqrt()))?;
    let scores = segments.iter().map(|(k, _)| q.matmul(&k.t()?)).collect::<Result<Vec<_>>>()?;
    let mut scores = if scores.len() == 1 { scores[0].clone() } else { Tensor::cat(&scores, D::Minus1)? };
    let positions = scores.dim(D::Minus1)?;
    if rows > 1 && !bidirectional {
        let mask = causal_mask(rows, positions, q.device())?.to_dtype(q.dtype())?;
        let shape = (kv_heads, shared, rows, positions);
        scores = scores.reshape(shape)?.broadcast_add(&mask)?.reshape((kv_heads, shared * rows, positions))?;
    }
    let weights = softmax(&scores)?;
    let mut start = 0;
    let mut sum: Option<Tensor> = None;
    for (_, v) in segments {
        let length = v.dim(1)?;
        let piece = weights.narrow(2, start, length)?.contiguous()?.matmul(v)?;
        sum = Some(match sum {
            Some(sum) => (sum + piece)?,
            None => piece,
        });
        start += length;
    }
    match sum {
        Some(sum) => sum.reshape((heads, rows, head)),
        None => q.zeros_like(),
    }
}

/// Zero where a row may look and minus infinity where it may not; the rows are the last of `positions`.
fn causal_mask(rows: usize, positions: usize, device: &Device) -> Result<Tensor> {
    let before = positions - rows;
    let values: Vec<f32> = (0..rows)
        .flat_map(|row| {
            (0..positions).map(move |position| if position <= before + row { 0.0 } else { f32::NEG_INFINITY })
        })
        .collect();
    Tensor::from_vec(values, (rows, positions), device)
}
