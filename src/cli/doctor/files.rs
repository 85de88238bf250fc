//! The program itself, its configuration and its folders.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::{self, Config, Origin};
use crate::headless::Failure;
use crate::headless::doctor::{Check, Status};

const CONFIGURATION: &str = "configuration";

/// Version and machine.
pub fn program() -> Vec<Check> {
    const AREA: &str = "program";
    let version = format!(
        "pointsman {} for {} on {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let cores = match std::thread::available_parallelism() {
        Ok(cores) => Check::ok(AREA, "cores", cores.to_string()),
        Err(error) => Check::ok(AREA, "cores", error.to_string())
            .but(Status::Note, "models in this process use one"),
    };
    let memory = available_memory().map(|bytes| {
        let text = format!("{:.1} GB available", bytes as f64 / 1e9);
        Check::ok(AREA, "memory", text)
    });
    let version = Check::ok(AREA, "version", version);
    [version, cores].into_iter().chain(memory).collect()
}

/// Bytes that programs can still take, where the system says.
fn available_memory() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The files of the configuration, and what they come to.
pub fn configuration(
    env: &BTreeMap<String, String>,
    config: &Result<Config, Failure>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    match config::config_dir(env) {
        None => checks.push(
            Check::ok(CONFIGURATION, "folder", "there is no home folder")
                .but(Status::Note, "name one by POINTSMAN_CONFIG_DIR"),
        ),
        Some(folder) => {
            checks.extend(["config.toml", "keys.toml"].map(|name| file(&folder, name)));
        }
    }
    match config {
        Err(failure) => checks.push(
            Check::ok(CONFIGURATION, "settings", failure.message.clone()).but(
                Status::Problem,
                "no command that draws starts before it is mended",
            ),
        ),
        Ok(config) => {
            checks.push(settings(config));
            checks.extend(faults(env, config));
        }
    }
    checks
}

fn file(folder: &Path, name: &'static str) -> Check {
    let path = folder.join(name);
    let state = match path.is_file() {
        true => "found",
        false => "not there: the defaults hold",
    };
    Check::ok(CONFIGURATION, name, format!("{} ({state})", path.display()))
}

/// What differs from the defaults, and who set it.
fn settings(config: &Config) -> Check {
    let settings = config.settings();
    let changed = settings
        .iter()
        .filter(|(_, _, origin)| **origin != Origin::Default);
    let told: Vec<String> = changed
        .map(|(name, value, origin)| format!("{name} = {value} ({origin})"))
        .collect();
    let text = match told.is_empty() {
        true => "all defaults".to_owned(),
        false => told.join(", "),
    };
    Check::ok(CONFIGURATION, "settings", text)
}

/// Keys and themes that are not as they are written: the program starts, and
/// says so.
fn faults(env: &BTreeMap<String, String>, config: &Config) -> Vec<Check> {
    let found = crate::cli::config::faults(env, config).into_iter();
    found
        .map(|fault| {
            let check = Check::ok(CONFIGURATION, fault.about, fault.text);
            check.but(Status::Problem, fault.help)
        })
        .collect()
}

/// Folders that the program writes to.
pub fn folders() -> Vec<Check> {
    const AREA: &str = "folders";
    let sessions = match crate::cli::inspect::sessions_folder() {
        None => Check::ok(AREA, "sessions", "there is no home folder")
            .but(Status::Note, "`inspect` needs `--log FILE`"),
        Some(folder) => writable(
            AREA,
            "sessions",
            &folder,
            "`inspect` keeps its logs there: mend it, or give `--log FILE`",
        ),
    };
    let temporary = writable(
        AREA,
        "temporary",
        &std::env::temp_dir(),
        "`e` edits a step in a file there: set TMPDIR to a folder that can be written to",
    );
    vec![sessions, temporary]
}

/// Whether a file can be made in a folder, or in the nearest one above it that
/// is there.
fn writable(area: &'static str, name: &'static str, folder: &Path, help: &str) -> Check {
    let there = folder.ancestors().find(|path| path.exists());
    let made = there.map(|path| {
        tempfile::Builder::new()
            .prefix(".pointsman-")
            .tempfile_in(path)
    });
    let shown = folder.display();
    match made {
        Some(Ok(_)) if folder.exists() => Check::ok(area, name, shown.to_string()),
        Some(Ok(_)) => Check::ok(area, name, format!("{shown} (made when it is needed)")),
        Some(Err(error)) => Check::ok(
            area,
            name,
            format!("{shown} cannot be written to ({error})"),
        )
        .but(Status::Problem, help),
        None => Check::ok(area, name, format!("{shown} is not there")).but(Status::Problem, help),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_made_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("a/b");
        let check = writable("x", "x", &new, "mend it");
        assert_eq!(check.status, Status::Ok);
        assert!(check.text.ends_with("(made when it is needed)"));
        assert!(!new.exists());
        // A file in the place of a folder.
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let check = writable("x", "x", &file.join("sessions"), "mend it");
        assert_eq!(check.status, Status::Problem);
    }
}
