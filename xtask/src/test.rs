//! `cargo xtask test`: everything that decides whether a change is good.

use std::process::Command;

use clap::Args;

use crate::{
    lint,
    run::{cargo, step, succeeds},
    setup::{self, TestTools},
    start, web,
};

/// Arguments of `test`.
#[derive(Args)]
pub struct Arguments {
    /// Leave out formatting, lints and documentation checks.
    #[arg(long)]
    only_tests: bool,
    /// Further arguments for the test runner, for example a filter.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    runner: Vec<String>,
}

/// Sets up, checks, tests; the runner's summary comes last.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let tools = setup::test_needs()?;
    // First, because the program holds the app: built later, it would have to be compiled twice.
    web::build()?;
    if !arguments.only_tests {
        lint::check(&tools)?;
    }
    // The binary is started by the tests of the whole flow.
    step("build aerie", &mut cargo(["build", "--package", "aerie", "--bin", "aerie"]))?;
    // Whoever filters the tests means those of Rust.
    let web = if arguments.runner.is_empty() {
        step("build the test issuer", &mut cargo(["build", "--package", "aerie-testkit", "--example", "issuer"]))?;
        Some(web::check().and_then(|unit| Ok((unit, browse()?))))
    } else {
        None
    };
    let is_nextest = succeeds("cargo", &["nextest", "--version"]);
    let mut test = cargo(if is_nextest { ["nextest", "run"] } else { ["test", "--no-fail-fast"] });
    test.arg("--workspace").args(is_nextest.then_some("--no-fail-fast"));
    with_tools(&mut test, &tools)?;
    test.args(&arguments.runner);
    let rust = step("test", &mut test);
    match web {
        Some(Ok((unit, browser))) => {
            eprintln!("web: {} tests passed ({unit} of its logic, {browser} in a browser)", unit + browser)
        }
        Some(Err(error)) => {
            rust?;
            return Err(error);
        }
        None => {}
    }
    rust
}

/// The tests in a browser, with what was built for them.
fn browse() -> anyhow::Result<u64> {
    web::browse(&start::binary("aerie", false)?, &start::binary("examples/issuer", false)?)
}

/// The test of an installation that is broken again and again, for longer than among the others, with its figures.
pub fn chaos(seconds: u64, seed: u64) -> anyhow::Result<()> {
    let tools = setup::test_needs()?;
    web::build()?;
    step("build aerie", &mut cargo(["build", "--package", "aerie", "--bin", "aerie"]))?;
    let mut test = cargo(["test", "--package", "aerie-tests", "--test", "chaos", "--", "--nocapture"]);
    with_tools(&mut test, &tools)?;
    test.env("AERIE_CHAOS_SECONDS", seconds.to_string()).env("AERIE_CHAOS_SEED", seed.to_string());
    step("chaos", &mut test)
}

/// Tells the tests where the tools are, and that a missing one is a failure here.
fn with_tools(command: &mut Command, tools: &TestTools) -> anyhow::Result<()> {
    command.env("AERIE_REQUIRE_SERVERS", "1");
    command.env("AERIE_TEST_BINARY", start::binary("aerie", false)?);
    for (name, tool) in [("AERIE_TEST_PYTHON", &tools.python), ("AERIE_TEST_BUF", &tools.buf)] {
        command.env(name, tool);
    }
    Ok(())
}
