//! Where this kind of system keeps application data and settings.

use std::{env, path::PathBuf};

/// The platform's folder for Aerie's data; none when the system names no home.
///
/// Linux follows the XDG base directory specification, macOS uses Application Support, Windows local application data.
#[must_use]
pub fn default_data_dir() -> Option<PathBuf> {
    if cfg!(target_os = "macos") {
        return folder("HOME").map(|home| home.join("Library/Application Support/aerie"));
    }
    if cfg!(windows) {
        return folder("LOCALAPPDATA").map(|data| data.join("aerie"));
    }
    folder("XDG_DATA_HOME")
        .map(|data| data.join("aerie"))
        .or_else(|| folder("HOME").map(|home| home.join(".local/share/aerie")))
}

/// The configuration file that is read when none is named and it exists; none when the system names no home.
#[must_use]
pub fn default_file() -> Option<PathBuf> {
    if cfg!(target_os = "macos") || cfg!(windows) {
        return default_data_dir().map(|data| data.join("aerie.yaml"));
    }
    folder("XDG_CONFIG_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".config")))
        .map(|config| config.join("aerie/aerie.yaml"))
}

// The XDG specification says to ignore relative paths.
fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
