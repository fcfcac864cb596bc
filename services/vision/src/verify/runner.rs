//! The checks that need no request: tables, region networks, sampling; and where findings are gathered.

use std::fmt::Debug;
use std::path::Path;

use candle_core::{DType, Tensor};

use super::compare::{largest, largest_difference};
use super::golden::{GoldenRequest, GoldenSet, TilingCase, TokenizerCase, read_table};
use super::report::{Difference, Report, TensorCheck};
use crate::image::{CropGeometry, Tiling};
use crate::model::{Model, ModelError, nucleus};

/// Largest error of a model in bf16: the reference's own differs by up to 0.18 from its numbers in f32.
const NARROW_TOLERANCE: f32 = 0.3;
/// Lead of the first place over the second that such errors do not turn round.
const CLEAR_MARGIN: f32 = 0.5;
/// Largest error of a probability.
const PROBABILITY_TOLERANCE: f32 = 1e-5;

/// Runs checks and gathers what they find.
pub(crate) struct Checker<'a> {
    pub(crate) golden: &'a GoldenSet,
    /// Whether the model's numbers are narrower than f32.
    is_narrow: bool,
    report: Report,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(golden: &'a GoldenSet, is_narrow: bool) -> Self {
        Self { golden, is_narrow, report: Report::default() }
    }

    /// Whether the answer to `request` can be expected of this model. One that cannot is counted.
    pub(crate) fn is_decided(&mut self, request: &GoldenRequest) -> bool {
        let is_decided = !self.is_narrow || request.min_margin > CLEAR_MARGIN;
        self.report.undecided += usize::from(!is_decided);
        is_decided
    }

    pub(crate) fn into_report(mut self) -> Report {
        let inputs = ["region.coord_in", "region.size_in"];
        let checked = |name: &str| inputs.contains(&name) || self.report.tensors.iter().any(|check| check.name == name);
        let mut unchecked: Vec<String> = self.golden.tensors.keys().filter(|name| !checked(name)).cloned().collect();
        unchecked.sort_unstable();
        self.report.unchecked = unchecked;
        self.report
    }

    /// Counts under `kind` what is equal, and keeps what is not under its `name`.
    pub(crate) fn equal<T: PartialEq + Debug + ?Sized>(&mut self, kind: &str, name: &str, expected: &T, found: &T) {
        if expected == found {
            *self.report.equal.entry(kind.to_owned()).or_default() += 1;
        } else {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            self.report.differences.push(Difference { name: format!("{name}: {kind}"), expected, found });
        }
    }

    /// Keeps the largest error of the tensor `name`, where the set has it.
    pub(crate) fn tensor(&mut self, name: &str, found: &Tensor) {
        let Some(expected) = self.golden.tensors.get(name) else { return };
        let error = largest_difference(expected, found);
        self.error(name, error);
    }

    /// As [`Self::tensor`], for a row or for rows of numbers.
    pub(crate) fn rows(&mut self, name: &str, found: &[Vec<f32>]) {
        let Some(expected) = self.golden.tensors.get(name) else { return };
        let expected = expected.to_dtype(DType::F32).and_then(|expected| expected.flatten_all()?.to_vec1::<f32>());
        let flat: Vec<f32> = found.iter().flatten().copied().collect();
        let error = expected.map_or(f32::INFINITY, |expected| largest(&expected, &flat));
        self.error(name, error);
    }

    fn error(&mut self, name: &str, largest_error: f32) {
        let kind = name.rsplit('.').next().unwrap_or_default();
        let exact = self.golden.tolerance(kind);
        let tolerance = if self.is_narrow { exact.max(NARROW_TOLERANCE) } else { exact };
        self.report.tensors.push(TensorCheck { name: name.to_owned(), largest_error, tolerance });
    }

    /// The tables of tilings and of the tokenizer.
    pub(crate) fn tables(&mut self, folder: &Path, model: &Model) -> Result<(), ModelError> {
        let tilings: Vec<TilingCase> = read_table(folder, "tiling.json")?.unwrap_or_default();
        for case in tilings {
            let geometry = CropGeometry {
                crop: case.crop_size,
                patch: case.patch_size,
                margin: case.overlap_margin,
                most: case.max_crops,
            };
            let tiling = geometry.tiling(case.height, case.width);
            let Tiling { rows, columns } = tiling;
            let (height, width) = geometry.resized(tiling);
            let (grid_rows, grid_columns) = geometry.stitched(tiling);
            let found = ([rows, columns], 1 + tiling.tiles(), [height, width], [grid_rows, grid_columns]);
            let name = format!("{} x {} pixels, crop {}", case.width, case.height, case.crop_size);
            self.equal("tiling", &name, &(case.tiling, case.n_crops, case.resized, case.stitched_grid), &found);
        }
        let cases: Vec<TokenizerCase> = read_table(folder, "tokenizer_cases.json")?.unwrap_or_default();
        for case in cases {
            let ids = model.tokenizer().encode(&case.text)?;
            let name = format!("text {:?}", case.text);
            self.equal("token ids", &name, &case.ids, &ids);
            self.equal("decoded text", &name, &case.decoded, &model.tokenizer().decode(&case.ids)?);
        }
        Ok(())
    }

    /// The encoders of coordinates and sizes.
    pub(crate) fn region(&mut self, model: &Model) -> Result<(), ModelError> {
        if let Some(input) = self.golden.tensors.get("region.coord_in") {
            let values: Vec<f32> = input.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
            self.tensor("region.coord_emb", &model.encode_coordinates(&values)?);
        }
        if let Some(input) = self.golden.tensors.get("region.size_in") {
            let values: Vec<Vec<f32>> = input.to_dtype(DType::F32)?.to_vec2()?;
            let values: Vec<[f32; 2]> = values.iter().filter_map(|pair| pair.as_slice().try_into().ok()).collect();
            self.tensor("region.size_emb", &model.encode_sizes(&values)?);
        }
        Ok(())
    }

    /// What is left to draw from, with which probabilities.
    pub(crate) fn sampling(&mut self) {
        for (name, case) in &self.golden.answers.sampling {
            let logits = self.golden.tensors.get(&case.logits).and_then(|logits| logits.to_vec1::<f32>().ok());
            let kept = logits.and_then(|logits| nucleus(&logits, &[], case.temperature, case.top_p));
            let mut kept = kept.unwrap_or_default();
            kept.sort_unstable_by_key(|(id, _)| *id);
            let (ids, probabilities): (Vec<u32>, Vec<f32>) = kept.into_iter().unzip();
            self.equal("sampling ids", name, &case.ids, &ids);
            let largest_error = largest(&case.probs, &probabilities);
            let name = format!("sampling.{name}.probabilities");
            self.report.tensors.push(TensorCheck { name, largest_error, tolerance: PROBABILITY_TOLERANCE });
        }
    }
}
