#![allow(clippy::unwrap_used)]

use half::{bf16, f16};
use proptest::prelude::*;

use super::*;

/// Numbers of -1..1, the same for the same seed.
fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(7);
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Blocks of a GGUF file with random contents, and the numbers they stand for.
fn quantized(kind: Kind, outputs: usize, inputs: usize, seed: u64) -> (Vec<u8>, Vec<f32>) {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};
    let (dtype, unit) = match kind {
        Kind::Q8_0 => (GgmlDType::Q8_0, 32),
        Kind::Q4_0 => (GgmlDType::Q4_0, 32),
        _ => (GgmlDType::Q4K, 256),
    };
    let padded = inputs.next_multiple_of(unit);
    let mut numbers = vec![0.0; outputs * padded];
    for (row, values) in numbers.chunks_mut(padded).zip(random(outputs * inputs, seed).chunks(inputs)) {
        row[..inputs].copy_from_slice(values);
    }
    let tensor = Tensor::from_vec(numbers, (outputs, padded), &Device::Cpu).unwrap();
    let tensor = QTensor::quantize(&tensor, dtype).unwrap();
    let read: Vec<Vec<f32>> = tensor.dequantize(&Device::Cpu).unwrap().to_vec2().unwrap();
    let read = read.into_iter().flat_map(|row| row.into_iter().take(inputs)).collect();
    (tensor.data().unwrap().into_owned(), read)
}

/// A matrix of `kind` and the numbers it stands for.
fn matrix(kind: Kind, outputs: usize, inputs: usize, seed: u64, level: Level) -> (Matrix, Vec<f32>) {
    let (bytes, numbers) = match kind {
        Kind::F32 | Kind::F16 | Kind::Bf16 => {
            let numbers = random(outputs * inputs, seed);
            let bytes = bytes_of(&numbers);
            let narrow = |value: f32| match kind {
                Kind::F16 => f16::from_f32(value).to_f32(),
                Kind::Bf16 => bf16::from_f32(value).to_f32(),
                _ => value,
            };
            (bytes, numbers.into_iter().map(narrow).collect())
        }
        _ => quantized(kind, outputs, inputs, seed),
    };
    let source = match kind {
        Kind::Q8_0 => Source::Q8_0(&bytes),
        Kind::Q4_0 => Source::Q4_0(&bytes),
        Kind::Q4K => Source::Q4K(&bytes),
        _ => Source::F32(&bytes),
    };
    (Matrix::pack(source, outputs, inputs, kind).unwrap().at(level), numbers)
}

const KINDS: [Kind; 6] = [Kind::F32, Kind::F16, Kind::Bf16, Kind::Q8_0, Kind::Q4_0, Kind::Q4K];

/// How far a sum may be from the exact one: by the rounding of the input, and of the sum.
fn tolerance(kind: Kind, inputs: usize) -> f64 {
    let relative = match kind {
        Kind::F32 | Kind::F16 => 2e-6,
        Kind::Bf16 => 3e-3,
        _ => 6e-3,
    };
    relative * (inputs as f64).sqrt().max(1.0) + 1e-6
}

