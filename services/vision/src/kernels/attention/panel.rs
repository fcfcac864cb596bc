//! Many queries of a head, a panel of them at a time.

use half::bf16;

use super::super::Level;
use super::super::activations::{Scratch, rounded};
use super::super::level::for_every_level;
use super::super::memory::as_bytes;
use super::super::pack::{Kind, PANEL};
use super::super::rows::exp;
use super::super::tile::{Tile, multiply_tile};
use super::one::Number;

/// Positions whose weights are used for all numbers of a head before the next ones.
const POSITIONS: usize = 128;

/// Keys and values of a head, and what is computed with them; kept from one head to the next.
#[derive(Default)]
pub(super) struct Work {
    /// `(positions, head)`.
    pub(super) keys: Vec<f32>,
    /// `(head, positions)`.
    pub(super) values: Vec<f32>,
    /// Scores of a single query.
    pub(super) scores: Vec<f32>,
    is_narrow: bool,
    key_pairs: Scratch,
    value_pairs: Scratch,
    queries: Vec<[f32; PANEL]>,
    weights: Vec<[f32; PANEL]>,
    sums: Vec<[f32; PANEL]>,
    pairs: Vec<[u32; PANEL]>,
}

impl Work {
    /// Makes keys and values ready for [`Self::panel`].
    pub(super) fn prepare(&mut self, level: Level, is_narrow: bool, positions: usize, head: usize) {
        // Elsewhere products of bf16 take longer than those of f32.
        self.is_narrow = is_narrow && level == Level::Avx512;
        let kind = self.kind();
        self.key_pairs.prepare(level, kind, &self.keys[..positions * head], positions, head);
        self.value_pairs.prepare(level, kind, &self.values[..positions * head], head, positions);
    }

    fn kind(&self) -> Kind {
        if self.is_narrow { Kind::Bf16 } else { Kind::F32 }
    }

    /// `count` queries, at most a panel, over the keys and values held here.
    pub(super) fn panel<'q, 'o>(
        &mut self,
        level: Level,
        (positions, head, count): (usize, usize, usize),
        query: impl Fn(usize) -> &'q [f32],
        visible: &[usize; PANEL],
        out: impl Fn(usize) -> &'o mut [f32],
    ) {
        let scale = 1.0 / (head as f32).sqrt();
        let kind = self.kind();
        self.queries.clear();
        self.queries.resize(head, [0.0; PANEL]);
        for index in 0..count {
            for (queries, value) in self.queries.iter_mut().zip(query(index)) {
                queries[index] = value * scale;
            }
        }
        self.weights.clear();
        self.weights.resize(positions, [0.0; PANEL]);
        let tile = Tile {
            kind,
            x: &self.keys,
            inputs: head,
            scratch: &self.key_pairs,
            rows: positions,
            first: 0,
            weights: packed(level, kind, &self.queries, &mut self.pairs),
            start: 0,
        };
        multiply_tile(level, &tile, &mut self.weights);
        let mut totals = [0.0; PANEL];
        soften(level, &mut self.weights, visible, &mut totals);
        self.sums.clear();
        self.sums.resize(head, [0.0; PANEL]);
        let weights = packed(level, kind, &self.weights, &mut self.pairs);
        let step = POSITIONS / kind.unit();
        for (index, weights) in weights.chunks(step * kind.unit_bytes()).enumerate() {
            let tile = Tile {
                kind,
                x: &self.values,
                inputs: positions,
                scratch: &self.value_pairs,
                rows: head,
                first: 0,
                weights,
                start: index * step,
            };
            multiply_tile(level, &tile, &mut self.sums);
        }
        for (index, total) in totals.iter().enumerate().take(count) {
            for (target, sums) in out(index).iter_mut().zip(&self.sums) {
                *target = sums[index] / total;
            }
        }
    }
}

for_every_level! {
    /// Scores `(positions, queries)` to the weights of softmax, but for a factor: one over `totals`.
    fn soften(scores: &mut [[f32; PANEL]], visible: &[usize; PANEL], totals: &mut [f32; PANEL]) = soften_portable
}

#[inline(always)]
fn soften_portable<const FUSED: bool>(
    scores: &mut [[f32; PANEL]],
    visible: &[usize; PANEL],
    totals: &mut [f32; PANEL],
) {
    let all_see = visible.iter().copied().min().unwrap_or_default();
    for (position, row) in scores.iter_mut().enumerate().skip(all_see) {
        for (score, visible) in row.iter_mut().zip(visible) {
            *score = if position < *visible { *score } else { f32::NEG_INFINITY };
        }
    }
    let mut largest = [f32::NEG_INFINITY; PANEL];
    for row in scores.iter() {
        for (largest, score) in largest.iter_mut().zip(row) {
            *largest = if *score > *largest { *score } else { *largest };
        }
    }
    *totals = [0.0; PANEL];
    for row in scores {
        for ((score, largest), total) in row.iter_mut().zip(&largest).zip(totals.iter_mut()) {
            *score = exp::<FUSED>(*score - largest);
            *total += *score;
        }
    }
}

/// Rows of numbers as the weights of a product; `pairs` holds them where they are pairs of bf16.
fn packed<'a>(level: Level, kind: Kind, rows: &'a [[f32; PANEL]], pairs: &'a mut Vec<[u32; PANEL]>) -> &'a [u8] {
    if kind == Kind::F32 {
        return as_bytes(rows.as_flattened());
    }
    pairs.clear();
    pairs.resize(rows.len().div_ceil(2), [0; PANEL]);
    pair_rows(level, rows, pairs);
    as_bytes(pairs.as_flattened())
}

for_every_level! {
    /// Each two rows to one of pairs; a last row without another is paired with zeros.
    fn pair_rows(rows: &[[f32; PANEL]], pairs: &mut [[u32; PANEL]]) = pair_rows_portable
}

#[inline(always)]
fn pair_rows_portable<const FUSED: bool>(rows: &[[f32; PANEL]], pairs: &mut [[u32; PANEL]]) {
    let (whole, rest) = rows.as_chunks::<2>();
    for (two, pairs) in whole.iter().zip(pairs.iter_mut()) {
        for ((pair, low), high) in pairs.iter_mut().zip(&two[0]).zip(&two[1]) {
            *pair = rounded(*low) | rounded(*high) << 16;
        }
    }
    if let ([row], Some(pairs)) = (rest, pairs.last_mut()) {
        for (pair, low) in pairs.iter_mut().zip(row) {
            *pair = rounded(*low);
        }
    }
}

for_every_level! {
    /// Numbers of a cache as f32.
    pub(super) fn widen(numbers: &[bf16], wide: &mut [f32]) = widen_portable
}

#[inline(always)]
fn widen_portable<const FUSED: bool>(numbers: &[bf16], wide: &mut [f32]) {
    for (number, wide) in numbers.iter().zip(wide) {
        *wide = number.wide();
    }
}
