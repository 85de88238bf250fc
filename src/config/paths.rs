//! Where the configuration lives.

use std::collections::BTreeMap;
use std::path::PathBuf;

use directories::ProjectDirs;

/// The configuration folder: `POINTSMAN_CONFIG_DIR`, else the platform's
/// (`~/.config/pointsman` on Linux). `None` where there is no home.
#[must_use]
pub fn config_dir(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    match env
        .get("POINTSMAN_CONFIG_DIR")
        .filter(|dir| !dir.is_empty())
    {
        Some(dir) => Some(PathBuf::from(dir)),
        None => ProjectDirs::from("", "", "pointsman").map(|dirs| dirs.config_dir().to_owned()),
    }
}
