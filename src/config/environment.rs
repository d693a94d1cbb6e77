//! What the environment and the machine say.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Names of variables that set keys begin with it.
const PREFIX: &str = "KUBESTATS_";
/// The configuration file.
pub(super) const CONFIG: &str = "KUBESTATS_CONFIG";
/// Where the installer puts the engine's library.
pub(super) const ENGINE_CACHE: &str = "KUBESTATS_ENGINE_CACHE";
/// Where the kernel shows a container its own limit in bytes (cgroup v2, v1); without a limit v2 says `max`.
const CONTAINER_LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// The variable that sets a key: `KUBESTATS_SERVER__LISTEN` for `server.listen`.
pub(super) fn variable_of(key: &str) -> String {
    with_prefix(&key.to_ascii_uppercase().replace('.', "__"))
}

pub(super) fn with_prefix(name: &str) -> String {
    format!("{PREFIX}{name}")
}

pub(super) fn without_prefix(variable: &str) -> &str {
    variable.strip_prefix(PREFIX).unwrap_or(variable)
}

/// The variables that are meant to set keys, with their values, by name.
pub(super) fn variables() -> Vec<(OsString, OsString)> {
    let is_ours = |name: &OsStr| {
        let text = name.to_string_lossy();
        text.starts_with(PREFIX) && text != CONFIG && text != ENGINE_CACHE && !is_service_link(&text)
    };
    let mut variables: Vec<_> = std::env::vars_os().filter(|(name, _)| is_ours(name)).collect();
    variables.sort();
    variables
}

/// Whether Kubernetes itself set the variable: pods beside a Service that is called `kubestats` get its addresses
/// (`KUBESTATS_SERVICE_HOST`, `KUBESTATS_PORT_8080_TCP_ADDR`).
fn is_service_link(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    ["SERVICE_HOST", "SERVICE_PORT", "PORT"].contains(&rest)
        || rest.strip_prefix("PORT_").is_some_and(numbered)
        || rest.strip_prefix("SERVICE_PORT_").is_some_and(|name| !name.is_empty() && !name.starts_with('_'))
}

/// The configuration file that the environment names.
pub(super) fn config_file() -> Option<PathBuf> {
    std::env::var_os(CONFIG).map(PathBuf::from)
}

/// Where the data lie unless somebody says otherwise; `None` without a home.
pub(super) fn default_data_dir() -> Option<PathBuf> {
    let base = absolute_folder("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share")));
    base.map(|base| base.join("kubestats"))
}

/// The user's cache folder; `None` without a home.
pub(super) fn cache_home() -> Option<PathBuf> {
    absolute_folder("XDG_CACHE_HOME").or_else(|| home().map(|home| home.join(".cache")))
}

fn home() -> Option<PathBuf> {
    absolute_folder("HOME")
}

/// A folder that a variable names; one that is not absolute means nothing, as the XDG rules have it.
pub(super) fn absolute_folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The first of some variables that is set, with its name. One that is empty is not set.
pub(super) fn first_of(variables: &[&'static str]) -> Option<(&'static str, OsString)> {
    let mut set = variables.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    set.find(|(_, value)| !value.is_empty())
}

/// The memory in bytes that this process may have: the machine's, or less where a container limits it; 4 GiB where neither
/// can be told.
pub(super) fn available_memory() -> u64 {
    let limits =
        CONTAINER_LIMITS.into_iter().filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok());
    limits.chain(machine_memory()).min().unwrap_or(4 << 30)
}

fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::{is_service_link, variable_of};

    #[test]
    fn variables_name_keys_by_their_path() {
        assert_eq!(variable_of("data_dir"), "KUBESTATS_DATA_DIR");
        assert_eq!(variable_of("server.listen"), "KUBESTATS_SERVER__LISTEN");
    }

    #[test]
    fn what_kubernetes_sets_for_a_service_is_no_key() {
        for link in ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP", "PORT_8080_TCP_ADDR"]
        {
            assert!(is_service_link(&format!("KUBESTATS_{link}")), "{link}");
        }
        for own in ["SERVER__LISTEN", "PORTS", "PORT_NAME", "SERVICE", "SERVICE_PORT__X"] {
            assert!(!is_service_link(&format!("KUBESTATS_{own}")), "{own}");
        }
    }
}
