//! The input of a product in the form that its weights want.

use half::bf16;

use super::level::for_every_level;
use super::pack::{BLOCK, Kind};
use super::pool::{Shares, parallel};

/// Rows that are prepared at a time.
const AT_ONCE: usize = 32;
/// Rows of which a block is quantised before their next one.
const TOGETHER: usize = 4;
/// Adding it to a small number rounds that to a whole one, in the lowest bits.
const ROUNDING: f32 = 12_582_912.0;

/// Buffers for the input of products, kept from one to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Pairs of bf16, `(rows, pairs)`.
    pub(crate) pairs: Vec<u32>,
    /// 8-bit numbers, `(blocks, rows, 32)`.
    pub(crate) bytes: Vec<i8>,
    /// What to multiply those of a block with, `(blocks, rows)`.
    pub(crate) scales: Vec<f32>,
    /// What takes the offset of the weights out of a sum of products, `(blocks, rows)`.
    pub(crate) starts: Vec<i32>,
    /// The sum of a block's numbers, `(blocks, rows)`: what the smallest weight counts.
    pub(crate) lows: Vec<f32>,
}

impl Scratch {
    /// Prepares `rows` rows of `inputs` numbers for weights of `kind`.
    #[allow(unsafe_code)]
    pub(crate) fn prepare(&mut self, level: super::Level, kind: Kind, x: &[f32], rows: usize, inputs: usize) {
        let tasks = rows.div_ceil(AT_ONCE);
        let range = |task: usize| (task * AT_ONCE, AT_ONCE.min(rows - task * AT_ONCE));
        match kind {
            Kind::F32 | Kind::F16 => {}
            Kind::Bf16 => {
                let pairs = inputs.div_ceil(2);
                self.pairs.resize(self.pairs.len().max(rows * pairs), 0);
                let shares = Shares::new(&mut self.pairs);
                parallel(tasks, &|task| {
                    let (first, count) = range(task);
                    // SAFETY: every task has rows of its own.
                    let target = unsafe { shares.part(first * pairs, count * pairs) };
                    round_rows(level, &x[first * inputs..(first + count) * inputs], inputs, target);
                });
            }
            Kind::Q8_0 | Kind::Q4_0 | Kind::Q4K => {
                let blocks = inputs.div_ceil(kind.unit()) * kind.unit() / BLOCK;
                let total = rows * blocks;
                self.bytes.resize(self.bytes.len().max(total * BLOCK), 0);
                self.scales.resize(self.scales.len().max(total), 0.0);
                self.starts.resize(self.starts.len().max(total), 0);
                self.lows.resize(self.lows.len().max(total), 0.0);
                let bytes = Shares::new(&mut self.bytes);
                let (scales, starts, lows) =
                    (Shares::new(&mut self.scales), Shares::new(&mut self.starts), Shares::new(&mut self.lows));
                parallel(tasks, &|task| {
                    let (start, count) = range(task);
                    // So few rows at a time that each is read from front to back.
                    let groups = (0..count).step_by(TOGETHER).map(|done| (start + done, TOGETHER.min(count - done)));
                    for ((first, count), block) in groups.flat_map(|group| (0..blocks).map(move |block| (group, block)))
                    {
                        let at = block * rows + first;
                        // SAFETY: every task has rows of its own, and of those this block's numbers.
                        let blocks = unsafe {
                            Blocks {
                                bytes: bytes.part(at * BLOCK, count * BLOCK),
                                scales: scales.part(at, count),
                                starts: starts.part(at, count),
                                lows: lows.part(at, count),
                            }
                        };
                        let x = &x[first * inputs..(first + count) * inputs];
                        quantize_rows(level, x, inputs, block * BLOCK, kind.offset(), blocks);
                    }
                });
            }
        }
    }
}

for_every_level! {
    /// Rows of `inputs` numbers to rows of pairs, each rounded to the nearest bf16.
    fn round_rows(x: &[f32], inputs: usize, target: &mut [u32]) = round_rows_portable
}

#[inline(always)]
fn round_rows_portable<const FUSED: bool>(x: &[f32], inputs: usize, target: &mut [u32]) {
    for (row, target) in x.chunks_exact(inputs).zip(target.chunks_exact_mut(inputs.div_ceil(2))) {
        let pairs = row.chunks_exact(2);
        if let ([last], Some(target)) = (pairs.remainder(), target.last_mut()) {
            *target = u32::from(bf16::from_f32(*last).to_bits());
        }
        for (pair, target) in pairs.zip(target) {
            *target = rounded(pair[0]) | rounded(pair[1]) << 16;
        }
    }
}

