//! The rules of the tree: what may depend on what, where a library may be used, how long a file may be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use aerie_tests::tools::root;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// From the ground up: a crate depends on crates of the layers above its own line only.
const LAYERS: [&[&str]; 7] = [
    &["aerie-proto", "aerie-config", "aerie-telemetry", "aerie-postings", "aerie-network"],
    &["aerie-store", "aerie-rpc", "aerie-boards", "aerie-hub", "aerie-mail", "aerie-matching", "aerie-embedding"],
    &["aerie-events", "aerie-documents", "aerie-integrations"],
    &["aerie-tasks", "aerie-eval", "aerie-testkit", "aerie-typesetting"],
    &["aerie-gateway", "aerie-pipeline", "aerie-llm-router", "aerie-vision"],
    &["aerie"],
    &["aerie-tests", "xtask"],
];

/// Where a library may be named; libraries that begin with the name count too. Tests may use them anywhere.
const LIBRARIES: [(&str, &[&str]); 7] = [
    ("async-nats", &["aerie-events"]),
    ("sqlx", &["aerie-store", "aerie-tasks"]),
    ("libsqlite3-sys", &["aerie-store"]),
    ("axum", &["aerie-gateway", "aerie-rpc", "aerie-testkit"]),
    ("candle", &["aerie-embedding", "aerie-vision"]),
    (
        "tonic",
        &[
            "aerie-proto",
            "aerie-rpc",
            "aerie-gateway",
            "aerie-pipeline",
            "aerie-llm-router",
            "aerie-vision",
            "aerie",
            "aerie-tests",
        ],
    ),
    ("reqwest", &["aerie-boards", "aerie-gateway", "aerie-hub", "aerie-integrations", "aerie-llm-router"]),
];

/// What tests of any crate may use, wherever it stands.
const FOR_TESTS: &str = "aerie-testkit";
/// Longest source file.
const MOST_LINES: usize = 600;

fn workspace() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().other_options(vec!["--offline".to_owned()]);
    command.exec().expect("cargo metadata")
}

fn layer_of(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// The workspace's own crates among a package's dependencies that break the direction.
fn wrong_ways(package: &Package) -> Vec<String> {
    let Some(own) = layer_of(&package.name) else {
        return vec![format!("{} stands in no layer; give it a place in LAYERS", package.name)];
    };
    let breaks = |name: &str, kind: DependencyKind| match layer_of(name) {
        None => false,
        Some(_) if kind == DependencyKind::Development && name == FOR_TESTS => false,
        Some(other) => other >= own,
    };
    let wrong = package.dependencies.iter().filter(|dependency| breaks(&dependency.name, dependency.kind));
    wrong.map(|dependency| format!("{} depends on {} ({:?})", package.name, dependency.name, dependency.kind)).collect()
}

#[test]
fn dependencies_point_downwards() {
    let metadata = workspace();
    assert!(metadata.packages.len() >= 18, "only {} packages were found", metadata.packages.len());
    let wrong: Vec<String> = metadata.packages.iter().flat_map(wrong_ways).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_layer_is_of_crates_that_exist() {
    let metadata = workspace();
    for name in LAYERS.iter().flat_map(|layer| layer.iter()) {
        assert!(metadata.packages.iter().any(|package| package.name == *name), "{name} is gone; take it out of LAYERS");
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for package in &workspace().packages {
        for dependency in package.dependencies.iter().filter(|known| known.kind != DependencyKind::Development) {
            let rule = LIBRARIES.iter().find(|(library, _)| {
                dependency.name.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            });
            if rule.is_some_and(|(_, homes)| !homes.contains(&package.name.as_str())) {
                wrong.push(format!("{} uses {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_notice_what_breaks_them() {
    let mut metadata = workspace();
    let position = metadata.packages.iter().position(|package| package.name == "aerie-store").unwrap();
    let tasks = metadata.packages.iter().find(|package| package.name == "aerie-tasks").unwrap();
    let mut upward = tasks.dependencies.iter().find(|known| known.name == "aerie-store").unwrap().clone();
    upward.name = "aerie-pipeline".into();
    let store = &mut metadata.packages[position];
    assert!(wrong_ways(store).is_empty());
    store.dependencies.push(upward.clone());
    assert_eq!(wrong_ways(store), ["aerie-store depends on aerie-pipeline (Normal)"]);
    let gateway = metadata.packages.iter_mut().find(|package| package.name == "aerie-gateway").unwrap();
    gateway.dependencies.push(upward);
    assert_eq!(wrong_ways(gateway).len(), 1, "services do not know each other");
}

/// Every Rust file of the tree that people write.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "fuzz", "proto", "services", "src", "tests", "xtask"].map(|name| root().join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && name != "node_modules" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 100, "only {} files were found", found.len());
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = sources()
        .iter()
        .map(|path| (path, fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines; split it", shown(path)))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn modules_are_named_after_what_they_hold() {
    let unnamed: Vec<String> =
        sources().iter().filter(|path| path.ends_with("mod.rs")).map(|path| shown(path)).collect();
    assert!(unnamed.is_empty(), "{unnamed:?}: write name.rs beside the folder name/");
}

/// Whether a file may speak of gRPC statuses: `rpc`, the gateway (which is nothing but an edge), the `grpc` module of a
/// service, a service that is a single file, the command line (which is a client), examples and tests.
fn speaks_grpc(path: &str, single_files: &[String]) -> bool {
    let allowed = ["crates/rpc/", "services/gateway/", "src/", "tests/"];
    allowed.iter().any(|start| path.starts_with(start))
        || path.contains("/src/grpc/")
        || path.ends_with("/src/grpc.rs")
        || path.contains("/examples/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || single_files.iter().any(|service| path.starts_with(service.as_str()))
}

#[test]
fn grpc_statuses_stay_at_the_edge() {
    let services: Vec<PathBuf> =
        fs::read_dir(root().join("services")).unwrap().flatten().map(|one| one.path()).collect();
    let is_single = |service: &PathBuf| fs::read_dir(service.join("src")).is_ok_and(|files| files.count() == 1);
    let single: Vec<String> =
        services.iter().filter(|one| is_single(one)).map(|service| format!("{}/", shown(service))).collect();
    let mut wrong = Vec::new();
    for path in sources() {
        let name = shown(&path);
        if name == "tests/tests/dependency_rules.rs" || speaks_grpc(&name, &single) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // Uses may stand on several lines; ends at the semicolon.
        let imported = text.split("use tonic::").skip(1).any(|rest| {
            let list = rest.split(';').next().unwrap_or_default();
            list.split(|character: char| !character.is_alphanumeric()).any(|word| word == "Status")
        });
        if imported || text.contains("tonic::Status") {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "these name tonic::Status outside rpc and the services' grpc modules: {wrong:?}");
}
