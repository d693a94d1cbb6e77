//! Where `libchdb` lies. `engine/install.mjs` puts it there; both sides agree on the folder's name.

use super::EngineError;
use std::path::{Path, PathBuf};

/// The locked version of the library; `engine/platforms.json` names the same one (a test compares them).
pub const VERSION: &str = "26.7.3-stable.1";

// The packages ship the library under this name on every system.
const FILE_NAME: &str = "libchdb.so";

/// Finds the library: `configured` alone when given, else the cache folder the installer fills,
/// `<cache_home>/kubestats/engine/<version>-<platform>/`.
///
/// `configured` is a library file, a folder that holds one, or the installer's own `$KUBESTATS_ENGINE_CACHE`. `cache_home` is the user's cache folder
/// (`$XDG_CACHE_HOME` or `~/.cache`); this function reads no environment.
///
/// # Errors
/// [`EngineError::LibraryMissing`] names every path that was tried and the command that installs the library.
pub fn find_library(configured: Option<&Path>, cache_home: Option<&Path>) -> Result<PathBuf, EngineError> {
    let searched: Vec<PathBuf> = match (configured, cache_home) {
        (Some(path), _) if path.is_dir() => {
            vec![path.join(FILE_NAME), path.join(folder_name()).join(FILE_NAME)]
        }
        (Some(path), _) => vec![path.to_owned()],
        (None, Some(home)) => vec![cache_folder(home).join(FILE_NAME)],
        (None, None) => Vec::new(),
    };
    match searched.iter().find(|path| path.is_file()) {
        Some(found) => std::path::absolute(found).map_err(EngineError::io(format!("resolve {}", found.display()))),
        None => Err(EngineError::LibraryMissing { searched }),
    }
}

/// The folder the installer fills, below the user's cache folder.
pub fn cache_folder(cache_home: &Path) -> PathBuf {
    cache_home.join("kubestats/engine").join(folder_name())
}

/// This machine's name in `engine/platforms.json`: Node's words for system and processor.
pub fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{processor}")
}

fn folder_name() -> String {
    format!("{VERSION}-{}", platform())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named_with_the_command_that_installs_it() {
        let error = find_library(None, Some(Path::new("/nowhere/cache"))).unwrap_err().to_string();
        assert!(error.contains("/nowhere/cache/kubestats/engine/26.7.3-stable.1-"), "{error}");
        assert!(error.contains("`make setup`"), "{error}");
    }

    #[test]
    fn a_configured_path_is_the_only_one_tried() {
        let error =
            find_library(Some(Path::new("/nowhere/libchdb.so")), Some(Path::new("/nowhere/cache"))).unwrap_err();
        let EngineError::LibraryMissing { searched } = error else { panic!("{error}") };
        assert_eq!(searched, [PathBuf::from("/nowhere/libchdb.so")]);
    }

    #[test]
    fn program_and_installer_agree_on_the_version() {
        let table = include_str!("../../../engine/platforms.json");
        let table: serde_json::Value = serde_json::from_str(table).unwrap();
        assert_eq!(table["version"], VERSION);
        assert_eq!(table["library"], FILE_NAME);
    }
}
