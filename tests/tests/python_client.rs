//! A client generated in another language drives the whole flow.

use std::process::Command;

use aerie_tests::{program::Program, python, server::Server, tools};
use anyhow::Context;

#[test]
fn a_generated_python_client_drives_the_whole_flow() -> anyhow::Result<()> {
    let (Some(program), Some(python)) = (Program::find()?, tools::python()?) else { return Ok(()) };
    let modules = tempfile::tempdir()?;
    python::generate(&python, modules.path(), &["aerie/pipeline/v1"])?;
    let server = Server::demo(&program)?;
    let flow = tools::root().join("tests/python/flow.py");
    let output = Command::new(python)
        .arg(flow)
        .arg(server.authority())
        .arg(modules.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .context("flow.py")?;
    python::check("flow.py", &output)
}
