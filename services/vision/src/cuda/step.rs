//! Steps of one row for each sequence: buffers that stay where they are, so that a step is recorded once for each number
//! of rows and played again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::PoisonError;

use candle_core::cuda_backend::cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode};
use candle_core::cuda_backend::cudarc::driver::{CudaGraph, CudaSlice, result};
use candle_core::{DType, Error, Result, Tensor};

use super::text::{Attention, BLOCK, Decision, FusedText, NOWHERE, Places, Rows, banned_word, token, two};
use super::{address, start_of};
use crate::model::text::{Chosen, Part};

/// Numbers of rows that steps are recorded for; others are filled up to the next one.
const SIZES: [usize; 10] = [1, 2, 4, 8, 16, 24, 32, 40, 48, 64];
/// Most rows of a step.
const MOST: usize = SIZES[SIZES.len() - 1];
/// Positions of a share where few rows have to fill the device.
const SHORT_SHARE: usize = 64;
/// And where many do.
const LONG_SHARE: usize = 256;
/// Rows up to which shares are short.
const FEW: usize = 4;
/// Positions by which the number of shares grows.
const SPAN: usize = 1024;

/// What a step of one row begins with.
#[derive(Clone, Copy)]
pub(crate) enum RowInput<'a> {
    /// The vector of a token.
    Token(u32),
    /// A row of its own, in bf16.
    Vector(&'a Tensor),
}

/// What steps work on.
pub(crate) struct Stepper {
    buffers: Option<Buffers>,
    /// Steps by number of rows and of shares; none of those that ran only once.
    steps: HashMap<(usize, usize), Option<CudaGraph>>,
    graphs: bool,
}

// SAFETY: a graph is used by one thread at a time, which the lock around this sees to.
unsafe impl Send for Stepper {}

struct Buffers {
    words: CudaSlice<u64>,
    rows: Rows,
    partial: CudaSlice<f32>,
    logits: Tensor,
    chosen: CudaSlice<u32>,
}

impl Stepper {
    pub(super) fn new(graphs: bool) -> Self {
        Self { buffers: None, steps: HashMap::new(), graphs }
    }
}

impl FusedText {
    /// Whether steps of `rows` rows can be made.
    pub(crate) fn steps(&self, rows: usize) -> bool {
        (1..=MOST).contains(&rows)
    }

