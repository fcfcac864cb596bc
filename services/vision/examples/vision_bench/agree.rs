//! How far a GPU's numbers in bf16 are from those that candle's operations compute in f32, at full size.

use std::path::Path;

use aerie_vision::model::{CaptionLength, Context, LoadOptions, Model, Request, Sampling};
use aerie_vision::testing::noise;
use candle_core::DType;

use crate::{Result, figures};

/// Tokens that are decided.
const TOKENS: usize = 6;

/// What one way of computing gives.
struct Numbers {
    image: Vec<f32>,
    /// After the prompt.
    logits: Vec<f32>,
    steps: Vec<Vec<f32>>,
    tokens: Vec<u32>,
}

/// Relative errors in the image's tokens, in the logits after the prompt and in those of steps, first of the kernels of
/// this crate, alone, then of the same among 63 others, then of candle's operations in bf16.
pub fn measure(folder: &Path, device: &str) -> Result<Vec<f64>> {
    let exact = numbers(folder, "f32-candle", device, 1)?;
    let mut errors = Vec::new();
    for (kind, batch) in [("bf16", 1), ("bf16", figures::batch(device)), ("bf16-candle", 1)] {
        let found = numbers(folder, kind, device, batch)?;
        // Steps can be compared for as long as both say the same.
        let same = exact.tokens.iter().zip(&found.tokens).take_while(|(one, other)| one == other).count();
        let steps = exact.steps.iter().zip(&found.steps).take(same);
        let worst = steps.map(|(exact, found)| distance(exact, found)).fold(0.0, f64::max);
        errors.extend([distance(&exact.image, &found.image), distance(&exact.logits, &found.logits), worst]);
        eprintln!("{kind} x {batch}: {same} tokens are the same");
    }
    Ok(errors)
}

fn numbers(folder: &Path, kind: &str, device: &str, batch: usize) -> Result<Numbers> {
    let mut options: LoadOptions = figures::options(kind, device)?;
    options.cache_budget = 24 << 30;
    let model = Model::load(folder, &options)?;
    let crops = model.cut(&noise(640, 480, 7).ok_or("no picture")?)?;
    let image = model.encode_images(&[&crops], usize::MAX)?.pop().ok_or("no image")?;
    let prefix = model.prefill_image(&image, None)?;
    let request = Request::Caption { length: CaptionLength::Normal, sampling: Sampling::greedy(TOKENS) };
    let start = |_| model.start(&request, Context::Image(prefix.clone()));
    let mut running = (0..batch).map(start).collect::<std::result::Result<Vec<_>, _>>()?;
    running.iter_mut().for_each(|generation| generation.keep_logits(TOKENS));
    while running.iter().any(|generation| !generation.is_finished()) {
        model.step(&mut running.iter_mut().collect::<Vec<_>>())?;
    }
    let transcript = running.last().ok_or("nothing ran")?.transcript();
    let prompt = transcript.prompts.first().ok_or("no prompt")?;
    Ok(Numbers {
        image: image.tokens().to_dtype(DType::F32)?.flatten_all()?.to_vec1()?,
        logits: prompt.logits.clone(),
        steps: prompt.step_logits.clone(),
        tokens: prompt.generated.clone(),
    })
}

/// The length of the difference by that of the exact one; infinite where they cannot be compared.
fn distance(exact: &[f32], found: &[f32]) -> f64 {
    if exact.len() != found.len() || found.iter().any(|number| !number.is_finite()) {
        return f64::INFINITY;
    }
    let length = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|number| number * number).sum::<f64>().sqrt();
    let difference = length(&mut exact.iter().zip(found).map(|(exact, found)| f64::from(*exact) - f64::from(*found)));
    difference / length(&mut exact.iter().map(|exact| f64::from(*exact)))
}
