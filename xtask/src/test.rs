//! `cargo xtask test`: everything that decides whether a change is good.

use std::process::Command;

use clap::Args;

use crate::{
    lint,
    run::{cargo, step, succeeds},
    setup::{self, TestTools},
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
    if !arguments.only_tests {
        lint::check(&tools)?;
    }
    // The binary is started by the tests of the whole flow.
    step("build aerie", &mut cargo(["build", "--package", "aerie", "--bin", "aerie"]))?;
    if succeeds("cargo", &["nextest", "--version"]) {
        let mut nextest = cargo(["nextest", "run", "--workspace", "--no-fail-fast"]);
        with_tools(&mut nextest, &tools)?;
        nextest.args(&arguments.runner);
        return step("test", &mut nextest);
    }
    let mut test = cargo(["test", "--workspace", "--no-fail-fast"]);
    with_tools(&mut test, &tools)?;
    test.args(&arguments.runner);
    step("test", &mut test)
}

/// Tells the tests where the tools are, and that a missing one is a failure here.
fn with_tools(command: &mut Command, tools: &TestTools) -> anyhow::Result<()> {
    command.env("AERIE_REQUIRE_SERVERS", "1");
    command.env("AERIE_TEST_BINARY", crate::start::binary("aerie", false)?);
    for (name, tool) in [("AERIE_TEST_PYTHON", &tools.python), ("AERIE_TEST_BUF", &tools.buf)] {
        command.env(name, tool);
    }
    Ok(())
}
