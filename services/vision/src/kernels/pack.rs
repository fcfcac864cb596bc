//! Weights in the order that kernels read them.
//!
//! The outputs are cut into panels of [`PANEL`]; the numbers of a panel follow each other in the order of the inputs,
//! so that a product reads its weights from front to back:
//!
//! | kind | for each | bytes |
//! |---|---|---|
//! | f32, f16 | input | 64 numbers |
//! | bf16 | two inputs | 64 pairs |
//! | 8 bits | 32 inputs | for each four of them 64 times four numbers, each 128 higher; 64 f16 scales |
//! | 4 bits | 32 inputs | for each four of the first and of the second half 64 times four bytes, the first half in their lower bits; 64 f16 scales |
//! | 4 bits in two levels | 256 inputs | 64 f16 scales, 64 f16 scales of minima; for each 32 inputs the numbers as above, 64 scales and 64 minima of a byte |
//!
//! Outputs and inputs that fill up a panel are zero.

use std::io;

use half::{bf16, f16};

use super::memory::Buffer;
use super::pool::parallel_chunks;

/// Outputs of a panel.
pub(crate) const PANEL: usize = 64;
/// Inputs that share a scale.
pub(crate) const BLOCK: usize = 32;
/// Blocks that share the scales of the second level.
pub(crate) const SUPER: usize = 8;

/// How the numbers of a weight are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F16,
    Bf16,
    Q8_0,
    Q4_0,
    Q4K,
}

impl Kind {
    /// Inputs that are kept together.
    pub(crate) fn unit(self) -> usize {
        match self {
            Self::F32 | Self::F16 => 1,
            Self::Bf16 => 2,
            Self::Q8_0 | Self::Q4_0 => BLOCK,
            Self::Q4K => BLOCK * SUPER,
        }
    }

    /// Bytes of one unit of a panel.
    pub(crate) fn unit_bytes(self) -> usize {
        match self {
            Self::F32 | Self::Bf16 => PANEL * 4,
            Self::F16 => PANEL * 2,
            Self::Q8_0 => PANEL * (BLOCK + 2),
            Self::Q4_0 => PANEL * (BLOCK / 2 + 2),
            Self::Q4K => PANEL * (4 + SUPER * (BLOCK / 2 + 2)),
        }
    }

    /// What a stored number is higher than the number it stands for.
    pub(crate) fn offset(self) -> i32 {
        match self {
            Self::Q8_0 => 128,
            Self::Q4_0 => 8,
            _ => 0,
        }
    }
}

/// Weights `(outputs, inputs)` in a file's order.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// f32, little endian.
    F32(&'a [u8]),
    /// f16, little endian.
    F16(&'a [u8]),
    /// bf16, little endian.
    Bf16(&'a [u8]),
    /// GGUF blocks of 32: an f16 scale, 32 numbers of a byte.
    Q8_0(&'a [u8]),
    /// GGUF blocks of 32: an f16 scale, 16 bytes with two numbers each.
    Q4_0(&'a [u8]),
    /// GGUF blocks of 256: two f16 scales, 12 bytes with eight scales and minima of 6 bits, 128 bytes with two numbers.
    Q4K(&'a [u8]),
}

impl Source<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::F32(bytes)
            | Self::F16(bytes)
            | Self::Bf16(bytes)
            | Self::Q8_0(bytes)
            | Self::Q4_0(bytes)
            | Self::Q4K(bytes) => bytes,
        }
    }

    /// Numbers and bytes of a block.
    fn block(&self) -> (usize, usize) {
        match self {
            Self::F32(_) => (1, 4),
            Self::F16(_) | Self::Bf16(_) => (1, 2),
            Self::Q8_0(_) => (32, 34),
            Self::Q4_0(_) => (32, 18),
            Self::Q4K(_) => (256, 144),
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self {
            Self::Q8_0(_) => Some(Kind::Q8_0),
            Self::Q4_0(_) => Some(Kind::Q4_0),
            Self::Q4K(_) => Some(Kind::Q4K),
            _ => None,
        }
    }

    /// The number at `index` of numbers that are not quantised.
    #[inline(always)]
    fn number(&self, bytes: &[u8], index: usize) -> f32 {
        let two = |index: usize| u16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]]);
        match self {
            Self::F32(_) => {
                let at = 4 * index;
                f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
            }
            Self::F16(_) => f16::from_bits(two(index)).to_f32(),
            _ => bf16::from_bits(two(index)).to_f32(),
        }
    }
}

