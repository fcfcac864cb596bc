//! Many mixed requests: all are answered, and what the service holds after them is what it held after the first ones.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use aerie_vision::engine::{Engine, EngineSettings, EngineSource, State, start};
use aerie_vision::model::LoadOptions;
use aerie_vision::testing::{ask_mixed, resident_bytes, tiny_config};
use aerie_vision::weights::{WeightType, write_random_model};

/// Bytes that an allocator may keep for itself.
const SLACK: f64 = 3e6;

/// A service with so many bytes for keys and values.
async fn engine(folder: &Path, cache_budget: u64) -> Engine {
    let options = LoadOptions { cache_budget, ..LoadOptions::default() };
    let source =
        EngineSource::Folder { folder: folder.to_owned(), name: "tiny".into(), options, variants: Default::default() };
    let engine = start(source, EngineSettings::default()).unwrap();
    engine.state().wait_for(|state| matches!(state, State::Ready(_))).await.unwrap();
    engine
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_flat_over_many_mixed_requests() {
    let folder = tempfile::tempdir().unwrap();
    write_random_model(folder.path(), &tiny_config(), WeightType::F32, 1).unwrap();
    // So small that images leave it again and again.
    let engine = engine(folder.path(), 2 << 20).await;
    ask_mixed(&engine, 0..300).await.unwrap();
    let (_, early) = resident_bytes().unwrap();
    ask_mixed(&engine, 300..1_000).await.unwrap();
    let (_, late) = resident_bytes().unwrap();
    assert!(late <= early + SLACK, "{early} bytes after 300 requests, {late} after 1,000");
    assert!(engine.cache_used() <= 2 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_hold_all_images_do_not_stop_those_who_wait_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny_config();
    // An image of as many positions as a real one, beside which a request takes little.
    (config.vision.crop_size, config.vision.overlap_margin) = (108, 4);
    (config.text.prefix_attn, config.text.max_context) = (730, 2048);
    write_random_model(folder.path(), &config, WeightType::F32, 1).unwrap();
    let text = &config.text;
    let image = (730 * 2 * 4 * text.n_layers * text.kv_dim()) as u64;
    // Three images in their half, of the four that are asked about again and again and some new ones.
    let engine = engine(folder.path(), image * 15 / 2).await;
    let answered = tokio::time::timeout(Duration::from_secs(60), ask_mixed(&engine, 0..400)).await;
    // Else they wait for each other.
    answered.unwrap().unwrap();
}
