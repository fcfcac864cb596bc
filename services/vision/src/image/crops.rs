//! A picture cut into the crops that the vision encoder reads.

use super::{Filter, ImageError, Picture, Tiling, resize, resize_by};

/// The measures of cropping; they belong to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropGeometry {
    /// Side of a crop in pixels.
    pub crop: usize,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Patches by which a crop reaches into its neighbour, on each side.
    pub margin: usize,
    /// Local crops at most.
    pub most: usize,
}

impl CropGeometry {
    /// Patches along a crop's side.
    pub fn grid(&self) -> usize {
        self.crop / self.patch
    }

    /// Pixels from one local crop to the next.
    pub fn window(&self) -> usize {
        self.crop - self.margin_pixels()
    }

    /// The tiling of a picture of `height` × `width` pixels.
    pub fn tiling(&self, height: usize, width: usize) -> Tiling {
        let margin = self.margin_pixels();
        Tiling::select(height.saturating_sub(margin), width.saturating_sub(margin), self.window(), self.most)
    }

    /// Height and width in pixels to which a picture with this tiling is scaled before it is cut.
    pub fn resized(&self, tiling: Tiling) -> (usize, usize) {
        let side = |tiles: usize| tiles * self.window() + self.margin_pixels();
        (side(tiling.rows), side(tiling.columns))
    }

    /// Rows and columns of the patch grid that the local crops make together.
    pub fn stitched(&self, tiling: Tiling) -> (usize, usize) {
        let (height, width) = self.resized(tiling);
        (height / self.patch, width / self.patch)
    }

    fn margin_pixels(&self) -> usize {
        2 * self.margin * self.patch
    }
}

/// How a model wants its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// The whole picture, and crops of it.
    Crops(CropGeometry),
    /// The whole picture, scaled to a square of so many pixels.
    Whole(usize),
}

impl Preparation {
    /// Makes of `picture` what the model reads.
    ///
    /// # Errors
    /// [`ImageError::Broken`] for measures that leave no pixels.
    pub fn prepare(&self, picture: &Picture) -> Result<Crops, ImageError> {
        match self {
            Self::Crops(geometry) => Crops::cut(picture, geometry),
            Self::Whole(side) => Crops::whole(picture, *side),
        }
    }
}

/// The crops of one picture: the whole picture first, then the local ones row by row. All are square, 8-bit RGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crops {
    side: usize,
    tiling: Tiling,
    pixels: Vec<u8>,
}

impl Crops {
    /// Cuts `picture`.
    ///
    /// # Errors
    /// [`ImageError::Broken`] for a geometry whose crops have no pixels.
    pub fn cut(picture: &Picture, geometry: &CropGeometry) -> Result<Self, ImageError> {
        let tiling = geometry.tiling(picture.height(), picture.width());
        let (height, width) = geometry.resized(tiling);
        let empty = || ImageError::Broken { reason: format!("no crop of {width} x {height} pixels can be cut") };
        let whole = || resize(picture, geometry.crop, geometry.crop);
        let (whole, scaled) = rayon::join(whole, || resize(picture, width, height));
        let (whole, scaled) = (whole.ok_or_else(empty)?, scaled.ok_or_else(empty)?);
        let mut pixels = Vec::with_capacity((1 + tiling.tiles()) * whole.pixels().len());
        pixels.extend_from_slice(whole.pixels());
        let row_bytes = geometry.crop * 3;
        for tile_row in 0..tiling.rows {
            for tile_column in 0..tiling.columns {
                let left = tile_column * geometry.window() * 3;
                let top = tile_row * geometry.window();
                for row in scaled.pixels().chunks_exact(width * 3).skip(top).take(geometry.crop) {
                    pixels.extend_from_slice(&row[left..left + row_bytes]);
                }
            }
        }
        Ok(Self { side: geometry.crop, tiling, pixels })
    }

    /// Nothing but the whole of `picture`, scaled by a cubic to a square of `side` pixels.
    ///
    /// # Errors
    /// [`ImageError::Broken`] for a square without pixels.
    pub fn whole(picture: &Picture, side: usize) -> Result<Self, ImageError> {
        let whole = resize_by(Filter::Cubic, picture, side, side);
        let whole = whole.ok_or_else(|| ImageError::Broken { reason: "a square of 0 pixels cannot be made".into() })?;
        Ok(Self { side, tiling: Tiling { rows: 0, columns: 0 }, pixels: whole.pixels })
    }

    /// Crops cut elsewhere: `pixels` holds `1 + tiling.tiles()` squares of `side` pixels.
    ///
    /// `None` where the number of bytes does not fit.
    pub fn from_pixels(side: usize, tiling: Tiling, pixels: Vec<u8>) -> Option<Self> {
        let bytes = (1 + tiling.tiles()) * side * side * 3;
        (side > 0 && bytes == pixels.len()).then_some(Self { side, tiling, pixels })
    }

    /// Side of a crop in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// How the local crops lie.
    pub fn tiling(&self) -> Tiling {
        self.tiling
    }

    /// Number of crops, the whole picture included.
    pub fn count(&self) -> usize {
        1 + self.tiling.tiles()
    }

    /// Red, green and blue of every pixel, crop by crop and row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
