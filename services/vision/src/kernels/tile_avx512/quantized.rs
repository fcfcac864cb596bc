//! Tiles of weights in blocks of 8-bit or 4-bit numbers: whole sums of 32 products, scaled and added in the order of the
//! blocks.

use std::arch::x86_64::*;

use super::super::matrix::blocks;
use super::super::memory::fetch_ahead;
use super::super::pack::{BLOCK, Kind, PANEL, SUPER};
use super::super::tile::Tile;
use super::{LANES, WIDE};

/// Inputs whose products a register adds up at once.
const FOUR: usize = 4;
/// Bytes of a register.
const BYTES: usize = 4 * LANES;

/// Adds the product of `tile` to `sums`.
///
/// # Safety
/// The scratch has `units` units from the tile's start on, with all rows of `sums`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn multiply<const KIND: u8>(tile: &Tile<'_>, units: usize, sums: &mut [[f32; PANEL]]) {
    // SAFETY: what the caller promised.
    unsafe {
        match sums.len() {
            1 => multiply_few::<KIND, 1>(tile, units, sums),
            2 => multiply_few::<KIND, 2>(tile, units, sums),
            _ => multiply_many::<KIND>(tile, units, sums),
        }
    }
}

/// So few rows that the sums of a whole panel fit into the registers: the weights are read from front to back, as memory
/// gives them fastest.
///
/// # Safety
/// As [`multiply`], and `sums` has `COUNT` rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn multiply_few<const KIND: u8, const COUNT: usize>(tile: &Tile<'_>, units: usize, sums: &mut [[f32; PANEL]]) {
    for index in 0..units * blocks(tile.kind) {
        // SAFETY: there are as many blocks in the tile, and the caller promises the rows; a block has eight times (in 4
        // bits four times) four numbers of every output.
        unsafe {
            let block = Block::of::<KIND>(tile, index);
            let mut whole = [[_mm512_setzero_si512(); WIDE]; COUNT];
            for (row, whole) in whole.iter_mut().enumerate() {
                *whole = [block.start(row); WIDE];
            }
            let registers = if KIND == Kind::Q8_0 as u8 { BLOCK / FOUR } else { BLOCK / FOUR / 2 };
            for four in 0..registers {
                for wide in 0..WIDE {
                    let numbers = block.numbers.add((four * WIDE + wide) * BYTES);
                    fetch_ahead(numbers, BYTES);
                    let numbers = _mm512_loadu_si512(numbers.cast());
                    for (row, whole) in whole.iter_mut().enumerate() {
                        let sum = &mut whole[wide];
                        if KIND == Kind::Q8_0 as u8 {
                            *sum = _mm512_dpbusd_epi32(*sum, numbers, block.input(row, four));
                        } else {
                            let (first, second) = nibbles(numbers);
                            *sum = _mm512_dpbusd_epi32(*sum, first, block.input(row, four));
                            *sum = _mm512_dpbusd_epi32(*sum, second, block.input(row, four + registers));
                        }
                    }
                }
            }
            for wide in 0..WIDE {
                let scale = block.scale::<KIND>(wide);
                for (row, (whole, sums)) in whole.iter().zip(sums.iter_mut()).enumerate() {
                    block.add::<KIND>(row, whole[wide], scale, sums.as_mut_ptr().add(wide * LANES));
                }
            }
        }
    }
}

/// The weights of half a panel stay in the registers while all rows pass by.
///
/// # Safety
/// As [`multiply`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn multiply_many<const KIND: u8>(tile: &Tile<'_>, units: usize, sums: &mut [[f32; PANEL]]) {
    for index in 0..units * blocks(tile.kind) {
        // SAFETY: there are as many blocks in the tile, and the caller promises the rows.
        unsafe {
            let block = Block::of::<KIND>(tile, index);
            fetch_ahead(block.numbers, block.bytes);
            for left in (0..WIDE).step_by(2) {
                let wide = [block.weights::<KIND>(left), block.weights::<KIND>(left + 1)];
                let scale = [block.scale::<KIND>(left), block.scale::<KIND>(left + 1)];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let mut whole = [block.start(row); 2];
                    for (four, (first, second)) in wide[0].iter().zip(&wide[1]).enumerate() {
                        let input = block.input(row, four);
                        whole[0] = _mm512_dpbusd_epi32(whole[0], *first, input);
                        whole[1] = _mm512_dpbusd_epi32(whole[1], *second, input);
                    }
                    for (index, (whole, scale)) in whole.into_iter().zip(scale).enumerate() {
                        block.add::<KIND>(row, whole, scale, sums.as_mut_ptr().add((left + index) * LANES));
                    }
                }
            }
        }
    }
}

/// Where a block of weights lies and what it is multiplied with.
struct Block {
    /// The start of its unit.
    unit: *const u8,
    /// The numbers, and behind them what scales them.
    numbers: *const u8,
    /// Bytes from `numbers` on.
    bytes: usize,
    /// The input of all rows, as in the scratch, from the tile's first row on.
    inputs: *const i8,
    scales: *const f32,
    starts: *const i32,
    lows: *const f32,
}

