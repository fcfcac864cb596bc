//! One query at a time, over keys and values as they lie in the cache.

use half::bf16;

use super::super::Level;
use super::super::level::{for_every_level, multiply_add};
use super::super::rows::{exp, sum_lanes};
#[cfg(target_arch = "x86_64")]
use super::one_avx512;
use super::{Attention, KeyValue};

/// Numbers that are worked on together.
const LANES: usize = 16;

/// The attention of one query of `row`, to `out`.
pub(super) fn attend_one(
    level: Level,
    sequence: &Attention<'_>,
    kv_head: usize,
    row: usize,
    query: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512
        && let (Ok(query), Ok(out)) = (query.try_into(), <&mut [f32; one_avx512::HEAD]>::try_from(&mut *out))
        && let Some(segments) = one_avx512::narrow(sequence, kv_head, sequence.visible(row))
    {
        return one_avx512::attend_one(&segments, query, scores, out);
    }
    attend_one_anywhere(level, sequence, kv_head, row, query, scores, out);
}

for_every_level! {
    fn attend_one_anywhere(
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
    let total = soften_one::<FUSED>(scores, head);
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

/// The scores of one query to the weights of softmax, but for a factor: one over the sum, which is returned.
#[inline(always)]
pub(super) fn soften_one<const FUSED: bool>(scores: &mut [f32], head: usize) -> f32 {
    let scale = 1.0 / (head as f32).sqrt();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for some in scores.chunks(LANES) {
        for (largest, score) in largest.iter_mut().zip(some) {
            *largest = largest.max(*score);
        }
    }
    let largest = largest.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for score in scores.iter_mut() {
        *score = exp::<FUSED>((*score - largest) * scale);
    }
    let mut lanes = [0.0; LANES];
    for some in scores.chunks(LANES) {
        for (lane, score) in lanes.iter_mut().zip(some) {
            *lane += score;
        }
    }
    sum_lanes(lanes)
}

/// A stored number.
pub(super) trait Number: Copy {
    /// The same number as f32.
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
