//! The folders of expected numbers, where they are at hand: `shared/golden` above the crate, or the one that
//! `AERIE_TEST_VISION_GOLDEN` names.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use aerie_vision::model::LoadOptions;
use aerie_vision::verify::verify;
use aerie_vision::weights::WeightType;

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
fn the_way_of_a_gpu_is_as_exact() {
    for folder in sets() {
        let options = LoadOptions { own_kernels: false, ..LoadOptions::default() };
        let report = verify(&folder, &options).unwrap();
        assert!(report.holds(), "{}: {report}", folder.display());
    }
}

#[test]
fn bf16_is_as_near_as_it_can_be() {
    let size = |folder: &PathBuf| std::fs::metadata(folder.join("golden.safetensors")).unwrap().len();
    // A GPU's way is so slow here that the smallest set has to do.
    let as_on_gpu = sets().into_iter().min_by_key(size);
    let own = sets().into_iter().map(|folder| (folder, true));
    for (folder, own_kernels) in own.chain(as_on_gpu.map(|folder| (folder, false))) {
        let options = LoadOptions { dtype: Some(WeightType::BF16), own_kernels, ..LoadOptions::default() };
        let report = verify(&folder, &options).unwrap();
        println!("{}: {:?} {:?}", folder.display(), report.largest_errors(), report.equal);
        assert!(report.holds(), "{}: {report}", folder.display());
        let is_compared = ["generated ids", "x bins"].iter().any(|answers| report.equal.contains_key(*answers));
        assert!(report.undecided > 0 && is_compared, "{}", folder.display());
    }
}

#[cfg(feature = "cuda")]
#[test]
fn a_gpu_is_as_exact() {
    let options = |dtype| aerie_vision::load_options("cuda:0", Some(dtype)).unwrap();
    let ways = [options("f32"), options("bf16"), LoadOptions { own_kernels: false, ..options("bf16") }];
    let without_graphs = LoadOptions { graphs: false, ..options("bf16") };
    for folder in sets() {
        for options in ways.iter().chain([&without_graphs]) {
            let report = verify(&folder, options).unwrap();
            assert!(report.holds(), "{} {:?}: {report}", folder.display(), options.dtype);
        }
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
