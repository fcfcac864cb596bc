//! One query over keys and values in bf16, with AVX-512.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use half::bf16;

use super::super::memory::fetch_ahead;
use super::one::soften_one;
use super::{Attention, KeyValue};

/// Numbers of a head.
pub(super) const HEAD: usize = 64;
/// Numbers of a register.
const LANES: usize = 16;

/// Keys and values of some positions of one head, each `(positions, HEAD)`.
pub(super) struct Narrow<'a> {
    keys: &'a [[bf16; HEAD]],
    values: &'a [[bf16; HEAD]],
}

/// What a query sees of a head, where all of it is bf16.
pub(super) fn narrow<'a>(sequence: &Attention<'a>, kv_head: usize, visible: usize) -> Option<Vec<Narrow<'a>>> {
    let mut left = visible;
    let mut segments = Vec::with_capacity(sequence.segments.len());
    for segment in &sequence.segments {
        let (KeyValue::Bf16(keys), KeyValue::Bf16(values)) = (segment.keys, segment.values) else { return None };
        let count = segment.count.min(left);
        left -= count;
        let start = kv_head * segment.capacity * HEAD;
        let of = |numbers: &'a [bf16]| Some(numbers.get(start..start + count * HEAD)?.as_chunks().0);
        segments.push(Narrow { keys: of(keys)?, values: of(values)? });
    }
    Some(segments)
}

