//! What the service holds after many requests is what it held after the first ones.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use aerie_vision::engine::{EngineSettings, EngineSource, State, start};
use aerie_vision::model::LoadOptions;
use aerie_vision::testing::{ask_mixed, resident_bytes, tiny_config};
use aerie_vision::weights::{WeightType, write_random_model};

/// Bytes that an allocator may keep for itself.
const SLACK: f64 = 3e6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_flat_over_many_mixed_requests() {
    let folder = tempfile::tempdir().unwrap();
    write_random_model(folder.path(), &tiny_config(), WeightType::F32, 1).unwrap();
    // So small that images leave it again and again.
    let options = LoadOptions { cache_budget: 2 << 20, ..LoadOptions::default() };
    let source = EngineSource::Folder {
        folder: folder.path().to_owned(),
        name: "tiny".into(),
        options,
        variants: Default::default(),
    };
    let engine = start(source, EngineSettings::default()).unwrap();
    engine.state().wait_for(|state| matches!(state, State::Ready(_))).await.unwrap();
    ask_mixed(&engine, 0..300).await.unwrap();
    let (_, early) = resident_bytes().unwrap();
    ask_mixed(&engine, 300..1_000).await.unwrap();
    let (_, late) = resident_bytes().unwrap();
    assert!(late <= early + SLACK, "{early} bytes after 300 requests, {late} after 1,000");
    assert!(engine.cache_used() <= 2 << 20);
}
