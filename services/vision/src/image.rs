//! Pictures: from the bytes somebody sent to the crops that the vision encoder reads.
//!
//! The bytes are hostile: their number, the sides and the pixels are bounded before anything is decoded.

mod crops;
mod decode;
mod draw;
mod resize;
mod tiling;

pub use crops::{CropGeometry, Crops, Preparation};
pub use decode::{ImageError, ImageLimits};
pub use resize::{Filter, resize, resize_by};
pub use tiling::Tiling;

/// A picture of 8-bit RGB, row by row, without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// A picture of `width` × `height` pixels; `pixels` holds red, green and blue of each, row by row.
    ///
    /// `None` where a side is zero or the number of bytes is not `width * height * 3`.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let bytes = width.checked_mul(height)?.checked_mul(3)?;
        (bytes > 0 && bytes == pixels.len()).then_some(Self { width, height, pixels })
    }

    /// Pixels of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Red, green and blue of every pixel, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
