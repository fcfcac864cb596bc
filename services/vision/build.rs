//! With the feature `cuda`: compiles the kernels for NVIDIA's GPUs.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest kind of GPU with bf16, and the one since which a kernel may start while another ends. The driver compiles for
/// the one at hand when the program starts.
const ARCHITECTURES: [&str; 2] = ["80", "90"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/cuda/kernels.cu");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return Ok(());
    }
    for name in ["NVCC", "CUDA_HOME", "CUDA_PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let (folder, compiler) = (env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?, compiler());
    for architecture in ARCHITECTURES {
        let target = Path::new(&folder).join(format!("kernels_{architecture}.ptx"));
        let mut command = Command::new(&compiler);
        command.args(["-ptx", "-O3", &format!("-arch=compute_{architecture}"), "-o"]);
        let status = command.arg(target).arg("src/cuda/kernels.cu").status().map_err(|error| {
            format!("{}: {error}; build with `cargo xtask cuda`, which fetches NVIDIA's compiler", compiler.display())
        })?;
        if !status.success() {
            return Err(format!("{} ended with {status}", compiler.display()).into());
        }
    }
    Ok(())
}

/// NVIDIA's compiler: the one that is named, else that of the toolkit that is named, else the one on the path.
fn compiler() -> PathBuf {
    if let Some(compiler) = env::var_os("NVCC") {
        return compiler.into();
    }
    let toolkits = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os);
    let found = toolkits.map(|toolkit| Path::new(&toolkit).join("bin/nvcc")).find(|compiler| compiler.is_file());
    found.unwrap_or_else(|| "nvcc".into())
}
