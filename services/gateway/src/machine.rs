//! What this machine has. Linux tells it in files; of other systems less is known, and nothing is guessed.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// What is read of one file at most: those of /proc for hundreds of processors are longer than anything needed here.
const MOST_FILE_BYTES: u64 = 64 << 10;
const MOST_ACCELERATORS: usize = 64;
const MOST_NAME_CHARACTERS: usize = 100;
/// Drivers of graphics that compute, besides NVIDIA's, which has files of its own.
const GRAPHICS_DRIVERS: [&str; 3] = ["amdgpu", "xe", "i915"];

/// The machine, as far as it tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) processors: Option<usize>,
    pub(crate) processor: String,
    pub(crate) memory: Option<u64>,
    pub(crate) memory_available: Option<u64>,
    pub(crate) disk: Option<u64>,
    pub(crate) disk_available: Option<u64>,
    pub(crate) accelerators: Vec<Accelerator>,
}

/// A device with its driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accelerator {
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) driver_version: String,
}

impl Machine {
    /// Looks at the system under `root` (`/`) and at the disk of `data`. Blocks for as long as the disk takes.
    pub(crate) fn look(root: &Path, data: &Path) -> Self {
        let memory = read(&root.join("proc/meminfo"));
        let (disk, disk_available) = space(data).unzip();
        Self {
            processors: std::thread::available_parallelism().ok().map(Into::into),
            processor: field(&read(&root.join("proc/cpuinfo")), "model name").unwrap_or_default(),
            memory: kibibytes(&memory, "MemTotal"),
            memory_available: kibibytes(&memory, "MemAvailable"),
            disk,
            disk_available,
            accelerators: accelerators(root),
        }
    }
}

/// The beginning of a file; nothing where there is none.
fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MOST_FILE_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "the system does not tell this");
            String::new()
        }
    }
}

/// The value of a line `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let found = text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name);
    found.map(|(_, value)| value.trim().chars().take(MOST_NAME_CHARACTERS).collect())
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let value = field(text, name)?;
    value.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Size of the disk under a folder that may not exist yet, and what is free of it.
#[cfg(unix)]
fn space(data: &Path) -> Option<(u64, u64)> {
    let folder = data.ancestors().find(|folder| folder.exists())?;
    let told = rustix::fs::statvfs(folder);
    let told = told.inspect_err(|error| tracing::debug!(folder = %folder.display(), %error, "the disk tells no size"));
    let told = told.ok()?;
    Some((told.f_blocks.saturating_mul(told.f_frsize), told.f_bavail.saturating_mul(told.f_frsize)))
}

#[cfg(not(unix))]
fn space(_: &Path) -> Option<(u64, u64)> {
    None
}

fn accelerators(root: &Path) -> Vec<Accelerator> {
    let mut found = nvidia(root);
    for folder in folders(&root.join("sys/class/drm")) {
        // "card0" is a device; "card0-DP-1" is one of its outlets.
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_device = name.strip_prefix("card").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        let driver = if is_device { driver(&read(&folder.join("device/uevent"))) } else { None };
        if let Some(driver) = driver {
            found.push(Accelerator { name: String::new(), driver, driver_version: String::new() });
        }
    }
    found.truncate(MOST_ACCELERATORS);
    found
}

fn driver(uevent: &str) -> Option<String> {
    let named = uevent.lines().find_map(|line| line.strip_prefix("DRIVER="))?;
    GRAPHICS_DRIVERS.contains(&named).then(|| named.to_owned())
}

fn nvidia(root: &Path) -> Vec<Accelerator> {
    let driver = root.join("proc/driver/nvidia");
    let version = read(&driver.join("version"));
    // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 …"
    let version = version.lines().next().unwrap_or_default().split_whitespace();
    let is_number = |word: &&str| word.contains('.') && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let version = version.into_iter().find(is_number).unwrap_or_default().to_owned();
    let devices = folders(&driver.join("gpus")).into_iter().map(|folder| Accelerator {
        name: field(&read(&folder.join("information")), "Model").unwrap_or_default(),
        driver: "nvidia".to_owned(),
        driver_version: version.clone(),
    });
    devices.collect()
}

/// What lies in a folder, in order.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_machine_is_read_from_what_the_system_tells() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, "proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast 9000 @ 3 GHz\n\nmodel name\t: Other\n");
        write(root, "proc/meminfo", "MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n");
        write(root, "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun\n");
        write(root, "proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H100\nIRQ: 1\n");
        write(root, "sys/class/drm/card1/device/uevent", "DRIVER=amdgpu\nPCI_CLASS=30000\n");
        write(root, "sys/class/drm/card0/device/uevent", "DRIVER=nvidia\n");
        write(root, "sys/class/drm/card1-DP-1/device/uevent", "DRIVER=amdgpu\n");
        let machine = Machine::look(root, &root.join("not/there/yet"));
        assert_eq!(machine.processor, "Fast 9000 @ 3 GHz");
        assert_eq!((machine.memory, machine.memory_available), (Some(2 << 20), Some(1 << 20)));
        let told: Vec<(&str, &str, &str)> = machine
            .accelerators
            .iter()
            .map(|one| (one.name.as_str(), one.driver.as_str(), one.driver_version.as_str()))
            .collect();
        assert_eq!(told, [("NVIDIA H100", "nvidia", "580.65.06"), ("", "amdgpu", "")]);
        assert!(machine.processors.is_some_and(|count| count > 0));
        if cfg!(unix) {
            assert!(machine.disk > machine.disk_available && machine.disk_available > Some(0));
        }
    }

    #[test]
    fn what_the_system_does_not_tell_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "proc/meminfo", "MemTotal: many kB\nMemAvailable: 99999999999999999999 kB\n");
        write(folder.path(), "proc/cpuinfo", &"model name".repeat(1_000_000));
        write(folder.path(), "sys/class/drm/card0/device/uevent", "DRIVER=simpledrm");
        let machine = Machine::look(folder.path(), folder.path());
        assert_eq!((machine.memory, machine.memory_available, machine.processor.as_str()), (None, None, ""));
        assert!(machine.accelerators.is_empty());
    }
}
