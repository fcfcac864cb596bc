//! candle-transformers' own model: the network of the year before, which differs in the width of one layer.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use candle_core::{DType, Device, Module, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use candle_transformers::models::{moondream, quantized_moondream};
use candle_transformers::quantized_var_builder;

use crate::{Result, best};

/// Positions that are read beside the picture: the first one, and a prompt that makes 744 of all.
const PROMPT: usize = 14;
/// Steps of a decoding that are timed.
const STEPS: usize = 8;

/// Runs both parts of a model of either form, which share their functions but no trait.
macro_rules! figures {
    ($model:expr, $kind:expr) => {{
        let mut model = $model;
        let dtype = if $kind == "bf16" { DType::BF16 } else { DType::F32 };
        let picture = Tensor::randn(0f32, 1f32, (1, 3, 378, 378), &Device::Cpu)?.to_dtype(dtype)?;
        let mut image = model.vision_encoder().forward(&picture)?;
        let crop = best(2, || {
            image = model.vision_encoder().forward(&picture)?;
            Ok(())
        })?;
        let (first, prompt) = (tokens(1)?, tokens(PROMPT)?);
        let prefill = best(2, || {
            model.text_model().clear_kv_cache();
            model.text_model().forward_with_img(&first, &prompt, &image)?;
            Ok(())
        })?;
        let step = best(STEPS, || {
            model.text_model().forward(&first)?;
            Ok(())
        })?;
        vec![crop, prefill, 1.0 / step]
    }};
}

/// Seconds for a crop and for 744 positions, tokens a second.
pub fn measure(folder: &Path, kind: &str) -> Result<Vec<f64>> {
    let config = moondream::Config::v2();
    let weights = Arc::new(Random::default());
    let dtype = if kind == "bf16" { DType::BF16 } else { DType::F32 };
    if matches!(kind, "bf16" | "f32") {
        return Ok(figures!(moondream::Model::new(&config, builder(&weights, dtype))?, kind));
    }
    // Making the model once tells which tensors it wants.
    weights.forget_numbers();
    drop(moondream::Model::new(&config, builder(&weights, DType::F32))?);
    std::fs::create_dir_all(folder)?;
    let file = folder.join("candle.gguf");
    write(&file, &weights.seen(), kind)?;
    let read = quantized_var_builder::VarBuilder::from_gguf(&file, &Device::Cpu);
    std::fs::remove_file(&file)?;
    Ok(figures!(quantized_moondream::Model::new(&config, read?)?, kind))
}

fn tokens(count: usize) -> Result<Tensor> {
    Ok(Tensor::full(5u32, (1, count), &Device::Cpu)?)
}

fn builder(weights: &Arc<Random>, dtype: DType) -> VarBuilder<'static> {
    VarBuilder::from_backend(Box::new(Shared(Arc::clone(weights))), dtype, Device::Cpu)
}

/// Gives every tensor random numbers, and remembers what was asked for.
#[derive(Default)]
struct Random {
    seen: Mutex<Vec<(String, Shape)>>,
    only_names: std::sync::atomic::AtomicBool,
}

struct Shared(Arc<Random>);

impl Random {
    fn forget_numbers(&self) {
        self.only_names.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    fn seen(&self) -> Vec<(String, Shape)> {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }
}

impl SimpleBackend for Shared {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        if let Ok(mut seen) = self.0.seen.lock() {
            seen.push((name.to_owned(), shape.clone()));
        }
        if self.0.only_names.load(std::sync::atomic::Ordering::Relaxed) {
            // Memory that nobody writes to is not taken.
            return Tensor::zeros(shape, dtype, device);
        }
        random(&shape)?.to_dtype(dtype)?.to_device(device)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("{name} is asked for without a shape")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

/// Numbers that keep the size of what flows through them.
fn random(shape: &Shape) -> candle_core::Result<Tensor> {
    let inputs = *shape.dims().last().unwrap_or(&1);
    let spread = if shape.rank() > 1 { (3.0 / inputs as f32).sqrt() } else { 0.1 };
    let mut state = shape.elem_count() as u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * spread
    };
    Tensor::from_vec(std::iter::repeat_with(next).take(shape.elem_count()).collect::<Vec<f32>>(), shape, &Device::Cpu)
}

/// Writes all tensors, the linear layers as `kind` or, where their rows are no whole blocks of it, as near to it as can be.
fn write(file: &Path, tensors: &[(String, Shape)], kind: &str) -> Result<()> {
    let mut written = Vec::with_capacity(tensors.len());
    for (name, shape) in tensors {
        let inputs = *shape.dims().last().unwrap_or(&1);
        let is_linear = shape.rank() == 2 && !name.ends_with("wte.weight");
        let dtype = match kind {
            _ if !is_linear || !inputs.is_multiple_of(32) => GgmlDType::F32,
            "q4_k" if inputs.is_multiple_of(256) => GgmlDType::Q4K,
            _ => GgmlDType::Q8_0,
        };
        written.push((name.as_str(), QTensor::quantize(&random(shape)?, dtype)?));
    }
    let list: Vec<(&str, &QTensor)> = written.iter().map(|(name, tensor)| (*name, tensor)).collect();
    gguf_file::write(&mut File::create(file)?, &[], &list)?;
    Ok(())
}
