//! Resizing with antialiasing, in the fixed-point arithmetic that the models were trained behind.
//!
//! Two passes, horizontal first, rounded to 8 bits between them; the taps of an output pixel are normalised in double
//! precision and then rounded to 22 fractional bits. Resizers that differ in any of this differ by tens of levels near
//! hard edges.

use super::Picture;
use crate::kernels::{self, FRACTION_BITS, Level, Taps};

/// Half-width of the Lanczos window, in pixels of the coarser side.
const LOBES: f64 = 3.0;
/// Slope of the cubic where it first meets zero.
const SHARPNESS: f64 = -0.5;

/// What the pixels around a place weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Lanczos with three lobes.
    Lanczos,
    /// The cubic of Catmull and Rom.
    Cubic,
}

impl Filter {
    /// Half-width of the window, in pixels of the coarser side.
    fn support(self) -> f64 {
        match self {
            Self::Lanczos => LOBES,
            Self::Cubic => 2.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        match self {
            Self::Lanczos => lanczos(x),
            Self::Cubic => cubic(x),
        }
    }
}

/// `picture` scaled to `width` × `height` pixels by [`Filter::Lanczos`], whatever its proportions.
///
/// `None` where a side is zero.
pub fn resize(picture: &Picture, width: usize, height: usize) -> Option<Picture> {
    resize_by(Filter::Lanczos, picture, width, height)
}

/// As [`resize`], by another filter.
pub fn resize_by(filter: Filter, picture: &Picture, width: usize, height: usize) -> Option<Picture> {
    if width == 0 || height == 0 {
        return None;
    }
    let level = Level::detect();
    let mut pixels = picture.pixels.clone();
    if width != picture.width {
        pixels = kernels::resize_rows(level, &pixels, picture.width, &taps(filter, picture.width, width));
    }
    if height != picture.height {
        pixels = kernels::resize_columns(level, &pixels, width * 3, &taps(filter, picture.height, height));
    }
    Picture::new(width, height, pixels)
}

/// The taps of every output pixel of one axis.
fn taps(filter: Filter, from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    let tap = |output: usize| {
        let centre = (output as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let inverse = 1.0 / stretch;
        let exact: Vec<f64> =
            (first..end).map(|input| filter.weight((input as f64 - centre + 0.5) * inverse)).collect();
        let total: f64 = exact.iter().sum();
        let unit = f64::from(1 << FRACTION_BITS);
        let fixed = |weight: f64| (weight * unit + 0.5f64.copysign(weight)) as i32;
        let weights = exact.iter().map(|weight| fixed(if total == 0.0 { *weight } else { weight / total })).collect();
        Taps { first, weights }
    };
    (0..to).map(tap).collect()
}

fn lanczos(x: f64) -> f64 {
    if (-LOBES..LOBES).contains(&x) { sinc(x) * sinc(x / LOBES) } else { 0.0 }
}

fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((SHARPNESS + 2.0) * x - (SHARPNESS + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * SHARPNESS
    } else {
        0.0
    }
}

fn sinc(x: f64) -> f64 {
    let angle = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { angle.sin() / angle }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn picture(width: usize, height: usize, seed: u32) -> Picture {
        let mut state = seed;
        let pixels = (0..width * height * 3).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        Picture::new(width, height, pixels.collect()).unwrap()
    }

    proptest! {
        #[test]
        fn a_flat_picture_stays_flat(w in 1usize..40, h in 1usize..40, to_w in 1usize..60, to_h in 1usize..60, level: u8) {
            let flat = Picture::new(w, h, vec![level; w * h * 3]).unwrap();
            let resized = resize(&flat, to_w, to_h).unwrap();
            prop_assert!(resized.pixels().iter().all(|value| value.abs_diff(level) <= 1));
        }

        #[test]
        fn mirrored_input_gives_mirrored_output(w in 1usize..40, to in 1usize..60, seed: u32) {
            let image = picture(w, 1, seed);
            let mirror = |image: &Picture| -> Vec<u8> { image.pixels().chunks(3).rev().flatten().copied().collect() };
            let mirrored = Picture::new(w, 1, mirror(&image)).unwrap();
            let one = mirror(&resize(&image, to, 1).unwrap());
            let other = resize(&mirrored, to, 1).unwrap();
            prop_assert!(one.iter().zip(other.pixels()).all(|(a, b)| a.abs_diff(*b) <= 1));
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let image = picture(17, 9, 3);
        assert_eq!(resize(&image, 17, 9).unwrap(), image);
        assert!(resize(&image, 0, 9).is_none());
    }

    #[test]
    fn weights_of_a_pixel_sum_to_one() {
        for (from, to) in [(1, 1), (5, 3), (3, 5), (1000, 7), (7, 1000), (379, 378)] {
            for tap in [Filter::Lanczos, Filter::Cubic].into_iter().flat_map(|filter| taps(filter, from, to)) {
                let sum: i64 = tap.weights.iter().map(|weight| i64::from(*weight)).sum();
                assert!((sum - (1 << FRACTION_BITS)).unsigned_abs() <= tap.weights.len() as u64, "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_cubic_is_that_of_another_library() {
        // So far from black and white that nothing is cut off between the two passes, where the other keeps fractions.
        let levels = picture(40, 31, 5).pixels().iter().map(|level| 96 + level / 4).collect();
        let image = Picture::new(40, 31, levels).unwrap();
        let other = ::image::RgbImage::from_raw(40, 31, image.pixels().to_vec()).unwrap();
        for (width, height) in [(28, 28), (90, 28), (14, 70)] {
            let found = resize_by(Filter::Cubic, &image, width, height).unwrap();
            let (wide, high) = (width as u32, height as u32);
            let expected = ::image::imageops::resize(&other, wide, high, ::image::imageops::FilterType::CatmullRom);
            let differences = found.pixels().iter().zip(expected.as_raw()).map(|(one, other)| one.abs_diff(*other));
            assert!(differences.max().unwrap() <= 2, "{width} x {height}");
            assert_ne!(found, resize(&image, width, height).unwrap());
        }
    }
}
