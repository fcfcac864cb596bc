//! Comparing a model with the numbers that a reference implementation computed on it.
//!
//! A folder of such numbers holds a model (`config.json`, `model.safetensors`), pictures and their crops (`images`),
//! `golden.json` with what was asked and answered, and `golden.safetensors` with the tensors on the way. The tokenizer
//! and the tables `tokenizer_cases.json` and `tiling.json` may lie in the folder or the one above it.

mod compare;
mod golden;
mod images;
mod report;
mod requests;
mod runner;

use std::path::Path;

pub use report::{Difference, Report, TensorCheck};

use crate::model::{LoadOptions, Model, ModelError};
use golden::GoldenSet;
use runner::Checker;

/// Runs everything that `folder` holds numbers of, and says what differs.
///
/// Each request runs alone, together with all others in several orders of joining, and after its image was encoded
/// anew beside other images. A model whose weights are narrower than f32 is allowed what such weights make of the
/// numbers, and its answers are compared where the reference decided clearly enough.
///
/// # Errors
/// [`ModelError`] where the folder's files or the model cannot be read, or the device fails. What merely differs is
/// in the report.
pub fn verify(folder: &Path, options: &LoadOptions) -> Result<Report, ModelError> {
    let golden = GoldenSet::read(folder)?;
    let model = Model::load(folder, options)?;
    let mut checker = Checker::new(&golden, model.is_narrow());
    checker.tables(folder, &model)?;
    let images = checker.images(&model)?;
    checker.region(&model)?;
    checker.sampling();
    checker.requests(&model, &images)?;
    checker.variant(&model, &images)?;
    Ok(checker.into_report())
}
