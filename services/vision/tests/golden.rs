//! The folders of expected numbers, where they are at hand: `shared/golden` above the crate, or the one that
//! `AERIE_TEST_VISION_GOLDEN` names.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use aerie_vision::model::LoadOptions;
use aerie_vision::verify::verify;

fn sets() -> Vec<PathBuf> {
    let named = std::env::var_os("AERIE_TEST_VISION_GOLDEN").map(PathBuf::from);
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared = || own.ancestors().map(|folder| folder.join("shared/golden/moondream2")).find(|path| path.is_dir());
    let Some(root) = named.or_else(shared) else {
        println!("skipped: no folder shared/golden/moondream2 above the crate");
        return Vec::new();
    };
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|folder| folder.join("golden.json").is_file()).collect()
}

#[test]
fn every_set_is_reproduced() {
    for folder in sets() {
        let report = verify(&folder, &LoadOptions::default()).unwrap();
        println!("{}: {:?} {:?}", folder.display(), report.largest_errors(), report.equal);
        assert!(report.holds(), "{}: {report}", folder.display());
        assert!(report.unchecked.is_empty(), "{:?}", report.unchecked);
    }
}

#[test]
fn what_differs_is_named() {
    let Some(set) = sets().into_iter().min() else { return };
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("images")).unwrap();
    for folder in ["", "images"] {
        for entry in std::fs::read_dir(set.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, copy.path().join(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let tokenizer = set.ancestors().map(|folder| folder.join("tokenizer.json")).find(|file| file.is_file()).unwrap();
    std::fs::copy(tokenizer, copy.path().join("tokenizer.json")).unwrap();
    let file = copy.path().join("golden.json");
    let mut golden: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let request = &mut golden["images"]["small"]["requests"]["caption_short"];
    request["generated_ids"][0] = 1.into();
    request["stream_chunks"][0] = "other".into();
    golden["tolerance"]["f32"]["logits"] = 1e-9.into();
    std::fs::write(&file, golden.to_string()).unwrap();
    let report = verify(copy.path(), &LoadOptions::default()).unwrap();
    assert!(!report.holds());
    // Alone, joined in three ways, encoded anew, and where there are adapters beside them.
    let ways = if set.join("lora.safetensors").is_file() { 6 } else { 5 };
    assert_eq!(report.differences.len(), 2 * ways, "{report}");
    let text = report.to_string();
    assert!(text.contains("FAIL small.caption_short, all at once: generated ids: expected [1,"), "{text}");
    assert!(text.contains("FAIL small.caption_short.prefill_logits: largest error"), "{text}");
}
