//! Configuration: defaults < file < environment < flags, into a checked
//! [`Config`] that knows where each setting came from.
//!
//! Nothing here reads the process's environment or asks for the home folder
//! by itself: [`Sources`] brings both, so that tests bring their own.

mod file;
mod layers;
mod paths;
mod suggest;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use thiserror::Error;

pub use layers::{Config, Flags, KeyBinding, Origin, Set, Sources, VARIABLES, load};
pub use paths::config_dir;
pub use suggest::suggest;

/// The commented configuration file with every default.
pub const DEFAULT_CONFIG: &str = include_str!("../../assets/default-config.toml");
/// The commented key file.
pub const DEFAULT_KEYS: &str = include_str!("../../assets/default-keys.toml");

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("{}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// `message` quotes the line in question.
    #[error("{}, line {line}: {message}", path.display())]
    File {
        path: PathBuf,
        line: usize,
        message: String,
    },
    #[error("environment variable {name} = `{value}`: {message}")]
    Environment {
        name: String,
        value: String,
        message: String,
    },
    #[error("--{name} `{value}`: {message}")]
    Flag {
        name: &'static str,
        value: String,
        message: String,
    },
}
