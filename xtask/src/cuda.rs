//! `cargo xtask cuda`: the vision service's program for NVIDIA's GPUs, also on a machine that has neither one nor
//! NVIDIA's toolkit.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

#[cfg(unix)]
use std::os::unix::fs::symlink;

use anyhow::Context;

use crate::{
    run::{cache, cargo, step, succeeds},
    setup,
    start::target_folder,
};

/// What the build takes of NVIDIA's packages. Drivers of CUDA 13.0 refuse what a newer compiler writes.
const PACKAGES: &str = "cuda-toolkit[nvcc,cudart,cublas,nvrtc,curand,cccl]==13.0.*";
/// The kind of GPU to build for where the machine has none: the oldest with bf16.
const OLDEST_GPU: &str = "80";

/// Builds `aerie` with code for GPUs, and puts it as `aerie-vision` beside `aerie`, where `aerie up` finds it.
pub fn build(release: bool) -> anyhow::Result<()> {
    let profile = if release { "release" } else { "dev" };
    let mut build = command(&["rustc", "--profile", profile, "--package", "aerie", "--bin", "aerie"])?;
    // The program looks for CUDA's libraries where they were when it was built, then where the system has them.
    let libraries = libraries()?.map(|folder| format!("-Clink-arg=-Wl,-rpath,{}", folder.display()));
    step("build aerie for GPUs", build.arg("--").args(libraries))?;
    let folder = if release { "release" } else { "debug" };
    let built = target_folder().join("cuda").join(folder).join("aerie");
    let beside = target_folder().join(folder).join("aerie-vision");
    fs::create_dir_all(target_folder().join(folder))?;
    fs::copy(&built, &beside).with_context(|| format!("{} could not be copied", built.display()))?;
    eprintln!("\nwrote {}", beside.display());
    Ok(())
}

/// A cargo command that builds with the feature `cuda`. It has a folder of its own for what it builds, since most of that
/// differs from every other build's.
pub fn command(arguments: &[&str]) -> anyhow::Result<Command> {
    setup::build_needs()?;
    let mut command = cargo(arguments);
    command.args(["--features", "cuda"]).env("CARGO_TARGET_DIR", target_folder().join("cuda"));
    if let Some(libraries) = libraries()? {
        let toolkit = toolkit()?;
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = [toolkit.join("bin")].into_iter().chain(env::split_paths(&path));
        command.env("PATH", env::join_paths(paths)?).env("NVCC", toolkit.join("bin/nvcc"));
        command.env("CUDA_HOME", &toolkit).env("CUDA_PATH", &toolkit).env("LD_LIBRARY_PATH", libraries);
    }
    if env::var_os("CUDA_COMPUTE_CAP").is_none() && !succeeds("nvidia-smi", &[]) {
        command.env("CUDA_COMPUTE_CAP", OLDEST_GPU);
    }
    Ok(command)
}

/// The folder of CUDA's libraries where they are those of [`toolkit`], and not the system's own.
fn libraries() -> anyhow::Result<Option<PathBuf>> {
    let is_installed = env::var_os("CUDA_HOME").is_some() || succeeds("nvcc", &["--version"]);
    if is_installed { Ok(None) } else { Ok(Some(toolkit()?.join("lib64"))) }
}

/// NVIDIA's compiler and libraries from the Python package index, in the layout that builds look for. Made once, in the
/// user's cache folder; it takes 1.2 GB.
fn toolkit() -> anyhow::Result<PathBuf> {
    let folder = cache()?.join("cuda");
    let (environment, prefix) = (folder.join("venv"), folder.join("toolkit"));
    let (python, ready) = (environment.join("bin/python"), prefix.join("ready"));
    if ready.exists() {
        return Ok(prefix);
    }
    step("make a Python environment", Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGES]);
    step("install NVIDIA's compiler", &mut pip)?;
    let where_from = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let output = Command::new(&python).args(["-c", where_from]).output().context("the Python environment")?;
    let packages = PathBuf::from(String::from_utf8(output.stdout)?.trim()).join("nvidia/cu13");
    if prefix.exists() {
        fs::remove_dir_all(&prefix)?;
    }
    fs::create_dir_all(prefix.join("lib64/stubs"))?;
    // The compiler finds its parts from where it really lies, so these are copies and the rest links.
    copy_folder(&packages.join("bin"), &prefix.join("bin"))?;
    copy_folder(&packages.join("nvvm"), &prefix.join("nvvm"))?;
    symlink(packages.join("include"), prefix.join("include"))?;
    symlink("lib64", prefix.join("lib"))?;
    link_libraries(&packages.join("lib"), &prefix.join("lib64"))?;
    driver_stub(&packages.join("include/cuda.h"), &prefix.join("lib64/stubs"))?;
    fs::write(ready, "")?;
    Ok(prefix)
}

/// Links every library under its own name and under the one without a version.
fn link_libraries(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        symlink(&path, to.join(name))?;
        if let Some((plain, _)) = name.split_once(".so.").filter(|(plain, _)| !plain.contains(".alt")) {
            symlink(&path, to.join(format!("{plain}.so")))?;
        }
    }
    Ok(())
}

/// A library with the driver's functions and nothing in them, to link against: the real one comes with the driver.
fn driver_stub(header: &Path, folder: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(header).with_context(|| format!("{} could not be read", header.display()))?;
    let words = text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    let is_function = |word: &&str| {
        word.strip_prefix("cu").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
    };
    let names: BTreeSet<&str> = words.filter(is_function).collect();
    let source: String = names.iter().map(|name| format!("void {name}(void) {{}}\n")).collect();
    let file = folder.join("driver.c");
    fs::write(&file, source)?;
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-w", "-Wl,-soname,libcuda.so.1", "-o"]);
    step("make a stand-in for the driver", compiler.arg(folder.join("libcuda.so")).arg(&file))
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn symlink(_: impl AsRef<Path>, _: impl AsRef<Path>) -> anyhow::Result<()> {
    anyhow::bail!("NVIDIA's packages are put together on Linux only; install their toolkit")
}
