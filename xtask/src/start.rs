//! `up` and `demo`: build the binary and become it.

use std::path::PathBuf;

use anyhow::Context;
use std::process::Command;

use crate::{
    run::{cargo, root, step},
    setup, web,
};

/// Builds `aerie` and runs one of its commands in the foreground.
pub fn aerie(command: &str, release: bool, arguments: &[String]) -> anyhow::Result<()> {
    setup::build_needs()?;
    web::build_if_possible()?;
    let mut build = cargo(["build", "--package", "aerie", "--bin", "aerie"]);
    if release {
        build.arg("--release");
    }
    step("build aerie", &mut build)?;
    let program = binary("aerie", release)?;
    let mut run = Command::new(&program);
    run.arg(command).args(arguments).current_dir(root());
    // Replacing this process lets signals and the exit code pass unchanged.
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let error = run.exec();
        Err(error).with_context(|| format!("{} could not be started", program.display()))
    }
    #[cfg(not(unix))]
    {
        let status = run.status().with_context(|| format!("{} could not be started", program.display()))?;
        std::process::exit(status.code().unwrap_or(1));
    }
}

/// Where cargo puts what it builds.
pub fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where cargo put a program.
pub fn binary(name: &str, release: bool) -> anyhow::Result<PathBuf> {
    let folder = target_folder().join(if release { "release" } else { "debug" });
    Ok(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}
