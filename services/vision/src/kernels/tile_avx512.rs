//! The tiles of [`super::tile`] with AVX-512.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::matrix::blocks;
use super::memory::fetch_ahead;
use super::pack::{BLOCK, Kind, PANEL};
use super::tile::Tile;

mod quantized;

/// Numbers of a register.
const LANES: usize = 16;
/// Registers of a panel.
const WIDE: usize = PANEL / LANES;
/// Rows whose sums fit into the registers.
const ROWS: usize = 6;

/// As [`super::tile::multiply_tile`]. The processor must have the instructions of `Level::Avx512`.
pub(crate) fn multiply(tile: &Tile<'_>, sums: &mut [[f32; PANEL]]) {
    let units = tile.weights.len() / tile.kind.unit_bytes();
    let last_row = tile.first + sums.len();
    if sums.is_empty() || units == 0 || last_row > tile.rows {
        return;
    }
    let scratch = tile.scratch;
    match tile.kind {
        Kind::F32 | Kind::F16 => assert!(tile.start + units <= tile.inputs && tile.x.len() >= last_row * tile.inputs),
        Kind::Bf16 => {
            let pairs = tile.inputs.div_ceil(2);
            assert!(tile.start + units <= pairs && scratch.pairs.len() >= last_row * pairs);
        }
        Kind::Q8_0 | Kind::Q4_0 | Kind::Q4K => {
            let ends = (tile.start + units) * blocks(tile.kind) * tile.rows;
            let is_prepared = scratch.starts.len() >= ends && scratch.lows.len() >= ends;
            assert!(scratch.bytes.len() >= ends * BLOCK && scratch.scales.len() >= ends && is_prepared);
        }
    }
    // SAFETY: the level says that the processor has the instructions, and the lengths of the input were just compared
    // with what is read of it.
    unsafe {
        match tile.kind {
            Kind::F32 => by_rows::<{ Kind::F32 as u8 }>(tile, units, sums),
            Kind::F16 => by_rows::<{ Kind::F16 as u8 }>(tile, units, sums),
            Kind::Bf16 => by_rows::<{ Kind::Bf16 as u8 }>(tile, units, sums),
            Kind::Q8_0 => quantized::multiply::<{ Kind::Q8_0 as u8 }>(tile, units, sums),
            Kind::Q4_0 => quantized::multiply::<{ Kind::Q4_0 as u8 }>(tile, units, sums),
            Kind::Q4K => quantized::multiply::<{ Kind::Q4K as u8 }>(tile, units, sums),
        }
    }
}

/// Cuts the rows into groups that are as large as the registers allow and as equal as can be.
///
/// # Safety
/// As [`multiply_numbers`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn by_rows<const KIND: u8>(tile: &Tile<'_>, units: usize, sums: &mut [[f32; PANEL]]) {
    let groups = sums.len().div_ceil(ROWS);
    let (size, larger) = (sums.len() / groups, sums.len() % groups);
    let mut done = 0;
    for group in 0..groups {
        let count = size + usize::from(group < larger);
        let part = &mut sums[done..done + count];
        let first = tile.first + done;
        // SAFETY: what the caller promised holds for a part of the rows too.
        unsafe {
            match count {
                1 => multiply_numbers::<KIND, 1>(tile, first, units, part),
                2 => multiply_numbers::<KIND, 2>(tile, first, units, part),
                3 => multiply_numbers::<KIND, 3>(tile, first, units, part),
                4 => multiply_numbers::<KIND, 4>(tile, first, units, part),
                5 => multiply_numbers::<KIND, 5>(tile, first, units, part),
                _ => multiply_numbers::<KIND, ROWS>(tile, first, units, part),
            }
        }
        done += count;
    }
}

/// Numbers or pairs of them. Every sum grows in the order of the inputs.
///
/// # Safety
/// `sums` has `COUNT` rows, and the input has those from `first` on with `units` units from the tile's start.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn multiply_numbers<const KIND: u8, const COUNT: usize>(
    tile: &Tile<'_>,
    first: usize,
    units: usize,
    sums: &mut [[f32; PANEL]],
) {
    let is_pairs = KIND == Kind::Bf16 as u8;
    let stride = if is_pairs { tile.inputs.div_ceil(2) } else { tile.inputs };
    let x = if is_pairs { tile.scratch.pairs.as_ptr().cast::<f32>() } else { tile.x.as_ptr() };
    let mut total = [[_mm512_setzero_ps(); WIDE]; COUNT];
    // SAFETY: the caller promises that rows and units are there; a unit of the weights has `PANEL` numbers or pairs.
    unsafe {
        let x = x.add(first * stride + tile.start);
        for (total, sums) in total.iter_mut().zip(sums.iter()) {
            for (index, total) in total.iter_mut().enumerate() {
                *total = _mm512_loadu_ps(sums.as_ptr().add(index * LANES));
            }
        }
        let mut weights = tile.weights.as_ptr();
        for unit in 0..units {
            let mut wide = [_mm512_setzero_ps(); WIDE];
            for (index, wide) in wide.iter_mut().enumerate() {
                *wide = if KIND == Kind::F16 as u8 {
                    _mm512_cvtph_ps(_mm256_loadu_si256(weights.add(index * LANES * 2).cast()))
                } else {
                    _mm512_loadu_ps(weights.cast::<f32>().add(index * LANES))
                };
            }
            let bytes = if KIND == Kind::F16 as u8 { PANEL * 2 } else { PANEL * 4 };
            fetch_ahead(weights, bytes);
            weights = weights.add(bytes);
            for (row, total) in total.iter_mut().enumerate() {
                let value = _mm512_set1_ps(*x.add(row * stride + unit));
                for (total, wide) in total.iter_mut().zip(wide) {
                    *total = if is_pairs {
                        let pairs = |register: __m512| std::mem::transmute::<__m512, __m512bh>(register);
                        _mm512_dpbf16_ps(*total, pairs(wide), pairs(value))
                    } else {
                        _mm512_fmadd_ps(value, wide, *total)
                    };
                }
            }
        }
        for (total, sums) in total.iter().zip(sums) {
            for (index, total) in total.iter().enumerate() {
                _mm512_storeu_ps(sums.as_mut_ptr().add(index * LANES), *total);
            }
        }
    }
}
