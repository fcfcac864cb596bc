//! How much memory this process may still take.

use std::fs;
use std::path::Path;

use candle_core::Device;

/// Bytes that are free on the device. None where nobody says.
pub(crate) fn free_bytes(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => free_of_process(),
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => {
            // It is asked of the thread's context.
            device.cuda_stream().context().bind_to_thread().ok()?;
            let (free, _) = candle_core::cuda_backend::cudarc::driver::result::mem_get_info().ok()?;
            u64::try_from(free).ok()
        }
        _ => None,
    }
}

/// The machine's, or what is left of the control group's limit.
fn free_of_process() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    let group = Path::new("/sys/fs/cgroup");
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    let left = number("memory.max").map(|limit| limit.saturating_sub(number("memory.current").unwrap_or(0)));
    match (machine, left) {
        (Some(machine), Some(left)) => Some(machine.min(left)),
        (machine, left) => machine.or(left),
    }
}

/// `MemAvailable` of `/proc/meminfo`.
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Limits the memory that this process may take for data; an allocation beyond ends the process. 0 limits nothing.
///
/// The files of weights that are mapped for reading do not count. Only Linux has this limit.
///
/// # Errors
/// What the system says.
pub fn limit_memory(bytes: u64) -> std::io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    {
        let limit = rustix::process::Rlimit { current: Some(bytes), maximum: Some(bytes) };
        rustix::process::setrlimit(rustix::process::Resource::Data, limit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_line_is_read() {
        let text = "MemTotal:       24579652 kB\nMemFree:         4330472 kB\nMemAvailable:   22020096 kB\n";
        assert_eq!(available(text), Some(22_020_096 * 1024));
        assert_eq!(available("MemTotal: 5 kB\n"), None);
        assert_eq!(available("MemAvailable: many kB\n"), None);
    }
}
