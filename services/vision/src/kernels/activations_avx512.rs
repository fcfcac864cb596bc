//! The input of products with AVX-512.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::activations::Blocks;
use super::memory::fetch_ahead;
use super::pack::BLOCK;

/// Numbers of a register.
const LANES: usize = 16;
/// What `_mm512_fpclass_ps_mask` takes for no number: quiet and signalling ones, and both infinities.
const NO_NUMBER: i32 = 0x01 | 0x08 | 0x10 | 0x80;

/// As [`super::activations::quantize_rows`]. The processor must have the instructions of `Level::Avx512`.
pub(crate) fn quantize_rows(x: &[f32], inputs: usize, start: usize, offset: i32, blocks: Blocks<'_>) {
    // SAFETY: the level says that the processor has the instructions.
    unsafe { quantize(x, inputs, start, offset, blocks) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq")]
fn quantize(x: &[f32], inputs: usize, start: usize, offset: i32, blocks: Blocks<'_>) {
    let Blocks { bytes, scales, starts, lows } = blocks;
    let present = inputs.saturating_sub(start).min(BLOCK);
    let lanes = |count: usize| if count >= LANES { u16::MAX } else { (1 << count) - 1 };
    let masks = [lanes(present), lanes(present.saturating_sub(LANES))];
    let rows = x.chunks_exact(inputs).zip(bytes.as_chunks_mut::<BLOCK>().0);
    for ((row, bytes), ((scale, first), low)) in rows.zip(scales.iter_mut().zip(starts).zip(lows)) {
        let row = row.as_ptr().wrapping_add(start);
        fetch_ahead(row, BLOCK * size_of::<f32>());
        // SAFETY: the masks name the numbers that the row has behind `start`, and nothing else is read.
        let numbers =
            unsafe { [_mm512_maskz_loadu_ps(masks[0], row), _mm512_maskz_loadu_ps(masks[1], row.wrapping_add(LANES))] };
        let poison = _mm512_fpclass_ps_mask::<NO_NUMBER>(numbers[0]) | _mm512_fpclass_ps_mask::<NO_NUMBER>(numbers[1]);
        let largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(numbers[0]), _mm512_abs_ps(numbers[1])));
        let inverse = _mm512_set1_ps(if largest > 0.0 { 127.0 / largest } else { 0.0 });
        // To the nearest whole number, of two equally near ones the even one.
        let first_half = _mm512_cvtps_epi32(_mm512_mul_ps(numbers[0], inverse));
        let second_half = _mm512_cvtps_epi32(_mm512_mul_ps(numbers[1], inverse));
        let total = _mm512_reduce_add_epi32(_mm512_add_epi32(first_half, second_half));
        // SAFETY: a block has twice 16 bytes.
        unsafe {
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(first_half));
            _mm_storeu_si128(bytes.as_mut_ptr().add(LANES).cast(), _mm512_cvtepi32_epi8(second_half));
        }
        *scale = if poison == 0 { largest / 127.0 } else { f32::NAN };
        *first = offset.wrapping_neg().wrapping_mul(total);
        *low = *scale * total as f32;
    }
}
