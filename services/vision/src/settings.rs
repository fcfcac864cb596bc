//! From the settings to what the engine is made of.

use std::path::Path;

use aerie_config::Vision;
use candle_core::{DType, Device};

use crate::engine::{EngineSettings, EngineSource};
use crate::image::ImageLimits;
use crate::memory::free_bytes;
use crate::model::LoadOptions;

/// Most memory of the machine for keys and values that is taken unasked. A GPU's is the model's alone.
const MOST_CACHE: u64 = 4 << 30;
/// Least memory for keys and values: an image of the real model (287 MB in f32) and a long answer about it (412 MB), twice.
const LEAST_CACHE: u64 = 3 << 29;
/// What to do where no model is.
const FETCH: &str = "download one with `aerie vision fetch` (about 4 GB) and name its folder in vision.model";

/// The model that the settings name.
pub(crate) fn source(settings: &Vision) -> EngineSource {
    let Some(folder) = &settings.model else {
        return EngineSource::Missing(format!("no vision model is configured; {FETCH}"));
    };
    if !folder.join("config.json").is_file() {
        let folder = folder.display();
        return EngineSource::Missing(format!("vision.model is {folder}, which holds no config.json; {FETCH}"));
    }
    match load_options(&settings.device, settings.dtype.as_deref()) {
        Ok(mut options) => {
            options.cache_budget = match settings.cache_bytes {
                0 => usual_cache(&options.device, weight_bytes(folder)),
                bytes => bytes,
            };
            let (folder, variants) = (folder.clone(), settings.variants.clone());
            EngineSource::Folder { name: model_name(&folder), folder, options, variants }
        }
        Err(message) => EngineSource::Unusable(message),
    }
}

/// The engine's limits.
pub(crate) fn engine(settings: &Vision) -> EngineSettings {
    let limits = &settings.limits;
    EngineSettings {
        queue: settings.queue.depth,
        queue_per_caller: settings.queue.depth_per_caller,
        batch: settings.batch,
        encode_tokens: settings.encode_tokens,
        image_share: settings.image_share,
        decoders: settings.decoders,
        image: ImageLimits { bytes: limits.image_bytes, pixels: limits.image_pixels, side: limits.image_side },
        max_tokens: limits.max_tokens,
        deadline: settings.queue.deadline(),
    }
}

/// Where and how a model is loaded: `device` is `auto`, `cpu` or `cuda:N`, `dtype` is `f32`, `bf16` or `f16`.
///
/// # Errors
/// A sentence naming a device that is not there, or a word that is not known.
pub fn load_options(device: &str, dtype: Option<&str>) -> Result<LoadOptions, String> {
    let dtype = match dtype {
        None => None,
        Some("f32") => Some(DType::F32),
        Some("bf16") => Some(DType::BF16),
        Some("f16") => Some(DType::F16),
        Some(other) => return Err(format!("weights are not kept as \"{other}\"; write f32, bf16 or f16")),
    };
    let cuda = |number: usize| {
        if !cfg!(feature = "cuda") {
            let message = "this program has no code for GPUs; start the build for them (`cargo xtask cuda`)";
            return Err(format!("{message}, or write cpu or auto"));
        }
        let no_device = |error| format!("CUDA device {number} cannot be used ({error}); write cpu or auto");
        #[cfg(feature = "cuda")]
        return crate::cuda::open(number).map_err(no_device);
        #[cfg(not(feature = "cuda"))]
        Device::new_cuda(number).map_err(no_device)
    };
    let device = match device {
        "cpu" => Device::Cpu,
        // Without a driver or without the code for it there is the processor.
        "auto" => cuda(0).unwrap_or(Device::Cpu),
        other => match other.strip_prefix("cuda:").and_then(|number| number.parse().ok()) {
            Some(number) => cuda(number)?,
            None => return Err(format!("\"{other}\" is no device; write auto, cpu, or cuda:0")),
        },
    };
    Ok(LoadOptions { device, dtype, ..LoadOptions::default() })
}

/// Half of what is free beside the weights, within bounds. The other half is for what is computed.
fn usual_cache(device: &Device, weights: u64) -> u64 {
    let most = if device.is_cpu() { MOST_CACHE } else { u64::MAX };
    let free = free_bytes(device).unwrap_or(MOST_CACHE);
    (free.saturating_sub(weights) / 2).clamp(LEAST_CACHE, most)
}

/// Bytes of the files with weights.
fn weight_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let weights = files.filter(|file| {
        let path = file.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("safetensors" | "gguf"))
    });
    // Links of the hub's cache are followed.
    weights.filter_map(|file| std::fs::metadata(file.path()).ok()).map(|data| data.len()).sum()
}

/// The model's name: folders in the hub's cache are named after the revision, others by people.
fn model_name(folder: &Path) -> String {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("model");
    format!("moondream2@{name}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn devices_and_types_are_read_and_what_is_none_is_named() {
        assert!(load_options("cpu", Some("bf16")).is_ok_and(|options| options.dtype == Some(DType::BF16)));
        assert!(load_options("auto", None).is_ok_and(|options| options.dtype.is_none()));
        assert!(load_options("tpu", None).unwrap_err().contains("\"tpu\" is no device"));
        assert!(load_options("cuda:x", None).unwrap_err().contains("\"cuda:x\" is no device"));
        assert!(load_options("cpu", Some("q8")).unwrap_err().contains("\"q8\""));
    }

    #[test]
    fn the_usual_cache_keeps_to_its_bounds_whatever_is_free() {
        for weights in [0, 4 << 30, u64::MAX] {
            assert!((LEAST_CACHE..=MOST_CACHE).contains(&usual_cache(&Device::Cpu, weights)));
        }
    }

    #[test]
    fn weights_are_counted_and_the_folder_names_the_model() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.safetensors"), [0; 10]).unwrap();
        std::fs::write(folder.path().join("config.json"), "{}").unwrap();
        assert_eq!(weight_bytes(folder.path()), 10);
        assert_eq!(model_name(Path::new("/models/2025-06-21")), "moondream2@2025-06-21");
    }
}
