//! What the machine can do at most.

use std::time::Instant;

use aerie_vision::load_options;
use candle_core::{DType, Device, Tensor};

use crate::{Result, best};

/// Side of the matrices that a GPU multiplies.
const SIDE: usize = 8192;

/// Gigabytes a second that are read from memory; on a GPU also the bf16 operations of a product in a second, in 10^12.
pub fn measure(device: &str) -> Result<Vec<f64>> {
    let device = load_options(device, None)?.device;
    if device.is_cpu() { Ok(vec![read_rate()]) } else { Ok(vec![copy_rate(&device)?, product_rate(&device)?]) }
}

/// What all threads together read from memory.
fn read_rate() -> f64 {
    const NUMBERS: usize = 64 << 20;
    let numbers: Vec<u64> = (0..NUMBERS as u64).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pass = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for part in numbers.chunks(NUMBERS.div_ceil(threads)) {
                scope.spawn(|| std::hint::black_box(part.iter().fold(0u64, |sum, number| sum.wrapping_add(*number))));
            }
        });
        (NUMBERS * 8) as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..30).map(|_| pass()).fold(0.0, f64::max)
}

/// A copy within a GPU's memory reads and writes each byte.
fn copy_rate(device: &Device) -> Result<f64> {
    let numbers = 1usize << 30;
    let source = Tensor::zeros(numbers, DType::BF16, device)?;
    let seconds = best(10, || {
        let copy = source.copy()?;
        device.synchronize()?;
        drop(copy);
        Ok(())
    })?;
    Ok((2 * 2 * numbers) as f64 / seconds / 1e9)
}

fn product_rate(device: &Device) -> Result<f64> {
    // Ones and zeros are multiplied faster than numbers are.
    let matrix = Tensor::randn(0f32, 1f32, (SIDE, SIDE), device)?.to_dtype(DType::BF16)?;
    let seconds = best(10, || {
        matrix.matmul(&matrix)?;
        Ok(device.synchronize()?)
    })?;
    Ok(2.0 * (SIDE as f64).powi(3) / seconds / 1e12)
}
