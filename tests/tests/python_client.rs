//! A client generated in another language drives the whole flow.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use aerie_tests::{program::Program, server::Server, tools};
use anyhow::{Context, ensure};

/// Generates the Python modules of every service into `folder`.
fn generate(python: &Path, folder: &Path) -> anyhow::Result<()> {
    let proto = tools::root().join("proto");
    let services = proto.join("aerie/pipeline/v1");
    let mut files: Vec<PathBuf> = fs::read_dir(&services)?.flatten().map(|entry| entry.path()).collect();
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

fn check(name: &str, output: &Output) -> anyhow::Result<()> {
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    ensure!(output.status.success(), "{name} failed\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn a_generated_python_client_drives_the_whole_flow() -> anyhow::Result<()> {
    let (Some(program), Some(python)) = (Program::find()?, tools::python()?) else { return Ok(()) };
    let modules = tempfile::tempdir()?;
    generate(&python, modules.path())?;
    let server = Server::demo(&program)?;
    let flow = tools::root().join("tests/python/flow.py");
    let output = Command::new(python)
        .arg(flow)
        .arg(server.authority())
        .arg(modules.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .context("flow.py")?;
    check("flow.py", &output)
}
