//! What is done to rows of numbers between two products.

use super::Level;
use super::level::{for_every_level, multiply_add};
use super::matrix::Finish;
use super::pool::parallel_chunks;

/// Numbers that are worked on together.
const LANES: usize = 16;
/// Numbers of a task.
const TASK: usize = 16 << 10;
/// Below it `exp` is taken for zero.
const SMALLEST_POWER: f32 = -87.0;
/// Above it `exp` does not grow.
const LARGEST_POWER: f32 = 88.0;

/// `e^x` to two units in the last place; 0 below -87, and no number where `x` is none.
///
/// Cephes' polynomial on half a factor of two either side of one, times a power of two.
#[inline(always)]
pub(crate) fn exp<const FUSED: bool>(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    const COEFFICIENTS: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5];
    // Comparisons that are false for what is no number, so that it goes through.
    let bounded = if x < SMALLEST_POWER { SMALLEST_POWER } else { x };
    let bounded = if bounded > LARGEST_POWER { LARGEST_POWER } else { bounded };
    let shifted = multiply_add::<FUSED>(bounded, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = multiply_add::<FUSED>(whole, -0.693_359_4, bounded);
    let rest = multiply_add::<FUSED>(whole, 2.121_944_4e-4, rest);
    let mut sum = COEFFICIENTS[0];
    for coefficient in &COEFFICIENTS[1..] {
        sum = multiply_add::<FUSED>(sum, rest, *coefficient);
    }
    let value = multiply_add::<FUSED>(sum, rest * rest, rest) + 1.0;
    let scaled = f32::from_bits(value.to_bits().wrapping_add(shifted.to_bits() << 23));
    if x < SMALLEST_POWER { 0.0 } else { scaled }
}

/// `x / (1 + e^(-2u))`, which is `x (1 + tanh u) / 2`, with `u = sqrt(2 / pi) (x + 0.044715 x^3)`.
#[inline(always)]
fn gelu_of<const FUSED: bool>(x: f32) -> f32 {
    const TWICE_ROOT: f32 = 2.0 * 0.797_884_6;
    let inner = x * multiply_add::<FUSED>(0.044_715 * x, x, 1.0);
    x / (1.0 + exp::<FUSED>(-TWICE_ROOT * inner))
}

for_every_level! {
    fn gelu_piece(x: &mut [f32]) = gelu_portable
}

#[inline(always)]
fn gelu_portable<const FUSED: bool>(x: &mut [f32]) {
    for x in x {
        *x = gelu_of::<FUSED>(*x);
    }
}

/// The tanh form of GELU of every number.
pub(crate) fn gelu(level: Level, x: &mut [f32]) {
    parallel_chunks(x, TASK, &|_, x| gelu_piece(level, x));
}

for_every_level! {
    /// `sums + bias`, finished as `finish` says.
    pub(crate) fn finish_rows(sums: &[f32], bias: &[f32], finish: Finish, target: &mut [f32]) = finish_portable
}

#[inline(always)]
fn finish_portable<const FUSED: bool>(sums: &[f32], bias: &[f32], finish: Finish, target: &mut [f32]) {
    let terms = target.iter_mut().zip(sums).zip(bias);
    // Loops, since a closure need not be compiled for the instructions of the function that it stands in.
    match finish {
        Finish::Store => {
            for ((target, sum), bias) in terms {
                *target = sum + bias;
            }
        }
        Finish::Gelu => {
            for ((target, sum), bias) in terms {
                *target = gelu_of::<FUSED>(sum + bias);
            }
        }
        Finish::Add => {
            for ((target, sum), bias) in terms {
                *target += sum + bias;
            }
        }
    }
}

for_every_level! {
    fn layer_norm_rows(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) = layer_norm_portable
}

#[inline(always)]
fn layer_norm_portable<const FUSED: bool>(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = weight.len();
    for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let mean = sum(row, |value| value) / width as f32;
        let variance = sum(row, |value| (value - mean) * (value - mean)) / width as f32;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for (((out, value), weight), bias) in out.iter_mut().zip(row).zip(weight).zip(bias) {
            *out = multiply_add::<FUSED>((value - mean) * scale, *weight, *bias);
        }
    }
}

/// The sum of `term` of all numbers, in 16 partial sums.
#[inline(always)]
fn sum(row: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for values in whole {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += term(*value);
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += term(*value);
    }
    sum_lanes(sums)
}

