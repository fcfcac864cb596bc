//! Pictures: decoding, cutting, encoding and the image's prefix.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{D, Tensor};

use super::golden::GoldenImage;
use super::runner::Checker;
use crate::image::{Crops, ImageLimits, Picture, Tiling};
use crate::model::{EncodedImage, ImagePrefix, Model, ModelError, files};

/// Largest picture that is read.
const LARGEST_PICTURE: u64 = 256 << 20;
/// Patches of one pass when images are encoded together: fewer than two crops of a real model, so that passes differ.
const SMALL_BUDGET: usize = 1000;

/// The images of a set, each encoded alone and all together.
pub(crate) struct Images {
    /// Prefixes of images that were encoded alone, by name.
    pub(crate) alone: BTreeMap<String, Arc<ImagePrefix>>,
    /// Prefixes of images that were encoded together.
    pub(crate) together: BTreeMap<String, Arc<ImagePrefix>>,
    /// The encoded images.
    pub(crate) encoded: BTreeMap<String, EncodedImage>,
}

impl Checker<'_> {
    /// Checks everything up to the images' prefixes.
    pub(crate) fn images(&mut self, model: &Model) -> Result<Images, ModelError> {
        let golden = self.golden;
        let (mut alone, mut encoded, mut crops_of) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (name, image) in &golden.answers.images {
            let crops = self.crops(name, image, model)?;
            let result = model.encode_images_fully(&[&crops], usize::MAX)?.pop();
            let Some(result) = result else { continue };
            self.encoded(name, &result)?;
            let prefix = model.prefill_image(&result.embedding, None)?;
            self.equal("prefix length", name, &image.prefix_len, &prefix.positions());
            self.last_values(name, &prefix)?;
            alone.insert(name.clone(), prefix);
            encoded.insert(name.clone(), result);
            crops_of.insert(name.clone(), crops);
        }
        let all: Vec<&Crops> = crops_of.values().collect();
        let mut together = BTreeMap::new();
        for (name, embedding) in crops_of.keys().zip(model.encode_images(&all, SMALL_BUDGET)?) {
            together.insert(name.clone(), model.prefill_image(&embedding, None)?);
        }
        Ok(Images { alone, together, encoded })
    }

    /// Cuts the picture, compares its crops, and gives the expected ones, so that a difference shows once.
    fn crops(&mut self, name: &str, image: &GoldenImage, model: &Model) -> Result<Crops, ModelError> {
        let picture = self.picture(&image.file)?;
        self.equal("size", name, &(image.width, image.height), &(picture.width(), picture.height()));
        let cut = model.cut(&picture)?;
        let tiling = cut.tiling();
        let found = ([tiling.rows, tiling.columns], cut.count());
        self.equal("tiling", name, &(image.tiling, image.n_crops), &found);
        let expected = self.picture(&image.crops_file)?;
        let tiling = Tiling { rows: image.tiling[0], columns: image.tiling[1] };
        let Some(crops) = Crops::from_pixels(expected.width(), tiling, expected.pixels().to_vec()) else {
            let file = self.golden.folder.join(&image.crops_file);
            return Err(ModelError::file(&file, format!("it does not hold {} crops", image.n_crops)));
        };
        let differing = crops.pixels().iter().zip(cut.pixels()).filter(|(one, other)| one != other).count();
        let missing = crops.pixels().len().abs_diff(cut.pixels().len());
        self.equal("crop levels that differ", name, &0, &(differing + missing));
        Ok(crops)
    }

    fn picture(&self, file: &str) -> Result<Picture, ModelError> {
        let bytes = files::read_bounded(&self.golden.folder.join(file), LARGEST_PICTURE)?;
        let limits = ImageLimits { bytes: usize::MAX, side: 1 << 20, ..ImageLimits::default() };
        Ok(Picture::decode(&bytes, &limits)?)
    }

    fn encoded(&mut self, name: &str, image: &EncodedImage) -> Result<(), ModelError> {
        // A set may hold the features of the first crops alone.
        let key = format!("{name}.vision_features");
        if let Some(expected) = self.golden.tensors.get(&key) {
            let crops = expected.dim(0)?.min(image.features.dim(0)?);
            self.tensor(&key, &image.features.narrow(0, 0, crops)?);
        }
        self.tensor(&format!("{name}.reconstructed"), &image.stitched);
        self.tensor(&format!("{name}.image_embeds"), image.embedding.tokens());
        Ok(())
    }

    fn last_values(&mut self, name: &str, prefix: &ImagePrefix) -> Result<(), ModelError> {
        let key = format!("{name}.v_cache_last_layer");
        let Some(expected) = self.golden.tensors.get(&key) else { return Ok(()) };
        let values: Tensor = prefix.last_values()?;
        let positions = values.dim(1)?;
        // A set may hold the last positions alone.
        let kept = expected.dim(D::Minus2)?.min(positions);
        self.tensor(&key, &values.narrow(1, positions - kept, kept)?.contiguous()?);
        Ok(())
    }
}
