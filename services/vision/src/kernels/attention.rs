//! Attention without a matrix of all scores.
//!
//! For many queries, 64 of them at a time stand beside each other in the registers: the scores of a position are then
//! a row, softmax runs down the rows in all 64 at once, and both products are the tiles that linear layers use. The
//! few queries of a decoding step go through keys and values as they lie in the cache.

use std::cell::RefCell;

use half::bf16;

use super::Level;
use super::activations::Scratch;
use super::level::{for_every_level, multiply_add};
use super::memory::as_bytes;
use super::pack::{Kind, PANEL};
use super::pool::{Shares, parallel};
use super::rows::{exp, sum_lanes};
use super::tile::{Tile, multiply_tile};

/// Numbers that are worked on together.
const LANES: usize = 16;
/// Queries of a head, up to which keys and values are not worth a copy.
const FEW: usize = 32;
/// Positions whose weights are used for all numbers of a head before the next ones.
const POSITIONS: usize = 128;

/// Keys or values `(heads, capacity, head)`.
#[derive(Clone, Copy)]
pub(crate) enum KeyValue<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

/// Some positions of a sequence.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) keys: KeyValue<'a>,
    pub(crate) values: KeyValue<'a>,
    /// Positions that there is room for.
    pub(crate) capacity: usize,
    /// Positions that there are.
    pub(crate) count: usize,
}

/// The attention of one sequence's rows, which are its last positions.
pub(crate) struct Attention<'a> {
    /// The first numbers of every `stride` are the queries `(heads, head)` of a row.
    pub(crate) queries: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head: usize,
    pub(crate) segments: Vec<Segment<'a>>,
    /// Whether a row sees the positions behind its own.
    pub(crate) bidirectional: bool,
}

#[derive(Default)]
struct Work {
    keys: Vec<f32>,
    values: Vec<f32>,
    queries: Vec<f32>,
    weights: Vec<[f32; PANEL]>,
    sums: Vec<[f32; PANEL]>,
    scores: Vec<f32>,
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

impl Attention<'_> {
    fn positions(&self) -> usize {
        self.segments.iter().map(|segment| segment.count).sum()
    }

    /// Query heads that share keys and values.
    fn shared(&self) -> usize {
        self.heads / self.kv_heads.max(1)
    }

    /// How many positions `row` sees.
    fn visible(&self, row: usize) -> usize {
        let positions = self.positions();
        if self.bidirectional { positions } else { positions - self.rows + row + 1 }
    }

    fn query(&self, row: usize, head: usize) -> &[f32] {
        let start = row * self.stride + head * self.head;
        &self.queries[start..start + self.head]
    }
}

/// Attention of several sequences, to `out (rows, heads * head)`: the rows of the first, then those of the second, …
#[allow(unsafe_code)]
pub(crate) fn attend(level: Level, sequences: &[Attention<'_>], out: &mut [f32]) {
    let mut first = 0;
    let mut few = Vec::new();
    let mut many = Vec::new();
    for sequence in sequences {
        let is_few = sequence.rows * sequence.shared() <= FEW;
        if is_few {
            few.push((sequence, first))
        } else {
            many.push((sequence, first))
        }
        first += sequence.rows;
    }
    let Some(heads) = sequences.first().map(|sequence| sequence.kv_heads) else { return };
    let width = out.len() / first.max(1);
    let out = Shares::new(out);
    let write = |sequence: &Attention<'_>, first: usize, row: usize, head: usize| {
        // SAFETY: every row of a head is written by one task only, and one at a time.
        unsafe { out.part((first + row) * width + head * sequence.head, sequence.head) }
    };
    let few_tasks = if few.is_empty() { 0 } else { heads };
    // A head of all sequences is one task: those on the same picture share most of its keys and values.
    parallel(few_tasks + many.len() * heads, &|task| {
        WORK.with_borrow_mut(|work| {
            if task < few_tasks {
                for (sequence, first) in &few {
                    attend_few(level, sequence, task, work, &|row, head| write(sequence, *first, row, head));
                }
            } else if let Some((sequence, first)) = many.get((task - few_tasks) / heads) {
                let kv_head = (task - few_tasks) % heads;
                attend_many(level, sequence, kv_head, work, &|row, head| write(sequence, *first, row, head));
            }
        });
    });
}

