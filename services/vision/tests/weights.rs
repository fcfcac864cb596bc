//! Every layout, type and quantisation of the same weights.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "tiny/tiny.rs"]
mod tiny;

use std::collections::HashMap;
use std::path::Path;

use aerie_vision::model::{CaptionLength, Context, LoadOptions, Model, ModelError, Request, Sampling, TensorMismatch};
use aerie_vision::weights::{Quantization, quantize};
use candle_core::{DType, Device, Tensor};
use tiny::{picture, prefix, run};

type Tensors = HashMap<String, Tensor>;

fn read(folder: &Path) -> Tensors {
    candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap()
}

fn write(folder: &Path, tensors: &Tensors) {
    candle_core::safetensors::save(tensors, folder.join("model.safetensors")).unwrap();
}

/// The logits after a caption's prompt.
fn logits(folder: &Path, options: &LoadOptions) -> Vec<f32> {
    let model = Model::load(folder, options).unwrap();
    let image = prefix(&model, &picture(60, 30, 2));
    let request = Request::Caption { length: CaptionLength::Normal, sampling: Sampling::greedy(4) };
    let (generation, _) = run(&model, &request, Context::Image(image));
    generation.transcript().prompts[0].logits.clone()
}

fn largest_difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The name that the layout before 2025 gave to a tensor.
fn old_name(name: &str) -> String {
    let name = name.strip_prefix("model.").unwrap();
    let visual = "vision_encoder.encoder.model.visual";
    let renamed = match name {
        "vision.pos_emb" => format!("{visual}.pos_embed"),
        "text.wte" => "text_model.transformer.embd.wte.weight".to_owned(),
        "region.coord_features" => "region_model.coordinate_features.weight".to_owned(),
        "region.size_features" => "region_model.size_features.weight".to_owned(),
        other => other.to_owned(),
    };
    renamed
        .replace("vision.patch_emb.", &format!("{visual}.patch_embed.linear."))
        .replace("vision.post_ln.", &format!("{visual}.norm."))
        .replace("vision.blocks.", &format!("{visual}._orig_mod.blocks."))
        .replace("vision.proj_mlp.", "vision_encoder.projection.mlp.")
        .replace(".ln1.", ".norm1.")
        .replace(".ln2.", ".norm2.")
        .replace("text.blocks.", "text_model.transformer.h.")
        .replace("text.post_ln.", "text_model.lm_head.ln.")
        .replace("text.lm_head.", "text_model.lm_head.linear.")
        .replace("region.coord_", "region_model.coordinate_")
        .replace("region.size_", "region_model.size_")
}

fn in_old_layout(tensors: &Tensors) -> Tensors {
    let rename = |(name, tensor): (&String, &Tensor)| {
        let mut new = old_name(name);
        if new.starts_with("text_model.transformer.h.") {
            new = new.replace(".attn.qkv.", ".mixer.Wqkv.").replace(".attn.proj.", ".mixer.out_proj.");
        }
        let transposed = new.ends_with("features.weight");
        (new, if transposed { tensor.t().unwrap().contiguous().unwrap() } else { tensor.clone() })
    };
    tensors.iter().map(rename).collect()
}