/// `source`, `(outputs, inputs)`, as panels of `kind`; one that is quantised keeps its own kind, which is returned.
///
/// # Errors
/// A source of another size, or no memory.
pub(crate) fn pack(source: Source<'_>, outputs: usize, inputs: usize, kind: Kind) -> io::Result<(Kind, Buffer)> {
    let kind = source.kind().unwrap_or(kind);
    let (numbers, bytes) = source.block();
    let row = inputs.div_ceil(numbers) * bytes;
    if source.bytes().len() != row * outputs {
        let message = format!("{} bytes of weights do not make {outputs} rows of {inputs}", source.bytes().len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let panel_bytes = inputs.div_ceil(kind.unit()) * kind.unit_bytes();
    let mut buffer = Buffer::zeroed(panel_bytes * outputs.div_ceil(PANEL))?;
    if row > 0 && outputs > 0 {
        parallel_chunks(buffer.bytes_mut(), panel_bytes, &|panel, target| {
            let rows = source.bytes().chunks_exact(row).skip(panel * PANEL).take(PANEL);
            for (output, bytes) in rows.enumerate() {
                pack_row(&source, kind, bytes, output, target);
            }
        });
    }
    Ok((kind, buffer))
}

/// Puts one row of weights to its places in a panel.
fn pack_row(source: &Source<'_>, kind: Kind, row: &[u8], output: usize, panel: &mut [u8]) {
    let units = panel.chunks_exact_mut(kind.unit_bytes());
    let halves = |bytes: &mut [u8], index: usize, value: u16| {
        bytes[2 * index..2 * index + 2].copy_from_slice(&value.to_le_bytes());
    };
    match kind {
        Kind::F32 => {
            for (input, unit) in units.enumerate() {
                let value = source.number(row, input);
                unit[4 * output..4 * output + 4].copy_from_slice(&value.to_le_bytes());
            }
        }
        Kind::F16 => {
            for (input, unit) in units.enumerate() {
                halves(unit, output, f16::from_f32(source.number(row, input)).to_bits());
            }
        }
        Kind::Bf16 => {
            let inputs = row.len() / source.block().1;
            for (pair, unit) in units.enumerate() {
                for side in 0..2 {
                    if 2 * pair + side < inputs {
                        let value = bf16::from_f32(source.number(row, 2 * pair + side));
                        halves(unit, 2 * output + side, value.to_bits());
                    }
                }
            }
        }
        Kind::Q8_0 => {
            for (block, unit) in row.chunks_exact(34).zip(units) {
                let (numbers, scales) = unit.split_at_mut(PANEL * BLOCK);
                for (index, byte) in block[2..].iter().enumerate() {
                    numbers[index / 4 * 4 * PANEL + 4 * output + index % 4] = byte ^ 0x80;
                }
                scales[2 * output..2 * output + 2].copy_from_slice(&block[..2]);
            }
        }
        Kind::Q4_0 => {
            for (block, unit) in row.chunks_exact(18).zip(units) {
                let (numbers, scales) = unit.split_at_mut(PANEL * BLOCK / 2);
                for (index, byte) in block[2..].iter().enumerate() {
                    numbers[index / 4 * 4 * PANEL + 4 * output + index % 4] = *byte;
                }
                scales[2 * output..2 * output + 2].copy_from_slice(&block[..2]);
            }
        }
        Kind::Q4K => {
            for (block, unit) in row.chunks_exact(144).zip(units) {
                pack_two_levels(block, output, unit);
            }
        }
    }
}

fn pack_two_levels(block: &[u8], output: usize, unit: &mut [u8]) {
    let (levels, parts) = unit.split_at_mut(PANEL * 4);
    levels[2 * output..2 * output + 2].copy_from_slice(&block[..2]);
    levels[2 * (PANEL + output)..2 * (PANEL + output) + 2].copy_from_slice(&block[2..4]);
    let (packed, bytes) = block[4..].split_at(12);
    for (index, part) in parts.chunks_exact_mut(PANEL * (BLOCK / 2 + 2)).enumerate() {
        let (numbers, scales) = part.split_at_mut(PANEL * BLOCK / 2);
        // Two parts share their 32 bytes, one in the lower and one in the upper bits.
        let half = &bytes[index / 2 * 32..index / 2 * 32 + 32];
        let number = |at: usize| (half[at] >> (index % 2 * 4)) & 15;
        for at in 0..BLOCK / 2 {
            numbers[at / 4 * 4 * PANEL + 4 * output + at % 4] = number(at) | number(at + 16) << 4;
        }
        let (scale, minimum) = scale_and_minimum(index, packed);
        scales[output] = scale;
        scales[PANEL + output] = minimum;
    }
}

/// The scale and the minimum of the `index`th of eight parts, 6 bits each, as GGUF packs them into 12 bytes.
fn scale_and_minimum(index: usize, packed: &[u8]) -> (u8, u8) {
    if index < 4 {
        (packed[index] & 63, packed[index + 4] & 63)
    } else {
        let (low, high) = (packed[index + 4], (packed[index - 4] >> 6, packed[index] >> 6));
        (low & 15 | high.0 << 4, low >> 4 | high.1 << 4)
    }
}
