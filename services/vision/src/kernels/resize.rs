//! The two passes of scaling a picture, in fixed-point numbers.

use rayon::prelude::*;

use super::level::{Level, for_every_level};

/// Fractional bits of a weight: 32 less 8 for the pixel and 2 for sign and overshoot.
pub(crate) const FRACTION_BITS: u32 = 22;
/// Side of the squares of pixels that are turned at a time.
const SQUARE: usize = 16;
/// Rows that one thread makes at a time.
const TOGETHER: usize = 16;
/// Numbers of a row that the pass over columns sums up at a time.
const COLUMNS: usize = 64;

/// The input pixels that make one output pixel: the first one, and the weight of each.
pub(crate) struct Taps {
    pub(crate) first: usize,
    pub(crate) weights: Vec<i32>,
}

/// Scales every row of three-coloured `pixels`, `width` pixels wide, to as many pixels as there are `taps`.
pub(crate) fn resize_rows(level: Level, pixels: &[u8], width: usize, taps: &[Taps]) -> Vec<u8> {
    let height = pixels.len() / (3 * width).max(1);
    // Columns are summed up many at a time, so rows are turned to columns and back.
    let turned = turn(pixels, width, height);
    turn(&resize_columns(level, &turned, height * 3, taps), height, taps.len())
}

/// Makes of the rows of `pixels`, `stride` numbers each, as many rows as there are `taps`.
pub(crate) fn resize_columns(level: Level, pixels: &[u8], stride: usize, taps: &[Taps]) -> Vec<u8> {
    let mut output = vec![0; stride * taps.len()];
    if stride > 0 {
        let parts = output.par_chunks_mut(stride * TOGETHER).zip(taps.par_chunks(TOGETHER));
        parts.for_each(|(output, taps)| sum_rows(level, pixels, stride, taps, output));
    }
    output
}

/// Rows of `width` pixels as columns.
fn turn(pixels: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mut turned = vec![0; pixels.len()];
    let (pixels, _) = pixels.as_chunks::<3>();
    let (target, _) = turned.as_chunks_mut::<3>();
    target.par_chunks_mut((height * SQUARE).max(1)).enumerate().for_each(|(index, target)| {
        for top in (0..height).step_by(SQUARE) {
            for (offset, column) in target.chunks_exact_mut(height).enumerate() {
                let column_of_row = index * SQUARE + offset;
                for row in top..height.min(top + SQUARE) {
                    column[row] = pixels[row * width + column_of_row];
                }
            }
        }
    });
    turned
}

for_every_level! {
    /// As [`resize_columns`], to `output`.
    fn sum_rows(pixels: &[u8], stride: usize, taps: &[Taps], output: &mut [u8]) = columns
}

#[inline(always)]
fn columns<const FUSED: bool>(pixels: &[u8], stride: usize, taps: &[Taps], output: &mut [u8]) {
    for (tap, output) in taps.iter().zip(output.chunks_exact_mut(stride)) {
        let window = pixels.get(tap.first * stride..).unwrap_or_default();
        for (index, output) in output.chunks_mut(COLUMNS).enumerate() {
            let mut sums = [1i32 << (FRACTION_BITS - 1); COLUMNS];
            for (row, weight) in window.chunks_exact(stride).zip(&tap.weights) {
                let numbers = row.get(index * COLUMNS..).unwrap_or_default();
                if let Some(numbers) = numbers.first_chunk::<COLUMNS>() {
                    for (sum, number) in sums.iter_mut().zip(numbers) {
                        *sum += i32::from(*number) * weight;
                    }
                } else {
                    for (sum, number) in sums.iter_mut().zip(numbers) {
                        *sum += i32::from(*number) * weight;
                    }
                }
            }
            for (level, sum) in output.iter_mut().zip(&sums) {
                *level = to_level(*sum);
            }
        }
    }
}

#[inline(always)]
fn to_level(sum: i32) -> u8 {
    (sum >> FRACTION_BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights that look like those of a window of four pixels.
    fn taps(from: usize, to: usize) -> Vec<Taps> {
        let tap = |output: usize| {
            let first = (output * from / to).saturating_sub(1);
            let count = 4.min(from - first);
            let weights = (0..count).map(|at| (1 << FRACTION_BITS) / 3 * [-1, 2, 3, -1][(at + output) % 4]).collect();
            Taps { first, weights }
        };
        (0..to).map(tap).collect()
    }

    fn expected(pixels: &[u8], stride: usize, step: usize, taps: &[Taps]) -> Vec<u8> {
        let lines = pixels.chunks_exact(stride);
        let one = |line: &[u8], tap: &Taps, at: usize| {
            let numbers = line.iter().skip(tap.first * step + at).step_by(step);
            let sum: i32 = numbers.zip(&tap.weights).map(|(number, weight)| i32::from(*number) * weight).sum();
            ((sum + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS).clamp(0, 255) as u8
        };
        lines.flat_map(|line| taps.iter().flat_map(move |tap| (0..step).map(move |at| one(line, tap, at)))).collect()
    }

    #[test]
    fn every_level_gives_the_same_numbers_as_one_sum_after_the_other() {
        for (width, height, to) in [(7, 3, 11), (40, 37, 25), (33, 16, 90), (1, 1, 1)] {
            let mut state = 7u32;
            let next = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            let pixels: Vec<u8> = (0..width * height * 3).map(next).collect();
            let (wide, high) = (taps(width, to), taps(height, to));
            for level in Level::available() {
                let found = resize_rows(level, &pixels, width, &wide);
                assert_eq!(found, expected(&pixels, width * 3, 3, &wide), "{level:?} {width} to {to}");
                let found = resize_columns(level, &pixels, width * 3, &high);
                assert_eq!(found, expected(&pixels, pixels.len(), width * 3, &high), "{level:?} {height} to {to}");
            }
        }
    }
}
