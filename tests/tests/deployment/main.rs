//! The files of `deploy`: manifests for Kubernetes, images, compose files, dashboards and alerts. Nothing here needs a
//! cluster or a container engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrows;
mod images;
mod manifests;
mod operator;
mod queries;
mod rules;
mod schemas;
mod settings;

use std::path::PathBuf;

use aerie_tests::tools::root;

/// Every overlay.
const OVERLAYS: [&str; 3] = ["single-node", "production", "gpu"];

fn deploy() -> PathBuf {
    root().join("deploy")
}
