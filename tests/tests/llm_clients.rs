//! Clients that nobody here wrote, against `aerie llm-router` as a process of its own with a model provider behind it.

use std::{path::Path, process::Command};

use aerie_tests::{program::Program, python, tools};

fn script(python: &Path, name: &str, arguments: &[&Path]) -> anyhow::Result<()> {
    let script = tools::root().join("tests/python").join(name);
    let output = Command::new(python).arg(script).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").output()?;
    python::check(name, &output)
}

#[test]
fn openais_own_library_works_against_the_router() -> anyhow::Result<()> {
    let (Some(program), Some(python)) = (Program::find()?, tools::python_with("openai")?) else { return Ok(()) };
    script(&python, "openai_client.py", &[program.path()])
}

#[test]
fn a_generated_grpc_client_works_against_the_router() -> anyhow::Result<()> {
    let (Some(program), Some(python)) = (Program::find()?, tools::python()?) else { return Ok(()) };
    let modules = tempfile::tempdir()?;
    python::generate(&python, modules.path(), &["aerie/llm/v1"])?;
    script(&python, "llm_grpc.py", &[program.path(), modules.path()])
}

#[test]
fn a_real_llama_cpp_server_is_a_backend() -> anyhow::Result<()> {
    let (Some(program), Some(python)) = (Program::find()?, tools::python_with("llama_cpp.server")?) else {
        return Ok(());
    };
    let modules = tempfile::tempdir()?;
    python::generate(&python, modules.path(), &["aerie/llm/v1"])?;
    script(&python, "llama_cpp_server.py", &[program.path(), modules.path()])
}