/// Attention of every crop's rows of `qkv (crops * patches, 3 * heads * head)` over that crop, to
/// `out (crops * patches, heads * head)`.
#[allow(unsafe_code)]
pub(crate) fn attend_crops(
    level: Level,
    qkv: &[f32],
    (crops, patches): (usize, usize),
    (heads, head): (usize, usize),
    out: &mut [f32],
) {
    let width = heads * head;
    if qkv.len() != crops * patches * 3 * width || out.len() != crops * patches * width {
        debug_assert!(false, "slices of another length");
        return;
    }
    let out = Shares::new(out);
    parallel(crops * heads, &|task| {
        let (crop, index) = (task / heads, task % heads);
        let rows = || qkv.chunks_exact(3 * width).skip(crop * patches).take(patches);
        let part = |row: &'_ [f32], kind: usize| -> std::ops::Range<usize> {
            let start = kind * width + index * head;
            debug_assert!(start + head <= row.len());
            start..start + head
        };
        WORK.with_borrow_mut(|work| {
            work.keys.clear();
            work.values.resize(work.values.len().max(patches * head), 0.0);
            for (position, row) in rows().enumerate() {
                work.keys.extend_from_slice(&row[part(row, 1)]);
                for (dimension, value) in row[part(row, 2)].iter().enumerate() {
                    work.values[dimension * patches + position] = *value;
                }
            }
            for start in (0..patches).step_by(PANEL) {
                let count = PANEL.min(patches - start);
                let visible = [patches; PANEL];
                work.panel(
                    level,
                    (patches, head, count),
                    |query| {
                        let row = &qkv[(crop * patches + start + query) * 3 * width..];
                        &row[index * head..(index + 1) * head]
                    },
                    &visible,
                    |query| {
                        let at = (crop * patches + start + query) * width + index * head;
                        // SAFETY: every head of every row is written by one task only, and one at a time.
                        unsafe { out.part(at, head) }
                    },
                );
            }
        });
    });
}

/// Many rows of the query heads that share `kv_head`.
fn attend_many<'o>(
    level: Level,
    sequence: &Attention<'_>,
    kv_head: usize,
    work: &mut Work,
    out: &dyn Fn(usize, usize) -> &'o mut [f32],
) {
    let (head, positions, shared) = (sequence.head, sequence.positions(), sequence.shared());
    work.keys.resize(work.keys.len().max(positions * head), 0.0);
    work.values.resize(work.values.len().max(positions * head), 0.0);
    let mut done = 0;
    for segment in &sequence.segments {
        let keys = &mut work.keys[done * head..(done + segment.count) * head];
        let start = kv_head * segment.capacity * head;
        let numbers = start..start + segment.count * head;
        match segment.keys {
            KeyValue::F32(all) => keys.copy_from_slice(&all[numbers.clone()]),
            KeyValue::Bf16(all) => widen(level, &all[numbers.clone()], keys),
        }
        let mut place = |index: usize, value: f32| {
            work.values[index % head * positions + done + index / head] = value;
        };
        match segment.values {
            KeyValue::F32(all) => all[numbers].iter().enumerate().for_each(|(index, value)| place(index, *value)),
            KeyValue::Bf16(all) => {
                all[numbers].iter().enumerate().for_each(|(index, value)| place(index, value.to_f32()));
            }
        }
        done += segment.count;
    }
    let queries = sequence.rows * shared;
    for start in (0..queries).step_by(PANEL) {
        let count = PANEL.min(queries - start);
        let of = |query: usize| ((start + query) / shared, kv_head * shared + (start + query) % shared);
        let mut visible = [positions; PANEL];
        for (query, visible) in visible.iter_mut().enumerate().take(count) {
            *visible = sequence.visible(of(query).0);
        }
        work.panel(
            level,
            (positions, head, count),
            |query| sequence.query(of(query).0, of(query).1),
            &visible,
            |query| out(of(query).0, of(query).1),
        );
    }
}

