//! The names that releases gave to the same tensors.
//!
//! Canonical is the layout of 2025 without its prefix: `text.blocks.0.attn.qkv.weight`. The layout before it begins
//! with `vision_encoder`, `text_model` or `region_model` and has the two Fourier matrices transposed.

use std::collections::BTreeMap;

use super::packed::PACKED_PARTS;
use super::stored::{RawTensor, StoredTensor};
use crate::model::ModelError;

/// Prefixes of the older layout and what they became, the longer ones first.
const OLD_PREFIXES: [(&str, &str); 12] = [
    ("vision_encoder.encoder.model.visual.patch_embed.linear.", "vision.patch_emb."),
    ("vision_encoder.encoder.model.visual.pos_embed", "vision.pos_emb"),
    ("vision_encoder.encoder.model.visual.norm.", "vision.post_ln."),
    ("vision_encoder.encoder.model.visual.blocks.", "vision.blocks."),
    ("vision_encoder.projection.mlp.", "vision.proj_mlp."),
    ("text_model.transformer.embd.wte.weight", "text.wte"),
    ("text_model.transformer.h.", "text.blocks."),
    ("text_model.lm_head.ln.", "text.post_ln."),
    ("text_model.lm_head.linear.", "text.lm_head."),
    ("region_model.coordinate_features.weight", "region.coord_features"),
    ("region_model.size_features.weight", "region.size_features"),
    ("region_model.", "region."),
];

/// Parts inside a name of the older layout and what they became.
const OLD_PARTS: [(&str, &str); 5] = [
    (".norm1.", ".ln1."),
    (".norm2.", ".ln2."),
    (".mixer.Wqkv.", ".attn.qkv."),
    (".mixer.out_proj.", ".attn.proj."),
    ("region.coordinate_", "region.coord_"),
];

/// Names stored transposed in the older layout.
const OLD_TRANSPOSED: [&str; 2] = ["region.coord_features", "region.size_features"];

/// The canonical name of a tensor, and whether its file holds it transposed.
pub(crate) fn canonical_name(name: &str) -> (String, bool) {
    let name = name.replace("._orig_mod", "");
    let name = name.strip_prefix("model.").unwrap_or(&name);
    let Some((old, new)) = OLD_PREFIXES.iter().find(|(old, _)| name.starts_with(old)) else {
        return (name.to_owned(), false);
    };
    let mut renamed = format!("{new}{}", &name[old.len()..]);
    for (old, new) in OLD_PARTS {
        renamed = renamed.replacen(old, new, 1);
    }
    let transposed = OLD_TRANSPOSED.contains(&renamed.as_str());
    (renamed, transposed)
}

/// `tensors` by canonical name, with the three parts of a packed weight put together.
pub(crate) fn canonical(tensors: Vec<(String, RawTensor)>) -> Result<BTreeMap<String, StoredTensor>, ModelError> {
    let mut named = BTreeMap::new();
    for (name, tensor) in tensors {
        let (name, transposed) = canonical_name(&name);
        let file = tensor.file().to_owned();
        if named.insert(name.clone(), (tensor, transposed)).is_some() {
            return Err(ModelError::file(&file, format!("tensor {name} is there twice")));
        }
    }
    let mut stored = BTreeMap::new();
    let bases: Vec<String> =
        named.keys().filter_map(|name| Some(name.strip_suffix(PACKED_PARTS[0])?.to_owned())).collect();
    for base in bases {
        let mut part = |suffix: &str| named.remove(&format!("{base}{suffix}")).map(|(tensor, _)| tensor);
        let [packed, scale, zero_point] = PACKED_PARTS.map(&mut part);
        if let (Some(packed), Some(scale), Some(zero_point)) = (packed, scale, zero_point) {
            stored.insert(base, StoredTensor::Packed { packed, scale, zero_point });
        }
    }
    let plain =
        named.into_iter().map(|(name, (tensor, transposed))| (name, StoredTensor::Plain { tensor, transposed }));
    stored.extend(plain);
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_give_the_same_names() {
        let visual = "vision_encoder.encoder.model.visual";
        for (found, name, transposed) in [
            ("model.text.blocks.3.attn.qkv.weight".to_owned(), "text.blocks.3.attn.qkv.weight", false),
            ("text._orig_mod.blocks.3.ln.bias".to_owned(), "text.blocks.3.ln.bias", false),
            ("model.vision._orig_mod.pos_emb".to_owned(), "vision.pos_emb", false),
            (format!("{visual}.patch_embed.linear.bias"), "vision.patch_emb.bias", false),
            (format!("{visual}.pos_embed"), "vision.pos_emb", false),
            (format!("{visual}.norm.weight"), "vision.post_ln.weight", false),
            (format!("{visual}.blocks.11.norm2.bias"), "vision.blocks.11.ln2.bias", false),
            (format!("{visual}.blocks.11.mlp.fc1.weight"), "vision.blocks.11.mlp.fc1.weight", false),
            ("vision_encoder.projection.mlp.fc2.bias".to_owned(), "vision.proj_mlp.fc2.bias", false),
            ("text_model.transformer.embd.wte.weight".to_owned(), "text.wte", false),
            ("text_model.transformer.h.5.mixer.Wqkv.bias".to_owned(), "text.blocks.5.attn.qkv.bias", false),
            ("text_model.transformer.h.5.mixer.out_proj.weight".to_owned(), "text.blocks.5.attn.proj.weight", false),
            ("text_model.lm_head.ln.weight".to_owned(), "text.post_ln.weight", false),
            ("text_model.lm_head.linear.bias".to_owned(), "text.lm_head.bias", false),
            ("region_model.coordinate_encoder.weight".to_owned(), "region.coord_encoder.weight", false),
            ("region_model.size_decoder.fc1.bias".to_owned(), "region.size_decoder.fc1.bias", false),
            ("region_model.coordinate_features.weight".to_owned(), "region.coord_features", true),
            ("region_model.size_features.weight".to_owned(), "region.size_features", true),
        ] {
            assert_eq!(canonical_name(&found), (name.to_owned(), transposed), "{found}");
        }
    }
}
