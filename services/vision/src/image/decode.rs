//! Decoding JPEG, PNG, WebP and GIF within limits.

use std::io::Cursor;

use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::Picture;

/// Bytes that a decoder may need for one pixel: 16-bit RGBA, and as much again to work in.
const DECODER_BYTES_PER_PIXEL: u64 = 16;

/// How large a picture may be. Everything is checked before a pixel is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// Bytes of the encoded picture.
    pub bytes: usize,
    /// Width times height.
    pub pixels: u64,
    /// Width or height alone. It bounds the memory of resizing, which grows with the longer side.
    pub side: u32,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self { bytes: 20 << 20, pixels: 50_000_000, side: 16_384 }
    }
}

/// Why a picture was refused.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// More bytes than allowed.
    #[error("image of {bytes} bytes is over the limit of {limit}; send a smaller or more compressed one")]
    TooManyBytes {
        /// Bytes of the picture.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More pixels, or a longer side, than allowed.
    #[error(
        "image of {width} x {height} pixels is over the limit of {pixels} pixels and {side} a side; \
         scale it down first"
    )]
    TooManyPixels {
        /// Width that the header says.
        width: u32,
        /// Height that the header says.
        height: u32,
        /// Pixels allowed.
        pixels: u64,
        /// Side allowed.
        side: u32,
    },
    /// Neither JPEG, PNG, WebP nor GIF.
    #[error("image format is not known; send JPEG, PNG, WebP or GIF")]
    UnknownFormat,
    /// The bytes are not what the format asks for.
    #[error("image cannot be decoded: {reason}; save it again as JPEG or PNG")]
    Broken {
        /// What the decoder said.
        reason: String,
    },
}

impl Picture {
    /// Decodes a JPEG, PNG, WebP or GIF (its first frame) and turns it upright by its EXIF orientation.
    ///
    /// The format is told from the content. Colours follow the reference implementation's conversion to RGB: alpha is
    /// dropped, not blended; grey is repeated; of 16-bit channels the high byte stays.
    ///
    /// # Errors
    /// [`ImageError`] for pictures over `limits`, of another format, or broken.
    pub fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<Self, ImageError> {
        if bytes.len() > limits.bytes {
            return Err(ImageError::TooManyBytes { bytes: bytes.len(), limit: limits.bytes });
        }
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(broken)?;
        let known = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];
        if !reader.format().is_some_and(|format| known.contains(&format)) {
            return Err(ImageError::UnknownFormat);
        }
        let mut bounds = Limits::default();
        bounds.max_image_width = Some(limits.side);
        bounds.max_image_height = Some(limits.side);
        bounds.max_alloc = Some(limits.pixels.saturating_mul(DECODER_BYTES_PER_PIXEL));
        reader.limits(bounds.clone());
        let mut decoder = match reader.into_decoder() {
            Ok(decoder) => decoder,
            Err(::image::ImageError::Limits(_)) => return Err(over_limit_by_header(bytes, limits)),
            Err(error) => return Err(broken(error)),
        };
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if width > limits.side || height > limits.side || pixels > limits.pixels {
            return Err(too_many_pixels(width, height, limits));
        }
        decoder.set_limits(bounds).map_err(broken)?;
        let orientation = decoder.orientation().map_err(broken)?;
        let decoded = DynamicImage::from_decoder(decoder).map_err(broken)?;
        let mut upright = DynamicImage::ImageRgb8(to_rgb(decoded));
        upright.apply_orientation(orientation);
        let upright = upright.into_rgb8();
        let (width, height) = (upright.width() as usize, upright.height() as usize);
        Self::new(width, height, upright.into_raw())
            .ok_or_else(|| broken(format!("it has {width} x {height} pixels; at least one is needed")))
    }
}

fn broken(reason: impl std::fmt::Display) -> ImageError {
    ImageError::Broken { reason: reason.to_string() }
}

fn too_many_pixels(width: u32, height: u32, limits: &ImageLimits) -> ImageError {
    ImageError::TooManyPixels { width, height, pixels: limits.pixels, side: limits.side }
}

/// The error for a picture whose decoder refused its header; the sides are read for the message alone.
fn over_limit_by_header(bytes: &[u8], limits: &ImageLimits) -> ImageError {
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.no_limits();
    let sides = reader.with_guessed_format().ok().and_then(|reader| reader.into_dimensions().ok());
    let (width, height) = sides.unwrap_or((u32::MAX, u32::MAX));
    too_many_pixels(width, height, limits)
}

fn to_rgb(image: DynamicImage) -> ::image::RgbImage {
    let high = |channel: u16| (channel >> 8) as u8;
    match image {
        DynamicImage::ImageLuma16(grey) => {
            grey_to_rgb(grey.width(), grey.height(), grey.pixels().map(|p| high(p.0[0])))
        }
        DynamicImage::ImageLumaA16(grey) => {
            grey_to_rgb(grey.width(), grey.height(), grey.pixels().map(|p| high(p.0[0])))
        }
        DynamicImage::ImageRgb16(image) => map_to_rgb(
            image.width(),
            image.height(),
            image.pixels().map(|p| [high(p.0[0]), high(p.0[1]), high(p.0[2])]),
        ),
        DynamicImage::ImageRgba16(image) => map_to_rgb(
            image.width(),
            image.height(),
            image.pixels().map(|p| [high(p.0[0]), high(p.0[1]), high(p.0[2])]),
        ),
        other => other.into_rgb8(),
    }
}

fn grey_to_rgb(width: u32, height: u32, grey: impl Iterator<Item = u8>) -> ::image::RgbImage {
    map_to_rgb(width, height, grey.map(|value| [value; 3]))
}

fn map_to_rgb(width: u32, height: u32, pixels: impl Iterator<Item = [u8; 3]>) -> ::image::RgbImage {
    let bytes = pixels.flatten().collect();
    ::image::RgbImage::from_raw(width, height, bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests;
