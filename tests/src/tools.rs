//! Programs that tests need from outside.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::bail;

/// Set by `cargo xtask test`, which installs every tool: then a missing one is a failure.
const REQUIRED: &str = "AERIE_REQUIRE_SERVERS";

/// What to say when `what` is missing: nothing to do without it, or a failure where every tool is promised.
///
/// # Errors
/// The tool is required here.
pub fn skipped<T>(what: &str) -> anyhow::Result<Option<T>> {
    if env::var_os(REQUIRED).is_some_and(|value| value != "0" && !value.is_empty()) {
        bail!("{what} is missing; `cargo xtask test` installs or builds it");
    }
    println!("skipped: {what} is missing; `cargo xtask test` installs or builds it");
    Ok(None)
}

/// The `buf` command.
///
/// # Errors
/// It is missing and required.
pub fn buf() -> anyhow::Result<Option<PathBuf>> {
    let buf = env::var_os("AERIE_TEST_BUF").map_or_else(|| PathBuf::from("buf"), PathBuf::from);
    if runs(&buf, &["--version"]) { Ok(Some(buf)) } else { skipped("buf") }
}

/// A Python with grpcio, grpcio-tools and grpcio-reflection.
///
/// # Errors
/// It is missing and required.
pub fn python() -> anyhow::Result<Option<PathBuf>> {
    let python = env::var_os("AERIE_TEST_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let modules = "import grpc, grpc_tools.protoc, grpc_reflection.v1alpha.proto_reflection_descriptor_database";
    if runs(&python, &["-c", modules]) { Ok(Some(python)) } else { skipped("Python with grpcio-tools") }
}

/// A Python that has this module as well.
///
/// # Errors
/// It is missing and required.
pub fn python_with(module: &str) -> anyhow::Result<Option<PathBuf>> {
    let Some(python) = python()? else { return Ok(None) };
    let import = format!("import {module}");
    if runs(&python, &["-c", &import]) { Ok(Some(python)) } else { skipped(&format!("Python with {module}")) }
}

/// Rotel, a collector of traces (<https://github.com/streamfold/rotel>), which comes as a Python package.
///
/// # Errors
/// It is missing and required.
pub fn rotel() -> anyhow::Result<Option<PathBuf>> {
    let Some(python) = python_with("rotel")? else { return Ok(None) };
    let script = "import pathlib, rotel; print(pathlib.Path(rotel.__file__).with_name('rotel-agent'))";
    let output = Command::new(python).args(["-c", script]).output()?;
    Ok(Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())))
}

/// The library that gives a program another time (Debian: faketime), to be loaded before its own.
///
/// # Errors
/// It is missing and required.
pub fn faketime() -> anyhow::Result<Option<PathBuf>> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    match libraries.find(|library| library.exists()) {
        Some(library) => Ok(Some(library)),
        None => skipped("libfaketime"),
    }
}

fn runs(program: &PathBuf, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// The smallest PNG: one grey pixel.
pub const PIXEL: [u8; 67] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49,
    0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