/// The sum of 16 numbers, by halves.
#[inline(always)]
pub(crate) fn sum_lanes(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Layer norm of the rows of `x`, as wide as `weight`, to `out`.
pub(crate) fn layer_norm(level: Level, x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = weight.len().max(1);
    let task = (TASK / width).max(1) * width;
    parallel_chunks(out, task, &|index, out| {
        let start = index * task;
        if let Some(x) = x.get(start..start + out.len()) {
            layer_norm_rows(level, x, weight, bias, epsilon, out);
        }
    });
}

for_every_level! {
    fn rotate_rows(x: &mut [f32], width: usize, head: usize, heads: usize, cos: &[f32], sin: &[f32], pairs: usize)
        = rotate_portable
}

#[inline(always)]
fn rotate_portable<const FUSED: bool>(
    x: &mut [f32],
    width: usize,
    head: usize,
    heads: usize,
    cos: &[f32],
    sin: &[f32],
    pairs: usize,
) {
    let turns = cos.chunks_exact(pairs).zip(sin.chunks_exact(pairs));
    for (row, (cos, sin)) in x.chunks_exact_mut(width).zip(turns) {
        for part in row.chunks_exact_mut(head).take(heads) {
            let (real, rest) = part.split_at_mut(pairs);
            for (((real, imaginary), cos), sin) in real.iter_mut().zip(rest).zip(cos).zip(sin) {
                let (a, b) = (*real, *imaginary);
                *real = a * cos - b * sin;
                *imaginary = a * sin + b * cos;
            }
        }
    }
}

/// Rotates the first `2 * pairs` numbers of each of the first `heads` heads of the rows of `x`. The pairs are the
/// halves of these numbers; every row has its own `pairs` cosines and sines.
pub(crate) fn rotate(
    level: Level,
    x: &mut [f32],
    (width, head, heads): (usize, usize, usize),
    (cos, sin): (&[f32], &[f32]),
) {
    let rows = x.len() / width.max(1);
    let pairs = cos.len() / rows.max(1);
    if pairs == 0 || 2 * pairs > head {
        return;
    }
    let task = (TASK / width).max(1);
    parallel_chunks(x, task * width, &|index, x| {
        let turns = index * task * pairs..(index * task + x.len() / width) * pairs;
        if let (Some(cos), Some(sin)) = (cos.get(turns.clone()), sin.get(turns)) {
            rotate_rows(level, x, width, head, heads, cos, sin, pairs);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_as_good_as_the_standard_librarys() {
        for step in -8600..8700 {
            let x = step as f32 * 0.01;
            let wanted = f64::from(x).exp();
            for value in [exp::<true>(x), exp::<false>(x)] {
                assert!((f64::from(value) / wanted - 1.0).abs() < 3e-7, "e^{x}: {value} {wanted}");
            }
        }
        assert_eq!((exp::<true>(-90.0), exp::<true>(f32::NEG_INFINITY)), (0.0, 0.0));
        assert!(exp::<true>(f32::NAN).is_nan());
    }

    #[test]
    fn gelu_is_the_tanh_form() {
        for level in Level::available() {
            let mut x: Vec<f32> = (-999..1000).map(|step| step as f32 * 0.011).collect();
            let wanted = x.clone();
            gelu(level, &mut x);
            for (value, x) in x.iter().zip(wanted) {
                let x = f64::from(x);
                let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                let wanted = 0.5 * x * (1.0 + u.tanh());
                assert!((f64::from(*value) - wanted).abs() < 1e-6, "{level:?} {x}: {value} {wanted}");
            }
        }
    }

    #[test]
    fn layer_norm_of_odd_widths() {
        for level in Level::available() {
            for width in [1, 3, 16, 24, 73] {
                let x: Vec<f32> = (0..width * 5).map(|index| (index as f32 * 1.3).sin() * 4.0 + 1.0).collect();
                let weight: Vec<f32> = (0..width).map(|index| 1.0 + index as f32 * 0.01).collect();
                let bias: Vec<f32> = (0..width).map(|index| index as f32 * 0.02).collect();
                let mut out = vec![0.0; x.len()];
                layer_norm(level, &x, &weight, &bias, 1e-5, &mut out);
                for (row, out) in x.chunks(width).zip(out.chunks(width)) {
                    let numbers: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
                    let mean = numbers.iter().sum::<f64>() / width as f64;
                    let variance = numbers.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / width as f64;
                    for (index, out) in out.iter().enumerate() {
                        let normed = (numbers[index] - mean) / (variance + 1e-5).sqrt();
                        let wanted = normed * f64::from(weight[index]) + f64::from(bias[index]);
                        assert!((f64::from(*out) - wanted).abs() < 1e-5, "{level:?} {width}: {out} {wanted}");
                    }
                }
            }
        }
    }

    #[test]
    fn only_the_pairs_of_the_first_heads_turn() {
        for level in Level::available() {
            let (width, head, pairs) = (24, 8, 2);
            let before: Vec<f32> = (0..2 * width).map(|index| index as f32).collect();
            let (cos, sin) = ([0.5, 0.25, 1.0, 0.0], [0.75, 1.0, 0.0, 1.0]);
            let mut x = before.clone();
            rotate(level, &mut x, (width, head, 2), (&cos, &sin));
            for (at, value) in x.iter().enumerate() {
                let (row, inside) = (at / width, at % width % head);
                let wanted = if at % width >= 16 || inside >= 2 * pairs {
                    before[at]
                } else if inside < pairs {
                    let (c, s) = (cos[row * pairs + inside], sin[row * pairs + inside]);
                    before[at] * c - before[at + pairs] * s
                } else {
                    let (c, s) = (cos[row * pairs + inside - pairs], sin[row * pairs + inside - pairs]);
                    before[at - pairs] * s + before[at] * c
                };
                assert_eq!(*value, wanted, "{level:?} {at}");
            }
        }
    }
}
