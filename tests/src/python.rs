//! Programs in Python: the modules that they need, and what they said.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::ensure;

use crate::tools;

/// Generates the modules of these packages' services, and of the details of errors, into `folder`.
///
/// # Errors
/// The generator fails; the error has what it said.
pub fn generate(python: &Path, folder: &Path, packages: &[&str]) -> anyhow::Result<()> {
    let proto = tools::root().join("proto");
    let mut files: Vec<PathBuf> = Vec::new();
    for package in packages {
        files.extend(fs::read_dir(proto.join(package))?.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let details = tools::root().join("tests/python");
    files.push(details.join("error_details.proto"));
    let flag = |name: &str, path: &Path| format!("{name}{}", path.display());
    let output = Command::new(python)
        .args(["-m", "grpc_tools.protoc"])
        .args([flag("-I", &proto), flag("-I", &details)])
        .args([flag("--python_out=", folder), flag("--grpc_python_out=", folder)])
        .args(files)
        .output()?;
    check("grpc_tools.protoc", &output)
}

/// Passes on a program that succeeded.
///
/// # Errors
/// It failed; the error has what it said.
pub fn check(name: &str, output: &Output) -> anyhow::Result<()> {
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    ensure!(output.status.success(), "{name} failed\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