#[test]
fn products_are_those_of_a_plain_loop() {
    for level in Level::available() {
        for kind in KINDS {
            for (outputs, inputs) in [(1, 1), (3, 31), (64, 32), (65, 33), (70, 300), (130, 71), (200, 1029)] {
                let (matrix, weights) = matrix(kind, outputs, inputs, 3, level);
                let bias = random(outputs, 5);
                for rows in [1, 2, 5, 6, 7, 12, 17] {
                    let x = random(rows * inputs, rows as u64);
                    let mut out = vec![f32::NAN; rows * outputs];
                    matrix.multiply(&x, &bias, Finish::Store, &mut out);
                    for (at, value) in out.iter().enumerate() {
                        let (row, output) = (at / outputs, at % outputs);
                        let pairs = x[row * inputs..(row + 1) * inputs]
                            .iter()
                            .zip(&weights[output * inputs..(output + 1) * inputs]);
                        let wanted = f64::from(bias[output])
                            + pairs.map(|(x, weight)| f64::from(*x) * f64::from(*weight)).sum::<f64>();
                        let error = (f64::from(*value) - wanted).abs();
                        assert!(
                            error <= tolerance(kind, inputs),
                            "{level:?} {kind:?} {outputs}x{inputs}, {rows} rows: {value} for {wanted}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    for level in Level::available() {
        for kind in KINDS {
            let (outputs, inputs, rows) = (70, 1100, 203);
            let (matrix, _) = matrix(kind, outputs, inputs, 9, level);
            let bias = random(outputs, 5);
            let x = random(rows * inputs, 11);
            let mut all = vec![0.0; rows * outputs];
            matrix.multiply(&x, &bias, Finish::Store, &mut all);
            for (start, count) in [(0, 1), (1, 2), (3, 8), (90, 13), (202, 1), (96, 97)] {
                let mut some = vec![0.0; count * outputs];
                matrix.multiply(&x[start * inputs..(start + count) * inputs], &bias, Finish::Store, &mut some);
                assert_eq!(some, all[start * outputs..(start + count) * outputs], "{level:?} {kind:?} {start} {count}");
            }
        }
    }
}

#[test]
fn products_are_finished_as_asked() {
    for level in Level::available() {
        let (matrix, _) = matrix(Kind::F32, 70, 40, 1, level);
        let (bias, x) = (random(70, 2), random(3 * 40, 3));
        let of = |finish: Finish, start: f32| {
            let mut out = vec![start; 3 * 70];
            matrix.multiply(&x, &bias, finish, &mut out);
            out
        };
        let stored = of(Finish::Store, 7.0);
        let mut gelu = stored.clone();
        crate::kernels::gelu(level, &mut gelu);
        assert_eq!(of(Finish::Gelu, 7.0), gelu);
        assert_eq!(of(Finish::Add, 7.0), stored.iter().map(|value| 7.0 + value).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_no_number_stays_none() {
    for level in Level::available() {
        for kind in KINDS {
            let (matrix, _) = matrix(kind, 3, 70, 1, level);
            let mut x = random(2 * 70, 3);
            x[100] = f32::NAN;
            let mut out = vec![0.0; 6];
            matrix.multiply(&x, &[0.0; 3], Finish::Gelu, &mut out);
            assert!(out[..3].iter().all(|value| value.is_finite()), "{level:?} {kind:?} {out:?}");
            assert!(out[3..].iter().all(|value| value.is_nan()), "{level:?} {kind:?} {out:?}");
        }
    }
}

#[test]
fn weights_of_another_size_are_refused() {
    let error = Matrix::pack(Source::Q8_0(&[0; 33]), 1, 32, Kind::F32).err().unwrap();
    assert_eq!(error.to_string(), "33 bytes of weights do not make 1 rows of 32");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// With an input that is one at a single place, a product reads a single weight back.
    #[test]
    fn every_weight_has_its_place(
        outputs in 1usize..140,
        inputs in 1usize..600,
        kind in prop::sample::select(KINDS.to_vec()),
        seed in any::<u64>(),
        place in any::<prop::sample::Index>(),
    ) {
        let place = place.index(inputs);
        for level in Level::available() {
            let (matrix, weights) = matrix(kind, outputs, inputs, seed, level);
            let mut x = vec![0.0; inputs];
            x[place] = 127.0;
            let mut out = vec![0.0; outputs];
            matrix.multiply(&x, &vec![0.0; outputs], Finish::Store, &mut out);
            for (output, value) in out.iter().enumerate() {
                let wanted = 127.0 * weights[output * inputs + place];
                prop_assert!((value - wanted).abs() <= 2e-4, "{level:?} {kind:?} {output}: {value} {wanted}");
            }
        }
    }
}