#[test]
fn every_layout_gives_the_same_numbers() {
    let folder = tiny::folder(&tiny::config(), DType::BF16, 1);
    let plain = logits(folder.path(), &LoadOptions::default());
    let tensors = read(folder.path());

    write(folder.path(), &in_old_layout(&tensors));
    assert_eq!(logits(folder.path(), &LoadOptions::default()), plain, "the layout before 2025");

    let mut shards = [Tensors::new(), Tensors::new()];
    let mut map = serde_json::Map::new();
    for (index, (name, tensor)) in tensors.into_iter().enumerate() {
        map.insert(name.clone(), format!("shard-{}.safetensors", index % 2).into());
        shards[index % 2].insert(name, tensor);
    }
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    for (index, shard) in shards.iter().enumerate() {
        candle_core::safetensors::save(shard, folder.path().join(format!("shard-{index}.safetensors"))).unwrap();
    }
    let index = folder.path().join("model.safetensors.index.json");
    std::fs::write(&index, serde_json::json!({"metadata": {}, "weight_map": map}).to_string()).unwrap();
    assert_eq!(logits(folder.path(), &LoadOptions::default()), plain, "in shards");

    std::fs::write(&index, r#"{"weight_map": {"a": "../shard-0.safetensors"}}"#).unwrap();
    let error = Model::load(folder.path(), &LoadOptions::default()).err().unwrap().to_string();
    assert!(error.contains("shards must lie in the same folder"), "{error}");
}

#[test]
fn narrower_weights_are_close() {
    let folder = tiny::folder(&tiny::config(), DType::F32, 2);
    let exact = logits(folder.path(), &LoadOptions::default());
    for (dtype, most) in [(DType::F16, 0.02), (DType::BF16, 0.15)] {
        let options = LoadOptions { dtype: Some(dtype), ..LoadOptions::default() };
        let difference = largest_difference(&exact, &logits(folder.path(), &options));
        assert!(difference > 0.0 && difference < most, "{dtype:?}: {difference}");
    }
    let options = LoadOptions { dtype: Some(DType::I64), ..LoadOptions::default() };
    let error = Model::load(folder.path(), &options).err().unwrap().to_string();
    assert!(error.contains("use f32, bf16 or f16"), "{error}");
}

#[test]
fn quantised_weights_are_close_and_take_less_room() {
    let folder = tiny::folder(&tiny::config(), DType::F32, 3);
    let exact = logits(folder.path(), &LoadOptions::default());
    let spread = exact.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let target = tempfile::tempdir().unwrap();
    let mut sizes = Vec::new();
    for (name, most) in [("q8_0", 0.05), ("q4_k", 0.5), ("q4_0", 0.6)] {
        let target = target.path().join(name);
        let report = quantize(folder.path(), &target, name.parse::<Quantization>().unwrap()).unwrap();
        assert_eq!(report.quantized, 1 + 2 * 4 + 2 + 2 * 4 + 1);
        let difference = largest_difference(&exact, &logits(&target, &LoadOptions::default())) / spread;
        assert!(difference > 0.0 && difference < most, "{name}: {difference} of {spread}");
        sizes.push(report.bytes);
    }
    assert!(sizes[2] < sizes[0], "{sizes:?}");
    assert!("q5".parse::<Quantization>().unwrap_err().contains("use q8_0, q4_0 or q4_k"));
}

/// Packs `weight` as the 4-bit release does; the numbers must be exact in it.
fn pack(weight: &Tensor) -> [Tensor; 3] {
    let values: Vec<f32> = weight.flatten_all().unwrap().to_vec1().unwrap();
    let levels: Vec<u8> = values.iter().map(|value| (value * 16.0 + 8.0) as u8).collect();
    let (high, low) = levels.split_at(levels.len() / 2);
    let packed: Vec<u8> = high.iter().zip(low).map(|(high, low)| high << 4 | low).collect();
    let groups = levels.len() / 128;
    let column = |value: f32| Tensor::full(value, (groups, 1), &Device::Cpu).unwrap().to_dtype(DType::BF16).unwrap();
    [Tensor::from_vec(packed, (groups / 2, 128), &Device::Cpu).unwrap(), column(1.0 / 16.0), column(8.0)]
}

#[test]
fn packed_weights_are_unpacked() {
    let folder = tiny::folder(&tiny::config(), DType::F32, 4);
    let mut tensors = read(folder.path());
    let names: Vec<String> = tensors
        .keys()
        .filter(|name| (name.contains("text.blocks") || name.contains("decoder.fc1")) && name.ends_with("weight"))
        .filter(|name| !name.contains(".ln."))
        .cloned()
        .collect();
    for name in &names {
        let rounded = ((tensors[name].clone() * 16.0).unwrap().round().unwrap() / 16.0).unwrap();
        tensors.insert(name.clone(), rounded.clamp(-0.5f32, 0.4375f32).unwrap());
    }
    write(folder.path(), &tensors);
    let plain = logits(folder.path(), &LoadOptions::default());
    for name in names {
        let [packed, scale, zero_point] = pack(&tensors.remove(&name).unwrap());
        tensors.insert(format!("{name}.packed"), packed);
        tensors.insert(format!("{name}.scale"), scale);
        tensors.insert(format!("{name}.zero_point"), zero_point);
    }
    write(folder.path(), &tensors);
    assert_eq!(logits(folder.path(), &LoadOptions::default()), plain);
}

#[test]
fn tensors_that_do_not_fit_are_named_with_their_shape() {
    let folder = tiny::folder(&tiny::config(), DType::F32, 5);
    let mut tensors = read(folder.path());
    tensors.remove("model.text.wte");
    let narrow = Tensor::zeros((64, 63), DType::F32, &Device::Cpu).unwrap();
    tensors.insert("model.text.blocks.1.attn.proj.weight".to_owned(), narrow.clone());
    tensors.insert("model.text.blocks.2.ln.weight".to_owned(), narrow);
    write(folder.path(), &tensors);
    let Err(error) = Model::load(folder.path(), &LoadOptions::default()) else { panic!("it loads") };
    let message = error.to_string();
    let ModelError::Weights(TensorMismatch { missing, wrong, extra }) = error else { panic!("{message}") };
    assert_eq!(missing, [("text.wte".to_owned(), vec![300, 64])]);
    let expected = ("text.blocks.1.attn.proj.weight".to_owned(), "[64, 63] of f32".to_owned(), vec![64, 64]);
    assert_eq!(wrong, [expected]);
    assert_eq!(extra, ["text.blocks.2.ln.weight"]);
    assert!(message.contains("text.wte [300, 64] is missing"), "{message}");
    assert!(message.contains("attn.proj.weight is [64, 63] of f32 and should be [64, 64]"), "{message}");
    assert!(message.contains("text.blocks.2.ln.weight is not part of the model"), "{message}");
}

#[test]
fn a_folder_without_a_model_says_what_to_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let message = |folder: &Path| Model::load(folder, &LoadOptions::default()).err().unwrap().to_string();
    assert!(message(&folder.path().join("absent")).contains("is not a folder; point the setting at one"));
    assert!(message(folder.path()).contains("config.json is not usable"));
    std::fs::write(folder.path().join("config.json"), serde_json::to_vec(&tiny::config()).unwrap()).unwrap();
    assert!(message(folder.path()).contains("has none of tokenizer.json"));
    let whole = tiny::folder(&tiny::config(), DType::F32, 6);
    std::fs::copy(whole.path().join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    assert!(message(folder.path()).contains("has none of model.safetensors"));
    for name in ["model.gguf", "model.safetensors"] {
        std::fs::write(folder.path().join(name), b"not weights at all").unwrap();
        assert!(message(folder.path()).contains(&format!("{name} is not usable")));
    }
    let cut = std::fs::read(whole.path().join("model.safetensors")).unwrap();
    std::fs::write(folder.path().join("model.safetensors"), &cut[..cut.len() - 5]).unwrap();
    assert!(message(folder.path()).contains("model.safetensors is not usable"));
}

#[test]
fn adapters_change_their_own_requests() {
    let config = tiny::config();
    let folder = tiny::folder(&config, DType::F32, 7);
    let model = Model::load(folder.path(), &LoadOptions::default()).unwrap();
    let file = folder.path().join("lora.safetensors");
    let random = |rows: usize, columns: usize| Tensor::randn(0f32, 0.3, (rows, columns), &Device::Cpu).unwrap();
    let mut adapters = Tensors::new();
    adapters.insert("text.blocks.0.attn.proj.A".to_owned(), random(3, 64));
    adapters.insert("text.blocks.0.attn.proj.B".to_owned(), random(64, 3));
    candle_core::safetensors::save(&adapters, &file).unwrap();
    let variant = model.load_variant(&file).unwrap();
    let crops = model.cut(&picture(16, 16, 1)).unwrap();
    let embedding = model.encode_images(&[&crops], 1).unwrap().pop().unwrap();
    let request = Request::Caption { length: CaptionLength::Normal, sampling: Sampling::greedy(4) };
    let plain = model.prefill_image(&embedding, None).unwrap();
    let adapted = model.prefill_image(&embedding, Some(variant)).unwrap();
    let logits = |context| run(&model, &request, Context::Image(context)).0.transcript().prompts[0].logits.clone();
    assert!(largest_difference(&logits(plain.clone()), &logits(adapted.clone())) > 0.01);

    let mut one = model.start(&request, Context::Image(plain.clone())).unwrap();
    let mut other = model.start(&request, Context::Image(adapted.clone())).unwrap();
    one.keep_logits(0);
    other.keep_logits(0);
    model.step(&mut [&mut one, &mut other]).unwrap();
    assert!(largest_difference(&one.transcript().prompts[0].logits, &logits(plain)) < 2e-5);
    assert!(largest_difference(&other.transcript().prompts[0].logits, &logits(adapted)) < 2e-5);

    adapters.insert("text.blocks.0.attn.qkv.A".to_owned(), random(3, 64));
    adapters.insert("text.blocks.9.attn.qkv.A".to_owned(), random(3, 64));
    candle_core::safetensors::save(&adapters, &file).unwrap();
    let message = model.load_variant(&file).err().unwrap().to_string();
    assert!(message.contains("text.blocks.0.attn.qkv.B"), "{message}");
    assert!(message.contains("text.blocks.9.attn.qkv.A is not part"), "{message}");
}