/// The attention of `query` to `out`. The processor must have the instructions of `Level::Avx512`.
pub(super) fn attend_one(segments: &[Narrow<'_>], query: &[f32; HEAD], scores: &mut Vec<f32>, out: &mut [f32; HEAD]) {
    // SAFETY: the level says that the processor has the instructions.
    unsafe { attend(segments, query, scores, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")]
fn attend(segments: &[Narrow<'_>], query: &[f32; HEAD], scores: &mut Vec<f32>, out: &mut [f32; HEAD]) {
    let positions = segments.iter().map(|segment| segment.keys.len()).sum();
    scores.clear();
    scores.resize(positions, 0.0);
    let mut rest = scores.as_mut_slice();
    for segment in segments {
        let (own, others) = rest.split_at_mut(segment.keys.len());
        score(query, segment.keys, own);
        rest = others;
    }
    let total = soften_one::<true>(scores, HEAD);
    let mut sums = [_mm512_setzero_ps(); 4];
    let mut rest = scores.as_slice();
    for segment in segments {
        let (own, others) = rest.split_at(segment.values.len());
        gather(own, segment.values, &mut sums);
        rest = others;
    }
    let mut halves = [[0.0; LANES]; 4];
    for (half, sums) in halves.iter_mut().zip(sums) {
        // SAFETY: there are 16 places.
        unsafe { _mm512_storeu_ps(half.as_mut_ptr(), sums) };
    }
    // Of each eight numbers the first four stand in one register and the others in the next.
    for (index, out) in out.iter_mut().enumerate() {
        let (register, inside) = (index / 32 * 2 + index % 8 / 4, index % 32 / 8 * 4 + index % 4);
        *out = halves[register][inside] / total;
    }
}

/// The products of `query`, rounded to bf16, and each key.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")]
fn score(query: &[f32; HEAD], keys: &[[bf16; HEAD]], scores: &mut [f32]) {
    // SAFETY: a query has four registers of numbers.
    let load = |index: usize| unsafe { _mm512_loadu_ps(query.as_ptr().add(index * LANES)) };
    let query = [_mm512_cvtne2ps_pbh(load(1), load(0)), _mm512_cvtne2ps_pbh(load(3), load(2))];
    let (whole, rest) = keys.as_chunks::<LANES>();
    let (whole_scores, rest_scores) = scores.as_chunks_mut::<LANES>();
    for (keys, scores) in whole.iter().zip(whole_scores) {
        fetch_ahead(keys.as_ptr(), size_of_val(keys));
        let mut sums = [_mm512_setzero_ps(); LANES];
        for (sum, key) in sums.iter_mut().zip(keys) {
            *sum = product(query, key);
        }
        // SAFETY: there are 16 places.
        unsafe { _mm512_storeu_ps(scores.as_mut_ptr(), totals(sums)) };
    }
    for (key, score) in rest.iter().zip(rest_scores) {
        *score = _mm512_reduce_add_ps(product(query, key));
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn product(query: [__m512bh; 2], key: &[bf16; HEAD]) -> __m512 {
    let (first, second) = registers(key);
    let sum = _mm512_dpbf16_ps(_mm512_setzero_ps(), pairs(first), query[0]);
    _mm512_dpbf16_ps(sum, pairs(second), query[1])
}

/// The two registers of a key or a value.
#[inline]
#[target_feature(enable = "avx512f")]
fn registers(numbers: &[bf16; HEAD]) -> (__m512i, __m512i) {
    let start = numbers.as_ptr();
    // SAFETY: 64 numbers of two bytes fill two registers.
    unsafe { (_mm512_loadu_si512(start.cast()), _mm512_loadu_si512(start.add(HEAD / 2).cast())) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn pairs(register: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(register) }
}

/// The sum of each of 16 registers, in their order.
#[inline]
#[target_feature(enable = "avx512f")]
fn totals(sums: [__m512; LANES]) -> __m512 {
    let mut fours = [_mm512_setzero_ps(); 4];
    for (index, four) in fours.iter_mut().enumerate() {
        let a = &sums[4 * index..4 * index + 4];
        let first = _mm512_add_ps(_mm512_unpacklo_ps(a[0], a[1]), _mm512_unpackhi_ps(a[0], a[1]));
        let second = _mm512_add_ps(_mm512_unpacklo_ps(a[2], a[3]), _mm512_unpackhi_ps(a[2], a[3]));
        let (first, second) = (_mm512_castps_pd(first), _mm512_castps_pd(second));
        let (low, high) = (_mm512_unpacklo_pd(first, second), _mm512_unpackhi_pd(first, second));
        // Each quarter of the register now has a part of all four sums.
        *four = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
    }
    let first = add_quarters(fours[0], fours[1]);
    let second = add_quarters(fours[2], fours[3]);
    add_quarters(first, second)
}

/// The sums of neighbouring quarters of both registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_quarters(first: __m512, second: __m512) -> __m512 {
    _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(first, second), _mm512_shuffle_f32x4::<0xdd>(first, second))
}

/// Adds every value times its weight, rounded to bf16, to `sums`: two positions at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")]
fn gather(weights: &[f32], values: &[[bf16; HEAD]], sums: &mut [__m512; 4]) {
    let (two_weights, rest_weights) = weights.as_chunks::<2>();
    let (two_values, rest_values) = values.as_chunks::<2>();
    for (weights, values) in two_weights.iter().zip(two_values) {
        fetch_ahead(values.as_ptr(), size_of_val(values));
        add_two(*weights, registers(&values[0]), registers(&values[1]), sums);
    }
    if let ([weight], [value]) = (rest_weights, rest_values) {
        let nothing = _mm512_setzero_si512();
        add_two([*weight, 0.0], registers(value), (nothing, nothing), sums);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")]
fn add_two(weights: [f32; 2], one: (__m512i, __m512i), other: (__m512i, __m512i), sums: &mut [__m512; 4]) {
    let both = _mm512_castps_pd(_mm512_castps128_ps512(_mm_set_ps(0.0, 0.0, weights[1], weights[0])));
    let both = _mm512_castpd_ps(_mm512_broadcastsd_pd(_mm512_castpd512_pd128(both)));
    // The pair in every place: the conversion puts its two arguments into two halves, each of pairs again.
    let weights = _mm512_cvtne2ps_pbh(both, both);
    sums[0] = _mm512_dpbf16_ps(sums[0], pairs(_mm512_unpacklo_epi16(one.0, other.0)), weights);
    sums[1] = _mm512_dpbf16_ps(sums[1], pairs(_mm512_unpackhi_epi16(one.0, other.0)), weights);
    sums[2] = _mm512_dpbf16_ps(sums[2], pairs(_mm512_unpacklo_epi16(one.1, other.1)), weights);
    sums[3] = _mm512_dpbf16_ps(sums[3], pairs(_mm512_unpackhi_epi16(one.1, other.1)), weights);
}
