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
