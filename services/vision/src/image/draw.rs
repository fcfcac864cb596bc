//! Boxes and points drawn into a picture.

use std::io::Cursor;

use ::image::{ImageFormat, RgbImage};

use super::{ImageError, Picture};
use crate::model::BoundingBox;

/// Red with a white rim is seen on any picture.
const COLOUR: [u8; 3] = [230, 30, 60];
const RIM: [u8; 3] = [255, 255, 255];
/// Sides of a picture, in pixels, for each pixel of a line's thickness.
const SIDE_PER_PIXEL: usize = 300;

impl Picture {
    /// Draws the outline of a box; what reaches over the edge is left out.
    pub fn draw_box(&mut self, area: &BoundingBox) {
        let thick = self.line();
        let (left, right) = (self.column(area.x_min), self.column(area.x_max));
        let (top, bottom) = (self.row(area.y_min), self.row(area.y_max));
        for (inset, colour) in [(0, RIM), (1, COLOUR)] {
            let (left, top, right, bottom) = (left + inset, top + inset, right - inset, bottom - inset);
            let thick = thick - inset;
            self.fill(left, top, right, top + thick, colour);
            self.fill(left, bottom - thick, right, bottom, colour);
            self.fill(left, top, left + thick, bottom, colour);
            self.fill(right - thick, top, right, bottom, colour);
        }
    }

    /// Draws a disc at a point.
    pub fn draw_point(&mut self, x: f64, y: f64) {
        let radius = 3 * self.line();
        let (column, row) = (self.column(x), self.row(y));
        for (radius, colour) in [(radius, RIM), (radius - 2, COLOUR)] {
            for down in -radius..=radius {
                let reach = ((radius * radius - down * down) as f64).sqrt() as i64;
                self.fill(column - reach, row + down, column + reach, row + down, colour);
            }
        }
    }

    /// The picture as PNG.
    ///
    /// # Errors
    /// [`ImageError::Broken`] where it cannot be written.
    pub fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let broken = |reason: String| ImageError::Broken { reason };
        let (Ok(width), Ok(height)) = (u32::try_from(self.width), u32::try_from(self.height)) else {
            return Err(broken("it is too large to be written".to_owned()));
        };
        let image = RgbImage::from_raw(width, height, self.pixels.clone())
            .ok_or_else(|| broken("its pixels are not as many as its sides say".to_owned()))?;
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).map_err(|error| broken(error.to_string()))?;
        Ok(bytes.into_inner())
    }

    fn line(&self) -> i64 {
        (self.width.max(self.height) / SIDE_PER_PIXEL) as i64 + 3
    }

    fn column(&self, x: f64) -> i64 {
        (x.clamp(-1.0, 2.0) * (self.width - 1) as f64).round() as i64
    }

    fn row(&self, y: f64) -> i64 {
        (y.clamp(-1.0, 2.0) * (self.height - 1) as f64).round() as i64
    }

    /// Colours a rectangle, its last column and row included; what lies outside is left out.
    fn fill(&mut self, left: i64, top: i64, right: i64, bottom: i64, colour: [u8; 3]) {
        let columns = left.max(0)..=right.min(self.width as i64 - 1);
        for row in top.max(0)..=bottom.min(self.height as i64 - 1) {
            for column in columns.clone() {
                let start = (row as usize * self.width + column as usize) * 3;
                if let Some(pixel) = self.pixels.get_mut(start..start + 3) {
                    pixel.copy_from_slice(&colour);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::image::ImageLimits;

    fn black() -> Picture {
        Picture::new(60, 40, vec![0; 60 * 40 * 3]).unwrap()
    }

    fn at(picture: &Picture, column: usize, row: usize) -> &[u8] {
        &picture.pixels()[(row * 60 + column) * 3..][..3]
    }

    #[test]
    fn a_box_has_an_outline_and_an_empty_middle() {
        let mut picture = black();
        picture.draw_box(&BoundingBox { x_min: 0.25, y_min: 0.25, x_max: 0.75, y_max: 0.75 });
        assert_eq!((at(&picture, 15, 20), at(&picture, 16, 20)), (&RIM[..], &COLOUR[..]));
        assert_eq!((at(&picture, 30, 20), at(&picture, 5, 5)), (&[0; 3][..], &[0; 3][..]));
    }

    #[test]
    fn what_is_outside_or_no_number_is_left_out() {
        let mut picture = black();
        for place in [f64::NAN, f64::INFINITY, -5.0, 1.0] {
            picture.draw_point(place, place);
            picture.draw_box(&BoundingBox { x_min: place, y_min: -0.5, x_max: 1.5, y_max: place });
        }
        assert_eq!(picture.pixels().len(), 60 * 40 * 3);
        let again = Picture::decode(&picture.to_png().unwrap(), &ImageLimits::default()).unwrap();
        assert_eq!(again, picture);
    }
}