/// The bits of the nearest bf16, of two equally near ones the even one.
#[inline(always)]
pub(crate) fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    let nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    // Adding must not carry a number that is none into infinity.
    if value.is_nan() { bits >> 16 | 0x40 } else { nearest }
}

/// A block of some rows, as in [`Scratch`].
pub(crate) struct Blocks<'a> {
    pub(crate) bytes: &'a mut [i8],
    pub(crate) scales: &'a mut [f32],
    pub(crate) starts: &'a mut [i32],
    pub(crate) lows: &'a mut [f32],
}

/// The block of 32 numbers at `start` of every row to 8-bit numbers, a scale and their sum, for weights that are stored
/// `offset` higher. What lies beyond the end of a row is zero; a scale is no number where one of its block is none.
fn quantize_rows(level: super::Level, x: &[f32], inputs: usize, start: usize, offset: i32, blocks: Blocks<'_>) {
    #[cfg(target_arch = "x86_64")]
    if level == super::Level::Avx512 {
        return super::activations_avx512::quantize_rows(x, inputs, start, offset, blocks);
    }
    quantize_rows_anywhere(level, x, inputs, start, offset, blocks);
}

for_every_level! {
    fn quantize_rows_anywhere(x: &[f32], inputs: usize, start: usize, offset: i32, blocks: Blocks<'_>)
        = quantize_rows_portable
}

#[inline(always)]
fn quantize_rows_portable<const FUSED: bool>(x: &[f32], inputs: usize, start: usize, offset: i32, blocks: Blocks<'_>) {
    let Blocks { bytes, scales, starts, lows } = blocks;
    let rows = x.chunks_exact(inputs).zip(bytes.as_chunks_mut::<BLOCK>().0);
    for ((row, bytes), ((scale, first), low)) in rows.zip(scales.iter_mut().zip(starts).zip(lows)) {
        let mut block = [0.0; BLOCK];
        let present = row.get(start..inputs.min(start + BLOCK)).unwrap_or_default();
        if let Ok(all) = <&[f32; BLOCK]>::try_from(present) {
            block = *all;
        } else {
            block[..present.len()].copy_from_slice(present);
        }
        let mut largest = [0f32; 8];
        let mut poison = [0f32; 8];
        for eight in block.as_chunks::<8>().0 {
            for lane in 0..8 {
                largest[lane] = largest[lane].max(eight[lane].abs());
                poison[lane] += eight[lane] * 0.0;
            }
        }
        let largest = largest.iter().copied().fold(0.0, f32::max);
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let mut total = 0;
        for (value, byte) in block.iter().zip(bytes) {
            let whole = ((value * inverse + ROUNDING).to_bits() as i32).wrapping_sub(ROUNDING.to_bits() as i32) as i8;
            *byte = whole;
            total += i32::from(whole);
        }
        *scale = largest / 127.0 + poison.iter().sum::<f32>();
        *first = -offset * total;
        *low = *scale * total as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Level;

    #[test]
    fn rounding_is_to_the_nearest_even() {
        for value in [0.0, 1.0, -1.0, 1.003_906_2, 1.011_718_8, 3.4e38, f32::INFINITY, -2.5e-39] {
            assert_eq!(rounded(value), u32::from(bf16::from_f32(value).to_bits()), "{value}");
        }
        assert!(bf16::from_bits(rounded(f32::NAN) as u16).is_nan());
    }

    #[test]
    fn a_block_keeps_its_numbers_and_what_is_none() {
        for level in Level::available() {
            let mut x: Vec<f32> = (0..40).map(|index| (index as f32 * 0.7).sin()).collect();
            let mut scratch = Scratch::default();
            scratch.prepare(level, Kind::Q8_0, &x, 1, 40);
            for (index, value) in x.iter().enumerate() {
                let read = f32::from(scratch.bytes[index]) * scratch.scales[index / BLOCK];
                assert!((read - value).abs() <= 0.004, "{read} {value}");
            }
            assert!(scratch.bytes[40..64].iter().all(|byte| *byte == 0));
            let sum: i32 = scratch.bytes[..BLOCK].iter().map(|byte| i32::from(*byte)).sum();
            assert_eq!((scratch.starts[0], scratch.lows[0]), (-128 * sum, scratch.scales[0] * sum as f32));
            x[35] = f32::NAN;
            scratch.prepare(level, Kind::Q8_0, &x, 1, 40);
            assert!(scratch.scales[1].is_nan() && !scratch.scales[0].is_nan());
        }
    }
}
