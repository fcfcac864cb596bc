//! Pictures that people send: decoding and cutting within limits.
#![no_main]

use aerie_vision::image::{CropGeometry, Crops, ImageLimits, Picture};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = ImageLimits { bytes: 1 << 16, pixels: 1 << 16, side: 1 << 12 };
    if let Ok(picture) = Picture::decode(data, &limits) {
        assert!((picture.width() * picture.height()) as u64 <= limits.pixels);
        let geometry = CropGeometry { crop: 28, patch: 7, margin: 1, most: 4 };
        if let Ok(crops) = Crops::cut(&picture, &geometry) {
            assert_eq!(crops.pixels().len(), crops.count() * 28 * 28 * 3);
        }
    }
});