    /// One position of every part: their hidden states, and what each decides without its two of `banned`.
    pub(crate) fn step(
        &self,
        inputs: &[RowInput<'_>],
        parts: &[Part<'_>],
        banned: &[[u32; 2]],
    ) -> Result<(Tensor, Chosen)> {
        let rows = inputs.len();
        let Some(size) = SIZES.into_iter().find(|size| *size >= rows) else {
            candle_core::bail!("a step of {rows} rows");
        };
        let mut stepper = self.stepper().lock().unwrap_or_else(PoisonError::into_inner);
        let Stepper { buffers, steps, graphs } = &mut *stepper;
        let buffers = match buffers {
            Some(buffers) => buffers,
            None => buffers.insert(self.buffers()?),
        };
        let longest = parts.iter().map(|part| part.cache.length() + 1).max().unwrap_or(1);
        let share = share(size);
        let shares = longest.next_multiple_of(SPAN).min(self.shape.context.next_multiple_of(share)).div_ceil(share);
        self.fill(buffers, size, inputs, parts, banned)?;
        let graph = match steps.entry((size, shares)) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(new) => {
                // The first one finds algorithms and loads kernels, which a recording does not allow.
                self.record(buffers, size, shares)?;
                new.insert(None);
                None
            }
        };
        if let Some(graph) = graph {
            if graph.is_none() && *graphs {
                match self.capture(buffers, size, shares) {
                    Ok(recorded) => *graph = Some(recorded),
                    Err(error) => {
                        tracing::warn!(%error, "steps are not recorded on this device: {error}");
                        *graphs = false;
                    }
                }
            }
            match graph {
                Some(graph) => graph.launch().map_err(Error::wrap)?,
                None => self.record(buffers, size, shares)?,
            }
        }
        let hidden = buffers.rows.x.narrow(0, 0, rows)?.copy()?;
        let tokens = self.gpu.stream.clone_dtoh(&buffers.chosen.slice(..rows)).map_err(Error::wrap)?;
        let logits = buffers.logits.narrow(0, 0, rows)?;
        Ok((hidden, Chosen::on_device(tokens.into_iter().map(token).collect(), logits)))
    }

    fn buffers(&self) -> Result<Buffers> {
        let (gpu, shape) = (&self.gpu, self.shape);
        let most = |size: usize| size * shape.context.div_ceil(share(size));
        let shares = SIZES.into_iter().map(most).max().unwrap_or_default();
        let floats = shares * shape.heads * (64 + 2);
        Ok(Buffers {
            words: gpu.upload(&vec![0; MOST * (shape.width() + 3)])?,
            rows: Rows::new(gpu, shape, gpu.empty((MOST, shape.dim), DType::BF16)?)?,
            partial: gpu.upload(&vec![0.0; floats])?,
            logits: gpu.empty((MOST, shape.vocabulary), DType::F32)?,
            chosen: gpu.upload(&[NOWHERE; MOST])?,
        })
    }

    /// Words: tables, rows, ids and banned tokens.
    fn fill(
        &self,
        buffers: &mut Buffers,
        size: usize,
        inputs: &[RowInput<'_>],
        parts: &[Part<'_>],
        banned: &[[u32; 2]],
    ) -> Result<()> {
        let width = self.shape.width();
        let mut words = Vec::with_capacity(size * (width + 3));
        for part in parts {
            part.cache.write_table(&mut words, width);
        }
        words.resize(size * width, 0);
        words.extend(parts.iter().enumerate().map(|(sequence, part)| two(sequence, part.cache.length())));
        words.resize(size * (width + 1), u64::from(NOWHERE));
        words.extend(inputs.iter().map(|input| match input {
            RowInput::Token(id) => u64::from(*id),
            RowInput::Vector(_) => u64::from(NOWHERE),
        }));
        // Rows that are nobody's are those of some token, so that they hold numbers.
        words.resize(size * (width + 2), 0);
        words.extend(banned.iter().map(banned_word));
        words.resize(size * (width + 3), u64::MAX);
        let mut target = buffers.words.slice_mut(..words.len());
        self.gpu.stream.memcpy_htod(&words, &mut target).map_err(Error::wrap)?;
        let x = address(&buffers.rows.x)?;
        let bytes = 2 * self.shape.dim;
        for (row, input) in inputs.iter().enumerate() {
            let RowInput::Vector(vector) = input else { continue };
            if vector.elem_count() != self.shape.dim || vector.dtype() != DType::BF16 {
                candle_core::bail!("a row of {:?}", vector.shape());
            }
            let (to, from) = (x + (row * bytes) as u64, address(vector)?);
            // SAFETY: both are as long as a row.
            let copied = unsafe { result::memcpy_dtod_async(to, from, bytes, self.gpu.stream.cu_stream()) };
            copied.map_err(Error::wrap)?;
        }
        Ok(())
    }

    /// Everything that a step computes.
    fn record(&self, buffers: &Buffers, size: usize, shares: usize) -> Result<()> {
        let stream = &self.gpu.stream;
        let width = self.shape.width();
        let start = start_of(&buffers.words, stream);
        let section = |number: usize| start + (8 * size * (width + number)) as u64;
        let x = address(&buffers.rows.x)?;
        let places = Places { tables: start, rows: section(0) };
        self.embed(section(1), x, size)?;
        let attention = Attention::Ones { partial: start_of(&buffers.partial, stream), shares, share: share(size) };
        self.blocks(&buffers.rows, size, places, attention)?;
        let decision = Decision {
            x,
            normed: address(&buffers.rows.normed)?,
            logits: address(&buffers.logits)?,
            banned: section(2),
            chosen: start_of(&buffers.chosen, stream),
        };
        self.decide(size, &decision)
    }

    fn capture(&self, buffers: &Buffers, size: usize, shares: usize) -> Result<CudaGraph> {
        let stream = &self.gpu.stream;
        stream.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).map_err(Error::wrap)?;
        let recorded = self.record(buffers, size, shares);
        // The recording has to end whatever became of it.
        let flags = CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
        let graph = stream.end_capture(flags).map_err(Error::wrap);
        recorded?;
        graph?.ok_or_else(|| Error::Msg("the recording of a step is empty".to_owned()))
    }
}

fn share(size: usize) -> usize {
    if size <= FEW { SHORT_SHARE } else { LONG_SHARE }
}

const _: () = assert!(SHORT_SHARE.is_multiple_of(BLOCK) && SPAN.is_multiple_of(LONG_SHARE));
