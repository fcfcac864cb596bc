#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use ::image::codecs::jpeg::JpegEncoder;
use ::image::{ImageBuffer, ImageEncoder, ImageFormat, Luma, LumaA, Rgb, Rgba};
use proptest::prelude::*;

use super::*;

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn decode(bytes: &[u8]) -> Picture {
    Picture::decode(bytes, &ImageLimits::default()).unwrap()
}

fn three_by_two() -> ::image::RgbImage {
    ImageBuffer::from_fn(3, 2, |x, y| Rgb([(x * 80) as u8, (y * 200) as u8, 7]))
}

#[test]
fn every_format_gives_the_same_pixels() {
    let image = three_by_two();
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let picture = decode(&encode(&DynamicImage::ImageRgb8(image.clone()), format));
        assert_eq!((picture.width(), picture.height()), (3, 2));
        assert_eq!(picture.pixels(), image.as_raw().as_slice(), "{format:?}");
    }
    let flat = ::image::RgbImage::from_pixel(16, 8, Rgb([200, 100, 50]));
    let picture = decode(&encode(&DynamicImage::ImageRgb8(flat.clone()), ImageFormat::Jpeg));
    assert!(picture.pixels().iter().zip(flat.as_raw()).all(|(a, b)| a.abs_diff(*b) < 4));
}

#[test]
fn alpha_is_dropped_grey_is_repeated_and_sixteen_bits_keep_their_high_byte() {
    let one = |image: DynamicImage| decode(&encode(&image, ImageFormat::Png)).pixels().to_vec();
    let rgba = ImageBuffer::from_pixel(1, 1, Rgba([10u8, 20, 30, 0]));
    assert_eq!(one(DynamicImage::ImageRgba8(rgba)), [10, 20, 30]);
    assert_eq!(one(DynamicImage::ImageLuma8(ImageBuffer::from_pixel(1, 1, Luma([9u8])))), [9, 9, 9]);
    assert_eq!(one(DynamicImage::ImageLumaA8(ImageBuffer::from_pixel(1, 1, LumaA([9u8, 3])))), [9, 9, 9]);
    let deep = ImageBuffer::from_pixel(1, 1, Rgb([0x12ffu16, 0x3400, 0xffff]));
    assert_eq!(one(DynamicImage::ImageRgb16(deep)), [0x12, 0x34, 0xff]);
    let deep = ImageBuffer::from_pixel(1, 1, Rgba([0x12ffu16, 0x3400, 0xffff, 1]));
    assert_eq!(one(DynamicImage::ImageRgba16(deep)), [0x12, 0x34, 0xff]);
    assert_eq!(one(DynamicImage::ImageLuma16(ImageBuffer::from_pixel(1, 1, Luma([0x80ffu16])))), [0x80; 3]);
    let deep = ImageBuffer::from_pixel(1, 1, LumaA([0x80ffu16, 5]));
    assert_eq!(one(DynamicImage::ImageLumaA16(deep)), [0x80; 3]);
}

/// An EXIF block with nothing but the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

#[test]
fn a_turned_photograph_is_turned_upright() {
    let image = ::image::RgbImage::from_fn(32, 16, |x, _| if x < 16 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) });
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_exif_metadata(exif(6)).unwrap();
    encoder.encode_image(&image).unwrap();
    let picture = decode(&bytes);
    assert_eq!((picture.width(), picture.height()), (16, 32));
    assert!(picture.pixels()[0] > 200, "the left half is the top half now");
    assert!(picture.pixels()[picture.pixels().len() - 1] > 200);
}

#[test]
fn limits_hold_before_a_pixel_is_decoded() {
    let bytes = encode(&DynamicImage::ImageRgb8(::image::RgbImage::new(100, 10)), ImageFormat::Png);
    let message = |limits: ImageLimits| Picture::decode(&bytes, &limits).unwrap_err().to_string();
    let limits = ImageLimits::default();
    assert!(message(ImageLimits { bytes: 10, ..limits }).contains("over the limit of 10;"));
    assert!(message(ImageLimits { pixels: 999, ..limits }).contains("100 x 10 pixels is over the limit of 999"));
    assert!(message(ImageLimits { side: 99, ..limits }).contains("99 a side"));
    assert!(Picture::decode(&bytes, &ImageLimits { pixels: 1000, side: 100, ..limits }).is_ok());
    assert!(matches!(Picture::decode(b"BM not ours", &limits), Err(ImageError::UnknownFormat)));
    assert!(matches!(Picture::decode(b"", &limits), Err(ImageError::UnknownFormat)));
    assert!(matches!(Picture::decode(&bytes[..40], &limits), Err(ImageError::Broken { .. })));
}

/// A PNG header that promises 60,000 × 60,000 pixels and holds none.
#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut bytes = encode(&DynamicImage::ImageRgb8(::image::RgbImage::new(1, 1)), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    assert!(Picture::decode(&bytes, &ImageLimits::default()).is_err());
}

proptest! {
    #[test]
    fn damaged_pictures_are_errors_and_never_panics(
        format in prop::sample::select(vec![ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(&DynamicImage::ImageRgb8(three_by_two()), format);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let limits = ImageLimits { pixels: 4096, ..ImageLimits::default() };
        let _ = Picture::decode(&bytes, &limits);
        bytes.truncate(cut.index(bytes.len()));
        if let Ok(picture) = Picture::decode(&bytes, &limits) {
            prop_assert!(picture.width() * picture.height() <= 4096);
        }
    }
}