impl Work {
    /// `count` queries, at most a panel, over the keys `(positions, head)` and values `(head, positions)` held here.
    fn panel<'q, 'o>(
        &mut self,
        level: Level,
        (positions, head, count): (usize, usize, usize),
        query: impl Fn(usize) -> &'q [f32],
        visible: &[usize; PANEL],
        out: impl Fn(usize) -> &'o mut [f32],
    ) {
        let scale = 1.0 / (head as f32).sqrt();
        self.queries.clear();
        self.queries.resize(head * PANEL, 0.0);
        for index in 0..count {
            for (dimension, value) in query(index).iter().enumerate() {
                self.queries[dimension * PANEL + index] = value * scale;
            }
        }
        self.weights.clear();
        self.weights.resize(positions, [0.0; PANEL]);
        let scratch = Scratch::default();
        let tile = Tile {
            kind: Kind::F32,
            x: &self.keys,
            inputs: head,
            scratch: &scratch,
            rows: positions,
            first: 0,
            weights: as_bytes(&self.queries),
            start: 0,
        };
        multiply_tile(level, &tile, &mut self.weights);
        let mut totals = [0.0; PANEL];
        soften(level, &mut self.weights, visible, &mut totals);
        self.sums.clear();
        self.sums.resize(head, [0.0; PANEL]);
        for start in (0..positions).step_by(POSITIONS) {
            let weights = &self.weights[start..positions.min(start + POSITIONS)];
            let tile = Tile {
                kind: Kind::F32,
                x: &self.values,
                inputs: positions,
                scratch: &scratch,
                rows: head,
                first: 0,
                weights: as_bytes(weights.as_flattened()),
                start,
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

/// Few rows of the query heads that share `kv_head`.
fn attend_few<'o>(
    level: Level,
    sequence: &Attention<'_>,
    kv_head: usize,
    work: &mut Work,
    out: &dyn Fn(usize, usize) -> &'o mut [f32],
) {
    for row in 0..sequence.rows {
        for head in kv_head * sequence.shared()..(kv_head + 1) * sequence.shared() {
            attend_one(level, sequence, kv_head, row, sequence.query(row, head), &mut work.scores, out(row, head));
        }
    }
}

for_every_level! {
    fn attend_one(
        sequence: &Attention<'_>,
        kv_head: usize,
        row: usize,
        query: &[f32],
        scores: &mut Vec<f32>,
        out: &mut [f32],
    ) = attend_one_portable
}

#[inline(always)]
fn attend_one_portable<const FUSED: bool>(
    sequence: &Attention<'_>,
    kv_head: usize,
    row: usize,
    query: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let (head, visible) = (sequence.head, sequence.visible(row));
    scores.clear();
    scores.reserve(visible);
    let pieces = || {
        let mut left = visible;
        sequence.segments.iter().map(move |segment| {
            let count = segment.count.min(left);
            left -= count;
            let start = kv_head * segment.capacity * head;
            (segment, start..start + count * head)
        })
    };
    for (segment, numbers) in pieces() {
        match segment.keys {
            KeyValue::F32(keys) => score::<FUSED, f32>(query, &keys[numbers], scores),
            KeyValue::Bf16(keys) => score::<FUSED, bf16>(query, &keys[numbers], scores),
        }
    }
    let scale = 1.0 / (head as f32).sqrt();
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for score in scores.iter_mut() {
        *score = exp::<FUSED>((*score - largest) * scale);
    }
    let mut lanes = [0.0; LANES];
    for (index, score) in scores.iter().enumerate() {
        lanes[index % LANES] += score;
    }
    let total = sum_lanes(lanes);
    out.fill(0.0);
    let mut done = 0;
    for (segment, numbers) in pieces() {
        let count = numbers.len() / head;
        let weights = &scores[done..done + count];
        done += count;
        match segment.values {
            KeyValue::F32(values) => gather::<FUSED, f32>(weights, &values[numbers], out),
            KeyValue::Bf16(values) => gather::<FUSED, bf16>(weights, &values[numbers], out),
        }
    }
    for value in out {
        *value /= total;
    }
}

/// A stored number.
trait Number: Copy {
    fn wide(self) -> f32;
}

impl Number for f32 {
    #[inline(always)]
    fn wide(self) -> f32 {
        self
    }
}

impl Number for bf16 {
    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

/// Adds the product of `query` and every key to `scores`.
#[inline(always)]
fn score<const FUSED: bool, T: Number>(query: &[f32], keys: &[T], scores: &mut Vec<f32>) {
    let width = query.len();
    let (query, query_rest) = query.as_chunks::<LANES>();
    // A loop, since a closure need not be compiled for the instructions of the function that it stands in.
    for key in keys.chunks_exact(width) {
        let (key, key_rest) = key.as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for (query, key) in query.iter().zip(key) {
            for lane in 0..LANES {
                lanes[lane] = multiply_add::<FUSED>(query[lane], key[lane].wide(), lanes[lane]);
            }
        }
        for ((query, key), lane) in query_rest.iter().zip(key_rest).zip(&mut lanes) {
            *lane = multiply_add::<FUSED>(*query, key.wide(), *lane);
        }
        scores.push(sum_lanes(lanes));
    }
}

/// Adds every value times its weight to `out`.
#[inline(always)]
fn gather<const FUSED: bool, T: Number>(weights: &[f32], values: &[T], out: &mut [f32]) {
    const WIDE: usize = 4 * LANES;
    let head = out.len();
    let (wide, rest) = out.as_chunks_mut::<WIDE>();
    for (index, out) in wide.iter_mut().enumerate() {
        let mut sums = *out;
        for (weight, value) in weights.iter().zip(values.chunks_exact(head)) {
            let Some(value) = value.as_chunks::<WIDE>().0.get(index) else { return };
            for lane in 0..WIDE {
                sums[lane] = multiply_add::<FUSED>(*weight, value[lane].wide(), sums[lane]);
            }
        }
        *out = sums;
    }
    if !rest.is_empty() {
        let start = head - rest.len();
        for (weight, value) in weights.iter().zip(values.chunks_exact(head)) {
            for (out, value) in rest.iter_mut().zip(&value[start..]) {
                *out = multiply_add::<FUSED>(*weight, value.wide(), *out);
            }
        }
    }
}

for_every_level! {
    fn widen(numbers: &[bf16], wide: &mut [f32]) = widen_portable
}

#[inline(always)]
fn widen_portable<const FUSED: bool>(numbers: &[bf16], wide: &mut [f32]) {
    for (number, wide) in numbers.iter().zip(wide) {
        *wide = number.wide();
    }
}

#[cfg(test)]
mod tests;
