//! The machine, as the document names it.

use std::fs;
use std::process::Command;

use super::Result;

/// Cores, memory, kernel and versions in one line.
pub fn description() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    let memory = memory.unwrap_or(0_u64) as f64 / f64::from(1 << 20);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let processor = processor.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let git = Command::new("git").arg("--version").output()?;
    let git = String::from_utf8_lossy(&git.stdout).into_owned();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!(
        "{cores} cores ({processor}), {memory:.0} GiB, Linux {}, {}; load before the run {load}",
        kernel.trim(),
        git.trim()
    ))
}

/// Kilobytes of a process's memory by the name Linux gives them (`VmHWM`: peak, `VmRSS`: now); `None` elsewhere, and when the
/// process has just ended.
pub fn memory_kb(process: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim_start_matches(':').trim().strip_suffix(" kB")?.parse().ok())
}

/// The child of a process that runs the engine.
pub fn engine_of(process: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let of_threads = threads.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("children")).ok());
    let all: Vec<String> = std::iter::once(children).chain(of_threads).collect();
    let mut children = all.iter().flat_map(|list| list.split_whitespace()).filter_map(|id| id.parse().ok());
    children.find(|id: &u32| {
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).nth(1) == Some(b"engine")
    })
}
