//! Clients of the vision service: one that nobody here wrote, and the command line, with a tiny model of random weights.

use std::{fs, process::Command};

use aerie_tests::{
    program::Program,
    python,
    tools::{self, PIXEL},
};
use anyhow::ensure;

#[test]
fn a_generated_grpc_client_works_against_vision_alone_and_behind_the_gateway() -> anyhow::Result<()> {
    let (Some(program), Some(python)) = (Program::find()?, tools::python()?) else { return Ok(()) };
    let modules = tempfile::tempdir()?;
    python::generate(&python, modules.path(), &["aerie/llm/v1", "aerie/vision/v1"])?;
    let script = tools::root().join("tests/python/vision_grpc.py");
    let output = Command::new(python)
        .arg(script)
        .args([program.path(), modules.path()])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()?;
    python::check("vision_grpc.py", &output)
}

#[test]
fn the_command_line_looks_at_images() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let home = tempfile::tempdir()?;
    let run = |arguments: &[&str]| program.run(home.path(), arguments);
    fs::write(home.path().join("pixel.png"), PIXEL)?;
    run(&["vision", "random", "tiny"])?.expect(0)?;

    let ask = ["vision", "ask", "pixel.png", "What?", "--model", "tiny", "--temperature", "0", "--max-tokens", "4"];
    run(&ask)?.expect(0)?;
    let answer = run(&[&ask[..], &["--json"]].concat())?.json()?;
    ensure!(answer["usage"]["outputTokens"].as_u64().is_some_and(|tokens| (1..=4).contains(&tokens)), "{answer}");
    let caption = run(&["vision", "caption", "pixel.png", "--model", "tiny", "--max-tokens", "4", "--json"])?.json()?;
    ensure!(caption["caption"].is_string(), "{caption}");

    let find = ["pixel.png", "cat", "--model", "tiny", "--max-objects", "2", "--json", "--draw", "out.png"];
    let found = run(&[&["vision", "detect"][..], &find].concat())?.json()?;
    ensure!(found["boxes"].is_array() && fs::read(home.path().join("out.png"))?.starts_with(b"\x89PNG"), "{found}");
    let found = run(&[&["vision", "point"][..], &find].concat())?.json()?;
    ensure!(found["points"].is_array(), "{found}");

    run(&["vision", "quantize", "tiny", "small", "--to", "q4_0"])?.expect(0)?;
    run(&["vision", "caption", "pixel.png", "--model", "small", "--max-tokens", "2"])?.expect(0)?;

    let nothing = run(&["vision", "ask", "pixel.png", "What?"])?.expect(1)?;
    ensure!(nothing.stderr.contains("aerie vision fetch"), "{}", nothing.stderr);
    let absent = run(&["vision", "fetch", "--offline", "--cache", "hub"])?.expect(1)?;
    ensure!(absent.stderr.contains("without --offline"), "{}", absent.stderr);
    run(&["vision", "verify", "tiny"])?.expect(1)?;
    Ok(())
}