impl Block {
    /// The block at `index` of a tile.
    ///
    /// # Safety
    /// The tile has such a block, and the scratch its input.
    #[inline(always)]
    unsafe fn of<const KIND: u8>(tile: &Tile<'_>, index: usize) -> Self {
        let per_unit = if KIND == Kind::Q4K as u8 { SUPER } else { 1 };
        let levels = if KIND == Kind::Q4K as u8 { PANEL * 4 } else { 0 };
        let bytes = (tile.kind.unit_bytes() - levels) / per_unit;
        let at = (tile.start * per_unit + index) * tile.rows + tile.first;
        // SAFETY: the caller promises that all of it is there.
        unsafe {
            let unit = tile.weights.as_ptr().add(index / per_unit * tile.kind.unit_bytes());
            Self {
                unit,
                numbers: unit.add(levels + index % per_unit * bytes),
                bytes,
                inputs: tile.scratch.bytes.as_ptr().add(at * BLOCK),
                scales: tile.scratch.scales.as_ptr().add(at),
                starts: tile.scratch.starts.as_ptr().add(at),
                lows: tile.scratch.lows.as_ptr().add(at),
            }
        }
    }

    /// What the sums of a row begin with.
    ///
    /// # Safety
    /// The scratch has the row.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn start(&self, row: usize) -> __m512i {
        // SAFETY: the caller promises the row.
        _mm512_set1_epi32(unsafe { *self.starts.add(row) })
    }

    /// The `four`th four numbers of a row, in every place.
    ///
    /// # Safety
    /// The scratch has the row, and `four` is below 8.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn input(&self, row: usize, four: usize) -> __m512i {
        // SAFETY: a row of a block has eight times four numbers.
        _mm512_set1_epi32(unsafe { self.inputs.add(row * BLOCK).cast::<i32>().add(four).read_unaligned() })
    }

    /// Adds the whole sums of 16 outputs, scaled, to the 16 numbers at `sums`.
    ///
    /// # Safety
    /// The scratch has the row, and `sums` 16 numbers.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn add<const KIND: u8>(&self, row: usize, whole: __m512i, scale: (__m512, __m512), sums: *mut f32) {
        // SAFETY: the caller promises both.
        unsafe {
            let factor = _mm512_mul_ps(scale.0, _mm512_set1_ps(*self.scales.add(row)));
            let mut total = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), factor, _mm512_loadu_ps(sums));
            if KIND == Kind::Q4K as u8 {
                total = _mm512_fnmadd_ps(scale.1, _mm512_set1_ps(*self.lows.add(row)), total);
            }
            _mm512_storeu_ps(sums, total);
        }
    }

    /// The numbers of the `wide`th 16 outputs, four inputs a register.
    ///
    /// # Safety
    /// `wide` is below 4.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn weights<const KIND: u8>(&self, wide: usize) -> [__m512i; BLOCK / FOUR] {
        let mut weights = [_mm512_setzero_si512(); BLOCK / FOUR];
        // SAFETY: a block has eight times (in 4 bits four times) four numbers of every output.
        let load = |four: usize| unsafe { _mm512_loadu_si512(self.numbers.add((four * WIDE + wide) * BYTES).cast()) };
        if KIND == Kind::Q8_0 as u8 {
            for (four, weights) in weights.iter_mut().enumerate() {
                *weights = load(four);
            }
        } else {
            for four in 0..BLOCK / FOUR / 2 {
                let (first, second) = nibbles(load(four));
                weights[four] = first;
                weights[four + BLOCK / FOUR / 2] = second;
            }
        }
        weights
    }

    /// The scales and minima of the `wide`th 16 outputs.
    ///
    /// # Safety
    /// `wide` is below 4.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn scale<const KIND: u8>(&self, wide: usize) -> (__m512, __m512) {
        // SAFETY: behind the numbers lie the scales of all outputs: an f16 each, or two bytes after two f16 at the
        // unit's start.
        unsafe {
            let halves = |at: *const u8| _mm512_cvtph_ps(_mm256_loadu_si256(at.add(wide * LANES * 2).cast()));
            if KIND == Kind::Q8_0 as u8 {
                (halves(self.numbers.add(PANEL * BLOCK)), _mm512_setzero_ps())
            } else if KIND == Kind::Q4_0 as u8 {
                (halves(self.numbers.add(PANEL * BLOCK / 2)), _mm512_setzero_ps())
            } else {
                let bytes = |at: *const u8| {
                    _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(at.add(wide * LANES).cast())))
                };
                let tail = self.numbers.add(PANEL * BLOCK / 2);
                let scale = _mm512_mul_ps(halves(self.unit), bytes(tail));
                (scale, _mm512_mul_ps(halves(self.unit.add(PANEL * 2)), bytes(tail.add(PANEL))))
            }
        }
    }
}

/// The lower and the upper four bits of every byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn nibbles(bytes: __m512i) -> (__m512i, __m512i) {
    let low = _mm512_set1_epi8(15);
    (_mm512_and_si512(bytes, low), _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), low))
}
