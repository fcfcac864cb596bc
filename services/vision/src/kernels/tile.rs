//! The innermost part of a product: some rows times a part of a panel.

use half::{bf16, f16};

use super::Level;
use super::activations::Scratch;
use super::level::{for_every_level, multiply_add};
use super::matrix::blocks;
use super::memory::numbers;
use super::pack::{BLOCK, Kind, PANEL};

/// What to multiply.
pub(crate) struct Tile<'a> {
    pub(crate) kind: Kind,
    /// `(rows, inputs)`.
    pub(crate) x: &'a [f32],
    pub(crate) inputs: usize,
    /// `x`, prepared for `kind`.
    pub(crate) scratch: &'a Scratch,
    /// All rows of `x`.
    pub(crate) rows: usize,
    /// The first of the rows to multiply.
    pub(crate) first: usize,
    /// Whole units of one panel.
    pub(crate) weights: &'a [u8],
    /// The first of these units.
    pub(crate) start: usize,
}

/// Adds the product of a tile to `sums`, one for each row from the tile's first on.
pub(crate) fn multiply_tile(level: Level, tile: &Tile<'_>, sums: &mut [[f32; PANEL]]) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512 {
        return super::tile_avx512::multiply(tile, sums);
    }
    match tile.kind {
        Kind::F32 | Kind::F16 | Kind::Bf16 => multiply_numbers(level, tile, sums),
        Kind::Q8_0 | Kind::Q4_0 | Kind::Q4K => multiply_blocks(level, tile, sums),
    }
}

for_every_level! {
    fn multiply_numbers(tile: &Tile<'_>, sums: &mut [[f32; PANEL]]) = multiply_numbers_portable
}

#[inline(always)]
fn multiply_numbers_portable<const FUSED: bool>(tile: &Tile<'_>, sums: &mut [[f32; PANEL]]) {
    let units = tile.weights.chunks_exact(tile.kind.unit_bytes());
    for (index, unit) in units.enumerate() {
        let input = tile.start + index;
        let mut weights = [[0.0; PANEL]; 2];
        match tile.kind {
            Kind::F32 => weights[0].copy_from_slice(numbers::<f32>(unit)),
            Kind::F16 => {
                for (weight, bits) in weights[0].iter_mut().zip(numbers::<u16>(unit)) {
                    *weight = f16::from_bits(*bits).to_f32();
                }
            }
            _ => {
                for (output, pair) in numbers::<u16>(unit).chunks_exact(2).enumerate() {
                    weights[0][output] = bf16::from_bits(pair[0]).to_f32();
                    weights[1][output] = bf16::from_bits(pair[1]).to_f32();
                }
            }
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            let row = tile.first + row;
            if tile.kind == Kind::Bf16 {
                let pair = tile.scratch.pairs[row * tile.inputs.div_ceil(2) + input];
                let (low, high) = (f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000));
                for ((sum, first), second) in sums.iter_mut().zip(&weights[0]).zip(&weights[1]) {
                    *sum = multiply_add::<FUSED>(low, *first, multiply_add::<FUSED>(high, *second, *sum));
                }
            } else {
                let value = tile.x[row * tile.inputs + input];
                for (sum, weight) in sums.iter_mut().zip(&weights[0]) {
                    *sum = multiply_add::<FUSED>(value, *weight, *sum);
                }
            }
        }
    }
}

for_every_level! {
    fn multiply_blocks(tile: &Tile<'_>, sums: &mut [[f32; PANEL]]) = multiply_blocks_portable
}

#[inline(always)]
fn multiply_blocks_portable<const FUSED: bool>(tile: &Tile<'_>, sums: &mut [[f32; PANEL]]) {
    for (index, unit) in tile.weights.chunks_exact(tile.kind.unit_bytes()).enumerate() {
        for block in 0..blocks(tile.kind) {
            let (weights, scales, minima) = read_block(tile.kind, unit, block);
            let at = ((tile.start + index) * blocks(tile.kind) + block) * tile.rows + tile.first;
            for (row, sums) in sums.iter_mut().enumerate() {
                let at = at + row;
                let x = &tile.scratch.bytes[at * BLOCK..(at + 1) * BLOCK];
                let (scale, below) = (tile.scratch.scales[at], tile.scratch.lows[at]);
                let mut whole = [tile.scratch.starts[at]; PANEL];
                for (input, x) in x.iter().enumerate() {
                    for (output, whole) in whole.iter_mut().enumerate() {
                        *whole += i32::from(*x) * i32::from(weights[input][output]);
                    }
                }
                for output in 0..PANEL {
                    let mut total = multiply_add::<FUSED>(whole[output] as f32, scales[output] * scale, sums[output]);
                    if tile.kind == Kind::Q4K {
                        total = multiply_add::<FUSED>(-minima[output], below, total);
                    }
                    sums[output] = total;
                }
            }
        }
    }
}

/// The `(inputs, outputs)` of a block as stored, the scales and the minima.
#[inline(always)]
fn read_block(kind: Kind, unit: &[u8], block: usize) -> ([[u8; PANEL]; BLOCK], [f32; PANEL], [f32; PANEL]) {
    let half = |bytes: &[u8], index: usize| f16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]]).to_f32();
    let (levels, unit) = unit.split_at(if kind == Kind::Q4K { PANEL * 4 } else { 0 });
    let part = unit.len() / blocks(kind);
    let unit = &unit[block * part..(block + 1) * part];
    let (bytes, tail) = unit.split_at(if kind == Kind::Q8_0 { PANEL * BLOCK } else { PANEL * BLOCK / 2 });
    let mut weights = [[0; PANEL]; BLOCK];
    for (input, row) in weights.iter_mut().enumerate() {
        for (output, weight) in row.iter_mut().enumerate() {
            let byte = |input: usize| bytes[input / 4 * 4 * PANEL + 4 * output + input % 4];
            *weight = match kind {
                Kind::Q8_0 => byte(input),
                _ if input < BLOCK / 2 => byte(input) & 15,
                _ => byte(input - BLOCK / 2) >> 4,
            };
        }
    }
    let (mut scales, mut minima) = ([0.0; PANEL], [0.0; PANEL]);
    for output in 0..PANEL {
        if kind == Kind::Q4K {
            scales[output] = half(levels, output) * f32::from(tail[output]);
            minima[output] = half(levels, PANEL + output) * f32::from(tail[PANEL + output]);
        } else {
            scales[output] = half(tail, output);
        }
    }
    (weights, scales, minima)
}
