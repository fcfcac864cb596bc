//! What building and testing need from the machine: installed when missing and permitted, else named.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::bail;

use crate::{
    run::{cache, root, step, succeeds},
    web,
};

/// Tools that the tests use.
pub struct TestTools {
    /// Python with grpcio-tools, OpenAI's library and a llama.cpp server.
    pub python: PathBuf,
    /// The buf command.
    pub buf: PathBuf,
}

struct Need {
    package: &'static str,
    present: fn() -> bool,
}

fn postgres() -> bool {
    fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").exists()))
        || succeeds("initdb", &["--version"])
}

/// Whether a file lies in the folder of some architecture's libraries.
fn lies_in_libraries(name: &str) -> bool {
    fs::read_dir("/usr/lib").is_ok_and(|folders| folders.flatten().any(|folder| folder.path().join(name).exists()))
}

/// A C compiler, and either OpenSSL's headers or what building OpenSSL takes.
pub fn build_needs() -> anyhow::Result<()> {
    let compiler = Need { package: "gcc", present: || succeeds("cc", &["--version"]) };
    let openssl = Need {
        package: "libssl-dev pkg-config",
        present: || {
            succeeds("pkg-config", &["--exists", "openssl"])
                || (succeeds("perl", &["-MFindBin", "-e", "1"]) && succeeds("make", &["--version"]))
        },
    };
    install(&[compiler, openssl])
}

/// Everything that `cargo xtask test` needs.
pub fn test_needs() -> anyhow::Result<TestTools> {
    build_needs()?;
    install(&[
        Need { package: "libssl-dev pkg-config", present: || succeeds("pkg-config", &["--exists", "openssl"]) },
        Need { package: "postgresql", present: postgres },
        Need { package: "nats-server", present: || Path::new("/usr/sbin/nats-server").exists() },
        Need { package: "pgbouncer", present: || Path::new("/usr/sbin/pgbouncer").exists() },
        Need { package: "dovecot-imapd", present: || Path::new("/usr/lib/dovecot/imap").exists() },
        Need { package: "faketime", present: || lies_in_libraries("faketime/libfaketimeMT.so.1") },
        Need { package: "g++", present: || succeeds("c++", &["--version"]) },
        Need { package: "poppler-utils", present: || succeeds("pdftotext", &["-v"]) },
        Need { package: "nodejs", present: || succeeds("node", &["--version"]) },
        Need { package: "npm", present: || succeeds("npm", &["--version"]) },
        Need { package: "chromium", present: || web::chromium().is_some() },
        Need { package: "python3-venv", present: || succeeds("python3", &["-c", "import ensurepip, venv"]) },
    ])?;
    let folder = python_environment()?;
    Ok(TestTools { python: folder.join("python"), buf: folder.join("buf") })
}

fn install(needs: &[Need]) -> anyhow::Result<()> {
    let missing: Vec<&str> = needs.iter().filter(|need| !(need.present)()).map(|need| need.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root || !succeeds("apt-get", &["--version"]) {
        bail!("these are missing: {packages}; install them, on Debian with: sudo apt-get install -y {packages}");
    }
    step("apt-get update", Command::new("apt-get").args(["update", "-q"]))?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-y", "-q", "--no-install-recommends"]).args(packages.split(' '));
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    step(&format!("install {packages}"), &mut apt)
}

/// A Python environment of our own, made once: the gRPC client generator, buf, OpenAI's library, and a llama.cpp server.
/// Returns its folder of programs.
fn python_environment() -> anyhow::Result<PathBuf> {
    let folder = cache()?.join("python");
    let programs = folder.join("bin");
    let python = programs.join("python");
    let lists = ["requirements.txt", "requirements-llama.txt"];
    let installed = |list: &str| same(&root().join("tests/python").join(list), &folder.join(list));
    if python.exists() && lists.iter().all(|list| installed(list)) {
        return Ok(programs);
    }
    if !python.exists() {
        step("make a Python environment", Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    for list in lists {
        let requirements = root().join("tests/python").join(list);
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
        // llama.cpp is built from source, for any processor and without what the tests do not use.
        pip.env("CMAKE_ARGS", "-DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DCMAKE_BUILD_TYPE=MinSizeRel");
        step(&format!("install tests/python/{list}"), &mut pip)?;
        fs::copy(&requirements, folder.join(list))?;
    }
    Ok(programs)
}

fn same(wanted: &Path, installed: &Path) -> bool {
    match (fs::read(wanted), fs::read(installed)) {
        (Ok(wanted), Ok(installed)) => wanted == installed,
        _ => false,
    }
}
